"""The photo pages for print: as wide as the text of a two-column paper, type of 6.8 to 9 points."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from PIL import Image

from yolo_koin.reporting.grids import PAGE, PRINT, cell, column_of, fitted, grid, points, shape_of
from yolo_koin.reporting.marks import write
from yolo_koin.reporting.style import GREY, PAPER
from yolo_koin.reporting.verdicts import Result, percent
from yolo_koin.words import count

NamedPhoto = tuple[Image.Image, str]
TALLEST = points(100)  # of a row of examples: a row of few photos does not fill the page
PICKED = "spread evenly over the split, none picked by hand"


class ExampleRow(NamedTuple):
    """The photos of a case: who is in which column is the same in all rows.

    Attributes:
        case: as in ``normal``.
        remark: as in ``synthetic``; empty for none.
        photos: each with a display name.
    """

    case: str
    remark: str
    photos: Sequence[NamedPhoto]


def examples_for_each_case(rows: Sequence[ExampleRow], title: str = "", left: int = points(48)) -> Image.Image:
    """One row of photos per case, names beneath.

    Args:
        rows: an empty one is left out.
        title: which dataset.
        left: pixels for the names of the cases.
    """
    rows = [row for row in rows if row.photos]
    columns = max((len(row.photos) for row in rows), default=1)
    gap = PRINT.gap // 2
    column = (PAGE - 2 * PRINT.margin - left - (columns - 1) * gap) // columns
    return grid([_example_row(row, column, left, gap) for row in rows], 1, PRINT, title, width=PAGE)


def _example_row(row: ExampleRow, column: int, left: int, gap: int) -> Image.Image:
    shape = shape_of([photo for photo, _ in row.photos])
    width = min(column, round(TALLEST * shape))
    height, size, em = round(width / shape), points(8.5), PRINT.em
    page = Image.new("RGB", (PAGE - 2 * PRINT.margin, height + round(1.9 * em)), PAPER)
    lower = size * 0.7 if row.remark else 0
    if row.case:  # else there is no room for one
        write(page, (0, height / 2 - lower), row.case, size, width=left - gap, bold=True)
        write(page, (0, height / 2 + lower), row.remark, em, width=left - gap, colour=GREY)
    for i, (photo, name) in enumerate(row.photos):
        x = left + i * (column + gap) + (column - width) // 2
        page.paste(fitted(photo, (width, height), PRINT)[0], (x, 0))
        write(page, (x + width / 2, height + 0.9 * em), name, em, width=column, align="middle")
    return page


def hardcases_results(
    results: Sequence[Result], *, title: str, photos: int, top1: float, columns: int = 6, measure: str = "top-1"
) -> Image.Image:
    """Photos of a test split with what the model made of them. Which photos: the caller's choice, by the rule :data:`PICKED`.

    Args:
        results: in reading order; faces are framed, and several are numbered.
        title: as in ``"YOLOv8n-cls on hard_cases/test"``.
        photos: how many photos the whole split has.
        top1: top-1 accuracy over the whole split, 0 to 1.
        columns: photos in a row, at least 1.
        measure: what ``top1`` is called, where it is another share of the photos.
    """
    return _results(results, title, f"{measure} {percent(top1)} of {count(photos, 'photo')}", photos, max(1, columns))


def group_results(results: Sequence[Result], *, title: str, photos: int, named: float, columns: int = 3) -> Image.Image:
    """Photos of several people, each face framed and numbered, and a list of the names beneath.

    Args:
        results: in reading order.
        title: as in ``"CenterFace and YOLOv8n-cls on group_cases/test"``.
        photos: how many photos the whole split has.
        named: share of these whose labelled person is the first name of any face, 0 to 1.
        columns: photos in a row, at least 1.
    """
    measured = f"labelled person named, which is the first name of any face, in {percent(named)} of {count(photos, 'photo')}"
    return _results(results, title, measured, photos, max(1, columns))


def _results(results: Sequence[Result], title: str, measured: str, photos: int, columns: int) -> Image.Image:
    width = column_of(columns)
    size = width, round(width / shape_of([result.photo for result in results]))
    remark = measured if len(results) == photos else f"{measured}; {len(results)} shown, {PICKED}"
    return grid([cell(result, size, PRINT) for result in results], columns, PRINT, title, remark, PAGE)
