"""``yolo_koin control``: whether a model knows the face, or what is around it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from yolo_koin.dataset.hashes import photo_hashes
from yolo_koin.dataset.images import open_photo
from yolo_koin.dataset.koin import Sample
from yolo_koin.errors import DatasetError
from yolo_koin.evaluation import scores
from yolo_koin.evaluation.robustness import above_chance, tidy, top1_of
from yolo_koin.files import write_csv, write_text
from yolo_koin.geometry import Box
from yolo_koin.naming.sweeps import ERASED, Erasure, Size, samples_of, scenes_for
from yolo_koin.parallel import Progress
from yolo_koin.reporting.document import Block, Figure, Heading, Text, markdown
from yolo_koin.reporting.saving import save
from yolo_koin.reporting.sweeps import erased_faces
from yolo_koin.runs import ControlRun
from yolo_koin.specs import ControlSpec
from yolo_koin.splits import Split, in_order
from yolo_koin.verbs.asked import Asked, asked, reasons
from yolo_koin.verbs.drawing import dataset_name
from yolo_koin.verbs.drawn import drawn_boxes, own_face
from yolo_koin.verbs.findings import of_control
from yolo_koin.verbs.resolve import name_of
from yolo_koin.verbs.verb import verb
from yolo_koin.workspace import Workspace


@dataclass(frozen=True)
class ControlResult:
    """A finished control.

    Attributes:
        run: its folder, with ``predictions.csv``, ``metrics.csv``, ``chance.csv``, ``scenes.csv``, the figure and ``report.md``.
        weights: the checkpoint.
        data: the dataset.
        metrics: rows of ``metrics.csv``.
        chance: rows of ``chance.csv``: top-1 without faces against guessing.
        findings: whether the model knows the face or the scene, a sentence or two for each split.
        notes: what the user should know: photos without a usable face.
    """

    run: Path
    weights: Path
    data: Path
    metrics: pd.DataFrame
    chance: pd.DataFrame
    findings: tuple[str, ...]
    notes: tuple[str, ...] = ()


@verb(ControlSpec)
def control(spec: ControlSpec, progress: Progress) -> ControlResult:
    """Name every test photo as it is, without its face, with nothing but its face, and with its face before another's background.

    Raises:
        DatasetError, WeightsError, RunError: what the user can mend.
    """
    workspace = Workspace.of(spec)
    with asked(spec, workspace) as subject, workspace.begun("control", spec.name, name_of(subject.weights), spec) as folder:
        run = ControlRun(folder=folder, spec=spec, photos_sha256=photo_hashes(subject.dataset.tests), **subject.facts)
        with run.written().failing():
            result = _controlled(spec, subject, folder, progress)
            run.written(status="finished")
    return result


def _controlled(spec: ControlSpec, subject: Asked, folder: Path, progress: Progress) -> ControlResult:
    boxes, left_out = _boxes(subject, progress)
    if not boxes:
        raise DatasetError("no test photo with a usable face", subject.dataset.root, "Draw boxes: see yolo_koin convert detect --boxes.")
    erasure = Erasure(boxes, scenes_for(subject.dataset.tests, boxes, spec.seed))
    samples = samples_of(subject.dataset.tests, ERASED[:2], boxes, ERASED[:2])
    scenes = samples_of(subject.dataset.tests, ERASED[2:], erasure.scenes, ERASED[2:])
    frame = subject.written(folder, _by_photo([*samples, *(one for one in scenes if one.split.variant)]), erasure, progress)
    table = tidy([*top1_of(frame), *_named_after_scenes(frame, erasure.scenes)], folder.name)
    erased = [split for split in in_order(frame["split"]) if Split.parse(split).variant == "no-face"]
    chance = above_chance(frame, erased, len(subject.model.names))
    lent = sorted((str(sample.split), image, sample.image, sample.label) for image, sample in erasure.scenes.items())
    write_csv(folder / "scenes.csv", pd.DataFrame(lent, columns=["split", "image", "scene", "scene_label"]))
    write_csv(folder / "chance.csv", chance)
    scores.write(folder / "metrics.csv", table)
    findings, notes = tuple(of_control(table, chance)), (*subject.dataset.notes, *reasons(left_out))
    examples = _examples(subject.dataset.tests, erasure)
    figure, _ = save(erased_faces(table, chance, examples, list(map(str, subject.dataset.synthetic))), folder / "erased_face.png")
    blocks: list[Block] = [
        Heading(f"Face or scene: {subject.model.title} on {dataset_name(subject.dataset.root)}", 1),
        *(Text(sentence) for sentence in (*findings, *notes)),
        Figure(figure, "Top-1 of the photos as they are and of each variant; whiskers: 95 % Wilson intervals, dotted: guessing"),
    ]
    write_text(folder / "report.md", markdown(blocks, folder))
    return ControlResult(folder, subject.weights, subject.dataset.root, table, chance, findings, notes)


def _by_photo(samples: Sequence[Sample]) -> list[Sample]:
    """The variants of a photo one after the other, so that it is decoded once."""
    return sorted(samples, key=lambda sample: sample.image)


def _boxes(subject: Asked, progress: Progress) -> tuple[dict[str, tuple[Box, Size]], dict[str, str]]:
    """Where the labelled person's face lies, and of photos where nobody knows, why."""
    drawn, _ = drawn_boxes(subject.dataset)
    boxes: dict[str, tuple[Box, Size]] = {}
    left_out: dict[str, str] = {}
    for sample, found in subject.found(subject.dataset.tests, progress):
        box = own_face(sample, found, drawn)
        if isinstance(box, str):
            left_out[sample.image] = box
        else:
            boxes[sample.image] = box, (found.width, found.height)
    return boxes, left_out


def _named_after_scenes(frame: pd.DataFrame, scenes: Mapping[str, Sample]) -> list[scores.Row]:
    """How often a face before another person's background is taken for that person."""
    rows = []
    for split, photos in frame[[Split.parse(split).variant == "other-scene" for split in frame["split"]]].groupby("split"):
        after = np.array([scenes[image].label for image in photos["image"]]) == photos["pred_1"].to_numpy()
        rows.append({"split": split, **scores.share("scene_top1", after)})
    return rows


def _examples(tests: Sequence[Sample], erasure: Erasure) -> list[Image.Image]:
    """The first photo that has all variants, as it is and in each; none where there is no such photo."""
    for sample in sorted(tests, key=lambda sample: sample.split.order):
        if sample.image in erasure.scenes:
            image, _ = open_photo(sample.path, at_least=256)
            variants = [replace(sample, split=replace(sample.split, variant=variant)) for variant in ("", *ERASED)]
            return [erasure(one, image) for one in variants]
    return []
