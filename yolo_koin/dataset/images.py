"""From a photo file to the square JPEG that a model sees. Photos are decoded in ``decoding.py`` and fitted here, and nowhere else.

``convert`` writes what :func:`prepare` returns, and ``predict`` shows the model those same bytes decoded again, so both see one thing.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from yolo_koin.dataset.decoding import MAX_DECODED as MAX_DECODED
from yolo_koin.dataset.decoding import MAX_PIXELS as MAX_PIXELS
from yolo_koin.dataset.decoding import Header as Header
from yolo_koin.dataset.decoding import PhotoError as PhotoError
from yolo_koin.dataset.decoding import header_of as header_of
from yolo_koin.dataset.decoding import in_short
from yolo_koin.dataset.decoding import open_photo as open_photo
from yolo_koin.dataset.decoding import read_photo as read_photo
from yolo_koin.dataset.decoding import size_of as size_of
from yolo_koin.geometry import Box

FITS = ("crop", "pad", "face")  # how a photo is made a square; see prepare()
PAD_COLOUR = (114, 114, 114)  # Ultralytics' letterbox grey
JPEG_QUALITY = 95
FACE_SEEN_AT = 640  # px: longer side of the photo that a face is looked for in
FACE_SHARE = 1.3  # side of the square around a face, as a multiple of the longer side of its box

RGB = NDArray[np.uint8]  # height × width × 3


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


def face_square(box: Box) -> Square:
    """Left, top and length of the square that ``fit=face`` cuts out: :data:`FACE_SHARE` times the longer side of the face, around it.

    So that hair and chin are in it, and of neighbours in a photo of several people little.
    """
    x, y, width, height = box
    length = max(FACE_SHARE * max(width, height), 1.0)
    return x + (width - length) / 2, y + (height - length) / 2, length


Square = tuple[float, float, float]  # left, top and length in pixels of an upright photo; it may reach beyond it


def shown_square(size: tuple[int, int], fit: str, face: Box | None = None) -> Square:
    """The square that a model is shown of a photo that is fitted, in pixels of the photo: of ``pad`` with the grey beside it.

    Args:
        size: width and height of the upright photo.
        fit, face: as of :func:`prepare`.
    """
    if fit == "face" and face is not None:
        return face_square(face)
    length = max(size) if fit == "pad" else min(size)
    return (size[0] - length) / 2, (size[1] - length) / 2, float(length)


Change = Callable[[Image.Image], Image.Image]  # what is done to an upright photo on purpose; its size stays


Opened = tuple[Image.Image, tuple[int, int]]  # an upright photo, perhaps reduced, and the width and height of the original


def prepare(photo: Path | bytes, fit: str, side: int, face: Box | None = None) -> Prepared:
    """Decode, fit and encode one photo.

    Args:
        photo: path or bytes; only read.
        fit: ``crop``, ``pad`` or ``face``.
        side: side of the square, in pixels.
        face: box of the face that the photo is about, in pixels of the upright original; needed for ``face``.

    Raises:
        PhotoError: the photo cannot be decoded, or ``fit`` is ``face`` and there is none.
    """
    return fitted(open_for(photo, fit, side, face), fit, side, face)


def open_for(photo: Path | bytes, fit: str, side: int, face: Box | None = None) -> Opened:
    """Decode a photo as far as :func:`fitted` needs it; arguments and errors as of :func:`prepare`."""
    opened = open_photo(photo, at_least=max(side, FACE_SEEN_AT) if face else side)
    if fit == "face" and face is None:
        raise PhotoError("no face found")
    return opened


def fitted(opened: Opened, fit: str, side: int, face: Box | None = None) -> Prepared:
    """Fit and encode a photo that is decoded; arguments as of :func:`prepare`."""
    image, (width, height) = opened
    if face is not None and fit == "face":
        grown = image.width / width
        x, y, across, down = (value * grown for value in face)
        square = crop_face(image, side, (x, y, across, down))
    else:
        square = {"crop": crop, "pad": pad}[fit](image, side)
    # Not of the fitted photo: grey bars are alike in all photos, and the validation split should not depend on the fit.
    return Prepared(encode(square), width, height, fingerprint(image))


def encode(image: Image.Image) -> bytes:
    """A prepared photo as JPEG. 4:4:4, so that coloured edges stay where they are; the files are small anyway."""
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=JPEG_QUALITY, subsampling=0)
    return stream.getvalue()


def load_square(photo: Path | bytes, side: int, interpolation: str = "bilinear") -> RGB:
    """Decode a prepared photo, scaled to what a network takes.

    Bilinear is the resampling of the stock validation transform (Pillow, antialiased), so that stock Ultralytics gives the same answers
    on the same files.

    Args:
        photo: path or bytes of a square JPEG.
        side: network input size, in pixels.
        interpolation: what the network wants, in Pillow's words.

    Returns:
        side × side × 3, 8-bit RGB.

    Raises:
        PhotoError: the file is gone or damaged.
    """
    with in_short(), Image.open(io.BytesIO(photo) if isinstance(photo, bytes) else photo) as image:
        rgb = image.convert("RGB")
    if rgb.size != (side, side):
        rgb = rgb.resize((side, side), Image.Resampling[interpolation.upper()])
    return np.array(rgb)


def fingerprint(image: Image.Image) -> int:
    """Difference hash (dHash): 64 bits, each telling whether a pixel of the 9 × 8 grey thumbnail is darker than its right neighbour."""
    grey = np.asarray(image.convert("L").resize((9, 8), Image.Resampling.BOX), dtype=np.int16)
    bits = (grey[:, :-1] < grey[:, 1:]).ravel()
    return int.from_bytes(np.packbits(bits).tobytes(), "big")
