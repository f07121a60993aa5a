"""Whether properties of photos that have nothing to do with faces tell who is in them: a shortcut that a network will find too."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from yolo_koin.evaluation.statistics import wilson
from yolo_koin.words import Sentence

SHRINKAGE = 0.01  # of the common covariance of the standardised properties towards none: a property may be the same in all photos

FOUND = (
    "size, brightness, sharpness and colour alone name {value:.1f} % [{low:.1f}, {high:.1f}] of {n:,.0f} photos; chance is {chance:.1f} %"
)
NOT_FOUND = (
    "size, brightness, sharpness and colour alone name {value:.1f} % [{low:.1f}, {high:.1f}] of {n:,.0f} photos, "
    "not shown to be more than chance, {chance:.1f} %"
)

Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Shortcut:
    """How well the properties alone name people.

    Attributes:
        value, low, high: share of photos that are named rightly, and its 95 % interval (Wilson).
        chance: the share that always naming the most frequent person of these photos would reach.
        n: photos.
    """

    value: float
    low: float
    high: float
    chance: float
    n: float

    @property
    def is_one(self) -> bool:
        """Whether that is more than chance."""
        return self.low > self.chance

    @property
    def words(self) -> Sentence:
        """What was measured, and whether that is more than chance."""
        shares = {name: 100 * float(getattr(self, name)) for name in ("value", "low", "high", "chance")}
        return Sentence(FOUND if self.is_one else NOT_FOUND, n=self.n, **shares)


def shortcut(learnt: Values, labels: Sequence[str], asked: Values, truth: Sequence[str]) -> Shortcut:
    """Name photos by a linear discriminant (Fisher, Ann. Eugenics 7 (1936) 179) on their properties.

    Args:
        learnt, labels: properties of training photos, n × d, and who is in them.
        asked, truth: of test photos.
    """
    mean, spread = learnt.mean(axis=0), learnt.std(axis=0)
    scaled, shown = ((values - mean) / np.where(spread > 0, spread, 1) for values in (learnt, asked))
    people, member = np.unique(np.asarray(labels, dtype=object).astype(str), return_inverse=True)
    centres = np.stack([scaled[member == i].mean(axis=0) for i in range(len(people))])
    within = scaled - centres[member]
    covariance = within.T @ within / len(within) + SHRINKAGE * np.eye(learnt.shape[1])
    weight = np.linalg.solve(covariance, centres.T)
    named = people[np.argmax(shown @ weight - (centres.T * weight).sum(axis=0) / 2, axis=1)]
    right = int((named == np.asarray(truth, dtype=str)).sum())
    low, high = wilson(right, len(truth))
    chance = max(Counter(truth).values()) / len(truth)
    return Shortcut(right / len(truth), float(low), float(high), chance, len(truth))
