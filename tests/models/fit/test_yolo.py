"""What a network of Ultralytics starts from."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from yolo_koin.errors import WeightsError
from yolo_koin.models import registry
from yolo_koin.models.checkpoints import load_checkpoint
from yolo_koin.models.fit.yolo import BACKBONE, build, layer_of
from yolo_koin.models.protocol import TrainJob
from yolo_koin.models.zoo import plans
from yolo_koin.parallel import Step, silent

Make = Callable[..., TrainJob]


@pytest.fixture
def classifier(job: Make, tmp_path: Path) -> Path:
    asked = job(epochs=1, folder=tmp_path / "classifier")
    return registry.family_of(asked.model).train(asked, silent).weights


def test_a_detector_takes_the_backbone_of_a_classifier_over(job: Make, classifier: Path) -> None:
    told: list[Step] = []
    network = build(job(model="yolov8n", start=classifier), plans()["yolov8n"], told.append)
    scratch = build(job(model="yolov8n"), plans()["yolov8n"], silent).state_dict()
    given = load_checkpoint(classifier, "classify")["model"].float().state_dict()
    own = network.state_dict()
    backbone = [key for key in own if layer_of(key) < BACKBONE]
    assert all(torch.equal(own[key], given[key]) for key in backbone)
    assert all(torch.equal(own[key], scratch[key]) for key in own if key not in backbone)
    assert [(step.done, step.of) for step in told] == [(len(backbone), len(backbone))]
    assert network.names == dict(enumerate(job().names))


def test_such_a_detector_trains(job: Make, classifier: Path) -> None:
    asked = job(model="yolov8n", start=classifier, epochs=1, imgsz=64)
    assert registry.family_of("yolov8n").train(asked, silent).metric == "map50"


def test_a_classifier_of_other_people_keeps_its_backbone_and_gets_their_names(job: Make, classifier: Path) -> None:
    given = load_checkpoint(classifier, "classify")["model"].float().state_dict()
    network = build(job(start=classifier, names=("x", "y", "z", "w")), plans()["yolov8n-cls"], silent)
    own = network.state_dict()
    differing = [key for key in own if own[key].shape != given[key].shape]
    assert differing == ["model.9.linear.weight", "model.9.linear.bias"]
    assert all(torch.equal(own[key], given[key]) for key in own if key not in differing)
    same = build(job(start=classifier, names=("x", "y", "z")), plans()["yolov8n-cls"], silent)
    assert same.names == {0: "x", 1: "y", 2: "z"}


@pytest.mark.parametrize("name", [name for name in plans() if name.endswith("n-cls")])
def test_every_generation_can_be_built(job: Make, name: str) -> None:
    network = build(job(model=name), plans()[name], silent).eval()
    with torch.inference_mode():
        scores, logits = network(torch.zeros(2, 3, 64, 64))
    assert scores.shape == logits.shape == (2, 3)
    assert network.model[-1].linear.out_features == 3


def test_a_run_in_a_folder_that_stock_could_not_read_is_refused_before_it_begins(job: Make, tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="apostrophe"):
        registry.family_of("yolov8n-cls").train(job(folder=tmp_path / "mine's"), silent)
