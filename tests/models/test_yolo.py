"""Checkpoints of others: what they say of themselves is checked, and whatever is wrong with them is one line."""

from __future__ import annotations

import copy
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.models.conftest import NAMES
from yolo_koin.dataset.images import load_square
from yolo_koin.errors import UsageError, WeightsError
from yolo_koin.models import registry
from yolo_koin.models.checkpoints import NOTE, load_checkpoint
from yolo_koin.models.protocol import LabelledPhoto, Preparation, TrainJob, each_logits, probabilities
from yolo_koin.models.yolo import YoloClassifier
from yolo_koin.models.yolo_detect import YoloDetector
from yolo_koin.parallel import silent

Change = Callable[[dict[str, Any]], object]


@pytest.fixture(scope="module")
def made(squares: tuple[tuple[LabelledPhoto, ...], ...], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Checkpoints of one epoch."""
    weights = {}
    for model in ("yolov8n-cls", "yolo11n-cls", "yolov8n"):
        job = TrainJob(
            model=model,
            train=squares[0],
            val=squares[1],
            names=NAMES,
            folder=tmp_path_factory.mktemp(model),
            start=None,
            preparation=Preparation(fit="pad", side=64),
            train_on="normal",
            epochs=1,
            imgsz=64,
            batch=8,
            device="cpu",
            seed=0,
            freeze=0,
            lr=1e-3,
        )
        weights[model] = registry.family_of(model).train(job, silent).weights
    return weights


def changed(weights: Path, to: Path, change: Change) -> Path:
    checkpoint = load_checkpoint(weights, "")
    change(checkpoint)
    torch.save(checkpoint, to)
    return to


def named(names: object) -> Change:
    return lambda checkpoint: setattr(checkpoint["model"], "names", names)


def told(**values: object) -> Change:
    return lambda checkpoint: checkpoint[NOTE].update(values)


def sized(imgsz: object) -> Change:
    return lambda checkpoint: checkpoint["train_args"].update(imgsz=imgsz)


@pytest.mark.parametrize(
    ("change", "side"),
    [
        pytest.param(lambda c: None, 64, id="as it is"),
        pytest.param(named(list(NAMES)), 64, id="names as a list"),
        pytest.param(named({str(i): NAMES[i] for i in (2, 0, 1)}), 64, id="numbers as texts"),
        pytest.param(sized([64, 96]), 96, id="two sizes"),
        pytest.param(sized(None), 224, id="no size"),
        pytest.param(sized("64"), 224, id="a text for a size"),
        pytest.param(sized(8), 224, id="a size too small"),
        pytest.param(sized(1e9), 224, id="a size too large"),
        pytest.param(sized(float("nan")), 224, id="no number for a size"),
        pytest.param(sized([]), 224, id="no sizes"),
        pytest.param(lambda c: c.pop("train_args"), 224, id="no arguments"),
        pytest.param(lambda c: c.update(train_args=[1]), 224, id="arguments of another kind"),
        pytest.param(lambda c: c.pop(NOTE), 64, id="without our note"),
        pytest.param(lambda c: c[NOTE].pop("model"), 64, id="a note of an older version"),
    ],
)
def test_what_is_left_open_is_as_usual(made: dict[str, Path], tmp_path: Path, change: Change, side: int) -> None:
    model = registry.load(changed(made["yolov8n-cls"], tmp_path / "best.pt", change), "cpu")
    assert (model.task, model.names, model.side, model.title) == ("classify", NAMES, side, "YOLOv8n-cls")
    assert model.preparation.side in {64, 256}


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda c: delattr(c["model"], "names"), id="no names"),
        pytest.param(named({}), id="empty names"),
        pytest.param(named(None), id="None for names"),
        pytest.param(named("abc"), id="a text for names"),
        pytest.param(named(list(NAMES[:2])), id="fewer names than outputs"),
        pytest.param(named([*NAMES, "more"]), id="more names than outputs"),
        pytest.param(named({1: "a", 2: "b", 3: "c"}), id="numbered from 1"),
        pytest.param(named({0: "a", "0": "b", 1: "c"}), id="a number twice"),
        pytest.param(named({"x": "a", "y": "b", "z": "c"}), id="not numbered"),
        pytest.param(named(["a", "b", "a"]), id="a name twice"),
        pytest.param(named(["a", "é", "e\u0301"]), id="a name twice, in two normal forms"),
        pytest.param(named(["a", "b", " "]), id="an empty name"),
        pytest.param(told(fit="squash"), id="an unknown fit"),
        pytest.param(told(fit=["pad"]), id="a fit of another kind"),
        pytest.param(told(side="256"), id="a side that is a text"),
        pytest.param(told(side=True), id="a side that is a truth value"),
        pytest.param(told(side=10**9), id="a side out of bounds"),
        pytest.param(told(train_on="group"), id="an unknown training set"),
        pytest.param(told(train_on={}), id="a training set of another kind"),
        pytest.param(told(model=8), id="a model that is no text"),
        pytest.param(lambda c: c.update({NOTE: [1]}), id="a note of another kind"),
        pytest.param(lambda c: c["model"].model.pop(-1), id="no head"),
        pytest.param(lambda c: c["model"].model.pop(3), id="a layer lost"),
        pytest.param(lambda c: delattr(c["model"], "save"), id="an attribute lost"),
        pytest.param(lambda c: c["model"].model[0].conv.weight.data.fill_(float("nan")), id="weights that are no numbers"),
        pytest.param(lambda c: c.update(model=None), id="no model"),
        pytest.param(lambda c: c.update(model=torch.zeros(3)), id="a tensor for a model"),
        pytest.param(lambda c: c.update(ema=torch.zeros(3)), id="a tensor for the average"),
    ],
)
@pytest.mark.parametrize("kind", ["yolov8n-cls", "yolov8n"])
def test_what_makes_no_sense_is_one_line(made: dict[str, Path], tmp_path: Path, kind: str, change: Change) -> None:
    path = changed(made[kind], tmp_path / "best.pt", change)
    with pytest.raises(WeightsError) as error:
        registry.load(path, "cpu")
    assert "\n" not in str(error.value)


def test_a_detector_says_what_it_is(made: dict[str, Path]) -> None:
    model = registry.load(made["yolov8n"], "cpu")
    assert isinstance(model, YoloDetector)
    assert (model.title, model.names, model.side, model.preparation.side, model.train_on) == ("YOLOv8n", NAMES, 64, 64, "normal")


@pytest.mark.parametrize("kind", ["yolov8n-cls", "yolo11n-cls"])
def test_logits_are_the_head_of_the_features_and_the_scores_those_of_stock(
    made: dict[str, Path], squares: tuple[tuple[LabelledPhoto, ...], ...], kind: str
) -> None:
    photos = np.stack([load_square(photo.path, 64) for photo in squares[0]])
    model = YoloClassifier(made[kind], "cpu")
    logits, features = model.logits(photos), model.features(photos)
    head = load_checkpoint(made[kind], "classify")["model"].model[-1].linear.float()
    assert np.allclose(head(torch.from_numpy(features)).detach().numpy(), logits, atol=1e-5)
    batch = torch.from_numpy(photos).permute(0, 3, 1, 2).float() / 255
    with torch.inference_mode():
        stock = copy.deepcopy(load_checkpoint(made[kind], "classify")["model"]).float().eval()(batch)[0].numpy()
    assert np.abs(probabilities(logits) - stock).max() < 1e-5
    assert np.allclose(np.stack(list(each_logits(model, photos, batch=4))), logits, atol=1e-5)


def test_probabilities_are_those_of_torch() -> None:
    logits = np.random.default_rng(0).normal(0, 20, (50, 7)).astype(np.float32)
    logits[0, 0] = 3000  # would overflow
    ours = probabilities(logits)
    assert ours.dtype == np.float32
    assert np.abs(ours - torch.from_numpy(logits).softmax(dim=1).numpy()).max() < 1e-6


@pytest.mark.parametrize(
    ("model", "weights", "error", "words"),
    [
        ("yolov8s-cls", "yolov8n-cls", UsageError, "Say model=yolov8n-cls"),
        ("yolov8n-cls", "yolo11n-cls", UsageError, "Say model=yolo11n-cls"),
        ("yolov8s", "yolov8n-cls", UsageError, "Say model=yolov8n"),
        ("yolov8s", "yolov8n", UsageError, "Say model=yolov8n"),
        ("yolov8n-cls", "yolov8n", WeightsError, "not a classification model"),
        ("yolov8n-cls", "missing", WeightsError, "no such weights file"),
    ],
)
def test_a_start_of_another_model_is_refused(
    made: dict[str, Path], tmp_path: Path, model: str, weights: str, error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        registry.family_of(model).check(model, made.get(weights, tmp_path / "missing.pt"))


@pytest.mark.parametrize(("model", "weights"), [("yolov8n-cls", "yolov8n-cls"), ("yolov8n", "yolov8n"), ("yolov8n", "yolov8n-cls")])
def test_a_start_that_fits(made: dict[str, Path], model: str, weights: str) -> None:
    assert registry.family_of(model).check(model, made[weights]) == (model.endswith("-cls") == weights.endswith("-cls"))


@pytest.mark.parametrize("kind", ["yolov8n-cls", "yolo11n-cls", "yolov8n"])
def test_stock_loads_a_checkpoint_where_this_package_is_not(
    made: dict[str, Path], squares: tuple[tuple[LabelledPhoto, ...], ...], kind: str
) -> None:
    code = f"""
import sys
sys.modules["yolo_koin"] = None  # importing it fails
from ultralytics import YOLO
model = YOLO({str(made[kind])!r})
model({str(squares[0][0].path)!r}, verbose=False)
print(model.task, model.overrides["imgsz"], *model.names.values())
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    task = "classify" if kind.endswith("cls") else "detect"
    assert done.stdout.split()[-5:] == [task, "64", *NAMES]
