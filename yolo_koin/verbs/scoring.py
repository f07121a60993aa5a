"""What is scored: a model's way to name, the test photos, and what is taken for true; and the files that come of it."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pandas as pd

from yolo_koin.dataset.boxes import DRAWN, BoxError, LabelledBox, clip
from yolo_koin.dataset.classify import INDEX, read_index
from yolo_koin.dataset.detect import TABLE, TRUTH, read_boxes_table
from yolo_koin.dataset.detect import truth as true_boxes
from yolo_koin.dataset.duplicates import read_leaks
from yolo_koin.dataset.findings import read_leaks as read_audited_leaks
from yolo_koin.dataset.hashes import split_hashes
from yolo_koin.dataset.images import PhotoError, open_photo
from yolo_koin.dataset.koin import Dataset, Sample, scan
from yolo_koin.errors import DatasetError, WeightsError
from yolo_koin.evaluation import face_predictions, people, predictions, scores, truth
from yolo_koin.evaluation.face_scores import one_per_photo, score_faces
from yolo_koin.files import sha256
from yolo_koin.models import engine
from yolo_koin.models.protocol import Classifier, IdentityDetector, engine_of
from yolo_koin.naming import Namer, Reader
from yolo_koin.naming.detector import Detected
from yolo_koin.naming.faces import EachFace
from yolo_koin.naming.protocol import table_of
from yolo_koin.naming.whole import WholePhoto
from yolo_koin.parallel import Progress, in_threads
from yolo_koin.runs import PreparedDataset
from yolo_koin.specs import ConvertDetectSpec, ConvertSpec, EvaluateSpec, Way
from yolo_koin.splits import TRAINING_SETS, Split, of_part
from yolo_koin.verbs import convert, convert_detect
from yolo_koin.verbs.detector import CALLED
from yolo_koin.verbs.drawn import drawn_boxes
from yolo_koin.verbs.resolve import USUAL_DATA, face_finder, learnt_from, open_dataset, prepared, raw_data
from yolo_koin.workspace import Workspace

NOT_OF_FACES = "this classifier did not learn from faces that were cut out: train one with --fit face"


@dataclass(frozen=True)
class Scoring:
    """What is scored, with nothing left open.

    Attributes:
        namer: names the photos.
        samples: of the test splits.
        learnt: labels that training had a photo, or a face, of.
        data: root of the raw dataset.
        synthetic: splits whose photos are synthetic.
        truth: boxes of test photos (:mod:`yolo_koin.evaluation.truth`); None where whole photos are named.
        converted: the prepared dataset, where one is scored; index_sha256: the hash of its table.
        notes: what the user should know.
        names: label → display name.
        leaked: image ids of photos that have a near-duplicate in training.
        photos_sha256: split → hash of its photos, where a prepared dataset is scored that tells.
    """

    namer: Namer[Any]
    samples: tuple[Sample, ...]
    learnt: frozenset[str]
    data: Path
    synthetic: tuple[str, ...]
    truth: pd.DataFrame | None = None
    converted: Path | None = None
    index_sha256: str = ""
    notes: tuple[str, ...] = ()
    names: Mapping[str, str] = field(default_factory=dict)
    leaked: frozenset[str] = frozenset()
    photos_sha256: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse to score nothing."""
        if not self.samples:
            raise DatasetError("no test split", self.data, "Photos to test on go into normal_cases/test/<class>/ and so on.")

    @property
    def unknown(self) -> tuple[str, ...]:
        """Classes that the model never learnt; their photos count as wrong."""
        return tuple(sorted({s.label for s in self.samples} - self.learnt))

    @property
    def agreement(self) -> dict[str, str]:
        """Test split → face detector, of splits where some box comes from one."""
        if self.truth is None:
            return {}
        found = self.truth[self.truth["provenance"] != DRAWN]
        called = found["provenance"].map(lambda name: CALLED.get(name, name))
        return {str(split): ", ".join(sorted(set(names))) for split, names in called.groupby(found["split"])}

    @property
    def facts(self) -> dict[str, Any]:
        """What a run's manifest keeps of it."""
        told = {key: getattr(self, key) for key in ("data", "synthetic", "converted", "index_sha256", "photos_sha256", "agreement")}
        return {
            **told,
            "way": self.namer.way,
            "classes": len(self.namer.names),
            "engine": engine_of(getattr(self.namer, "classifier", None)),
        }


