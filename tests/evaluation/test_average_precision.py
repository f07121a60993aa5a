from __future__ import annotations

import contextlib
import io
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from tests.evaluation.resampling import times_drawn
from yolo_koin.evaluation.average_precision import OVERLAPS, AveragePrecision, Boxes


def make_boxes(
    photos: int = 30, labels: int = 4, faces: int = 2, found: int = 12, ties: bool = False, unlearnt: int = 0, seed: int = 0
) -> tuple[Boxes, Boxes]:
    """Random true boxes (0 to ``faces`` a photo, one at least in all) and 0 to ``found`` detections a photo, half of them near one.

    Scores are multiples of 1/8 where there are to be ``ties``; the last ``unlearnt`` classes are never found.
    """
    rng = np.random.default_rng(seed)
    photo = np.repeat(np.arange(photos), rng.integers(0, faces + 1, photos))
    photo = photo if len(photo) else np.zeros(1, np.intp)
    box = np.column_stack([rng.uniform(0, 90, (len(photo), 2)), rng.uniform(20, 60, (len(photo), 2))])
    true = Boxes(photo, rng.integers(0, labels, len(photo)), box, np.ones(len(photo)))

    at = np.repeat(np.arange(photos), rng.integers(0, found + 1, photos))
    n = len(at)
    first, last = np.searchsorted(photo, at), np.searchsorted(photo, at, side="right")
    aim = np.minimum(rng.integers(first, last + 1), len(photo) - 1)
    near = (aim < last) & (rng.random(n) < 0.5)
    boxes = np.where(
        near[:, None], box[aim] + rng.normal(0, 4, (n, 4)), np.column_stack([rng.uniform(0, 120, (n, 2)), rng.uniform(20, 60, (n, 2))])
    )
    label = np.where(near & (rng.random(n) < 0.7), true.label[aim], rng.integers(0, max(labels - unlearnt, 1), n))
    score = rng.integers(0, 9, n) / 8 if ties else rng.permutation(n) / max(n, 1)
    learnt = label < max(labels - unlearnt, 1)
    return true, Boxes(at, label, boxes.clip(min=1), score.astype(np.float64))[learnt]


def by_pycocotools(true: Boxes, found: Boxes, photos: int) -> NDArray[np.float64]:
    """AP of each class of the truth at each overlap, overlaps × classes."""
    classes = np.unique(np.concatenate([true.label, found.label])).tolist()

    def annotations(boxes: Boxes) -> list[dict[str, Any]]:
        rows = zip(boxes.photo.tolist(), boxes.label.tolist(), boxes.box.tolist(), boxes.score.tolist(), strict=True)
        return [
            {"id": i, "image_id": p, "category_id": c, "bbox": b, "area": b[2] * b[3], "score": s, "iscrowd": 0}
            for i, (p, c, b, s) in enumerate(rows, 1)
        ]

    def coco(boxes: Boxes) -> Any:
        data = COCO()
        data.dataset = {"images": [{"id": i} for i in range(photos)], "categories": [{"id": c} for c in classes]}
        data.dataset["annotations"] = annotations(boxes)
        data.createIndex()
        return data

    with contextlib.redirect_stdout(io.StringIO()):
        judge = COCOeval(coco(true), coco(found), "bbox")
        judge.evaluate()
        judge.accumulate()
    precision = judge.eval["precision"][:, :, :, 0, -1]  # boxes of all sizes, 100 detections
    values: NDArray[np.float64] = precision.mean(axis=1)[:, np.isin(classes, true.label)]
    return values


CASES = [
    pytest.param({}, id="plain"),
    pytest.param({"ties": True}, id="equal scores"),
    pytest.param({"photos": 6, "faces": 12, "found": 60, "labels": 2}, id="crowded photos"),
    pytest.param({"photos": 3, "faces": 3, "found": 700, "labels": 1}, id="more than 100 detections of a class in a photo"),
    pytest.param({"photos": 60, "faces": 1, "found": 1}, id="empty photos"),
    pytest.param({"labels": 40}, id="classes without truth, classes without detections"),
    pytest.param({"labels": 4, "unlearnt": 2}, id="classes that the model never learnt"),
    pytest.param({"found": 0}, id="nothing is found"),
    pytest.param({"photos": 1, "faces": 1}, id="one photo"),
]


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("seed", range(3))
def test_values_are_pycocotools(case: dict[str, Any], seed: int) -> None:
    true, found = make_boxes(**case, seed=seed)
    photos = case.get("photos", 30)
    expected = by_pycocotools(true, found, photos)
    ap = AveragePrecision.of(true, found, photos)
    assert ap.values == pytest.approx(expected, abs=1e-9)
    assert ap.value == pytest.approx(expected.mean(), abs=1e-9)
    assert ap.at(0.75).value == pytest.approx(expected[5].mean(), abs=1e-9)


@given(st.integers(0, 10_000), st.integers(1, 9), st.integers(1, 5), st.integers(1, 5), st.integers(0, 130), st.booleans())
@settings(max_examples=60)
def test_any_boxes_give_pycocotools_values(seed: int, photos: int, labels: int, faces: int, found: int, ties: bool) -> None:
    true, boxes = make_boxes(photos, labels, faces, found, ties, seed=seed)
    assert AveragePrecision.of(true, boxes, photos).values == pytest.approx(by_pycocotools(true, boxes, photos), abs=1e-9)


