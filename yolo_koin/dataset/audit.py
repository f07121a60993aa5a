"""What is in a dataset, split by split, and what is wrong with it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from yolo_koin.dataset.findings import Finding, of_copies
from yolo_koin.dataset.koin import Dataset
from yolo_koin.dataset.layout import split_of
from yolo_koin.dataset.looks import Look, look_at_all
from yolo_koin.parallel import Progress, silent
from yolo_koin.splits import SPLITS, Split
from yolo_koin.words import count, first, some

# Layout A: as the first README states them, see FIRST_README. Layout B: the successor's READMEs (arXiv:2310.09756), rounded there.
LAYOUT_A = {"normal_cases/train": 5198, "normal_cases/test": 270, "hard_cases/train": 4908, "hard_cases/test": 255}
LAYOUT_B = {"normal_cases/train": 100_000, "normal_cases/test": 5_000, "hard_cases/test": 1_000, "group_cases/test": 500}
NEAR_A, NEAR_B = 0.1, 0.25  # how far a split may be from the published count for the layout to be recognised
FIRST_README = (
    "The numbers of photos are near those of layout A, as the first README states them. Those are most likely not KoIn's: "
    "they equal, to the photo, the totals of HOD (arXiv:2310.05192), a set for detecting harmful objects."
)
LAYOUTS = {"A": FIRST_README, "B": "The numbers of photos look like published layout B."}
NAMED = 5  # classes, or pairs of photos, that are named when there are many


@dataclass(frozen=True)
class SplitAudit:
    """One split.

    Attributes:
        split: its name.
        classes, images: how many.
        smallest, median, largest: photos per class, over the classes that have any.
        unreadable: image id → reason.
        unsupported: files that are no photos by their ending.
        empty: class folders without a photo.
        lacking: classes of other splits that this one has no photo of.
        stated: photos that the layout has here, of whose counts the dataset's are near; None where there is none.
        mended: image ids of photos that lack their end marker and are read all the same.
    """

    split: str
    classes: int
    images: int
    smallest: int
    median: float
    largest: int
    unreadable: dict[str, str]
    unsupported: tuple[str, ...]
    empty: tuple[str, ...]
    lacking: tuple[str, ...]
    stated: int | None
    mended: tuple[str, ...] = ()


@dataclass(frozen=True)
class Audit:
    """A dataset.

    Attributes:
        root: where it is.
        layout: ``A``, ``B`` or None: the published layout whose counts it comes near.
        splits: one entry each.
        only_in_test: classes that no training split has: no classifier can name them.
        excluded: photos that ``exclude.txt`` took out.
        unmatched: lines of ``exclude.txt`` that took nothing out: typing mistakes, maybe.
        two_labels: pairs of image ids of near-identical photos under two people: one label is wrong.
        notes: what scanning the dataset reported.
    """

    root: str
    layout: str | None
    splits: tuple[SplitAudit, ...]
    only_in_test: tuple[str, ...]
    excluded: int
    unmatched: tuple[str, ...]
    two_labels: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()

    def lines(self) -> tuple[str, ...]:
        """Everything that is to be said, a readable line each, the worst first."""
        pairs = [f"{a} and {b}: one photo under two people, so one label is wrong" for a, b in self.two_labels]
        said = [f"{image}: {reason}" for s in self.splits for image, reason in s.unreadable.items()]
        said += [*first(pairs, NAMED, "pair", " of one photo under two people; findings.csv names all"), *self.notes]
        said += [f"{s.split}: {some(s.mended)} without an end marker, read all the same" for s in self.splits if s.mended]
        said += [f"{s.split}/{label}: an empty class" for s in self.splits for label in s.empty]
        said += [f"{s.split} lacks {len(s.lacking)} of the classes: {some(s.lacking)}" for s in self.splits if s.lacking]
        only = [f"{label}: only in a test split, so no model can learn it" for label in self.only_in_test]
        said += first(only, NAMED, "class", " only in a test split")
        said += [f"exclude.txt took {count(self.excluded, 'photo')} out"] if self.excluded else []
        return (*said, *([LAYOUTS[self.layout]] if self.layout else []))


def audit(dataset: Dataset, workers: int | None = None, progress: Progress = silent) -> Audit:
    """Count everything, and decode every photo once at reduced scale to find the unreadable ones and the copies.

    Args:
        dataset: what :func:`yolo_koin.dataset.koin.scan` found.
        workers: threads; all cores when None.
        progress: is told of each photo.
    """
    looks = look_at_all(dataset.samples, None, workers, progress)
    return summary(dataset, looks, of_copies(dataset, looks, workers))


def summary(dataset: Dataset, looks: Mapping[str, Look], copies: Sequence[Finding]) -> Audit:
    """The audit of a dataset whose photos were looked at and compared.

    Args:
        dataset: what :func:`yolo_koin.dataset.koin.scan` found.
        looks: image id → what a look at it gave.
        copies: what :func:`yolo_koin.dataset.findings.of_copies` found.
    """
    counts = Counter(str(s.split) for s in dataset.samples)
    layout = recognise(counts)
    stated = {"A": LAYOUT_A, "B": LAYOUT_B}.get(layout or "", {})
    trained = {s.label for s in dataset.samples if s.split.is_train}
    present = sorted({*dataset.splits, *(split for split, _ in dataset.empty)}, key=lambda split: split.order)
    return Audit(
        root=str(dataset.root),
        layout=layout,
        splits=tuple(_split(dataset, split, looks, stated.get(str(split))) for split in present),
        only_in_test=tuple(sorted({s.label for s in dataset.samples} - trained)),
        excluded=len(dataset.excluded),
        unmatched=dataset.unmatched,
        two_labels=tuple(sorted((one.image, one.other) for one in copies if one.kind == "label-conflict")),
        notes=dataset.notes,
    )


def recognise(counts: Counter[str]) -> str | None:
    """The published layout that the numbers of photos come near, or None."""
    for name, published, near in (("A", LAYOUT_A, NEAR_A), ("B", LAYOUT_B, NEAR_B)):
        shared = [split for split in published if counts[split]]
        # The training split has to be there: small test splits alone could be any dataset's.
        if str(SPLITS[0]) in shared and all(abs(counts[s] - published[s]) <= near * published[s] for s in shared):
            return name
    return None


def _split(dataset: Dataset, split: Split, looks: Mapping[str, Look], stated: int | None) -> SplitAudit:
    samples = dataset.of(split)
    per_class = Counter(s.label for s in samples)
    sizes = list(per_class.values()) or [0]
    return SplitAudit(
        split=str(split),
        classes=len(per_class),
        images=len(samples),
        smallest=min(sizes),
        median=float(np.median(sizes)),
        largest=max(sizes),
        unreadable={s.image: looks[s.image].error for s in samples if looks[s.image].error},
        unsupported=tuple(path for path in dataset.unsupported if split_of(path, dataset.root) == split),
        empty=tuple(label for name, label in dataset.empty if name == split),
        lacking=tuple(sorted({s.label for s in dataset.samples} - set(per_class))),
        stated=stated,
        mended=tuple(s.image for s in samples if looks[s.image].mended),
    )
