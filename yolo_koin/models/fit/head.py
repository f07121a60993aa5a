"""Heads on frozen features: the paper's logistic regression, and nearest class means, the floor under it."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax
from sklearn.linear_model import LogisticRegression

from yolo_koin.dataset.images import load_square
from yolo_koin.files import sha256
from yolo_koin.manifests import from_folder
from yolo_koin.models.fit.lesson import check_photos
from yolo_koin.models.fit.loop import TIE
from yolo_koin.models.frozen import Features, features_of
from yolo_koin.models.heads import ENDING, directions, linear
from yolo_koin.models.protocol import LabelledPhoto, Trained, TrainJob
from yolo_koin.models.tensors import note_of_job, write_tensors
from yolo_koin.parallel import Progress, Step, in_threads

ITERATIONS = 1000  # at most, and the paper's; features that are not normalised may take more, and the probe is then what it is there
TRIED = tuple(float(value) for value in 10.0 ** np.arange(-3, 2.5, 0.5))  # C, where it is chosen; the paper's 0.316 is among them
READ_AT_ONCE = 64  # photos

warnings.filterwarnings("ignore", message="lbfgs failed to converge")
warnings.filterwarnings("ignore", message="The number of unique classes is greater than 50% of the number of samples")  # one shot

Array = NDArray[Any]


@dataclass(frozen=True)
class Head:
    """A linear classifier.

    Attributes:
        weight: classes × d.
        bias: of each class.
        cosine: whether features count by their direction only.
        C: inverse strength of the penalty of a logistic regression.
    """

    weight: Array
    bias: Array
    cosine: bool = False
    C: float | None = None

    def logits(self, features: Array) -> Array:
        """Scores before the softmax, n × classes."""
        return linear(features, self.weight, self.bias, self.cosine)


def fit(job: TrainJob, progress: Progress) -> Trained:
    """Fit a head on the features of the training photos; validation photos choose what is to be chosen, and score it.

    Raises:
        DatasetError: there are no photos to learn from, or none to validate.
        WeightsError: the frozen network cannot be read.
        RunError: the folder cannot be written.
    """
    check_photos(job)
    assert job.start is not None  # the spec sees to that
    features = features_of(job.model, job.start, job.imgsz, job.folder, job.device)
    (seen, labels), (val, truth) = (_learnt(features, part, job, progress) for part in (job.train, job.val))
    if job.method == "ncm":
        head = nearest_mean(seen, labels, val, truth)
    else:
        tried = [logistic(seen, labels, C) for C in ([job.C] if job.C else TRIED)]
        head = max(tried, key=lambda one: _fitness(one.logits(val), truth))
    network = {"network": from_folder(job.start, job.folder / "weights"), "network_sha256": sha256(job.start)}
    tensors = {name: torch.from_numpy(value.astype(np.float32)) for name, value in (("weight", head.weight), ("bias", head.bias))}
    weights = job.folder / "weights" / f"best{ENDING}"
    write_tensors(weights, tensors, {**note_of_job(job), "method": job.method, "C": head.C, **network})
    value = float(np.mean(head.logits(val).argmax(axis=1) == truth))
    return Trained(weights=weights, metric="top1", best_epoch=1, value=float(f"{value:.6g}"), epochs=1)


def logistic(features: Array, labels: Array, C: float) -> Head:  # noqa: N803  # as scikit-learn and the paper call it
    """A logistic regression in the setting of the paper: all classes at once, L2 penalty, features as they are.

    Args:
        features: n × d.
        labels: class of each, from 0; each class has one at least.
        C: inverse strength of the penalty.
    """
    found = LogisticRegression(C=C, max_iter=ITERATIONS, random_state=0).fit(features, labels)
    if len(found.classes_) == 2:  # of two classes it keeps the difference
        return Head(np.concatenate([0 * found.coef_, found.coef_]), np.concatenate([0 * found.intercept_, found.intercept_]), C=C)
    return Head(found.coef_, found.intercept_, C=C)


def nearest_mean(features: Array, labels: Array, val: Array, truth: Array) -> Head:
    """The class whose mean feature has the nearest direction (Mensink et al. 2013, with the cosine).

    Cosines are scaled so that the cross-entropy of the validation photos is least (Guo et al. 2017), which changes no ranking. Targets are
    (n + 1) / (n + 2) for n photos, not 1 (Platt 1999): where every photo is right, the scale would else have no bound.

    Args:
        features, labels: n × d, and the class of each, from 0.
        val, truth: the same of the validation photos.
    """
    known = directions(features)
    means = directions(np.stack([known[labels == label].mean(axis=0) for label in np.unique(labels)]))
    cosines = directions(val) @ means.T
    sure = (len(truth) + 1) / (len(truth) + 2)

    def loss(power: float) -> float:
        told = log_softmax(np.exp(power) * cosines, axis=1)
        right = told[np.arange(len(truth)), truth]
        wrong = (told.sum(axis=1) - right) / max(len(means) - 1, 1)
        return -float((sure * right + (1 - sure) * wrong).mean())

    found = minimize_scalar(loss, bounds=(0, 7), method="bounded")
    return Head(np.exp(found.x) * means, np.zeros(len(means)), cosine=True)


def _learnt(features: Features, photos: tuple[LabelledPhoto, ...], job: TrainJob, progress: Progress) -> tuple[Array, Array]:
    """Features and classes of photos."""

    def read(photo: LabelledPhoto) -> NDArray[np.uint8]:
        return load_square(photo.path, job.imgsz, job.preparation.interpolation)

    found = []
    for start in range(0, len(photos), READ_AT_ONCE):
        found.append(features.of(np.stack(list(in_threads(read, photos[start : start + READ_AT_ONCE])))))
        progress(Step("features", min(start + READ_AT_ONCE, len(photos)), len(photos)))
    return np.concatenate(found), np.array([job.names.index(photo.label) for photo in photos])


def _fitness(logits: Array, truth: Array) -> float:
    """Top-1, ties by the lower cross-entropy: what chooses an epoch too."""
    return float(np.mean(logits.argmax(axis=1) == truth)) + TIE * max(_log_likelihood(logits, truth), -9.0)


def _log_likelihood(logits: Array, truth: Array) -> float:
    """Mean log-probability of the true class."""
    return float(log_softmax(logits, axis=1)[np.arange(len(truth)), truth].mean())
