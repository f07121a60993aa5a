"""The YOLO classification layout: square JPEGs in ``{train,val,test}/<label>/`` and ``hard_cases/test/<label>/``, and ``index.csv``.

The folder is ours from its first file on: what an earlier conversion left is reused where it still holds, and removed where it does not.
Photos of the user are only read.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections import Counter, deque
from collections.abc import Callable, Collection, Generator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TypeVar

import pandas as pd

from yolo_koin.dataset.carve import Item, carve, cluster_photos, leaked
from yolo_koin.dataset.images import FaceFinder, PhotoError, prepare
from yolo_koin.dataset.koin import TRAINING_SETS, Dataset, Sample, nfc
from yolo_koin.dataset.state import Record, read_state, still_holds, write_state
from yolo_koin.environment import cores
from yolo_koin.errors import DatasetError, RunError
from yolo_koin.runs import MANIFEST, atomic_path, free_bytes, locked, read_manifest, sha256, write_csv, write_json, writing

INDEX, STATE, INCOMING = "index.csv", ".state.csv", ".incoming"
INDEX_COLUMNS = ("image", "split", "label", "source", "sha256", "width", "height", "status")
FOLDERS = ("train", "val", "test", "hard_cases", "group_cases", INCOMING)  # ours alone
LONGEST_STEM = 200  # bytes of a file name that are copied; file systems take 255 in all
BYTES_PER_PIXEL = 0.75  # generous for a JPEG of quality 95 without chroma subsampling
VERSION = 2  # of prepare(): raise it when its pixels or fingerprints change

T = TypeVar("T")
R = TypeVar("R")
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Converted:
    """What :func:`convert` did.

    Attributes:
        root: the converted dataset.
        counts: photos per folder: ``train``, ``val``, ``test``, ``hard_cases/test``, …
        prepared: photos that were decoded now; the others were taken over from before.
        unusable: image id → reason, for photos that could not be prepared.
        clusters: clusters of two or more training photos that were kept on one side of the train/val line.
        leaks: folder → how many of its photos are near-duplicates of a training photo of the same class.
        no_validation: classes with too few distinct photos to give one to validation.
        untrained: classes that occur in a test split only.
    """

    root: Path
    counts: dict[str, int]
    prepared: int
    unusable: dict[str, str]
    clusters: int
    leaks: dict[str, int]
    no_validation: tuple[str, ...]
    untrained: tuple[str, ...]


def convert(
    dataset: Dataset,
    out: Path,
    *,
    train_on: str = "normal",
    val: float = 0.1,
    fit: str = "pad",
    side: int = 256,
    seed: int = 0,
    workers: int | None = None,
    find_face: FaceFinder | None = None,
    progress: Progress | None = None,
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
        find_face: needed for ``face``.
        progress: called with photos done and photos in all.

    Raises:
        DatasetError: no training photo, fewer than two classes, or ``out`` holds something else.
        RunError: ``out`` cannot be written, or the disk is too small.
    """
    training = tuple(f"{case}/train" for case in TRAINING_SETS[train_on])
    samples = [s for s in dataset.samples if s.split in training or s.split.endswith("/test")]
    _check_trainable(dataset, samples, training, train_on)
    settings = {"version": VERSION, "fit": fit, "side": side}
    with writing(out):
        _check_out(out, dataset.root)
    with locked(out):
        with writing(out):
            known = _open(out, dataset.root, settings)
        room = int(side * side * BYTES_PER_PIXEL * len(samples))
        if not known and free_bytes(out) < room:
            raise RunError(f"the disk has less than {(room >> 20) + 1} MB free", out, "Free some space, or give another --out.")

        records = {s.image: r for s in samples if (r := known.get(s.image)) and still_holds(r, s.path, out)}
        todo = [s for s in samples if s.image not in records]
        work = partial(_prepare, out=out, fit=fit, side=side, find_face=find_face)
        _prepare_all(todo, records, out, work, workers, progress)

        usable = [s for s in samples if records[s.image].status == "ok"]
        items = [Item(s.image, s.label, int(records[s.image].fingerprint, 16)) for s in usable]
        learnt = [item for item, s in zip(items, usable, strict=True) if s.split in training]
        if len({item.label for item in learnt}) < 2:
            raise DatasetError("fewer than two classes with readable training photos", dataset.root, "Run yolo_koin audit to see why.")
        validation = carve(learnt, dataset.groups, val, seed)
        placed = _placed(samples, records, validation)
        spec = {**settings, "train_on": train_on, "val": val, "seed": seed, "data": str(dataset.root.resolve())}
        manifest = {"kind": "classify", **spec, "synthetic": sorted(dataset.synthetic)}
        if not ((out / INDEX).is_file() and list(known.values()) == placed and read_manifest(out) == manifest):
            with writing(out):
                _settle(out, records, placed)
                _write(out, samples, placed, validation, manifest)
        folders = {s.image: _folder(s, validation) for s in usable}
        return Converted(
            root=out,
            counts=dict(Counter(folders.values())),
            prepared=len(todo),
            unusable={r.source: r.status for r in placed if r.status != "ok"},
            clusters=sum(len(cluster) > 1 for cluster in cluster_photos(learnt, dataset.groups)),
            leaks=_leaks(items, folders),
            no_validation=_without_validation(learnt, validation) if val else (),
            untrained=tuple(sorted({item.label for item in items} - {item.label for item in learnt})),
        )


