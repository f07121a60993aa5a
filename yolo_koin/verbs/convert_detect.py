"""``yolo_koin convert detect``: lay a KoIn dataset out for YOLO detection, a box on each face and a name on each box."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from yolo_koin.dataset import detect
from yolo_koin.dataset.boxes import SUGGESTED, LabelledBox, Problem
from yolo_koin.dataset.detect import ConvertedBoxes, Suggestion
from yolo_koin.dataset.detect_files import NO_FACE_DRAWN, Found
from yolo_koin.dataset.koin import Dataset, Sample
from yolo_koin.errors import DatasetError
from yolo_koin.faces import FaceDetector, clearly_dominant
from yolo_koin.faces.finder import Found as Seen
from yolo_koin.locks import locked
from yolo_koin.parallel import Progress
from yolo_koin.reporting.tags import corners, reading_order
from yolo_koin.runs import PreparedDataset, prepared_at
from yolo_koin.specs import ConvertDetectSpec
from yolo_koin.splits import TRAINING_SETS
from yolo_koin.verbs.convert import usual_folder
from yolo_koin.verbs.drawn import brought_in, drawn_boxes
from yolo_koin.verbs.resolve import face_finder, kept_boxes, open_dataset
from yolo_koin.verbs.review import review
from yolo_koin.verbs.verb import verb
from yolo_koin.words import count
from yolo_koin.workspace import Workspace

GROUP = "not known who is who"


@dataclass(frozen=True)
class ConvertDetectResult:
    """A dataset in detection format.

    Attributes:
        converted: what was laid out.
        problems: boxes of people that could not be used.
        pages: of the review sheet; photos: how many are on them, and how many there are to look through.
        kept: the file of boxes that people drew, which every verb uses; None when there are none.
    """

    converted: ConvertedBoxes
    problems: tuple[Problem, ...]
    pages: tuple[Path, ...] = ()
    photos: tuple[int, int] = (0, 0)
    kept: Path | None = None


@verb(ConvertDetectSpec)
def convert_detect(spec: ConvertDetectSpec, progress: Progress) -> ConvertDetectResult:
    """Box the faces and convert; again does only what changed.

    Raises:
        DatasetError: there is no dataset, or it has nothing to train on.
        WeightsError: the face detector cannot be loaded.
        RunError: the output cannot be written.
    """
    workspace = Workspace.of(spec)
    dataset = open_dataset(spec.data, workspace)
    result = boxed(dataset, spec, workspace, progress)
    if not spec.review:
        return result
    with locked(result.converted.root):
        pages, photos = review(dataset, result.converted.root, spec.review)
    return replace(result, pages=pages, photos=photos)


def boxed(dataset: Dataset, spec: ConvertDetectSpec, workspace: Workspace, progress: Progress) -> ConvertDetectResult:
    """Lay a dataset out as a spec says, whatever data it names, without the pages for review."""
    dataset, unread = brought_in(dataset, spec.boxes, workspace)
    drawn, problems = drawn_boxes(dataset)
    kept = kept_boxes(dataset, workspace)
    converted = detect.convert(
        dataset,
        spec.out or usual_folder(dataset, "det", spec, workspace),
        found=_boxes(dataset, spec, drawn, workspace, progress),
        train_on=spec.train_on,
        val=spec.val,
        side=spec.side,
        seed=spec.seed,
        workers=spec.workers,
        boxes=kept if kept in dataset.boxes else None,
        detector=spec.detector,
        progress=progress,
    )
    return ConvertDetectResult(converted, (*unread, *problems), kept=kept if kept in dataset.boxes else None)


def refresh(made: PreparedDataset, workspace: Workspace, progress: Progress) -> PreparedDataset:
    """Bring a prepared dataset up to date with its raw one, so that photos added, changed or excluded since are heeded.

    Raises:
        DatasetError: the boxes or the detector that it was made with are gone.
    """
    if not made.data.is_dir():
        return made
    dataset = open_dataset(str(made.data), workspace)
    kept = kept_boxes(dataset, workspace)
    # Boxes that are kept are among the dataset's. Those of an older version lie where the user had them, and are kept from now on.
    given = made.boxes if made.boxes != kept and not kept.exists() else None
    for option, path in (("boxes", given), ("detector", made.detector)):
        if path and not path.exists():
            again = f"Put it back, or run yolo_koin convert detect again with another --{option}, or without."
            raise DatasetError(f"the --{option} that {made.folder} was made with is gone", path, again)
    told = {key: getattr(made, key) for key in ("train_on", "val", "side", "seed", "detector")}
    spec = ConvertDetectSpec(**told, data=str(made.data), out=made.folder, review=0, boxes=given)
    boxed(dataset, spec, workspace, progress)
    return prepared_at(made.folder) or made


def boxed_for(dataset: Dataset, spec: ConvertDetectSpec, workspace: Workspace, progress: Progress) -> PreparedDataset:
    """The prepared dataset that a spec asks for: the one that is there, with the boxes that it was made with, or a new one."""
    root = usual_folder(dataset, "det", spec, workspace)
    made = prepared_at(root)
    if made and made.data.resolve() == dataset.root.resolve():
        return refresh(made, workspace, progress)
    boxed(dataset, replace(spec, out=root), workspace, progress)
    found = prepared_at(root)
    assert found is not None  # it was written just now
    return found


# ---------------------------------------------------------------------------------------------------------------- boxes
def _boxes(
    dataset: Dataset, spec: ConvertDetectSpec, drawn: Mapping[str, Sequence[LabelledBox]], workspace: Workspace, progress: Progress
) -> dict[str, Found]:
    """The boxes of each photo, or why it has none: those that people drew, and the detector's where one face is clearly dominant."""
    wanted = [s for s in dataset.samples if s.split in TRAINING_SETS[spec.train_on] or s.split.is_test]
    found: dict[str, Found] = {s.image: drawn[s.image] or NO_FACE_DRAWN for s in wanted if s.image in drawn}
    if others := [s for s in wanted if s.image not in found]:
        with face_finder(spec.detector, spec.device, spec.trust_weights, workspace) as finder:
            looked = finder.look_at_all([s.path for s in others], spec.workers, progress)
            found |= {s.image: _decided(s, one, finder.detector) for s, one in zip(others, looked, strict=True)}
    return found


def _decided(sample: Sample, seen: Seen, detector: FaceDetector) -> Found:
    """The face that a photo of one person is about. Where that is not sure, and in group photos, the faces are suggested."""
    if seen.error or not seen.faces:
        return seen.error or "no face found"
    alone = sample.split.has_one_person
    if alone and (face := clearly_dominant(seen.faces)):
        return (LabelledBox(sample.label, face.box, round(face.score, 4), detector.name),)
    faces = [seen.faces[i] for i in reading_order([corners(face.box) for face in seen.faces])]
    boxes = tuple(LabelledBox("", face.box, round(face.score, 4), SUGGESTED) for face in faces)
    return Suggestion(boxes, f"no clearly dominant face ({count(len(faces), 'face')})" if alone else GROUP)
