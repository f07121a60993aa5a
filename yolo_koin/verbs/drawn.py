"""Boxes that people drew: brought in once with ``convert detect --boxes``, kept with the workspace, used by every verb from then on."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from yolo_koin.dataset.boxes import Drawn, LabelledBox, Problem, read_boxes
from yolo_koin.dataset.koin import Dataset, Sample
from yolo_koin.errors import DatasetError
from yolo_koin.faces import Found
from yolo_koin.faces.protocol import clearly_dominant
from yolo_koin.files import unfinished, writing
from yolo_koin.geometry import Box
from yolo_koin.locks import locked
from yolo_koin.verbs.resolve import kept_boxes
from yolo_koin.workspace import Workspace

NONE = Path("none")  # --boxes none: those that were kept are set aside; a file of that name is ./none
COLUMNS = ("image", "label", "x", "y", "width", "height", "score", "provenance")

Boxes = Mapping[str, Sequence[LabelledBox]]


def drawn_boxes(dataset: Dataset, boxes: Path | None = None) -> tuple[dict[str, tuple[LabelledBox, ...]], tuple[Problem, ...]]:
    """Boxes that people drew, by image id: of the dataset's own files, of those that were kept, and, before them, of a file or folder."""
    read = [read_boxes(path, dataset) for path in dataset.boxes] + ([_given(boxes, dataset)] if boxes else [])
    merged: dict[str, tuple[LabelledBox, ...]] = {}
    for one in read:
        merged |= one.boxes
    return merged, tuple(problem for one in read for problem in one.problems)


def own_face(sample: Sample, found: Found, drawn: Boxes) -> Box | str:
    """The box of the labelled person's face: where a person drew it, else the clearly largest face of a photo of one person.

    Args:
        sample: the photo; of one outside of a dataset it is the clearly largest face.
        found: the faces in it.
        drawn: image id → boxes that people drew.

    Returns:
        The box, or why nobody knows it.
    """
    own = [one.box for one in drawn.get(sample.image, ()) if one.label == sample.label]
    face = clearly_dominant(found.faces) if sample.split.has_one_person else None
    if found.error:
        return "unreadable"
    if len(own) == 1:
        return own[0]
    if face:
        return face.box
    if sample.split.has_one_person:
        return "several faces" if found.faces else "no face found"
    return "several people, and nobody drew who is where"


def brought_in(dataset: Dataset, boxes: Path | None, workspace: Workspace) -> tuple[Dataset, tuple[Problem, ...]]:
    """Keep the boxes of a file or folder with those that were kept before; a photo's new boxes take the place of its old ones.

    Args:
        dataset: with the boxes that were kept before among its files, as :func:`yolo_koin.verbs.resolve.open_dataset` opens it.
        boxes: what the user gives: a file or folder, :data:`NONE`, or nothing.
        workspace: where they are kept.

    Returns:
        The dataset with the boxes that hold from now on, and what of the new ones could not be used.

    Raises:
        DatasetError: there is no such file or folder, or nothing in it can be used.
    """
    if boxes is None:
        return dataset, ()
    kept = kept_boxes(dataset, workspace)
    problems: tuple[Problem, ...] = ()
    with locked(kept), writing(kept):
        if boxes == NONE:
            if kept.exists():
                kept.rename(_free(kept))
        else:
            new = _given(boxes, dataset)
            problems = new.problems
            before = read_boxes(kept, dataset).boxes if kept.exists() else {}
            # Not under a name of chance: a file beside others is locked, and what a killed call left has to be found again.
            unfinished(kept).write_text(_table({**before, **new.boxes}), encoding="utf-8", newline="\n")
            unfinished(kept).replace(kept)
    others = tuple(file for file in dataset.boxes if file != kept)
    return replace(dataset, boxes=(*others, kept) if kept.exists() else others), problems


def _given(boxes: Path, dataset: Dataset) -> Drawn:
    """What a user names has boxes, or it is a mistake: of another dataset, of other columns, with suggestions that nobody decided on."""
    read = read_boxes(boxes, dataset)
    if not read.boxes and not read.spoilt:  # where it names photos of this dataset, each is told and the others go on
        first = read.problems[0] if read.problems else Problem(str(boxes), "it has none")
        remedy = f"Check that it is of {dataset.root}, and has the columns {','.join(COLUMNS[:6])}."
        raise DatasetError(f"no box can be used ({first.reason})", first.where, remedy)
    return read


def _free(kept: Path) -> Path:
    """Where boxes are set aside: nothing that somebody drew is lost."""
    return next(path for i in range(1, 100_000) if not (path := kept.with_suffix(f".old{i}.csv")).exists())


def _table(boxes: Boxes) -> str:
    """A table as :func:`read_boxes` reads it; a photo with no face has a row with no box."""
    text = io.StringIO(newline="")
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(COLUMNS)
    for image, faces in sorted(boxes.items()):
        for face in faces:
            rows.writerow([image, face.label, *map(repr, face.box), "" if face.score is None else repr(face.score), face.provenance])
        if not faces:
            rows.writerow([image, *[""] * (len(COLUMNS) - 1)])
    return text.getvalue()
