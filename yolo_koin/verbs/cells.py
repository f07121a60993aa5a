"""The cells of a benchmark: what each is, making their datasets once, and running one. A cell runs in any process that sees its folder."""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from itertools import product
from pathlib import Path
from typing import Any

from yolo_koin.dataset.koin import scan
from yolo_koin.errors import RunError, UsageError
from yolo_koin.files import sha256
from yolo_koin.locks import locked
from yolo_koin.models import registry
from yolo_koin.naming import Reader
from yolo_koin.naming.whole import WholePhoto
from yolo_koin.parallel import Progress, silent, stopwatch
from yolo_koin.runs import CELLS, CellRun, ScoredRun, TrainRun, prepared_at
from yolo_koin.specs import TUNES, BenchmarkSpec, EvaluateSpec, Trains, TrainSpec
from yolo_koin.splits import HARD, NORMAL
from yolo_koin.verbs import strangers
from yolo_koin.verbs.predict import Naming, draw
from yolo_koin.verbs.scoring import Scoring, of_prepared, score
from yolo_koin.verbs.train import Training, brought_to_end, of_model, settled
from yolo_koin.workspace import Workspace


@dataclass(frozen=True)
class Cell:
    """One run of a benchmark matrix: a training with nothing left open, and where it goes.

    Attributes:
        training: the model, the training set, the shots, the seed, and all other settings.
        folder: of the cell.
        held_out: how strangers are held out of its training, where they are.
    """

    training: Training
    folder: Path
    held_out: EvaluateSpec | None = None

    @property
    def id(self) -> str:
        """Readable words, and a hash of all settings and of the photos. Nobody takes it apart: the manifest has it all."""
        return self.folder.name

    @property
    def strangers(self) -> Path:
        """The folder of its run with people held out."""
        return self.folder.parent.parent / STRANGERS / self.id

    @property
    def is_finished(self) -> bool:
        """Whether nothing of it is left to do."""
        return finished(self.folder) is not None and (self.held_out is None or _open_set(self.strangers, "finished") is not None)


STRANGERS = "strangers"  # the folder of a benchmark that its runs with people held out lie in
TABLES = ("predictions.csv", "metrics.csv")
Place = tuple[str, str, str, int | None, int]  # in the matrix: model, method, training set, shots, seed


def prepare(spec: BenchmarkSpec, home: Path, workspace: Workspace, progress: Progress) -> tuple[Cell, ...]:
    """The cells of a benchmark, models before training sets before shots before seeds. Makes each dataset, and looks for all weights.

    Their paths are absolute: the process that runs a cell may be in another folder.

    Args:
        spec: what to run.
        home: folder of the benchmark.
        workspace: where datasets and weights are.
        progress: is told of each photo.

    Raises:
        RunError: a cell was begun with other settings or on other photos: its results are somebody's, and stay as they are.
        DatasetError, WeightsError, UsageError: what the user can mend.
    """
    from yolo_koin.models.devices import choose_device  # here, since it loads torch

    for device in spec.device.split(","):
        choose_device(device)
    check(spec)
    home = home.absolute()
    there = begun_cells(home)
    cells: list[Cell] = []
    known: dict[TrainSpec, Training] = {}  # a dataset is made, and weights are looked for, once for all shots and seeds
    first: dict[Place, TrainSpec] = {}  # of its seeds, the one that strangers are held out of
    for asked in trainings(spec):
        key = replace(asked, shots=None, seed=0)
        if key not in known:
            known[key] = settled(key, workspace, progress)
        training = known[key].anywhere().drawn(asked.shots, asked.seed)
        leads = first.setdefault(without_seed(asked), asked) == asked
        cell = Cell(training, _folder(training, home, there), held_out_of(spec) if leads else None)
        if cell.held_out:
            _check_strangers(cell)
        cells.append(cell)
    return tuple({cell.folder: cell for cell in cells}.values())  # more shots than anybody has photos are all photos, a second time


