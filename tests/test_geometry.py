from __future__ import annotations

import numpy as np
import pytest
import torch
from torchvision.ops import box_iou

from yolo_koin.geometry import Box, iou


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        pytest.param((0, 0, 10, 10), 1, id="the same"),
        pytest.param((5, 0, 10, 10), 1 / 3, id="half beside"),
        pytest.param((10, 0, 4, 4), 0, id="touching"),
        pytest.param((2, 2, 5, 5), 0.25, id="inside"),
        pytest.param((3, 3, 0, 0), 0, id="empty"),
        pytest.param((50, 50, 10, 10), 0, id="apart in both directions"),
    ],
)
def test_by_hand(other: Box, expected: float) -> None:
    assert iou((0, 0, 10, 10), other) == pytest.approx(expected)
    assert iou(other, (0, 0, 10, 10)) == pytest.approx(expected)


def test_two_empty_boxes_do_not_divide_by_zero() -> None:
    assert iou((1, 1, 0, 0), (1, 1, 0, 0)) == 0


def test_of_every_two_as_torchvision_has_it() -> None:
    rng = np.random.default_rng(0)
    one, other = (np.column_stack([rng.uniform(0, 40, (n, 2)), rng.uniform(20, 60, (n, 2))]) for n in (40, 30))
    corners = [torch.from_numpy(np.column_stack([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]])) for boxes in (one, other)]
    assert iou(one[:, None], other[None]) == pytest.approx(box_iou(*corners).numpy())
