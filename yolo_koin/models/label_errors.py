"""Labels that a probe doubts which did not learn from them: logistic regressions on frozen features, each on four fifths of the photos."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from yolo_koin.dataset.images import RGB, open_photo, pad
from yolo_koin.models.frozen import features_of
from yolo_koin.models.peers import check_installed
from yolo_koin.models.registry import family_of
from yolo_koin.parallel import Progress, counted, in_threads, silent
from yolo_koin.workspace import Workspace

NETWORK, SIDE = "timm:tf_efficientnet_lite0", 224  # its ImageNet weights come with the extra [peers]
C, ITERATIONS = 0.316, 1000  # of the logistic regression, as the paper's
FOLDS = 5  # or as many photos as the smallest class has
CHUNK = 64  # photos whose features are asked for at once


@dataclass(frozen=True, slots=True)
class Doubt:
    """A label that is probably wrong.

    Attributes:
        photo: its number.
        suggested: the label that the probe is surest of.
        own, other: probability of the label that it has, and of the suggested one.
    """

    photo: int
    suggested: str
    own: float
    other: float


def doubtful_labels(
    photos: Sequence[Path], labels: Sequence[str], workspace: Workspace, workers: int | None = None, progress: Progress = silent
) -> list[Doubt]:
    """Labels that confident learning calls wrong (Northcutt et al., J. Artif. Intell. Res. 70 (2021) 1373, in cleanlab), the surest first.

    Photos of people who have one only are passed over: no probe could learn them without it.

    Args:
        photos: readable ones.
        labels: of each.
        workspace: where weights are and features are kept.
        workers: threads; all cores when None.
        progress: is told of each photo.

    Raises:
        UsageError: the extra [peers] is not installed.
        PhotoError: a photo cannot be read any more.
    """
    check_installed("labels=True", "timm", "scikit-learn", "cleanlab")
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold, cross_val_predict

    with_several = {label for label, n in Counter(labels).items() if n > 1}
    asked = [i for i, label in enumerate(labels) if label in with_several]
    if len(with_several) < 2:
        return []
    classes, given = np.unique([labels[i] for i in asked], return_inverse=True)
    features = _features([photos[i] for i in asked], workspace, workers, progress)
    folds = StratifiedKFold(min(FOLDS, int(np.bincount(given).min())), shuffle=True, random_state=0)
    probe = LogisticRegression(C=C, max_iter=ITERATIONS, random_state=0)
    probabilities = cross_val_predict(probe, features, given, cv=folds, method="predict_proba")
    return [
        Doubt(asked[i], str(classes[best]), float(probabilities[i, given[i]]), float(probabilities[i, best]))
        for i in _issues(given, probabilities)
        if (best := int(probabilities[i].argmax())) != given[i]
    ]


def _issues(given: NDArray[np.intp], probabilities: NDArray[np.float64]) -> Iterator[int]:
    from cleanlab.filter import find_label_issues

    found = find_label_issues(given, probabilities, filter_by="both", return_indices_ranked_by="self_confidence", n_jobs=1)
    yield from (int(i) for i in found)


def _features(photos: Sequence[Path], workspace: Workspace, workers: int | None, progress: Progress) -> NDArray[np.float32]:
    weights = family_of(NETWORK).pretrained(NETWORK, workspace.weights)
    network = features_of(NETWORK, weights, SIDE, workspace.data)
    found: list[NDArray[np.float32]] = []
    waiting: list[RGB] = []
    with contextlib.closing(in_threads(_square, photos, workers)) as squares:
        for square in counted(squares, len(photos), "features of photos", progress):
            waiting.append(square)
            if len(waiting) == CHUNK:
                found.append(network.of(np.stack(waiting)))
                waiting.clear()
    return np.concatenate([*found, *([network.of(np.stack(waiting))] if waiting else [])])


def _square(path: Path) -> RGB:
    return np.asarray(pad(open_photo(path, at_least=SIDE)[0], SIDE))