def test_by_hand() -> None:
    """Class 0: right, wrong, right of two true boxes: precision 1 up to recall 0.5 (51 of 101 values), then 2/3. Class 1 is missed."""
    box = np.array([[0.0, 0, 10, 10]])
    true = Boxes(np.array([0, 1, 1]), np.array([0, 0, 1]), box.repeat(3, 0), np.ones(3))
    found = Boxes(np.array([0, 0, 1]), np.zeros(3, np.intp), box.repeat(3, 0), np.array([0.9, 0.8, 0.7]))
    ap = AveragePrecision.of(true, found, 2)
    assert ap.values[0] == pytest.approx([(51 + 50 * 2 / 3) / 101, 0])
    assert ap.photos == 2


def test_the_library_prints_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    AveragePrecision.of(*make_boxes(), 30)
    assert capfd.readouterr() == ("", "")


# ------------------------------------------------------------------------------------------------------------ resampling
def resampled(boxes: Boxes, numbers: NDArray[np.intp]) -> Boxes:
    """The boxes of drawn photos, numbered anew; copies of a photo lie side by side, as equal scores rank by photo."""
    parts = [np.flatnonzero(boxes.photo == number) for number in np.sort(numbers)]
    every = np.concatenate(parts)
    return Boxes(np.repeat(np.arange(len(numbers)), list(map(len, parts))), boxes.label[every], boxes.box[every], boxes.score[every])


@pytest.mark.parametrize("case", [CASES[0], CASES[2], CASES[4], CASES[5], CASES[6]])
def test_a_resample_has_the_ap_of_the_photos_in_it(case: dict[str, Any]) -> None:
    true, found = make_boxes(**case, seed=7)
    photos = case.get("photos", 30)
    numbers = np.random.default_rng(1).choice(np.unique(true.photo), (6, photos))  # those without a true box may make it none
    for ap, rows in ((AveragePrecision.of(true, found, photos), slice(None)), (AveragePrecision.of(true, found, photos).at(0.5), 0)):
        expected = [by_pycocotools(resampled(true, row), resampled(found, row), photos)[rows].mean() for row in numbers]
        assert ap._resampler().means(times_drawn(numbers, photos)) == pytest.approx(expected, abs=1e-9)


def test_equal_scores_in_different_photos_are_resampled_as_copies_would_be() -> None:
    true, found = make_boxes(photos=12, labels=1, faces=1, found=1, ties=True, seed=3)
    ap = AveragePrecision.of(true, found, 12)
    numbers = np.random.default_rng(2).choice(np.unique(true.photo), (20, 12))
    expected = [by_pycocotools(resampled(true, row), resampled(found, row), 12).mean() for row in numbers]
    assert ap._resampler().means(times_drawn(numbers, 12)) == pytest.approx(expected, abs=1e-9)


@given(st.integers(0, 10_000), st.integers(1, 40), st.integers(1, 6), st.integers(0, 30), st.booleans())
@settings(max_examples=60)
def test_every_photo_once_gives_the_librarys_value(seed: int, photos: int, labels: int, found: int, ties: bool) -> None:
    true, boxes = make_boxes(photos, labels, 3, found, ties, seed=seed)
    ap = AveragePrecision.of(true, boxes, photos)
    assert ap._resampler().means(np.ones((photos, 1)))[0] == pytest.approx(ap.value, abs=1e-9)
    for overlap in OVERLAPS:
        assert ap.at(overlap)._resampler().means(np.ones((photos, 1)))[0] == pytest.approx(ap.at(overlap).value, abs=1e-9)


def test_an_interval_holds_the_value_shrinks_with_photos_and_is_seeded() -> None:
    widths = []
    for photos in (50, 800):
        ap = AveragePrecision.of(*make_boxes(photos, labels=2), photos).at(0.5)
        low, high = ap.interval(999)
        assert 0 < low < ap.value < high < 1
        widths.append(high - low)
    assert widths[0] / widths[1] == pytest.approx(4, rel=0.35)  # 16 times the photos
    assert ap.interval(99, seed=1) == ap.interval(99, seed=1) != ap.interval(99, seed=2)


@pytest.mark.parametrize("found", [0, 1], ids=["nothing is found", "all is found"])
def test_where_all_resamples_are_alike_there_is_no_interval(found: int) -> None:
    true, _ = make_boxes(faces=1)
    ap = AveragePrecision.of(true, true[np.full(len(true.photo), bool(found))], 30)
    assert ap.value == found
    assert np.isnan(ap.interval(99)).all()


def test_the_interval_of_one_class_covers() -> None:
    """AP of 60 photos against that of 20,000 of the same kind. Nominal are 95 of 100."""
    population = AveragePrecision.of(*make_boxes(20_000, labels=1, faces=1, found=5, seed=99), 20_000).at(0.5).value
    intervals = [
        AveragePrecision.of(*make_boxes(60, labels=1, faces=1, found=5, seed=seed), 60).at(0.5).interval(399) for seed in range(100)
    ]
    assert 85 <= sum(low <= population <= high for low, high in intervals) <= 100
