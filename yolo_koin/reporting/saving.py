"""How pictures are written: as PNG for a screen and as PDF for print, whole or not at all, the same bytes each time."""

from __future__ import annotations

import logging
from pathlib import Path

import matplotlib
from matplotlib.figure import Figure
from PIL import Image

from yolo_koin.files import atomic_path
from yolo_koin.reporting.style import DPI, PHOTO_DPI, settings

QUALITY = 92  # of the JPEG in a PDF; in full colour resolution, since text is in it too
NO_DATES = {"Creator": None, "Producer": None, "CreationDate": None}


def save(picture: Figure | Image.Image, path: Path) -> tuple[Path, Path]:
    """Write a chart or a picture of photos as PNG, and beside it as PDF: a chart in lines and letters, photos as a JPEG.

    Args:
        picture: a chart, or a page of photos with :data:`~yolo_koin.reporting.style.PHOTO_DPI` dots an inch.
        path: of the PNG.

    Returns:
        The two files.

    Raises:
        RunError: a file cannot be written.
    """
    pdf = path.with_suffix(".pdf")
    for target in (path, pdf):
        with atomic_path(target) as temporary:
            if isinstance(picture, Image.Image):
                _save_photos(picture, temporary, path.stem)
            else:
                _save_chart(picture, temporary)
    return path, pdf


def _save_chart(figure: Figure, path: Path) -> None:
    """Neither a date nor a version goes in."""
    with matplotlib.rc_context(settings()):
        if path.suffix == ".pdf":
            # NanumGothic has hinting tables of its editor, and each that is left out of the file would be a line in the log.
            logging.getLogger("fontTools.subset").setLevel(logging.ERROR)
            figure.savefig(path, format="pdf", metadata=NO_DATES)
        else:
            figure.savefig(path, format="png", dpi=DPI, metadata={"Software": None})


def _save_photos(picture: Image.Image, path: Path, title: str) -> None:
    if path.suffix == ".pdf":
        # The title would else be the temporary file's name.
        picture.save(path, title=title, creationDate=None, modDate=None, resolution=PHOTO_DPI, quality=QUALITY, subsampling=0)
    else:
        picture.save(path, dpi=(PHOTO_DPI, PHOTO_DPI))  # optimize=True takes three times as long for a hundredth of the bytes
