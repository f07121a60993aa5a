from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest

from yolo_koin.console import bar, say


def test_columns_line_up_with_hangul(capsys: pytest.CaptureFixture[str]) -> None:
    say(False, None, ("name", "n"), [("김민준", 1), ("Kim", 22)], "a line")
    assert capsys.readouterr().out.splitlines() == ["name    n", "김민준  1", "Kim     22", "a line"]


def test_json_keeps_frames_paths_and_nothing_else(capsys: pytest.CaptureFixture[str]) -> None:
    @dataclass
    class Result:
        table: pd.DataFrame
        path: Path
        missing: float | None = None

    say(True, Result(pd.DataFrame({"이름": ["수지"], "n": [1]}), Path("a/b")), ("x",), [], "not printed")
    assert json.loads(capsys.readouterr().out) == {"table": [{"이름": "수지", "n": 1}], "path": "a/b", "missing": None}


def test_an_interruption_says_how_to_go_on(capsys: pytest.CaptureFixture[str]) -> None:
    import typer

    with pytest.raises(typer.Exit) as stopped, bar("working", "Do it again."):
        raise KeyboardInterrupt
    assert stopped.value.exit_code == 130
    assert "Do it again." in capsys.readouterr().err
