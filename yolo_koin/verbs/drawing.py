"""From rows of predictions to what is drawn: verdicts in display names, annotated photos, tiles."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
from PIL import Image

from yolo_koin.dataset.boxes import LabelledBox
from yolo_koin.dataset.images import PhotoError, open_photo
from yolo_koin.dataset.koin import Sample
from yolo_koin.evaluation import predictions
from yolo_koin.evaluation.face_predictions import NO_FACE
from yolo_koin.files import atomic_path
from yolo_koin.geometry import iou
from yolo_koin.naming.explained import Sight
from yolo_koin.reporting.annotate import MIN_WIDTH, annotate, enlarged
from yolo_koin.reporting.boxed import annotate_faces
from yolo_koin.reporting.fonts import missing_glyphs
from yolo_koin.reporting.heat import Heat, beside, heated
from yolo_koin.reporting.sheets import contact_sheet, tile
from yolo_koin.reporting.verdicts import BoxedFace, Correct, Faces, Result, Verdict, percent
from yolo_koin.splits import Split, in_order
from yolo_koin.words import Sentence, count, listed, some

QUALITY = 92  # of the annotated JPEGs
REDUCED = 5000  # px: longer side at least of an annotated photo that is too large to be decoded in full
SAME_FACE = 0.5  # intersection over union from which a face that was found is one that a person boxed

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Drawing:
    """How photos are drawn.

    Attributes:
        targets: image id → where its annotated copy goes.
        names: label → display name.
        top: names on each photo, or beneath a face that is alone.
        boxed: whether the rows are of faces.
        known: image id → the boxes that people drew, which tell of every face whose it is.
        sights: image id → where the classifier looked, where that is shown beside the photo; it may fill up while photos are drawn.
    """

    targets: Mapping[str, Path]
    names: Mapping[str, str]
    top: int = 3
    boxed: bool = False
    known: Mapping[str, Sequence[LabelledBox]] = field(default_factory=dict)
    sights: Mapping[str, Sight] = field(default_factory=dict)

    def __call__(self, item: tuple[Sample, Sequence[Row], bool]) -> Image.Image | None:
        """Write the annotated copy of a photo, and return its tile for the contact sheet where the last value of the item asks for it."""
        sample, rows, tiled = item
        if not self.shows(rows):
            return None
        photo, scale = _opened(sample.path)
        said = self.said(sample, rows, scale)
        sight, shown = self.sights.get(sample.image), photo
        if sight and isinstance(said, Verdict):
            large = enlarged(photo, MIN_WIDTH)
            photo = looked_at(large, sight, said.correct)
            shown = beside(large, photo)
        drawn = self.annotated(shown, said)
        with atomic_path(self.targets[sample.image]) as temporary:
            drawn.save(temporary, quality=QUALITY)
        return tile(Result(photo, said, "" if sample.label else Path(sample.image).name)) if tiled else None

    def annotated(self, photo: Image.Image, said: Verdict | Faces) -> Image.Image:
        """A copy of a photo with what was said of it; boxes are in its pixels."""
        if isinstance(said, Verdict):
            return annotate(photo, said, self.top)
        return annotate_faces(photo, said.faces, self.top, said.person)

    def shows(self, rows: Sequence[Row]) -> bool:
        """Whether a photo of these rows is drawn: it could be read, though there may be no face in it."""
        return not rows[0]["error"] or (self.boxed and rows[0]["error"] == NO_FACE)

    def said(self, sample: Sample, rows: Sequence[Row], scale: float = 1.0) -> Verdict | Faces:
        """What the rows of a photo say, in the pixels of a copy of it at ``scale``."""
        if not self.boxed:
            return verdict_of(rows[0], self.names)
        faces = tuple(faces_of(rows, self.names, self.known.get(sample.image, ())))
        if scale < 1:
            faces = tuple(face.scaled(scale) for face in faces)
        return Faces(faces, self.names.get(sample.label, sample.label) or None)


def looked_at(photo: Image.Image, sight: Sight, correct: Correct) -> Image.Image:
    """A photo, perhaps scaled, with where the classifier looked drawn over it."""
    return heated(photo, Heat(sight.map, sight.square, sight.box).scaled(photo.width / sight.width), correct)


def _opened(path: Path) -> tuple[Image.Image, float]:
    """A photo to draw on, and its scale: one that is too large to be decoded in full was named, and is drawn, by a reduced one."""
    try:
        return open_photo(path)[0], 1.0
    except PhotoError:
        photo, (width, _) = open_photo(path, longest=REDUCED)
        return photo, photo.width / width


def called(split: str, synthetic: Collection[str], dataset: str = "") -> str:
    """The name of a split, of its dataset where that is told, with a word where its photos are synthetic."""
    name = Sentence("{split} of {dataset}", split=split, dataset=dataset) if dataset else split
    return Sentence("{split} (synthetic)", split=name) if split in synthetic else name


def dataset_name(root: Path) -> str:
    """What figures call a dataset: its folder, or the one around it where that is no more than ``Dataset``."""
    root = root.resolve()
    return root.parent.name if root.name.lower() == "dataset" else root.name


def drawable(names: Mapping[str, str]) -> tuple[dict[str, str], tuple[str, ...]]:
    """Label → the name to draw, and a note on names that no font here has every letter of: the folder's name is drawn in their place.

    People of one name are told apart by their folders.
    """
    times = Counter(names.values())
    names = {label: name if times[name] == 1 else f"{name} ({label})" for label, name in names.items()}
    lacking = set(missing_glyphs(names.values()))
    drawn = {label: label if name in lacking else name for label, name in names.items()}
    by_folder = [name for label, name in names.items() if name in lacking and name != label and not missing_glyphs([label])]
    squares = missing_glyphs(drawn.values())
    notes = []
    if by_folder:
        notes.append(Sentence("no font here has every letter of {names}: drawn as the name of the folder", names=some(by_folder)))
    if squares:
        which = some(squares)
        notes.append(Sentence("no font here has every letter of {names}: drawn with a hollow square for each missing one", names=which))
    return drawn, tuple(notes)


def sheet_of(
    tiles: Sequence[Image.Image],
    frame: pd.DataFrame,
    model: str,
    source: str,
    *,
    boxed: bool = False,
    synthetic: Collection[str] = (),
    learnt: Collection[str] = (),
    dataset: str = "",
    measure: str = "",
) -> Image.Image:
    """The contact sheet of a prediction: which model, on which splits or on what of the user's own, and how much of it is right.

    Args:
        tiles: of some photos.
        frame: the predictions of all photos.
        model: the run's name.
        source: what was asked for; of a path the last part is shown.
        boxed: whether the rows are of faces.
        synthetic: splits whose photos are synthetic.
        learnt: splits that the model learnt from.
        dataset: whose splits they are; empty for photos of the user's own.
        measure: what is right, where that is not the usual.
    """
    photos = frame.drop_duplicates(["split", "image"])
    splits = in_order(photos["split"])
    where = listed([called(split, synthetic, dataset) for split in splits]) if all(splits) else Path(source).name or "photos"
    measure = measure or ("labelled person named in" if boxed else "top-1")
    counts = [one for one in counted_by_split(frame) if one.labelled]
    shares = []
    for one in counts:  # a split by itself: a photo that was learnt says nothing of one that was not
        of = f"{percent(one.right / one.labelled)} of {count(one.labelled, 'photo')}"
        where_of = f" of {called(one.split, synthetic)}" if len(counts) > 1 else ""
        shares.append(of + where_of + (" (learnt from)" if one.split in learnt else ""))
    remark = f"{measure} {', '.join(shares)}" if shares else ""
    return contact_sheet(tiles, title=f"{model} on {where}", total=len(photos), remark=remark)


@dataclass(frozen=True)
class SplitCount:
    """What was predicted of the photos of one split.

    Attributes:
        split: as the dataset writes it; empty for photos outside of a dataset.
        photos: how many there are.
        unreadable: how many of them could not be read.
        labelled: how many have a known true label.
        right: how many of those were named rightly: the photo as a whole, or any face of it.
        learnt: whether the model learnt from this split, so that to be right there is no news.
    """

    split: str
    photos: int
    unreadable: int
    labelled: int
    right: int
    learnt: bool = False


def counted_by_split(frame: pd.DataFrame, learnt: Collection[str] = ()) -> tuple[SplitCount, ...]:
    """The counts of each split in a table of predictions of photos or of faces."""
    photos = frame.drop_duplicates(["split", "image"])
    right = frame[frame["true_rank"] == 1].drop_duplicates(["split", "image"])["split"].value_counts()
    found = []
    for split in in_order(photos["split"]):
        rows = photos[photos["split"] == split]
        unreadable = int(((rows["error"] != "") & (rows["error"] != NO_FACE)).sum())
        labelled = int((rows["true_label"] != "").sum())
        found.append(SplitCount(split, len(rows), unreadable, labelled, int(right.get(split, 0)), split in learnt))
    return tuple(found)


def targets_of(run: Path, samples: Sequence[Sample]) -> dict[str, Path]:
    """Where the annotated copy of each photo goes; the old ending stays where two names differ by nothing else."""
    plain = {s.image: (run / "annotated" / s.image).with_suffix(".jpg") for s in samples}
    taken = Counter(str(path).lower() for path in plain.values())
    return {image: path if taken[str(path).lower()] == 1 else run / "annotated" / f"{image}.jpg" for image, path in plain.items()}


def faces_of(rows: Sequence[Row], names: Mapping[str, str], known: Sequence[LabelledBox] = ()) -> list[BoxedFace]:
    """The faces of one photo with what was said of each.

    A name is right or wrong where somebody knows whose face it is: a person boxed it, or the photo shows one person only. Of a photo
    of several people it is known of one that they are in it: where one face has that name, it is taken for right, and of the others
    nothing is said.

    Args:
        rows: of the photo.
        names: label → display name.
        known: the boxes that people drew on it.
    """
    faces = []
    rows = [row for row in rows if not row["error"]]
    claims = sum(row["pred_1"] == row["true_label"] for row in rows)
    for row in rows:
        box = (row["x"], row["y"], row["width"], row["height"])
        whose = max(known, key=lambda one: float(iou(one.box, box)), default=None)
        if whose is not None:
            label = whose.label if iou(whose.box, box) >= SAME_FACE else ""
        else:
            alone = Split.parse(row["split"]).has_one_person
            label = row["true_label"] if alone or (claims == 1 and row["pred_1"] == row["true_label"]) else ""
        faces.append(BoxedFace(box, verdict_of({**row, "true_label": label}, names), row["face_score"]))
    return faces


def by_photo(frame: pd.DataFrame) -> dict[tuple[str, str], list[dict[str, Any]]]:
    """Split and image id → the rows of that photo, in order."""
    found: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in rows_of(frame):
        found.setdefault((row["split"], row["image"]), []).append(row)
    return found


def rows_of(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows of a table of predictions, by column name."""
    return [{str(column): value for column, value in row.items()} for row in frame.to_dict("records")]


def verdict_of(row: Mapping[str, Any], names: Mapping[str, str]) -> Verdict:
    """What a row of predictions says, in display names."""

    def shown(label: str) -> str:
        return names.get(label, label)

    filled = [k for k in range(1, predictions.TOP + 1) if row[f"pred_{k}"]]
    true = row["true_label"]
    return Verdict(
        names=tuple(shown(row[f"pred_{k}"]) for k in filled),
        scores=tuple(row[f"score_{k}"] for k in filled),
        true_name=shown(true) if true else None,
        correct=row["pred_1"] == true if true else None,
    )
