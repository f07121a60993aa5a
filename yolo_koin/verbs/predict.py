"""``yolo_koin predict``: name the people in photos, and draw what the model made of each."""

from __future__ import annotations

import glob
import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image
from torch import Tensor

from yolo_koin.dataset.classify import Progress, in_threads
from yolo_koin.dataset.images import FaceFinder, PhotoError, open_photo, prepare
from yolo_koin.dataset.koin import IMAGE_SUFFIXES, Dataset, Sample, nfc
from yolo_koin.errors import DatasetError, UsageError
from yolo_koin.evaluation import predictions
from yolo_koin.models.photos import load_square
from yolo_koin.models.yolo import Classifier
from yolo_koin.reporting.annotate import Verdict, annotate
from yolo_koin.reporting.sheets import MOST_TILES, contact_sheet, tile
from yolo_koin.runs import atomic_path, create_run, read_manifest, sha256, write_manifest
from yolo_koin.verbs.convert import SAMPLE, FaceBox, open_dataset
from yolo_koin.verbs.evaluate import newest_weights, run_name

BATCH = 32
TOLD = 10  # photos that are named on the screen as well
QUALITY = 92  # of the annotated JPEGs


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
    """

    source: str
    data: str | None = None
    weights: Path | None = None
    device: str = ""
    top: int = 3
    name: str | None = None
    trust_weights: bool = False

    def __post_init__(self) -> None:
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
        right: how many of those were named rightly.
        named: a line on each photo, of the first :data:`TOLD`.
    """

    run: Path
    weights: Path
    photos: int
    unreadable: int
    labelled: int
    right: int
    named: tuple[str, ...]


def predict(spec: PredictSpec, progress: Progress | None = None, folder: Path | None = None) -> PredictResult:
    """Predict, annotate, and write the run.

    Args:
        spec: what to predict.
        progress: called with photos done and photos in all.
        folder: of the run, in place of ``runs/predict/<name>``: a cell of a benchmark.

    Raises:
        DatasetError, WeightsError, RunError, UsageError: what the user can mend.
    """
    weights = spec.weights or newest_weights()
    model = Classifier(weights, spec.device, spec.trust_weights)
    dataset = _dataset(spec.data, weights)
    samples = find_photos(spec.source, dataset)
    run = folder or create_run("predict", spec.name, f"{run_name(weights)}-{_slug(spec.source)}")
    names = dataset.names if dataset else {}
    parts: list[pd.DataFrame] = []
    tiles: list[Image.Image] = []
    done = 0
    draw = partial(_draw, targets=_targets(run, samples), names=names, top=spec.top)
    for chunk, frame in _predicted(model, samples):
        parts.append(frame)
        for small in in_threads(draw, list(zip(chunk, rows_of(frame), strict=True))):
            if small is not None and len(tiles) < MOST_TILES:
                tiles.append(small)
            done += 1
            if progress:
                progress(done, len(samples))
    frame = pd.concat(parts, ignore_index=True)
    predictions.write(run / "predictions.csv", frame)
    with atomic_path(run / "contact_sheet.png") as temporary:
        contact_sheet(tiles, title=f"{run_name(weights)} on {spec.source}", total=len(samples)).save(temporary)
    labelled = frame[frame["true_label"] != ""]
    right = int((labelled["pred_1"] == labelled["true_label"]).sum())
    if folder is None:
        write_manifest(
            run, "finished", {**asdict(spec), "weights": str(weights.resolve())}, weights_sha256=sha256(weights), photos=len(frame)
        )
    return PredictResult(run, weights, len(frame), int((frame["error"] != "").sum()), len(labelled), right, told(frame, names))


def find_photos(source: str, dataset: Dataset | None) -> list[Sample]:
    """The photos that a SOURCE means; those of the dataset come with their labels.

    Args:
        source: see :class:`PredictSpec`.
        dataset: where it is looked up first, when there is one.

    Raises:
        DatasetError: nothing is found.
    """
    if dataset and (found := _in_dataset(source, dataset)):
        return found
    base, files = _on_disk(source)
    if not files:
        where = f"{dataset.root} or as a path" if dataset else "the paths here"
        raise DatasetError(f"no photo found in {where}", source, "Give a split such as hard_cases/test, a folder, a photo or a glob.")
    if dataset:
        known = {s.path.resolve(): s for s in dataset.samples}
        root = dataset.root.resolve()
        inside = [known.get(p.resolve()) for p in files if p.resolve().is_relative_to(root)]
        kept = [s for s in inside if s]
        if inside and not kept:
            raise DatasetError("every photo there is excluded or in no split", source, f"See exclude.txt in {dataset.root}.")
        if kept:
            return kept
    return [Sample(nfc(p.relative_to(base).as_posix()), "", "", p) for p in files]


