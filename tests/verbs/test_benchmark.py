"""Runs that are killed: what was finished stays, what was not goes on."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from tests.conftest import working_in
from tests.test_runs import training
from yolo_koin import BenchmarkSpec, ReportSpec, benchmark, report, resume
from yolo_koin.errors import RunError
from yolo_koin.files import sha256
from yolo_koin.locks import locked
from yolo_koin.runs import TrainRun
from yolo_koin.workspace import Workspace

pytestmark = pytest.mark.slow

EPOCHS = 12


def killed_when(arguments: list[str], cwd: Path, ready: Callable[[], bool]) -> None:
    """Run the command line and kill it with SIGKILL as soon as ``ready`` says so."""
    process = subprocess.Popen(
        [sys.executable, "-m", "yolo_koin", *arguments], cwd=cwd, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        deadline = time.monotonic() + 120
        while not ready():
            assert process.poll() is None, "it ended before it could be killed"
            assert time.monotonic() < deadline
            time.sleep(0.02)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()


def status(folder: Path) -> str:
    run = TrainRun.read(folder)
    assert run is not None
    return run.status


def cell(benchmark: Path, train_on: str) -> Path:
    """The folder of a cell, once it is there."""
    return next(iter((benchmark / "cells").glob(f"yolov8n-cls-{train_on}-seed0-*")), benchmark / "cells" / "none")


def epochs_done(run: Path) -> int:
    curve = run / "results.csv"
    return len(curve.read_text().splitlines()) - 1 if curve.is_file() else 0


def test_a_killed_training_is_resumed(tmp_path: Path, koin: Path) -> None:
    run = tmp_path / "runs/train/mine"
    arguments = [
        "train",
        "--data",
        str(koin),
        "--weights",
        "scratch",
        "--epochs",
        str(EPOCHS),
        "--imgsz",
        "64",
        "--batch",
        "8",
        "--name",
        "mine",
    ]
    killed_when([*arguments, "--device", "cpu"], tmp_path, lambda: epochs_done(run) >= 2)
    done = epochs_done(run)
    assert 2 <= done < EPOCHS
    assert status(run) == "running"
    with working_in(tmp_path):
        result = resume()
    curve = pd.read_csv(run / "results.csv")
    assert curve["epoch"].tolist() == list(range(1, EPOCHS + 1))
    assert result.epochs == EPOCHS
    assert status(run) == "finished"
    with working_in(tmp_path), pytest.raises(RunError, match="no interrupted"):
        resume()
    with working_in(tmp_path), pytest.raises(RunError, match="finished"):
        resume("mine")


def test_a_training_killed_before_its_first_epoch_starts_again(tmp_path: Path, koin: Path) -> None:
    run = tmp_path / "runs/train/early"
    arguments = ["train", "--data", str(koin), "--weights", "scratch", "--epochs", "1", "--imgsz", "32", "--batch", "8", "--name", "early"]
    killed_when([*arguments, "--device", "cpu"], tmp_path, lambda: (run / "manifest.json").is_file())
    assert not (run / "weights/last.pt").exists()
    with working_in(tmp_path):
        assert resume("early").epochs == 1


def test_a_training_that_another_process_finished_meanwhile_is_not_trained_again(tmp_path: Path) -> None:
    """Two ``--resume`` at once: the second waits, and then there is nothing to do."""
    run = training(tmp_path).written(status="interrupted")
    let_go = threading.Event()

    def finish() -> None:
        with locked(run.folder):
            held.set()
            let_go.wait()
            run.written(status="finished")

    held, other = threading.Event(), threading.Thread(target=finish)
    other.start()
    held.wait()
    threading.Timer(0.3, let_go.set).start()
    with pytest.raises(RunError, match="this run is finished"):
        resume(workspace=Workspace(tmp_path))
    other.join()


def test_a_killed_benchmark_repeats_no_finished_cell(tmp_path: Path, koin: Path) -> None:
    run = tmp_path / "runs/benchmark/small"
    shared = [
        "--data",
        str(koin),
        "--weights",
        "scratch",
        "--epochs",
        "4",
        "--imgsz",
        "32",
        "--batch",
        "8",
        "--device",
        "cpu",
        "--name",
        "small",
    ]
    killed_when(["benchmark", "--train-on", "normal,hard", *shared], tmp_path, lambda: epochs_done(cell(run, "hard")) >= 1)
    first, second = (cell(run, train_on) for train_on in ("normal", "hard"))
    stamp, digest = (first / "weights/best.pt").stat().st_mtime_ns, sha256(first / "weights/best.pt")
    spec = BenchmarkSpec(
        data=str(koin), train_on=("normal", "hard"), weights="scratch", epochs=4, imgsz=32, batch=8, device="cpu", name="small"
    )
    with working_in(tmp_path):
        result = benchmark(spec)
        assert (result.taken, result.ran) == ((first.name,), (second.name,))
        assert ((first / "weights/best.pt").stat().st_mtime_ns, sha256(first / "weights/best.pt")) == (stamp, digest)
        assert pd.read_csv(second / "results.csv")["epoch"].tolist() == [1, 2, 3, 4]

        again = benchmark(spec)
        assert again.ran == ()
        table = pd.read_csv(run / "results.csv")
        assert set(table["training_set"]) == {"normal", "hard"}
        assert {"normal_cases/test", "hard_cases/test"} == set(table["split"])
        text = (run / "report.md").read_text()
        assert "YOLOv8n-cls, hard" in text
        assert "McNemar" in text
        names = {path.name for path in (run / "figures").iterdir()}
        assert {"detection_performance.png", "hardcases_results_YOLO.png", "examples_for_each_case.png", "training_curves.png"} <= names
        assert (first / "predict/contact_sheet.png").is_file()

        drawn = report(ReportSpec(runs=("small",), out=tmp_path / "resources"))
        assert all(path.is_file() for path in drawn.files)
        with pytest.raises(RunError, match="--epochs"):
            benchmark(BenchmarkSpec(data=str(koin), weights="scratch", epochs=5, imgsz=32, batch=8, device="cpu", name="small"))
