"""``yolo_koin audit``: what is in a dataset, and what is wrong with it."""

from __future__ import annotations

import contextlib
import math
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path

import numpy as np

from yolo_koin.dataset import audit as dataset_audit
from yolo_koin.dataset import findings as found
from yolo_koin.dataset.audit import Audit
from yolo_koin.dataset.findings import Finding
from yolo_koin.dataset.hashes import photo_hashes
from yolo_koin.dataset.koin import Dataset, Sample
from yolo_koin.dataset.looks import Look, look_at_all
from yolo_koin.errors import UsageError
from yolo_koin.evaluation.shortcuts import Shortcut, shortcut
from yolo_koin.faces.finder import FaceFinder
from yolo_koin.faces.protocol import Face, clearly_dominant
from yolo_koin.files import write_text
from yolo_koin.parallel import Progress
from yolo_koin.reporting.findings_page import page
from yolo_koin.runs import AuditRun, Run
from yolo_koin.specs import AuditSpec
from yolo_koin.verbs.resolve import dataset_name, face_finder, open_dataset
from yolo_koin.verbs.verb import verb
from yolo_koin.words import count
from yolo_koin.workspace import Workspace

TABLE, PAGE = "findings.csv", "index.html"


@dataclass(frozen=True)
class AuditResult(Audit):
    """An audit, with the run that it wrote.

    Attributes:
        run: its folder, with ``findings.csv`` and ``index.html``.
        findings: how many there are, by kind, the worst kinds first.
        wrong: how many of them make numbers wrong.
        strict: whether that is a failure.
        proposed: the exclude.txt that was asked for.
    """

    run: Path = Path()
    findings: dict[str, int] = field(default_factory=dict)
    wrong: int = 0
    strict: bool = False
    proposed: Path | None = None


@verb(AuditSpec)
def audit(spec: AuditSpec, progress: Progress) -> AuditResult:
    """Audit a dataset. One that was stopped goes on: no photo is decoded twice.

    The same audit once more takes the place of the last one, unless that was given a name, and only when it has come to its end.

    Raises:
        DatasetError: there is none.
        UsageError: the proposal would overwrite something.
        RunError: the run cannot be written.
    """
    workspace = Workspace.of(spec)
    dataset = open_dataset(spec.data, workspace)
    if spec.write_exclude:
        _check_free(spec.write_exclude, dataset)

    def of_this(run: Run) -> bool:
        same = isinstance(run, AuditRun) and run.spec.settings() == spec.settings() and run.data.resolve() == dataset.root.resolve()
        return same and spec.name is None

    with workspace.begun("audit", spec.name, dataset_name(dataset), spec, goes_on=True, again=of_this) as folder:
        run, last = AuditRun(folder=folder, spec=spec, data=dataset.root), AuditRun.read(folder)
        with contextlib.nullcontext() if last and last.status == "finished" else run.written().failing():
            looks = look_at_all(dataset.samples, workspace.looks, spec.workers, progress)
            copies, shortcuts = found.of_copies(dataset, looks, spec.workers, progress), of_shortcuts(dataset, looks)
            faces = _of_faces(spec, dataset, looks, workspace, progress)
            others = (*found.of_photos(dataset, looks), *found.of_classes(dataset), *_told(shortcuts))
            findings = found.in_order([*copies, *faces, *_of_labels(spec, dataset, looks, workspace, progress), *others])
            counts = dict(Counter(one.kind for one in findings))
            found.write(folder / TABLE, findings)
            write_text(folder / PAGE, page(dataset, findings))
            if spec.write_exclude:
                found.write_exclude(spec.write_exclude, findings)
            hashes = photo_hashes(dataset.samples, {image: look.sha256 for image, look in looks.items()})
            tested = {split: asdict(one) for split, one in shortcuts.items()}
            run.written(status="finished", findings=counts, shortcuts=tested, photos_sha256=hashes)
    told = dataset_audit.summary(dataset, looks, copies)
    return AuditResult(
        **{one.name: getattr(told, one.name) for one in fields(told)},
        run=folder,
        findings=counts,
        wrong=sum(counts.get(kind, 0) for kind in found.WRONG),
        strict=spec.strict,
        proposed=spec.write_exclude,
    )


