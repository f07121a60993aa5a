"""What ``predict --explain`` adds: where a classifier looked in each photo, and how much of that lies on the face."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from yolo_koin.dataset.images import open_photo
from yolo_koin.dataset.koin import Dataset, Sample
from yolo_koin.errors import WeightsError
from yolo_koin.evaluation import attention
from yolo_koin.evaluation.scores import text
from yolo_koin.faces import Found
from yolo_koin.faces.finder import FaceFinder
from yolo_koin.files import write_csv
from yolo_koin.geometry import Box
from yolo_koin.models.protocol import Classifier, NoMapError
from yolo_koin.naming.explained import ExplainedPhoto, Sight
from yolo_koin.naming.whole import WholePhoto
from yolo_koin.reporting.annotate import enlarged
from yolo_koin.reporting.saving import save
from yolo_koin.verbs.drawing import looked_at
from yolo_koin.verbs.drawn import Boxes, drawn_boxes, own_face
from yolo_koin.words import count

PHOTOS, MEANS, SHEET = "explained.csv", "where_it_looks.csv", "where_it_looks.png"
SHOWN_AT = 128  # px: shorter side of an example


@dataclass(frozen=True)
class Explanation:
    """Where a classifier looked.

    Attributes:
        table: rows of ``where_it_looks.csv``.
        findings: a sentence for each split and answer.
        files: that were written.
    """

    table: pd.DataFrame
    findings: tuple[str, ...]
    files: tuple[Path, ...]


def explaining(whole: WholePhoto, finder: FaceFinder, dataset: Dataset | None) -> ExplainedPhoto:
    """The way to name whole photos that keeps where the classifier looks.

    Raises:
        WeightsError: this model has no map.
    """
    model = whole.classifier
    blank = np.zeros((1, model.side, model.side, 3), dtype=np.uint8)
    if not (has_map := getattr(model, "maps", None)):
        raise _no_map(model)
    try:
        has_map(blank, np.zeros(1, dtype=np.intp))
    except NoMapError as error:
        raise _no_map(model) from error
    return ExplainedPhoto(whole, model, finder, partial(_whose, drawn_boxes(dataset)[0] if dataset else {}))  # type: ignore[arg-type]


def _no_map(model: Classifier) -> WeightsError:
    what = f"{model.title} has no map of where it looks, since its last layer sees no places"
    return WeightsError(what, model.weights, "Drop --explain, or take a network of convolutions, such as a YOLO or a ResNet.")


def _whose(drawn: Boxes, sample: Sample, found: Found) -> Box | None:
    box = own_face(sample, found, drawn)
    return None if isinstance(box, str) else box


def explained(
    sights: Mapping[str, Sight], samples: Sequence[Sample], frame: pd.DataFrame, folder: Path, title: str, synthetic: Sequence[str]
) -> Explanation:
    """Write ``explained.csv``, and of labelled photos with a known face ``where_it_looks.csv`` and the figure.

    Args:
        sights: image id → where the classifier looked.
        samples: the photos.
        frame: their predictions.
        folder: where the files go.
        title: what the model is called.
        synthetic: splits whose photos are.
    """
    photos = pd.DataFrame(_rows(sights, frame), columns=list(attention.COLUMNS))
    write_csv(folder / PHOTOS, photos)
    table = attention.summary(photos[photos["named"] != "unknown"])
    if table.empty:
        return Explanation(table, (), (folder / PHOTOS,))
    write_csv(folder / MEANS, table)
    from yolo_koin.reporting.attention import where_it_looks  # here, since matplotlib takes half a second to load

    sheet, _ = save(where_it_looks(_examples(sights, samples, photos), table, title, synthetic), folder / SHEET)
    return Explanation(table, tuple(of_sights(table)), (folder / PHOTOS, folder / MEANS, sheet))


def _rows(sights: Mapping[str, Sight], frame: pd.DataFrame) -> Iterator[tuple[str, str, str, float, float]]:
    for row in frame[frame["error"] == ""].to_dict("records"):
        sight = sights[row["image"]]
        named = "unknown" if not row["true_label"] else "right" if row["pred_1"] == row["true_label"] else "wrong"
        shares = (float("nan"), float("nan"))
        if sight.box:
            even = np.ones_like(sight.map)
            shares = attention.share_inside(sight.map, sight.square, sight.box), attention.share_inside(even, sight.square, sight.box)
        yield row["split"], row["image"], named, *shares


def _examples(sights: Mapping[str, Sight], samples: Sequence[Sample], photos: pd.DataFrame) -> dict[str, list[tuple[Image.Image, bool]]]:
    """Photos of each split, spread evenly over those that were named rightly, and over those that were not."""
    from yolo_koin.reporting.attention import EACH

    paths = {sample.image: sample.path for sample in samples}
    known, found = photos.dropna(subset=["in_face"]), dict[str, list[tuple[Image.Image, bool]]]()
    for (split, named), images in known.groupby(["split", "named"])["image"]:
        for place in sorted({int(i) for i in np.linspace(0, len(images) - 1, min(len(images), EACH))}):
            image, right = images.iloc[place], named == "right"
            photo, _ = open_photo(paths[image], at_least=SHOWN_AT)
            photo.thumbnail((2 * SHOWN_AT, 2 * SHOWN_AT))
            photo = enlarged(photo, SHOWN_AT)
            found.setdefault(str(split), []).append((looked_at(photo, sights[image], right), right))
    return found


def of_sights(table: pd.DataFrame) -> Iterator[str]:
    """Whether a classifier looks at the face more than an even map would.

    Args:
        table: of :func:`yolo_koin.evaluation.attention.summary`.
    """
    for row in table.to_dict("records"):
        inside = text("top1", row["in_face"], row["low"], row["high"])
        above = text("top1_gap", row["above"], row["above_low"], row["above_high"])
        more = "more than" if row["above_low"] > 0 else "less than" if row["above_high"] < 0 else "not shown to be more or less than"
        told = (
            f"{row['split']}: of what speaks for the answer, {inside} lies on the face in {count(row['n'], 'photo')} named {row['named']}ly"
        )
        yield f"{told}; that is {more} of an even map, {100 * row['face_area']:.1f} % ({above})."