def in_threads(work: Callable[[T], R], items: Sequence[T], workers: int | None = None) -> Generator[R, None, None]:
    """Map in order over a pool of threads, a bounded number of items ahead. Pillow and OpenCV let other threads run while they compute.

    Leaving the iteration early, by Ctrl-C too, drops what has not begun.
    """
    count = workers or cores()
    pool = ThreadPoolExecutor(count)
    try:
        waiting: deque[Future[R]] = deque()
        for item in items:
            waiting.append(pool.submit(work, item))
            if len(waiting) >= 8 * count:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


def read_index(root: Path) -> pd.DataFrame:
    """The ``index.csv`` of a converted dataset; labels and hashes as text.

    Raises:
        DatasetError: there is none, so the folder is not a whole converted dataset.
    """
    path = root / INDEX
    if not path.is_file():
        raise DatasetError("not a converted dataset (no index.csv)", root, "Run yolo_koin convert classify first.")
    text = dict.fromkeys(("image", "split", "label", "source", "sha256", "status"), str)
    try:
        frame = pd.read_csv(path, dtype=text, keep_default_na=False)
    except ValueError as error:  # pandas' own errors are ValueErrors
        raise DatasetError("damaged", path, "Run yolo_koin convert classify again.") from error
    if missing := set(INDEX_COLUMNS) - set(frame.columns):
        raise DatasetError(f"no column {', '.join(sorted(missing))}", path, "Run yolo_koin convert classify again.")
    return frame


def _check_trainable(dataset: Dataset, samples: Sequence[Sample], training: Sequence[str], train_on: str) -> None:
    missing = [split for split in training if split not in dataset.splits]
    if missing:
        have = ", ".join(dataset.splits)
        raise DatasetError(f"no photos in {' and '.join(missing)}, which --train-on {train_on} needs", dataset.root, f"It has {have}.")
    if len({s.label for s in samples if s.split in training}) < 2:
        raise DatasetError("fewer than two classes to learn", dataset.root / training[0], "Each person needs a folder of their own.")


def _check_out(out: Path, data: Path) -> None:
    """Raise unless ``out`` is new, empty or ours, and apart from the raw dataset."""
    resolved, raw = out.resolve(), data.resolve()
    if resolved == raw or resolved in raw.parents or raw in resolved.parents:
        raise DatasetError("the converted dataset may not lie in the raw one, nor around it", out, "Give another --out.")
    if out.exists() and not out.is_dir():
        raise DatasetError("a file, not a folder", out, "Give --out a new or empty folder.")
    marker = read_manifest(out)
    if (marker is None and out.is_dir() and any(out.iterdir())) or (marker is not None and marker.get("kind") != "classify"):
        raise DatasetError("this folder holds something else", out, "Give --out a new or empty folder.")


def _open(out: Path, data: Path, settings: Mapping[str, object]) -> dict[str, Record]:
    """What an earlier conversion with the same settings left in ``out``; what one with others left is removed."""
    raw, marker = data.resolve(), read_manifest(out)
    if marker is not None and all(marker.get(key) == value for key, value in settings.items()) and _same_place(marker.get("data"), raw):
        return read_state(out / STATE)
    (out / INDEX).unlink(missing_ok=True)
    (out / STATE).unlink(missing_ok=True)
    _sweep(out, ())
    write_json(out / MANIFEST, {"kind": "classify", **settings, "data": str(data)})
    return {}


def _same_place(noted: object, raw: Path) -> bool:
    return isinstance(noted, str) and Path(noted).resolve() == raw


def _prepare_all(
    todo: Sequence[Sample],
    records: dict[str, Record],
    out: Path,
    work: Callable[[Sample], Record],
    workers: int | None,
    progress: Progress | None,
) -> None:
    """Add the records of new and changed photos."""
    if not todo:
        return
    (out / INDEX).unlink(missing_ok=True)  # from here until the end the folder is not a whole dataset
    total = len(records) + len(todo)
    try:
        with contextlib.closing(in_threads(work, todo, workers)) as prepared:
            for record in prepared:
                records[record.source] = record
                if progress:
                    progress(len(records), total)
    finally:  # an interrupted conversion goes on from here
        write_state(out / STATE, records.values())


