"""A printed grid of photos with what a model said of them: frames around the faces, captions beneath."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.figure import Figure
from PIL import Image

from yolo_koin.reporting import captions
from yolo_koin.reporting.annotate import Verdict
from yolo_koin.reporting.boxed import FacePhoto
from yolo_koin.reporting.page import CASING, CONTENT, SIGN_SIZE, Page, shape_of
from yolo_koin.reporting.style import GREY
from yolo_koin.reporting.tags import Rect, corners, place_number

Result = tuple[Image.Image, Verdict] | FacePhoto  # a verdict on the whole photo, or one on each face


def grid_of_results(results: Sequence[Result], title: str, measured: str, columns: int) -> Figure:
    """Photos in rows, each row as tall as its longest caption.

    Args:
        results: in reading order.
        title, measured: the two lines above.
        columns: photos in a row.
    """
    gap, head = 0.14, 0.48
    cell = (CONTENT - (columns - 1) * gap) / columns
    parted = [(shown.photo, shown) if isinstance(shown, FacePhoto) else shown for shown in results]
    lines = [captions.lines_beneath(said, cell) for _, said in parted]
    height = cell / shape_of([photo for photo, _ in parted])
    rows = [range(start, min(start + columns, len(results))) for start in range(0, len(results), columns)]
    heights = [height + captions.height(max(len(lines[i]) for i in row)) for row in rows]
    page = Page(head + sum(heights) + gap * max(0, len(rows) - 1))
    page.text(0, 0.1, title, CONTENT, size=9, bold=True)
    page.text(0, 0.28, measured, CONTENT, size=8, colour=GREY)
    y = head
    for row, tall in zip(rows, heights, strict=True):
        for column, i in enumerate(row):
            x, (photo, said) = column * (cell + gap), parted[i]
            at = page.photo(photo, x, y, cell, height)
            if isinstance(said, FacePhoto):
                _frames(page, said, at)
            captions.draw(page, lines[i], x, y + height, cell)
        y += tall + gap
    return page.figure


def _frames(page: Page, shown: FacePhoto, at: Rect) -> None:
    """A frame around each face, with its number where there are several."""
    scale = at.width / shown.photo.width
    faces = [corners(face.box, scale, at.left, at.top).clipped(at) for face in shown.ordered]
    for face, box in zip(shown.ordered, faces, strict=True):
        page.frame(box, face.verdict.correct)
    if len(faces) == 1:
        return
    numbers: list[Rect] = []
    for number, (face, box) in enumerate(zip(shown.ordered, faces, strict=True), 1):
        numbers.append(place_number((SIGN_SIZE, SIGN_SIZE), box.grown(CASING / 72), at, faces, numbers))
        page.number(face.verdict.correct, number, numbers[-1])
