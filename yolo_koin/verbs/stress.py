"""``yolo_koin stress``: what covering and corruption of rising severity cost a model, on the normal test photos."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from PIL import Image

from yolo_koin.dataset.hashes import photo_hashes
from yolo_koin.dataset.images import PhotoError, open_photo
from yolo_koin.dataset.koin import Sample
from yolo_koin.errors import DatasetError, RunError
from yolo_koin.evaluation import predictions, scores
from yolo_koin.evaluation.across_runs import tested
from yolo_koin.evaluation.robustness import Errors, against_patch, by_severity, compared, corruption_errors, tidy, top1_of
from yolo_koin.evaluation.segments import segments
from yolo_koin.faces.protocol import dominant
from yolo_koin.faces.turned import implausible
from yolo_koin.files import write_csv, write_text
from yolo_koin.naming.sweeps import Located, Sweep, samples_of
from yolo_koin.parallel import Progress
from yolo_koin.reporting.document import Block, Figure, Heading, Table, Text, markdown
from yolo_koin.reporting.prints import ExampleRow, examples_for_each_case
from yolo_koin.reporting.saving import save
from yolo_koin.reporting.sweeps import stress_curves
from yolo_koin.runs import StressRun
from yolo_koin.specs import StressSpec
from yolo_koin.splits import NORMAL, Split
from yolo_koin.synthetic.variants import COVERING, OF_FACES, Variant, variants_of
from yolo_koin.verbs.asked import Asked, asked, reasons
from yolo_koin.verbs.drawing import dataset_name
from yolo_koin.verbs.findings import of_patches, of_reference, of_sweep
from yolo_koin.verbs.resolve import name_of
from yolo_koin.verbs.scored import title_of
from yolo_koin.verbs.segments import of_segments
from yolo_koin.verbs.verb import verb
from yolo_koin.workspace import Workspace, training_of

KEYS = ["split", "image", "true_label"]
PATCHES = (
    "Each thing where it belongs (a) against the same thing elsewhere (b): photos that only one has right, or that it has right at more "
    "severities; McNemar's exact test, Holm's correction over kinds, and over kinds and severities:"
)
VERSUS = "The two models, tested likewise:"


@dataclass(frozen=True)
class StressResult:
    """A finished sweep.

    Attributes:
        run: its folder, with ``predictions.csv``, ``metrics.csv``, ``covered.csv``, ``patches.csv``, ``segments.csv`` (by how much is
            covered), the figures and ``report.md``.
        weights: the checkpoint.
        data: the dataset.
        metrics: rows of ``metrics.csv``.
        patches: rows of ``patches.csv``: each thing against the same thing elsewhere.
        findings: what it comes to, a sentence each.
        notes: what the user should know: photos without a usable face.
    """

    run: Path
    weights: Path
    data: Path
    metrics: pd.DataFrame
    patches: pd.DataFrame
    findings: tuple[str, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Reference:
    """The sweep of another model, which errors are measured in."""

    title: str
    frame: pd.DataFrame
    metrics: pd.DataFrame


@verb(StressSpec)
def stress(spec: StressSpec, progress: Progress) -> StressResult:
    """Name every normal test photo as it is and in every variant, and write what that costs.

    Raises:
        DatasetError, WeightsError, RunError: what the user can mend.
    """
    workspace = Workspace.of(spec)
    reference = _reference(spec, workspace) if spec.reference else None
    with asked(spec, workspace) as subject, workspace.begun("stress", spec.name, name_of(subject.weights), spec) as folder:
        run = StressRun(folder=folder, spec=spec, photos_sha256=photo_hashes(subject.dataset.of(NORMAL)), **subject.facts)
        with run.written().failing():
            result = _swept(spec, subject, reference, folder, progress)
            run.written(status="finished")
    return result


def _swept(spec: StressSpec, subject: Asked, reference: Reference | None, folder: Path, progress: Progress) -> StressResult:
    tests = subject.dataset.of(NORMAL)
    if not tests:
        raise DatasetError(f"no photos in {NORMAL}", subject.dataset.root, "The sweep changes normal test photos.")
    faces, left_out = _located(subject, tests, progress) if set(spec.kinds) & set(OF_FACES) else ({}, {})
    sweep, variants = Sweep(faces, spec.seed), variants_of(spec.kinds, spec.severities)
    samples = samples_of(tests, [str(v) for v in variants], faces, [str(v) for v in variants if v.kind in OF_FACES])
    frame = subject.written(folder, samples, sweep, progress)
    shares = [
        (str(Split(NORMAL.case, NORMAL.part, variant)), image, share)
        for (image, variant), share in sorted(sweep.covered.items())
        if Variant.parse(variant).kind in COVERING
    ]
    covered = pd.DataFrame(shares, columns=["split", "image", "covered"])
    title = _title(subject, reference)
    errors, versus = _against(frame, reference, title, spec) if reference else ([], tested([]))
    parts = segments(_in_place(frame), covered)
    table, patches = tidy([*top1_of(frame, covered), *errors], folder.name), against_patch(frame)
    write_csv(folder / "covered.csv", covered)
    write_csv(folder / "patches.csv", patches)
    write_csv(folder / "segments.csv", parts)
    if reference:
        write_csv(folder / "reference.csv", versus)
    scores.write(folder / "metrics.csv", table)
    findings = (*of_sweep(table, reference.title if reference else ""), *of_reference(versus), *of_patches(patches, table))
    findings += tuple(of_segments(parts)) if len(parts) else ()
    notes = (*subject.dataset.notes, *reasons(left_out))
    blocks: list[Block] = [
        Heading(f"{title} on changed photos of {dataset_name(subject.dataset.root)}", 1),
        *(Text(sentence) for sentence in (*findings, *notes)),
        *_figures(spec, title, tests, sweep, table, reference, folder),
        Table(by_severity(table), "Top-1 by severity:"),
        *([Table(versus, VERSUS)] if len(versus) else []),
        *([Table(patches.drop(columns=["a", "b"]), PATCHES)] if len(patches) else []),
    ]
    write_text(folder / "report.md", markdown(blocks, folder))
    return StressResult(folder, subject.weights, subject.dataset.root, table, patches, findings, notes)


def _located(subject: Asked, tests: Sequence[Sample], progress: Progress) -> tuple[dict[str, Located], dict[str, str]]:
    """Where the face of each photo lies, and of those that have no usable one, why."""
    faces: dict[str, Located] = {}
    left_out: dict[str, str] = {}
    for sample, found in subject.found(tests, progress):
        face = dominant(found.faces)
        if found.error or face is None:
            left_out[sample.image] = "unreadable" if found.error else "no face found"
        elif face.landmarks is None or implausible(face):
            left_out[sample.image] = implausible(face) if face.landmarks else "this face detector gives no landmarks"
        else:
            faces[sample.image] = Located(face, (found.width, found.height))
    return faces, left_out


# ------------------------------------------------------------------------------------------------------------- reference
def _reference(spec: StressSpec, workspace: Workspace) -> Reference:
    """The finished stress run that errors are measured in.

    Raises:
        RunError: there is none of this name, or its photos were changed otherwise.
    """
    folder = workspace.runs / "stress" / str(spec.reference)
    run = StressRun.read(folder)
    if run is None or run.status != "finished":
        raise RunError("no such finished stress run", folder, "Run yolo_koin stress with the weights of the reference first.")
    lacking = sorted(set(spec.kinds) - set(run.spec.kinds)) + sorted(set(map(str, spec.severities)) - set(map(str, run.spec.severities)))
    if lacking or run.spec.seed != spec.seed:
        what = f"without {', '.join(lacking)}" if lacking else f"with seed {run.spec.seed}"
        raise RunError(f"the reference was swept {what}", folder, "Sweep both models alike.")
    training = training_of(run.weights)
    title = title_of(training) if training else run.name
    return Reference(title, predictions.read(folder / "predictions.csv"), scores.read(folder / "metrics.csv"))


def _against(frame: pd.DataFrame, reference: Reference, title: str, spec: StressSpec) -> tuple[list[scores.Row], pd.DataFrame]:
    """The corruption errors in those of the reference, and the tests between the two.

    Raises:
        RunError: the reference did not see the same photos.
    """
    theirs = reference.frame[reference.frame["split"].isin(set(frame["split"]))].reset_index(drop=True)
    if not frame[KEYS].equals(theirs[KEYS]):
        raise RunError("the reference did not see the same photos", str(spec.reference), "Sweep both models on one dataset.")
    mine, other = (Errors.of(one, NORMAL, spec.kinds, spec.severities) for one in (frame, theirs))
    versus = compared((title, _in_place(frame)), (reference.title, _in_place(theirs)))
    return corruption_errors(mine, other, NORMAL, spec.kinds), versus


def _in_place(frame: pd.DataFrame) -> pd.DataFrame:
    """Without the same things elsewhere."""
    return frame[[not (text := Split.parse(split).variant) or not Variant.parse(text).elsewhere for split in frame["split"]]]


# --------------------------------------------------------------------------------------------------------------- figures
def _figures(
    spec: StressSpec, title: str, tests: Sequence[Sample], sweep: Sweep, table: pd.DataFrame, reference: Reference | None, folder: Path
) -> list[Figure]:
    beside = (reference.title, reference.metrics) if reference else None
    chart, _ = save(stress_curves(table, title, beside), folder / "stress.png")
    sheet, _ = save(_sheet(spec, tests, sweep), folder / "examples.png")
    return [
        Figure(chart, "Top-1 by severity, 0 being the photos as they are; bands: 95 % Wilson intervals, dashed: the same thing elsewhere"),
        Figure(sheet, "One photo in every variant"),
    ]


def _title(subject: Asked, reference: Reference | None) -> str:
    training = training_of(subject.weights)
    title = title_of(training) if training else subject.model.title
    return f"{title} ({name_of(subject.weights)})" if reference and reference.title == title else title


def _sheet(spec: StressSpec, tests: Sequence[Sample], sweep: Sweep) -> Image.Image:
    """The first photo that has a face, where there is one, in every variant: two kinds a row, or a thing and the same thing elsewhere."""
    series: dict[str, list[tuple[Image.Image, str]]] = {}
    variants = variants_of(spec.kinds, spec.severities)
    for sample in sorted(tests, key=lambda sample: sample.image not in sweep.faces):
        try:
            image, _ = open_photo(sample.path, at_least=256)
        except PhotoError:
            continue
        for one in samples_of([sample], [str(v) for v in variants], sweep.faces, [str(v) for v in variants if v.kind in OF_FACES])[1:]:
            variant = Variant.parse(one.split.variant)
            name = "elsewhere" if variant.elsewhere else variant.kind.removeprefix("low-").replace("-", " ")
            series.setdefault(f"{variant.kind} {name}", []).append((sweep(one, image), f"{name} {variant.severity}"))
        break
    rows = list(series.values())
    pairs = [[*left, *(rows[i + 1] if i + 1 < len(rows) else [])] for i, left in enumerate(rows) if i % 2 == 0]
    return examples_for_each_case([ExampleRow("", "", photos) for photos in pairs], left=0)
