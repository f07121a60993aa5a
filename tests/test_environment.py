"""What is set before Ultralytics is imported."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from yolo_koin import environment


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The machine's folder for temporary files, and an environment that is put back."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    for key in environment.SETTINGS:
        monkeypatch.delenv(key, raising=False)
    monkeypatch.delenv("YOLO_CONFIG_DIR", raising=False)
    return tmp_path


def test_settings_go_into_one_private_folder(temporary: Path) -> None:
    environment.prepare()
    folder = Path(os.environ["YOLO_CONFIG_DIR"])
    assert folder.parent == temporary
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700 or os.name == "nt"
    assert os.environ["YOLO_OFFLINE"] == "1"
    del os.environ["YOLO_CONFIG_DIR"]
    environment.prepare()
    assert Path(os.environ["YOLO_CONFIG_DIR"]) == folder, "the same one each time"


def test_the_users_choice_of_a_folder_stands(temporary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("YOLO_CONFIG_DIR", "/mine")
    environment.prepare()
    assert os.environ["YOLO_CONFIG_DIR"] == "/mine"
    assert list(temporary.iterdir()) == []


def test_an_online_setting_of_the_user_does_not_stand(temporary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("YOLO_OFFLINE", "0")
    monkeypatch.setenv("ULTRALYTICS_SAFE_LOAD", "0")
    environment.prepare()
    assert (os.environ["YOLO_OFFLINE"], os.environ["ULTRALYTICS_SAFE_LOAD"]) == ("1", "1")


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="users have numbers on POSIX systems only")
@pytest.mark.parametrize("kind", ["a file", "a link elsewhere"])
def test_a_folder_that_somebody_else_put_there_is_not_used(temporary: Path, kind: str) -> None:
    usual = temporary / f"yolo_koin-{os.getuid()}"
    elsewhere = temporary / "elsewhere"
    elsewhere.mkdir()
    if kind == "a file":
        usual.touch()
    else:
        usual.symlink_to(elsewhere)
    environment.prepare()
    folder = Path(os.environ["YOLO_CONFIG_DIR"])
    assert folder.is_dir()
    assert not folder.is_symlink()
    assert folder not in {usual, elsewhere}


@pytest.mark.skipif(not hasattr(os, "getuid") or os.getuid() != 0, reason="only root can give a folder away")
def test_a_folder_of_another_user_is_not_used(temporary: Path) -> None:
    usual = temporary / "yolo_koin-0"
    usual.mkdir()
    os.chown(usual, 65534, 65534)
    environment.prepare()
    assert Path(os.environ["YOLO_CONFIG_DIR"]) != usual


def test_cores_are_those_that_the_process_may_use() -> None:
    assert 1 <= environment.cores() <= (os.cpu_count() or 1)
    if hasattr(os, "sched_setaffinity"):
        code = "import os; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))}); from yolo_koin.environment import cores; print(cores())"
        assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "1\n"
