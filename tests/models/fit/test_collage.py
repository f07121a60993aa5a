from __future__ import annotations

import pytest
import torch
from torch import Tensor

from yolo_koin.models.fit.augment import Strength
from yolo_koin.models.fit.collage import Arrangement, collage

PLAIN = Strength(brightness=0, contrast=0, tint=0, grey=0, erase=0)


def batch(n: int, side: int = 96) -> dict[str, Tensor]:
    """Photos that are white inside of their one box and black around it; the square's sides stay uncovered."""
    photos = torch.zeros((n, 3, side, side), dtype=torch.uint8)
    photos[:, :, side // 4 : side // 2, side // 3 : side * 2 // 3] = 255
    box = torch.tensor([[0.5, 0.375, 1 / 3, 0.25]])
    return {
        "img": photos,
        "content": torch.tensor([[0.8, 1.0]]).expand(n, 2),
        "batch_idx": torch.arange(n).float(),
        "cls": torch.arange(n).float()[:, None],
        "bboxes": box.expand(n, 4),
    }


@pytest.mark.parametrize(
    "arrangement",
    [
        pytest.param(Arrangement(together=0), id="alone"),
        pytest.param(Arrangement(together=1), id="four together"),
        pytest.param(Arrangement(together=0, degrees=0, stretch=0, alone_scale=(1, 1)), id="as it was"),
    ],
)
def test_boxes_move_with_the_faces(arrangement: Arrangement) -> None:
    torch.manual_seed(0)
    made = collage(batch(12), arrangement, PLAIN)
    side = made["img"].shape[-1]
    assert len(made["bboxes"]) >= 12 * (0.8 if arrangement.together == 0 else 3)
    inside = []
    for owner, (x, y, width, height) in zip(made["batch_idx"].int().tolist(), (made["bboxes"] * side).tolist(), strict=True):
        half_width, half_height = 0.35 * width, 0.35 * height  # a turned box has corners that are not the face's
        part = made["img"][owner, 0, int(y - half_height) : int(y + half_height) + 1, int(x - half_width) : int(x + half_width) + 1]
        inside.append(float(part.mean()))
    assert sum(value > 0.9 for value in inside) >= 0.95 * len(inside)  # one of four may be covered by its neighbour


def test_boxes_are_shares_of_the_ground_in_the_order_of_photos() -> None:
    torch.manual_seed(1)
    made = collage(batch(16))
    low, high = made["bboxes"][:, :2] - made["bboxes"][:, 2:] / 2, made["bboxes"][:, :2] + made["bboxes"][:, 2:] / 2
    assert float(low.min()) >= -1e-5
    assert float(high.max()) <= 1 + 1e-5
    assert bool((made["batch_idx"].diff() >= 0).all())  # the stock loss counts on it
    assert made["img"].dtype == torch.float32
    assert 0 <= float(made["img"].min()) <= float(made["img"].max()) <= 1


def test_a_box_that_left_the_ground_is_dropped() -> None:
    one = batch(4)
    one["bboxes"] = torch.tensor([[0.02, 0.5, 0.04, 0.04]]).expand(4, 4)  # at the edge
    torch.manual_seed(0)
    far = collage(one, Arrangement(together=0, alone_scale=(3.0, 3.0)), PLAIN)
    assert len(far["bboxes"]) == 0


def test_the_same_seed_gives_the_same_arrangement() -> None:
    made = []
    for _ in range(2):
        torch.manual_seed(7)
        made.append(collage(batch(6)))
    assert all(torch.equal(made[0][key], made[1][key]) for key in made[0])


def test_photos_without_faces_are_a_ground_without_boxes() -> None:
    empty = batch(3)
    empty |= {"batch_idx": torch.empty(0), "cls": torch.empty((0, 1)), "bboxes": torch.empty((0, 4))}
    assert len(collage(empty)["bboxes"]) == 0
