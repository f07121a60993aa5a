"""From a photo file to its upright pixels. The one place where photos are decoded.

The memory that one photo takes while it is read is bounded: at most :data:`MAX_DECODED` pixels are decoded, of four bytes in Pillow, and
turning a photo or laying it on white needs copies. Measured at 100 megapixels, turned: 1.1 GB for a JPEG, 1.9 GB for a PNG with
transparency.
"""

from __future__ import annotations

import contextlib
import io
import os
import stat
import struct
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import ExifTags, Image, ImageChops, UnidentifiedImageError

from yolo_koin.dataset.mending import PNG, chunks, with_end, without_texts
from yolo_koin.errors import KoinError

FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF", "AVIF")  # JPEG opens the MPO of many phones too
HEIF_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"})
MAX_PIXELS = 178_956_970  # where Pillow calls a picture a decompression bomb: about 13,400 × 13,400
MAX_DECODED = 100_000_000  # pixels: a larger JPEG is read where a reduced one is enough, any other photo is refused
MENDED = "mended"  # key in a picture's info that says what its file lacks

TURNS = {  # EXIF orientation → what makes the photo upright
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

# Photos between half of Pillow's limit and the limit are wanted; and nobody can act on a crooked EXIF block. Set once, here, because
# warnings.catch_warnings() is not safe in threads.
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")


class PhotoError(KoinError):
    """One photo that cannot be used; its text is short, for a row of a table."""


@dataclass(frozen=True, slots=True)
class Header:
    """What the first bytes of a photo say.

    Attributes:
        width, height: of the upright photo, in pixels.
        orientation: the EXIF tag, 1 to 8; from 5 on the stored picture lies on its side.
    """

    width: int
    height: int
    orientation: int


def read_photo(path: Path) -> bytes:
    """The bytes of a photo file, for whoever needs their hash as well as the picture: :func:`open_photo` takes them too.

    Raises:
        PhotoError: the file cannot be read.
    """
    with in_short():
        _check(path)
        return path.read_bytes()


def open_photo(photo: Path | bytes, at_least: int | None = None, longest: int | None = None) -> tuple[Image.Image, tuple[int, int]]:
    """Decode a photo: upright, 8-bit RGB, transparency on white; of an animated one the first picture.

    A larger JPEG than is needed is decoded at 1/2, 1/4 or 1/8 of its size: the discrete cosine transform gives the reduced picture
    without the cost of the full one. A JPEG that lacks its end marker only is whole; its ``info`` has the key :data:`MENDED`.

    Args:
        photo: path or bytes of a JPEG, PNG, WebP, BMP, TIFF, AVIF or HEIC, whatever its ending says.
        at_least: the shorter side, in pixels, that is needed; the picture is never reduced below twice this.
        longest: the longer side, in pixels, that is needed; the picture is never reduced below this.

    Returns:
        The picture, and the ``(width, height)`` of the upright original.

    Raises:
        PhotoError: the photo cannot be decoded, or more than :data:`MAX_DECODED` pixels of it would have to be.
    """
    with in_short():
        try:
            with opened(photo) as image:
                return _decode(image, _scale(image.size, at_least, longest))
        except (OSError, ValueError, SyntaxError) as error:
            mended = _mended(photo, at_least, longest, error)
            if mended is None:
                raise
            return mended


def size_of(path: Path) -> tuple[int, int]:
    """Width and height of an upright photo; only its header is read.

    Raises:
        PhotoError: the photo cannot be read.
    """
    header = header_of(path)
    return header.width, header.height


def header_of(path: Path) -> Header:
    """Size and orientation of a photo; no pixel is decoded.

    Raises:
        PhotoError: the photo cannot be read.
    """
    with in_short():
        try:
            with opened(path) as image:
                return _header(image)
        except (ValueError, SyntaxError):
            plain = without_texts(read_photo(path))
            if plain is None:
                raise
            with opened(plain) as image:
                return _header(image)


# ------------------------------------------------------------------------------------------------------------ the file
@contextlib.contextmanager
def in_short() -> Iterator[None]:
    """Turn whatever goes wrong with a photo inside the block into a PhotoError."""
    try:
        yield
    except Image.DecompressionBombError as error:
        raise PhotoError(f"too large: more than {MAX_PIXELS // 1_000_000} megapixels") from error
    except (UnidentifiedImageError, ModuleNotFoundError) as error:
        # Once Ultralytics is imported, its own Image.open looks for the HEIF package when a file cannot be identified.
        raise PhotoError("not an image") from error
    except IsADirectoryError as error:
        raise PhotoError("a folder, not a photo") from error
    except OSError as error:
        if error.strerror:
            raise PhotoError(f"cannot read ({error.strerror})") from error
        raise PhotoError("truncated or damaged") from error
    except MemoryError as error:
        raise PhotoError("too large for the memory") from error
    except (SyntaxError, ValueError, EOFError, OverflowError, struct.error, RuntimeError) as error:
        raise PhotoError("damaged") from error  # Pillow's decoders raise these on malformed headers, that of AVIF the last


def _check(path: Path) -> None:
    """Refuse what is no file before it is opened: a pipe would never answer."""
    mode = path.stat().st_mode
    if stat.S_ISDIR(mode):
        raise PhotoError("a folder, not a photo")
    if not stat.S_ISREG(mode):
        raise PhotoError("a pipe, a socket or a device, not a photo")


def opened(photo: Path | bytes) -> Image.Image:
    """The file, its header read and no pixel yet; whatever is wrong is raised as Pillow does, see :func:`in_short`."""
    if isinstance(photo, bytes):
        size, head = len(photo), photo[:12]
    else:
        _check(photo)
        size = photo.stat().st_size
        with photo.open("rb") as stream:
            head = stream.read(12)
    if not size:
        raise PhotoError("empty file")
    source = io.BytesIO(photo) if isinstance(photo, bytes) else photo
    if head[4:8] == b"ftyp" and head[8:12] in HEIF_BRANDS:
        return _open_heif(source)
    return Image.open(source, formats=FORMATS)


def _open_heif(source: io.BytesIO | Path) -> Image.Image:
    """A picture of a phone. The class is used as it is: registering it would change Pillow for everybody."""
    try:
        from pillow_heif import HeifImageFile
    except ImportError as error:
        raise PhotoError("HEIC, which needs pip install pillow-heif") from error
    image: Image.Image = HeifImageFile(  # type: ignore[no-untyped-call]
        source if isinstance(source, io.BytesIO) else os.fspath(source)
    )
    return image


def _mended(photo: Path | bytes, at_least: int | None, longest: int | None, error: Exception) -> tuple[Image.Image, tuple[int, int]] | None:
    """What open_photo() returns for a photo that is whole and was refused; None where something is missing."""
    if isinstance(error, OSError) and (error.strerror or isinstance(error, UnidentifiedImageError)):
        return None
    data = photo if isinstance(photo, bytes) else photo.read_bytes()
    if plain := without_texts(data):
        with opened(plain) as image:
            return _decode(image, _scale(image.size, at_least, longest))
    if ends := with_end(data):
        found = []
        for jpeg in ends:
            with opened(jpeg) as image:
                found.append(_decode(image, _scale(image.size, at_least, longest)))
        if ImageChops.difference(found[0][0], found[1][0]).getbbox() is None:
            found[0][0].info[MENDED] = "without its end marker"
            return found[0]
    return None


# ---------------------------------------------------------------------------------------------------------- the picture
def _scale(size: tuple[int, int], at_least: int | None, longest: int | None) -> float:
    """The least scale at which a picture of this size still has the pixels that are needed; 1 and more where it needs all it has."""
    if at_least is not None:
        return 2 * at_least / min(size)
    return longest / max(size) if longest is not None else 1.0


def _decode(image: Image.Image, scale: float) -> tuple[Image.Image, tuple[int, int]]:
    width, height = image.size
    if width * height > MAX_PIXELS:
        raise PhotoError(f"too large: {width} × {height} px, more than {MAX_PIXELS // 1_000_000} megapixels")
    if scale < 1 and image.format in {"JPEG", "MPO"} and not (image.info.get("progressive") and width * height > MAX_DECODED):
        # draft() takes the smallest reduction that is still no smaller than asked, in both directions. A progressive JPEG keeps six bytes
        # of each pixel of the full size all the same.
        image.draft("RGB", (max(round(width * scale), 1), max(round(height * scale), 1)))
    if image.width * image.height > MAX_DECODED:
        raise PhotoError(f"too large: {width} × {height} px, more than {MAX_DECODED // 1_000_000} megapixels")
    if image.mode in {"I", "F"}:
        raise PhotoError("32-bit pixels, which are no photo's")
    image.load()
    turn = _turn(image)
    if turn is None:
        return _rgb(image), (width, height)
    return _rgb(image).transpose(turn), (height, width) if _is_quarter(turn) else (width, height)


def _header(image: Image.Image) -> Header:
    width, height = image.size
    orientation = 1 if image.format == "PNG" and not _may_be_turned(image) else _orientation(image)
    turn = TURNS.get(orientation)
    # Pillow swaps the sides of a TIFF that is turned by itself.
    swapped = turn is not None and _is_quarter(turn) and image.format != "TIFF"
    return Header(*((height, width) if swapped else (width, height)), orientation)


def _may_be_turned(png: Image.Image) -> bool:
    """Whether a PNG says anything about its way up: Pillow would decode all of it to find out."""
    stream = getattr(png, "fp", None)
    if stream is None:
        return True
    at = stream.tell()
    stream.seek(0)
    is_png = stream.read(len(PNG)) == PNG
    turning = is_png and any(kind in {b"eXIf", b"iTXt", b"zTXt", b"tEXt"} for kind, _, _ in chunks(stream))
    stream.seek(at)
    return turning or not is_png


def _is_quarter(turn: Image.Transpose) -> bool:
    return turn not in {Image.Transpose.FLIP_LEFT_RIGHT, Image.Transpose.FLIP_TOP_BOTTOM, Image.Transpose.ROTATE_180}


def _turn(image: Image.Image) -> Image.Transpose | None:
    """What makes a photo upright. ImageOps.exif_transpose() would fail on an EXIF block that it cannot write again."""
    return TURNS.get(_orientation(image))


def _orientation(image: Image.Image) -> int:
    try:
        value = image.getexif().get(ExifTags.Base.Orientation, 1)
        return value if value in TURNS else 1
    except Exception:  # a damaged EXIF block raises all kinds, and takes nothing from the photo
        return 1


def _rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I;16"):
        # Pillow would clip 16 bits at 255; keep the high byte instead.
        return Image.fromarray((np.asarray(image) >> 8).astype(np.uint8)).convert("RGB")
    if image.mode in {"RGBA", "LA", "PA", "RGBa", "La"} or "transparency" in image.info:
        layer = image.convert("RGBA")
        ground = Image.new("RGBA", layer.size, (255, 255, 255, 255))
        return Image.alpha_composite(ground, layer).convert("RGB")
    return image if image.mode == "RGB" else image.convert("RGB")  # which would copy it
