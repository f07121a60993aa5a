"""Exported networks answer as their checkpoints do, spare the import of torch, and are made again whenever something is wrong with them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.models.conftest import NAMES
from yolo_koin.dataset.images import load_square
from yolo_koin.errors import UsageError, WeightsError
from yolo_koin.models import engine, registry
from yolo_koin.models.engine import KEPT, OnnxClassifier
from yolo_koin.models.protocol import LabelledPhoto, Preparation, TrainJob, probabilities
from yolo_koin.parallel import silent

Squares = tuple[tuple[LabelledPhoto, ...], tuple[LabelledPhoto, ...]]
Make = Callable[..., TrainJob]


@pytest.fixture
def weights(job: Make, tmp_path: Path) -> Path:
    """A checkpoint of one epoch."""
    return trained(job(epochs=1, imgsz=64), tmp_path / "weights")


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "engines"


def trained(job: TrainJob, folder: Path) -> Path:
    made = registry.family_of(job.model).train(job, silent).weights
    folder.mkdir(exist_ok=True)
    return made.replace(folder / f"{job.model}-{job.seed}.pt")


def onnx(weights: Path, cache: Path) -> OnnxClassifier:
    model = engine.load(weights, "cpu", False, "onnx", cache)
    assert isinstance(model, OnnxClassifier)
    return model


def test_fast_and_plain_agree(weights: Path, cache: Path, squares: Squares) -> None:
    photos = np.stack([load_square(photo.path, 64) for part in squares for photo in part])
    plain = engine.load(weights, "cpu", False, "torch", cache)
    assert plain.task == "classify"
    for fast in (onnx(weights, cache), onnx(weights, cache)):  # just exported, and read again
        assert (fast.names, fast.side, fast.title, fast.preparation, fast.train_on, fast.weights) == (
            *(NAMES, 64, "YOLOv8n-cls", Preparation(fit="pad", side=64), "normal", weights),
        )
        for count in (1, 3, len(photos)):
            assert np.allclose(probabilities(fast.logits(photos[:count])), probabilities(plain.logits(photos[:count])), atol=1e-5)
        assert (fast.logits(photos).argmax(axis=1) == plain.logits(photos).argmax(axis=1)).mean() >= 0.995
        assert np.allclose(fast.features(photos), plain.features(photos), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda ours, other: other, id="of another checkpoint, under this one's name"),
        pytest.param(lambda ours, other: ours.split(b"\n", 1)[0] + b"\n" + other.split(b"\n", 1)[1], id="another network after our head"),
        pytest.param(lambda ours, other: ours[:-100] + bytes(100), id="damaged"),
        pytest.param(lambda ours, other: ours[: len(ours) // 2], id="cut off"),
        pytest.param(lambda ours, other: b"", id="empty"),
        pytest.param(lambda ours, other: b"\xff" * 100, id="something else"),
        pytest.param(lambda ours, other: ours.replace(b'"version": 1', b'"version": 0', 1), id="of another version"),
    ],
)
def test_a_file_that_does_not_hold_is_made_again(
    weights: Path, job: Make, cache: Path, tmp_path: Path, change: Callable[[bytes, bytes], bytes]
) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (2, 64, 64, 3), dtype=np.uint8)
    wanted = onnx(weights, cache).logits(noise)
    (file,) = cache.iterdir()
    good = file.read_bytes()
    onnx(trained(job(epochs=1, imgsz=64, seed=1), tmp_path / "weights"), tmp_path / "others")
    (other,) = (tmp_path / "others").iterdir()
    file.write_bytes(change(good, other.read_bytes()))
    assert file.read_bytes() != good
    assert np.array_equal(onnx(weights, cache).logits(noise), wanted)
    assert file.read_bytes().split(b"\n", 1)[0] == good.split(b"\n", 1)[0]


def test_a_checkpoint_that_changed_is_exported_again(weights: Path, job: Make, cache: Path, tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (2, 64, 64, 3), dtype=np.uint8)
    before = onnx(weights, cache).logits(noise)
    trained(job(epochs=1, imgsz=64, seed=1), tmp_path / "weights").replace(weights)
    assert not np.allclose(onnx(weights, cache).logits(noise), before)


def test_those_used_last_are_kept(weights: Path, cache: Path) -> None:
    cache.mkdir()
    for i in range(KEPT + 2):
        (cache / f"{i}.engine").touch()
        os.utime(cache / f"{i}.engine", (i, i))
    onnx(weights, cache)
    assert len(list(cache.iterdir())) == KEPT
    assert not (cache / "2.engine").exists()
    assert (cache / "3.engine").exists()


def test_an_exported_network_needs_no_torch(weights: Path, cache: Path) -> None:
    onnx(weights, cache)
    code = f"""
import sys
from pathlib import Path
from yolo_koin.models import engine
print(engine.load(Path({str(weights)!r}), "cpu", False, "auto", Path({str(cache)!r})).title)
print([name for name in ("torch", "ultralytics", "onnx") if name in sys.modules])
"""
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "YOLOv8n-cls\n[]\n"


def test_a_folder_that_cannot_be_written_to_is_no_obstacle(weights: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert onnx(weights, tmp_path / "file" / "engines").names == NAMES


def test_what_cannot_be_exported(job: Make, cache: Path, tmp_path: Path) -> None:
    detector = trained(job(model="yolov8n", epochs=1), tmp_path / "weights")
    assert engine.load(detector, "cpu", False, "auto", cache).task == "detect"
    with pytest.raises(UsageError, match="a model that cannot be exported"):
        engine.load(detector, "cpu", False, "onnx", cache)
    for chosen in ("auto", "onnx"):
        with pytest.raises(WeightsError, match="no such weights file"):
            engine.load(tmp_path / "none.pt", "cpu", False, chosen, cache)


def test_a_gpu_is_left_to_torch_unless_the_processor_is_asked_for(weights: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda tool: f"/usr/bin/{tool}")
    assert not isinstance(engine.load(weights, "", False, "auto", cache), OnnxClassifier)
    assert isinstance(engine.load(weights, "cpu", False, "auto", cache), OnnxClassifier)


def test_where_it_goes_wrong_torch_stands_in(weights: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "CLOSE", -1.0)  # nothing is so close
    model = engine.load(weights, "cpu", False, "auto", cache)
    assert not isinstance(model, OnnxClassifier)
    assert not cache.exists()
    with pytest.raises(UsageError, match="cannot be exported"):
        engine.load(weights, "cpu", False, "onnx", cache)
    monkeypatch.setattr(engine, "NEEDED", ("a package that is not there",))
    assert type(engine.load(weights, "cpu", False, "auto", cache)) is type(model)
    with pytest.raises(UsageError, match="not installed"):
        engine.load(weights, "cpu", False, "onnx", cache)
