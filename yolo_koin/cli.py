"""The command line: arguments, help and exit codes. Imports nothing heavy at module level."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from yolo_koin.console import bar, epochs_bar, say
from yolo_koin.environment import prepare
from yolo_koin.errors import KoinError, UsageError

RAW = {"rich_markup_mode": None, "no_args_is_help": True, "add_completion": False}
app = typer.Typer(name="yolo_koin", help="Benchmark YOLOv8 face classifiers on KoIn: normal photos against hard ones.", **RAW)  # type: ignore[arg-type]
convert_app = typer.Typer(help="Lay a dataset out in a format that Ultralytics reads.", **RAW)  # type: ignore[arg-type]
app.add_typer(convert_app, name="convert")

Data = Annotated[str, typer.Option("--data", help="Dataset folder (it holds normal_cases/), or 'sample' for the built-in faces.")]
ModelData = Annotated[str | None, typer.Option("--data", help="Dataset folder or 'sample'. [default: what the model was trained on]")]
TrainOn = Annotated[str, typer.Option(help="Training photos: normal, hard or both.")]
Fit = Annotated[str, typer.Option(help="pad: whole photo on a grey square; crop: its centre; face: around the face.")]
Side = Annotated[int, typer.Option(help="Side of the prepared square photos, in pixels.")]
Val = Annotated[float, typer.Option(help="Share of the training photos that becomes the validation split.")]
Workers = Annotated[int | None, typer.Option(help="Threads. [default: all cores]")]
Device = Annotated[str, typer.Option(help="cpu, a GPU's number, or mps. [default: first GPU, else cpu]")]
Weights = Annotated[Path | None, typer.Option(help="Checkpoint. [default: the newest finished training run's best.pt]")]
Trust = Annotated[bool, typer.Option("--trust-weights", help="Load a checkpoint that safe loading refuses. It can run any code.")]
Name = Annotated[str | None, typer.Option(help="Name of the run. [default: after what it does]")]
Epochs = Annotated[int | None, typer.Option(help="Epochs. [default: 80 from scratch, 30 from pretrained weights]")]
Imgsz = Annotated[int | None, typer.Option(help="Network input in pixels. [default: by the photos' size, at most 224]")]
Batch = Annotated[int, typer.Option(help="Photos per training step.")]
Freeze = Annotated[int, typer.Option(help="Layers to keep as they are; 9 is the whole backbone.")]
Start = Annotated[
    str,
    typer.Option("--weights", help="auto: ImageNet weights from weights/ or downloaded (scratch on the sample); scratch; or a path."),
]
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]


def main() -> None:
    """Run the command line; the console script's entry point."""
    prepare()  # before any verb loads torch
    try:
        app(prog_name="yolo_koin")
    except KoinError as error:
        print(f"yolo_koin: {error}", file=sys.stderr)
        sys.exit(2)


@app.command()
def sample(
    out: Annotated[Path, typer.Option(help="Folder to build it in.")] = Path("data/sample"), seed: int = 0, as_json: Json = False
) -> None:
    """Build the built-in faces: AT&T photographs laid out as KoIn, with synthetic hard cases and group scenes."""
    from yolo_koin.verbs.sample import SampleSpec
    from yolo_koin.verbs.sample import sample as run

    with bar("building") as progress:
        result = run(SampleSpec(out, seed), progress)
    rows = [(split, count) for split, count in result.photos.items()]
    say(
        as_json,
        result,
        ("split", "photos"),
        rows,
        "AT&T Laboratories Cambridge is to be credited: see README.txt there.",
        result.root,
    )


