"""Photos that every viewer shows and a strict decoder refuses; and cut ones, which must not pass for whole."""

from __future__ import annotations

import io
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from tests.dataset.conftest import picture
from tests.dataset.test_images import pixels, portrait
from yolo_koin.dataset import decoding
from yolo_koin.dataset.decoding import MENDED, PhotoError, open_photo, size_of
from yolo_koin.dataset.mending import with_end, without_texts


def encoded(kind: str = "JPEG", image: Image.Image | None = None, **how: object) -> bytes:
    stream = io.BytesIO()
    (image or portrait(200, 250)).save(stream, kind, **how)
    return stream.getvalue()


# ----------------------------------------------------------------------------------------------------------------- PNG
def texts(kind: str) -> dict[str, object]:
    info = PngImagePlugin.PngInfo()
    if kind == "zTXt":
        info.add_text("history", "a line of an editing history\n" * 80_000, zip=True)
    elif kind == "iTXt":
        info.add_itxt("XML:com.adobe.xmp", "<x>some xmp</x>" * 120_000, zip=True)
    elif kind == "many zTXt":
        for number in range(80):
            info.add_text(f"prompt {number}", "x" * 900_000, zip=True)
    else:
        return {"icc_profile": b"\0" * 3_000_000}
    return {"pnginfo": info}


@pytest.mark.parametrize("kind", ["zTXt", "iTXt", "many zTXt", "iCCP"])
def test_a_png_with_a_large_text_is_whole(tmp_path: Path, kind: str) -> None:
    """An editor's history, a generator's prompt, a printer's profile: nothing of it is a pixel."""
    path = tmp_path / "a.png"
    exif = Image.Exif()
    exif[0x0112] = 6
    path.write_bytes(encoded("PNG", picture(1, 60, 40), exif=exif, **texts(kind)))
    with pytest.raises(ValueError, match=r"too large|Decompressed|Too much memory"):
        Image.open(path).load()
    image, size = open_photo(path)
    assert size == size_of(path) == (40, 60), "its EXIF turn is kept"
    expected = picture(1, 60, 40).transpose(Image.Transpose.ROTATE_270)
    assert np.array_equal(pixels(image), pixels(expected))
    assert PngImagePlugin.MAX_TEXT_CHUNK == 1 << 20, "Pillow is as it was, for every thread"


@pytest.mark.parametrize("data", [b"", b"\x89PNG\r\n\x1a\n", encoded(), encoded("PNG")], ids=["nothing", "no chunk", "JPEG", "no text"])
def test_what_has_no_texts_is_not_mended(data: bytes) -> None:
    assert without_texts(data) is None


