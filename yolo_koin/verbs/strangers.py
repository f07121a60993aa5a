"""Strangers: a training is repeated in folds, each time without some people, and is then asked about their photos."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from yolo_koin.dataset.classify import read_index
from yolo_koin.errors import RunError, UsageError, WeightsError
from yolo_koin.evaluation import strangers, verification
from yolo_koin.evaluation.strangers import KNOWN, STRANGER, THRESHOLD
from yolo_koin.files import sha256, write_csv
from yolo_koin.locks import locked
from yolo_koin.models import registry
from yolo_koin.models.heads import directions
from yolo_koin.models.protocol import Classifier, engine_of, scale_of
from yolo_koin.naming.protocol import table_of
from yolo_koin.naming.whole import WholePhoto
from yolo_koin.parallel import Progress, Step
from yolo_koin.runs import PreparedDataset, ScoredRun, TrainRun, prepared_at
from yolo_koin.specs import EvaluateSpec
from yolo_koin.splits import HARD, NORMAL, Split
from yolo_koin.tables import nine_digits
from yolo_koin.verbs.recipes import labels_learnt
from yolo_koin.verbs.scoring import hashes_of, photos_of
from yolo_koin.verbs.train import brought_to_end, check_unchanged
from yolo_koin.workspace import Workspace, training_of

FEWEST = 5  # people that some can be held out of
COMPARED = 10  # photos of each stranger and case, the first by name: pairs are many
FOLDS = "folds"  # the folder of a run that their trainings lie in


@dataclass(frozen=True)
class Fold:
    """Who is held out of a training.

    Attributes:
        number: from 1.
        strangers: to test on; threshold: to choose a threshold by.
    """

    number: int
    strangers: frozenset[str]
    threshold: frozenset[str]

    @property
    def out(self) -> frozenset[str]:
        """All who are held out."""
        return self.strangers | self.threshold

    def group(self, label: str, split: str, known: frozenset[str]) -> str:
        """What a photo is for (:mod:`yolo_koin.evaluation.strangers`); empty where it is for nothing.

        Somebody whom no training photo shows is a stranger to every fold.
        """
        part = Split.parse(split).part
        if label in self.threshold:
            return "" if part == "test" else THRESHOLD
        if label in known:
            return "" if part == "train" else KNOWN
        return STRANGER if part == "test" else ""


@dataclass(frozen=True)
class HeldOut:
    """A training to repeat without some people, with nothing left open.

    Attributes:
        training: the one that is repeated.
        made: the dataset that it learnt from.
        people: whom it learnt.
        folds: who is held out.
    """

    training: TrainRun
    made: PreparedDataset
    people: frozenset[str]
    folds: tuple[Fold, ...]


def resolved(spec: EvaluateSpec, weights: Path, workspace: Workspace, progress: Progress) -> HeldOut:
    """What a spec asks to repeat.

    Raises:
        WeightsError: the weights are of no training, of a detector's, or of one that began with weights that know these people.
        RunError: the photos of that training have changed, or are gone.
        UsageError: there are too few people.
    """
    training = training_of(weights)
    if training is None:
        raise WeightsError("no run of ours, so its training cannot be repeated without some people", weights, "Name a training run.")
    check_repeatable(training)
    check_unchanged(training, workspace, progress)
    return of_training(training, spec)


def check_repeatable(training: TrainRun) -> None:
    """Refuse a training that cannot be repeated without some people; raises as :func:`resolved`."""
    weights = training.weights
    if training.spec.task == "detect":
        raise WeightsError("a detector; strangers are held out of classifiers", weights, "Name a run of a classifier.")
    if training.without:
        raise WeightsError("a fold, which has people held out of it already", weights, "Name the run that it is a fold of.")
    if training.start and training_of(training.start):
        what = f"it began with {training.start}, which may have learnt from those who are to be strangers"
        raise WeightsError(what, weights, "Take a run that began with official weights, or from scratch.")


def of_training(training: TrainRun, spec: EvaluateSpec) -> HeldOut:
    """A training to repeat on its photos as they lie there; raises as :func:`resolved`."""
    made = prepared_at(training.converted)
    if made is None:
        raise RunError("the photos of this training are gone", training.converted, "Train it again.")
    people = labels_learnt(made.folder)
    assert spec.strangers is not None
    assert spec.folds is not None  # the spec sees to both
    return HeldOut(training, made, frozenset(people), folds_of(people, spec.strangers, spec.folds, training.spec.seed))


def folds_of(people: Sequence[str], share: float, folds: int, seed: int) -> tuple[Fold, ...]:
    """Who is held out in each fold: a block of people in an order of chance, and the next block to choose a threshold by.

    The blocks begin evenly along that order, as if along a ring, so that everybody is a stranger about as often.

    Args:
        people: labels.
        share: of them in a block; one at least.
        folds: how many.
        seed: of the order.

    Raises:
        UsageError: there are too few people.
    """
    n, size = len(people), max(1, round(share * len(people)))
    if n < FEWEST or n - 2 * size < 2:
        what = f"of {n} people {2 * size} would be held out, and a model needs two to tell apart"
        raise UsageError(what, f"strangers={share:g}", f"Take a smaller share; {FEWEST} people are the fewest.")
    if folds > n:
        raise UsageError(f"more folds than people, who are {n}", f"folds={folds}", "Give a smaller number.")
    ring = sorted(people, key=lambda label: hashlib.sha256(f"{seed}/{label}".encode()).hexdigest()) * 2
    starts = [k * n // folds for k in range(folds)]
    blocks = [(frozenset(ring[at : at + size]), frozenset(ring[at + size : at + 2 * size])) for at in starts]
    return tuple(Fold(number, *block) for number, block in enumerate(blocks, 1))


def run(held: HeldOut, spec: EvaluateSpec, folder: Path, device: str, progress: Progress) -> tuple[ScoredRun, pd.DataFrame]:
    """Hold people out and score how well they are told, in the folder of a run; finished folds of before are taken.

    Returns:
        The run, and the rows of its ``metrics.csv``.
    """
    training, made = held.training, held.made
    begun = ScoredRun(
        folder=folder,
        spec=spec,
        weights=training.weights,
        weights_sha256=sha256(training.weights),
        trained=training.folder,
        converted=made.folder,
        index_sha256=training.index_sha256,
        photos_sha256=hashes_of(read_index(made.folder)),
        data=made.data,
        classes=len(held.people),
        synthetic=made.synthetic,
        engine=engine_of(registry.family_of(training.spec.model_name)),
    ).written()
    with begun.failing():
        table, score_name = score(held, device, folder, progress)
        return begun.written(status="finished", score=score_name), table


def score(held: HeldOut, device: str, folder: Path, progress: Progress) -> tuple[pd.DataFrame, str]:
    """Train what is not trained yet, name the photos, compare strangers', and write ``predictions.csv``, ``pairs.csv``, ``metrics.csv``.

    Args:
        held: what is repeated.
        device: to train on; that of the training where it is empty.
        folder: of the run; trainings go into :data:`FOLDS`.
        progress: is told of each fold.

    Returns:
        The rows of ``metrics.csv``, and the score that validation photos choose.
    """
    parts, pairs = [], []
    for fold in held.folds:
        progress(Step("fold", fold.number, len(held.folds)))
        place = folder / FOLDS / str(fold.number)
        with locked(place):
            run = brought_to_end(_without(held.training, fold, place, device), progress)
        model = registry.load(run.weights, run.spec.device)
        assert model.task == "classify"
        parts.append(_named(held, fold, model, progress))
        pairs.append(_paired(held, fold, model))
    frame = pd.concat(parts, ignore_index=True).sort_values(["fold", "split", "image"], kind="stable", ignore_index=True)
    strangers.write(folder / "predictions.csv", frame)
    paired = pd.concat([one for one in pairs if len(one)] or pairs[:1], ignore_index=True)
    verification.write(folder / "pairs.csv", paired)
    table = verification.beside(strangers.scored(frame, folder.name), paired)
    write_csv(folder / "metrics.csv", table)
    return table, strangers.chosen_score(table)


def _without(training: TrainRun, fold: Fold, folder: Path, device: str) -> TrainRun:
    """The training of a fold. What was begun in its folder of another training, or of other people, is removed."""
    run = TrainRun(
        folder=folder,
        spec=replace(training.spec, device=device or training.spec.device, log=None),
        converted=training.converted,
        start=training.start,
        index_sha256=training.index_sha256,
        start_sha256=training.start_sha256,
        weights=folder / "weights" / training.weights.name,
        lr=training.lr,
        without=tuple(sorted(fold.out)),
    )
    try:
        begun = TrainRun.read(folder)
        same = begun is None or (begun.settings, begun.spec.seed) == (run.settings, run.spec.seed)
    except RunError:
        same = False
    if not same:
        shutil.rmtree(folder)
    return run


def _named(held: HeldOut, fold: Fold, model: Classifier, progress: Progress) -> pd.DataFrame:
    """The predictions of a fold's model of all photos that are for something."""
    index, known = read_index(held.made.folder), frozenset(model.names)
    index = index.assign(group=[fold.group(label, split, known) for label, split in zip(index["label"], index["split"], strict=True)])
    index = index[index["group"] != ""]
    samples, reader = photos_of(held.made, index)
    frame = table_of(WholePhoto(model, reader), samples, progress)
    groups = dict(zip(index["source"], index["group"], strict=True))
    return frame.assign(
        scale=scale_of(model), classes=float(len(known)), fold=float(fold.number), group=[groups[image] for image in frame["image"]]
    )


def _paired(held: HeldOut, fold: Fold, model: Classifier) -> pd.DataFrame:
    """The cosine of each bare and each covered test photo of a fold's strangers, by the features of its model."""
    index = read_index(held.made.folder)
    index = index[(index["status"] == "ok") & index["label"].isin(fold.strangers)]
    bare, covered = (index[index["split"] == str(split)].sort_values("source").groupby("label").head(COMPARED) for split in (NORMAL, HARD))
    if bare.empty or covered.empty:
        return pd.DataFrame(columns=list(verification.COLUMNS))
    seen = []
    for rows in (bare, covered):
        samples, reader = photos_of(held.made, rows)
        namer = WholePhoto(model, reader)
        seen.append(directions(np.concatenate([model.features(namer.read(sample)[None]) for sample in samples])))
    one, other = np.divmod(np.arange(len(bare) * len(covered)), len(covered))
    told = {
        f"{name}{ending}": rows[column].to_numpy()[numbers]
        for name, rows, numbers in (("bare", bare, one), ("covered", covered, other))
        for ending, column in (("", "source"), ("_label", "label"))
    }
    return pd.DataFrame({"fold": float(fold.number), **told, "cosine": nine_digits((seen[0] @ seen[1].T).ravel())})
