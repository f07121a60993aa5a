"""``yolo_koin hardcases``: synthetic hard cases of a user's own photos."""

from __future__ import annotations

import contextlib
import json
import zlib
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from yolo_koin.dataset.images import JPEG_QUALITY, RGB, PhotoError, open_photo
from yolo_koin.dataset.koin import IMAGE_SUFFIXES, nfc, read_table
from yolo_koin.dataset.walk import Walk, photos_below
from yolo_koin.errors import DatasetError
from yolo_koin.faces import FaceDetector
from yolo_koin.faces.centerface import CenterFace
from yolo_koin.faces.turned import Turned, implausible, upright
from yolo_koin.files import atomic_path, write_csv, write_json
from yolo_koin.locks import locked
from yolo_koin.parallel import Progress, counted, in_threads
from yolo_koin.specs import HardcasesSpec
from yolo_koin.synthetic.hardcases import KINDS, apply
from yolo_koin.verbs.verb import verb

TABLE = "hardcases.csv"
CLAIMED = ".hardcases.json"  # files that are ours as soon as they are there: of calls that were killed, the table does not tell all
COLUMNS = ("image", "source", "kind", "severity", "seed", "box", "landmarks")
WRITTEN_EVERY = 100  # photos: an interrupted call leaves a table of all but the last few
Row = tuple[str, str, str, int, int, str, str]


@dataclass(frozen=True)
class HardcasesResult:
    """What came of it; photos are paths relative to the source.

    Attributes:
        written: number of hard cases written.
        no_face: photos in which no face was found; left out.
        unreadable: photos that cannot be decoded, with the reason; left out.
        implausible: photos on whose face the landmarks lie where none are, with the reason; left out.
        turned: how many photos lie on their side or upside down; their faces were found by turning them.
        notes: what lies in the source and is no photo, a line a kind.
        table: ``hardcases.csv``, which marks the written photos as synthetic.
    """

    written: int
    no_face: list[str]
    unreadable: list[tuple[str, str]]
    table: Path
    implausible: tuple[tuple[str, str], ...] = ()
    turned: int = 0
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Drawn:
    """What came of one photo: the rows of what was written, or why there are none."""

    rows: tuple[Row, ...] = ()
    turned: bool = False
    unreadable: str = ""
    implausible: str = ""


@verb(HardcasesSpec)
def hardcases(spec: HardcasesSpec, progress: Progress) -> HardcasesResult:
    """Write a synthetic hard case of each kind of every photo below a folder on which a face is found.

    Running it again renews the files that it wrote; files that it did not write are never touched.

    Raises:
        DatasetError: no such folder, no photo in it, or the destination lies in it or holds other files of the same names.
        UsageError: an unknown kind or severity.
        WeightsError: the face detector's network is missing.
    """
    walk = _photos(spec)
    photos = [path.relative_to(spec.source).as_posix() for path in walk.photos]
    with locked(spec.destination):
        claimed = _claimed(spec.destination, [target for photo in photos for _, target in _targets(photo, spec.kinds)])
        result = _draw(spec, walk, photos, progress)
        _settle(spec.destination, claimed)
    return result


def _draw(spec: HardcasesSpec, walk: Walk, photos: list[str], progress: Progress) -> HardcasesResult:
    """Write the files and the table."""
    outcomes: dict[str, _Drawn] = {}
    rows: list[Row] = []
    work = partial(_one, spec=spec, kinds=spec.kinds, detector=CenterFace())
    with contextlib.closing(in_threads(work, photos, spec.workers)) as drawn:
        for number, (photo, outcome) in enumerate(counted(zip(photos, drawn, strict=True), len(photos), "drawing", progress), 1):
            outcomes[photo] = outcome
            rows += outcome.rows
            if number % WRITTEN_EVERY == 0 or number == len(photos):
                _write_table(spec.destination, rows)
    return HardcasesResult(
        written=len(rows),
        no_face=[photo for photo, one in outcomes.items() if not (one.rows or one.unreadable or one.implausible)],
        unreadable=[(photo, one.unreadable) for photo, one in outcomes.items() if one.unreadable],
        table=spec.destination / TABLE,
        implausible=tuple((photo, one.implausible) for photo, one in outcomes.items() if one.implausible),
        turned=sum(one.turned for one in outcomes.values()),
        notes=walk.notes,
    )