def check(spec: BenchmarkSpec) -> None:
    """Refuse what cannot be run, before anything is read.

    Raises:
        UsageError: no such model or one that is no classifier, an option that none of the methods has, or two matrices say different
            things of one cell.
    """
    methods = {method for part in spec.parts for method in part.methods}
    unused = {**({} if "finetune" in methods else TUNES), **({} if "probe" in methods else {"C": None})}
    if told := [key for key, usual in unused.items() if any(getattr(part, key) != usual for part in spec.parts)]:
        raise UsageError("none of the methods has this option", f"{told[0]}={getattr(spec, told[0])}", "Drop it.")
    asked = tuple(dict.fromkeys(trainings(spec)))
    for one in dict.fromkeys(replace(each, train_on="normal", shots=None, seed=0) for each in asked):
        if of_model(one).task != "classify":
            raise UsageError("a benchmark compares classifiers", f"models={one.model_name}", "Take a -cls model.")
    if twice := [name for name, n in Counter(map(slug, asked)).items() if n > 1]:
        raise UsageError("two of the matrices set one cell differently", twice[0], "Benchmark one of them under another --name.")


def run(cell: Cell, progress: Progress = silent) -> CellRun:
    """Train, score and draw one cell, and hold strangers out where that is asked; what is finished is not done again.

    Reads the prepared dataset and writes the cell's folders, and nothing else. Paths of what it gives are as this process sees them.
    """
    done = _trained_and_scored(cell, progress)
    if cell.held_out and not cell.is_finished:
        with locked(cell.strangers):
            held = strangers.of_training(brought_to_end(cell.training.at(cell.folder), progress), cell.held_out)
            strangers.run(held, cell.held_out, cell.strangers, cell.training.spec.device, progress)
    return done


def _trained_and_scored(cell: Cell, progress: Progress) -> CellRun:
    """What was finished before, or a training that begins or goes on, and its scores."""
    with locked(cell.folder):
        if done := finished(cell.folder):
            return done
        took: dict[str, float] = {}
        with stopwatch(took, "train"):
            training = brought_to_end(cell.training.at(cell.folder), progress)
        model = registry.load(training.weights, training.spec.device)
        assert model.task == "classify"
        made = prepared_at(training.converted)
        if made is None:
            raise RunError("the photos that this cell was trained on are gone", training.converted, "Run the benchmark again.")
        scoring = of_prepared(model, made)
        with stopwatch(took, "evaluate"):
            score(scoring, cell.folder, cell.id, progress)
        with stopwatch(took, "predict"):
            _draw(scoring, training, cell.folder / "predict", progress)
        about: dict[str, Any] = {"spec": EvaluateSpec(), "weights": training.weights, "weights_sha256": training.weights_sha256}
        hashes = {name: sha256(cell.folder / name) for name in TABLES}
        done = CellRun(folder=cell.folder, trained=cell.folder, cell=cell.id, took=took, sha256=hashes, **about, **scoring.facts)
        return done.written(status="finished")


def finished(folder: Path) -> CellRun | None:
    """The cell that was run to its end in a folder, when its files are as it left them; else it is to be run again."""
    try:
        done = CellRun.read(folder)
        whole = done and _training(folder) and all(done.sha256.get(name) in {None, sha256(folder / name)} for name in TABLES)
    except (OSError, RunError):
        return None
    return done if whole else None


def _training(folder: Path) -> TrainRun | None:
    """The training that was begun in a cell's folder; None where its record is lost or damaged."""
    with contextlib.suppress(RunError):
        return TrainRun.read(folder)
    return None


def held_out_of(spec: BenchmarkSpec) -> EvaluateSpec | None:
    """How a benchmark holds strangers out of a training; None where it does not."""
    return None if spec.strangers is None else EvaluateSpec(strangers=spec.strangers, folds=spec.folds, engine="torch")


def open_sets(home: Path) -> list[Path]:
    """The folders of a benchmark's finished runs with people held out."""
    return [folder for folder in sorted((home / STRANGERS).glob("*")) if _open_set(folder, "finished")]


