"""What each command prints of its result: a short table, and lines below it. The docstrings are the commands' help."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import typer

from yolo_koin.console import say
from yolo_koin.errors import RunError, UsageError
from yolo_koin.options import Option
from yolo_koin.words import CALLED, DECIDE, count, first

TOLD = 10  # photos that are named on the screen as well
RESUME = Option("Finish an interrupted run: --name, or the one begun last.")
FOLDER = Option("Dataset folder, or 'sample'.", position=True)
CONFIG = Option("YAML file of these options; those of the command line come before it.")
AGAIN = "The same command tries again what failed."


def call_audit(fields: dict[str, Any], progress: Any) -> Any:
    """Audit the dataset that stands by itself, or after ``--data``."""
    from yolo_koin.specs import AuditSpec

    folder = fields.pop("folder", None)
    asked = AuditSpec(**(fields | ({"data": folder} if folder else {})))
    from yolo_koin.verbs import early

    early.check(asked)
    from yolo_koin.verbs.audit import audit as verb

    return verb(asked, progress)


def call_benchmark(fields: dict[str, Any], progress: Any) -> Any:
    """Run the benchmark of a file, of the command line, or of both."""
    from yolo_koin.configs import read_config
    from yolo_koin.specs import BenchmarkSpec
    from yolo_koin.verbs import early

    config = fields.pop("config", None)
    told = read_config(Path(config), BenchmarkSpec) if config else {}
    given = {
        *fields,
        *(("sizes", "models") if {"sizes", "models"} & {*fields} else ()),
    }  # the command line comes before each of the matrices
    told["matrices"] = [{key: value for key, value in one.items() if key not in given} for one in told.get("matrices", ())]
    asked = BenchmarkSpec(**{key: value for key, value in told.items() if key not in given}, **fields)
    early.check(asked)
    from yolo_koin.verbs.benchmark import benchmark as verb

    return verb(asked, progress)


def call_train(fields: dict[str, Any], progress: Any) -> Any:
    """Train, or go on with a training."""
    from yolo_koin.specs import Spec, TrainSpec
    from yolo_koin.verbs import early
    from yolo_koin.workspace import Workspace

    if not fields.pop("resume", False):
        asked = TrainSpec(**fields)
        early.check(asked)
        from yolo_koin.verbs.train import train as verb

        return verb(asked, progress)
    if other := sorted(set(fields) - {"name", "device", "workspace"}):
        given = ", ".join(f"{key}={fields[key]}" for key in other)
        raise UsageError("--resume goes on with the settings of the run", given, "Drop it, or --resume.")
    home = Workspace(Path(fields["workspace"])) if "workspace" in fields else Workspace.of(Spec())
    home.interrupted_training(fields.get("name"))
    from yolo_koin.verbs.train import resume

    return resume(fields.get("name"), fields.get("device"), progress, home)


def sample(result: Any, as_json: bool) -> None:
    """Build the built-in faces: AT&T photographs laid out as KoIn, with synthetic hard cases and group scenes."""
    rows = list(result.photos.items())
    say(as_json, result, ("split", "photos"), rows, "AT&T Laboratories Cambridge is to be credited: see README.txt there.", result.root)


def split(result: Any, as_json: bool) -> None:
    """Divide a folder of people into train/ and test/, near-duplicates on one side: hard links or copies, nothing is moved.

    Example: yolo_koin split ~/photos/people data/KoIn
    """
    clusters = count(result.clusters, "cluster")
    notes = [f"{count(result.classes, 'person')}, {clusters} of photos that are near-duplicates or of one group kept on one side"]
    notes += [f"{count(result.copied, 'photo')} copied, since no link could be made"] if result.copied else []
    notes += [f"{label}: no test photo, since theirs are too alike or too few" for label in result.untested]
    say(as_json, result, ("part", "photos"), list(result.counts.items()), *notes, *result.notes, result.root)


def audit(result: Any, as_json: bool) -> None:
    """Say what is in a dataset and what is wrong with it: copies, leaks from train to test, wrong labels, photos nobody can use.

    Example: yolo_koin audit data/KoIn --write-exclude proposal.txt
    """
    head = ["split", "classes", "photos", "fewest", "median", "most", "unreadable", "other files", "empty classes", "classes it lacks"]
    rows = [
        (
            *(s.split, s.classes, s.images, s.smallest, f"{s.median:g}", s.largest),
            *(len(s.unreadable), len(s.unsupported), len(s.empty), len(s.lacking)),
            *([s.stated or ""] if result.layout else []),
        )
        for s in result.splits
    ]
    head += [f"photos in layout {result.layout}"] if result.layout else []
    kinds = [f"{kind}: {n:,}" for kind, n in result.findings.items()]
    proposed = [result.proposed] if result.proposed else []
    say(as_json, result, head, rows, *result.lines(), *kinds, result.run / "findings.csv", result.run / "index.html", *proposed)
    if result.strict and result.wrong:
        raise typer.Exit(1)


def convert(result: Any, as_json: bool) -> None:
    """Square JPEGs in train/, val/, test/ and hard_cases/test/, and index.csv. Again does only what changed.

    Example: yolo_koin convert classify --data sample --fit pad
    """
    notes = first([f"{image}: left out, {reason}" for image, reason in result.unusable.items()], TOLD, "photo", " left out; see index.csv")
    notes += first([f"{label}: only in a test split, so it counts as wrong" for label in result.untrained], TOLD, "class", " only tested")
    notes += _without_validation(result, "no validation photo, since its training photos are too alike or too few")
    say(as_json, result, ("folder", "photos"), list(result.counts.items()), *notes, *_of_carving(result), result.root)


def convert_detect(result: Any, as_json: bool) -> None:
    """Box the face in each photo and write images/, labels/, data.yaml and boxes.csv. Again does only what changed.

    Example: yolo_koin convert detect --data sample
    """
    done, pages = result.converted, result.pages
    left_out = [f"{image}: left out, {reason}" for image, reason in done.left_out.items() if image not in done.suggested]
    notes = [*map(str, result.problems), *first(left_out, TOLD, "photo", " left out; reasons are in boxes.csv")]
    notes += [f"{count(boxes, 'box')}: {source}" for source, boxes in done.boxes.items()]
    if done.suggested:
        many = f"{count(sum(done.suggested.values()), 'face')} in {count(len(done.suggested), 'photo')}"
        notes.append(f"{many} suggested in boxes.csv, and not used: {DECIDE}")
    notes += first([f"{label}: no face in train, so it cannot be learnt" for label in done.untrained], TOLD, "class", " without one")
    notes += _without_validation(done, "no validation photo with a face")
    notes += _of_carving(done)
    shown, photos = result.photos
    size = count(len(pages), "page") + (f" with {shown:,} of {count(photos, 'photo')}; --review shows more" if shown < photos else "")
    look = f"look through {pages[0].parent} ({size}); correct a copy of boxes.csv and bring it back with --boxes" if pages else ""
    kept = [f"drawn boxes are kept in {result.kept} and used from now on; --boxes none sets them aside"] if result.kept else []
    files = [done.root / "data.yaml", done.root / "boxes.csv"]
    say(as_json, result, ("folder", "photos"), list(done.counts.items()), *notes, *kept, *([look] if look else []), *files)


def hardcases(result: Any, as_json: bool) -> None:
    """Put a mask, sunglasses, a hat, a hand or stage light on the faces of photos. The copies are synthetic and marked so."""
    notes = [f"{image}: left out, no face found" for image in result.no_face]
    notes += [f"{image}: left out, {why}" for image, why in (*result.unreadable, *result.implausible)]
    notes += [f"{count(result.turned, 'photo')} lying on the side or upside down: the face was found by turning"] if result.turned else []
    notes += result.notes
    row = (result.written, len(result.no_face), len(result.unreadable))
    say(as_json, result, ("written", "no face", "unreadable"), [row], *notes, result.table)


def train(result: Any, as_json: bool) -> None:
    """Train a classifier, or a detector that tells people apart; the best epoch is chosen on validation photos.

    Example: yolo_koin train --data sample --size n
    """
    row = (result.run.name, f"{100 * result.val:.1f} %", f"{result.best_epoch} of {result.epochs}", f"{result.seconds:.0f} s")
    say(as_json, result, ("run", f"val {CALLED[result.metric]}", "best epoch", "time"), [row], *result.notes, result.weights)


def evaluate(result: Any, as_json: bool) -> None:
    """Score a model on every test split, each by itself: predictions.csv and metrics.csv."""
    notes = [f"weights: {result.weights}", f"data: {result.data}"]
    if result.score:
        from yolo_koin.verbs.open_set import readable as of_strangers

        table = of_strangers(result.metrics, result.score, result.synthetic)
        notes.append(f"strangers are told by {result.score}, which validation photos choose")
    else:
        from yolo_koin.verbs.results import readable

        table = readable(result.metrics, synthetic=result.synthetic)
    never = [f"{label}: the model never learnt this class; its photos count as wrong" for label in result.unknown]
    notes += first(never, TOLD, "class", " that it never learnt")
    notes += result.notes
    if any("] (" in str(cell) for cell in table.to_numpy().ravel()):
        notes.append("in parentheses: the photos behind a value, where they are not those of its row")
    notes += [f"{split}: boxes are {name}'s, so scores of boxes tell agreement with {name}" for split, name in result.agreement.items()]
    names = ("predictions.csv", "metrics.csv", "per_person.csv", "confusion.csv")
    files = [path for path in (result.run / name for name in names) if path.is_file()]
    if result.segments:
        notes += result.segments.findings
        files += result.segments.files
    say(as_json, result, tuple(table.columns), list(table.itertuples(index=False)), *notes, *files)


def stress(result: Any, as_json: bool) -> None:
    """Change the normal test photos step by step (mask, hat, blur, …), and say what each step costs the model.

    Each thing that is drawn is compared with the same thing at a random place.

    Example: yolo_koin stress --kind mask,hat,blur
    """
    from yolo_koin.evaluation.robustness import by_severity

    files = [result.run / name for name in ("metrics.csv", "patches.csv", "stress.png", "examples.png", "report.md")]
    table = by_severity(result.metrics)
    say(as_json, result, tuple(table.columns), list(table.itertuples(index=False)), *_findings(result), *files)


def control(result: Any, as_json: bool) -> None:
    """Erase the face from every test photo, or all but the face, and say whether the model knows the face or the scene.

    Example: yolo_koin control --data sample
    """
    files = [result.run / name for name in ("metrics.csv", "chance.csv", "erased_face.png", "report.md")]
    from yolo_koin.evaluation import scores

    called = {"top1": "top-1", "scene_top1": "named after what is around the face"}
    told = result.metrics.itertuples()
    rows = [(row.split, row.n, called[row.metric], scores.text(row.metric, row.value, row.low, row.high)) for row in told]
    say(as_json, result, ("split", "photos", "metric", "value"), rows, *_findings(result), *files)


def _findings(result: Any) -> list[str]:
    return [*result.findings, *result.notes, f"weights: {result.weights}", f"data: {result.data}"]


def score(result: Any, as_json: bool) -> None:
    """Score anybody's predictions of the test photos as evaluate scores a model's: the same metrics, the same place in report.

    Example: yolo_koin score predictions.csv --data sample --name theirs
    """
    from yolo_koin.verbs.results import readable

    table = readable(result.metrics, synthetic=result.synthetic)
    files = (result.run / "predictions.csv", result.run / "metrics.csv")
    say(as_json, result, tuple(table.columns), list(table.itertuples(index=False)), f"data: {result.data}", *result.notes, *files)


def predict(result: Any, as_json: bool) -> None:
    """Name the people in photos: annotated copies, predictions.csv and a contact sheet.

    A detector's weights find and name faces by themselves; --faces does it with a classifier's.

    Example: yolo_koin predict hard_cases/test
    """
    files = [result.run / file for file in ("annotated", "predictions.csv", "contact_sheet.png")]
    rows = [
        (
            *(one.split or "your photos", one.photos, one.unreadable),
            *(f"{one.right} of {one.labelled}" if one.labelled else "", "learnt from" if one.learnt else ""),
        )
        for one in result.splits
    ]
    more = result.photos - len(result.named)
    left_out = [f"and {more:,} more in predictions.csv"] if more else []
    told = [*result.explanation.findings, *result.explanation.files] if result.explanation else []
    lines = [*result.named, *left_out, *result.notes, f"weights: {result.weights}", *files, *told]
    say(as_json, result, ("split", "photos", "unreadable", "right", ""), rows, *lines)


def demo(result: Any, as_json: bool) -> None:
    """Open a page on this computer: drop a photo, or take one, and see whom models name, with a mask and sunglasses drawn on it too.

    Example: yolo_koin demo --weights n-normal,m-normal --open
    """
    say(as_json, result, (), [], *result.notes, f"models: {', '.join(result.models)}", f"{result.url} (this computer only; Ctrl-C ends it)")
    sys.stdout.flush()
    result.wait()


def export(result: Any, as_json: bool) -> None:
    """Write a classifier as ONNX or for OpenVINO, with its names and a script that names photos; how fast it is, and whether it agrees.

    Example: yolo_koin export m-normal --format onnx
    """
    table = result.table
    say(as_json, result, tuple(table.columns), list(table.itertuples(index=False)), *result.notes, f"weights: {result.weights}", result.run)


def report(result: Any, as_json: bool) -> None:
    """Draw the figures of scored runs, and their table."""
    say(as_json, result, (), [], *result.notes, *result.files)


def benchmark(result: Any, as_json: bool) -> None:
    """Train, evaluate, predict and draw every model on every training set. Finished cells are not run again.

    Example: yolo_koin benchmark --data sample --sizes n
    """
    table = result.table
    notes = [f"{count(len(result.taken), 'cell')} finished before"] if result.taken else []
    notes += result.notes
    files = (result.run / "results.csv", *result.pages, *(path.parent for path in result.figures[:1])) if result.pages else ()
    say(as_json, result, tuple(table.columns), list(table.itertuples(index=False)), *notes, *files)
    for name, reason in result.failed.items():
        raise RunError(f"{count(len(result.failed), 'cell')} failed, {name} first ({reason})", result.run / "results.csv", AGAIN)


def runs(result: Any, as_json: bool) -> None:
    """List the runs: kind, name, status, key figure, and when they were last written to."""
    rows = [(one.kind, one.name, one.status, one.figure, one.updated) for one in result]
    if not rows and not as_json:
        say(as_json, result, (), [], "no run yet; yolo_koin train begins one")
        return
    say(as_json, result, ("kind", "name", "status", "figure", "updated (UTC)"), rows)


def _of_carving(result: Any) -> list[str]:
    clusters = count(result.clusters, "cluster")
    clusters += " of training photos that are near-duplicates or of one group kept on one side of the train/val line"
    leaks = [f"near-duplicates of training photos in {folder}: {n:,}" for folder, n in result.leaks.items() if n]
    doubles = [f"{one} and {other}: one photo under two people" for one, other in result.doubles]
    doubles = first(doubles, TOLD, "pair", " of one photo under two people")
    table = [f"each is named in {result.duplicates}; a line in exclude.txt leaves a photo out"] if result.duplicates else []
    return [clusters, *leaks, *doubles, *table, *result.notes]


def _without_validation(result: Any, why: str) -> list[str]:
    return first([f"{label}: {why}" for label in result.no_validation], TOLD, "class", " without one")
