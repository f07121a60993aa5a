"""What a way to name is, and the one loop over photos that all ways share."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain, groupby, islice
from typing import Any, Protocol, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from yolo_koin.dataset.images import PhotoError
from yolo_koin.dataset.koin import Sample, about
from yolo_koin.evaluation import face_predictions, predictions
from yolo_koin.parallel import Progress, Step, in_threads, silent
from yolo_koin.specs import Way

AHEAD = 8  # photos, and variants of photos, that are decoded ahead by each thread
BATCH = 32  # photos that are decoded, then named, at once: memory does not grow with their number
TABLED = 8  # batches

Item = TypeVar("Item")


@dataclass(frozen=True)
class Seen:
    """What was seen in one photo: k faces, or the photo as a whole, then k is 1 and there are no boxes.

    A photo in which nobody is found is an error too: whatever was seen is a row of ``predictions.csv``, and no photo goes without one.

    Attributes:
        scores: k × classes, from 0 to 1; k is at least 1.
        logits: k × classes, what the scores are the softmax of; None from a model that scores each class by itself.
        boxes: k × 4: x, y, width, height in pixels of the upright photo.
        face_scores: k, 0 to 1.
        error: why nothing was seen; everything else is None then.
    """

    scores: NDArray[np.float32] | None = None
    logits: NDArray[np.float32] | None = None
    boxes: NDArray[np.float64] | None = None
    face_scores: NDArray[np.float64] | None = None
    error: str = ""

    def __post_init__(self) -> None:
        """Refuse arrays that do not belong together."""
        if (self.scores is None) == (self.error == ""):
            raise ValueError("something was seen, or there is an error: one of the two")
        shape = self.scores.shape if self.scores is not None else (0, 0)
        if len(shape) != 2 or (self.logits is not None and self.logits.shape != shape):
            raise ValueError(f"scores {shape} and logits {self.logits if self.logits is None else self.logits.shape} are not k × classes")
        if self.scores is not None and not shape[0]:
            raise ValueError("nothing was seen: say why as the error")
        if self.boxes is None:
            if self.face_scores is not None:
                raise ValueError("scores of faces without their boxes")
            if self.scores is not None and shape[0] != 1:
                raise ValueError(f"{shape[0]} names of a whole photo")
        elif self.boxes.shape != (shape[0], 4) or self.face_scores is None or self.face_scores.shape != (shape[0],):
            raise ValueError(f"boxes {self.boxes.shape} and their scores are not of {shape[0]} faces")


class Namer(Protocol[Item]):
    """Names the people in photos.

    Attributes:
        way: ``whole``, ``faces`` or ``detector``.
        names: class names.
    """

    @property
    def way(self) -> Way: ...  # noqa: D102
    @property
    def names(self) -> tuple[str, ...]: ...  # noqa: D102

    def read(self, sample: Sample) -> Item:
        """What the model is to be shown of a photo; called from several threads.

        Raises:
            PhotoError: the photo cannot be read.
        """
        ...

    def look(self, items: Sequence[Item]) -> Iterator[Seen]:
        """What is seen in each of some photos, in order."""
        ...


def name_photos(
    namer: Namer[Any], samples: Sequence[Sample], progress: Progress = silent
) -> Iterator[tuple[Sequence[Sample], pd.DataFrame]]:
    """Name photos, a batch in memory at a time.

    Args:
        namer: the way.
        samples: the photos.
        progress: is told of each batch.

    Yields:
        Some of the samples, with their rows of ``predictions.csv``, in order; an unreadable photo is a row with its error.
    """
    for batch, seen in _look(namer, samples, progress):
        yield batch, _table(namer, batch, seen)


def table_of(namer: Namer[Any], samples: Sequence[Sample], progress: Progress = silent) -> pd.DataFrame:
    """The rows of ``predictions.csv`` of all samples; made of many batches at once, since a table of a few rows takes as long."""
    looked, parts = _look(namer, samples, progress), []
    while some := list(islice(looked, TABLED)):
        parts.append(_table(namer, [one for batch, _ in some for one in batch], [one for _, seen in some for one in seen]))
    return pd.concat(parts, ignore_index=True)


def _look(namer: Namer[Any], samples: Sequence[Sample], progress: Progress) -> Iterator[tuple[Sequence[Sample], list[Seen]]]:
    """Some of the samples, in order, with what is seen in each.

    Samples of one photo that follow each other, its variants, are read by one thread, which so need not decode the photo twice.
    """
    photos = [list(variants) for _, variants in groupby(samples, key=lambda sample: sample.image)]
    ahead = max(1, AHEAD // max(map(len, photos), default=1))
    reading = chain.from_iterable(in_threads(partial(_read, namer), photos, ahead=ahead))  # goes on while the model is at work
    for start in range(0, len(samples), BATCH):
        batch = samples[start : start + BATCH]
        read = list(islice(reading, len(batch)))
        items = [item for item in read if not isinstance(item, PhotoError)]
        found = list(namer.look(items))
        if len(found) != len(items):
            raise ValueError(f"{len(found)} answers for {len(items)} photos")
        answers = iter(found)
        yield batch, [Seen(error=str(item)) if isinstance(item, PhotoError) else next(answers) for item in read]
        progress(Step("naming", start + len(batch), len(samples)))


def _read(namer: Namer[Any], variants: Sequence[Sample]) -> list[Any]:
    """What is to be shown of each variant of a photo, or why it cannot be read."""
    items: list[Any] = []
    for sample in variants:
        try:
            items.append(namer.read(sample))
        except PhotoError as error:
            items.append(error)
    return items


def _table(namer: Namer[Any], samples: Sequence[Sample], seen: Sequence[Seen]) -> pd.DataFrame:
    """The rows of some photos, photo by photo."""
    pairs = list(zip(samples, seen, strict=True))
    good = [(sample, one) for sample, one in pairs if one.scores is not None]
    bad = [(sample, one.error) for sample, one in pairs if one.scores is None]
    whole = namer.way == "whole"
    parts = []
    if good:
        parts.append((_rows if whole else _face_rows)(namer, good))
    if bad:
        make = predictions.error_rows if whole else face_predictions.error_rows
        parts.append(make(*about([sample for sample, _ in bad]), [error for _, error in bad]))
    frame = pd.concat(parts, ignore_index=True)
    place = {(str(s.split), s.image): i for i, s in enumerate(samples)}
    order = [place[at] for at in zip(frame["split"], frame["image"], strict=True)]
    return frame.iloc[np.argsort(order, kind="stable")].reset_index(drop=True)


def _rows(namer: Namer[Any], seen: Sequence[tuple[Sample, Seen]]) -> pd.DataFrame:
    told = about([sample for sample, _ in seen])
    return predictions.rows(*told, _joined(seen, "scores"), namer.names, logits=_joined(seen, "logits"))


def _face_rows(namer: Namer[Any], seen: Sequence[tuple[Sample, Seen]]) -> pd.DataFrame:
    told = about([sample for sample, one in seen for _ in range(len(_joined([(sample, one)], "scores")))])
    boxes, sure, scores = (_joined(seen, field) for field in ("boxes", "face_scores", "scores"))
    logits = _joined(seen, "logits") if seen[0][1].logits is not None else None
    exclusive = namer.way == "faces"  # a softmax; a detector answers for each class by itself
    return face_predictions.face_rows(*told, boxes, sure, scores, namer.names, probabilities_sum_to_one=exclusive, logits=logits)


def _joined(seen: Sequence[tuple[Sample, Seen]], field: str) -> NDArray[Any]:
    return np.concatenate([getattr(one, field) for _, one in seen])
