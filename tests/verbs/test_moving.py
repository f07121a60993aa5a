"""A project folder that is moved between two commands, or named from another folder: everything in it is found again."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from tests.conftest import make_koin, working_in
from yolo_koin import BenchmarkSpec, TrainSpec, benchmark, evaluate, predict, report, resume, train
from yolo_koin.evaluation import predictions
from yolo_koin.models.fit import loop
from yolo_koin.parallel import Step
from yolo_koin.runs import BenchmarkRun, ScoredRun, TrainRun, prepared_at
from yolo_koin.workspace import Workspace

USUAL = {"weights": "scratch", "imgsz": 32, "batch": 8, "device": "cpu"}
MATRIX = BenchmarkSpec(**USUAL, epochs=1, name="small")  # type: ignore[arg-type]


def stop(step: Step) -> None:
    if step.what == "epoch":
        raise KeyboardInterrupt


@pytest.fixture(scope="module")
def made(screen_only: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with data, a finished and an interrupted training, an evaluation and a benchmark; which no test changes."""
    home = tmp_path_factory.mktemp("before") / "project"
    make_koin(home / "data/KoIn")
    with working_in(home), pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop, "SAVE_EVERY", 0.0)
        train(TrainSpec(**USUAL, epochs=2, name="done"))  # type: ignore[arg-type]
        with pytest.raises(KeyboardInterrupt):
            train(TrainSpec(**USUAL, epochs=3, name="stopped"), stop)  # type: ignore[arg-type]
        evaluate(weights="done", device="cpu", name="scored")
        benchmark(MATRIX)
    return home


@pytest.fixture(scope="module")
def moved(made: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project in its new place; the old one is gone while these tests run."""
    new = tmp_path_factory.mktemp("after") / "새 폴더 with a space"
    shutil.copytree(made, new)
    return new


@pytest.fixture
def here(made: Path, moved: Path) -> Iterator[Path]:
    """We are in the new place, and the old one is not there."""
    away = made.with_name("nobody looks here")
    made.rename(away)
    try:
        with working_in(moved):
            yield moved
    finally:
        away.rename(made)


def test_nothing_written_down_names_the_old_place(made: Path) -> None:
    texts = [path for path in made.rglob("*") if path.suffix in {".json", ".csv", ".md", ".yaml"}]
    assert len(texts) > 8
    assert not [path for path in texts if str(made.parent) in path.read_text(encoding="utf-8")]


def test_an_interrupted_training_is_resumed(here: Path) -> None:
    result = resume()
    assert (result.run.name, result.epochs) == ("stopped", 3)
    assert pd.read_csv(result.run / "results.csv")["epoch"].tolist() == [1, 2, 3]
    run = TrainRun.read(result.run)
    assert run is not None
    assert (run.status, run.converted) == ("finished", Path("data/koin-cls"))


def test_evaluate_by_the_name_of_a_run(here: Path) -> None:
    before = predictions.read(Path("runs/evaluate/scored/predictions.csv"))
    result = evaluate(weights="done", device="cpu")
    assert (result.data, result.weights) == (Path("data/KoIn"), Path("runs/train/done/weights/best.pt"))
    pd.testing.assert_frame_equal(predictions.read(result.run / "predictions.csv"), before)
    cell = next(Path("runs/benchmark/small/cells").iterdir()).name
    by_cell = evaluate(weights=f"small/{cell}", device="cpu")
    assert by_cell.weights == Path("runs/benchmark/small/cells") / cell / "weights/best.pt"


def test_predict_finds_names_and_labels(here: Path) -> None:
    result = predict(source="hard_cases/test", weights="done", device="cpu")
    assert (result.photos, result.labelled, result.unreadable) == (8, 8, 0)


def test_report_finds_training_photos_and_benchmark(here: Path) -> None:
    done = report(runs=("scored", "small"))
    assert done.out.name == "scored+small"
    names = {path.name for path in done.files}
    assert {"training_curves.png", "examples_for_each_case.png"} <= names, "curves of the training, and photos of the dataset"
    run = ScoredRun.read(Path("runs/evaluate/scored"))
    assert run is not None
    assert (run.trained, run.data) == (Path("runs/train/done"), Path("data/KoIn"))


def test_the_same_benchmark_repeats_nothing(here: Path) -> None:
    home = Path("runs/benchmark/small")
    before = {path: path.stat().st_mtime_ns for path in (home / "cells").rglob("*") if path.is_file()}
    photos = {path: path.stat().st_mtime_ns for path in Path("data/koin-cls").rglob("*.jpg")}
    result = benchmark(MATRIX)
    assert (result.ran, len(result.taken)) == ((), 1)
    assert before == {path: path.stat().st_mtime_ns for path in (home / "cells").rglob("*") if path.is_file()}
    assert photos == {path: path.stat().st_mtime_ns for path in Path("data/koin-cls").rglob("*.jpg")}, "nothing is prepared again"
    begun = BenchmarkRun.read(home)
    assert begun is not None
    assert begun.status == "finished"


# ----------------------------------------------------------------------------------------------------- from another folder
def scored_there(project: Path, name: str) -> None:
    run = ScoredRun.read(project / "runs/evaluate" / name)
    assert run is not None
    assert (run.status, run.data, run.trained) == ("finished", project / "data/KoIn", project / "runs/train/done")


def test_a_workspace_is_named_on_the_command_line(moved: Path, tmp_path: Path) -> None:
    """Data, weights and runs are those of the workspace, and nothing is written where we are."""
    words = ["evaluate", "--weights", "done", "--device", "cpu", "--name", "from-afar", "--workspace", str(moved)]
    done = subprocess.run([sys.executable, "-m", "yolo_koin", *words], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert list(tmp_path.iterdir()) == []
    scored_there(moved, "from-afar")


def test_a_workspace_is_that_of_the_environment(moved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("YOLO_KOIN_HOME", str(moved))
    with working_in(tmp_path):
        evaluate(weights="done", device="cpu", name="of-home")
    assert list(tmp_path.iterdir()) == []
    scored_there(moved, "of-home")


def test_all_verbs_in_a_workspace_elsewhere(made: Path, tmp_path: Path) -> None:
    """Below the folder that we are in, and written relative to it."""
    shutil.copytree(made, tmp_path / "ws")
    (tmp_path / "desk").mkdir()
    with working_in(tmp_path / "desk"):
        ws = Path("../ws")
        assert resume("stopped", workspace=Workspace(ws)).epochs == 3
        fresh = train(TrainSpec(**USUAL, epochs=1, workspace=ws))  # type: ignore[arg-type]
        assert fresh.run == ws / "runs/train/n-normal"
        shown = predict(source="normal_cases/test", device="cpu", workspace=ws)
        assert (shown.weights.resolve(), shown.labelled) == (fresh.weights.resolve(), 8)
        assert list(Path().iterdir()) == []
    run = TrainRun.read(tmp_path / "ws/runs/train/n-normal")
    assert run is not None
    made_of = prepared_at(run.converted)
    assert made_of is not None
    assert made_of.data == tmp_path / "ws/data/KoIn"
