"""From a photo file to the square JPEG that a model sees. The one place where photos are decoded and fitted.

``convert`` writes what :func:`prepare` returns, and ``predict`` shows the model those same bytes decoded again, so both see one thing.
"""

from __future__ import annotations

import contextlib
import io
import struct
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from yolo_koin.errors import KoinError
from yolo_koin.geometry import Box

FORMATS = ("JPEG", "PNG", "WEBP", "BMP")  # JPEG opens the MPO of many phones too
MAX_PIXELS = 178_956_970  # where Pillow calls a picture a decompression bomb: about 13,400 × 13,400
FITS = ("crop", "pad", "face")  # how a photo is made a square; see prepare()
PAD_COLOUR = (114, 114, 114)  # Ultralytics' letterbox grey
JPEG_QUALITY = 95
FACE_SEEN_AT = 640  # px: longer side of the photo that a face is looked for in
FACE_SHARE = 1.3  # side of the square around a face, as a multiple of the longer side of its box

TURNS = {  # EXIF orientation → what makes the photo upright
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

# Photos between half of our limit and the limit are wanted; and nobody can act on a crooked EXIF block. Set once, here, because
# warnings.catch_warnings() is not safe in threads.
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")

RGB = NDArray[np.uint8]  # height × width × 3


class PhotoError(KoinError):
    """One photo that cannot be used; its text is short, for a row of a table."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A photo made ready.

    Attributes:
        jpeg: bytes of a ``side`` × ``side`` JPEG, 8-bit RGB.
        width, height: size of the upright original, in pixels.
        fingerprint: 64-bit difference hash of the whole photo, before it is fitted; near-duplicates differ in few bits.
    """

    jpeg: bytes
    width: int
    height: int
    fingerprint: int


def read_photo(path: Path) -> bytes:
    """The bytes of a photo file, for whoever needs their hash as well as the picture: :func:`open_photo` takes them too.

    Raises:
        PhotoError: the file cannot be read.
    """
    with _in_short():
        return path.read_bytes()


def open_photo(photo: Path | bytes, at_least: int | None = None, longest: int | None = None) -> tuple[Image.Image, tuple[int, int]]:
    """Decode a photo: upright, 8-bit RGB, transparency on white.

    A larger JPEG than is needed is decoded at 1/2, 1/4 or 1/8 of its size: the discrete cosine transform gives the reduced picture
    without the cost of the full one.

    Args:
        photo: path or bytes of a JPEG, PNG, WebP or BMP, whatever its ending says.
        at_least: the shorter side, in pixels, that is needed; the picture is never reduced below twice this.
        longest: the longer side, in pixels, that is needed; the picture is never reduced below this.

    Returns:
        The picture, and the ``(width, height)`` of the upright original.

    Raises:
        PhotoError: the photo cannot be decoded, or is larger than :data:`MAX_PIXELS`.
    """
    with _in_short():
        if not (len(photo) if isinstance(photo, bytes) else photo.stat().st_size):
            raise PhotoError("empty file")
        with Image.open(io.BytesIO(photo) if isinstance(photo, bytes) else photo, formats=FORMATS) as image:
            return _decode(image, _scale(image.size, at_least, longest))


@contextlib.contextmanager
def _in_short() -> Iterator[None]:
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
    except (SyntaxError, ValueError, EOFError, OverflowError, struct.error) as error:
        raise PhotoError("damaged") from error  # Pillow's decoders raise these on malformed headers


def _scale(size: tuple[int, int], at_least: int | None, longest: int | None) -> float:
    """The least scale at which a picture of this size still has the pixels that are needed; 1 and more where it needs all it has."""
    if at_least is not None:
        return 2 * at_least / min(size)
    return longest / max(size) if longest is not None else 1.0


def _decode(image: Image.Image, scale: float) -> tuple[Image.Image, tuple[int, int]]:
    width, height = image.size
    if width * height > MAX_PIXELS:
        raise PhotoError(f"too large: {width} × {height} px, more than {MAX_PIXELS // 1_000_000} megapixels")
    if scale < 1 and image.format in {"JPEG", "MPO"}:
        # draft() takes the smallest reduction that is still no smaller than asked, in both directions.
        image.draft("RGB", (max(round(width * scale), 1), max(round(height * scale), 1)))
    image.load()
    turn = _turn(image)
    if turn is None:
        return _rgb(image), (width, height)
    quarter = turn not in {Image.Transpose.FLIP_LEFT_RIGHT, Image.Transpose.FLIP_TOP_BOTTOM, Image.Transpose.ROTATE_180}
    return _rgb(image).transpose(turn), (height, width) if quarter else (width, height)


def _turn(image: Image.Image) -> Image.Transpose | None:
    """What makes a photo upright. ImageOps.exif_transpose() would fail on an EXIF block that it cannot write again."""
    try:
        return TURNS.get(image.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:  # a damaged EXIF block raises all kinds, and takes nothing from the photo
        return None


def _rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I;16"):
        # Pillow would clip 16 bits at 255; keep the high byte instead.
        return Image.fromarray((np.asarray(image) >> 8).astype(np.uint8)).convert("RGB")
    if image.mode in {"RGBA", "LA", "PA", "RGBa", "La"} or "transparency" in image.info:
        layer = image.convert("RGBA")
        ground = Image.new("RGBA", layer.size, (255, 255, 255, 255))
        return Image.alpha_composite(ground, layer).convert("RGB")
    return image.convert("RGB")


# ------------------------------------------------------------------------------------------------------------- fitting
def crop(image: Image.Image, side: int) -> Image.Image:
    """The largest centred square, scaled to ``side``: what the stock transform does, which cuts faces near a border away."""
    return ImageOps.fit(image, (side, side), Image.Resampling.BILINEAR)


def pad(image: Image.Image, side: int) -> Image.Image:
    """The whole photo on a grey square: nothing is cut away."""
    scale = side / max(image.size)
    # ImageOps.pad() would leave nothing of a very long, thin photo.
    width, height = (max(round(length * scale), 1) for length in image.size)
    ground = Image.new("RGB", (side, side), PAD_COLOUR)
    ground.paste(image.resize((width, height), Image.Resampling.BILINEAR), ((side - width) // 2, (side - height) // 2))
    return ground


def crop_face(image: Image.Image, side: int, box: Box) -> Image.Image:
    """The square of :func:`face_square`, scaled to ``side``; grey where it leaves the photo."""
    left, top, length = (round(value) for value in face_square(box))
    ground = Image.new("RGB", (length, length), PAD_COLOUR)
    ground.paste(image, (-left, -top))
    return ground.resize((side, side), Image.Resampling.BILINEAR)


def face_square(box: Box) -> tuple[float, float, float]:
    """Left, top and length of the square that ``fit=face`` cuts out: :data:`FACE_SHARE` times the longer side of the face, around it.

    So that hair and chin are in it, and of neighbours in a photo of several people little.
    """
    x, y, width, height = box
    length = max(FACE_SHARE * max(width, height), 1.0)
    return x + (width - length) / 2, y + (height - length) / 2, length


Change = Callable[[Image.Image], Image.Image]  # what is done to an upright photo on purpose; its size stays


def prepare(photo: Path | bytes, fit: str, side: int, face: Box | None = None, change: Change | None = None) -> Prepared:
    """Decode, fit and encode one photo.

    Args:
        photo: path or bytes; only read.
        fit: ``crop``, ``pad`` or ``face``.
        side: side of the square, in pixels.
        face: box of the face that the photo is about, in pixels of the upright original; needed for ``face``.
        change: done to the upright photo before it is fitted.

    Raises:
        PhotoError: the photo cannot be decoded, or ``fit`` is ``face`` and there is none.
    """
    if fit == "face" and face is None:
        open_photo(photo, at_least=side)  # what cannot be read at all is told so
        raise PhotoError("no face found")
    image, (width, height) = open_photo(photo, at_least=max(side, FACE_SEEN_AT) if face else side)
    image = change(image) if change else image
    if face is not None and fit == "face":
        grown = image.width / width
        x, y, across, down = (value * grown for value in face)
        fitted = crop_face(image, side, (x, y, across, down))
    else:
        fitted = {"crop": crop, "pad": pad}[fit](image, side)
    # Not of the fitted photo: grey bars are alike in all photos, and the validation split should not depend on the fit.
    return Prepared(encode(fitted), width, height, fingerprint(image))


def encode(image: Image.Image) -> bytes:
    """A prepared photo as JPEG. 4:4:4, so that coloured edges stay where they are; the files are small anyway."""
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=JPEG_QUALITY, subsampling=0)
    return stream.getvalue()


def load_square(photo: Path | bytes, side: int) -> RGB:
    """Decode a prepared photo, scaled to what a network takes.

    The same resampling as the stock validation transform (Pillow, bilinear, antialiased), so that stock Ultralytics gives the same
    answers on the same files.

    Args:
        photo: path or bytes of a square JPEG.
        side: network input size, in pixels.

    Returns:
        side × side × 3, 8-bit RGB.

    Raises:
        PhotoError: the file is gone or damaged.
    """
    with _in_short(), Image.open(io.BytesIO(photo) if isinstance(photo, bytes) else photo) as image:
        rgb = image.convert("RGB")
    if rgb.size != (side, side):
        rgb = rgb.resize((side, side), Image.Resampling.BILINEAR)
    return np.array(rgb)


def fingerprint(image: Image.Image) -> int:
    """Difference hash (dHash): 64 bits, each telling whether a pixel of the 9 × 8 grey thumbnail is darker than its right neighbour."""
    grey = np.asarray(image.convert("L").resize((9, 8), Image.Resampling.BOX), dtype=np.int16)
    bits = (grey[:, :-1] < grey[:, 1:]).ravel()
    return int.from_bytes(np.packbits(bits).tobytes(), "big")
