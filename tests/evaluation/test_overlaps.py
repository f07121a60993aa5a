from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from torchvision.ops import batched_nms

from yolo_koin import geometry
from yolo_koin.evaluation import overlaps
from yolo_koin.evaluation.face_predictions import BOX


def random_boxes(n: int, rng: np.random.Generator) -> NDArray[np.float64]:
    return np.column_stack([rng.uniform(0, 40, (n, 2)), rng.uniform(20, 60, (n, 2))])


def corners(boxes: NDArray[np.float64]) -> torch.Tensor:
    return torch.from_numpy(np.column_stack([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]]))


def in_photos(boxes: NDArray[np.float64], photos: NDArray[np.intp]) -> pd.DataFrame:
    return pd.DataFrame(boxes, columns=list(BOX)).assign(image=[f"{i}.jpg" for i in photos])


@given(st.integers(0, 10_000), st.integers(0, 60), st.integers(1, 5), st.sampled_from([0.3, 0.7]))
def test_the_best_of_each_place_are_torchvisions(seed: int, n: int, groups: int, most: float) -> None:
    rng = np.random.default_rng(seed)
    boxes, group, score = random_boxes(n, rng), rng.integers(0, groups, n), rng.permutation(n) / max(n, 1)
    expected = batched_nms(corners(boxes), torch.from_numpy(score), torch.from_numpy(group), most).numpy()
    assert np.flatnonzero(overlaps.best_of_each_place(group, boxes, score, most)).tolist() == sorted(expected)


def test_of_equal_boxes_with_equal_scores_the_first_stays() -> None:
    boxes, zeros = np.array([[0.0, 0, 9, 9]] * 3), np.zeros(3, np.intp)
    assert overlaps.best_of_each_place(zeros, boxes, np.full(3, 0.5)).tolist() == [True, False, False]
    assert overlaps.best_of_each_place(np.arange(3), boxes, np.full(3, 0.5)).all()  # in different photos they do not meet


def test_a_box_that_was_suppressed_suppresses_none() -> None:
    chain = np.array([[0.0, 0, 100, 100], [10, 0, 100, 100], [20, 0, 100, 100]])  # neighbours overlap by 0.82, the ends by 0.67
    assert overlaps.best_of_each_place(np.zeros(3, np.intp), chain, np.array([0.9, 0.8, 0.7])).tolist() == [True, False, True]


@given(st.integers(0, 10_000), st.integers(0, 12), st.integers(0, 12))
@settings(max_examples=40)
def test_pairs_are_all_that_lie_on_each_other(seed: int, n: int, m: int) -> None:
    rng = np.random.default_rng(seed)
    one, other = (in_photos(random_boxes(k, rng), rng.integers(0, 3, k)) for k in (n, m))
    every = list(itertools.product(range(n), range(m)))
    i, j = np.array(every, dtype=np.intp).reshape(-1, 2).T
    iou = geometry.iou(one[list(BOX)].to_numpy()[i], other[list(BOX)].to_numpy()[j])
    same_photo = one["image"].to_numpy()[i] == other["image"].to_numpy()[j]
    expected = [(*pair, value) for pair, value, same in zip(every, iou, same_photo, strict=True) if same and value >= 0.3]
    table = overlaps.pairs(one, other.set_index(np.arange(m) + 7), 0.3)  # rows are numbered, whatever the index
    assert table.columns.tolist() == ["one", "other", "iou"]
    assert list(table.itertuples(index=False, name=None)) == expected


def test_one_to_one_takes_what_overlaps_most_first() -> None:
    both = pd.DataFrame({"one": [0, 0, 1, 1, 2], "other": [0, 1, 0, 1, 1], "iou": [0.8, 0.7, 0.9, 0.6, 0.55]})
    chosen = overlaps.one_to_one(both)
    assert chosen[["one", "other"]].to_numpy().tolist() == [[1, 0], [0, 1]]  # 2 is left without
