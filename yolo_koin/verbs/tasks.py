"""What differs between training a classifier and an identity detector: how the photos are prepared, and the usual settings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import yaml

from yolo_koin.dataset.classify import INDEX, read_index
from yolo_koin.dataset.detect import TABLE, read_boxes_table
from yolo_koin.models.protocol import LabelledPhoto
from yolo_koin.parallel import Progress
from yolo_koin.runs import read_manifest
from yolo_koin.splits import of_part
from yolo_koin.verbs import convert as squares
from yolo_koin.verbs import convert_detect as boxes
from yolo_koin.verbs.convert import ConvertSpec
from yolo_koin.verbs.convert_detect import ConvertDetectSpec

if TYPE_CHECKING:
    from yolo_koin.verbs.train import TrainSpec


Photos = tuple[LabelledPhoto, ...]


@dataclass(frozen=True)
class Task:
    """A kind of training.

    Attributes:
        suffix: of a run's default name.
        table: the file of a converted dataset that lists its photos; its hash stands for them.
        side: of the prepared photos, in pixels, when nothing is said.
        settings: what the manifest of a converted dataset tells a training.
        prepare: converts what a training asks for, and gives the folder.
        refresh: brings a converted dataset up to date.
        input_size: the network's input for a converted dataset whose photos have this side, in pixels.
        photos: training photos, validation photos and class names of a converted dataset.
        model: the end of a model's name in the registry.
        batch: photos per step.
        epochs, learning_rate: by whether training starts from scratch.
    """

    suffix: str
    table: str
    side: int
    settings: tuple[str, ...]
    prepare: Callable[[TrainSpec, Progress], Path]
    refresh: Callable[[Path, Progress], Path]
    input_size: Callable[[Path, int], int]
    photos: Callable[[Path], tuple[Photos, Photos, tuple[str, ...]]]
    model: str
    batch: int
    epochs: dict[bool, int]
    learning_rate: dict[bool, float]


def is_converted(data: str, task: str) -> bool:
    """Whether a folder is a whole dataset in a task's format. A raw dataset may have a ``boxes.csv`` too: the manifest tells."""
    root = Path(data)
    return (root / TASKS[task].table).is_file() and (read_manifest(root) or {}).get("kind") == task


def _squares(spec: TrainSpec, progress: Progress) -> Path:
    side = spec.side or TASKS["classify"].side
    asked = ConvertSpec(data=spec.data, train_on=spec.train_on, val=spec.val, fit=spec.fit, side=side)
    return squares.convert(asked, progress).root


def _boxed(spec: TrainSpec, progress: Progress) -> Path:
    side = spec.side or TASKS["detect"].side
    return boxes.prepared_for(ConvertDetectSpec(data=spec.data, train_on=spec.train_on, val=spec.val, side=side, review=0), progress)


def input_for_squares(root: Path, side: int) -> int:
    """The largest multiple of 32 that enlarges at most half of the photos, within 64 and 224."""
    index = read_index(root)
    usable = index[index["status"] == "ok"]
    shorter = min(usable[["width", "height"]].min(axis=1).median(), side)
    return int(min(max(shorter // 32 * 32, 64), 224))


def input_for_boxes(root: Path, side: int) -> int:
    """The largest multiple of 32 that enlarges at most half of the training photos, within 96 and 640."""
    table = read_boxes_table(root)
    learnt = table[(table["status"] == "ok") & table["file"].str.startswith("images/train/")]
    longer = min(learnt[["photo_width", "photo_height"]].max(axis=1).median(), side)
    return int(min(max(longer // 32 * 32, 96), 640))


def squares_to_learn(root: Path) -> tuple[Photos, Photos, tuple[str, ...]]:
    """What a classifier learns from; see :class:`Task`."""
    index = read_index(root)
    usable = index[index["status"] == "ok"]
    train, val = (
        tuple(LabelledPhoto(root / image, label) for image, label in zip(part["image"], part["label"], strict=True))
        for part in (of_part(usable, "train"), of_part(usable, "val"))
    )
    return train, val, tuple(sorted({photo.label for photo in train}))


def boxes_to_learn(root: Path) -> tuple[Photos, Photos, tuple[str, ...]]:
    """What an identity detector learns from; see :class:`Task`."""
    table = read_boxes_table(root)
    known = table[(table["status"] == "ok") & (table["label"] != "")]
    names = yaml.safe_load((root / "data.yaml").read_text(encoding="utf-8"))["names"]
    train, val = (_boxed_photos(root, known[known["file"].str.startswith(f"images/{part}/")]) for part in ("train", "val"))
    return train, val, tuple(name for _, name in sorted(names.items()))


def _boxed_photos(root: Path, rows: pd.DataFrame) -> Photos:
    def share(row: Any) -> tuple[str, float, float, float, float]:
        width, height = row.photo_width, row.photo_height
        middle = (row.x + row.width / 2) / width, (row.y + row.height / 2) / height
        return row.label, *middle, row.width / width, row.height / height

    return tuple(
        LabelledPhoto(root / str(file), "", tuple(share(row) for row in boxes.itertuples())) for file, boxes in rows.groupby("file")
    )


TASKS = {
    "classify": Task(
        suffix="",
        table=INDEX,
        side=256,
        settings=("train_on", "fit", "side", "val"),
        prepare=_squares,
        refresh=squares.refresh,
        input_size=input_for_squares,
        photos=squares_to_learn,
        model="-cls",
        batch=32,
        epochs={True: 80, False: 30},
        learning_rate={True: 1e-3, False: 3e-4},
    ),
    "detect": Task(
        suffix="-detect",
        table=TABLE,
        side=640,
        settings=("train_on", "side", "val"),
        prepare=_boxed,
        refresh=boxes.refresh,
        input_size=input_for_boxes,
        photos=boxes_to_learn,
        model="",
        batch=16,
        epochs={True: 64, False: 30},
        learning_rate={True: 2e-3, False: 5e-4},
    ),
}
