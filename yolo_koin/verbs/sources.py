"""Which photos a SOURCE on the command line means."""

from __future__ import annotations

import glob
import os
from pathlib import Path

from yolo_koin.dataset.koin import IMAGE_SUFFIXES, Dataset, Sample, nfc
from yolo_koin.errors import DatasetError
from yolo_koin.splits import Split


def find_photos(source: str, dataset: Dataset | None) -> list[Sample]:
    """The photos that a SOURCE means; those of the dataset come with their labels.

    Args:
        source: see :class:`yolo_koin.verbs.predict.PredictSpec`.
        dataset: where it is looked up first, when there is one.

    Raises:
        DatasetError: nothing is found.
    """
    if dataset and (found := _in_dataset(source, dataset)):
        return found
    base, files = _on_disk(source)
    if not files:
        where = f"{dataset.root} or as a path" if dataset else "the paths here"
        raise DatasetError(f"no photo found in {where}", source, "Give a split such as hard_cases/test, a folder, a photo or a glob.")
    if dataset:
        known = {s.path.resolve(): s for s in dataset.samples}
        root = dataset.root.resolve()
        inside = [known.get(p.resolve()) for p in files if p.resolve().is_relative_to(root)]
        kept = [s for s in inside if s]
        if inside and not kept:
            raise DatasetError("every photo there is excluded or in no split", source, f"See exclude.txt in {dataset.root}.")
        if kept:
            return kept
    return [Sample(nfc(p.relative_to(base).as_posix()), Split(), "", p) for p in files]


def _in_dataset(source: str, dataset: Dataset) -> list[Sample]:
    wanted = nfc(source).replace("\\", "/").strip("/")
    inside = f"{wanted.lower()}/"
    return [s for s in dataset.samples if s.image == wanted or f"{s.image}/".lower().startswith(inside) or str(s.split) == wanted]


def _on_disk(source: str) -> tuple[Path, list[Path]]:
    """The photos of a path or glob, and the folder that their names are relative to."""
    path = Path(source)
    if path.is_dir():
        return path, sorted(p for p in path.rglob("*") if p.suffix.lower() in IMAGE_SUFFIXES and p.is_file() and p.name[0] != ".")
    if path.is_file():
        return path.parent, [path]
    files = sorted({Path(p) for p in glob.glob(source, recursive=True) if Path(p).is_file()})  # noqa: PTH207  # absolute patterns too
    return (Path(os.path.commonpath([p.parent for p in files])) if files else path), files