def score(scoring: Scoring, folder: Path, run: str, progress: Progress) -> pd.DataFrame:
    """Name the photos, and write ``predictions.csv``, ``truth.csv`` where boxes are scored, the tables of people, and ``metrics.csv``.

    Args:
        scoring: what is scored.
        folder: where the files go.
        run: what ``metrics.csv`` calls it.
        progress: is told of each batch of photos.

    Returns:
        The rows of ``metrics.csv``.
    """
    frame = table_of(scoring.namer, scoring.samples, progress)
    if scoring.truth is None:
        frame = frame.sort_values(["split", "image"], kind="stable", ignore_index=True)
        table = scores.score(frame, run, classes=len(scoring.namer.names), leaked=scoring.leaked)
        predictions.write(folder / "predictions.csv", frame)
    else:
        boxed = set(scoring.truth["image"])
        unboxed = Counter(str(s.split) for s in scoring.samples if s.image not in boxed)
        table = score_faces(frame, scoring.truth, run, way=scoring.namer.way, unboxed=unboxed)
        face_predictions.write(folder / "predictions.csv", frame)
        truth.write(folder / "truth.csv", scoring.truth)
    photos = frame if scoring.truth is None else _of_one_person(frame, scoring.namer.way)
    if len(photos):
        people.write(folder, photos, scoring.names)
    scores.write(folder / "metrics.csv", table)
    return table


def _of_one_person(frame: pd.DataFrame, way: Way) -> pd.DataFrame:
    """A row for each photo of the splits whose photos show one person: of a group several names are right."""
    splits = [one_per_photo(rows, way) for split, rows in scores.in_order(frame).items() if Split.parse(split).has_one_person]
    return pd.concat(splits) if splits else frame.head(0)


@contextlib.contextmanager
def resolved(spec: EvaluateSpec, weights: Path, workspace: Workspace, progress: Progress) -> Iterator[Scoring]:
    """What a spec asks to score. A face detector's findings are kept when the block ends.

    Raises:
        DatasetError, WeightsError: what the user can mend.
    """
    model = engine.load(weights, spec.device, spec.trust_weights, spec.engine, workspace.engines)
    if spec.task not in {None, model.task}:
        raise WeightsError(f"these weights {model.task}", weights, f"Drop task={spec.task}.")
    if model.task == "detect":
        if spec.faces:
            raise WeightsError("these weights find and name faces by themselves", weights, "Drop --faces.")
        yield of_detector(model, spec.data, workspace, progress)
    elif spec.faces:
        with face_finder(spec.detector, spec.device, spec.trust_weights, workspace) as finder:
            dataset = open_dataset(raw_data(spec.data, weights, workspace), workspace)
            drawn, unread = drawn_boxes(dataset, spec.boxes)
            yield of_faces(EachFace(model, finder, Reader()), dataset, drawn, [f"{one.where}: {one.reason}" for one in unread])
    else:
        found = of_whole(model, spec.data, workspace, progress)
        yield replace(found, leaked=found.leaked | read_audited_leaks(spec.leaks)) if spec.leaks else found


# ------------------------------------------------------------------------------------------------------------- three ways
def of_whole(model: Classifier, data: str | None, workspace: Workspace, progress: Progress) -> Scoring:
    """A classifier that names photos as a whole: those of a prepared dataset, prepared as it saw photos in training."""
    made, notes = _squares_for(model, data, workspace, progress)
    return of_prepared(model, made, notes)


def of_prepared(model: Classifier, made: PreparedDataset, notes: tuple[str, ...] = ()) -> Scoring:
    """A classifier on a prepared dataset, taken as it is."""
    index = read_index(made.folder)
    samples, reader = photos_of(made, of_part(index, "test"))
    return Scoring(
        namer=WholePhoto(model, reader),
        samples=samples,
        learnt=frozenset(model.names),
        data=made.data,
        synthetic=made.synthetic,
        converted=made.folder,
        index_sha256=sha256(made.folder / INDEX),
        notes=notes,
        names=_names(made.data),
        leaked=read_leaks(made.folder),
        photos_sha256=hashes_of(index),
    )


def hashes_of(index: pd.DataFrame) -> dict[str, str]:
    """Split → hash of its photos, of the rows of an ``index.csv``."""
    return split_hashes((str(split), str(source), str(digest)) for split, source, digest in index[["split", "source", "sha256"]].to_numpy())


def photos_of(made: PreparedDataset, index: pd.DataFrame) -> tuple[tuple[Sample, ...], Reader]:
    """The photos of some rows of ``index.csv``, and what reads their prepared files."""
    rows = [list(map(str, row)) for row in index[["source", "split", "label", "image", "status"]].to_numpy().tolist()]
    samples = tuple(Sample(source, Split.parse(split), label, made.data / source) for source, split, label, _, _ in rows)
    files: dict[str, Path | str] = {row[0]: made.folder / row[3] if row[4] == "ok" else row[4] for row in rows}
    return samples, Reader(prepared=files)


