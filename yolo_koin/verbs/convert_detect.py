"""``yolo_koin convert detect``: lay a KoIn dataset out for YOLO detection, a box on each face and a name on each box."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from yolo_koin.dataset import detect
from yolo_koin.dataset.boxes import LabelledBox, Problem
from yolo_koin.dataset.detect import TABLE, ConvertedBoxes, read_boxes_table
from yolo_koin.dataset.images import open_photo
from yolo_koin.dataset.koin import Dataset, Sample
from yolo_koin.errors import DatasetError
from yolo_koin.faces import FaceDetector, clearly_dominant
from yolo_koin.faces.finder import Found
from yolo_koin.files import atomic_path
from yolo_koin.locks import locked
from yolo_koin.parallel import Progress, in_threads
from yolo_koin.reporting.sheets import REVIEW_SIDE, REVIEWED, ReviewPhoto, review_page
from yolo_koin.runs import PreparedDataset, prepared_at
from yolo_koin.specs import ConvertDetectSpec
from yolo_koin.splits import TRAINING_SETS
from yolo_koin.verbs.convert import usual_folder
from yolo_koin.verbs.drawn import brought_in, drawn_boxes
from yolo_koin.verbs.resolve import face_finder, kept_boxes, open_dataset
from yolo_koin.verbs.verb import verb
from yolo_koin.workspace import Workspace

REVIEW = "review"
GROUP = "a group photo needs drawn boxes"


@dataclass(frozen=True)
class ConvertDetectResult:
    """A dataset in detection format.

    Attributes:
        converted: what was laid out.
        problems: boxes of people that could not be used.
        pages: of the review sheet.
        kept: the file of boxes that people drew, which every verb uses; None when there are none.
    """

    converted: ConvertedBoxes
    problems: tuple[Problem, ...]
    pages: tuple[Path, ...] = ()
    kept: Path | None = None


@verb(ConvertDetectSpec)
def convert_detect(spec: ConvertDetectSpec, progress: Progress) -> ConvertDetectResult:
    """Box the faces and convert; again does only what changed.

    Raises:
        DatasetError: there is no dataset, or it has nothing to train on.
        WeightsError: the face detector cannot be loaded.
        RunError: the output cannot be written.
    """
    workspace = Workspace.of(spec)
    dataset = open_dataset(spec.data, workspace)
    result = boxed(dataset, spec, workspace, progress)
    if not spec.review:
        return result
    with locked(result.converted.root):
        return replace(result, pages=_review(dataset, result.converted.root, spec.review))


def boxed(dataset: Dataset, spec: ConvertDetectSpec, workspace: Workspace, progress: Progress) -> ConvertDetectResult:
    """Lay a dataset out as a spec says, whatever data it names, without the pages for review."""
    dataset, unread = brought_in(dataset, spec.boxes, workspace)
    drawn, problems = drawn_boxes(dataset)
    kept = kept_boxes(dataset, workspace)
    converted = detect.convert(
        dataset,
        spec.out or usual_folder(dataset, "det", spec, workspace),
        found=_boxes(dataset, spec, drawn, workspace, progress),
        train_on=spec.train_on,
        val=spec.val,
        side=spec.side,
        seed=spec.seed,
        workers=spec.workers,
        boxes=kept if kept in dataset.boxes else None,
        detector=spec.detector,
        progress=progress,
    )
    return ConvertDetectResult(converted, (*unread, *problems), kept=kept if kept in dataset.boxes else None)


def refresh(made: PreparedDataset, workspace: Workspace, progress: Progress) -> PreparedDataset:
    """Bring a prepared dataset up to date with its raw one, so that photos added, changed or excluded since are heeded.

    Raises:
        DatasetError: the boxes or the detector that it was made with are gone.
    """
    if not made.data.is_dir():
        return made
    dataset = open_dataset(str(made.data), workspace)
    kept = kept_boxes(dataset, workspace)
    # Boxes that are kept are among the dataset's. Those of an older version lie where the user had them, and are kept from now on.
    given = made.boxes if made.boxes != kept and not kept.exists() else None
    for option, path in (("boxes", given), ("detector", made.detector)):
        if path and not path.exists():
            again = f"Put it back, or run yolo_koin convert detect again with another --{option}, or without."
            raise DatasetError(f"the --{option} that {made.folder} was made with is gone", path, again)
    told = {key: getattr(made, key) for key in ("train_on", "val", "side", "seed", "detector")}
    spec = ConvertDetectSpec(**told, data=str(made.data), out=made.folder, review=0, boxes=given)
    boxed(dataset, spec, workspace, progress)
    return prepared_at(made.folder) or made


def boxed_for(dataset: Dataset, spec: ConvertDetectSpec, workspace: Workspace, progress: Progress) -> PreparedDataset:
    """The prepared dataset that a spec asks for: the one that is there, with the boxes that it was made with, or a new one."""
    root = usual_folder(dataset, "det", spec, workspace)
    made = prepared_at(root)
    if made and made.data.resolve() == dataset.root.resolve():
        return refresh(made, workspace, progress)
    boxed(dataset, replace(spec, out=root), workspace, progress)
    found = prepared_at(root)
    assert found is not None  # it was written just now
    return found


# ---------------------------------------------------------------------------------------------------------------- boxes
def _boxes(
    dataset: Dataset, spec: ConvertDetectSpec, drawn: Mapping[str, Sequence[LabelledBox]], workspace: Workspace, progress: Progress
) -> dict[str, Sequence[LabelledBox] | str]:
    """The boxes of each photo, or why it has none: those that people drew, and the detector's where one face is clearly dominant."""
    wanted = [s for s in dataset.samples if s.split in TRAINING_SETS[spec.train_on] or s.split.is_test]
    found: dict[str, Sequence[LabelledBox] | str] = {s.image: drawn[s.image] or "no face drawn" for s in wanted if s.image in drawn}
    missing = [s for s in wanted if s.image not in found]
    found |= {s.image: GROUP for s in missing if not s.split.has_one_person}
    single = [s for s in missing if s.image not in found]
    if single:
        with face_finder(spec.detector, spec.device, spec.trust_weights, workspace) as finder:
            looked = finder.look_at_all([s.path for s in single], spec.workers, progress)
            found |= {s.image: _decided(s, one, finder.detector) for s, one in zip(single, looked, strict=True)}
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
    table = read_boxes_table(root)
    table["line"] = table.index + 2  # of boxes.csv, whose first line has the names of the columns
    table = table[table["status"] == "ok"].sort_values(["score", "image"], kind="stable", na_position="last")[: pages * REVIEWED]
    rows = [{str(column): value for column, value in row.items()} for row in table.to_dict("records")]
    count = -(-len(rows) // REVIEWED)
    files = tuple(root / REVIEW / f"page-{page + 1:03d}.png" for page in range(count))
    there = set((root / REVIEW).glob("page-*.png"))
    if there == set(files) and all(page.stat().st_mtime_ns >= (root / TABLE).stat().st_mtime_ns for page in files):
        return files
    for old in there:
        old.unlink()
    for page, file in enumerate(files):
        photos = in_threads(partial(_reviewed, root=root, dataset=dataset), rows[page * REVIEWED : (page + 1) * REVIEWED])
        with atomic_path(file) as temporary:
            review_page(photos, page + 1, count, f"Face boxes of {root.name}, the doubtful ones first").save(temporary)
    return files


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
