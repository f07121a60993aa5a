"""``yolo_koin benchmark``: every model on every training set, trained, scored, drawn and tabled; a finished cell is not run again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from yolo_koin.errors import RunError
from yolo_koin.files import write_csv
from yolo_koin.locks import locked
from yolo_koin.manifests import placed
from yolo_koin.parallel import Progress, Step
from yolo_koin.reporting.language import speaking
from yolo_koin.runs import BenchmarkRun
from yolo_koin.specs import AUTO, SAMPLE, SCRATCH, BenchmarkSpec, Language, TrainSpec
from yolo_koin.verbs import cells, open_set
from yolo_koin.verbs.executors import Executor, Outcome, executor_for
from yolo_koin.verbs.planning import best_so_far, left, planned
from yolo_koin.verbs.recipes import RECIPES
from yolo_koin.verbs.report import best_of, in_words_of, write_report
from yolo_koin.verbs.results import readable
from yolo_koin.verbs.scored import finished_cells, load_cell
from yolo_koin.verbs.trust import ask
from yolo_koin.verbs.verb import verb
from yolo_koin.workspace import Workspace, check_name

GROWING = (
    "sizes",
    "models",
    "methods",
    "train_on",
    "shots",
    "seeds",
    "name",
    "device",
    "log",
    "strangers",
    "folds",
    "ray",
    "lang",
    "dry_run",
    "trust",
    "matrices",
)  # more may join a benchmark


@dataclass(frozen=True)
class BenchmarkResult:
    """A finished benchmark.

    Attributes:
        run: its folder.
        metrics: metrics of all cells.
        table: the same for people.
        ran: ids of the cells that were run now.
        taken: those of the cells that were finished before.
        failed: id → what went wrong, of the cells that could not be run; they are tried again by the same call.
        pages, figures: files of the report.
        notes: what the user should know of the dataset.
    """

    run: Path
    metrics: pd.DataFrame
    table: pd.DataFrame
    ran: tuple[str, ...] = ()
    taken: tuple[str, ...] = ()
    failed: dict[str, str] = field(default_factory=dict)
    pages: tuple[Path, ...] = ()
    figures: tuple[Path, ...] = ()
    notes: tuple[str, ...] = ()


@verb(BenchmarkSpec)
def benchmark(spec: BenchmarkSpec, progress: Progress) -> BenchmarkResult:
    """Run what is not finished yet, then write ``results.csv``, the report and its figures. A cell that fails stops no other.

    Raises:
        RunError: a benchmark of this name was begun with other settings, or every cell failed.
        DatasetError, WeightsError, UsageError: what the user can mend.
    """
    workspace = Workspace.of(spec)
    name = spec.name or workspace.find(spec.data).resolve().name.lower()
    check_name(name)
    home = workspace.runs / "benchmark" / name
    if spec.dry_run:
        _claimed(home, spec, workspace)
        table, note = planned(spec, home, workspace)
        return BenchmarkResult(run=home, metrics=pd.DataFrame(), table=table, notes=(note,))
    execute = executor_for(spec)
    with locked(home):
        begun = _claimed(home, spec, workspace)
        matrix = cells.prepare(spec, home, workspace, progress)
        run = begun.written(status="running")
        with run.failing():
            outcome = _run_all(matrix, execute, workspace, progress)
            return _written(run, matrix, outcome, workspace, progress)


Outcomes = dict[str, Outcome]  # of the cells that were run now, by id


def _run_all(matrix: Sequence[cells.Cell], execute: Executor, workspace: Workspace, progress: Progress) -> Outcomes:
    """Run what is not finished, and say before each cell what is left and what was best so far."""
    todo = [cell for cell in matrix if not cell.is_finished]
    running, outcome = execute(todo, progress), Outcomes()
    for i, cell in enumerate(todo):
        note = "  ".join([cell.id, *left(todo[i:], workspace), *best_so_far(matrix)])
        progress(Step("cell", matrix.index(cell) + 1, len(matrix), note))
        outcome[cell.id] = next(running)
    return outcome


def _written(
    run: BenchmarkRun, matrix: Sequence[cells.Cell], outcome: Outcomes, workspace: Workspace, progress: Progress
) -> BenchmarkResult:
    """The results and the report of all finished cells: what an earlier call with other models finished belongs to the benchmark too."""
    home, failed = run.folder, {name: error for name, error in outcome.items() if isinstance(error, Exception)}
    pairs = finished_cells(home)
    if failed and not pairs:
        raise next(iter(failed.values()))
    scored = [load_cell(*pair) for pair in pairs]
    metrics = pd.concat([one.metrics for one in scored], ignore_index=True)
    reasons = {name: f"{type(error).__name__}: {error}" for name, error in failed.items()}
    specs = {done.name: training.spec for done, training in pairs} | {cell.id: cell.training.spec for cell in matrix if cell.id in failed}
    held_out = open_set.of_benchmark(home)
    told = pd.concat([metrics, *(open_set.of_one_score(run) for run in held_out)], ignore_index=True)
    write_csv(home / "results.csv", _with_settings(told, specs, reasons))
    doubts = ask(best_of(scored), workspace, run.spec.device.split(",")[0], progress) if run.spec.trust else ()
    languages: tuple[Language, ...] = ("en", run.spec.lang)
    for lang in dict.fromkeys(languages):  # where README says that a page is, there is one
        out = in_words_of(home / "figures", lang)
        with speaking(lang):
            after = open_set.blocks_of(held_out, out) if held_out else []
        report = write_report(scored, out, workspace, home if lang == languages[0] else out, lang, after=after)
    run.written(status="finished", cells=tuple(done.name for done, _ in pairs))
    return BenchmarkResult(
        run=home,
        metrics=metrics,
        table=readable(metrics, {one.name: one.title for one in scored}, scored[0].synthetic),
        ran=tuple(name for name in outcome if name not in failed),
        taken=tuple(one.name for one in scored if one.name not in outcome),
        failed=reasons,
        pages=report.pages,
        figures=report.figures,
        notes=(*dict.fromkeys(note for cell in matrix for note in cell.training.notes), *doubts),
    )


def _claimed(home: Path, spec: BenchmarkSpec, workspace: Workspace) -> BenchmarkRun:
    """A new benchmark, or the one of the same settings to go on with; more models, training sets and seeds may join."""
    begun = BenchmarkRun.read(home)
    if begun is None:
        if home.exists() and any(home.iterdir()):
            raise RunError("this folder holds something else", home, "Choose another --name.")
        return BenchmarkRun(folder=home, spec=spec)
    before, now = (_settings(each, home, workspace) for each in (begun.spec, spec))
    changed = [f"--{key}" for key in now if key not in GROWING and before.get(key) != now[key]]
    if changed:
        raise RunError(f"this benchmark was begun with other {', '.join(changed)}", home, "Choose another --name.")
    return BenchmarkRun(folder=home, spec=spec, started=begun.started, cells=begun.cells)


def _settings(spec: BenchmarkSpec, home: Path, workspace: Workspace) -> dict[str, Any]:
    """What was asked for, in words that can be compared.

    A side that nobody named is the usual one, which older manifests name; a path leads where it would in the project as it lies today.
    """
    paths = {key: _place(getattr(spec, key), home, workspace) for key in ("data", "weights")}
    return {**spec.settings(), **paths, "side": spec.side or RECIPES["classify"].side}


def _place(said: str | Path, home: Path, workspace: Workspace) -> str:
    """Where a path leads; any other word stays as it is."""
    path = placed(str(said), home) if Path(said).is_absolute() else workspace.find(said)
    return str(path.resolve()) if said not in {AUTO, SCRATCH, SAMPLE} and path.exists() else str(said)


def _with_settings(metrics: pd.DataFrame, specs: Mapping[str, TrainSpec], failed: Mapping[str, str]) -> pd.DataFrame:
    """The metrics with columns that say which model, training set, shots and seed each cell is of; a row for each that failed."""
    table = pd.concat([metrics, pd.DataFrame({"run": list(failed), "metric": "failed"}, dtype=object)], ignore_index=True)
    of_run = [specs[run] for run in table["run"]]
    columns: dict[str, list[Any]] = {
        "model": [spec.model_name for spec in of_run],
        "size": [spec.yolov8_size for spec in of_run],
        "method": [spec.method for spec in of_run],
        "training_set": [spec.train_on for spec in of_run],
        "shots": [spec.shots or "all" for spec in of_run],
        "seed": [spec.seed for spec in of_run],
    }
    for place, (column, values) in enumerate(columns.items(), 1):
        table.insert(place, column, values)
    return table.assign(error=[failed.get(run, "") for run in table["run"]])
