"""``yolo_koin convert detect``: lay a KoIn dataset out for YOLO detection, a box on each face and a name on each box."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from yolo_koin.dataset import detect
from yolo_koin.dataset.boxes import LabelledBox, Problem, read_boxes
from yolo_koin.dataset.detect import TABLE, ConvertedBoxes, read_boxes_table
from yolo_koin.dataset.images import open_photo
from yolo_koin.dataset.koin import Dataset, Sample
from yolo_koin.errors import DatasetError, UsageError
from yolo_koin.faces import FaceDetector, clearly_dominant
from yolo_koin.faces.cache import FaceCache
from yolo_koin.faces.finder import Found, find_faces
from yolo_koin.files import atomic_path
from yolo_koin.parallel import Progress, in_threads, silent
from yolo_koin.reporting.sheets import REVIEW_SIDE, REVIEWED, ReviewPhoto, review_page
from yolo_koin.runs import read_manifest
from yolo_koin.splits import TRAINING_SETS
from yolo_koin.verbs.convert import dataset_name, one_of, open_dataset
from yolo_koin.verbs.detector import open_detector

CACHE = Path("data/.faces.sqlite")
REVIEW = "review"
GROUP = "a group photo needs drawn boxes"


@dataclass(frozen=True)
class ConvertDetectSpec:
    """What to convert, and how.

    Attributes:
        data: dataset root, or ``sample`` for the built-in faces.
        out: folder to write; ``data/<name>-det`` when None.
        train_on: ``normal``, ``hard`` or ``both``.
        val: share of the training photos that becomes the validation split.
        side: longest side of the prepared photos, in pixels; smaller photos stay as they are.
        seed: of the validation split.
        boxes: boxes that people drew: our boxes.csv, COCO, Pascal VOC or LabelMe. The dataset's own ``boxes.csv`` is read anyway.
        detector: the face detector's file; CenterFace when None.
        device: where a .pt detector runs.
        trust_weights: run a detector's pickle that safe loading refuses.
        review: pages of the review sheet; those boxes come first that the detector is least sure of.
        workers: threads; all cores when None.
    """

    data: str = "data/KoIn"
    out: Path | None = None
    train_on: str = "normal"
    val: float = 0.1
    side: int = 640
    seed: int = 0
    boxes: Path | None = None
    detector: Path | None = None
    device: str = ""
    trust_weights: bool = False
    review: int = 20
    workers: int | None = None

    def __post_init__(self) -> None:
        one_of("--train-on", self.train_on, tuple(TRAINING_SETS))
        if not 0 <= self.val < 1:
            raise UsageError("a share from 0 to below 1", f"--val {self.val}", "The protocol takes 0.1.")
        if not 64 <= self.side <= 4096:
            raise UsageError("a side from 64 to 4096 pixels", f"--side {self.side}", "The default is 640.")
        for option, value, low in (("--workers", self.workers, 1), ("--review", self.review, 0), ("--seed", self.seed, 0)):
            if value is not None and value < low:
                raise UsageError(f"at least {low}", f"{option} {value}", "Leave it out to take the default.")


@dataclass(frozen=True)
class ConvertDetectResult:
    """A dataset in detection format.

    Attributes:
        converted: what was laid out.
        problems: boxes of people that could not be used.
        pages: of the review sheet.
    """

    converted: ConvertedBoxes
    problems: tuple[Problem, ...]
    pages: tuple[Path, ...]


def convert_detect(spec: ConvertDetectSpec, progress: Progress = silent) -> ConvertDetectResult:
    """Box the faces and convert; again does only what changed.

    Raises:
        DatasetError: there is no dataset, or it has nothing to train on.
        WeightsError: the face detector cannot be loaded.
        RunError: the output cannot be written.
    """
    dataset = open_dataset(spec.data)
    out = spec.out or detection_root(dataset, spec)
    drawn, problems = drawn_boxes(dataset, spec.boxes)
    found = _boxes(dataset, spec, drawn, progress)
    converted = detect.convert(
        dataset,
        out,
        found=found,
        train_on=spec.train_on,
        val=spec.val,
        side=spec.side,
        seed=spec.seed,
        workers=spec.workers,
        extra={"boxes": _told(spec.boxes), "detector": _told(spec.detector)},
        progress=progress,
    )
    pages = _review(dataset, out, spec.review) if spec.review else ()
    return ConvertDetectResult(converted, problems, pages)


def drawn_boxes(dataset: Dataset, boxes: Path | None) -> tuple[dict[str, tuple[LabelledBox, ...]], tuple[Problem, ...]]:
    """Boxes that people drew: those of the dataset's own ``boxes.csv``, and, before them, those of a file or folder."""
    read = [read_boxes(path, dataset) for path in (*dataset.boxes, boxes) if path is not None]
    merged: dict[str, tuple[LabelledBox, ...]] = {}
    for one in read:
        merged |= one.boxes
    return merged, tuple(problem for one in read for problem in one.problems)


def spec_of(root: Path) -> ConvertDetectSpec | None:
    """How a converted dataset was made, to make it again; None when the folder does not say, or its raw dataset is gone."""
    made = read_manifest(root) or {}
    if made.get("kind") != "detect" or not Path(str(made.get("data", ""))).is_dir():
        return None
    told = {key: made[key] for key in ("data", "train_on", "val", "side", "seed") if key in made}
    boxes, detector = (Path(made[key]) if made.get(key) else None for key in ("boxes", "detector"))
    for option, path in (("boxes", boxes), ("detector", detector)):
        if path and not path.exists():
            again = f"Put it back, or run yolo_koin convert detect again with another --{option}, or without."
            raise DatasetError(f"the --{option} that {root} was made with is gone", path, again)
    return ConvertDetectSpec(**told, boxes=boxes, detector=detector, out=root, review=0)


