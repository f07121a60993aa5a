"""What a training's task decides: how photos are prepared, and which of them are learnt."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import yaml

from yolo_koin.dataset.carve import few_shots
from yolo_koin.dataset.classify import INDEX, read_index
from yolo_koin.dataset.detect import TABLE, read_boxes_table
from yolo_koin.dataset.detect_files import BOX
from yolo_koin.dataset.koin import Dataset
from yolo_koin.faces.protocol import dominant
from yolo_koin.faces.turned import usable
from yolo_koin.models.protocol import LabelledPhoto
from yolo_koin.parallel import Progress
from yolo_koin.runs import PreparedDataset
from yolo_koin.specs import ConvertDetectSpec, ConvertSpec, Task, TrainSpec
from yolo_koin.splits import of_part
from yolo_koin.verbs import convert as squares
from yolo_koin.verbs import convert_detect as boxes
from yolo_koin.workspace import Workspace

Photos = dict[str, tuple[LabelledPhoto, ...]]  # part (train, val) → its photos, in the order of their files


@dataclass(frozen=True)
class Recipe:
    """The photos of a kind of training.

    Attributes:
        table: the file of a prepared dataset that lists its photos; its hash stands for them.
        side: of the prepared photos, in pixels, when nothing is said.
        prepare: lays out what a training asks for.
        refresh: brings a prepared dataset up to date.
        photos: those of a prepared dataset that are learnt, and that validate.
        names: the classes, in the order of the network's outputs.
        input_size: the network's input for a prepared dataset, where the model leaves it open.
    """

    table: str
    side: int
    prepare: Callable[[Dataset, TrainSpec, Workspace, Progress], PreparedDataset]
    refresh: Callable[[PreparedDataset, Workspace, Progress], PreparedDataset]
    photos: Callable[[Path], Photos]
    names: Callable[[Path], tuple[str, ...]]
    input_size: Callable[[PreparedDataset], int]


def _squares(dataset: Dataset, spec: TrainSpec, workspace: Workspace, progress: Progress) -> PreparedDataset:
    side = spec.side or RECIPES["classify"].side
    asked = ConvertSpec(data=spec.data, train_on=spec.train_on, val=spec.val, fit=spec.fit, side=side)
    return squares.squares_for(dataset, asked, workspace, progress)


def _boxed(dataset: Dataset, spec: TrainSpec, workspace: Workspace, progress: Progress) -> PreparedDataset:
    side = spec.side or RECIPES["detect"].side
    asked = ConvertDetectSpec(data=spec.data, train_on=spec.train_on, val=spec.val, side=side, review=0)
    return boxes.boxed_for(dataset, asked, workspace, progress)


def labelled_photos(root: Path) -> Photos:
    """The training and validation photos of ``index.csv``."""
    index = read_index(root)
    usable = index[index["status"] == "ok"]
    return {part: tuple(LabelledPhoto(root / image, label) for image, label in _of(usable, part)) for part in ("train", "val")}


def with_shots(photos: Sequence[LabelledPhoto], shots: int | None, seed: int) -> tuple[LabelledPhoto, ...]:
    """So many training photos of each person, in the order of their files; all of them where there is no bound."""
    if shots is None:
        return tuple(photos)
    of = {f"{photo.label}/{photo.path.name}": photo for photo in photos}
    kept = few_shots({name: photo.label for name, photo in of.items()}, shots, seed)
    return tuple(photo for name, photo in of.items() if name in kept)


def with_faces(photos: Sequence[LabelledPhoto], home: Path | None, progress: Progress) -> tuple[LabelledPhoto, ...]:
    """Prepared photos with the face that each is about, where there is a usable one, so that hard cases can be drawn on it.

    Args:
        photos: the photos.
        home: the workspace, which keeps what is found; None keeps nothing.
        progress: is told of each photo.
    """
    from yolo_koin.faces.centerface import CenterFace
    from yolo_koin.faces.finder import FaceFinder

    with FaceFinder(CenterFace(), Workspace(home).faces if home else None) as finder:
        found = list(finder.look_at_all([photo.path for photo in photos], progress=progress))
    faces = [usable(dominant(one.faces)) for one in found]
    return tuple(
        replace(photo, face=face.scaled(1 / one.width, 1 / one.height) if face else None)
        for photo, one, face in zip(photos, found, faces, strict=True)
    )


def boxed_photos(root: Path) -> Photos:
    """The training and validation photos of ``boxes.csv`` with their faces; a face without a name has no class to learn."""
    table = read_boxes_table(root)
    table = table[(table["status"] == "ok") & (table["file"] != "")]
    found: Photos = {}
    for part in ("train", "val"):
        files = of_part(table, part).groupby("file", sort=True)
        found[part] = tuple(_boxed_photo(root / str(file), faces) for file, faces in files)
    return found


def labels_learnt(root: Path) -> tuple[str, ...]:
    """The people with a training photo, as stock Ultralytics orders their folders."""
    return tuple(sorted({photo.label for photo in labelled_photos(root)["train"]}))


def names_of_yaml(root: Path) -> tuple[str, ...]:
    """The classes of ``data.yaml``, whose numbers stand in the label files: stock Ultralytics validates by them."""
    names: dict[int, str] = yaml.safe_load((root / "data.yaml").read_text(encoding="utf-8"))["names"]
    return tuple(name for _, name in sorted(names.items()))


def input_for_squares(made: PreparedDataset) -> int:
    """The largest multiple of 32 that enlarges at most half of the photos, within 64 and 224."""
    index = read_index(made.folder)
    usable = index[index["status"] == "ok"]
    shorter = min(usable[["width", "height"]].min(axis=1).median(), made.side)
    return int(min(max(shorter // 32 * 32, 64), 224))


def input_for_boxes(made: PreparedDataset) -> int:
    """The largest multiple of 32 that enlarges at most half of the training photos, within 96 and 640."""
    table = read_boxes_table(made.folder)
    learnt = of_part(table[table["status"] == "ok"], "train")
    longer = min(learnt[["photo_width", "photo_height"]].max(axis=1).median(), made.side)
    return int(min(max(longer // 32 * 32, 96), 640))


def _of(usable: pd.DataFrame, part: str) -> list[tuple[str, str]]:
    """File and label of the photos of a part, by the order of their files, which is that of the class folders."""
    rows = of_part(usable, part).sort_values("image", kind="stable")
    return list(zip(rows["image"], rows["label"], strict=True))


def _boxed_photo(path: Path, faces: pd.DataFrame) -> LabelledPhoto:
    """A photo with its faces; lengths as the label files that stock Ultralytics reads have them, to the sixth digit."""
    known = faces[faces["label"] != ""]
    size = known[["photo_width", "photo_height"]].to_numpy(dtype=float)
    corner, extent = known[list(BOX[:2])].to_numpy(dtype=float), known[list(BOX[2:])].to_numpy(dtype=float)
    shares = np.concatenate([(corner + extent / 2) / size, extent / size], axis=1).round(6).tolist()
    boxes = tuple((str(label), *share) for label, share in zip(known["label"], shares, strict=True))
    return LabelledPhoto(path, boxes[0][0] if boxes else "", boxes)


RECIPES: Mapping[Task, Recipe] = {
    "classify": Recipe(
        table=INDEX,
        side=256,
        prepare=_squares,
        refresh=squares.refresh,
        photos=labelled_photos,
        names=labels_learnt,
        input_size=input_for_squares,
    ),
    "detect": Recipe(
        table=TABLE,
        side=640,
        prepare=_boxed,
        refresh=boxes.refresh,
        photos=boxed_photos,
        names=names_of_yaml,
        input_size=input_for_boxes,
    ),
}
