"""From raw outputs to faces."""

from __future__ import annotations

import pytest
import torch

from yolo_koin.models.suppression import corners, every_box, kept_pairs, one_box_each


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
