from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from yolo_koin.evaluation import face_predictions, predictions
from yolo_koin.evaluation.face_predictions import BOX

Make = Callable[..., pd.DataFrame]


def softmax(logits: NDArray[Any]) -> NDArray[Any]:
    p = np.exp(logits - logits.max(axis=1, keepdims=True))
    probabilities: NDArray[np.float32] = (p / p.sum(axis=1, keepdims=True)).astype(np.float32)  # as a model gives them
    return probabilities


def make_split(
    split: str = "normal_cases/test",
    photos: int = 200,
    classes: int = 12,
    unknown: int = 0,
    errors: int = 0,
    unlabelled: int = 0,
    skill: float = 2.0,
    seed: int = 0,
) -> pd.DataFrame:
    """Random predictions of one split; the last photos are of an unknown class, unlabelled, then unreadable."""
    rng = np.random.default_rng(seed)
    names = [f"{i:04d}" for i in range(classes)]
    true = rng.integers(0, classes, photos)
    logits = 1.5 * rng.normal(size=(photos, classes))
    logits[np.arange(photos), true] += skill
    labels: list[str | None] = [names[i] for i in true]
    labels[photos - unknown - unlabelled :] = ["stranger"] * unknown + [None] * unlabelled
    images = [f"{split}/{i}.jpg" for i in range(photos + errors)]
    seen = predictions.rows(split, images[:photos], labels, softmax(logits), names)
    lost = predictions.error_rows(split, images[photos:], [names[i % classes] for i in range(errors)], ["truncated"] * errors)
    return pd.concat([seen, lost], ignore_index=True)


@pytest.fixture(name="make_split")
def make_split_fixture() -> Make:
    return make_split


def make_faces(
    split: str = "group_cases/test",
    photos: int = 40,
    faces: int = 1,
    found: int = 3,
    classes: int = 6,
    strangers: float = 0.0,
    errors: int = 0,
    way: str = "faces",
    skill: float = 3.0,
    jitter: float = 3.0,
    seed: int = 0,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Random rows of faces of one split, and the true boxes.

    Each photo has ``faces`` true boxes, of which a share of ``strangers`` has no label, and ``found`` rows, every other one near a
    true box, by ``jitter`` pixels, and of its class by ``skill``. The last photos are ``errors``, without a row but with boxes.
    """
    rng = np.random.default_rng(seed)
    names = [f"{i:04d}" for i in range(classes)]
    images = [f"{split}/{i}.jpg" for i in range(photos + errors)]
    photo = np.repeat(np.arange(photos + errors), faces)
    label = rng.integers(0, classes, len(photo))
    box = np.column_stack([rng.uniform(0, 200, (len(photo), 2)), rng.uniform(30, 60, (len(photo), 2))])
    shown = np.where(rng.random(len(photo)) < strangers, "", np.array(names)[label])
    truth = pd.DataFrame({"split": split, "image": [images[i] for i in photo], "label": shown, **dict(zip(BOX, box.T, strict=True))})

    at = np.repeat(np.arange(photos), found)
    aim = at * faces + rng.integers(0, faces, len(at))
    near = np.arange(len(at)) % found % 2 == 0
    boxes = np.column_stack([rng.uniform(0, 250, (len(at), 2)), rng.uniform(30, 60, (len(at), 2))])
    boxes[near] = box[aim[near]] + jitter * rng.normal(size=(int(near.sum()), 4))
    logits = rng.normal(size=(len(at), classes)) + skill * near[:, None] * (np.arange(classes) == label[aim][:, None])
    p = softmax(logits) if way == "faces" else 1 / (1 + np.exp(3 - logits))
    score = rng.uniform(0.4 * near, 0.6 + 0.4 * near) if way == "faces" else p.max(axis=1)
    of_photo = [names[i] for i in label[::faces]]
    rows = [
        face_predictions.face_rows(
            *(split, [images[i] for i in at], [of_photo[i] for i in at], boxes, score, p, names),
            probabilities_sum_to_one=way == "faces",
        ),
        face_predictions.error_rows(split, images[photos:], of_photo[photos:], ["no face found"] * errors),
    ]
    return pd.concat(rows, ignore_index=True), truth.assign(provenance="drawn")
