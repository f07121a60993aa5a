"""The one loop over photos: their order, their errors, their number in memory, and how its progress is told; and what may be seen."""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest

from tests.naming.fakes import NAMES, TEST
from yolo_koin.dataset.images import PhotoError
from yolo_koin.dataset.koin import Sample
from yolo_koin.environment import cores
from yolo_koin.errors import KoinError
from yolo_koin.evaluation import face_predictions, predictions
from yolo_koin.naming import Seen, name_photos
from yolo_koin.naming.protocol import BATCH, table_of
from yolo_koin.parallel import Step
from yolo_koin.splits import HARD


def samples(count: int) -> list[Sample]:
    """Ids that do not sort as they come."""
    return [Sample(f"{i * 7919 % 1000}-{i}.png", TEST, NAMES[i % 3], Path(str(i))) for i in range(count)]


class Pixels:
    """What is read of a photo; counts how many are alive."""

    alive = most = 0
    lock = threading.Lock()

    def __init__(self, number: int) -> None:
        self.number = number
        with Pixels.lock:
            Pixels.alive += 1
            Pixels.most = max(Pixels.most, Pixels.alive)

    def __del__(self) -> None:
        with Pixels.lock:
            Pixels.alive -= 1


class Numbers:
    """Names each photo by its number: person ``number % 3``, and as sure as only this number is."""

    names = NAMES

    def __init__(self, way: Literal["whole", "faces", "detector"] = "whole", bad: Sequence[int] = (), slow: float = 0.0) -> None:
        self.way, self.bad, self.slow = way, bad, slow
        self.batches: list[int] = []

    def read(self, sample: Sample) -> Pixels:
        number = int(str(sample.path))
        time.sleep(self.slow * (number % 3))  # so that threads end in another order than they began
        if number in self.bad:
            raise PhotoError(f"bad number {number}")
        return Pixels(number)

    def scores(self, number: int) -> Any:
        rest = (number % 100 + 1) / 1000
        row = np.full((1, 3), rest / 2, np.float32)
        row[0, number % 3] = 1 - rest
        return row

    def look(self, items: Sequence[Pixels]) -> Iterator[Seen]:
        self.batches.append(len(items))
        for item in items:
            if self.way == "whole":
                yield Seen(self.scores(item.number), np.log(self.scores(item.number)))
                continue
            faces = item.number % 3
            if not faces:
                yield Seen(error=face_predictions.NO_FACE)
                continue
            boxes = np.array([[10.0 * i, 0, 8, 8] for i in range(faces)])
            yield Seen(np.repeat(self.scores(item.number), faces, axis=0), None, boxes, np.full(faces, 0.5))


@pytest.mark.parametrize("count", [1, BATCH - 1, BATCH, BATCH + 1, 3 * BATCH], ids=lambda n: f"{n} photos")
def test_every_photo_is_a_row_in_order(count: int) -> None:
    """Around the size of a batch, where a photo could be lost or come twice."""
    namer, asked = Numbers(slow=0.002), samples(count)
    frame = table_of(namer, asked)
    assert frame["image"].tolist() == [s.image for s in asked]
    assert frame["true_label"].tolist() == frame["pred_1"].tolist() == [s.label for s in asked]
    assert frame["score_1"].tolist() == pytest.approx([1 - (i % 100 + 1) / 1000 for i in range(count)], rel=1e-6)
    assert frame["max_logit"].tolist() == pytest.approx(np.log(frame["score_1"]).tolist(), rel=1e-5)
    predictions.validate(frame)
    assert sum(namer.batches) == count
    assert max(namer.batches) <= BATCH


@pytest.mark.parametrize(
    "bad",
    [
        pytest.param((0,), id="the first"),
        pytest.param((BATCH - 1, BATCH), id="on both sides of a batch"),
        pytest.param(tuple(range(BATCH)), id="a whole batch"),
        pytest.param(tuple(range(40)), id="all"),
    ],
)
def test_an_unreadable_photo_is_a_row_with_its_error(bad: tuple[int, ...]) -> None:
    frame = table_of(Numbers(bad=bad), samples(40))
    predictions.validate(frame)
    assert frame["image"].tolist() == [s.image for s in samples(40)]
    assert frame["error"].tolist() == [f"bad number {i}" if i in bad else "" for i in range(40)]
    assert (frame["pred_1"] == "").tolist() == [i in bad for i in range(40)]


@pytest.mark.parametrize("way", ["faces", "detector"])
def test_a_photo_of_several_faces_is_several_rows_and_one_of_none_is_one(way: Literal["faces", "detector"]) -> None:
    frame = table_of(Numbers(way, bad=[4]), samples(40))
    face_predictions.validate(frame)
    wanted = [s.image for i, s in enumerate(samples(40)) for _ in range(1 if i == 4 else max(i % 3, 1))]
    assert frame["image"].tolist() == wanted
    errors = dict(zip(frame["image"], frame["error"], strict=True))
    assert [errors[s.image] for s in samples(5)] == [face_predictions.NO_FACE, "", "", face_predictions.NO_FACE, "bad number 4"]
    answered = frame[frame["error"] == ""]
    assert answered["sum_sq_score"].isna().all() == (way == "detector"), "only a softmax excludes the others"