def _photos(spec: HardcasesSpec) -> Walk:
    """The photos below the source."""
    source, destination = spec.source.resolve(), spec.destination.resolve()
    if not source.is_dir():
        raise DatasetError("no such folder", spec.source, "Name the folder that holds the photos.")
    if destination == source or source in destination.parents:
        raise DatasetError("the copies would lie among the photos", spec.destination, "Choose a folder outside of the source.")
    if destination.exists() and not destination.is_dir():
        raise DatasetError("a file, not a folder", spec.destination, "Choose another destination.")
    walk = photos_below(spec.source, skip={destination})  # a link in the source may lead there
    if not walk.photos:
        raise DatasetError("no photo in the folder", spec.source, f"Photos end in {', '.join(sorted(IMAGE_SUFFIXES))}.")
    return walk


def _targets(photo: str, kinds: tuple[str, ...]) -> list[tuple[str, str]]:
    """Each kind with the file it goes to, relative to the destination; its name says that it is no photo."""
    path = Path(photo)
    return [(kind, path.with_name(f"{path.stem}_{kind}.jpg").as_posix()) for kind in kinds]


def _claimed(destination: Path, targets: list[str]) -> set[str]:
    """Write down which files are ours from now on, and return them with those that calls claimed that were killed.

    Two photos must not claim one file, and nothing that we did not write is written over.
    """
    seen: set[str] = set()
    for target in targets:
        if target in seen:
            raise DatasetError("two photos differ in their ending only", target, "Rename one of them.")
        seen.add(target)
    table = destination / TABLE
    before = _read_claims(destination)
    ours = before | (set(read_table(table, COLUMNS)["image"]) if table.is_file() else set())
    for target in targets:
        if nfc(target) not in ours and (destination / target).exists():
            raise DatasetError("a file that is not ours is there already", destination / target, "Choose another destination.")
    claimed = before | {nfc(target) for target in targets}
    _write_claims(destination, claimed)
    return claimed


def _settle(destination: Path, claimed: set[str]) -> None:
    """Drop the claims on files that the table tells, or that were not written after all."""
    told = set(read_table(destination / TABLE, COLUMNS)["image"])
    _write_claims(destination, {target for target in claimed - told if (destination / target).exists()})


def _read_claims(destination: Path) -> set[str]:
    path = destination / CLAIMED
    try:
        return set(map(str, json.loads(path.read_text(encoding="utf-8")))) if path.is_file() else set()
    except (OSError, ValueError, TypeError, RecursionError) as error:
        raise DatasetError("damaged", path, "Remove it, or choose another destination.") from error


def _write_claims(destination: Path, claimed: set[str]) -> None:
    if claimed:
        write_json(destination / CLAIMED, sorted(claimed))
    else:
        (destination / CLAIMED).unlink(missing_ok=True)


def _one(photo: str, spec: HardcasesSpec, kinds: tuple[str, ...], detector: FaceDetector) -> _Drawn:
    """Write the hard cases of one photo."""
    try:
        image, _ = open_photo(spec.source / photo)
    except PhotoError as error:
        return _Drawn(unreadable=str(error))
    pixels = np.asarray(image)
    found = upright(pixels, detector)
    if found is None:
        return _Drawn()
    if reason := implausible(found.face):
        return _Drawn(implausible=reason)
    rows = tuple(_write(spec, pixels, found, photo, kind, target) for kind, target in _targets(photo, kinds))
    return _Drawn(rows, turned=found.quarters > 0)


def _write(spec: HardcasesSpec, pixels: RGB, found: Turned, photo: str, kind: str, target: str) -> Row:
    rng = np.random.default_rng([spec.seed, zlib.crc32(nfc(photo).encode()), KINDS.index(kind)])
    turned = np.ascontiguousarray(np.rot90(pixels, found.quarters))
    result = np.rot90(apply(turned, found.face.points(), found.face.box, kind, spec.severity, rng), -found.quarters)
    with atomic_path(spec.destination / target) as temporary:
        Image.fromarray(np.ascontiguousarray(result)).save(temporary, "JPEG", quality=JPEG_QUALITY, subsampling=0)
    face = found.as_seen(pixels.shape[1], pixels.shape[0])
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
