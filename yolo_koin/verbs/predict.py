"""``yolo_koin predict``: name the people in photos, or every face in them, and draw what the model made of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import pandas as pd

from yolo_koin.dataset.koin import Dataset, nfc
from yolo_koin.errors import UsageError, WeightsError
from yolo_koin.evaluation import face_predictions, predictions
from yolo_koin.evaluation.face_predictions import NO_FACE
from yolo_koin.files import atomic_path, sha256
from yolo_koin.models.checkpoints import load_checkpoint, task_of
from yolo_koin.models.detector import Detector
from yolo_koin.models.yolo import Classifier
from yolo_koin.parallel import Progress, Step, in_threads, silent
from yolo_koin.reporting.sheets import EvenTiles
from yolo_koin.runs import create_run, read_manifest, write_manifest
from yolo_koin.verbs.convert import SAMPLE, open_dataset
from yolo_koin.verbs.convert_detect import drawn_boxes
from yolo_koin.verbs.detector import open_detector
from yolo_koin.verbs.drawing import Drawing, by_photo, sheet_of, targets_of
from yolo_koin.verbs.naming import Namer, OneStage, TwoStage, WholePhoto, hints
from yolo_koin.verbs.sources import find_photos
from yolo_koin.verbs.weights import newest_weights, run_name

TOLD = 10  # photos that are named on the screen as well


@dataclass(frozen=True)
class PredictSpec:
    """What to predict.

    Attributes:
        source: a split (``hard_cases/test``), a folder, a photo or a glob; looked up in the dataset first, then as a path.
        data: dataset root or ``sample``; what the model was trained on when None.
        weights: checkpoint; that of the newest finished training run when None.
        device: as for training.
        top: how many names are drawn on each photo, 1 to 5.
        name: of the run.
        trust_weights: run a pickle that safe loading refuses.
        faces: find every face of a photo and let the classifier name each. A detector's weights do so by themselves.
        detector: the face detector's file for ``faces``; CenterFace when None.
    """

    source: str
    data: str | None = None
    weights: Path | None = None
    device: str = ""
    top: int = 3
    name: str | None = None
    trust_weights: bool = False
    faces: bool = False
    detector: Path | None = None

    def __post_init__(self) -> None:
        if self.detector and not self.faces:
            raise UsageError("--detector is about faces", f"--detector {self.detector}", "Add --faces.")
        if not 1 <= self.top <= predictions.TOP:
            raise UsageError(f"1 to {predictions.TOP} names", f"--top {self.top}", "The default is 3.")


@dataclass(frozen=True)
class PredictResult:
    """A finished prediction.

    Attributes:
        run: its folder, with ``annotated/``, ``predictions.csv`` and ``contact_sheet.png``.
        weights: the checkpoint.
        photos: how many photos there were.
        unreadable: how many of them could not be read.
        labelled: how many have a known true label.
        right: how many of those were named rightly: the photo as a whole, or any face of it.
        named: a line on each photo, of the first :data:`TOLD`.
        way: ``whole``, ``faces`` or ``detector``: what was named.
        notes: what the user should know: boxes that could not be used, a classifier that did not learn from faces.
    """

    run: Path
    weights: Path
    photos: int
    unreadable: int
    labelled: int
    right: int
    named: tuple[str, ...]
    way: str = "whole"
    notes: tuple[str, ...] = ()


def predict(spec: PredictSpec, progress: Progress = silent, folder: Path | None = None) -> PredictResult:
    """Predict, annotate, and write the run.

    Args:
        spec: what to predict.
        progress: is told of each photo.
        folder: of the run, in place of ``runs/predict/<name>``: a cell of a benchmark.

    Raises:
        DatasetError, WeightsError, RunError, UsageError: what the user can mend.
    """
    weights = spec.weights or newest_weights("classify" if spec.faces else "", of_faces=spec.faces)
    namer = _namer(spec, weights)
    boxed = namer.way != "whole"
    dataset = _dataset(spec.data, weights)
    samples = find_photos(spec.source, dataset)
    run = folder or create_run("predict", spec.name, f"{run_name(weights)}-{_slug(spec.source)}{'-faces' if spec.faces else ''}")
    names = dataset.names if dataset else {}
    known, problems = drawn_boxes(dataset, None) if dataset and boxed else ({}, ())
    notes = (*(f"{problem.where}: {problem.reason}" for problem in problems), *hints(namer))
    draw = Drawing(targets_of(run, samples), names, spec.top, boxed, known)
    parts: list[pd.DataFrame] = []
    tiles = EvenTiles(len(samples))
    done = 0
    for chunk, frame in namer.rows(samples):
        parts.append(frame)
        rows = by_photo(frame)
        for small in in_threads(draw, [(s, rows[str(s.split), s.image]) for s in chunk]):
            tiles.offer(small)
            done += 1
            progress(Step("naming", done, len(samples)))
    frame = pd.concat(parts, ignore_index=True)
    (face_predictions if boxed else predictions).write(run / "predictions.csv", frame)
    with atomic_path(run / "contact_sheet.png") as temporary:
        synthetic = {str(split) for split in dataset.synthetic} if dataset else ()
        sheet_of(tiles.kept, frame, run_name(weights), spec.source, boxed=boxed, synthetic=synthetic).save(temporary)
    if folder is None:
        asked = {**asdict(spec), "weights": str(weights.resolve())}
        write_manifest(run, "finished", asked, weights_sha256=sha256(weights), photos=len(samples), way=namer.way)
    photos = frame.drop_duplicates(["split", "image"])
    labelled = photos[photos["true_label"] != ""]
    right = frame[(frame["true_rank"] == 1)].drop_duplicates(["split", "image"])
    unreadable = int(((photos["error"] != "") & (photos["error"] != NO_FACE)).sum())
    return PredictResult(run, weights, len(photos), unreadable, len(labelled), len(right), told(frame, names), namer.way, notes)


def _namer(spec: PredictSpec, weights: Path) -> Namer:
    """What names the photos: by the kind of the weights, and by whether faces are asked for."""
    if task_of(load_checkpoint(weights, "", spec.trust_weights)) == "detect":
        if spec.faces:
            raise WeightsError("these weights find and name faces by themselves", weights, "Drop --faces.")
        return OneStage(Detector(weights, spec.device, spec.trust_weights), doubtful=False)
    model = Classifier(weights, spec.device, spec.trust_weights)
    return TwoStage(model, open_detector(spec.detector, spec.device, spec.trust_weights)) if spec.faces else WholePhoto(model)


def _dataset(data: str | None, weights: Path) -> Dataset | None:
    """The dataset for names and labels; without one, photos are still predicted."""
    if data is not None:
        return open_dataset(data)
    converted = (read_manifest(weights.resolve().parent.parent) or {}).get("converted")
    trained_on = (read_manifest(Path(converted)) or {}).get("data") if converted else None
    for candidate in (trained_on, "data/KoIn"):
        if candidate and Path(candidate).is_dir():
            return open_dataset(candidate)
    return None


def _slug(source: str) -> str:
    return "-".join(part for part in "".join(c if c.isalnum() else " " for c in nfc(source)).split())[:60] or SAMPLE


def told(frame: pd.DataFrame, names: Mapping[str, str]) -> tuple[str, ...]:
    """Who the first photos show, or why they could not be read."""
    lines = []
    photos = by_photo(frame)
    for (_, image), rows in list(photos.items())[:TOLD]:
        named = ", ".join(f"{names.get(row['pred_1'], row['pred_1'])} {100 * row['score_1']:.1f} %" for row in rows if not row["error"])
        lines.append(f"{image}: {named or rows[0]['error']}")
    return (*lines, f"and {len(photos) - TOLD} more in predictions.csv") if len(photos) > TOLD else tuple(lines)