@app.command()
def audit(
    folder: Annotated[str | None, typer.Argument(metavar="[DATA]", help="Dataset folder, or 'sample'.", show_default=False)] = None,
    data: Data = "data/KoIn",
    workers: Workers = None,
    as_json: Json = False,
) -> None:
    """Say what is in a dataset and what is wrong with it."""
    from yolo_koin.verbs.audit import AuditSpec
    from yolo_koin.verbs.audit import audit as run

    with bar("reading") as progress:
        result = run(AuditSpec(folder or data, workers), progress)
    head = ("split", "classes", "images", "min", "median", "max", "unreadable", "unsupported", "empty", "missing", "published")
    rows = [
        (
            s.split,
            s.classes,
            s.images,
            s.smallest,
            f"{s.median:g}",
            s.largest,
            len(s.unreadable),
            len(s.unsupported),
            len(s.empty),
            len(s.missing),
            s.published or "",
        )
        for s in result.splits
    ]
    notes = [f"{image}: {reason}" for s in result.splits for image, reason in s.unreadable.items()]
    notes += [f"{path}: not a photo by its ending" for s in result.splits for path in s.unsupported]
    notes += [f"{s.split}/{label}: an empty class" for s in result.splits for label in s.empty]
    notes += [f"{label}: only in a test split, so no model can learn it" for label in result.only_in_test]
    notes += [f"exclude.txt took {result.excluded} photos out"] if result.excluded else []
    notes += [f"exclude.txt: '{line}' is no image id, label or sha256 of this dataset" for line in result.unmatched]
    notes += [f"The numbers look like published layout {result.layout}."] if result.layout else []
    say(as_json, result, head, rows, *notes)


@convert_app.command("classify")
def convert_classify(
    data: Data = "data/KoIn",
    out: Annotated[Path | None, typer.Option(help="Folder to write. [default: data/<name>-cls]")] = None,
    train_on: TrainOn = "normal",
    val: Val = 0.1,
    fit: Fit = "pad",
    side: Side = 256,
    seed: Annotated[int, typer.Option(help="Seed of the validation split.")] = 0,
    workers: Workers = None,
    as_json: Json = False,
) -> None:
    """Square JPEGs in train/, val/, test/ and hard_cases/test/, and index.csv. Again does only what changed.

    Example: yolo_koin convert classify --data sample --fit pad
    """
    from yolo_koin.verbs.convert import ConvertSpec, convert

    with bar("preparing", "The same command does the rest.") as progress:
        result = convert(ConvertSpec(data, out, train_on, val, fit, side, seed, workers), progress)
    notes = [f"{image}: left out, {reason}" for image, reason in result.unusable.items()]
    notes += [f"{label}: only in a test split, so it counts as wrong" for label in result.untrained]
    notes += [f"{label}: no validation photo, since its training photos are too alike or too few" for label in result.no_validation]
    notes += [f"{result.clusters} clusters of near-duplicate or grouped training photos were kept on one side of the train/val line."]
    notes += [f"{count} photos of {folder} are near-duplicates of a training photo." for folder, count in result.leaks.items() if count]
    say(as_json, result, ("folder", "photos"), list(result.counts.items()), *notes, result.root)


@app.command()
def hardcases(
    source: Annotated[Path, typer.Argument(help="A folder of photos; only read.")],
    destination: Annotated[Path, typer.Argument(help="Folder to write, outside of the source.")],
    kind: Annotated[list[str] | None, typer.Option(help="mask, sunglasses, hat, hand or light; may be repeated. [default: all]")] = None,
    severity: Annotated[int, typer.Option(help="1 to 5: share of the face that is covered.")] = 3,
    seed: int = 0,
    workers: Workers = None,
    as_json: Json = False,
) -> None:
    """Put a mask, sunglasses, a hat, a hand or stage light on the faces of photos. The copies are synthetic and marked so."""
    from yolo_koin.dataset.hardcases import KINDS
    from yolo_koin.verbs.hardcases import HardcasesSpec
    from yolo_koin.verbs.hardcases import hardcases as run

    with bar("drawing") as progress:
        result = run(HardcasesSpec(source, destination, tuple(kind or KINDS), severity, seed, workers), progress)
    notes = [f"{image}: left out, no face found" for image in result.no_face] + [
        f"{image}: left out, {why}" for image, why in result.unreadable
    ]
    say(
        as_json,
        result,
        ("written", "no face", "unreadable"),
        [(result.written, len(result.no_face), len(result.unreadable))],
        *notes,
        result.table,
    )