def test_one_photo_in_two_splits_keeps_its_places() -> None:
    """The rows are put in order by split and id together."""
    asked = [Sample("a.png", split, NAMES[i], Path(str(i))) for i, split in enumerate((TEST, HARD))]
    frame = table_of(Numbers(bad=[0]), asked)
    assert frame[["split", "error"]].to_numpy().tolist() == [[str(TEST), "bad number 0"], [str(HARD), ""]]


def test_progress_is_told_after_each_batch() -> None:
    ticks: list[Step] = []
    table_of(Numbers(), samples(2 * BATCH + 3), ticks.append)
    assert ticks == [Step("naming", done, 2 * BATCH + 3) for done in (BATCH, 2 * BATCH, 2 * BATCH + 3)]


def test_memory_does_not_grow_with_the_number_of_photos() -> None:
    """The batch that was named last, the one that is read, and what is read ahead in threads."""
    gc.collect()
    bound = 2 * BATCH + 9 * cores()
    Pixels.alive = Pixels.most = 0
    for _, rows in name_photos(Numbers(), samples(5 * bound)):
        assert len(rows) <= BATCH
    assert 0 < Pixels.most <= bound
    gc.collect()
    assert Pixels.alive <= BATCH


def test_whoever_leaves_early_reads_no_more() -> None:
    """Ctrl-C amid 10,000 photos must not wait for them."""
    read: list[str] = []

    class Noting(Numbers):
        def read(self, sample: Sample) -> Pixels:
            read.append(sample.image)
            return super().read(sample)

    rows = name_photos(Noting(), samples(1000))
    next(rows)
    rows.close()  # type: ignore[attr-defined]
    gc.collect()
    after = len(read)
    assert after <= BATCH + 10 * cores()
    time.sleep(0.05)
    assert len(read) == after


def test_a_defect_is_no_row() -> None:
    """Only what is wrong with a photo is: an error of ours has to be seen."""

    class Broken(Numbers):
        def read(self, sample: Sample) -> Pixels:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        table_of(Broken(), samples(3))


@pytest.mark.parametrize("change", [-1, 1], ids=["one too few", "one too many"])
def test_answers_that_are_not_one_a_photo_are_a_defect(change: int) -> None:
    """Else each name after it would stand beside another photo."""

    class Miscounting(Numbers):
        def look(self, items: Sequence[Pixels]) -> Iterator[Seen]:
            found = list(super().look(items))
            return iter(found[:-1] if change < 0 else [found[0], *found])

    with pytest.raises(ValueError, match=f"{5 + change} answers for 5 photos"):
        table_of(Miscounting(), samples(5))


def test_scores_that_are_no_numbers_are_one_line() -> None:
    class Diverged(Numbers):
        def scores(self, number: int) -> Any:
            return np.full((1, 3), np.nan, np.float32)

    with pytest.raises(KoinError, match="diverged"):
        table_of(Diverged(), samples(3))


# ------------------------------------------------------------------------------------------------------- what may be seen
ONE, TWO = np.full((1, 3), 1 / 3, np.float32), np.full((2, 3), 1 / 3, np.float32)
BOXES, SURE = np.zeros((2, 4)), np.zeros(2)


@pytest.mark.parametrize(
    "given",
    [
        pytest.param({"scores": ONE}, id="a whole photo, of a model that has no logits"),
        pytest.param({"scores": ONE, "logits": ONE}, id="a whole photo"),
        pytest.param({"scores": TWO, "logits": TWO, "boxes": BOXES, "face_scores": SURE}, id="two faces"),
        pytest.param({"error": "no face found"}, id="nobody"),
    ],
)
def test_what_can_be_seen(given: dict[str, Any]) -> None:
    assert Seen(**given).error == given.get("error", "")


@pytest.mark.parametrize(
    ("given", "words"),
    [
        pytest.param({}, "one of the two", id="neither seen nor an error"),
        pytest.param({"scores": ONE, "error": "x"}, "one of the two", id="both"),
        pytest.param({"scores": ONE[0]}, "k × classes", id="a row in place of a table"),
        pytest.param({"scores": ONE, "logits": TWO}, "k × classes", id="logits of other faces"),
        pytest.param({"scores": ONE, "logits": ONE[:, :2]}, "k × classes", id="logits of other classes"),
        pytest.param({"logits": ONE, "error": "x"}, "k × classes", id="logits of nothing"),
        pytest.param({"scores": TWO}, "2 names of a whole photo", id="two names without boxes"),
        pytest.param({"scores": TWO, "boxes": BOXES[:1], "face_scores": SURE}, "not of 2 faces", id="too few boxes"),
        pytest.param({"scores": TWO, "boxes": BOXES[:, :3], "face_scores": SURE}, "not of 2 faces", id="boxes of three numbers"),
        pytest.param({"scores": TWO, "boxes": BOXES}, "not of 2 faces", id="boxes without scores"),
        pytest.param({"scores": TWO, "boxes": BOXES, "face_scores": SURE[:1]}, "not of 2 faces", id="too few scores of boxes"),
        pytest.param({"boxes": BOXES, "face_scores": SURE, "error": "x"}, "not of 0 faces", id="boxes beside an error"),
        pytest.param({"scores": ONE, "face_scores": SURE[:1]}, "without their boxes", id="scores of boxes without the boxes"),
        pytest.param(
            {"scores": TWO[:0], "boxes": BOXES[:0], "face_scores": SURE[:0]}, "nothing was seen", id="no face and no error: no row at all"
        ),
    ],
)
def test_what_cannot_be(given: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Seen(**given)
