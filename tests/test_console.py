from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from yolo_koin import showing
from yolo_koin.console import bar, say
from yolo_koin.parallel import Step
from yolo_koin.verbs.benchmark import BenchmarkResult


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

    with pytest.raises(typer.Exit) as stopped, bar("Do it again."):
        raise KeyboardInterrupt
    assert stopped.value.exit_code == 130
    assert "Do it again." in capsys.readouterr().err


def test_a_long_run_without_a_terminal_says_a_line_a_minute(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([0.0, 30.0, 61.0, 61.0, 90.0])
    monkeypatch.setattr("yolo_koin.console.time.monotonic", lambda: next(clock))
    with bar() as show:
        for epoch in range(1, 4):
            show(Step("epoch", epoch, 9, f"loss {epoch}"))
    assert capsys.readouterr().err.split("\n")[0] == "epoch 2 of 9  loss 2"


def test_json_has_no_words_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    say(True, {"val": float("nan"), "n": np.int64(3), "name": "a\udcff"}, (), [])
    written = capsys.readouterr().out
    assert "NaN" not in written
    assert json.loads(written) == {"val": None, "n": 3, "name": "a\udcff"}


def test_where_a_training_goes_on_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    with bar() as show:
        show(Step("continuing", 13, 40))
    assert capsys.readouterr().err == "continuing from epoch 13 of 40\n"


def test_a_benchmark_tells_its_pages_and_where_its_figures_are(capsys: pytest.CaptureFixture[str]) -> None:
    run, table = Path("runs/x"), pd.DataFrame({"model": ["m"]})
    pages, figures = (run / "report.html",), (run / "figures/a.png", run / "figures/a.pdf")
    showing.benchmark(BenchmarkResult(run=run, metrics=table, table=table, pages=pages, figures=figures), False)
    assert capsys.readouterr().out.splitlines()[-3:] == ["runs/x/results.csv", "runs/x/report.html", "runs/x/figures"]