def refresh(root: Path, progress: Progress = silent) -> Path:
    """Bring a converted dataset up to date with its raw one, so that photos added, changed or excluded since are heeded."""
    spec = spec_of(root)
    return convert_detect(spec, progress).converted.root if spec else root


def prepared_for(spec: ConvertDetectSpec, progress: Progress = silent) -> Path:
    """The converted dataset that a training asks for: the one that is there, with the boxes that it was made with, or a new one."""
    dataset = open_dataset(spec.data)
    root = detection_root(dataset, spec)
    made = spec_of(root)
    if made is None or Path(made.data).resolve() != dataset.root.resolve():
        return convert_detect(replace(spec, review=0), progress).converted.root
    return convert_detect(replace(spec, out=root, boxes=made.boxes, detector=made.detector, review=0), progress).converted.root


def detection_root(dataset: Dataset, spec: ConvertDetectSpec) -> Path:
    """Where a dataset is converted to when nothing is said: ``data/koin-det``, followed by whatever is not the default."""
    usual = ConvertDetectSpec()
    parts = {
        spec.train_on: spec.train_on != usual.train_on,
        f"{spec.side}px": spec.side != usual.side,
        f"val{spec.val:g}": spec.val != usual.val,
        f"seed{spec.seed}": spec.seed != usual.seed,
    }
    return Path("data") / "-".join([f"{dataset_name(dataset)}-det", *(part for part, differs in parts.items() if differs)])


def _told(path: Path | None) -> str | None:
    return str(path.resolve()) if path else None


# ---------------------------------------------------------------------------------------------------------------- boxes
def _boxes(
    dataset: Dataset, spec: ConvertDetectSpec, drawn: Mapping[str, Sequence[LabelledBox]], progress: Progress
) -> dict[str, Sequence[LabelledBox] | str]:
    """The boxes of each photo, or why it has none: those that people drew, and the detector's where one face is clearly dominant."""
    wanted = [s for s in dataset.samples if s.split in TRAINING_SETS[spec.train_on] or s.split.is_test]
    found: dict[str, Sequence[LabelledBox] | str] = {s.image: drawn[s.image] or "no face drawn" for s in wanted if s.image in drawn}
    missing = [s for s in wanted if s.image not in found]
    found |= {s.image: GROUP for s in missing if not s.split.has_one_person}
    single = [s for s in missing if s.image not in found]
    if single:
        detector = open_detector(spec.detector, spec.device, spec.trust_weights)
        with FaceCache(CACHE) as cache:
            looked = find_faces([s.path for s in single], detector, cache, spec.workers, progress)
            found |= {s.image: _decided(s, one, detector) for s, one in zip(single, looked, strict=True)}
    return found


def _decided(sample: Sample, found: Found, detector: FaceDetector) -> tuple[LabelledBox, ...] | str:
    if found.error:
        return found.error
    face = clearly_dominant(found.faces)
    if face is None:
        return f"no clearly dominant face ({len(found.faces)} faces)" if found.faces else "no face found"
    return (LabelledBox(sample.label, face.box, round(face.score, 4), detector.name),)


# -------------------------------------------------------------------------------------------------------------- review
def _review(dataset: Dataset, root: Path, pages: int) -> tuple[Path, ...]:
    """Draw the review sheet: the boxes that a detector found, least sure first, then those that people drew."""
    done = tuple(sorted((root / REVIEW).glob("page-*.png")))
    if done and min(page.stat().st_mtime_ns for page in done) >= (root / TABLE).stat().st_mtime_ns:
        return done
    table = read_boxes_table(root)
    table["line"] = table.index + 2  # of boxes.csv, whose first line has the names of the columns
    table = table[table["status"] == "ok"].sort_values(["score", "image"], kind="stable", na_position="last")[: pages * REVIEWED]
    rows = [{str(column): value for column, value in row.items()} for row in table.to_dict("records")]
    count = -(-len(rows) // REVIEWED)
    files = []
    for page in range(count):
        photos = in_threads(partial(_reviewed, root=root, dataset=dataset), rows[page * REVIEWED : (page + 1) * REVIEWED])
        files.append(root / REVIEW / f"page-{page + 1:03d}.png")
        with atomic_path(files[-1]) as temporary:
            review_page(photos, page + 1, count, f"Face boxes of {root.name}, the doubtful ones first").save(temporary)
    for old in set((root / REVIEW).glob("page-*.png")) - set(files):
        old.unlink()
    return tuple(files)


def _reviewed(row: Mapping[str, Any], root: Path, dataset: Dataset) -> ReviewPhoto:
    photo, _ = open_photo(root / row["file"], longest=REVIEW_SIDE)
    return ReviewPhoto(
        photo=photo,
        size=(int(row["photo_width"]), int(row["photo_height"])),
        image=row["image"],
        name=dataset.names.get(row["label"], row["label"]),
        box=(row["x"], row["y"], row["width"], row["height"]),
        score=None if np.isnan(row["score"]) else row["score"],
        line=row["line"],
    )
