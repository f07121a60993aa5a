"""The figures of one run that show people and photos. Which photos: spread evenly over a split, picked by nobody."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from yolo_koin.dataset.boxes import DRAWN, LabelledBox
from yolo_koin.dataset.images import PhotoError, open_photo
from yolo_koin.dataset.koin import Dataset, Sample
from yolo_koin.evaluation import metrics
from yolo_koin.evaluation.face_predictions import NO_FACE
from yolo_koin.evaluation.face_scores import LEAST_SCORE
from yolo_koin.reporting import figures, sheets
from yolo_koin.reporting.boxed import FacePhoto
from yolo_koin.reporting.sheets import NamedPhoto
from yolo_koin.reporting.style import save
from yolo_koin.splits import GROUP, HARD, NORMAL, Split
from yolo_koin.verbs.drawing import by_photo, faces_of, verdict_of
from yolo_koin.verbs.scored import WHOLE, Scored

SHOWN, GROUPS_SHOWN = 18, 9  # photos in hardcases_results_YOLO.png and group_results_YOLO.png
EXAMPLES = 8  # photos of each case in examples_for_each_case.png
NEEDED = 400  # pixels: the shorter side of a photo in a figure
PHOTO_DPI = 220  # of figures that are photos: as sharp as the photos are, and half the bytes
TITLES = {WHOLE: "{}", "faces": "Face detector and {}", "detector": "Identity detector {}"}

Known = Mapping[str, Sequence[LabelledBox]]


def called(split: str, synthetic: Collection[str]) -> str:
    """The name of a split, with a word where its photos are synthetic."""
    return f"{split} (synthetic)" if split in synthetic else split


def write_people(run: Scored, split: str, names: Mapping[str, str], out: Path) -> list[Path]:
    """Who is recognised how well on a split, and who is taken for whom."""
    photos = run.predictions[run.predictions["split"] == split]
    if (photos["true_label"] == "").all():
        return []
    slug, title = Split.parse(split).slug, f"{run.title} · {called(split, run.synthetic)}"
    classes = metrics.per_class(photos)
    pairs = metrics.confused_pairs(photos, top=len(photos))
    classes["label"] = [names.get(label, label) for label in classes["label"]]
    for column in ("true", "predicted"):
        pairs[column] = [names.get(label, label) for label in pairs[column]]
    files = [out / f"per_class_{slug}.png", out / f"confused_pairs_{slug}.png"]
    save(figures.per_class(classes, title=title), files[0])
    save(figures.confused_pairs(pairs, title=title), files[1])
    return files


def write_examples(dataset: Dataset, out: Path) -> Path:
    """A row of photos for each case."""
    rows = []
    for split in (NORMAL, HARD, GROUP):
        name = split.name + ("\n(synthetic)" if split in dataset.synthetic else "")
        rows.append((name, _named(dataset.of(split), dataset)))
    path = out / "examples_for_each_case.png"
    save(sheets.examples_for_each_case(rows), path, PHOTO_DPI)
    return path


def write_hard_photos(run: Scored, dataset: Dataset, out: Path) -> list[Path]:
    """Hard test photos with what the run made of them; those of a run that named faces are boxed."""
    shown, known = _shown(run, HARD, dataset, SHOWN), _known(run)
    if not shown:
        return []
    tiles = [
        _whole(sample, rows, dataset) if run.way == WHOLE else _boxed(sample, _certain(rows, run.way), dataset, known)
        for sample, rows in shown
    ]
    share, photos = _person_named(run, str(HARD))
    measure = "top-1" if run.way == WHOLE else "labelled person named in"
    path = out / "hardcases_results_YOLO.png"
    save(sheets.hardcases_results(tiles, title=_title(run, str(HARD)), photos=photos, top1=share, measure=measure), path, PHOTO_DPI)
    return [path]


def write_group_photos(run: Scored, dataset: Dataset, out: Path) -> list[Path]:
    """Group photos with every face that a run named."""
    shown, known = _shown(run, GROUP, dataset, GROUPS_SHOWN), _known(run)
    if not shown or run.way == WHOLE:
        return []
    tiles = [_boxed(sample, _certain(rows, run.way), dataset, known) for sample, rows in shown]
    share, photos = _person_named(run, str(GROUP))
    path = out / "group_results_YOLO.png"
    save(sheets.group_results(tiles, title=_title(run, str(GROUP)), photos=photos, named=share), path, PHOTO_DPI)
    return [path]


def _title(run: Scored, split: str) -> str:
    return f"{TITLES[run.way].format(run.title)} on {called(split, run.synthetic)}"


def _person_named(run: Scored, split: str) -> tuple[float, int]:
    """How often the labelled person is named, and of how many photos: as ``metrics.csv`` has it."""
    found = run.metrics[(run.metrics["split"] == split) & run.metrics["metric"].isin(["top1", "person_top1"])].iloc[0]
    return float(found["value"]), int(found["n"])


def _shown(run: Scored, split: Split, dataset: Dataset, count: int) -> list[tuple[Sample, list[dict[str, Any]]]]:
    """Photos spread evenly over a split, with their rows; those that could not be read are not among them."""
    samples = {s.image: s for s in dataset.of(split)}
    frame = run.predictions[run.predictions["split"] == str(split)]
    photos = by_photo(frame[frame["error"].isin(["", NO_FACE])])
    readable = [(samples[image], rows) for (_, image), rows in photos.items() if image in samples]
    return [readable[i] for i in _evenly(len(readable), count)]


def _certain(rows: Sequence[Mapping[str, Any]], way: str) -> list[Mapping[str, Any]]:
    """The faces of a photo; an identity detector also writes down what it hardly believes."""
    least = LEAST_SCORE["detector" if way == "detector" else "faces"]
    return [row for row in rows if not row["error"] and row["face_score"] >= least]


def _known(run: Scored) -> Known:
    """The boxes that people drew, as the run was scored on them."""
    drawn = run.truth[run.truth["provenance"] == DRAWN].to_dict("records") if run.truth is not None else []
    known: dict[str, list[LabelledBox]] = {}
    for row in drawn:
        box = (row["x"], row["y"], row["width"], row["height"])
        known.setdefault(row["image"], []).append(LabelledBox(row["label"], box, None, DRAWN))
    return known


def _whole(sample: Sample, rows: Sequence[Mapping[str, Any]], dataset: Dataset) -> Any:
    return open_photo(sample.path, at_least=NEEDED)[0], verdict_of(rows[0], dataset.names)


def _boxed(sample: Sample, rows: Sequence[Mapping[str, Any]], dataset: Dataset, known: Known) -> FacePhoto:
    photo, (width, _) = open_photo(sample.path, at_least=NEEDED)
    faces = faces_of(rows, dataset.names, known.get(sample.image, ()))
    scale = photo.width / width
    return FacePhoto(photo, tuple(face.scaled(scale) for face in faces), dataset.names.get(sample.label, sample.label))


def _named(samples: Sequence[Sample], dataset: Dataset) -> list[NamedPhoto]:
    """Photos spread evenly over a split; in the place of one that cannot be read stands the next."""
    named: list[NamedPhoto] = []
    for start in _evenly(len(samples), EXAMPLES):
        for sample in samples[start:]:
            try:
                named.append((open_photo(sample.path, at_least=NEEDED)[0], dataset.names[sample.label]))
                break
            except PhotoError:
                continue
    return named


def _evenly(n: int, count: int) -> list[int]:
    """Indices spread evenly over a split."""
    return sorted({int(i) for i in np.linspace(0, n - 1, min(n, count))}) if n else []
