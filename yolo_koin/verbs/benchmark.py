"""``yolo_koin benchmark``: every size on every training set, trained, scored, drawn and tabled; a finished cell is not run again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import pandas as pd

from yolo_koin.dataset.classify import INDEX
from yolo_koin.errors import RunError, UsageError
from yolo_koin.files import sha256, write_csv, write_json
from yolo_koin.models import checkpoints, yolo
from yolo_koin.parallel import Progress, Step, silent, stopwatch
from yolo_koin.runs import RUNS, check_name, locked, read_manifest, write_manifest
from yolo_koin.splits import TRAINING_SETS
from yolo_koin.verbs.convert import one_of
from yolo_koin.verbs.evaluate import EvaluateSpec, evaluate
from yolo_koin.verbs.predict import PredictSpec, predict
from yolo_koin.verbs.report import readable, write_report
from yolo_koin.verbs.scored import CELLS, Scored, load_runs
from yolo_koin.verbs.tasks import TASKS
from yolo_koin.verbs.train import TrainSpec, resume, starting_weights, train

NORMAL, HARD = "normal_cases/test", "hard_cases/test"
DONE = "cell.json"  # written last in a cell's folder


@dataclass(frozen=True)
class BenchmarkSpec:
    """What to benchmark.

    Attributes:
        data: dataset root, or ``sample``.
        sizes: YOLOv8 sizes.
        train_on: training sets.
        seeds: of training; one cell each.
        name: of the benchmark; that of the dataset when None. The same name goes on where it stopped.
        epochs, imgsz, batch, device, freeze, weights, fit, side, val: as for training, the same for every cell.
    """

    data: str = "data/KoIn"
    sizes: tuple[str, ...] = ("n",)
    train_on: tuple[str, ...] = ("normal",)
    seeds: tuple[int, ...] = (0,)
    name: str | None = None
    epochs: int | None = None
    imgsz: int | None = None
    batch: int | None = None
    device: str = ""
    freeze: int = 0
    weights: str = "auto"
    fit: str = "pad"
    side: int = 256
    val: float = 0.1

    def __post_init__(self) -> None:
        for option, values, allowed in (("--sizes", self.sizes, yolo.SIZES), ("--train-on", self.train_on, tuple(TRAINING_SETS))):
            for value in values:
                one_of(option, value, allowed)
        if not (self.sizes and self.train_on and self.seeds):
            raise UsageError("nothing to run", "--sizes, --train-on or --seeds is empty", "Name at least one of each.")
        if self.weights not in {"auto", "scratch"} and len(self.sizes) > 1:
            raise UsageError(
                "one checkpoint fits one size",
                f"--weights {self.weights}",
                "Benchmark one size at a time, or take auto or scratch.",
            )

    def cells(self) -> Iterator[tuple[str, TrainSpec]]:
        """Id and training of each cell."""
        shared = {
            key: getattr(self, key) for key in ("data", "epochs", "imgsz", "batch", "device", "freeze", "weights", "fit", "side", "val")
        }
        for size in dict.fromkeys(self.sizes):
            for train_on in dict.fromkeys(self.train_on):
                for seed in dict.fromkeys(self.seeds):
                    yield f"{size}-{train_on}-seed{seed}", TrainSpec(**shared, size=size, train_on=train_on, seed=seed)


@dataclass(frozen=True)
class BenchmarkResult:
    """A finished benchmark.

    Attributes:
        run: its folder.
        metrics: metrics of all cells.
        table: the same for people.
        ran: cells that were run now.
        taken: cells that were finished before.
        figures: files of the report.
    """

    run: Path
    metrics: pd.DataFrame
    table: pd.DataFrame
    ran: tuple[str, ...]
    taken: tuple[str, ...]
    figures: tuple[Path, ...]


def benchmark(
    spec: BenchmarkSpec,
    progress: Progress = silent,
) -> BenchmarkResult:
    """Run what is not finished yet, then write ``results.csv``, ``report.md`` and the figures.

    Args:
        spec: what to run.
        progress: is told of each cell as it begins, of its epochs and its photos.

    Raises:
        RunError: a benchmark of this name was begun with other settings.
        DatasetError, WeightsError, UsageError: what the user can mend.
    """
    cells = dict(spec.cells())
    checkpoints.choose_device(spec.device)
    # Before any training, so that a missing file or a photo that changed is known before an hour is spent.
    photos = {t.train_on: sha256(TASKS[t.task].prepare(t, progress) / INDEX) for t in cells.values()}
    for training in cells.values():
        starting_weights(training)
    run = RUNS / "benchmark" / (spec.name or Path(spec.data).resolve().name.lower())
    check_name(run.name if spec.name is None else spec.name)
    with locked(run):
        _claim(run, spec)
        ran: list[str] = []
        for number, (cell, training) in enumerate(cells.items(), 1):
            progress(Step("cell", number, len(cells), cell))
            if not finished(run / CELLS / cell, training, photos[training.train_on]):
                run_cell(run / CELLS / cell, training, progress)
                ran.append(cell)
        # What an earlier call with other sizes finished belongs to the benchmark too.
        scored = sorted((s for s in load_runs(run) if (run / CELLS / s.name / DONE).is_file()), key=_order)
        metrics = pd.concat([s.metrics for s in scored], ignore_index=True)
        write_csv(run / "results.csv", _with_settings(metrics, scored))
        files = write_report(scored, run / "figures", run / "report.md")
        write_manifest(run, "finished", asdict(spec), cells=[s.name for s in scored])
    table = readable(metrics, {s.name: s.title for s in scored}, scored[0].synthetic)
    return BenchmarkResult(run, metrics, table, tuple(ran), tuple(s.name for s in scored if s.name not in ran), files)


def finished(folder: Path, training: TrainSpec, index_sha256: str) -> bool:
    """Whether a cell was run to its end.

    Raises:
        RunError: it was begun with other settings or on other photos: its results are somebody's, and stay as they are.
    """
    manifest = read_manifest(folder)
    if manifest is None:
        return False
    if not _asked(manifest["spec"], training):
        raise RunError("this cell was begun with other settings", folder, "Choose another --name for the benchmark.")
    if manifest["index_sha256"] != index_sha256:
        raise RunError("the photos have changed since this cell was begun", folder, "Choose another --name for the benchmark.")
    return (folder / DONE).is_file()


def run_cell(folder: Path, training: TrainSpec, progress: Progress) -> None:
    """Train, evaluate and predict one cell; training that was interrupted goes on from its last epoch."""
    seconds: dict[str, float] = {}
    manifest = read_manifest(folder)
    with stopwatch(seconds, "train"):
        if manifest is None:
            train(training, progress, folder=folder)
        elif manifest["status"] != "finished":
            resume(folder=folder, progress=progress)
    best = folder / "weights" / "best.pt"
    with stopwatch(seconds, "evaluate"):
        splits = set(evaluate(EvaluateSpec(weights=best, device=training.device), folder=folder).metrics["split"])
    with stopwatch(seconds, "predict"):
        source = HARD if HARD in splits else NORMAL
        predict(PredictSpec(source=source, weights=best, device=training.device), folder=folder / "predict")
    write_json(folder / DONE, {"seconds": seconds})


def _claim(run: Path, spec: BenchmarkSpec) -> None:
    """Begin a benchmark, or go on with one of the same settings; more sizes, training sets and seeds may join."""
    manifest = read_manifest(run)
    if run.exists() and manifest is None and any(run.iterdir()):
        raise RunError("this folder holds something else", run, "Choose another --name.")
    growing = ("sizes", "train_on", "seeds", "name", "device")
    if manifest is not None:
        before = {key: value for key, value in manifest["spec"].items() if key not in growing}
        now = {key: value for key, value in asdict(spec).items() if key not in growing}
        changed = [f"--{key}" for key in now if before.get(key) != now[key]]
        if changed:
            raise RunError(f"this benchmark was begun with other {', '.join(changed)}", run, "Choose another --name.")
    write_manifest(run, "running", asdict(spec))


def _asked(spec: dict[str, object], training: TrainSpec) -> bool:
    """Whether a manifest's spec is what a training asks for; what it left open may have been settled in any way."""
    asked = {key: value for key, value in asdict(replace(training, device="")).items() if value is not None and key != "device"}
    return all(spec.get(key) == value for key, value in asked.items())


def _order(run: Scored) -> tuple[int, int, int]:
    """Sizes from small to large, then training sets, then seeds."""
    size, train_on, _ = run.name.split("-")
    return yolo.SIZES.index(size), list(TRAINING_SETS).index(train_on), run.seed


def _with_settings(metrics: pd.DataFrame, runs: Sequence[Scored]) -> pd.DataFrame:
    """The metrics with columns that say which size, training set and seed each cell is of."""
    parts = {run.name: run.name.split("-") for run in runs}
    table = metrics.copy()
    table.insert(1, "size", [parts[run][0] for run in table["run"]])
    table.insert(2, "training_set", [parts[run][1] for run in table["run"]])
    table.insert(3, "seed", [int(parts[run][2].removeprefix("seed")) for run in table["run"]])
    return table
