"""The YOLO classification layout: square JPEGs in ``{train,val,test}/<label>/`` and ``hard_cases/test/<label>/``, and ``index.csv``.

The folder is ours from its first file on: what an earlier conversion left is reused where it still holds, and removed where it does not.
Photos of the user are only read.
"""

from __future__ import annotations

import hashlib
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass, fields, replace
from functools import partial
from pathlib import Path
from typing import TypeVar

import pandas as pd

from yolo_koin.dataset.carve import Item, carve, cluster_photos, leaked
from yolo_koin.dataset.images import FaceFinder, PhotoError, prepare
from yolo_koin.dataset.koin import TRAINING_SETS, Dataset, Sample, nfc
from yolo_koin.environment import cores
from yolo_koin.errors import DatasetError, RunError
from yolo_koin.runs import MANIFEST, atomic_path, free_bytes, read_manifest, sha256, write_csv, write_json

INDEX, STATE, INCOMING = "index.csv", ".state.csv", ".incoming"
INDEX_COLUMNS = ("image", "split", "label", "source", "sha256", "width", "height", "status")
BYTES_PER_PIXEL = 0.75  # generous for a JPEG of quality 95 without chroma subsampling
VERSION = 1  # of the prepared pixels: raise it when prepare() changes what it writes

T = TypeVar("T")
R = TypeVar("R")
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Record:
    """One source photo and what became of it; a line of the state file.

    Attributes:
        source: image id in the raw dataset.
        size, mtime_ns: of the source file when it was read: unchanged ones need not be read again.
        sha256: of the source file.
        width, height: of the upright source, in pixels; 0 when unreadable.
        fingerprint: perceptual hash of the prepared photo, 16 hex digits.
        status: ``ok``, or why the photo could not be used.
        image: path of the prepared photo relative to the converted dataset, empty when there is none.
    """

    source: str
    size: int
    mtime_ns: int
    sha256: str
    width: int
    height: int
    fingerprint: str
    status: str
    image: str


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
    known = _open(out, dataset.root, settings)
    room = int(side * side * BYTES_PER_PIXEL * len(samples))
    if not known and free_bytes(out) < room:
        raise RunError(f"the disk has less than {room >> 20} MB free", out, "Free some space, or give another --out.")

    names = _file_names(samples)
    kept = {s.image: r for s in samples if (r := known.get(s.image)) and _unchanged(s, r, out)}
    todo = [s for s in samples if s.image not in kept]
    (out / INDEX).unlink(missing_ok=True)  # from here until the end the folder is not a whole dataset
    work = partial(_prepare, out=out, fit=fit, side=side, find_face=find_face)
    records = dict(kept)
    try:
        for done, record in enumerate(in_threads(work, todo, workers), len(kept) + 1):
            records[record.source] = record
            if progress:
                progress(done, len(samples))
    finally:  # an interrupted conversion goes on from here
        _write_state(out, records.values())

    usable = [s for s in samples if records[s.image].status == "ok"]
    items = [Item(s.image, s.label, int(records[s.image].fingerprint, 16)) for s in usable]
    learnt = [item for item, s in zip(items, usable, strict=True) if s.split in training]
    if len({item.label for item in learnt}) < 2:
        raise DatasetError("fewer than two classes with readable training photos", dataset.root, "Run yolo_koin audit to see why.")
    validation = carve(learnt, dataset.groups, val, seed)
    placed = _place(samples, records, names, validation, out)
    _sweep(out, {record.image for record in known.values()} - {record.image for record in placed})
    _write(out, samples, placed, validation, {**settings, "train_on": train_on, "val": val, "seed": seed, "data": dataset.root})
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


def in_threads(work: Callable[[T], R], items: Sequence[T], workers: int | None = None) -> Iterator[R]:
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
    frame = pd.read_csv(path, dtype=text, keep_default_na=False)
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


def _open(out: Path, data: Path, settings: Mapping[str, object]) -> dict[str, Record]:
    """Claim ``out``, and return what an earlier conversion with the same settings left there."""
    resolved, raw = out.resolve(), data.resolve()
    if resolved == raw or resolved in raw.parents or raw in resolved.parents:
        raise DatasetError("the converted dataset may not lie in the raw one, nor around it", out, "Give another --out.")
    marker = read_manifest(out) if out.is_dir() else None
    if out.exists() and marker is None and (not out.is_dir() or any(out.iterdir())):
        raise DatasetError("this folder holds something else", out, "Give --out a new or empty folder.")
    if marker is not None and marker.get("kind") != "classify":
        raise DatasetError("this folder holds something else", out, "Give --out a new or empty folder.")
    state = _read_state(out / STATE)
    if marker is not None and {key: marker.get(key) for key in settings} == dict(settings) and marker.get("data") == str(data):
        return state
    _sweep(out, {record.image for record in state.values()})
    (out / INDEX).unlink(missing_ok=True)
    (out / STATE).unlink(missing_ok=True)
    write_json(out / MANIFEST, {"kind": "classify", **settings, "data": str(data)})
    return {}