def _in_dataset(source: str, dataset: Dataset) -> list[Sample]:
    wanted = nfc(source).replace("\\", "/").strip("/")
    return [s for s in dataset.samples if s.image == wanted or f"{s.image}/".lower().startswith(f"{wanted.lower()}/") or s.split == wanted]


def _on_disk(source: str) -> tuple[Path, list[Path]]:
    """The photos of a path or glob, and the folder that their names are relative to."""
    path = Path(source)
    if path.is_dir():
        return path, sorted(p for p in path.rglob("*") if p.suffix.lower() in IMAGE_SUFFIXES and p.is_file() and p.name[0] != ".")
    if path.is_file():
        return path.parent, [path]
    files = sorted({Path(p) for p in glob.glob(source, recursive=True) if Path(p).is_file()})  # noqa: PTH207  # absolute patterns too
    return (Path(os.path.commonpath([p.parent for p in files])) if files else path), files


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


def _predicted(model: Classifier, samples: list[Sample]) -> Iterator[tuple[list[Sample], pd.DataFrame]]:
    """Batches of samples with their rows, in order."""
    find_face = FaceBox() if model.note.get("fit") == "face" else None
    read = partial(_read, model=model, find_face=find_face)
    for start in range(0, len(samples), BATCH):
        chunk = samples[start : start + BATCH]
        loaded = list(in_threads(read, chunk))
        photos = [(s, photo) for s, photo in zip(chunk, loaded, strict=True) if isinstance(photo, Tensor)]
        bad = [(s, error) for s, error in zip(chunk, loaded, strict=True) if isinstance(error, str)]
        parts = [
            predictions.error_rows([s.split for s, _ in bad], [s.image for s, _ in bad], [s.label for s, _ in bad], [e for _, e in bad])
        ]
        if photos:
            good = [s for s, _ in photos]
            scores = np.stack(list(model.run([photo for _, photo in photos], BATCH)))
            parts.append(
                predictions.rows([s.split for s in good], [s.image for s in good], [s.label for s in good], scores, list(model.names))
            )
        frame = pd.concat([p for p in parts if len(p)], ignore_index=True).set_index("image", drop=False)
        yield chunk, frame.loc[[s.image for s in chunk]].reset_index(drop=True)


def _read(sample: Sample, model: Classifier, find_face: FaceFinder | None) -> Tensor | str:
    try:
        photo = prepare(sample.path, str(model.note.get("fit", "pad")), int(model.note.get("side", 256)), find_face)
    except PhotoError as error:
        return str(error)
    return load_square(photo.jpeg, model.side)


def _targets(run: Path, samples: Sequence[Sample]) -> dict[str, Path]:
    """Where the annotated copy of each photo goes; the old ending stays where two names differ by nothing else."""
    plain = {s.image: (run / "annotated" / s.image).with_suffix(".jpg") for s in samples}
    taken = Counter(str(path).lower() for path in plain.values())
    return {image: path if taken[str(path).lower()] == 1 else run / "annotated" / f"{image}.jpg" for image, path in plain.items()}


def _draw(item: tuple[Sample, Mapping[str, Any]], targets: Mapping[str, Path], names: dict[str, str], top: int) -> Image.Image | None:
    """Write the annotated copy of a photo; return its tile for the contact sheet, or None for a photo that could not be read."""
    sample, row = item
    if row["error"]:
        return None
    verdict = verdict_of(row, names)
    photo, _ = open_photo(sample.path)
    with atomic_path(targets[sample.image]) as temporary:
        annotate(photo, verdict, top).save(temporary, quality=QUALITY)
    return tile(photo, verdict)


def told(frame: pd.DataFrame, names: Mapping[str, str]) -> tuple[str, ...]:
    """Who the first photos show, or why they could not be read."""
    lines = []
    for row in rows_of(frame.head(TOLD)):
        named = f"{names.get(row['pred_1'], row['pred_1'])} {100 * row['score_1']:.1f} %"
        lines.append(f"{row['image']}: {row['error'] or named}")
    return (*lines, f"and {len(frame) - TOLD} more in predictions.csv") if len(frame) > TOLD else tuple(lines)


def rows_of(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows of a table of predictions, by column name."""
    return [{str(column): value for column, value in row.items()} for row in frame.to_dict("records")]


def verdict_of(row: Mapping[str, Any], names: Mapping[str, str]) -> Verdict:
    """What a row of predictions says, in display names."""

    def shown(label: str) -> str:
        return names.get(label, label)

    filled = [k for k in range(1, predictions.TOP + 1) if row[f"pred_{k}"]]
    true = row["true_label"]
    return Verdict(
        names=tuple(shown(row[f"pred_{k}"]) for k in filled),
        scores=tuple(row[f"score_{k}"] for k in filled),
        true_name=shown(true) if true else None,
        correct=row["pred_1"] == true if true else None,
    )


def _slug(source: str) -> str:
    return "-".join(part for part in "".join(c if c.isalnum() else " " for c in nfc(source)).split())[:60] or SAMPLE
