"""``yolo_koin hardcases``: synthetic hard cases of a user's own photos."""

from __future__ import annotations

import os
import zlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from yolo_koin.dataset.images import JPEG_QUALITY, RGB, PhotoError, open_photo
from yolo_koin.dataset.koin import IMAGE_SUFFIXES, nfc, read_table
from yolo_koin.errors import DatasetError, UsageError
from yolo_koin.faces import Face, FaceDetector, dominant
from yolo_koin.faces.centerface import CenterFace
from yolo_koin.files import atomic_path, write_csv
from yolo_koin.parallel import Progress, Step
from yolo_koin.specs import HardcasesSpec
from yolo_koin.synthetic.hardcases import KINDS, apply, check
from yolo_koin.verbs.verb import verb

TABLE = "hardcases.csv"
COLUMNS = ("image", "source", "kind", "severity", "seed", "box", "landmarks")
Row = tuple[str, str, str, int, int, str, str]


@dataclass(frozen=True)
class HardcasesResult:
    """What came of it; photos are paths relative to the source.

    Attributes:
        written: number of hard cases written.
        no_face: photos in which no face was found; left out.
        unreadable: photos that cannot be decoded, with the reason; left out.
        table: ``hardcases.csv``, which marks the written photos as synthetic.
    """

    written: int
    no_face: list[str]
    unreadable: list[tuple[str, str]]
    table: Path


@verb(HardcasesSpec)
def hardcases(spec: HardcasesSpec, progress: Progress) -> HardcasesResult:
    """Write a synthetic hard case of each kind of every photo below a folder on which a face is found.

    Running it again renews the files that it wrote; files that it did not write are never touched.

    Raises:
        DatasetError: no such folder, no photo in it, or the destination lies in it or holds other files of the same names.
        UsageError: an unknown kind or severity.
        WeightsError: the face detector's network is missing.
    """
    kinds = _kinds(spec)
    photos = _photos(spec)
    _refuse_foreign(spec.destination, [target for photo in photos for _, target in _targets(photo, kinds)])
    detector = CenterFace()
    rows: list[Row] = []
    no_face: list[str] = []
    unreadable: list[tuple[str, str]] = []
    workers = spec.workers or os.cpu_count() or 1
    with ThreadPoolExecutor(workers) as pool:
        waiting = iter(photos)
        # A few photos at a time: a Ctrl-C or an error then does not wait for thousands of queued ones.
        done = 0
        while chunk := list(islice(waiting, 4 * workers)):
            for photo, outcome in zip(chunk, pool.map(lambda p: _one(spec, p, kinds, detector), chunk), strict=True):
                if isinstance(outcome, str):
                    unreadable.append((photo, outcome))
                elif outcome:
                    rows += outcome
                else:
                    no_face.append(photo)
                done += 1
                progress(Step("drawing", done, len(photos)))
            _write_table(spec.destination, rows)
    return HardcasesResult(len(rows), no_face, unreadable, spec.destination / TABLE)


def _kinds(spec: HardcasesSpec) -> tuple[str, ...]:
    kinds = tuple(dict.fromkeys(spec.kinds))
    if not kinds:
        raise UsageError("no kind of hard case", "", f"Choose from {', '.join(KINDS)}.")
    for kind in kinds:
        check(kind, spec.severity)
    if spec.seed < 0:
        raise UsageError("a seed is 0 or more", spec.seed)
    return kinds


def _photos(spec: HardcasesSpec) -> list[str]:
    """The photos below the source, relative and sorted; hidden folders are passed over."""
    source, destination = spec.source.resolve(), spec.destination.resolve()
    if not source.is_dir():
        raise DatasetError("no such folder", spec.source, "Name the folder that holds the photos.")
    if destination == source or source in destination.parents:
        raise DatasetError("the copies would lie among the photos", spec.destination, "Choose a folder outside of the source.")
    if destination.exists() and not destination.is_dir():
        raise DatasetError("a file, not a folder", spec.destination, "Choose another destination.")
    found = []
    for folder, folders, files in os.walk(source):
        folders[:] = sorted(name for name in folders if not name.startswith(".") and Path(folder, name) != destination)
        found += [Path(folder, name) for name in files if Path(name).suffix.lower() in IMAGE_SUFFIXES and not name.startswith(".")]
    if not found:
        raise DatasetError("no photo in the folder", spec.source, f"Photos end in {', '.join(sorted(IMAGE_SUFFIXES))}.")
    return sorted(path.relative_to(source).as_posix() for path in found)


def _targets(photo: str, kinds: tuple[str, ...]) -> list[tuple[str, str]]:
    """Each kind with the file it goes to, relative to the destination; its name says that it is no photo."""
    path = Path(photo)
    return [(kind, path.with_name(f"{path.stem}_{kind}.jpg").as_posix()) for kind in kinds]


def _refuse_foreign(destination: Path, targets: list[str]) -> None:
    """Two photos must not claim one file, and nothing that we did not write is written over."""
    seen: set[str] = set()
    for target in targets:
        if target in seen:
            raise DatasetError("two photos differ in their ending only", target, "Rename one of them.")
        seen.add(target)
    table = destination / TABLE
    ours = set(read_table(table, COLUMNS)["image"]) if table.is_file() else set()
    for target in targets:
        if nfc(target) not in ours and (destination / target).exists():
            raise DatasetError("a file that is not ours is there already", destination / target, "Choose another destination.")


def _one(spec: HardcasesSpec, photo: str, kinds: tuple[str, ...], detector: FaceDetector) -> list[Row] | str:
    """Rows of what was written, none where there is no face, or why the photo cannot be read."""
    try:
        image, _ = open_photo(spec.source / photo)
    except PhotoError as error:
        return str(error)
    pixels = np.asarray(image)
    face = dominant(detector.detect(pixels))
    if face is None:
        return []
    return [_write(spec, pixels, face, photo, kind, target) for kind, target in _targets(photo, kinds)]


def _write(spec: HardcasesSpec, pixels: RGB, face: Face, photo: str, kind: str, target: str) -> Row:
    rng = np.random.default_rng([spec.seed, zlib.crc32(nfc(photo).encode()), KINDS.index(kind)])
    result = apply(pixels, face.points(), face.box, kind, spec.severity, rng)
    with atomic_path(spec.destination / target) as temporary:
        Image.fromarray(result).save(temporary, "JPEG", quality=JPEG_QUALITY, subsampling=0)
    box = " ".join(f"{side:.1f}" for side in face.box)
    landmarks = " ".join(f"{x:.1f} {y:.1f}" for x, y in face.points())
    return nfc(target), nfc(photo), kind, spec.severity, spec.seed, box, landmarks


def _write_table(destination: Path, rows: list[Row]) -> None:
    """Renew our rows and keep those of earlier calls (other kinds, other sources)."""
    table = destination / TABLE
    frame = pd.DataFrame(rows, columns=list(COLUMNS))
    if table.is_file():
        earlier = read_table(table, COLUMNS)
        frame = pd.concat([earlier[~earlier["image"].isin(frame["image"])], frame.astype(str)])
    write_csv(table, frame.sort_values("image"))
