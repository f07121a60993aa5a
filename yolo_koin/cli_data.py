"""The commands that build, look through and convert datasets. Imports nothing heavy at module level."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from yolo_koin.console import bar, say
from yolo_koin.options import RAW, Boxes, Data, Device, FaceFinder, Fit, Json, Side, TrainOn, Trust, Val, Workers

TOLD = 10  # photos that are named on the screen as well

app = typer.Typer(**RAW)  # type: ignore[arg-type]
convert = typer.Typer(help="Lay a dataset out in a format that Ultralytics reads.", **RAW)  # type: ignore[arg-type]
app.add_typer(convert, name="convert")


@app.command()
def sample(
    out: Annotated[Path, typer.Option(help="Folder to build it in.")] = Path("data/sample"), seed: int = 0, as_json: Json = False
) -> None:
    """Build the built-in faces: AT&T photographs laid out as KoIn, with synthetic hard cases and group scenes."""
    from yolo_koin.verbs.sample import SampleSpec
    from yolo_koin.verbs.sample import sample as run

    with bar() as progress:
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

    with bar() as progress:
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


@convert.command("classify")
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

    with bar("The same command does the rest.") as progress:
        result = convert(ConvertSpec(data, out, train_on, val, fit, side, seed, workers), progress)
    notes = [f"{image}: left out, {reason}" for image, reason in result.unusable.items()]
    notes += [f"{label}: only in a test split, so it counts as wrong" for label in result.untrained]
    notes += [f"{label}: no validation photo, since its training photos are too alike or too few" for label in result.no_validation]
    notes += [f"{result.clusters} clusters of near-duplicate or grouped training photos were kept on one side of the train/val line."]
    notes += [f"{count} photos of {folder} are near-duplicates of a training photo." for folder, count in result.leaks.items() if count]
    say(as_json, result, ("folder", "photos"), list(result.counts.items()), *notes, result.root)


@convert.command("detect")
def convert_boxes(
    data: Data = "data/KoIn",
    out: Annotated[Path | None, typer.Option(help="Folder to write. [default: data/<name>-det]")] = None,
    train_on: TrainOn = "normal",
    val: Val = 0.1,
    side: Annotated[int, typer.Option(help="Longer side of the prepared photos, in pixels; smaller ones stay as they are.")] = 640,
    seed: Annotated[int, typer.Option(help="Seed of the validation split.")] = 0,
    boxes: Boxes = None,
    detector: FaceFinder = None,
    device: Device = "",
    trust_weights: Trust = False,
    review: Annotated[
        int, typer.Option(help="Pages of the review sheet at most; the boxes that the detector is least sure of come first.")
    ] = 20,
    workers: Workers = None,
    as_json: Json = False,
) -> None:
    """Box the face in each photo and write images/, labels/, data.yaml and boxes.csv. Again does only what changed.

    Example: yolo_koin convert detect --data sample
    """
    with bar("The same command does the rest.") as progress:
        from yolo_koin.verbs.convert_detect import ConvertDetectSpec, convert_detect

        spec = ConvertDetectSpec(data, out, train_on, val, side, seed, boxes, detector, device, trust_weights, review, workers)
        result = convert_detect(spec, progress)
    done = result.converted
    notes = [f"{problem.where}: {problem.reason}" for problem in result.problems]
    notes += [f"{image}: left out, {reason}" for image, reason in list(done.left_out.items())[:TOLD]]
    notes += [f"and {len(done.left_out) - TOLD} more photos were left out; boxes.csv has the reasons"] if len(done.left_out) > TOLD else []
    notes += [f"{count} boxes: {source}" for source, count in done.boxes.items()]
    notes += [f"{label}: no face in train, so it cannot be learnt" for label in done.untrained]
    notes += [f"{label}: no validation photo with a face" for label in done.no_validation]
    notes += [f"{done.clusters} clusters of near-duplicate or grouped training photos were kept on one side of the train/val line."]
    notes += [f"{count} photos of {folder} are near-duplicates of a training photo." for folder, count in done.leaks.items() if count]
    notes += (
        [f"look through {result.pages[0].parent}: {len(result.pages)} pages; correct boxes.csv and bring it back with --boxes"]
        if result.pages
        else []
    )
    say(as_json, result, ("folder", "photos"), list(done.counts.items()), *notes, done.root / "data.yaml", done.root / "boxes.csv")


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
    from yolo_koin.synthetic.hardcases import KINDS
    from yolo_koin.verbs.hardcases import HardcasesSpec
    from yolo_koin.verbs.hardcases import hardcases as run

    with bar() as progress:
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
