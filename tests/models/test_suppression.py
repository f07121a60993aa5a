"""From raw outputs to faces, and the frame that photos are set in."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from yolo_koin.models.boxed_photos import BoxedPhotos, frame
from yolo_koin.models.faces import corners, every_box, kept_pairs, one_box_each


def output(*boxes: tuple[float, ...]) -> torch.Tensor:
    """One photo's output: rows of centre x, y, width, height and the classes' confidences."""
    return torch.tensor(boxes).T


TWO = output((50, 50, 40, 40, 0.9, 0.1), (51, 50, 40, 40, 0.2, 0.6), (120, 50, 40, 40, 0.05, 0.3))


def test_every_identity_keeps_its_best_box() -> None:
    faces = every_box(TWO, 0.001)
    assert faces.boxes.tolist() == [[30, 30, 70, 70], [31, 30, 71, 70], [100, 30, 140, 70]]
    assert torch.allclose(faces.scores, torch.tensor([[0.9, 0.1], [0.2, 0.6], [0.05, 0.3]]))


def test_identities_beyond_the_fifth_follow_with_the_same_box() -> None:
    faces = every_box(output((50, 50, 40, 40, *(0.9 - 0.1 * name for name in range(7)))), 0.001)
    assert faces.boxes.tolist() == [[30, 30, 70, 70]] * 2
    assert torch.allclose(faces.scores[1], torch.tensor([0, 0, 0, 0, 0, 0.4, 0.3]))


def test_a_person_sees_one_box_for_each_face() -> None:
    assert one_box_each(TWO, 0.25).boxes.tolist() == [[30, 30, 70, 70], [100, 30, 140, 70]]
    assert len(one_box_each(TWO, 0.5).boxes) == 1
    assert one_box_each(TWO, 0.95).scores.shape == (0, 2)


def test_boxes_that_overlap_a_little_are_two_faces() -> None:
    assert len(one_box_each(output((50, 50, 40, 40, 0.9), (70, 50, 40, 40, 0.8)), 0.25).boxes) == 2


@pytest.mark.parametrize("seed", range(4))
def test_the_pairs_are_those_of_the_stock_suppression(seed: int) -> None:
    from ultralytics.utils.nms import non_max_suppression

    import yolo_koin.models  # noqa: F401  # before Ultralytics

    generator = torch.Generator().manual_seed(seed)
    centres = torch.rand((2, 300), generator=generator) * 100
    photo = torch.cat([centres, 20 + torch.rand((2, 300), generator=generator) * 20, torch.rand((6, 300), generator=generator) ** 4])
    (stock,) = non_max_suppression(photo[None], 0.001, 0.7, multi_label=True, max_det=300, max_time_img=1e6)
    box, label, score = kept_pairs(photo, 0.001)
    assert torch.allclose(score, stock[:, 4])
    assert torch.equal(label, stock[:, 5].long())
    assert torch.allclose(corners(photo)[box], stock[:, :4], atol=1e-4)


def test_nothing_is_found_in_nothing() -> None:
    photo = torch.zeros((6, 50))
    assert every_box(photo, 0.001).boxes.shape == (0, 4)
    assert one_box_each(photo, 0.25).scores.shape == (0, 2)


@pytest.mark.parametrize(("size", "side"), [((92, 112), 128), ((112, 92), 128), ((1080, 1350), 640), ((640, 10), 320), ((1, 1), 64)])
def test_the_frame_is_the_stock_validators(size: tuple[int, int], side: int) -> None:
    """Sides that are multiples of 32 with half a stride to spare, the photo in the middle, its longer side as asked."""
    framed = frame(np.full((size[1], size[0], 3), 200, np.uint8), side)
    _, height, width = framed.pixels.shape
    assert height % 32 == width % 32 == 0
    assert max(height, width) == side + 32 or side % 32
    bright = (framed.pixels[0] == 200).nonzero()
    rows, columns = bright[:, 0], bright[:, 1]
    assert (int(rows.min()), int(columns.min())) == (framed.top, framed.left)
    assert max(int(rows.max() - rows.min()), int(columns.max() - columns.min())) + 1 == side
    assert framed.scale == pytest.approx((side / max(size),) * 2, rel=0.05 if min(size) > 10 else 5)  # lengths are rounded up


def test_labels_follow_the_photo_onto_the_square(tmp_path: Path) -> None:
    for folder, name in (("images/train/a", "1.jpg"), ("labels/train/a", "1.txt")):
        (tmp_path / folder).mkdir(parents=True)
        if name.endswith("jpg"):
            Image.new("RGB", (100, 200), "white").save(tmp_path / folder / name)
        else:
            (tmp_path / folder / name).write_text("3 0.500000 0.250000 0.500000 0.100000\n")
    photos = BoxedPhotos([tmp_path / "images/train/a/1.jpg"], tmp_path, 64)
    made = photos.__getitems__([0])
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
    assert torch.equal(stock[0]["img"], frame(noise, 128).pixels)
