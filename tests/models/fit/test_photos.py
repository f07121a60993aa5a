from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from PIL import Image
from ultralytics.data.augment import classify_transforms

from tests.conftest import att
from yolo_koin.dataset.images import load_square
from yolo_koin.models.fit import source
from yolo_koin.models.fit.photos import Photos
from yolo_koin.models.protocol import LabelledPhoto


@pytest.fixture(scope="module")
def jpegs(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("jpegs")
    paths = []
    for number in range(1, 5):
        paths.append(folder / f"{number}.jpg")
        att(number, 1).convert("RGB").resize((256, 256)).save(paths[-1], quality=95)
    return paths


@pytest.mark.parametrize("side", [64, 96, 224, 256], ids=["small", "odd factor", "usual", "as written"])
def test_same_pixels_as_the_stock_validation_transform(jpegs: list[Path], side: int) -> None:
    stock = classify_transforms(size=side)
    for path in jpegs:
        read = cv2.imread(str(path))
        assert read is not None
        read_by_stock = Image.fromarray(cv2.cvtColor(read, cv2.COLOR_BGR2RGB))
        difference = stock(read_by_stock) * 255 - torch.from_numpy(load_square(path, side)).permute(2, 0, 1).float()
        assert difference.abs().max() <= 1.5  # the two JPEG decoders may round apart by one


def test_bytes_and_path_give_the_same(jpegs: list[Path]) -> None:
    assert np.array_equal(load_square(jpegs[0], 64), load_square(jpegs[0].read_bytes(), 64))


def test_a_batch_is_the_same_from_memory_and_from_disk(jpegs: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    labelled = [LabelledPhoto(path, path.stem) for path in jpegs]
    cached = Photos(labelled, ["1", "2", "3", "4"], 64)
    monkeypatch.setattr(source, "CACHE_SHARE", 0.0)
    from_disk = Photos(labelled, ["1", "2", "3", "4"], 64)
    assert cached.cache is not None
    assert from_disk.cache is None
    a, b = cached.batch([2, 0]), from_disk.batch([2, 0])
    assert torch.equal(a["img"], b["img"])
    assert a["cls"].tolist() == b["cls"].tolist() == [2, 0]


def test_batches_are_in_the_order_that_is_asked_for(jpegs: list[Path]) -> None:
    photos = Photos([LabelledPhoto(path, path.stem) for path in jpegs], ["1", "2", "3", "4"], 32)
    assert [batch["cls"].tolist() for batch in photos.batches([3, 1, 0], 2)] == [[3, 1], [0]]
    assert photos.batch([1])["img"].is_contiguous(memory_format=torch.channels_last)
