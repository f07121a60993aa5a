"""``yolo_koin evaluate``: name every test photo, or every face in it, and score each test split by itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from yolo_koin.evaluation.chance import chance_notes
from yolo_koin.evaluation.leaks import leak_notes
from yolo_koin.files import sha256
from yolo_koin.parallel import Progress
from yolo_koin.runs import ScoredRun, TrainRun
from yolo_koin.specs import EvaluateSpec
from yolo_koin.verbs.resolve import name_of, weights_file
from yolo_koin.verbs.scoring import Scoring, resolved, score
from yolo_koin.verbs.verb import verb
from yolo_koin.workspace import Workspace, training_of

if TYPE_CHECKING:
    from yolo_koin.verbs.segments import Segments


@dataclass(frozen=True)
class EvaluateResult:
    """A finished evaluation.

    Attributes:
        run: its folder, with ``predictions.csv`` and ``metrics.csv``, and for people ``per_person.csv`` and ``confusion.csv``.
        weights: the checkpoint.
        data: the dataset that was scored.
        metrics: rows of ``metrics.csv``.
        unknown: classes of the test splits that the model never learnt; their photos count as wrong.
        synthetic: test splits whose photos are synthetic.
        agreement: test split → face detector, where boxes come from one, so that scores of boxes tell how well two detectors agree.
        notes: what the user should know: boxes that could not be used, a classifier that did not learn from faces,
            a score that guessing would reach, photos that training shows too.
        score: where people were held out, the score that tells strangers; ``metrics`` are then those of
            :mod:`yolo_koin.evaluation.strangers`. Else empty.
        segments: where the model fails; None where that was not asked.
    """

    run: Path
    weights: Path
    data: Path
    metrics: pd.DataFrame
    unknown: tuple[str, ...]
    synthetic: tuple[str, ...]
    agreement: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    score: str = ""
    segments: Segments | None = None


@verb(EvaluateSpec)
def evaluate(spec: EvaluateSpec, progress: Progress) -> EvaluateResult:
    """Write ``predictions.csv`` and ``metrics.csv`` of every test split.

    Raises:
        DatasetError, WeightsError, RunError, UsageError: what the user can mend.
    """
    workspace = Workspace.of(spec)
    weights = weights_file(spec.weights, workspace, spec.task or "classify", spec.faces)
    if spec.strangers is not None:
        return _of_strangers(spec, weights, workspace, progress)
    training, default = training_of(weights), f"{name_of(weights)}-faces" if spec.faces else name_of(weights)
    with resolved(spec, weights, workspace, progress) as scoring:
        tell = _segments(scoring, weights) if spec.segments else None
        with workspace.begun("evaluate", spec.name, default, spec) as folder:
            trained = training.folder if training else None
            run = ScoredRun(folder=folder, spec=spec, weights=weights, weights_sha256=sha256(weights), trained=trained, **scoring.facts)
            with run.written().failing():
                table = score(scoring, folder, folder.name, progress)
                told = tell(folder, name_of(weights), workspace, progress) if tell else None
                run.written(status="finished")
    found = scoring
    notes = (*_unfinished(training), *found.notes, *chance_notes(table, len(found.namer.names)), *leak_notes(table))
    return EvaluateResult(folder, weights, found.data, table, found.unknown, found.synthetic, found.agreement, notes, segments=told)


def _segments(scoring: Scoring, weights: Path) -> Callable[[Path, str, Workspace, Progress], Segments]:
    from yolo_koin.verbs import segments  # here, since only this needs what looks at photos

    segments.check(scoring, weights)
    return partial(segments.written, scoring)


def _unfinished(training: TrainRun | None) -> Iterator[str]:
    if training and training.status != "finished":
        yield f"{training.name} is not trained to its end: yolo_koin train --resume --name {training.name} goes on; then evaluate it again"


def _of_strangers(spec: EvaluateSpec, weights: Path, workspace: Workspace, progress: Progress) -> EvaluateResult:
    """Repeat the training without some people, and write how well they are told from those whom it knows."""
    from yolo_koin.verbs import strangers  # here, since it loads all that trains

    held = strangers.resolved(spec, weights, workspace, progress)
    made, training = held.made, held.training
    with workspace.begun("evaluate", spec.name, f"{name_of(weights)}-strangers", spec, goes_on=True) as folder:
        run = ScoredRun(
            folder=folder,
            spec=spec,
            weights=weights,
            weights_sha256=sha256(weights),
            trained=training.folder,
            converted=made.folder,
            index_sha256=training.index_sha256,
            data=made.data,
            classes=len(held.people),
            synthetic=made.synthetic,
        ).written()
        with run.failing():
            table, score = strangers.score(held, spec.device, folder, progress)
            run.written(status="finished", score=score)
    return EvaluateResult(folder, weights, made.data, table, (), made.synthetic, score=score)
