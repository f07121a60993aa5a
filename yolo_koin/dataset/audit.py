"""What is in a dataset, split by split, and what is wrong with it."""

from __future__ import annotations

import contextlib
from collections import Counter
from dataclasses import dataclass

import numpy as np

from yolo_koin.dataset.images import PhotoError, open_photo
from yolo_koin.dataset.koin import Dataset, Sample
from yolo_koin.parallel import Progress, counted, in_threads, silent
from yolo_koin.splits import SPLITS, Split

# Published counts (the dataset's two READMEs, arXiv:2310.09756); layout B's are rounded there.
LAYOUT_A = {"normal_cases/train": 5198, "normal_cases/test": 270, "hard_cases/train": 4908, "hard_cases/test": 255}
LAYOUT_B = {"normal_cases/train": 100_000, "normal_cases/test": 5_000, "hard_cases/test": 1_000, "group_cases/test": 500}
NEAR_A, NEAR_B = 0.1, 0.25  # how far a split may be from the published count for the layout to be recognised


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
        missing: classes of other splits that this one lacks.
        published: photos in the published layout that this dataset looks like, or None.
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
    missing: tuple[str, ...]
    published: int | None


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
    """

    root: str
    layout: str | None
    splits: tuple[SplitAudit, ...]
    only_in_test: tuple[str, ...]
    excluded: int
    unmatched: tuple[str, ...]


def audit(dataset: Dataset, workers: int | None = None, progress: Progress = silent) -> Audit:
    """Count everything, and decode every photo once at reduced scale to find the unreadable ones.

    Args:
        dataset: what :func:`yolo_koin.dataset.koin.scan` found.
        workers: threads; all cores when None.
        progress: is told of each photo.
    """
    bad: dict[str, str] = {}
    with contextlib.closing(in_threads(_problem, dataset.samples, workers)) as reasons:
        looked = counted(zip(dataset.samples, reasons, strict=True), len(dataset.samples), "reading photos", progress)
        bad.update((sample.image, reason) for sample, reason in looked if reason)
    counts = Counter(str(s.split) for s in dataset.samples)
    layout = recognise(counts)
    published = {"A": LAYOUT_A, "B": LAYOUT_B}.get(layout or "", {})
    trained = {s.label for s in dataset.samples if s.split.is_train}
    present = sorted({*dataset.splits, *(split for split, _ in dataset.empty)}, key=lambda split: split.order)
    return Audit(
        root=str(dataset.root),
        layout=layout,
        splits=tuple(_split(dataset, split, bad, published.get(str(split))) for split in present),
        only_in_test=tuple(sorted({s.label for s in dataset.samples} - trained)),
        excluded=len(dataset.excluded),
        unmatched=dataset.unmatched,
    )


def recognise(counts: Counter[str]) -> str | None:
    """The published layout that the numbers of photos come near, or None."""
    for name, published, near in (("A", LAYOUT_A, NEAR_A), ("B", LAYOUT_B, NEAR_B)):
        shared = [split for split in published if counts[split]]
        # The training split has to be there: small test splits alone could be any dataset's.
        if str(SPLITS[0]) in shared and all(abs(counts[s] - published[s]) <= near * published[s] for s in shared):
            return name
    return None


def _problem(sample: Sample) -> str:
    try:
        open_photo(sample.path, at_least=32)
    except PhotoError as error:
        return str(error)
    return ""


def _split(dataset: Dataset, split: Split, bad: dict[str, str], published: int | None) -> SplitAudit:
    samples = dataset.of(split)
    per_class = Counter(s.label for s in samples)
    sizes = list(per_class.values()) or [0]
    folder = {s.image for s in samples}
    return SplitAudit(
        split=str(split),
        classes=len(per_class),
        images=len(samples),
        smallest=min(sizes),
        median=float(np.median(sizes)),
        largest=max(sizes),
        unreadable={image: reason for image, reason in bad.items() if image in folder},
        unsupported=tuple(path for path in dataset.unsupported if path.lower().startswith(f"{split}/")),
        empty=tuple(label for name, label in dataset.empty if name == split),
        missing=tuple(sorted({s.label for s in dataset.samples} - set(per_class))),
        published=published,
    )
