from __future__ import annotations

from pathlib import Path

import cv2
import pytest
import torch
from PIL import Image
from ultralytics.data.augment import classify_transforms

from tests.conftest import att
from yolo_koin.models import photos
from yolo_koin.models.photos import Photos, load_square


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
        difference = stock(read_by_stock) * 255 - load_square(path, side).float()
        assert difference.abs().max() <= 1.5  # the two JPEG decoders may round apart by one


def test_bytes_and_path_give_the_same(jpegs: list[Path]) -> None:
    assert torch.equal(load_square(jpegs[0], 64), load_square(jpegs[0].read_bytes(), 64))


def test_a_batch_is_the_same_from_memory_and_from_disk(jpegs: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    cached = Photos(jpegs, [0, 1, 2, 3], 64)
    monkeypatch.setattr(photos, "CACHE_SHARE", 0.0)
    from_disk = Photos(jpegs, [0, 1, 2, 3], 64)
    assert cached.cache is not None
    assert from_disk.cache is None
    a, b = cached.__getitems__([2, 0]), from_disk.__getitems__([2, 0])
    assert torch.equal(a["img"], b["img"])
    assert a["cls"].tolist() == b["cls"].tolist() == [2, 0]
