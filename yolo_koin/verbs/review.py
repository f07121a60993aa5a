"""The pages on which people look through the boxes of a converted dataset: what is still to be drawn first, then what may be wrong."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image

from yolo_koin.dataset.boxes import SUGGESTED
from yolo_koin.dataset.detect import TABLE, read_boxes_table
from yolo_koin.dataset.detect_files import NO_FACE_DRAWN
from yolo_koin.dataset.images import PhotoError, open_photo
from yolo_koin.dataset.koin import Dataset
from yolo_koin.files import atomic_path, sha256, write_text
from yolo_koin.parallel import in_threads
from yolo_koin.reporting.sheets import TO_CHECK, TO_DRAW, Plan, ReviewFace, ReviewPhoto, review_page
from yolo_koin.splits import Split
from yolo_koin.verbs.drawing import drawable

REVIEW, DRAWN = "review", ".drawn"  # what the pages there were drawn of
VERSION = 1  # raise it when pages are drawn otherwise


def review(dataset: Dataset, root: Path, most: int) -> tuple[tuple[Path, ...], tuple[int, int]]:
    """Draw the pages, unless they are there: photos without a box, those with boxes that a detector found, least sure first, drawn ones.

    Args:
        dataset: the raw one.
        root: the converted one.
        most: pages.

    Returns:
        The pages, and how many photos are on them and how many there are.
    """
    table = read_boxes_table(root)
    table["line"] = table.index + 2  # of boxes.csv, whose first line has the names of the columns
    plans = _planned(table[(table["photo_width"] > 0) & (table["status"] != NO_FACE_DRAWN)])
    pages = plans[:most]
    files = tuple(root / REVIEW / f"page-{page:03d}.png" for page in range(1, len(pages) + 1))
    shown = sum(len(images) for _, images in pages), sum(len(images) for _, images in plans)
    there, drawn = set((root / REVIEW).glob("page-*.png")), root / REVIEW / DRAWN
    wanted = _of_what(root, dataset)
    if there == set(files) and drawn.is_file() and drawn.read_text("utf-8") == wanted:
        return files, shown
    for old in there:
        old.unlink()
    names, paths = drawable(dataset.names)[0], {s.image: s.path for s in dataset.samples}
    for page, (file, (plan, images)) in enumerate(zip(files, pages, strict=True), 1):
        title = f"{plan.title.format(root.name)} · page {page:,} of {len(files):,}"
        rows = dict(iter(table[table["image"].isin(images)].groupby("image")))
        looked = in_threads(partial(_looked_at, paths=paths, names=names, side=plan.side), [rows[image] for image in images])
        with atomic_path(file) as temporary:
            review_page(looked, plan, title).save(temporary)
    write_text(drawn, wanted)
    return files, shown


def _of_what(root: Path, dataset: Dataset) -> str:
    """What pages are drawn of: the boxes, what people are called, and the version of the drawing."""
    names = json.dumps(sorted(dataset.names.items()))
    return hashlib.sha256(f"{VERSION} {root.name} {sha256(root / TABLE)} {names}".encode()).hexdigest()


def _planned(table: pd.DataFrame) -> list[tuple[Plan, list[str]]]:
    """The photos of each page: those without a box, tests first, as scores depend on them; then the others by their lowest score."""
    table = table.assign(boxed=table["status"] == "ok", test=table["split"].map(lambda split: Split.parse(split).is_test))
    photos = table.groupby("image", sort=True).agg(boxed=("boxed", "any"), test=("test", "first"), score=("score", "min"))
    bare = photos[~photos["boxed"]].sort_values("test", ascending=False, kind="stable").index.tolist()
    boxed = photos[photos["boxed"]].sort_values("score", kind="stable", na_position="last").index.tolist()
    kinds = ((TO_DRAW, bare), (TO_CHECK, boxed))
    return [(plan, images[start : start + plan.photos]) for plan, images in kinds for start in range(0, len(images), plan.photos)]


def _looked_at(rows: pd.DataFrame, paths: Mapping[str, Path], names: Mapping[str, str], side: int) -> ReviewPhoto:
    first = rows.iloc[0]
    size = int(first["photo_width"]), int(first["photo_height"])
    try:
        photo = open_photo(paths[first["image"]], longest=side)[0]
    except PhotoError:  # it has changed since it was converted
        photo = Image.new("RGB", size)
    return ReviewPhoto(
        photo=photo,
        size=size,
        image=first["image"],
        line=first["line"],
        faces=tuple(_face(row, names) for row in rows[rows["x"].notna()].to_dict("records")),
        reason="" if (rows["status"] == "ok").any() else first["status"],
    )


def _face(row: Mapping[Any, Any], names: Mapping[str, str]) -> ReviewFace:
    return ReviewFace(
        box=(row["x"], row["y"], row["width"], row["height"]),
        name=names.get(row["label"], row["label"]),
        score=None if np.isnan(row["score"]) else row["score"],
        suggested=row["provenance"] == SUGGESTED,
    )