@app.command()
def train(
    ctx: typer.Context,
    data: Data = "data/KoIn",
    size: Annotated[str, typer.Option(help="YOLOv8 size: n, s, m, l or x.")] = "n",
    train_on: TrainOn = "normal",
    epochs: Epochs = None,
    imgsz: Imgsz = None,
    batch: Batch = 32,
    device: Device = "",
    seed: int = 0,
    freeze: Freeze = 0,
    weights: Start = "auto",
    fit: Fit = "pad",
    side: Side = 256,
    val: Val = 0.1,
    name: Name = None,
    resume: Annotated[bool, typer.Option("--resume", help="Finish an interrupted run: --name, or the one begun last.")] = False,
    as_json: Json = False,
) -> None:
    """Train a YOLOv8 classifier; the best epoch is chosen on validation photos.

    Example: yolo_koin train --data sample --size n
    """
    with epochs_bar("Once its first epoch is done, yolo_koin train --resume goes on with a run.") as (on_epoch, on_photo):
        from yolo_koin.verbs import train as verb

        if resume:
            _only(ctx, "--resume", {"resume", "name", "device", "as_json"})
            result = verb.resume(name, device or None, on_epoch)
        else:
            spec = verb.TrainSpec(data, size, train_on, epochs, imgsz, batch, device, seed, freeze, weights, name, fit, side, val)
            result = verb.train(spec, on_epoch, on_photo)
    row = (
        result.run.name,
        f"{100 * result.val_top1:.1f} %",
        f"{result.best_epoch} of {result.epochs}",
        f"{result.seconds:.0f} s",
    )
    say(as_json, result, ("run", "val top-1", "best epoch", "time"), [row], result.weights)


@app.command()
def evaluate(
    weights: Weights = None,
    data: ModelData = None,
    device: Device = "",
    name: Name = None,
    trust_weights: Trust = False,
    as_json: Json = False,
) -> None:
    """Score a model on every test split, each by itself: predictions.csv and metrics.csv."""
    with bar("naming") as progress:
        from yolo_koin.verbs import evaluate as verb
        from yolo_koin.verbs.report import readable

        result = verb.evaluate(verb.EvaluateSpec(weights, data, device, name, trust_weights), progress)
    table = readable(result.metrics, synthetic=result.synthetic)
    notes = [f"weights: {result.weights}", f"data: {result.data}"] + [
        f"{label}: the model never learnt this class; its photos count as wrong" for label in result.unknown
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
    device: Device = "",
    top: Annotated[int, typer.Option(help="Names drawn on each photo, 1 to 5.")] = 3,
    name: Name = None,
    trust_weights: Trust = False,
    as_json: Json = False,
) -> None:
    """Name the people in photos: annotated copies, predictions.csv and a contact sheet.

    Example: yolo_koin predict hard_cases/test
    """
    with bar("naming") as progress:
        from yolo_koin.verbs import predict as verb

        result = verb.predict(verb.PredictSpec(source, data, weights, device, top, name, trust_weights), progress)
    right = f"{result.right} of {result.labelled}" if result.labelled else ""
    rows = [(result.photos, result.unreadable, right)]
    files = [result.run / file for file in ("annotated", "predictions.csv", "contact_sheet.png")]
    say(as_json, result, ("photos", "unreadable", "right"), rows, *result.named, f"weights: {result.weights}", *files)


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
    batch: Batch = 32,
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
    with epochs_bar("The same command goes on from the last epoch.") as (on_epoch, on_photo):
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
        result = verb.benchmark(spec, lambda cell, i, n: print(f"cell {i} of {n}: {cell}", file=sys.stderr), on_epoch, on_photo)
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
