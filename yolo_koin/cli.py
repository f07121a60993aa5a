"""The command line: what trains, scores, predicts and reports; exit codes. Imports nothing heavy at module level."""

from __future__ import annotations

import sys
from importlib.metadata import version as installed
from pathlib import Path
from typing import Annotated

import typer

from yolo_koin import cli_data
from yolo_koin.console import CALLED, bar, say
from yolo_koin.environment import prepare
from yolo_koin.errors import KoinError, UsageError
from yolo_koin.options import (
    RAW,
    Batch,
    Boxes,
    Data,
    Device,
    Epochs,
    FaceFinder,
    Fit,
    Freeze,
    Imgsz,
    Json,
    ModelData,
    Name,
    Side,
    Start,
    Task,
    TrainOn,
    Trust,
    Val,
    Weights,
)

app = typer.Typer(name="yolo_koin", help="Benchmark YOLOv8 face classifiers on KoIn: normal photos against hard ones.", **RAW)  # type: ignore[arg-type]
app.add_typer(cli_data.app)


def main() -> None:
    """Run the command line; the console script's entry point."""
    prepare()  # before any verb loads torch
    try:
        app(prog_name="yolo_koin")
    except KoinError as error:
        print(f"yolo_koin: {error}", file=sys.stderr)
        sys.exit(2)


def _version(wanted: bool) -> None:
    if wanted:
        print(f"yolo_koin {installed('yolo_koin')}")
        raise typer.Exit


@app.callback()
def common(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Say which version this is.")] = False,
) -> None:
    """Benchmark YOLOv8 face classifiers on KoIn: normal photos against hard ones."""


@app.command()
def train(
    ctx: typer.Context,
    data: Data = "data/KoIn",
    size: Annotated[str, typer.Option(help="YOLOv8 size: n, s, m, l or x.")] = "n",
    task: Task = "classify",
    train_on: TrainOn = "normal",
    epochs: Epochs = None,
    imgsz: Imgsz = None,
    batch: Batch = None,
    device: Device = "",
    seed: int = 0,
    freeze: Freeze = 0,
    weights: Start = "auto",
    fit: Fit = "pad",
    side: Annotated[int | None, typer.Option(help="Side of the prepared photos, in pixels. [default: 256, or 640 to detect]")] = None,
    val: Val = 0.1,
    name: Name = None,
    resume: Annotated[bool, typer.Option("--resume", help="Finish an interrupted run: --name, or the one begun last.")] = False,
    as_json: Json = False,
) -> None:
    """Train a YOLOv8 classifier, or a detector that tells people apart; the best epoch is chosen on validation photos.

    Example: yolo_koin train --data sample --size n
    """
    with bar("Once its first epoch is done, yolo_koin train --resume goes on with a run.") as progress:
        from yolo_koin.verbs import train as verb

        if resume:
            _only(ctx, "--resume", {"resume", "name", "device", "as_json"})
            result = verb.resume(name, device or None, progress)
        else:
            spec = verb.TrainSpec(data, size, train_on, epochs, imgsz, batch, device, seed, freeze, weights, name, fit, side, val, task)
            result = verb.train(spec, progress)
    row = (
        result.run.name,
        f"{100 * result.val:.1f} %",
        f"{result.best_epoch} of {result.epochs}",
        f"{result.seconds:.0f} s",
    )
    say(as_json, result, ("run", f"val {CALLED[result.metric]}", "best epoch", "time"), [row], result.weights)


@app.command()
def evaluate(
    weights: Weights = None,
    data: ModelData = None,
    task: Task = "classify",
    faces: Annotated[bool, typer.Option("--faces", help="Find every face and name each, in place of the photo as a whole.")] = False,
    detector: FaceFinder = None,
    boxes: Boxes = None,
    device: Device = "",
    name: Name = None,
    trust_weights: Trust = False,
    as_json: Json = False,
) -> None:
    """Score a model on every test split, each by itself: predictions.csv and metrics.csv."""
    with bar() as progress:
        from yolo_koin.verbs import evaluate as verb
        from yolo_koin.verbs.report import readable

        result = verb.evaluate(verb.EvaluateSpec(weights, data, device, name, trust_weights, task, faces, detector, boxes), progress)
    table = readable(result.metrics, synthetic=result.synthetic)
    notes = [f"weights: {result.weights}", f"data: {result.data}"] + [
        f"{label}: the model never learnt this class; its photos count as wrong" for label in result.unknown
    ]
    notes += result.notes
    notes += [
        f"{split}: boxes are {finder}'s, so scores of boxes tell agreement with {finder}" for split, finder in result.agreement.items()
    ]
    say(
        as_json,
        result,
        tuple(table.columns),
        list(table.itertuples(index=False)),
        *notes,
        result.run / "predictions.csv",
        result.run / "metrics.csv",
    )


