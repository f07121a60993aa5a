"""``yolo_koin score``: anybody's predictions, scored as ``evaluate`` scores a model's."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from yolo_koin.dataset.classify import read_index
from yolo_koin.dataset.duplicates import read_leaks
from yolo_koin.dataset.hashes import photo_hashes
from yolo_koin.evaluation import people, predictions, scores, submissions
from yolo_koin.evaluation.chance import chance_notes
from yolo_koin.evaluation.leaks import leak_notes
from yolo_koin.evaluation.submissions import Submission
from yolo_koin.files import sha256
from yolo_koin.parallel import Progress
from yolo_koin.runs import ScoredRun
from yolo_koin.specs import ScoreSpec
from yolo_koin.verbs.resolve import open_dataset, prepared
from yolo_koin.verbs.verb import verb
from yolo_koin.words import count, some
from yolo_koin.workspace import Workspace

TOLD = 10  # classes that are named


@dataclass(frozen=True)
class ScoreResult:
    """Predictions that were scored.

    Attributes:
        run: its folder, with ``predictions.csv`` and ``metrics.csv``.
        data: the dataset whose photos they are of.
        metrics: rows of ``metrics.csv``.
        missing: test split → how many of its photos had no prediction; they count as wrong.
        synthetic: test splits whose photos are synthetic.
        notes: what the user should know: photos and splits without predictions, a score that guessing would reach.
    """

    run: Path
    data: Path
    metrics: pd.DataFrame
    missing: dict[str, int]
    synthetic: tuple[str, ...]
    notes: tuple[str, ...] = ()


@verb(ScoreSpec)
def score(spec: ScoreSpec, progress: Progress) -> ScoreResult:
    """Write ``predictions.csv`` and ``metrics.csv`` of every test split that a file has predictions of.

    Raises:
        DatasetError, PredictionsError, RunError: what the user can mend.
    """
    workspace = Workspace.of(spec)
    dataset = open_dataset(spec.data, workspace)
    made = prepared(spec.data, "classify", workspace)
    index = read_index(made.folder) if made else None
    found = submissions.read(spec.file, dataset, dict(zip(index["image"], index["source"], strict=True)) if index is not None else {})
    leaked = read_leaks(made.folder) if made else frozenset[str]()
    synthetic = tuple(sorted(map(str, dataset.synthetic)))
    about: dict[str, Any] = {"data": dataset.root, "synthetic": synthetic, "classes": found.classes}
    about["photos_sha256"] = photo_hashes(dataset.tests)
    with workspace.begun("evaluate", spec.name, spec.file.stem, spec) as folder:
        run = ScoredRun(folder=folder, spec=spec, weights=spec.file, weights_sha256=sha256(spec.file), **about)
        with run.written().failing():
            table = scores.score(found.frame, folder.name, classes=found.classes, leaked=leaked)
            predictions.write(folder / "predictions.csv", found.frame)
            people.write(folder, found.frame, dataset.names)
            scores.write(folder / "metrics.csv", table)
            run.written(status="finished")
    notes = (*dataset.notes, *_notes(found, spec.file.name), *chance_notes(table, found.classes), *leak_notes(table))
    return ScoreResult(folder, dataset.root, table, found.missing, synthetic, notes)


def _notes(found: Submission, file: str) -> Iterator[str]:
    for split, photos in found.missing.items():
        yield f"{split}: {count(photos, 'photo')} not in {file}; they count as wrong"
    for split in found.absent:
        yield f"{split}: no photo of it in {file}, not scored"
    if found.unused:
        yield f"{some(found.unused)} of {file} not used: columns are image,pred,score"
    if found.excluded:
        yield f"{count(found.excluded, 'row')} of photos that exclude.txt takes out"
    for label in found.unknown[:TOLD]:
        yield f"{label}: no class of these predictions; its photos count as wrong"
    if (left := len(found.unknown) - TOLD) > 0:
        yield f"and {count(left, 'class', more=True)} without predictions"