def _read_state(path: Path) -> dict[str, Record]:
    if not path.is_file():
        return {}
    frame = pd.read_csv(path, dtype=str, keep_default_na=False)
    records = (
        Record(source, int(size), int(mtime), digest, int(width), int(height), fingerprint, status, image)
        for source, size, mtime, digest, width, height, fingerprint, status, image in frame[[f.name for f in fields(Record)]].to_numpy()
    )
    return {record.source: record for record in records}


def _unchanged(sample: Sample, record: Record, out: Path) -> bool:
    stat = sample.path.stat()
    same = (stat.st_size, stat.st_mtime_ns) == (record.size, record.mtime_ns)
    return same and record.status == "ok" and (out / record.image).is_file()


def _prepare(sample: Sample, out: Path, fit: str, side: int, find_face: FaceFinder | None) -> Record:
    """Prepare one photo into the folder of incoming ones; where it belongs is known when all fingerprints are."""
    blank = Record(sample.image, 0, 0, "", 0, 0, "", "ok", "")
    try:
        stat = sample.path.stat()
        blank = replace(blank, size=stat.st_size, mtime_ns=stat.st_mtime_ns, sha256=sha256(sample.path))
        photo = prepare(sample.path, fit, side, find_face)
    except PhotoError as error:
        return replace(blank, status=str(error))
    except OSError as error:
        return replace(blank, status=f"cannot read ({error.strerror})")
    image = f"{INCOMING}/{hashlib.sha256(sample.image.encode()).hexdigest()}.jpg"
    with atomic_path(out / image) as temporary:
        temporary.write_bytes(photo.jpeg)
    return replace(blank, width=photo.width, height=photo.height, fingerprint=f"{photo.fingerprint:016x}", image=image)


def _file_names(samples: Sequence[Sample]) -> dict[str, str]:
    """File name of each prepared photo: its case and its own name; the ending joins in where two would be the same."""
    stems = Counter((s.label, s.split, nfc(s.path.stem).lower()) for s in samples)
    return {s.image: f"{s.split.split('_')[0]}_{_stem(s, stems)}.jpg" for s in samples}


def _stem(sample: Sample, stems: Mapping[tuple[str, str, str], int]) -> str:
    stem = nfc(sample.path.stem)
    alone = stems[sample.label, sample.split, stem.lower()] == 1
    return stem if alone else f"{stem}_{sample.path.suffix[1:]}_{Path(sample.image).parent.parent.name}"


def _folder(sample: Sample, validation: frozenset[str]) -> str:
    """Where a prepared photo goes: ``test`` is the normal test split, as stock Ultralytics expects one."""
    if sample.split.endswith("/train"):
        return "val" if sample.image in validation else "train"
    return "test" if sample.split == "normal_cases/test" else sample.split


def _place(
    samples: Sequence[Sample], records: Mapping[str, Record], names: Mapping[str, str], validation: frozenset[str], out: Path
) -> list[Record]:
    placed = []
    for sample in samples:
        record = records[sample.image]
        if record.status == "ok":
            target = f"{_folder(sample, validation)}/{sample.label}/{names[sample.image]}"
            if target != record.image:
                (out / target).parent.mkdir(parents=True, exist_ok=True)
                (out / record.image).replace(out / target)
            record = replace(record, image=target)
        placed.append(record)
    return placed


def _sweep(out: Path, images: set[str]) -> None:
    """Remove prepared photos that are no longer wanted, and the folders that this leaves empty."""
    for image in images - {""}:
        (out / image).unlink(missing_ok=True)
    for leftover in (out / INCOMING).glob("*"):
        leftover.unlink()
    for folder in sorted((p for p in out.rglob("*") if p.is_dir()), reverse=True):
        if not any(folder.iterdir()):
            folder.rmdir()


def _write(out: Path, samples: Sequence[Sample], placed: Sequence[Record], validation: frozenset[str], spec: Mapping[str, object]) -> None:
    rows = [
        (r.image, _index_split(s, validation), s.label, s.image, r.sha256, r.width, r.height, r.status)
        for s, r in zip(samples, placed, strict=True)
    ]
    _write_state(out, placed)
    write_json(out / MANIFEST, {"kind": "classify", **spec})
    write_csv(out / INDEX, pd.DataFrame(rows, columns=list(INDEX_COLUMNS)))


def _write_state(out: Path, records: Iterable[Record]) -> None:
    write_csv(out / STATE, pd.DataFrame([asdict(record) for record in records], columns=[f.name for f in fields(Record)]))


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
