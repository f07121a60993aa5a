"""The command line as a user meets it: what is printed where, and how mistakes are told."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import PEOPLE, make_koin


def yolo_koin(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "yolo_koin", *arguments], cwd=cwd, capture_output=True, text=True, check=False)


MISTAKES = [
    pytest.param(["audit"], "--data sample", id="no dataset: both ways out are named"),
    pytest.param(["audit", "empty"], "normal_cases/", id="a folder that is no dataset"),
    pytest.param(["audit", "file.txt"], "a file, not a folder", id="a file instead of a folder"),
    pytest.param(["train", "--data", "KoIn", "--size", "z"], "n, s, m, l, x", id="a size that does not exist"),
    pytest.param(["train", "--data", "KoIn", "--weights", "none.pt"], "no such weights file", id="weights that are not there"),
    pytest.param(["train", "--data", "KoIn", "--weights", "KoIn"], "a folder", id="a folder for weights"),
    pytest.param(["train", "--data", "KoIn", "--weights", "file.txt"], "end in .pt", id="weights that are no .pt"),
    pytest.param(["train", "--data", "KoIn", "--weights", "scratch", "--device", "7"], "no such device", id="a GPU that is not there"),
    pytest.param(
        ["train", "--data", "normal_only", "--weights", "scratch", "--train-on", "hard"], "hard_cases/train", id="a missing split"
    ),
    pytest.param(["train", "--data", "one", "--weights", "scratch"], "fewer than two classes", id="one class only"),
    pytest.param(["train", "--resume"], "no interrupted", id="nothing to resume"),
    pytest.param(["train", "--resume", "--epochs", "9"], "--epochs", id="an option that resuming would pass over"),
    pytest.param(["train", "--data", "KoIn", "--weights", "scratch", "--device", "0,1"], "one device", id="several devices"),
    pytest.param(["benchmark", "--data", "KoIn", "--weights", "scratch", "--name", "../x"], "one folder name", id="a path for a name"),
    pytest.param(["convert", "classify", "--data", "KoIn", "--out", "KoIn/x"], "another --out", id="writing into the dataset"),
    pytest.param(["convert", "classify", "--data", "KoIn", "--out", "other"], "something else", id="a folder that is somebody's"),
    pytest.param(["evaluate"], "yolo_koin train", id="no training run"),
    pytest.param(["predict", "hard_cases/test"], "yolo_koin train", id="no weights to predict with"),
    pytest.param(["report", "nothing"], "no such scored run", id="no such run"),
    pytest.param(["benchmark", "--data", "KoIn", "--seeds", "a"], "--seeds a", id="a seed that is no number"),
    pytest.param(["hardcases", "nowhere", "out"], "nowhere", id="no such source"),
]


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("desk")
    make_koin(folder / "KoIn", PEOPLE[:2])
    for name, people in (("normal_only", PEOPLE[:2]), ("one", PEOPLE[:1])):
        make_koin(folder / name, people)
    (folder / "normal_only/hard_cases").rename(folder / "normal_only/unused")
    (folder / "empty").mkdir()
    (folder / "other").mkdir()
    (folder / "other/notes.txt").write_text("mine")
    (folder / "file.txt").write_text("text")
    return folder


@pytest.mark.parametrize(("arguments", "words"), MISTAKES)
def test_a_mistake_is_one_line_with_the_remedy(desk: Path, arguments: list[str], words: str) -> None:
    done = yolo_koin(*arguments, cwd=desk)
    assert done.returncode == 2
    assert done.stdout == ""
    (line,) = [line for line in done.stderr.splitlines() if line.strip()]
    assert line.startswith("yolo_koin: ")
    assert words in line
    assert (desk / "other/notes.txt").read_text() == "mine"


def test_audit_tells_counts_and_faults(tmp_path: Path) -> None:
    root = make_koin(tmp_path / "KoIn")
    (root / "normal_cases/train/nobody").mkdir()
    (root / "normal_cases/train" / PEOPLE[0] / "notes.txt").write_text("x")
    (root / "normal_cases/train" / PEOPLE[0] / "cut.jpg").write_bytes(b"\xff\xd8\xff\xe0")
    done = yolo_koin("audit", "KoIn", cwd=tmp_path)
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    assert lines[0].split()[:3] == ["split", "classes", "images"]
    assert any(line.split()[:4] == ["normal_cases/train", "4", "21", "5"] for line in lines)
    assert any("cut.jpg" in line for line in lines)
    assert "normal_cases/train/nobody: an empty class" in lines


def test_a_typing_mistake_in_exclude_is_told(tmp_path: Path) -> None:
    """Somebody who asked to be taken out would otherwise stay in unnoticed."""
    root = make_koin(tmp_path / "KoIn", PEOPLE[:2])
    (root / "exclude.txt").write_text(f"{PEOPLE[1]}\n이서영\n", encoding="utf-8")
    lines = yolo_koin("audit", "KoIn", cwd=tmp_path).stdout.splitlines()
    assert "exclude.txt took 14 photos out" in lines
    assert "exclude.txt: '이서영' is no image id, label or sha256 of this dataset, so nothing is left out for it" in lines


def test_json_is_the_whole_of_stdout(tmp_path: Path) -> None:
    make_koin(tmp_path / "data/KoIn")
    done = yolo_koin("convert", "classify", "--json", cwd=tmp_path)
    result = json.loads(done.stdout)
    assert result["root"] == "data/koin-cls"
    assert result["counts"]["test"] == 8
    assert yolo_koin("audit", "--json", cwd=tmp_path).stdout.startswith("{")


def test_the_version_of_python_m_and_of_the_script_are_one() -> None:
    script = Path(sys.executable).parent / "yolo_koin"
    by_script = subprocess.run([script, "--help"], capture_output=True, text=True, check=True).stdout
    by_module = subprocess.run([sys.executable, "-m", "yolo_koin", "--help"], capture_output=True, text=True, check=True).stdout
    assert by_script == by_module
