"""The YOLO classification layout: square JPEGs in ``{train,val,test}/<label>/`` and ``hard_cases/test/<label>/``, and ``index.csv``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from yolo_koin.dataset.duplicates import write_duplicates
from yolo_koin.dataset.images import prepare
from yolo_koin.dataset.koin import Dataset, Sample
from yolo_koin.dataset.prepared import Division, Outcome, PreparedFolder, chosen, divide, file_names
from yolo_koin.dataset.state import Record
from yolo_koin.errors import DatasetError
from yolo_koin.files import write_csv, writing
from yolo_koin.geometry import Box
from yolo_koin.parallel import Progress, silent
from yolo_koin.runs import PreparedDataset
from yolo_koin.specs import Fit, TrainingSet

INDEX = "index.csv"
INDEX_COLUMNS = ("image", "split", "label", "source", "sha256", "width", "height", "status")
FOLDERS = ("train", "val", "test", "hard_cases", "group_cases")  # ours alone
BYTES_PER_PIXEL = 0.75  # generous for a JPEG of quality 95 without chroma subsampling
VERSION = 3  # of prepare(): raise it when its pixels or fingerprints change


@dataclass(frozen=True, kw_only=True)
class Converted(Outcome):
    """What :func:`convert` did.

    Attributes:
        unusable: image id → reason, for photos that could not be prepared.
    """

    unusable: dict[str, str]


def convert(
    dataset: Dataset,
    out: Path,
    *,
    train_on: TrainingSet = "normal",
    val: float = 0.1,
    fit: Fit = "pad",
    side: int = 256,
    seed: int = 0,
    workers: int | None = None,
    find_face: Callable[[Path], Box | None] | None = None,
    progress: Progress = silent,
) -> Converted:
    """Lay a KoIn dataset out for ``yolo classify``. Running it again does only what changed.

    Args:
        dataset: what :func:`yolo_koin.dataset.koin.scan` found.
        out: folder to write; new, empty, or written by an earlier conversion.
        train_on: ``normal``, ``hard`` or ``both``: the cases whose training photos go into ``train`` and ``val``.
        val: share of the training photos that becomes ``val``, by class, near-duplicates kept together.
        fit: ``crop``, ``pad`` or ``face``.
        side: side of the square JPEGs, in pixels.
        seed: of the validation split.
        workers: threads; all cores when None.
        find_face: photo → the box of the face that it is about; needed for ``face``.
        progress: is told of each photo.

    Raises:
        DatasetError: no training photo, fewer than two classes, or ``out`` holds something else.
        RunError: ``out`` cannot be written, or the disk is too small.
    """
    samples, training = chosen(dataset, train_on)
    made = PreparedDataset(
        folder=out,
        kind="classify",
        version=VERSION,
        data=dataset.root,
        fit=fit,
        side=side,
        train_on=train_on,
        val=val,
        seed=seed,
        synthetic=tuple(sorted(map(str, dataset.synthetic))),
    )
    folder = PreparedFolder(made, INDEX, FOLDERS)
    with folder.claimed() as known:
        if not known:
            folder.check_room(int(side * side * BYTES_PER_PIXEL * len(samples)))
        records = folder.prepare(
            samples, known, lambda s: prepare(s.path, fit, side, find_face(s.path) if find_face else None), workers, progress
        )
        division = divide(dataset, samples, records, training, val, seed)
        placed = _placed(samples, records, division)
        if not folder.is_as_noted(known, placed, made):
            with writing(out):
                folder.settle(records, placed)
                folder.note(placed, made)
                write_csv(out / INDEX, _index(samples, placed, division))
        folders = {s.image: division.folder(s) for s in samples if records[s.image].status == "ok"}
        leaks = division.leaks(folders, samples, records, out)
        duplicates = write_duplicates(out, leaks, division.doubles)
    learnt = {item.label for item in division.learnt}
    return Converted(
        root=out,
        counts=dict(Counter(folders.values())),
        prepared=sum(record is not known.get(image) for image, record in records.items()),
        unusable={r.source: r.status for r in placed if r.status != "ok"},
        clusters=division.clusters,
        leaks={folder: len(found) for folder, found in leaks.items()},
        doubles=division.doubles,
        duplicates=duplicates,
        notes=dataset.notes,
        no_validation=tuple(sorted(learnt - {i.label for i in division.learnt if i.image in division.validation})) if val else (),
        untrained=tuple(sorted({item.label for item in division.items} - learnt)),
    )


def read_index(root: Path) -> pd.DataFrame:
    """The ``index.csv`` of a converted dataset; labels and hashes as text.

    Raises:
        DatasetError: there is none, so the folder is not a whole converted dataset.
    """
    path = root / INDEX
    if not path.is_file():
        raise DatasetError("not a converted dataset (no index.csv)", root, "Run yolo_koin convert classify first.")
    remedy = "Remove it, and run yolo_koin convert classify again."
    types: dict[str, type] = {**dict.fromkeys(INDEX_COLUMNS, str), "width": int, "height": int}
    try:
        frame = pd.read_csv(path, dtype=types, keep_default_na=False)
    except (OSError, ValueError) as error:  # pandas' own errors are ValueErrors
        raise DatasetError("this table is damaged", path, remedy) from error
    if missing := set(INDEX_COLUMNS) - set(frame.columns):
        raise DatasetError(f"no column {', '.join(sorted(missing))}", path, remedy)
    usable = frame["status"] == "ok"
    if (frame[["split", "label", "source", "status"]] == "").any(axis=None) or (frame.loc[usable, "image"] == "").any():
        raise DatasetError("an empty cell", path, remedy)
    return frame


def _placed(samples: Sequence[Sample], records: Mapping[str, Record], division: Division) -> list[Record]:
    """The records with every photo where it belongs."""
    names = file_names(samples)
    placed = []
    for s in samples:
        record = records[s.image]
        placed.append(replace(record, image=f"{division.folder(s)}/{s.label}/{names[s.image]}") if record.status == "ok" else record)
    return placed


def _index(samples: Sequence[Sample], placed: Sequence[Record], division: Division) -> pd.DataFrame:
    rows = [
        (r.image, str(division.split(s)), s.label, s.image, r.sha256, r.width, r.height, r.status)
        for s, r in zip(samples, placed, strict=True)
    ]
    return pd.DataFrame(rows, columns=list(INDEX_COLUMNS))
