"""Ultralytics models as face detectors: the boxes of stock prediction, and one line for a model that finds no faces.

The networks here are untrained, so that their faces mean nothing; where they lie is what is tested.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from tests.conftest import att
from yolo_koin import environment

environment.prepare()

from ultralytics import YOLO  # noqa: E402
from ultralytics.nn.tasks import DetectionModel, PoseModel, yaml_model_load  # noqa: E402

from yolo_koin.errors import WeightsError  # noqa: E402
from yolo_koin.faces import Face  # noqa: E402
from yolo_koin.faces.finder import find_faces  # noqa: E402
from yolo_koin.models.yolo_faces import CONFIDENCE, OVERLAP, FaceModel  # noqa: E402

SIDE = 160
Make = Callable[..., Path]


def photo(person: int = 1, size: tuple[int, int] = (200, 150)) -> NDArray[np.uint8]:
    return np.asarray(att(person, 1).convert("RGB").resize(size))


def network(config: str, names: Sequence[str], points: tuple[int, int] | None = None) -> Any:
    """An untrained network that sees something in a fiftieth of its places."""
    torch.manual_seed(0)
    layers = yaml_model_load(config) | {"nc": len(names)}
    model = PoseModel(layers | {"kpt_shape": list(points)}, verbose=False) if points else DetectionModel(layers, verbose=False)
    model.names, model.task = dict(enumerate(names)), "pose" if points else "detect"
    seen = torch.from_numpy(np.stack([photo(person, (SIDE, SIDE)) for person in (1, 2)])).permute(0, 3, 1, 2).float() / 255
    for norm in model.modules():
        if isinstance(norm, torch.nn.BatchNorm2d):
            norm.momentum = 1.0  # fitted to these photos, so that scores differ from place to place
    with torch.no_grad():
        model.train()(seen)
        raw = model.eval()(seen)[1]
    shift = -float(raw.get("one2many", raw)["scores"].quantile(0.98))
    for scale in model.model[-1].cv3:
        scale[-1].bias.data += shift
    return model


@pytest.fixture(scope="module")
def make(tmp_path_factory: pytest.TempPathFactory) -> Make:
    """Makes a checkpoint as Ultralytics writes it."""

    def save(config: str = "yolov8n.yaml", names: Sequence[str] = ("face",), points: tuple[int, int] | None = None) -> Path:
        stock = YOLO(config)
        stock.model, stock.ckpt = network(config, names, points), {"train_args": {"imgsz": SIDE}}
        path = tmp_path_factory.mktemp("weights") / "my_faces.pt"
        stock.save(path)
        return path

    return save


@pytest.fixture(scope="module")
def weights(make: Make) -> Path:
    return make()


def boxes(faces: Sequence[Face]) -> NDArray[np.float64]:
    return np.array([(*face.box, face.score) for face in faces]).reshape(-1, 5)


@pytest.mark.parametrize(
    ("config", "names", "points"),
    [
        ("yolov8n.yaml", ("face",), None),
        ("yolov8n.yaml", ("person",), None),
        ("yolov8n.yaml", ("car", "Face", "dog"), None),
        ("yolov8n-pose.yaml", ("face",), (5, 3)),
        ("yolov8n-pose.yaml", ("face",), (5, 2)),
        ("yolo26n.yaml", ("face",), None),
        ("yolo26n-pose.yaml", ("face",), (5, 3)),
    ],
    ids=["face", "one class", "face among others", "pose", "pose without visibility", "two heads", "pose with two heads"],
)
def test_finds_what_stock_prediction_finds(make: Make, config: str, names: Sequence[str], points: tuple[int, int] | None) -> None:
    path = make(config, names, points)
    wanted = [name.lower() for name in names].index("face") if len(names) > 1 else 0
    model = FaceModel(path, "cpu")
    for size in ((200, 150), (92, 112), (500, 90)):
        pixels = photo(size=size)
        (stock,) = YOLO(path).predict(
            pixels[..., ::-1], imgsz=SIDE, conf=CONFIDENCE, iou=OVERLAP, classes=[wanted], device="cpu", verbose=False
        )
        corners = stock.boxes.xyxy.numpy()
        inside = (corners[:, 2] > corners[:, 0]) & (corners[:, 3] > corners[:, 1])
        expected = np.column_stack([corners[:, :2], corners[:, 2:] - corners[:, :2], stock.boxes.conf.numpy()])[inside]
        found = model.detect(pixels)
        assert len(found) > 1
        assert boxes(found) == pytest.approx(expected, abs=0.01)
        if points:
            assert np.stack([face.points() for face in found]) == pytest.approx(stock.keypoints.xy.numpy()[inside], abs=0.01)
        else:
            assert {face.landmarks for face in found} == {None}


def test_a_photo_has_the_same_faces_in_any_company(weights: Path) -> None:
    model = FaceModel(weights, "cpu")
    photos = [photo(1), photo(2, (60, 200)), photo(3), np.zeros((5, 300, 3), np.uint8), photo(4, (60, 200))]
    for one, together in zip(photos, model.detect_batch(photos), strict=True):
        assert boxes(together) == pytest.approx(boxes(model.detect(one)), abs=0.01)
    assert model.detect_batch([]) == []


def test_threads_and_copies_find_the_same(weights: Path) -> None:
    model = FaceModel(weights, "cpu")
    photos = [photo(person, (200, 40 * person)) for person in range(1, 6)]  # shapes in turn, since the network keeps a grid for one
    one_by_one = model.detect_batch(photos)
    with ThreadPoolExecutor(3) as pool:
        for found, expected in zip(pool.map(model.detect, photos * 3), one_by_one * 3, strict=True):
            assert boxes(found) == pytest.approx(boxes(expected), abs=0.01)
    copy = pickle.loads(pickle.dumps(model))
    assert copy.key == model.key
    assert boxes(copy.detect(photos[0])) == pytest.approx(boxes(one_by_one[0]), abs=0.01)


def test_says_what_it_is(weights: Path, make: Make) -> None:
    model = FaceModel(weights, "cpu")
    assert (model.name, model.longest, model.batch) == ("my_faces", SIDE, 1)
    assert model.key != FaceModel(make(names=("person",)), "cpu").key


def test_faces_of_files(weights: Path, tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    Image.fromarray(photo(size=(800, 600))).save(path, quality=95)
    (found,) = find_faces([path], FaceModel(weights, "cpu"))
    assert (found.width, found.height, found.error) == (800, 600, "")
    corners = np.array([(x + width, y + height) for x, y, width, height in (face.box for face in found.faces)])
    assert len(corners)
    assert (corners <= (800.01, 600.01)).all()
    assert corners.max() > 2 * SIDE, "in pixels of the photo, not of what the network saw"


@pytest.mark.parametrize(
    ("config", "names", "points", "said"),
    [
        ("yolov8n.yaml", ("car", "dog"), None, "none of its 2 classes is named face"),
        ("yolov8n-pose.yaml", ("person",), (17, 3), "a pose of 17 points"),
    ],
    ids=["other classes", "a person's limbs"],
)
def test_a_model_that_finds_no_faces(make: Make, config: str, names: Sequence[str], points: tuple[int, int] | None, said: str) -> None:
    with pytest.raises(WeightsError, match=rf"^not a face model \({said}\): .*my_faces.pt. Take a model"):
        FaceModel(make(config, names, points), "cpu")


@pytest.mark.parametrize("config", ["yolov8n-cls.yaml", "yolov8n-seg.yaml", "yolov8n-obb.yaml"])
def test_a_model_of_another_task(tmp_path: Path, config: str) -> None:
    path = tmp_path / "other.pt"
    YOLO(config).save(path)
    with pytest.raises(WeightsError, match=r"^not a (face )?model.* \(\w+Model\): .*other.pt. Take a"):
        FaceModel(path, "cpu")


class Bomb:
    """What must not run when it is loaded."""

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return exec, ("raise SystemExit('it ran')",)


def test_a_pickle_of_a_stranger_is_not_run(tmp_path: Path) -> None:
    path = tmp_path / "bomb.pt"
    torch.save({"model": Bomb()}, path)
    with pytest.raises(WeightsError, match="safe loading refuses"):
        FaceModel(path, "cpu")
