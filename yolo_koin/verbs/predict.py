"""``yolo_koin predict``: name the people in photos, or every face in them, and draw what the model made of each."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from yolo_koin.dataset.hashes import photo_hashes
from yolo_koin.dataset.koin import Dataset, Sample, nfc
from yolo_koin.errors import WeightsError
from yolo_koin.evaluation import face_predictions, predictions
from yolo_koin.evaluation.chance import chance_note
from yolo_koin.faces.finder import FaceFinder
from yolo_koin.files import atomic_path, sha256
from yolo_koin.models.protocol import Model, engine_of, scale_of
from yolo_koin.naming import Namer, Reader, name_photos
from yolo_koin.naming.explained import ExplainedPhoto, Sight
from yolo_koin.naming.whole import WholePhoto
from yolo_koin.parallel import Progress, in_threads
from yolo_koin.reporting.sheets import EvenTiles
from yolo_koin.reporting.verdicts import percent
from yolo_koin.runs import PredictRun
from yolo_koin.specs import SAMPLE, PredictSpec
from yolo_koin.splits import TRAINING_SETS, Split
from yolo_koin.verbs.drawing import Drawing, Row, SplitCount, by_photo, counted_by_split, dataset_name, drawable, sheet_of, targets_of
from yolo_koin.verbs.drawn import drawn_boxes
from yolo_koin.verbs.namers import dataset_of, loaded, namer_of
from yolo_koin.verbs.rejection import ANSWER, Rejection, as_shown
from yolo_koin.verbs.rejection import resolved as rejection_of
from yolo_koin.verbs.resolve import face_finder, learnt_from, name_of, weights_file
from yolo_koin.verbs.sources import look_up
from yolo_koin.verbs.verb import verb
from yolo_koin.workspace import Workspace

if TYPE_CHECKING:
    from yolo_koin.verbs.explain import Explanation

TOLD = 10  # photos that are named on the screen as well


@dataclass(frozen=True)
class Name:
    """A name that was given: the label, what people call it, and the score; NaN where nobody is named."""

    label: str
    name: str
    score: float

    def __str__(self) -> str:
        """``수지 97.1 %``."""
        return f"{self.name} {percent(self.score)}".strip()


@dataclass(frozen=True)
class Said:
    """What was said of a photo: the first name of it, or of each face in it; or why it was not named."""

    split: str
    image: str
    names: tuple[Name, ...]
    error: str = ""

    def __str__(self) -> str:
        """A line."""
        return f"{self.image}: {', '.join(map(str, self.names)) or self.error}"


@dataclass(frozen=True)
class PredictResult:
    """A finished prediction.

    Attributes:
        run: its folder, with ``annotated/``, ``predictions.csv`` and ``contact_sheet.png``.
        weights: the checkpoint.
        photos: how many photos there were.
        unreadable: how many of them could not be read.
        labelled: how many have a known true label; None where these are of several splits, whose counts do not add up to anything.
        right: how many of those were named rightly: the photo as a whole, or any face of it; None as before.
        named: what was said of the first :data:`TOLD` photos; ``predictions.csv`` has all.
        way: ``whole``, ``faces`` or ``detector``: what was named.
        notes: what the user should know: boxes that could not be used, a classifier that did not learn from faces.
        splits: the counts of each split by itself.
        explanation: where the classifier looked; None where that was not asked.
    """

    run: Path
    weights: Path
    photos: int
    unreadable: int
    labelled: int | None
    right: int | None
    named: tuple[Said, ...]
    way: str = "whole"
    notes: tuple[str, ...] = ()
    splits: tuple[SplitCount, ...] = ()
    explanation: Explanation | None = None


@dataclass(frozen=True)
class Naming:
    """What is named, with nothing left open.

    Attributes:
        namer: names the photos.
        samples: the photos.
        dataset: tells names and labels; None where there is none.
        known: image id → boxes that people drew.
        model: the run's name; source: what was asked for. Both for the contact sheet.
        notes: what the user should know.
        learnt: splits of the dataset that the model learnt from.
        rejection: what is answered with ``unknown``; None where every photo gets a name.
        scale: of the model's logits, which a rejection needs.
    """

    namer: Namer[Any]
    samples: Sequence[Sample]
    dataset: Dataset | None
    known: Mapping[str, Any]
    model: str
    source: str
    notes: tuple[str, ...] = ()
    learnt: frozenset[str] = frozenset()
    rejection: Rejection | None = None
    scale: float = 1.0

    @property
    def names(self) -> Mapping[str, str]:
        """Label → display name."""
        return self.dataset.names if self.dataset else {}

    @property
    def sights(self) -> Mapping[str, Sight]:
        """Image id → where the classifier looked, of the photos that were named so far; none where that is not asked."""
        return self.namer.sights if isinstance(self.namer, ExplainedPhoto) else {}

    @property
    def boxed(self) -> bool:
        """Whether faces are named."""
        return self.namer.way != "whole"


@verb(PredictSpec)
def predict(spec: PredictSpec, progress: Progress) -> PredictResult:
    """Predict, annotate, and write the run.

    Raises:
        DatasetError, WeightsError, RunError, UsageError: what the user can mend.
    """
    workspace = Workspace.of(spec)
    weights = weights_file(spec.weights, workspace, "classify" if spec.faces else "", spec.faces)
    default = f"{name_of(weights)}-{_slug(spec.sources)}{'-faces' if spec.faces else ''}"
    rejection = rejection_of(spec, weights, workspace)
    with resolved(spec, weights, workspace, rejection) as naming, workspace.begun("predict", spec.name, default, spec) as folder:
        photos, way = len(naming.samples), naming.namer.way
        of = naming.dataset.root if naming.dataset else None
        run = PredictRun(folder=folder, spec=spec, weights=weights, weights_sha256=sha256(weights), photos=photos, way=way, data=of)
        run = replace(run, engine=engine_of(getattr(naming.namer, "classifier", None)))
        run = replace(run, photos_sha256=photo_hashes(naming.samples)) if spec.explain else run  # a report may look for its maps
        run = run.written(**({"score": rejection.score, "threshold": rejection.threshold} if rejection else {}))
        with run.failing():
            frame = draw(naming, folder, spec.top, progress)
            explanation = _explained(naming, frame, folder) if spec.explain else None
            run.written(status="finished")
    return replace(_result(naming, frame, folder, weights), explanation=explanation)


def _explained(naming: Naming, frame: pd.DataFrame, folder: Path) -> Explanation:
    from yolo_koin.verbs.explain import explained  # here, since only this needs it

    assert isinstance(naming.namer, ExplainedPhoto)
    naming.namer.finder.keep()
    synthetic = [str(split) for split in naming.dataset.synthetic] if naming.dataset else []
    return explained(naming.sights, naming.samples, frame, folder, f"{naming.model} on {naming.source}", synthetic)


def draw(naming: Naming, folder: Path, top: int, progress: Progress) -> pd.DataFrame:
    """Name the photos; write their annotated copies, ``predictions.csv`` and ``contact_sheet.png``.

    Args:
        naming: what is named.
        folder: where the files go.
        top: names on each photo.
        progress: is told of each batch of photos.

    Returns:
        The rows of ``predictions.csv``.
    """
    names, _ = drawable(naming.names)
    one = Drawing(targets_of(folder, naming.samples), names, top, naming.boxed, naming.known, naming.sights)
    parts: list[pd.DataFrame] = []
    due = EvenTiles(len(naming.samples)).due

    def named() -> Iterator[tuple[Sample, Sequence[Row], bool]]:
        for batch, frame in name_photos(naming.namer, naming.samples, progress):
            parts.append(naming.rejection.answered(frame, naming.scale, len(naming.namer.names)) if naming.rejection else frame)
            rows = by_photo(as_shown(parts[-1]))
            for of_it, sample in ((rows[str(s.split), s.image], s) for s in batch):
                yield sample, of_it, due(one.shows(of_it))

    # Photos are drawn while later ones are named and those after them are read: three stages, each a bounded number of photos ahead.
    with contextlib.closing(in_threads(one, named())) as drawn:
        tiles = [tile for tile in drawn if tile is not None]
    frame = pd.concat(parts, ignore_index=True)
    (face_predictions if naming.boxed else predictions).write(folder / "predictions.csv", frame, [ANSWER] if naming.rejection else [])
    with atomic_path(folder / "contact_sheet.png") as temporary:
        about: dict[str, Any] = {"boxed": naming.boxed, "learnt": naming.learnt, "measure": "rightly answered" if naming.rejection else ""}
        if naming.dataset:
            about |= {"synthetic": set(map(str, naming.dataset.synthetic)), "dataset": dataset_name(naming.dataset.root)}
        sheet = sheet_of(tiles, as_shown(frame), naming.model, naming.source, **about)
        sheet.save(temporary)
    return frame


@contextlib.contextmanager
def resolved(spec: PredictSpec, weights: Path, workspace: Workspace, rejection: Rejection | None = None) -> Iterator[Naming]:
    """What a spec asks to name. A face detector's findings are kept when the block ends.

    Raises:
        DatasetError, WeightsError: what the user can mend.
    """
    with contextlib.ExitStack() as held:
        dataset = dataset_of(spec.data, weights, workspace)
        found = look_up(spec.sources, dataset)  # before torch is loaded: a mistyped path is told at once
        model = loaded(replace(spec, engine="torch") if spec.explain else spec, weights, workspace)

        def finder() -> FaceFinder:
            return held.enter_context(face_finder(spec.detector, spec.device, spec.trust_weights, workspace))

        namer, hints = _explaining(model, finder, dataset) if spec.explain else namer_of(model, spec.faces, Reader(), finder)
        known, problems = drawn_boxes(dataset) if dataset and namer.way != "whole" else ({}, ())
        notes = (*(dataset.notes if dataset else ()), *(f"{one.where}: {one.reason}" for one in problems), *hints)
        notes += found.notes
        if dataset:
            of_these = {*namer.names, *(sample.label for sample in found.samples)}
            notes += drawable({label: name for label, name in dataset.names.items() if label in of_these})[1]
        learnt = _learnt(model, dataset) if dataset else frozenset()
        yield Naming(
            namer, found.samples, dataset, known, name_of(weights), ", ".join(spec.sources), notes, learnt, rejection, scale_of(model)
        )


def _learnt(model: Model, dataset: Dataset) -> frozenset[str]:
    """The splits that a model learnt from; of a model that does not say, or of unknown origin, each training split may be one."""
    made = learnt_from(model.weights)
    if made and made.data.is_dir() and made.data.resolve() != dataset.root.resolve():
        return frozenset()
    splits = TRAINING_SETS.get(model.train_on) or [split for split in dataset.splits if split.is_train]
    return frozenset(map(str, splits))


def _explaining(model: Model, finder: Callable[[], FaceFinder], dataset: Dataset | None) -> tuple[Namer[Any], tuple[str, ...]]:
    """What names whole photos and keeps where the model looks."""
    if model.task == "detect":
        raise WeightsError("a map is of a classifier, and these weights detect", model.weights, "Drop --explain.")
    from yolo_koin.verbs.explain import explaining  # here, since it loads torch

    found = finder()
    return explaining(WholePhoto(model, Reader(), found), found, dataset), ()


def _result(naming: Naming, frame: pd.DataFrame, folder: Path, weights: Path) -> PredictResult:
    shown = as_shown(frame)
    splits = counted_by_split(shown, naming.learnt)
    labelled = [one for one in splits if one.labelled]
    alone = len(labelled) < 2
    guesses = [
        chance_note(one.split, one.right, one.labelled, len(naming.namer.names))
        for one in labelled
        if not naming.rejection and (not naming.boxed or Split.parse(one.split).has_one_person)
    ]
    return PredictResult(
        run=folder,
        weights=weights,
        photos=sum(one.photos for one in splits),
        unreadable=sum(one.unreadable for one in splits),
        labelled=sum(one.labelled for one in labelled) if alone else None,
        right=sum(one.right for one in labelled) if alone else None,
        named=told(shown, naming.names),
        way=naming.namer.way,
        notes=(*naming.notes, *filter(None, guesses), *([naming.rejection.note(frame)] if naming.rejection else [])),
        splits=splits,
    )


def _slug(source: Sequence[str]) -> str:
    return "-".join("".join(c if c.isalnum() else " " for c in nfc(" ".join(source))).split())[:60] or SAMPLE


def told(frame: pd.DataFrame, names: Mapping[str, str]) -> tuple[Said, ...]:
    """Who the first photos show, or why they could not be read."""
    return tuple(_said(*photo, rows, names) for photo, rows in islice(by_photo(frame).items(), TOLD))


def _said(split: str, image: str, rows: Sequence[Row], names: Mapping[str, str]) -> Said:
    named = [row for row in rows if not row["error"]]
    given = tuple(Name(row["pred_1"], names.get(row["pred_1"], row["pred_1"]), row["score_1"]) for row in named)
    return Said(split, image, given, "" if given else rows[0]["error"])