def _prepare(sample: Sample, out: Path, fit: str, side: int, find_face: FaceFinder | None) -> Record:
    """Prepare one photo into the folder of incoming ones; where it belongs is known when all fingerprints are."""
    try:
        stat = sample.path.stat()
        seen = Record(sample.image, stat.st_size, stat.st_mtime_ns, sha256(sample.path), 0, 0, "", "ok", "")
    except OSError as error:
        return Record(sample.image, 0, 0, "", 0, 0, "", f"cannot read ({error.strerror})", "")
    try:
        photo = prepare(sample.path, fit, side, find_face)
    except PhotoError as error:
        return replace(seen, status=str(error))
    image = f"{INCOMING}/{_hash(sample.image)}.jpg"
    with atomic_path(out / image) as temporary:
        temporary.write_bytes(photo.jpeg)
    return replace(seen, width=photo.width, height=photo.height, fingerprint=f"{photo.fingerprint:016x}", image=image)


def _file_names(samples: Sequence[Sample]) -> dict[str, str]:
    """File name of each prepared photo: its case and its own name; a hash joins in where two would be the same, or one too long."""
    stems = Counter((s.split, s.label, nfc(s.path.stem).lower()) for s in samples)
    names = {}
    for s in samples:
        stem = nfc(s.path.stem)
        if stems[s.split, s.label, stem.lower()] > 1 or len(stem.encode()) > LONGEST_STEM:
            stem = f"{stem[:40]}_{_hash(s.image)[:8]}"
        names[s.image] = f"{s.split.split('_')[0]}_{stem}.jpg"
    return names


def _hash(image: str) -> str:
    return hashlib.sha256(image.encode()).hexdigest()


def _folder(sample: Sample, validation: frozenset[str]) -> str:
    """Where a prepared photo goes: ``test`` is the normal test split, as stock Ultralytics expects one."""
    if sample.split.endswith("/train"):
        return "val" if sample.image in validation else "train"
    return "test" if sample.split == "normal_cases/test" else sample.split


def _placed(samples: Sequence[Sample], records: Mapping[str, Record], validation: frozenset[str]) -> list[Record]:
    """The records with every photo where it belongs."""
    names = _file_names(samples)
    placed = []
    for s in samples:
        record = records[s.image]
        placed.append(replace(record, image=f"{_folder(s, validation)}/{s.label}/{names[s.image]}") if record.status == "ok" else record)
    return placed


def _settle(out: Path, records: Mapping[str, Record], placed: Sequence[Record]) -> None:
    """Move the prepared photos to their places, and remove all others."""
    (out / INDEX).unlink(missing_ok=True)
    for record in placed:
        before = records[record.source].image
        if before != record.image:
            (out / record.image).parent.mkdir(parents=True, exist_ok=True)
            (out / before).replace(out / record.image)
    _sweep(out, {record.image for record in placed})


def _sweep(out: Path, keep: Collection[str]) -> None:
    """Remove prepared photos that are not to be kept, known to the state file or not, and the folders that this leaves empty."""
    for top in FOLDERS:
        for folder, _, files in os.walk(out / top, topdown=False):
            for path in (Path(folder, name) for name in files):
                if path.suffix == ".jpg" and nfc(path.relative_to(out).as_posix()) not in keep:
                    path.unlink()
            with contextlib.suppress(OSError):  # not empty
                Path(folder).rmdir()


def _write(
    out: Path, samples: Sequence[Sample], placed: Sequence[Record], validation: frozenset[str], manifest: Mapping[str, object]
) -> None:
    rows = [
        (r.image, _index_split(s, validation), s.label, s.image, r.sha256, r.width, r.height, r.status)
        for s, r in zip(samples, placed, strict=True)
    ]
    write_state(out / STATE, placed)
    write_json(out / MANIFEST, manifest)
    write_csv(out / INDEX, pd.DataFrame(rows, columns=list(INDEX_COLUMNS)))


def _index_split(sample: Sample, validation: frozenset[str]) -> str:
    return sample.split.replace("/train", "/val") if sample.image in validation else sample.split


def _leaks(items: Sequence[Item], folders: Mapping[str, str]) -> dict[str, int]:
    learnt = [item for item in items if folders[item.image] == "train"]
    return {
        folder: len(leaked(learnt, [item for item in items if folders[item.image] == folder]))
        for folder in dict.fromkeys(folders.values())
        if folder != "train"
    }


def _without_validation(learnt: Sequence[Item], validation: frozenset[str]) -> tuple[str, ...]:
    return tuple(sorted({item.label for item in learnt} - {item.label for item in learnt if item.image in validation}))
