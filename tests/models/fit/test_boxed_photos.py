"""The frame that photos are set in, and the boxes that follow them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from yolo_koin.models.fit.boxed_photos import BoxedPhotos, frame
from yolo_koin.models.protocol import LabelledPhoto


@pytest.mark.parametrize(("size", "side"), [((92, 112), 128), ((112, 92), 128), ((1080, 1350), 640), ((640, 10), 320), ((1, 1), 64)])
def test_the_frame_is_the_stock_validators(size: tuple[int, int], side: int) -> None:
    """Sides that are multiples of 32 with half a stride to spare, the photo in the middle, its longer side as asked."""
    framed = frame(np.full((size[1], size[0], 3), 200, np.uint8), side)
    height, width, _ = framed.pixels.shape
    assert height % 32 == width % 32 == 0
    assert max(height, width) == side + 32 or side % 32
    rows, columns = (framed.pixels[..., 0] == 200).nonzero()
    assert (int(rows.min()), int(columns.min())) == (framed.top, framed.left)
    assert max(int(rows.max() - rows.min()), int(columns.max() - columns.min())) + 1 == side
    assert framed.scale == pytest.approx((side / max(size),) * 2, rel=0.05 if min(size) > 10 else 5)  # lengths are rounded up


def test_labels_follow_the_photo_onto_the_square(tmp_path: Path) -> None:
    Image.new("RGB", (100, 200), "white").save(tmp_path / "1.jpg")
    photo = LabelledPhoto(tmp_path / "1.jpg", "", (("d", 0.5, 0.25, 0.5, 0.1),))
    made = BoxedPhotos([photo], ["a", "b", "c", "d"], 64).batch([0])
    assert made["img"].shape == (1, 3, 64, 64)
    assert made["content"].tolist() == [[0.5, 1.0]]
    assert made["cls"].tolist() == [[3]]
    assert made["bboxes"].tolist() == [pytest.approx([0.5, 0.25, 0.25, 0.1])]


@pytest.mark.parametrize("size", [(92, 112), (344, 208), (640, 427), (33, 500)])
def test_the_pixels_are_the_stock_validators(tmp_path: Path, size: tuple[int, int]) -> None:
    from ultralytics.cfg import get_cfg
    from ultralytics.data.build import build_yolo_dataset

    import yolo_koin.models  # noqa: F401  # before Ultralytics

    noise = np.random.default_rng(0).integers(0, 255, (size[1], size[0], 3), dtype=np.uint8)
    path = tmp_path / "images/test/a/1.png"
    path.parent.mkdir(parents=True)
    Image.fromarray(noise).save(path)
    label = tmp_path / "labels/test/a/1.txt"
    label.parent.mkdir(parents=True)
    label.write_text("0 0.5 0.5 0.4 0.4\n")
    settings = get_cfg(overrides={"imgsz": 128, "task": "detect"})
    stock = build_yolo_dataset(settings, str(path.parent), 1, {"names": {0: "a"}, "channels": 3}, mode="val", rect=True, stride=32)
    assert np.array_equal(stock[0]["img"].permute(1, 2, 0).numpy(), frame(noise, 128).pixels)
