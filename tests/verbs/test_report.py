from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from yolo_koin import EvaluateSpec, ReportSpec, evaluate, report
from yolo_koin.errors import RunError
from yolo_koin.evaluation import predictions
from yolo_koin.verbs.results import no_news
from yolo_koin.verbs.scored import Scored
from yolo_koin.verbs.seeds import means, over_seeds
from yolo_koin.verbs.train import TrainResult


def scored(name: str, seed: int, settings: str, top1: float) -> Scored:
    row = {"run": name, "split": "normal_cases/test", "metric": "top1", "value": top1, "low": 0.0, "high": 1.0, "n": 100}
    said, images = ["a"] * round(100 * top1) + ["b"] * round(100 - 100 * top1), [f"{i}.jpg" for i in range(100)]
    frame = predictions.top1_rows(["normal_cases/test"] * 100, images, ["a"] * 100, said)
    return Scored(name, "YOLOv8n-cls, normal", seed, settings, name, frame, pd.DataFrame([row]), None, None, frozenset(), 0.5)


def test_mean_and_deviation_over_seeds() -> None:
    table = over_seeds(means([scored(f"run{seed}", seed, "same", top1) for seed, top1 in enumerate((0.90, 0.92, 0.97))]))
    assert table.to_dict("records") == [
        {
            "model": "YOLOv8n-cls, normal",
            "split": "normal_cases/test",
            "photos": 100,
            "seed 0": "90.0",
            "seed 1": "92.0",
            "seed 2": "97.0",
            "mean ± SD": "93.0 ± 3.6 [81.8, 100.0]",
        }
    ]


@pytest.mark.parametrize(
    "runs",
    [
        pytest.param([("a", 0, "40 epochs"), ("b", 1, "3 epochs")], id="other settings"),
        pytest.param([("a", 0, "same"), ("b", 0, "same")], id="one training scored twice"),
        pytest.param([("a", 0, ""), ("b", 1, "")], id="training unknown"),
        pytest.param([("a", 0, "same")], id="one seed"),
    ],
)
def test_only_runs_that_differ_in_the_seed_alone_are_averaged(runs: list[tuple[str, int, str]]) -> None:
    assert over_seeds(means([scored(*run, 0.9) for run in runs])).empty


def test_a_run_that_is_no_better_than_guessing_is_said_in_the_report() -> None:
    run = replace(scored("a", 0, "", 0.5), classes=2)
    (note,) = no_news([run])
    assert note.startswith("a, normal_cases/test: top-1")
    assert "is at chance level" in note
    (together,) = no_news([replace(run, classes=2)] * 4)
    assert together.startswith("normal_cases/test: top-1 of 4 runs is at chance level or below, 50.0 %"), "and not a line for each"
    assert no_news([replace(run, classes=0)]) == (), "older runs do not say how many classes there are"


@pytest.mark.parametrize(
    "damage",
    [
        b"",
        b"\xff\xfe",
        b"epoch,time\n1,2\n",
        b"epoch,train_loss,val_loss,val_top1\n1,x,0.5,0.5\n",
        b"epoch,train_loss,val_loss,val_top1\n1,1,inf,1\n",
    ],
    ids=["empty", "binary", "other columns", "no number", "infinite"],
)
def test_a_damaged_curve_is_one_line(trained: TrainResult, at_home: Path, tmp_path: Path, damage: bytes) -> None:
    here = Path(shutil.copytree(at_home / "runs/train/tiny", tmp_path / "runs/train/tiny"))
    if not (at_home / "runs/evaluate/of-tiny").is_dir():
        evaluate(EvaluateSpec(weights="tiny", device="cpu", name="of-tiny"))
    shutil.copytree(at_home / "runs/evaluate/of-tiny", tmp_path / "runs/evaluate/of-tiny")
    (here / "results.csv").write_bytes(damage)
    with pytest.raises(RunError, match=r"results\.csv\. Move it elsewhere"):
        report(ReportSpec(runs=("of-tiny",), workspace=tmp_path))


def test_metrics_of_other_predictions_are_one_line(trained: TrainResult, at_home: Path, tmp_path: Path) -> None:
    if not (at_home / "runs/evaluate/of-tiny").is_dir():
        evaluate(EvaluateSpec(weights="tiny", device="cpu", name="of-tiny"))
    run = Path(shutil.copytree(at_home / "runs/evaluate/of-tiny", tmp_path / "runs/evaluate/of-tiny"))
    table = pd.read_csv(run / "metrics.csv")
    table[(table["split"] != "hard_cases/test") | (table["metric"] != "top1")].to_csv(run / "metrics.csv", index=False)
    with pytest.raises(RunError, match=r"no top1 of hard_cases/test, .*metrics\.csv\. Run yolo_koin evaluate again"):
        report(ReportSpec(runs=("of-tiny",), workspace=tmp_path))