@app.command()
def predict(
    source: Annotated[str, typer.Argument(help="A split (hard_cases/test), a folder, a photo or a glob.")],
    data: ModelData = None,
    weights: Weights = None,
    faces: Annotated[bool, typer.Option("--faces", help="Find every face and name each, in place of the photo as a whole.")] = False,
    detector: FaceFinder = None,
    device: Device = "",
    top: Annotated[int, typer.Option(help="Names drawn on each photo, 1 to 5.")] = 3,
    name: Name = None,
    trust_weights: Trust = False,
    as_json: Json = False,
) -> None:
    """Name the people in photos: annotated copies, predictions.csv and a contact sheet.

    A detector's weights find and name faces by themselves; --faces does it with a classifier's.

    Example: yolo_koin predict hard_cases/test
    """
    with bar() as progress:
        from yolo_koin.verbs import predict as verb

        result = verb.predict(verb.PredictSpec(source, data, weights, device, top, name, trust_weights, faces, detector), progress)
    right = f"{result.right} of {result.labelled}" if result.labelled else ""
    rows = [(result.photos, result.unreadable, right)]
    files = [result.run / file for file in ("annotated", "predictions.csv", "contact_sheet.png")]
    say(as_json, result, ("photos", "unreadable", "right"), rows, *result.named, *result.notes, f"weights: {result.weights}", *files)


@app.command()
def report(
    runs: Annotated[list[str], typer.Argument(help="Runs under runs/evaluate or runs/benchmark, by name or folder.")],
    out: Annotated[Path | None, typer.Option(help="Folder for the figures. [default: figures/ of the first run]")] = None,
    as_json: Json = False,
) -> None:
    """Draw the figures of scored runs, and their table."""
    from yolo_koin.verbs.report import ReportSpec
    from yolo_koin.verbs.report import report as run

    result = run(ReportSpec(tuple(runs), out))
    say(as_json, result, (), [], *result.files)


@app.command()
def benchmark(
    data: Data = "data/KoIn",
    sizes: Annotated[str, typer.Option(help="YOLOv8 sizes, with commas: n,s,m,l,x.")] = "n",
    train_on: Annotated[str, typer.Option(help="Training sets, with commas: normal,hard,both.")] = "normal",
    seeds: Annotated[str, typer.Option(help="Seeds, with commas; each is a training of its own.")] = "0",
    name: Name = None,
    epochs: Epochs = None,
    imgsz: Imgsz = None,
    batch: Batch = None,
    device: Device = "",
    freeze: Freeze = 0,
    weights: Start = "auto",
    fit: Fit = "pad",
    side: Side = 256,
    val: Val = 0.1,
    as_json: Json = False,
) -> None:
    """Train, evaluate, predict and draw every size on every training set. Finished cells are not run again.

    Example: yolo_koin benchmark --data sample --sizes n
    """
    with bar("The same command goes on from the last epoch.") as progress:
        from yolo_koin.verbs import benchmark as verb

        spec = verb.BenchmarkSpec(
            data,
            _list(sizes),
            _list(train_on),
            _numbers(seeds),
            name,
            epochs,
            imgsz,
            batch,
            device,
            freeze,
            weights,
            fit,
            side,
            val,
        )
        result = verb.benchmark(spec, progress)
    table = result.table
    notes = [f"{len(result.taken)} cells were finished before"] if result.taken else []
    files = (result.run / "results.csv", result.run / "report.md", result.run / "figures")
    say(as_json, result, tuple(table.columns), list(table.itertuples(index=False)), *notes, *files)


# ------------------------------------------------------------------------------------------------------ options
def _only(ctx: typer.Context, option: str, allowed: set[str]) -> None:
    """Raise a UsageError when the user gave options that ``option`` would silently pass over."""
    given = [name for name in ctx.params if (source := ctx.get_parameter_source(name)) and source.name == "COMMANDLINE"]
    if other := [f"--{name.replace('_', '-')}" for name in given if name not in allowed]:
        raise UsageError(f"{option} goes on with the settings of the run", ", ".join(other), f"Drop it, or {option}.")


def _list(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _numbers(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in _list(text))
    except ValueError as error:
        raise UsageError("whole numbers with commas", f"--seeds {text}", "As in --seeds 0,1,2.") from error
