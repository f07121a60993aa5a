"""The figures of one run that show people and photos. Which photos: spread evenly over a split, picked by nobody."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from yolo_koin.dataset.boxes import DRAWN, LabelledBox
from yolo_koin.dataset.images import PhotoError, open_photo
from yolo_koin.dataset.koin import Dataset, Sample
from yolo_koin.evaluation import metrics
from yolo_koin.evaluation.face_predictions import NO_FACE
from yolo_koin.evaluation.face_scores import LEAST_SCORE
from yolo_koin.reporting import people, prints
from yolo_koin.reporting.document import Block, Figure, Text
from yolo_koin.reporting.prints import PICKED, ExampleRow, NamedPhoto
from yolo_koin.reporting.saving import save
from yolo_koin.reporting.verdicts import Faces, Result
from yolo_koin.splits import GROUP, HARD, Split
from yolo_koin.verbs.drawing import by_photo, called, faces_of, verdict_of
from yolo_koin.verbs.scored import WHOLE, Scored
from yolo_koin.words import Sentence

SHOWN, GROUPS_SHOWN = 18, 9  # photos in hardcases_results_YOLO.png and group_results_YOLO.png
EXAMPLES = 8  # people in examples_for_each_case.png
NEEDED = 400  # pixels: the shorter side of a photo in a figure
TITLES = {
    WHOLE: "{run} on {split}",
    "faces": "Face detector and {run} on {split}",
    "detector": "Identity detector {run} on {split}",
}
PHOTOS = "{title}; photos " + PICKED

Known = Mapping[str, Sequence[LabelledBox]]


def of_people(run: Scored, split: str, dataset: str, names: Mapping[str, str], out: Path) -> list[Block]:
    """Who is recognised how well on a split, and who is taken for whom: figures, or sentences where those would say no more."""
    photos = run.predictions[run.predictions["split"] == split]
    if (photos["true_label"] == "").all():
        return []
    slug, title = Split.parse(split).slug, _title(run, split, dataset)
    classes = metrics.per_class(photos)
    pairs = metrics.confused_pairs(photos, top=len(photos))
    classes["label"] = [names.get(label, label) for label in classes["label"]]
    for column in ("true", "predicted"):
        pairs[column] = [names.get(label, label) for label in pairs[column]]
    blocks: list[Block] = []
    for name, figure, caption, sentence in (
        ("per_class", people.per_class(classes, title), Sentence("recall of each person"), people.said_of_classes(classes)),
        ("confused_pairs", people.confused_pairs(pairs, title), Sentence("who was taken for whom"), people.said_of_pairs(pairs)),
    ):
        if figure is None:
            blocks.append(Text(Sentence("{title}: {said}", title=title, said=sentence)))
        else:
            path, _ = save(figure, out / f"{name}_{slug}.png")
            blocks.append(Figure(path, Sentence("{title}: {said}", title=title, said=caption)))
    return blocks


def examples(dataset: Dataset, name: str, out: Path) -> list[Block]:
    """A row of photos for each test split, one person a column."""
    splits = [split for split in sorted(dataset.splits, key=lambda split: split.order) if split.is_test]
    columns = _people(dataset, splits)
    rows = [ExampleRow(s.name, "synthetic" if s in dataset.synthetic else "", _row_of(dataset, s, columns)) for s in splits]
    title = Sentence("{dataset}: test photos of each case, one person a column", dataset=name)
    path, _ = save(prints.examples_for_each_case(rows, title), out / "examples_for_each_case.png")
    return [Figure(path, title, photos=True)]


def hard_photos(run: Scored, dataset: Dataset, name: str, out: Path) -> list[Block]:
    """Hard test photos with what the run made of them; those of a run that named faces are boxed."""
    results = _results(run, HARD, dataset, SHOWN)
    if not results:
        return []
    share, photos = _person_named(run, str(HARD))
    title = _title(run, str(HARD), name)
    picture = prints.hardcases_results(results, title=title, photos=photos, top1=share, of_faces=run.way != WHOLE)
    path, _ = save(picture, out / "hardcases_results_YOLO.png")
    return [Figure(path, Sentence(PHOTOS, title=title), photos=True)]


def group_photos(run: Scored, dataset: Dataset, name: str, out: Path) -> list[Block]:
    """Group photos with every face that a run named."""
    results = _results(run, GROUP, dataset, GROUPS_SHOWN) if run.way != WHOLE else []
    if not results:
        return []
    share, photos = _person_named(run, str(GROUP))
    title = _title(run, str(GROUP), name)
    picture = prints.group_results(results, title=title, photos=photos, named=share)
    path, _ = save(picture, out / "group_results_YOLO.png")
    return [Figure(path, Sentence(PHOTOS, title=title), photos=True)]


def _title(run: Scored, split: str, dataset: str) -> Sentence:
    return Sentence(TITLES[run.way], run=run.title, split=called(split, run.synthetic, dataset))


def _person_named(run: Scored, split: str) -> tuple[float, int]:
    """How often the labelled person is named, and of how many photos, as ``metrics.csv`` has it; of one class there is recall only."""
    found = run.metrics[(run.metrics["split"] == split) & run.metrics["metric"].isin(["top1", "person_top1", "macro_recall"])].iloc[0]
    return float(found["value"]), int(found["n"])


def _results(run: Scored, split: Split, dataset: Dataset, count: int) -> list[Result]:
    """Photos spread evenly over a split, with what was said of them; those that could not be read are not among them."""
    samples, known = {s.image: s for s in dataset.of(split)}, _known(run)
    frame = run.predictions[run.predictions["split"] == str(split)]
    photos = by_photo(frame[frame["error"].isin(["", NO_FACE])])
    readable = [(samples[image], rows) for (_, image), rows in photos.items() if image in samples]
    return [_result(*readable[i], run, dataset, known) for i in _evenly(len(readable), count)]


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


def _result(sample: Sample, rows: Sequence[Mapping[str, Any]], run: Scored, dataset: Dataset, known: Known) -> Result:
    photo, (width, _) = open_photo(sample.path, at_least=NEEDED)
    if run.way == WHOLE:
        return Result(photo, verdict_of(rows[0], dataset.names))
    faces = faces_of(_certain(rows, run.way), dataset.names, known.get(sample.image, ()))
    person = dataset.names.get(sample.label, sample.label)
    return Result(photo, Faces(tuple(face.scaled(photo.width / width) for face in faces), person))


def _people(dataset: Dataset, splits: Sequence[Split]) -> list[str]:
    """Labels spread evenly over those that are in every split; where these are too few, others of as many splits as there are."""
    found = Counter(label for split in splits for label in {sample.label for sample in dataset.of(split)})
    everywhere = sorted(label for label, count in found.items() if count == len(splits))
    pool = everywhere if len(everywhere) >= EXAMPLES else sorted(found, key=lambda label: (-found[label], label))[:EXAMPLES]
    return [pool[i] for i in _evenly(len(pool), EXAMPLES)]


def _row_of(dataset: Dataset, split: Split, columns: Sequence[str]) -> list[NamedPhoto]:
    """A photo of each of these people; in the place of one without a readable photo stands somebody else."""
    photos: dict[str, list[Sample]] = {}
    for sample in dataset.of(split):
        photos.setdefault(sample.label, []).append(sample)
    others = iter([label for label in photos if label not in columns])
    row: list[NamedPhoto] = []
    for i, label in enumerate(columns):
        while (photo := _first_readable(photos.get(label, []), i)) is None and (label := next(others, "")):
            pass
        if photo is not None:
            row.append((photo, dataset.names.get(label, label)))
    return row


def _first_readable(samples: Sequence[Sample], start: int) -> Image.Image | None:
    """From one column to the next another photo comes first, so that a row does not show the same kind of photo throughout."""
    for i in range(len(samples)):
        with contextlib.suppress(PhotoError):
            return open_photo(samples[(start + i) % len(samples)].path, at_least=NEEDED)[0]
    return None


def _evenly(n: int, count: int) -> list[int]:
    """Indices spread evenly over a split."""
    return sorted({int(i) for i in np.linspace(0, n - 1, min(n, count))}) if n else []
