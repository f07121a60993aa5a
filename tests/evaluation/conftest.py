from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from yolo_koin.evaluation import predictions

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