def _names(data: Path) -> Mapping[str, str]:
    """Label → display name of a raw dataset; none where it is gone."""
    try:
        return scan(data).names
    except DatasetError:
        return {}


def of_faces(namer: EachFace, dataset: Dataset, drawn: Mapping[str, Sequence[LabelledBox]], problems: Sequence[str] = ()) -> Scoring:
    """A classifier that names the faces that a face detector finds, against the boxes that people drew.

    Boxes of that same detector would say nothing, so none are taken.
    """
    boxes, outside = _as_truth(drawn, dataset)
    hints = () if namer.classifier.preparation.fit == "face" else (NOT_OF_FACES,)
    return Scoring(
        namer=namer,
        samples=dataset.tests,
        learnt=frozenset(namer.names),
        data=dataset.root,
        synthetic=tuple(sorted(map(str, dataset.synthetic))),
        truth=boxes,
        notes=(*dataset.notes, *problems, *outside, *hints),
        names=dataset.names,
    )


def of_detector(model: IdentityDetector, data: str | None, workspace: Workspace, progress: Progress) -> Scoring:
    """An identity detector, against the boxes of a prepared dataset: what it was trained on when nothing is said."""
    given = prepared(data, "detect", workspace) if data else learnt_from(model.weights)
    if given and not given.data.is_dir():
        raise DatasetError("the raw dataset that this was made of is gone", given.data, "Give --data the raw dataset.")
    if given:
        made = convert_detect.refresh(given, workspace, progress)
        dataset = open_dataset(str(made.data), workspace)
    else:
        spec = ConvertDetectSpec(data=raw_data(data, model.weights, workspace), review=0)
        dataset = open_dataset(spec.data, workspace)
        made = convert_detect.boxed_for(dataset, spec, workspace, progress)
    table = read_boxes_table(made.folder)
    return Scoring(
        namer=Detected(model, Reader(), doubtful=True),
        samples=dataset.tests,
        learnt=frozenset(of_part(table[table["status"] == "ok"], "train")["label"]),
        data=dataset.root,
        synthetic=made.synthetic,
        truth=true_boxes(table),
        converted=made.folder,
        index_sha256=sha256(made.folder / TABLE),
        notes=dataset.notes,
        names=dataset.names,
    )


def _squares_for(model: Classifier, data: str | None, workspace: Workspace, progress: Progress) -> tuple[PreparedDataset, tuple[str, ...]]:
    """The prepared dataset to score on, up to date with its raw one and prepared as the model saw photos in training.

    What the weights were trained on when nothing is said; a model of unknown origin gets our usual preparation.
    """
    wanted = model.preparation
    given = prepared(data, "classify", workspace) if data else learnt_from(model.weights)
    if given:
        made = convert.refresh(given, workspace, progress)
        if (made.fit, made.side) == (wanted.fit, wanted.side):
            return made, ()
        if not made.data.is_dir():
            how = f"fit {wanted.fit}, side {wanted.side}"
            raise DatasetError(f"prepared otherwise than this model was trained on ({how})", made.folder, "Give --data the raw dataset.")
        data = str(made.data)
    dataset = open_dataset(data or USUAL_DATA, workspace)
    possible = set(TRAINING_SETS.get(model.train_on, ())) <= set(dataset.splits)
    train_on = model.train_on if possible and model.train_on else "normal"
    spec = ConvertSpec.of({"train_on": train_on, "fit": wanted.fit, "side": wanted.side})
    return convert.squares_for(dataset, spec, workspace, progress), dataset.notes


def _as_truth(drawn: Mapping[str, Sequence[LabelledBox]], dataset: Dataset) -> tuple[pd.DataFrame, list[str]]:
    """The boxes that people drew on test photos, clipped to them as ``convert detect`` does; and a line on each that cannot be."""
    tests = [s for s in dataset.tests if s.image in drawn]
    rows, problems = [], []
    for sample, size in zip(tests, in_threads(_size, tests), strict=True):
        for box in drawn[sample.image]:
            if box.provenance != DRAWN or size is None:  # an unreadable photo is told of in predictions.csv
                continue
            try:
                rows.append((str(sample.split), sample.image, box.label, *clip(box.box, *size), DRAWN))
            except BoxError as error:
                problems.append(f"{sample.image}: {error}")
    return pd.DataFrame(rows, columns=list(TRUTH)), problems


def _size(sample: Sample) -> tuple[int, int] | None:
    """Width and height of the upright photo."""
    try:
        return open_photo(sample.path, longest=1)[1]
    except PhotoError:
        return None