# ---------------------------------------------------------------------------------------------------------------- JPEG
KINDS = {
    "plain": {"quality": 90},
    "progressive": {"quality": 90, "progressive": True},
    "4:4:4": {"quality": 95, "subsampling": 0},
    "low": {"quality": 20},
    "restarts": {"quality": 90, "restart_marker_rows": 1},
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("cut", [1, 2])
@pytest.mark.parametrize("at_least", [None, 32])
def test_a_jpeg_without_its_end_marker_is_whole(tmp_path: Path, kind: str, cut: int, at_least: int | None) -> None:
    data = encoded(**KINDS[kind])  # type: ignore[arg-type]
    (tmp_path / "a.jpg").write_bytes(data[:-cut])
    image, size = open_photo(tmp_path / "a.jpg", at_least)
    assert size == (200, 250)
    assert image.info[MENDED] == "without its end marker"
    assert np.array_equal(pixels(image), pixels(open_photo(data, at_least)[0]))
    assert MENDED not in open_photo(data)[0].info


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("cut", [4, 10, 100, 1000])
def test_a_cut_jpeg_is_not_filled_in(kind: str, cut: int) -> None:
    """A decoder paints the missing rows grey and says nothing: a model would learn the grey."""
    with pytest.raises(PhotoError, match="truncated"):
        open_photo(encoded(**KINDS[kind])[:-cut])  # type: ignore[arg-type]


def test_bytes_behind_the_end_do_not_matter() -> None:
    data = encoded()
    image, _ = open_photo(data + b"\0" * 4096 + b"tail")
    assert np.array_equal(pixels(image), pixels(open_photo(data)[0]))
    assert with_end(data) is None


def test_the_end_of_a_thumbnail_is_not_that_of_the_photo() -> None:
    exif = Image.Exif()
    data = encoded(exif=exif)
    thumbnail = encoded(image=portrait(20, 25))
    held = data[:2] + b"\xff\xe2" + (len(thumbnail) + 2).to_bytes(2, "big") + thumbnail + data[2:]
    assert open_photo(held[:-2])[0].info[MENDED]


# ------------------------------------------------------------------------------------------------------- odd and large
def test_a_picture_of_a_phone() -> None:
    heif = pytest.importorskip("pillow_heif")
    stream = io.BytesIO()
    heif.from_pillow(picture(1, 64, 96)).save(stream, quality=95)
    assert "HEIF" not in Image.OPEN, "Pillow is as it was"
    image, size = open_photo(stream.getvalue())
    assert (image.mode, size) == ("RGB", (64, 96))
    assert np.abs(pixels(image) - pixels(picture(1, 64, 96))).mean() < 12


def test_without_the_package_the_line_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    with pytest.raises(PhotoError, match="HEIC, which needs pip install pillow-heif"):
        open_photo(b"\0\0\0\x18ftypheic" + b"\0" * 64)


@pytest.mark.parametrize("brand", [b"heic", b"avif", b"mif1"])
def test_what_only_begins_like_one_is_damaged(brand: bytes) -> None:
    with pytest.raises(PhotoError, match=r"damaged|not an image"):
        open_photo(b"\0\0\0\x18ftyp" + brand + b"\0" * 64)


@pytest.mark.parametrize("kind", ["WEBP", "PNG", "TIFF", "AVIF"])
def test_of_an_animated_picture_the_first_one_counts(kind: str) -> None:
    frames = [picture(n, 64, 64) for n in (1, 2)]
    lossless = {"lossless": True} if kind == "WEBP" else {"quality": 100} if kind == "AVIF" else {}
    data = encoded(kind, frames[0], save_all=True, append_images=frames[1:], **lossless)
    assert np.abs(pixels(open_photo(data)[0]) - pixels(frames[0])).mean() < 12


@pytest.mark.parametrize("mode", ["I", "F"])
def test_pixels_that_are_no_brightness_are_refused(mode: str) -> None:
    with pytest.raises(PhotoError, match="32-bit pixels"):
        open_photo(encoded("TIFF", Image.new("L", (30, 30), 7).convert(mode)))


@pytest.mark.parametrize(
    ("kind", "how", "at_least", "refused"),
    [
        ("JPEG", {}, None, True),
        ("JPEG", {}, 20, False),
        ("JPEG", {"progressive": True}, 20, True),
        ("PNG", {}, 20, True),
        ("WEBP", {}, None, True),
    ],
    ids=["whole JPEG", "reduced JPEG", "progressive, which keeps every coefficient", "PNG", "WebP"],
)
def test_no_more_pixels_are_decoded_than_the_limit(
    monkeypatch: pytest.MonkeyPatch, kind: str, how: dict[str, object], at_least: int | None, refused: bool
) -> None:
    monkeypatch.setattr(decoding, "MAX_DECODED", 40_000)
    data = encoded(kind, picture(1, 250, 200), **how)
    if refused:
        with pytest.raises(PhotoError, match="too large: 250 × 200 px"):
            open_photo(data, at_least)
    else:
        assert open_photo(data, at_least)[0].size == (63, 50)


@pytest.mark.parametrize("progressive", [False, True])
def test_a_header_that_lies_takes_no_memory(tmp_path: Path, progressive: bool) -> None:
    """A flipped bit makes 13,000 × 13,000 of a small photo; decoding that took 4 GB."""
    pytest.importorskip("resource", reason="memory is measured on POSIX systems")
    data = bytearray(encoded(progressive=progressive))
    at = data.index(b"\xff\xc2" if progressive else b"\xff\xc0") + 5
    data[at : at + 4] = (13_000).to_bytes(2, "big") * 2
    (tmp_path / "a.jpg").write_bytes(data)
    code = f"""
import resource
from pathlib import Path
from yolo_koin.dataset.decoding import PhotoError, open_photo
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for size in (dict(), dict(at_least=64), dict(longest=640)):
    try:
        open_photo(Path({str(tmp_path / "a.jpg")!r}), **size)
    except PhotoError as error:
        print(error)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    *reasons, megabytes = done.stdout.splitlines()
    assert len(reasons) == (3 if progressive else 1), "an eighth of a plain one is small enough to be read"
    assert int(megabytes) < 100


def test_threads_do_not_disturb_each_other() -> None:
    whole, cut = encoded(), encoded()[:-1000]

    def outcome(data: bytes) -> str:
        try:
            return str(open_photo(data)[1])
        except PhotoError as error:
            return str(error)

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(outcome, [whole, whole[:-2], cut] * 40))
    assert found == ["(200, 250)", "(200, 250)", "truncated or damaged"] * 40
