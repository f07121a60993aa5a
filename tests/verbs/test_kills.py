"""A process that is killed at any of its renames: the same command again leaves what an undisturbed one leaves, and nothing beside it."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import make_koin
from yolo_koin.verbs.provenance import DIGITS

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")

PEOPLE = ("김민준", "이서연")
LEFT = re.compile(r"\.[0-9a-f]{16}.*|\..*\.lock|\..*\.unfinished|\.sample\..*")
OF_THE_DAY = ("started", "updated", "seconds", "took", "versions", "platform", "git_commit")  # in manifests
EVERY = bool(os.environ.get("YOLO_KOIN_EVERY_KILL"))  # at every rename, before and after: takes many minutes
SMALL = ["--weights", "scratch", "--epochs", "2", "--imgsz", "32", "--batch", "4", "--side", "64", "--device", "cpu"]
TRAIN = ["train", "--data", "raw", *SMALL, "--name", "mine"]


# --------------------------------------------------------------------------------------------------------------- the runner
@dataclass(frozen=True)
class Ended:
    signal: int
    code: int | None
    renames: int
    output: str


class Family:
    """Processes that share what they have imported."""

    def __init__(self) -> None:
        command = [sys.executable, "-m", "tests.verbs.killing"]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8")
        assert self._answer() == "ready\n"

    def run(self, folder: Path, arguments: list[str], at: int = 0, after: bool = False) -> Ended:
        assert self._process.stdin is not None
        order = {"folder": str(folder), "arguments": arguments, "at": at, "after": after}
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        return Ended(**json.loads(self._answer()))

    def close(self) -> None:
        self._process.communicate()

    def _answer(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline()


@pytest.fixture(scope="module")
def family() -> Iterator[Family]:
    family = Family()
    yield family
    family.close()


# ----------------------------------------------------------------------------------------------------------- what is there
def content(path: Path) -> object:
    """The bytes of a file but for times, and for what follows from them."""
    data = path.read_bytes()
    if path.name in {"manifest.json", "cell.json"}:
        told: dict[str, Any] = json.loads(data)
        of_the_day = (*OF_THE_DAY, "weights_sha256") if told["kind"] in {"train", "cell"} else OF_THE_DAY
        return {key: value for key, value in told.items() if key not in of_the_day}
    if path.name == "results.csv" and data.startswith(b"epoch,time,"):
        return [line.split(b",")[:1] + line.split(b",")[2:] for line in data.splitlines()]
    if path.name.startswith("report.") or path.parent.name == "model_cards":
        return re.sub(rb"\b[0-9a-f]{%d}\b" % DIGITS, b"(hash)", data)  # of weights, among others
    if path.suffix == ".pt":  # a date stands in it, and the times of the epochs
        with zipfile.ZipFile(path) as archive:
            return {name.partition("/")[2]: archive.read(name) for name in archive.namelist() if "/data/" in name}
    if path.suffix == ".sqlite":
        with sqlite3.connect(path) as connection:
            lines = list(connection.iterdump())
        connection.close()
        return lines
    return data


def tree(root: Path) -> dict[str, object]:
    """Every file and folder below a folder."""
    return {
        path.relative_to(root).as_posix(): "a folder" if path.is_dir() else content(path)
        for path in sorted(root.rglob("*"))
        if not path.is_symlink()
    }


def copy(start: Path, to: Path) -> Path:
    """A place to work in, with the raw photos in ``raw`` that all share: whether a photo changed is told by its file."""
    return Path(shutil.copytree(start, to, symlinks=True))


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Few photos of two people, with a table that is carried over by ``split``."""
    root = make_koin(tmp_path_factory.mktemp("raw") / "KoIn", PEOPLE)
    for path in (*root.glob("*/train/*/[45].png"), *root.glob("*/test/*/[79].png"), *root.glob("hard_cases/train/*/3.png")):
        path.unlink()
    return root