def _open_set(folder: Path, status: str = "") -> ScoredRun | None:
    """The run with people held out in a folder, when it is of this status."""
    with contextlib.suppress(RunError):  # its record is damaged
        run = ScoredRun.read(folder)
        return run if run and status in {"", run.status} else None
    return None


def _check_strangers(cell: Cell) -> None:
    """Refuse, before anything runs, what cannot be repeated without some people, and folds that are somebody's already."""
    strangers.check_repeatable(cell.training.at(cell.folder))
    begun = _open_set(cell.strangers)
    if begun and begun.spec != cell.held_out:
        raise RunError("strangers were held out of this cell in another way", cell.strangers, "Choose another --name for the benchmark.")


def _draw(scoring: Scoring, training: TrainRun, folder: Path, progress: Progress) -> None:
    """Annotated photos of the hard test split, or of the normal one where there is no hard one."""
    dataset = scan(scoring.data)
    split = HARD if dataset.of(HARD) else NORMAL
    assert isinstance(scoring.namer, WholePhoto)
    namer = WholePhoto(scoring.namer.classifier, Reader(prepared=scoring.namer.reader.prepared))
    draw(Naming(namer, dataset.of(split), dataset, {}, training.name, str(split)), folder, 3, progress)


# ------------------------------------------------------------------------------------------------------------------- ids
def trainings(spec: BenchmarkSpec) -> Iterator[TrainSpec]:
    """What a benchmark trains, models before methods before training sets before shots before seeds."""
    for part in spec.parts:
        yield from _trainings(part)


def _trainings(spec: BenchmarkSpec) -> Iterator[TrainSpec]:
    shared = {one.name: getattr(spec, one.name) for one in fields(Trains)} | {"device": spec.device.split(",")[0]}
    where = product(dict.fromkeys(spec.train_on), dict.fromkeys(spec.shots), dict.fromkeys(spec.seeds))
    for model, method, (train_on, shots, seed) in product(spec.model_names, dict.fromkeys(spec.methods), tuple(where)):
        if method != "finetune" and shots is None and seed != spec.seeds[0]:
            continue  # a seed draws a head's photos and nothing else: of all photos it would be the same head again
        told = {**shared, "C": spec.C if method == "probe" else None, **({} if method == "finetune" else TUNES)}
        yield TrainSpec(**told, model=model, method=method, train_on=train_on, shots=shots, seed=seed)


def _identity(settings: dict[str, Any], seed: int) -> str:
    return hashlib.sha256(json.dumps({**settings, "seed": seed}, sort_keys=True).encode()).hexdigest()[:8]


def place(spec: TrainSpec) -> Place:
    """Where in the matrix a training stands."""
    return spec.model_name, spec.method, spec.train_on, spec.shots, spec.seed


def without_seed(spec: TrainSpec) -> Place:
    """The place of the settings that it shares with other seeds."""
    return (*place(spec)[:-1], 0)


def slug(spec: TrainSpec) -> str:
    """A training in readable words."""
    return f"{spec.model_slug}{spec.method_slug}-{spec.train_on}{spec.shots_slug}-seed{spec.seed}"


def begun_cells(home: Path) -> dict[Place, TrainRun]:
    """Place in the matrix → the training that was begun there, in whatever folder."""
    folders = (folder for folder in sorted((home / CELLS).glob("*")) if folder.is_dir())
    return {place(begun.spec): begun for folder in folders if (begun := _training(folder))}


def _folder(training: Training, home: Path, there: dict[Place, TrainRun]) -> Path:
    spec, begun = training.spec, there.get(place(training.spec))
    if begun and spec.precision == "auto":
        training = replace(training, bits=begun.bits)  # it may have begun on a device that has others
    mine = _identity(training.at(home).settings, spec.seed)
    if begun is None:
        return home / CELLS / f"{slug(spec)}-{mine}"
    if _identity(begun.settings, begun.spec.seed) == mine:
        return begun.folder
    changed = begun.index_sha256 != training.index_sha256
    what = "the photos have changed since this cell was begun" if changed else "this cell was begun with other settings"
    raise RunError(what, begun.folder, "Choose another --name for the benchmark.")
