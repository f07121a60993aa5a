"""One writer at a time, in threads and in processes; the dead hold nothing."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from yolo_koin import locks
from yolo_koin.errors import RunError
from yolo_koin.locks import is_held, locked, tidy

HOLD = """
import sys
from pathlib import Path
from yolo_koin.locks import locked
with locked(Path(sys.argv[1])):
    print("held", flush=True)
    input()
"""


def holder(folder: Path) -> subprocess.Popen[str]:
    """A process that keeps a folder until it is told to go on."""
    other = subprocess.Popen([sys.executable, "-c", HOLD, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert other.stdout is not None
    assert other.stdout.readline() == "held\n"
    return other


def test_another_process_is_waited_for_and_named(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder = tmp_path / "run"
    other = holder(folder)
    threading.Timer(0.5, lambda: other.communicate("\n")).start()
    began = time.monotonic()
    with locked(folder):
        assert time.monotonic() - began > 0.3
    (line,) = caplog.messages
    assert line.startswith(f"waiting for process {other.pid} on ")
    assert str(folder) in line
    assert list(tmp_path.iterdir()) == [], "no lock stays"


def test_a_process_that_was_killed_holds_nothing_and_leaves_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder = tmp_path / "run"
    other = holder(folder)
    (folder / "deep").mkdir(parents=True)
    for name in (".0123456789abcdef.csv", "deep/.fedcba9876543210"):
        (folder / name).touch()  # half written
    (folder / ".mine.csv").touch()
    other.kill()
    other.communicate()
    with locked(folder):
        assert sorted(path.name for path in folder.rglob("*")) == [".mine.csv", "deep"]
    assert caplog.messages == []


def test_what_was_left_beside_a_finished_folder_goes_and_what_is_held_stays(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    (folder / "cells").mkdir(parents=True)
    other = holder(folder / "cells" / "live")
    lefts = (".run.lock", ".run.unfinished/a/b.png", "run/.0123456789abcdef.csv", "run/cells/.dead.lock")
    for left in map(tmp_path.joinpath, lefts):
        left.parent.mkdir(parents=True, exist_ok=True)
        left.touch()
    tidy(folder)
    assert sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*")) == ["run", "run/cells", "run/cells/.live.lock"]
    other.communicate("\n")


def test_what_is_held_is_not_tidied(tmp_path: Path) -> None:
    other = holder(tmp_path / "run")
    (tmp_path / "run").mkdir()
    (tmp_path / "run/.0123456789abcdef.csv").touch()
    tidy(tmp_path / "run")
    assert sorted(path.name for path in tmp_path.rglob("*")) == [".0123456789abcdef.csv", ".run.lock", "run"]
    other.communicate("\n")


def test_threads_exclude_each_other(tmp_path: Path) -> None:
    inside: list[int] = []
    most: list[int] = []

    def work(number: int) -> None:
        with locked(tmp_path / "run"):
            inside.append(number)
            most.append(len(inside))
            time.sleep(0.02)
            inside.remove(number)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1] * 5


def test_what_fails_inside_lets_go(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no"), locked(tmp_path / "run"):
        raise ValueError("no")
    with locked(tmp_path / "run"):
        pass


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(RunError, match="cannot write"), locked(tmp_path / "file" / "run"):
        pass


def test_whether_a_folder_is_held(tmp_path: Path) -> None:
    """What a killed process left holds nothing."""
    folder = tmp_path / "run"
    folder.mkdir()
    assert not is_held(folder)
    with locked(folder):
        assert is_held(folder)
    assert not is_held(folder)
    (tmp_path / ".run.lock").touch()
    assert not is_held(folder)


def test_who_holds_a_folder_is_named_though_it_signs_a_moment_later(tmp_path: Path) -> None:
    path = locks._lock_of(tmp_path / "run")
    path.touch()
    signing = threading.Timer(0.15, path.write_text, ["process 7 on mine"])
    signing.start()
    assert locks._holder(path) == "process 7 on mine"
    signing.join()
