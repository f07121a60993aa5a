"""Where a project's files lie, how runs are begun, and how they are found."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from tests.test_runs import training
from yolo_koin.errors import RunError
from yolo_koin.runs import PredictRun, ScoredRun
from yolo_koin.specs import EvaluateSpec, PredictSpec, TrainSpec
from yolo_koin.workspace import Workspace, training_of

TRAIN, PREDICT = TrainSpec(), PredictSpec(source="x")


def listing(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir())


def begin(workspace: Workspace, kind: str, name: str | None, default: str) -> Path:
    with workspace.begun(kind, name, default, TRAIN) as folder:
        (folder / "something").touch()
        return folder


def test_names_that_are_free(tmp_path: Path) -> None:
    here = Workspace(tmp_path)
    made = [begin(here, "train", None, "n-normal") for _ in range(3)]
    assert [run.relative_to(here.runs).as_posix() for run in made] == ["train/n-normal", "train/n-normal-2", "train/n-normal-3"]
    assert begin(here, "train", "mine", "n-normal") == here.runs / "train/mine"
    assert begin(here, "evaluate", "mine", "n-normal").is_dir(), "another kind"


def test_a_name_that_is_taken(tmp_path: Path) -> None:
    run = begin(Workspace(tmp_path), "train", "mine", "x")
    with pytest.raises(RunError, match=r"exists already: .*train/mine\. Choose another --name"):
        begin(Workspace(tmp_path), "train", "mine", "x")
    assert listing(run) == ["something"]
    assert listing(run.parent) == ["mine"], "no lock stays"


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "../a", "/a"])
def test_a_name_that_is_no_name(tmp_path: Path, name: str) -> None:
    with pytest.raises(RunError, match="one folder name"):
        begin(Workspace(tmp_path), "train", name, "x")
    assert listing(tmp_path) == []


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs/train").touch()
    with pytest.raises(RunError, match=r"cannot write \(Not a directory"):
        begin(Workspace(tmp_path), "train", "a", "x")
    with pytest.raises(RunError, match=r"cannot write \(File name too long"):
        begin(Workspace(tmp_path), "evaluate", "a" * 300, "x")


def test_several_at_once_get_a_folder_each(tmp_path: Path) -> None:
    barrier = threading.Barrier(8)

    def make(_: int) -> Path:
        barrier.wait()
        return begin(Workspace(tmp_path), "train", None, "x")

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(make, range(8)))) == 8


def test_the_same_command_begins_anew_what_it_did_not_finish(tmp_path: Path) -> None:
    here = Workspace(tmp_path)
    with here.begun("predict", "mine", "x", PREDICT) as folder:
        PredictRun(folder=folder, spec=PREDICT, weights=Path("w.pt")).written()
        (folder / "half").touch()
    other = PredictSpec(source="y")
    with pytest.raises(RunError, match="exists already"), here.begun("predict", "mine", "x", other):
        pass  # another command's
    with here.begun("predict", "mine", "x", PREDICT) as again:
        assert again == folder
        assert listing(again) == []
        PredictRun(folder=folder, spec=PREDICT, weights=Path("w.pt")).written(status="finished")
    with pytest.raises(RunError, match="exists already"), here.begun("predict", "mine", "x", PREDICT):
        pass  # finished now


@pytest.mark.parametrize("kind", ["train", "evaluate", "predict"])
@pytest.mark.parametrize("left", [[], [".0123456789abcdef.json"]], ids=["nothing", "half a manifest"])
def test_a_run_that_was_killed_before_it_was_written_down_is_begun_anew(tmp_path: Path, kind: str, left: list[str]) -> None:
    here = Workspace(tmp_path)
    (here.runs / kind / "mine").mkdir(parents=True)
    (here.runs / kind / ".mine.lock").touch()
    for name in left:
        (here.runs / kind / "mine" / name).touch()
    with here.begun(kind, "mine", "x", TRAIN) as folder:
        assert listing(folder) == []
    assert listing(here.runs / kind) == ["mine"], "no lock stays"


def test_a_lock_that_was_left_on_a_finished_run_goes(tmp_path: Path) -> None:
    here, run = Workspace(tmp_path), training(tmp_path).written(status="finished")
    lock = run.folder.with_name(f".{run.name}.lock")
    for again in (lambda: here.interrupted_training(run.name), lambda: begin(here, "train", run.name, "x")):
        lock.touch()
        with pytest.raises(RunError, match=r"finished|exists already"):
            again()
        assert not lock.exists()


def test_the_same_command_may_name_its_workspace(tmp_path: Path) -> None:
    spec = PredictSpec(source="x", workspace=tmp_path)
    here = Workspace.of(spec)
    for _ in range(2):  # a killed one, and the same again
        with here.begun("predict", "mine", "x", spec) as folder:
            PredictRun(folder=folder, spec=spec, weights=Path("w.pt")).written()


def test_a_workspace_is_named_or_that_of_the_environment_or_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("YOLO_KOIN_HOME", raising=False)
    assert Workspace.of(TRAIN).runs == Path("runs")
    monkeypatch.setenv("YOLO_KOIN_HOME", str(tmp_path / "home"))
    assert Workspace.of(TRAIN).runs == tmp_path / "home/runs"
    assert Workspace.of(TrainSpec(workspace=tmp_path)).runs == tmp_path / "runs"


def test_a_path_is_looked_for_here_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "ws/data/KoIn").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    assert Workspace(Path("ws")).find("data/KoIn") == Path("ws/data/KoIn")
    (tmp_path / "data/KoIn").mkdir(parents=True)
    assert Workspace(Path("ws")).find("data/KoIn") == Path("data/KoIn")


# --------------------------------------------------------------------------------------------------------------- finding
def test_the_newest_training_is_that_which_was_renewed_last(tmp_path: Path) -> None:
    here = Workspace(tmp_path)
    with pytest.raises(RunError, match="yolo_koin train"):
        here.newest_training()
    runs = {
        name: training(tmp_path, name).written(status=status) for name, status in (("b", "finished"), ("a", "finished"), ("c", "failed"))
    }
    assert here.newest_training().name == "a", "renewed last, although its name comes first"
    runs["b"].written(status="finished")
    assert here.newest_training().name == "b"
    cell = tmp_path / "runs/benchmark/koin/cells/n"
    replace(runs["a"], folder=cell).written(status="finished")
    assert here.newest_training().name == "b", "a benchmark's cell is taken where there is no other"
    moved = (tmp_path / "runs/train").rename(tmp_path / "runs/elsewhere")
    assert here.newest_training().folder == cell
    moved.rename(tmp_path / "runs/train")
    with pytest.raises(RunError, match="--task detect"):
        here.newest_training("detect")
    assert here.interrupted_training(None).name == "c"
    with pytest.raises(RunError, match="finished"):
        here.interrupted_training("a")


def test_a_checkpoint_knows_its_run(tmp_path: Path) -> None:
    run = training(tmp_path).written(status="finished", val=0.5)
    assert training_of(run.weights) == run
    (tmp_path / "alone.pt").touch()
    assert training_of(tmp_path / "alone.pt") is None


@pytest.mark.parametrize(("name", "found"), [("mine", True), ("other", False), ("..", False), ("koin/cell", True), ("koin/none", False)])
def test_a_training_by_its_name(tmp_path: Path, name: str, found: bool) -> None:
    training(tmp_path).written()
    cell = training(tmp_path / "elsewhere", "cell").written()
    (tmp_path / "runs/benchmark/koin/cells").mkdir(parents=True)
    cell.folder.rename(tmp_path / "runs/benchmark/koin/cells/cell")
    assert (Workspace(tmp_path).training(name) is not None) == found


def test_a_benchmark_s_runs_with_strangers_are_among_the_evaluations(tmp_path: Path) -> None:
    here = Workspace(tmp_path)
    for place in ("evaluate/mine", "benchmark/koin/strangers/n", "benchmark/koin/strangers/n/folds/1"):
        ScoredRun(folder=here.runs / place, spec=EvaluateSpec(strangers=0.2), weights=Path("w.pt")).written()
    assert [run.full_name for run in here.all_runs("evaluate")] == ["mine", "koin/n"]
