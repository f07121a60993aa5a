"""What ``evaluate --segments`` adds: where a model fails, by properties of the photos."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from yolo_koin.dataset.koin import Sample
from yolo_koin.dataset.looks import look_at_all, thumbnails
from yolo_koin.errors import DatasetError, WeightsError
from yolo_koin.evaluation import predictions
from yolo_koin.evaluation.scores import text
from yolo_koin.evaluation.segments import FACES, segments, weak
from yolo_koin.files import write_csv
from yolo_koin.parallel import Progress
from yolo_koin.verbs.drawn import drawn_boxes, own_face
from yolo_koin.verbs.resolve import face_finder, open_dataset
from yolo_koin.verbs.scoring import Scoring
from yolo_koin.words import count
from yolo_koin.workspace import Workspace

TABLE, CHART = "segments.csv", "segments.png"
DIGITS = {"brightness": 0, "sharpness": 2, "face's share": 2, FACES: 0, "megapixels": 2, "covered": 2}  # of values, for people


@dataclass(frozen=True)
class Segments:
    """Where a model fails.

    Attributes:
        table: rows of ``segments.csv``.
        findings: the parts that are shown to be worse, or that none is.
        files: that were written.
    """

    table: pd.DataFrame
    findings: tuple[str, ...]
    files: tuple[Path, ...]


def check(scoring: Scoring, weights: Path) -> None:
    """Refuse what has no segments.

    Raises:
        DatasetError: the photos are gone.
        WeightsError: the weights name faces.
    """
    if scoring.truth is not None:
        raise WeightsError("segments are told of whole photos, and these weights detect", weights, "Drop --segments.")
    if not scoring.data.is_dir():
        raise DatasetError("the raw photos are gone, of which segments are told", scoring.data, "Drop --segments.")


def written(scoring: Scoring, folder: Path, title: str, workspace: Workspace, progress: Progress) -> Segments:
    """Write ``segments.csv`` and its chart beside the ``predictions.csv`` of a run on whole photos."""
    frame = predictions.read(folder / "predictions.csv")
    table = segments(frame, properties_of(scoring.samples, scoring.data, workspace, progress))
    write_csv(folder / TABLE, table)
    if table.empty:
        return Segments(table, tuple(of_segments(table)), (folder / TABLE,))
    from yolo_koin.reporting.saving import save  # here, since matplotlib takes half a second to load
    from yolo_koin.reporting.segments import weak_segments

    chart, _ = save(weak_segments(table, title, scoring.synthetic), folder / CHART)
    return Segments(table, tuple(of_segments(table)), (folder / TABLE, chart))


def properties_of(samples: Sequence[Sample], data: Path, workspace: Workspace, progress: Progress) -> pd.DataFrame:
    """``split,image`` and what photos are like, as audits see them, and their faces; NaN where it is not known.

    Brightness is the mean grey value, 0 to 255; sharpness as of :class:`~yolo_koin.dataset.looks.Look`; the face's share is that of the
    labelled person's box in the photo.
    """
    dataset = open_dataset(str(data), workspace)
    looks, (drawn, _) = look_at_all(samples, workspace.looks, progress=progress), drawn_boxes(dataset)
    rows = []
    with face_finder(None, "", False, workspace) as finder:
        for sample, found in zip(samples, finder.look_at_all([one.path for one in samples], progress=progress), strict=True):
            look, box = looks[sample.image], own_face(sample, found, drawn)
            if look.error or found.error:
                continue
            share = float("nan") if isinstance(box, str) else box[2] * box[3] / (found.width * found.height)
            measured = float(thumbnails([look]).mean()), look.sharpness, share, len(found.faces), look.width * look.height / 1e6
            rows.append((str(sample.split), sample.image, *measured))
    return pd.DataFrame(rows, columns=["split", "image", "brightness", "sharpness", "face's share", FACES, "megapixels"])


def of_segments(table: pd.DataFrame) -> Iterator[str]:
    """What was looked at, and what is shown.

    Args:
        table: of :func:`yolo_koin.evaluation.segments.segments`.
    """
    if table.empty:
        yield "No property divides a test split, so nothing is told of weak segments."
        return
    names = ", ".join(dict.fromkeys(table["property"]))
    looked = f"{count(len(table), 'segment')} ({names}), fixed in advance and tested as if photos were independent, with Holm's correction"
    found = weak(table).sort_values("p_holm", kind="stable").to_dict("records")
    if not found:
        few, many = (f"{int(n):,}" for n in (table["n"].min(), table["n"].max()))
        small = f"With {few} to {many} photos each, small weaknesses stay hidden."
        yield f"None of {looked}, is shown to be worse than the rest of its split. {small}"
        return
    yield f"Of {looked}, shown to be worse than the rest of its split: {len(found)}."
    for one in found:
        ends = " to ".join(f"{one[key]:.{DIGITS.get(one['property'], 2)}f}" for key in ("least", "most"))
        top1 = text("top1", one["top1"], one["low"], one["high"])
        where = f"{one['split']}, {one['property']}: {one['segment']} ({ends})"
        yield f"{where}: top-1 {top1} of {count(one['n'], 'photo')}, {100 * one['rest']:.1f} % of the rest (p = {one['p_holm']:.2g})."
