from __future__ import annotations

import zlib
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from matplotlib.figure import Figure
from PIL import Image

from yolo_koin.errors import RunError
from yolo_koin.reporting.people import confused_pairs
from yolo_koin.reporting.saving import save
from yolo_koin.reporting.style import DPI, PHOTO_DPI


def chart() -> Figure:
    figure = confused_pairs(pd.DataFrame({"true": ["김민준", "Źdźbło"], "predicted": ["뷁", "b"], "count": [2, 2], "n": [2, 3]}))
    assert figure is not None
    return figure


def photos() -> Image.Image:
    return Image.effect_noise((600, 300), 40).convert("RGB")


@pytest.mark.parametrize("make", [chart, photos])
def test_the_same_picture_gives_the_same_files(make: Callable[[], Figure | Image.Image], tmp_path: Path) -> None:
    """With neither a date nor a temporary file's name in them."""
    picture = make()
    first = [path.read_bytes() for path in save(picture, tmp_path / "1" / "a_0.3.png")]
    again = [path.read_bytes() for path in save(picture, tmp_path / "2" / "a_0.3.png")]
    assert first == again
    assert sorted(path.name for path in (tmp_path / "1").iterdir()) == ["a_0.3.pdf", "a_0.3.png"]
    assert not any(word in first[1] for word in (b"CreationDate", b"ModDate", b"Matplotlib"))
    with Image.open(tmp_path / "1" / "a_0.3.png") as png:
        assert png.info["dpi"][0] == pytest.approx(DPI if isinstance(picture, Figure) else PHOTO_DPI, abs=0.1)
        assert not {"Software", "Creation Time", "date"} & set(png.info)


def test_a_chart_is_lines_and_embedded_letters(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """TrueType, from both families, and no picture."""
    pdf = save(chart(), tmp_path / "a.png")[1].read_bytes()
    assert b"/Subtype /Image" not in pdf
    assert b"/Type3" not in pdf
    assert pdf.count(b"/FontFile2") >= 2
    assert b"+NanumGothic" in pdf
    assert b"+DejaVuSans" in pdf
    assert any(chunk[:4] in {b"\0\1\0\0", b"true"} for chunk in streams(pdf))  # a TrueType file
    assert not caplog.records


def test_photos_are_a_jpeg_in_full_colour_resolution(tmp_path: Path) -> None:
    pdf = save(photos(), tmp_path / "a.png")[1].read_bytes()
    assert b"/DCTDecode" in pdf
    assert b"180 90" in pdf.replace(b".0", b"") or b"[ 0 0 180.0 90.0 ]" in pdf  # points: 600 × 300 pixels at 240 an inch


def test_a_folder_that_is_a_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    with pytest.raises(RunError, match="cannot write"):
        save(photos(), tmp_path / "taken" / "a.png")


def streams(pdf: bytes) -> list[bytes]:
    """The unpacked streams of a PDF."""
    found = []
    for part in pdf.split(b"stream\n")[1:]:
        try:
            found.append(zlib.decompressobj().decompress(part))
        except zlib.error:
            continue
    return found
