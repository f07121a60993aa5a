"""What a benchmark would run, what is there already, and how long the rest may take by what was measured. Writes nothing."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from yolo_koin.errors import RunError
from yolo_koin.runs import TrainRun
from yolo_koin.specs import SAMPLE, BenchmarkSpec, TrainSpec
from yolo_koin.splits import TRAINING_SETS
from yolo_koin.verbs import cells
from yolo_koin.verbs.resolve import open_dataset, prepared
from yolo_koin.verbs.strangers import FOLDS
from yolo_koin.verbs.train import bounded
from yolo_koin.words import CALLED, count
from yolo_koin.workspace import Workspace


@dataclass(frozen=True)
class Pace:
    """How fast trainings were.

    Attributes:
        measured: model and method → the newest of its finished trainings.
    """

    measured: Mapping[tuple[str, str], TrainRun]

    @classmethod
    def of(cls, workspace: Workspace) -> Pace:
        """That of all finished trainings of a workspace, cells of benchmarks among them."""
        found: list[TrainRun] = []
        with contextlib.suppress(RunError):  # a damaged run is no reason to stop: without it less is known
            found.extend(run for run in workspace.trainings() if run.status == "finished" and run.photos and run.epochs)
        return cls({(run.spec.model_name, run.spec.method): run for run in sorted(found, key=lambda run: run.updated)})

    def seconds(self, spec: TrainSpec, photos: int) -> float | None:
        """What a training may take, by its photos, epochs and input; None where none of its model was measured.

        Args:
            spec: what is not said in it is taken to be as it was.
            photos: to learn from.
        """
        run = self.measured.get((spec.model_name, spec.method))
        if run is None:
            return None
        area = (spec.imgsz / run.spec.imgsz) ** 2 if spec.imgsz and run.spec.imgsz else 1.0
        epochs = spec.epochs / run.epochs if spec.epochs else 1.0
        return run.seconds.get("training", 0.0) * photos / run.photos * epochs * area


def planned(spec: BenchmarkSpec, home: Path, workspace: Workspace) -> tuple[pd.DataFrame, str]:
    """The cells of a benchmark with their photos, their state and what each may take; and a line on all of them. Writes nothing."""
    cells.check(spec)
    finished = 0
    there, pace = cells.begun_cells(home), Pace.of(workspace)
    known = {(one.train_on, one.val): _people(one, workspace) for one in cells.trainings(spec)}
    rows, seconds = [], list[float | None]()
    first: dict[cells.Place, TrainSpec] = {}
    folds = Counter[str]()  # trainings without some people, by whether they are finished
    for asked in dict.fromkeys(_bounded(one, known[one.train_on, one.val]) for one in cells.trainings(spec)):
        begun = there.get(cells.place(asked))
        folder = begun.folder if begun else None
        photos = sum(n if asked.shots is None else min(n, asked.shots) for n in known[asked.train_on, asked.val])
        state = "to run" if folder is None else "finished" if cells.finished(folder) else "begun"
        finished += state == "finished"
        todo = [pace.seconds(asked, photos)] if state != "finished" else []
        if spec.strangers is not None and spec.folds and first.setdefault(cells.without_seed(asked), asked) == asked:
            done = _folds(home / cells.STRANGERS / folder.name) if folder else 0
            folds.update(finished=done, all=spec.folds)
            state += f", {count(spec.folds - done, 'fold')} to run" if done < spec.folds else ""
            todo += [pace.seconds(asked, round(photos * (1 - 2 * spec.strangers)))] * (spec.folds - done)
        seconds += todo
        rows.append((cells.slug(asked), photos or "", state, _told(_total(todo)) if todo else ""))
    note = f"{count(len(rows), 'cell')}, {finished} finished"
    if folds:
        note += f"; beside them {count(folds['all'], 'training')} with strangers held out, {folds['finished']} finished"
    if seconds:
        total = _total(seconds)
        note += "; some of the models were not measured yet" if total is None else f"; {_told(total)} for the others"
    return pd.DataFrame(rows, columns=["cell", "photos", "state", "may take"]), note


def _folds(folder: Path) -> int:
    """How many trainings without some people are finished."""
    runs = []
    with contextlib.suppress(RunError):
        runs = [TrainRun.read(fold) for fold in sorted((folder / FOLDS).glob("[0-9]*"))]
    return sum(run is not None and run.status == "finished" for run in runs)


def _bounded(asked: TrainSpec, people: Sequence[int]) -> TrainSpec:
    """As it will be named: with as many shots as somebody has photos, it is one of all photos."""
    return replace(asked, shots=bounded(asked.shots, people)) if people else asked


def left(todo: Sequence[cells.Cell], workspace: Workspace) -> tuple[str, ...]:
    """How long these cells may take, where their models were measured."""
    pace = Pace.of(workspace)
    told = _told(_total([pace.seconds(cell.training.spec, cell.training.photos) for cell in todo]))
    return (f"{told} left",) if told else ()


def best_so_far(matrix: Sequence[cells.Cell]) -> tuple[str, ...]:
    """The finished cell with the highest figure on validation photos: no test split chooses it."""
    runs = [training for cell in matrix if cells.finished(cell.folder) and (training := TrainRun.read(cell.folder))]
    best = max(runs, key=lambda run: run.val, default=None)
    return (f"best so far {best.name}, val {CALLED[best.metric]} {100 * best.val:.1f} %",) if best else ()


def _total(seconds: Sequence[float | None]) -> float | None:
    known = [each for each in seconds if each is not None]
    return sum(known) if len(known) == len(seconds) else None


def _told(seconds: float | None) -> str:
    if seconds is None:
        return ""
    minutes = seconds / 60
    return f"about {minutes / 60:.1f} h" if minutes > 90 else f"about {max(minutes, 1):.0f} min"


def _people(spec: TrainSpec, workspace: Workspace) -> list[int]:
    """How many photos of each person are learnt from, as nearly as it is known before any is read; none of built-in faces not built yet."""
    if spec.data == SAMPLE and not (workspace.data / SAMPLE).is_dir():
        return []
    made = prepared(spec.data, "classify", workspace)
    dataset, splits = open_dataset(spec.data, workspace), TRAINING_SETS[made.train_on if made else spec.train_on]
    people = Counter(sample.label for sample in dataset.samples if sample.split in splits)
    carved = 0.0 if any(split.validation in dataset.splits for split in splits) else spec.val
    return [n - min(n - 1, max(1, round(carved * n))) if carved else n for n in people.values()]
