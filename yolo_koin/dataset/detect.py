"""The YOLO detection layout: whole photos in ``images/``, their faces in ``labels/``, one class per person, and ``boxes.csv``.

``data.yaml`` names the classes: first those that ``train`` has a face of, then those that occur in other splits only, which the network
cannot learn and which honestly count as missed. It names no ``path:``: Ultralytics then takes the folder that the file lies in, from any
working directory, also after the folder was moved.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd
from PIL import Image

from yolo_koin.dataset.detect_files import BOX, COLUMNS, YAMLS, Faces, Found, Photo, classes, faces_in, people, scaled, texts_of
from yolo_koin.dataset.detect_files import TABLE as TABLE
from yolo_koin.dataset.detect_files import Suggestion as Suggestion
from yolo_koin.dataset.duplicates import write_duplicates
from yolo_koin.dataset.images import Change, Prepared, encode, fingerprint, open_photo
from yolo_koin.dataset.koin import Dataset, Sample
from yolo_koin.dataset.prepared import Division, Outcome, PreparedFolder, chosen, divide, file_names
from yolo_koin.dataset.state import Record
from yolo_koin.errors import DatasetError
from yolo_koin.files import sha256, write_text, writing
from yolo_koin.parallel import Progress, silent
from yolo_koin.runs import PreparedDataset, prepared_at
from yolo_koin.specs import TrainingSet
from yolo_koin.splits import of_part

NUMBERS = (*BOX, "score", "photo_width", "photo_height")
TRUTH = ("split", "image", "label", *BOX, "provenance")
BYTES_PER_PIXEL = 0.75  # generous for a JPEG of quality 95 without chroma subsampling
CARVED_AT = 256  # px: what convert classify opens photos for; the same fingerprints give the same validation photos
VERSION = 1  # of prepare_whole(): raise it when its pixels or fingerprints change


@dataclass(frozen=True, kw_only=True)
class ConvertedBoxes(Outcome):
    """What :func:`convert` did.

    Attributes:
        boxes: usable boxes per provenance: ``drawn``, or the detector's name.
        left_out: image id → reason, for photos that are not in ``images/``.
        suggested: image id → how many faces are suggested, for those of them in which a detector finds some.
    """

    boxes: dict[str, int]
    left_out: dict[str, str]
    suggested: dict[str, int]


def convert(
    dataset: Dataset,
    out: Path,
    *,
    found: Mapping[str, Found],
    val: float = 0.1,
    train_on: TrainingSet = "normal",
    side: int = 640,
    seed: int = 0,
    workers: int | None = None,
    progress: Progress = silent,
    boxes: Path | None = None,
    detector: Path | None = None,
) -> ConvertedBoxes:
    """Lay a KoIn dataset out for ``yolo detect``. Running it again does only what changed.

    The validation split is carved out of all readable training photos, as :func:`yolo_koin.dataset.classify.convert` does it; photos
    without a usable box are left out afterwards. Group photos are for testing only.

    Args:
        dataset: what :func:`yolo_koin.dataset.koin.scan` found.
        out: folder to write; new, empty, or written by an earlier conversion.
        found: image id → its boxes in pixels of the upright full-size photo, or why it has none. A box without an identity stands in
            ``boxes.csv`` and not in the label file, as it has no class.
        val: share of the training photos that becomes ``val``, by class, near-duplicates kept together.
        train_on: ``normal``, ``hard`` or ``both``: the cases whose training photos go into ``train`` and ``val``.
        side: longer side of the JPEGs, in pixels; smaller photos keep their size.
        seed: of the validation split.
        workers: threads; all cores when None.
        progress: is told of each photo.
        boxes, detector: the files that ``found`` came from, for the manifest to tell.

    Raises:
        DatasetError: no training photo has a box, fewer than two classes, ``out`` holds something else, or somebody has edited its
            ``boxes.csv``.
        RunError: ``out`` cannot be written, or the disk is too small.
    """
    samples, training = chosen(dataset, train_on)
    made = PreparedDataset(
        folder=out,
        kind="detect",
        version=VERSION,
        data=dataset.root,
        side=side,
        train_on=train_on,
        val=val,
        seed=seed,
        synthetic=tuple(sorted(map(str, dataset.synthetic))),
        boxes=boxes,
        detector=detector,
    )
    folder = PreparedFolder(made, TABLE, ("images", "labels"), (".jpg", ".txt", ".cache"))
    _check_unedited(out)
    with folder.claimed() as known:
        if not known:
            folder.check_room(int(side * side * BYTES_PER_PIXEL * len(samples)))
        # A photo without a usable box was read and not kept; now that it has one it has to be read again.
        useful = {image: r for image, r in known.items() if r.image or _faces(found.get(image), r, side).left_out}
        records = folder.prepare(samples, useful, lambda sample: _prepare(sample, found.get(sample.image), side), workers, progress)
        division = divide(dataset, samples, records, training, val, seed)
        photos = _lay_out(samples, records, division, found, side)
        learnt, others = classes(photos)
        if not learnt:
            raise DatasetError("no training photo has a face with a name", dataset.root, "Give --boxes FILE, or another --detector.")
        texts = texts_of(photos, [*learnt, *others])
        provenance = dict(sorted(Counter(box.provenance for photo in photos for box in photo.faces.boxes).items()))
        digest = hashlib.sha256(texts[TABLE].encode()).hexdigest()
        _write(folder, known, records, photos, texts, replace(made, provenance=provenance, boxes_sha256=digest))
        folders = {photo.sample.image: photo.folder for photo in photos if photo.record.image}
        leaks = division.leaks(folders, samples, records, out)
        duplicates = write_duplicates(out, leaks, division.doubles)
    return ConvertedBoxes(
        root=out,
        counts=dict(Counter(folders.values())),
        boxes=provenance,
        prepared=sum(record is not known.get(image) for image, record in records.items()),
        left_out={photo.sample.image: photo.faces.left_out for photo in photos if not photo.record.image},
        suggested={photo.sample.image: len(photo.faces.suggested) for photo in photos if photo.faces.suggested},
        clusters=division.clusters,
        leaks={folder: len(found) for folder, found in leaks.items()},
        doubles=division.doubles,
        duplicates=duplicates,
        notes=dataset.notes,
        no_validation=tuple(sorted(set(learnt) - people(photos, "val"))) if val else (),
        untrained=tuple(others),
    )


def prepare_whole(photo: Path | bytes, side: int, change: Change | None = None) -> Prepared:
    """Decode, scale and encode one photo, nothing cut away and nothing added.

    Args:
        photo: path or bytes; only read.
        side: longer side of the JPEG, in pixels. A smaller photo keeps its size.
        change: done to the upright photo before it is scaled.

    Raises:
        PhotoError: the photo cannot be decoded.
    """
    image, (width, height) = open_photo(photo, at_least=CARVED_AT)
    mark = fingerprint(image)
    size = scaled(width, height, side)
    if max(image.size) < max(size):  # it was reduced too far
        image, _ = open_photo(photo, longest=side)
    image = change(image) if change else image
    fitted = image if image.size == size else image.resize(size, Image.Resampling.BILINEAR)
    return Prepared(encode(fitted), width, height, mark)


def read_boxes_table(root: Path) -> pd.DataFrame:
    """The ``boxes.csv`` of a converted dataset: :data:`COLUMNS`, texts as texts and :data:`NUMBERS` as floats, NaN where there is none.

    Raises:
        DatasetError: there is none, so the folder is not a whole converted dataset.
    """
    path = root / TABLE
    if not path.is_file():
        raise DatasetError(f"not a converted detection dataset (no {TABLE})", root, "Run yolo_koin convert detect first.")
    texts: dict[str, type] = {column: float if column in NUMBERS else str for column in COLUMNS}
    try:
        frame = pd.read_csv(path, dtype=texts, keep_default_na=False, na_values={column: [""] for column in NUMBERS})
    except ValueError as error:  # pandas' own errors are ValueErrors
        raise DatasetError("this table is damaged", path, "Run yolo_koin convert detect again.") from error
    if missing := [column for column in COLUMNS if column not in frame.columns]:
        raise DatasetError(f"no column {', '.join(missing)}", path, "Run yolo_koin convert detect, and name the folder that it writes.")
    return frame[list(COLUMNS)]


def truth(frame: pd.DataFrame) -> pd.DataFrame:
    """The true boxes of the test splits.

    Args:
        frame: what :func:`read_boxes_table` gave.

    Returns:
        The columns :data:`TRUTH`, a row per face. Photos that were left out have none.
    """
    return of_part(frame[frame["status"] == "ok"], "test")[list(TRUTH)].reset_index(drop=True)


def _check_unedited(out: Path) -> None:
    """Raise a DatasetError where writing would undo what a person did to the table."""
    path, made = out / TABLE, prepared_at(out)
    if made and path.is_file() and made.boxes_sha256 not in {"", sha256(path)}:
        raise DatasetError("this table was edited", path, "Move it elsewhere and give it with --boxes, or remove it.")


# ------------------------------------------------------------------------------------------------------------ one photo
def _faces(found: Found | None, record: Record, side: int) -> Faces:
    """Which boxes of a photo can be used, and whether it is laid out at all."""
    if record.status != "ok":
        return Faces(left_out=record.status)
    return faces_in(found, record.width, record.height, side)


def _prepare(sample: Sample, found: Found | None, side: int) -> Prepared:
    """One photo; without pixels where it will be left out."""
    photo = prepare_whole(sample.path, side)
    return replace(photo, jpeg=b"") if faces_in(found, photo.width, photo.height, side).left_out else photo


# ----------------------------------------------------------------------------------------------------------- all photos
def _lay_out(
    samples: Sequence[Sample], records: Mapping[str, Record], division: Division, found: Mapping[str, Found], side: int
) -> list[Photo]:
    """Every photo where it belongs."""
    names = file_names(samples)
    photos = []
    for s in samples:
        record, folder = records[s.image], division.folder(s)
        faces = _faces(found.get(s.image), record, side)
        place = "" if faces.left_out else f"images/{folder}/{_label_folder(s.label)}/{names[s.image]}"
        photos.append(Photo(s, replace(record, image=place), faces, folder, str(division.split(s))))
    return photos


def _label_folder(label: str) -> str:
    """The label; but Ultralytics would look for labels beside a folder called ``images``."""
    return f"{label}_" if label.rstrip("_") == "images" else label


def _write(
    folder: PreparedFolder,
    known: Mapping[str, Record],
    records: Mapping[str, Record],
    photos: Sequence[Photo],
    texts: Mapping[str, str],
    made: PreparedDataset,
) -> None:
    """Bring the folder to what it should be; the table of boxes comes last."""
    placed = [photo.record for photo in photos]
    stale = {name: text for name, text in texts.items() if not _holds(folder.root / name, text)}
    if not stale and folder.is_as_noted(known, placed, made):
        return
    with writing(folder.root):
        folder.settle(records, placed, others=texts)
        for name in YAMLS.keys() - texts.keys():
            (folder.root / name).unlink(missing_ok=True)
        for name in stale.keys() - {TABLE}:
            write_text(folder.root / name, stale[name])
        folder.note(placed, made)
        write_text(folder.root / TABLE, texts[TABLE])


def _holds(path: Path, text: str) -> bool:
    return path.is_file() and path.read_bytes() == text.encode()