def _check_free(path: Path, dataset: Dataset) -> None:
    """Refuse to write a proposal among the photos, or over anything but an earlier one."""
    given = f"write_exclude={path}"
    if path.resolve().is_relative_to(dataset.root.resolve()):
        raise UsageError("that is in the dataset, where nothing is written", given, "Name a file outside of it.")
    if path.is_symlink() or (path.exists() and not (path.is_file() and path.read_bytes().startswith(found.PROPOSED.encode()))):
        raise UsageError("there is something else already", given, "Name a new file.")


def _of_labels(spec: AuditSpec, dataset: Dataset, looks: Mapping[str, Look], workspace: Workspace, progress: Progress) -> list[Finding]:
    """Photos of one person whose label a probe doubts."""
    if not spec.labels:
        return []
    from yolo_koin.models.label_errors import doubtful_labels  # here, since it loads torch

    single = _single(dataset, looks)
    doubts = doubtful_labels([s.path for s in single], [s.label for s in single], workspace, spec.workers, progress)
    words = "more likely {}: probability {:.2f}, of this label {:.2f}"
    told = [(single[one.photo].image, one.other - one.own, words.format(one.suggested, one.other, one.own)) for one in doubts]
    return [Finding("label-error", image, score=score, detail=detail) for image, score, detail in told]


def _single(dataset: Dataset, looks: Mapping[str, Look]) -> list[Sample]:
    """The readable photos that show one person."""
    return [s for s in dataset.samples if s.split.has_one_person and not looks[s.image].error]


def of_shortcuts(dataset: Dataset, looks: Mapping[str, Look]) -> dict[str, Shortcut]:
    """Test split → how well its people can be told by properties of their photos, learnt from the training photos of the same case.

    A split whose photos show several people, or without training photos of two people, cannot be tested.
    """
    tested = {}
    for split in dataset.splits:
        training, testing = (
            [s for s in dataset.samples if s.split.case == split.case and s.split.part == part and not looks[s.image].error]
            for part in ("train", split.part)
        )
        if split.is_test and split.has_one_person and len({s.label for s in training}) > 1 and testing:
            of = [(np.array([_properties(looks[s.image]) for s in some]), [s.label for s in some]) for some in (training, testing)]
            tested[str(split)] = shortcut(*of[0], *of[1])
    return tested


def _told(shortcuts: Mapping[str, Shortcut]) -> Iterator[Finding]:
    for split, one in shortcuts.items():
        if one.is_one:
            yield Finding("shortcut", split, score=one.value, detail=one.words)


def _properties(look: Look) -> tuple[float, ...]:
    return math.log(look.width), math.log(look.height), look.shadows, look.lights, look.sharpness, look.redness, look.blueness


def _of_faces(spec: AuditSpec, dataset: Dataset, looks: Mapping[str, Look], workspace: Workspace, progress: Progress) -> list[Finding]:
    """Photos of one person in which nobody, or not clearly one, is seen: all of them, or those that a detector has looked at before."""
    if not spec.faces and not workspace.faces.is_file():
        return []
    with face_finder(None, "", False, workspace) as finder:
        seen = _seen(finder, spec, dataset, looks, progress)
        return [finding for image, faces in seen if (finding := _of_face(image, faces))]


def _seen(
    finder: FaceFinder, spec: AuditSpec, dataset: Dataset, looks: Mapping[str, Look], progress: Progress
) -> Iterator[tuple[str, tuple[Face, ...]]]:
    single = _single(dataset, looks)
    if spec.faces:
        every = finder.look_at_all([s.path for s in single], spec.workers, progress)
        yield from ((s.image, one.faces) for s, one in zip(single, every, strict=True) if not one.error)
    else:
        yield from ((s.image, known.faces) for s in single if (known := finder.known(looks[s.image].sha256)))


def _of_face(image: str, faces: tuple[Face, ...]) -> Finding | None:
    if not faces:
        return Finding("no-face", image, detail="no face found")
    if clearly_dominant(faces) is None:
        return Finding("several-faces", image, score=len(faces), detail=count(len(faces), "face"))
    return None
