"""A family of models that knows nothing of Ultralytics goes through every verb, and the verbs know nothing of it but its name."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.conftest import PEOPLE, working_in
from tests.models.tiny_family import MEAN, STD, read
from yolo_koin import TrainSpec, benchmark, evaluate, list_runs, predict, report, resume, train
from yolo_koin.dataset.classify import read_index
from yolo_koin.dataset.images import load_square
from yolo_koin.errors import UsageError, WeightsError
from yolo_koin.evaluation import predictions
from yolo_koin.evaluation.statistics import wilson
from yolo_koin.files import sha256
from yolo_koin.models import registry
from yolo_koin.models.fit import loop
from yolo_koin.models.protocol import Preparation
from yolo_koin.parallel import Step
from yolo_koin.runs import TrainRun
from yolo_koin.verbs.train import TrainResult

MODEL, TITLE = "tiny:linear", "Tiny (linear)"
EPOCHS = 8
CHANCE = 1 / len(PEOPLE)


pytestmark = pytest.mark.usefixtures("screen_only")


@pytest.fixture(scope="module", autouse=True)
def tiny() -> Iterator[None]:
    registry.register("tiny", "tests.models.tiny_family:Tiny")
    yield
    del registry.FAMILIES["tiny"]


def asked(koin: Path, **changed: object) -> TrainSpec:
    usual = {"model": MODEL, "data": str(koin), "weights": "scratch", "epochs": EPOCHS, "imgsz": 32, "batch": 8, "device": "cpu"}
    return TrainSpec(**{**usual, **changed})  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tiny")


@pytest.fixture(scope="module")
def trained(place: Path, koin: Path) -> TrainResult:
    with working_in(place):
        return train(asked(koin))


@pytest.fixture
def at_place(place: Path, trained: TrainResult) -> Iterator[Path]:
    with working_in(place):
        yield place


def arrays(weights: Path) -> dict[str, list[float]]:
    held = read(weights)
    return {name: held[name].tolist() for name in ("weight", "bias")}


def test_a_training_leaves_the_familys_files_and_no_others(at_place: Path, trained: TrainResult) -> None:
    assert trained.run == Path("runs/train/tiny-linear-normal"), "a colon is no letter of a file name everywhere"
    assert trained.weights == trained.run / "weights/best.npz"
    assert sorted(path.name for path in (trained.run / "weights").iterdir()) == ["best.npz", "last.npz"]
    assert trained.val > CHANCE
    run = TrainRun.read(trained.run)
    assert run is not None
    assert (run.status, run.spec.model, run.weights, run.weights_sha256) == ("finished", MODEL, trained.weights, sha256(trained.weights))
    assert [(one.name, one.status) for one in list_runs(kind="train")] == [("tiny-linear-normal", "finished")]


def test_the_checkpoint_carries_names_and_preparation(at_place: Path, trained: TrainResult) -> None:
    model = registry.load(trained.weights)
    assert (model.names, model.side, model.title, model.train_on) == (tuple(sorted(PEOPLE)), 32, TITLE, "normal")
    assert model.preparation == Preparation(fit="pad", side=256, mean=MEAN, std=STD)


@pytest.mark.parametrize("weights", [None, "tiny-linear-normal", "runs/train/tiny-linear-normal/weights/best.npz"])
def test_evaluate_by_default_by_name_and_by_path(at_place: Path, trained: TrainResult, weights: str | None) -> None:
    result = evaluate(weights=weights, device="cpu")
    top1 = result.metrics.query("split == 'normal_cases/test' and metric == 'top1'").iloc[0]
    assert result.weights.resolve() == trained.weights.resolve()
    assert top1["value"] > CHANCE
    assert top1["low"] > CHANCE, "not by luck"
    assert wilson(round(top1["value"] * 8), 8)[0] == pytest.approx(top1["low"])
    frame = predictions.read(result.run / "predictions.csv").set_index("image")
    index = read_index(trained.data)
    files = dict(zip(index["source"], index["image"], strict=True))
    model = registry.load(trained.weights)
    assert model.task == "classify"
    for image, row in frame.iterrows():
        logits = model.logits(load_square(trained.data / files[image], 32)[None])[0]
        assert row["pred_1"] == model.names[int(logits.argmax())]
        assert row["max_logit"] == pytest.approx(logits.max(), rel=1e-5)


def test_predict_and_report(at_place: Path, trained: TrainResult) -> None:
    shown = predict(source="normal_cases/test", weights=trained.weights, device="cpu")
    assert (shown.photos, shown.unreadable) == (8, 0)
    assert (shown.right or 0) > 8 * CHANCE
    assert (shown.run / "contact_sheet.png").is_file()
    scored = evaluate(weights=trained.weights, device="cpu", name="scored")
    (page, *_) = report(runs=(scored.run.name,)).files
    assert f"{TITLE}, normal" in page.read_text()


def test_a_benchmark_of_two_families(at_place: Path, koin: Path) -> None:
    shared: dict[str, Any] = {
        "data": str(koin),
        "weights": "scratch",
        "imgsz": 32,
        "batch": 8,
        "device": "cpu",
        "name": "both",
        "epochs": EPOCHS,
    }
    alone = benchmark(models=(MODEL,), **shared)
    (cell,) = alone.ran
    top1 = alone.metrics.query("split == 'normal_cases/test' and metric == 'top1'")["value"]
    assert top1.item() > CHANCE
    folder = alone.run / "cells" / cell
    assert (folder / "weights/best.npz").is_file()
    assert not list(folder.rglob("*.pt"))
    assert (folder / "predict/contact_sheet.png").is_file()
    (folder / "cell.json").unlink()  # as if it had been stopped between training and scoring
    stamp = (folder / "weights/best.npz").stat().st_mtime_ns
    again = benchmark(models=(MODEL,), sizes=("n",), **shared)
    assert (again.taken, len(again.ran)) == ((), 2)
    assert (folder / "weights/best.npz").stat().st_mtime_ns == stamp, "trained once"
    table = pd.read_csv(again.run / "results.csv", keep_default_na=False)
    assert list(dict.fromkeys(zip(table["model"], table["size"], strict=True))) == [("yolov8n-cls", "n"), (MODEL, "")]
    assert {f"{TITLE}, normal", "YOLOv8n-cls, normal"} <= set(again.table["model"])
    text = (again.run / "report.md").read_text()
    assert f"{TITLE}, normal" in text
    assert "YOLOv8n-cls, normal" in text


def test_an_interrupted_training_is_scored_and_resumed(
    place: Path, trained: TrainResult, koin: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "SAVE_EVERY", 0.0)

    def stop(step: Step) -> None:
        if step.what == "epoch" and step.done == 3:
            raise KeyboardInterrupt

    with working_in(place):
        with pytest.raises(KeyboardInterrupt):
            train(asked(koin, name="stopped"), stop)
        run = TrainRun.read(Path("runs/train/stopped"))
        assert run is not None
        assert run.status == "interrupted"
        assert (run.folder / "weights/state.pt").is_file()
        so_far = evaluate(weights="stopped", device="cpu", name="so-far")
        assert so_far.weights == run.folder / "weights/best.npz"
        result = resume("stopped")
        assert (result.epochs, result.best_epoch) == (EPOCHS, trained.best_epoch)
        assert sorted(path.name for path in (run.folder / "weights").iterdir()) == ["best.npz", "last.npz"]
        for name in ("best.npz", "last.npz"):
            assert arrays(run.folder / "weights" / name) == arrays(trained.run / "weights" / name)


def test_a_training_starts_from_a_checkpoint_of_the_family(at_place: Path, trained: TrainResult, koin: Path) -> None:
    tuned = train(asked(koin, weights="tiny-linear-normal", epochs=1, name="tuned"))
    run = TrainRun.read(tuned.run)
    assert run is not None
    assert (run.start, run.start_sha256) == (trained.weights, sha256(trained.weights))
    fresh = train(asked(koin, epochs=1, name="fresh"))
    before = np.array(arrays(trained.weights)["weight"])
    far, near = (np.abs(np.array(arrays(one.weights)["weight"]) - before).mean() for one in (fresh, tuned))
    assert near < 0.7 * far


@pytest.mark.parametrize(
    ("spec", "error", "words"),
    [
        pytest.param({"weights": "auto"}, WeightsError, "nobody has trained", id="no official weights, in the family's words"),
        pytest.param({"weights": "other.pt"}, WeightsError, "not a checkpoint of a tiny model", id="weights of another family"),
        pytest.param({"weights": "{trained}", "model": "yolov8n-cls"}, WeightsError, "has to end in", id="a tiny checkpoint for a YOLO"),
        pytest.param({"weights": "{trained}", "freeze": 1}, UsageError, "at most 0 layers", id="nothing to freeze"),
        pytest.param({"weights": "{trained}", "model": "yolov8n-cls", "freeze": 10}, UsageError, "at most 9 layers", id="all frozen"),
        pytest.param({"model": "tiny:liner"}, UsageError, MODEL, id="a near name"),
        pytest.param({"task": "detect"}, UsageError, "detects nothing", id="it classifies"),
        pytest.param({"imgsz": 40}, UsageError, "multiples of 16", id="an input that the family's models cannot take"),
    ],
)
def test_mistakes(at_place: Path, trained: TrainResult, koin: Path, spec: dict[str, object], error: type[Exception], words: str) -> None:
    Path("other.pt").write_bytes(b"not one")
    spec = {key: str(trained.weights) if value == "{trained}" else value for key, value in spec.items()}
    before = sorted(Path("runs/train").iterdir())
    with pytest.raises(error, match=words):
        train(asked(koin, **spec))
    assert sorted(Path("runs/train").iterdir()) == before, "refused before anything was made"


def test_what_a_weights_file_may_end_in_is_said_of_all_families(at_place: Path) -> None:
    Path("photo.jpg").touch()
    with pytest.raises(WeightsError, match=r"end in \.pt or \.safetensors or \.npz"):
        evaluate(weights="photo.jpg")
    with pytest.raises(WeightsError, match=r"Name the \.pt or \.safetensors or \.npz file in it"):
        evaluate(weights="data")


def test_the_manifest_names_the_model_as_the_registry_does(at_place: Path, trained: TrainResult) -> None:
    content = json.loads((trained.run / "manifest.json").read_text())
    assert (content["spec"]["model"], content["weights"]) == (MODEL, "weights/best.npz")