@pytest.fixture(scope="module")
def bare(raw: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with nothing but the photos."""
    home = tmp_path_factory.mktemp("bare") / "home"
    home.mkdir()
    (home / "raw").symlink_to(raw, target_is_directory=True)
    return home


@pytest.fixture(scope="module")
def trained(bare: Path, family: Family, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with a trained model, and what it makes of the test photos."""
    home = copy(bare, tmp_path_factory.mktemp("trained") / "home")
    for arguments in (TRAIN, ["evaluate", "--weights", "mine", "--name", "scores"]):
        ended = family.run(home, arguments)
        assert ended.code == 0, ended.output
    (home / "boxes.csv").write_text(f"image,label,x,y,width,height\nhard_cases/test/{PEOPLE[0]}/8.png,{PEOPLE[0]},10,20,50,60\n")
    return home


# ----------------------------------------------------------------------------------------------------------------- the test
@dataclass(frozen=True)
class Command:
    """A command to kill.

    Attributes:
        arguments: of the command line.
        again: what is run after the kill; the same when None.
        refused: what the command says when all is done already; a second call does nothing or little when None.
        needs_model: whether it begins in a folder with a trained model and a file of boxes.
        kills: how often to kill it: before the first rename, after the last, and evenly in between.
    """

    arguments: list[str]
    again: list[str] | None = None
    refused: str | None = None
    needs_model: bool = False
    kills: int = 4


COMMANDS = {
    "sample": Command(["sample", "--out", "data/faces"], kills=3),
    "split": Command(["split", "raw/normal_cases/train", "divided"], refused="something is there already"),
    "audit": Command(["audit", "raw", "--name", "look", "--write-exclude", "proposal.txt"], refused="exists already"),
    "convert classify": Command(["convert", "classify", "--data", "raw", "--side", "64"], kills=6),
    "convert detect": Command(["convert", "detect", "--data", "raw", "--side", "64", "--review", "2"], kills=6),
    "convert detect with boxes": Command(
        ["convert", "detect", "--data", "raw", "--side", "64", "--review", "0", "--boxes", "boxes.csv"], needs_model=True, kills=4
    ),
    "hardcases": Command(["hardcases", "raw/normal_cases/test", "hard", "--kind", "mask,hat"], kills=6),
    "train": Command(TRAIN, again=["train", "--resume", "--name", "mine"], refused="this run is finished"),
    "evaluate": Command(["evaluate", "--weights", "mine", "--segments", "--name", "more"], refused="exists already", needs_model=True),
    "stress": Command(
        ["stress", "--weights", "mine", "--kind", "mask,blur", "--severities", "3", "--name", "more"],
        *(None, "exists already", True, 2),
    ),
    "control": Command(["control", "--weights", "mine", "--name", "more"], refused="exists already", needs_model=True, kills=2),
    "predict": Command(
        ["predict", "hard_cases/test", "--weights", "mine", "--explain", "--name", "photos"], refused="exists already", needs_model=True
    ),
    "report": Command(["report", "scores"], needs_model=True, kills=3),
    "benchmark": Command(["benchmark", "--data", "raw", *SMALL, "--name", "all"], kills=3),
}


def moments(renames: int, kills: int) -> list[tuple[int, bool]]:
    """The renames to be killed at, and whether after them."""
    every = [(at, after) for at in range(1, renames + 1) for after in (False, True)]
    return every if EVERY else [every[i] for i in sorted({round(k * (len(every) - 1) / (kills - 1)) for k in range(kills)})]


@pytest.mark.parametrize("verb", COMMANDS)
def test_a_killed_command_is_made_good_by_the_next(verb: str, family: Family, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    command = COMMANDS[verb]
    start: Path = request.getfixturevalue("trained" if command.needs_model else "bare")
    home = tmp_path / "home"  # one path for all, since some files tell where they are
    undisturbed = family.run(copy(start, home), command.arguments)
    assert undisturbed.code == 0, undisturbed.output
    whole = tree(home)
    assert not [name for name in whole if LEFT.fullmatch(Path(name).name)]
    assert undisturbed.renames > 1
    for at, after in moments(undisturbed.renames, command.kills):
        shutil.rmtree(home)
        when = f"{verb}: killed {'after' if after else 'before'} rename {at} of {undisturbed.renames}"
        killed = family.run(copy(start, home), command.arguments, at, after)
        assert killed.signal == signal.SIGKILL, f"{when}: {killed.output}"
        again = command.again or command.arguments
        ended = family.run(home, again)
        if command.again and ended.code == 2 and "no such run" in ended.output:  # killed before the training had begun
            ended = family.run(home, command.arguments)
        if command.refused and (at, after) == (undisturbed.renames, True):
            assert ended.code == 2, when
            assert command.refused in ended.output, f"{when}: {ended.output}"
        else:
            assert ended.code == 0, f"{when}: {ended.output}"
        there = tree(home)
        assert sorted(there) == sorted(whole), when
        assert [name for name in whole if there[name] != whole[name]] == [], when
