"""What is written down about runs and prepared datasets: typed, of any schema, and found again after a move."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from yolo_koin import program
from yolo_koin.errors import RunError
from yolo_koin.files import write_json
from yolo_koin.manifests import MANIFEST, SCHEMA
from yolo_koin.runs import CellRun, PredictRun, PreparedDataset, Run, ScoredRun, TrainRun, prepared_at
from yolo_koin.specs import EvaluateSpec, TrainSpec


def prepared(root: Path, data: Path) -> PreparedDataset:
    root.mkdir(parents=True, exist_ok=True)
    made = PreparedDataset(folder=root, kind="classify", version=3, data=data, fit="pad", side=256, synthetic=("hard_cases/test",))
    made.write()
    return made


def training(project: Path, name: str = "mine") -> TrainRun:
    """A training in a project folder, with nothing in it but what is written down."""
    folder = project / "runs/train" / name
    (folder / "weights").mkdir(parents=True)
    (folder / "weights/best.pt").touch()
    (project / "data/KoIn").mkdir(parents=True, exist_ok=True)
    made = prepared(project / "data/koin-cls", project / "data/KoIn")
    return TrainRun(folder=folder, spec=TrainSpec(size="n", epochs=3), converted=made.folder, weights=folder / "weights/best.pt")


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    run = training(tmp_path).written(status="finished", metric="top1", val=0.75, best_epoch=2, seconds={"training": 1.5})
    assert TrainRun.read(run.folder) == run
    content = json.loads((run.folder / MANIFEST).read_text())
    assert (content["schema"], content["kind"], content["name"], content["status"]) == (SCHEMA, "train", "mine", "finished")
    assert content["versions"]["pandas"] == pd.__version__
    assert content["spec"]["epochs"] == 3


def test_the_beginning_stays_and_the_end_moves(tmp_path: Path) -> None:
    begun = training(tmp_path).written()
    done = begun.written(status="finished")
    assert begun.started == done.started != ""
    assert done.updated >= begun.updated


def test_a_project_that_was_moved_finds_everything(tmp_path: Path) -> None:
    training(tmp_path / "old").written()
    shutil.move(tmp_path / "old", tmp_path / "new place")
    run = TrainRun.read(tmp_path / "new place/runs/train/mine")
    assert run is not None
    assert run.converted == tmp_path / "new place/data/koin-cls"
    assert run.weights.is_file()
    made = prepared_at(run.converted)
    assert made is not None
    assert made.data == tmp_path / "new place/data/KoIn"


def test_what_lies_outside_of_the_project_is_told_in_full(tmp_path: Path) -> None:
    made = prepared(tmp_path / "project/data/koin-cls", tmp_path / "photos/KoIn")
    assert json.loads((made.folder / MANIFEST).read_text())["data"] == str(tmp_path / "photos/KoIn")


def test_a_folder_that_is_linked_to_another_disk(tmp_path: Path) -> None:
    """``runs`` may be a link to a larger disk: the way from it to the data is that of the names, not of the disks."""
    (tmp_path / "large disk").mkdir()
    (tmp_path / "project").mkdir()
    (tmp_path / "project/runs").symlink_to(tmp_path / "large disk")
    run = training(tmp_path / "project").written()
    found = TrainRun.read(run.folder)
    assert found is not None
    assert found.converted == tmp_path / "project/data/koin-cls"


# -------------------------------------------------------------------------------------------------------- older manifests
OLD_TRAINING = {
    "kind": "train",
    "status": "finished",
    "updated": "2026-11-01T00:00:00.000+00:00",
    "spec": {"data": "sample", "size": "n", "train_on": "normal", "epochs": 80, "imgsz": 64, "batch": 32, "seed": 0, "task": "classify"},
    "start": "scratch",
    "index_sha256": "abc",
    "val_top1": 0.9,
    "best_epoch": 7,
    "seconds": {"training": 64.6},
}


@pytest.mark.parametrize(("metric", "name"), [("val_top1", "top1"), ("val_map50", "map50")])
def test_a_training_of_the_first_schema(tmp_path: Path, metric: str, name: str) -> None:
    """Absolute paths, the start as a word, and a key for each metric; the project was moved since."""
    folder = tmp_path / "runs/train/n-normal"
    (tmp_path / "data/sample-cls").mkdir(parents=True)
    old = {key: value for key, value in OLD_TRAINING.items() if key != "val_top1"} | {metric: 0.9, "converted": "/gone/data/sample-cls"}
    write_json(folder / MANIFEST, old)
    run = TrainRun.read(folder)
    assert run is not None
    assert (run.start, run.metric, run.val, run.best_epoch) == (None, name, 0.9, 7)
    assert run.converted == tmp_path / "data/sample-cls"
    assert run.weights == folder / "weights/best.pt"
    assert run.spec.model_name == "yolov8n-cls"


def test_a_scored_run_of_the_first_schema(tmp_path: Path) -> None:
    made = prepared(tmp_path / "data/koin-cls", tmp_path / "data/KoIn")
    weights = tmp_path / "runs/train/mine/weights/best.pt"
    spec = {"weights": str(weights), "task": "classify", "faces": False}
    write_json(tmp_path / "runs/evaluate/x" / MANIFEST, {"status": "finished", "spec": spec, "converted": str(made.folder), "classes": 4})
    run = ScoredRun.read(tmp_path / "runs/evaluate/x")
    assert run is not None
    assert (run.weights, run.trained, run.classes) == (weights, tmp_path / "runs/train/mine", 4)
    assert (run.way, run.synthetic) == ("whole", ("hard_cases/test",))


def test_a_cell_of_the_first_schema(tmp_path: Path) -> None:
    """``cell.json`` had the times only."""
    made = prepared(tmp_path / "data/koin-cls", tmp_path / "data/KoIn")
    folder = tmp_path / "runs/benchmark/koin/cells/n-normal-seed0"
    write_json(folder / MANIFEST, OLD_TRAINING | {"converted": str(made.folder), "weights_sha256": "w"})
    write_json(folder / "cell.json", {"seconds": {"train": 1.0}})
    run = CellRun.read(folder)
    assert run is not None
    assert (run.status, run.trained, run.data, run.took) == ("finished", folder, made.data, {"train": 1.0})
    assert (run.weights_sha256, run.synthetic) == ("w", ("hard_cases/test",))


def test_a_prediction_of_the_first_schema(tmp_path: Path) -> None:
    spec = {"source": "hard_cases/test", "weights": "/elsewhere/best.pt", "top": 3}
    write_json(tmp_path / MANIFEST, {"status": "finished", "spec": spec})
    run = PredictRun.read(tmp_path)
    assert run is not None
    assert (run.spec.sources, run.weights) == (("hard_cases/test",), Path("/elsewhere/best.pt"))


@pytest.mark.parametrize("kind", [TrainRun, ScoredRun, PredictRun])
@pytest.mark.parametrize(
    "text",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"{", id="cut off"),
        pytest.param(b"[]", id="a list"),
        pytest.param(b'"x"', id="a text"),
        pytest.param(b"\xff\xfe", id="no UTF-8"),
        pytest.param(b"{}", id="nothing in it"),
        pytest.param(b"[" * 100_000, id="deeper than Python reads"),
        pytest.param(b'{"schema": 2, "spec": {"epochs": 0}}', id="a spec that cannot be"),
        pytest.param(b'{"schema": 2, "spec": [], "weights": 3, "converted": null, "status": {}}', id="other types"),
    ],
)
def test_what_is_no_manifest(tmp_path: Path, kind: type[Run], text: bytes) -> None:
    (tmp_path / MANIFEST).write_bytes(text)
    with pytest.raises(RunError, match=r"not a manifest: .*manifest\.json"):
        kind.read(tmp_path)
    assert prepared_at(tmp_path) is None


def test_where_nothing_is_written_down(tmp_path: Path) -> None:
    assert TrainRun.read(tmp_path) is None


# --------------------------------------------------------------------------------------------------------------- failing
@pytest.mark.parametrize(
    ("error", "status"),
    [
        (ValueError("bad"), "failed"),
        (MemoryError("out of memory"), "failed"),
        (RunError("no"), "failed"),
        (KeyboardInterrupt(), "interrupted"),
    ],
    ids=["a defect", "out of memory", "a mistake", "Ctrl-C"],
)
def test_whatever_goes_wrong_is_written_down(tmp_path: Path, error: BaseException, status: str) -> None:
    run = training(tmp_path).written()
    with pytest.raises(type(error)), run.failing():
        raise error
    found = TrainRun.read(run.folder)
    assert found is not None
    assert found.status == status
    assert str(error) in found.reason


def test_runs_that_differ_in_the_seed_alone_have_the_same_settings(tmp_path: Path) -> None:
    run = training(tmp_path)
    other = replace(run, spec=replace(run.spec, seed=1, name="x", device="cpu"))
    assert run.settings == other.settings
    assert replace(run, spec=replace(run.spec, epochs=4)).settings != run.settings


def test_the_commit_is_that_of_the_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not of the folder that somebody works in, and none where the program is installed in another's repository."""
    own = tmp_path / "own"
    own.mkdir()
    monkeypatch.chdir(own)

    def git(*words: str) -> None:
        subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@b", *words], check=True, capture_output=True)

    git("init", "-q")
    git("commit", "-q", "--allow-empty", "-m", "of the user")
    installed = own / "site-packages/program.py"
    installed.parent.mkdir()
    installed.touch()
    monkeypatch.setattr(program, "__file__", str(installed))
    run = ScoredRun(folder=own / "runs/evaluate/x", spec=EvaluateSpec(), weights=Path("w.pt")).written()
    assert run.git_commit is None
    git("add", "site-packages")
    assert run.written().git_commit is not None, "a clone"
    installed.write_text("# changed")
    assert str(run.written().git_commit).endswith("+changes")


def test_the_ground_floor_needs_no_heavy_import() -> None:
    code = "import sys, yolo_koin.workspace; print([m for m in ('pandas', 'numpy', 'torch') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
