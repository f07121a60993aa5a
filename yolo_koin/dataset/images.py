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
from yolo_koin.dataset.decoding import open_photo as open_photo
from yolo_koin.dataset.decoding import read_photo as read_photo
from yolo_koin.dataset.decoding import size_of as size_of
from yolo_koin.geometry import Box

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


def face_square(box: Box) -> tuple[float, float, float]:
    """Left, top and length of the square that ``fit=face`` cuts out: :data:`FACE_SHARE` times the longer side of the face, around it.

    So that hair and chin are in it, and of neighbours in a photo of several people little.
    """
    x, y, width, height = box
    length = max(FACE_SHARE * max(width, height), 1.0)
    return x + (width - length) / 2, y + (height - length) / 2, length


FaceFinder = Callable[[RGB], "Box | None"]  # photo → the box of its dominant face


def prepare(path: Path, fit: str, side: int, find_face: FaceFinder | None = None) -> Prepared:
    """Decode, fit and encode one photo.

    Args:
        path: the photo; it is only read.
        fit: ``crop``, ``pad`` or ``face``.
        side: side of the square, in pixels.
        find_face: needed for ``face``.

    Raises:
        PhotoError: the photo cannot be decoded, or ``fit`` is ``face`` and no face is found.
    """
    image, (width, height) = open_photo(path, at_least=side if fit != "face" else max(side, FACE_SEEN_AT))
    if fit == "face":
        # Looked for where ``--faces`` looks for faces, so that both find the same box.
        seen = image if max(image.size) <= FACE_SEEN_AT else open_photo(path, longest=FACE_SEEN_AT)[0]
        box = find_face(np.asarray(seen)) if find_face else None
        if box is None:
            raise PhotoError("no face found")
        x, y, across, down = box
        grown = image.width / seen.width
        fitted = crop_face(image, side, (x * grown, y * grown, across * grown, down * grown))
    else:
        fitted = {"crop": crop, "pad": pad}[fit](image, side)
    # Not of the fitted photo: grey bars are alike in all photos, and the validation split should not depend on the fit.
    return Prepared(encode(fitted), width, height, fingerprint(image))


def encode(image: Image.Image) -> bytes:
    """A prepared photo as JPEG. 4:4:4, so that coloured edges stay where they are; the files are small anyway."""
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=JPEG_QUALITY, subsampling=0)
    return stream.getvalue()


def fingerprint(image: Image.Image) -> int:
    """Difference hash (dHash): 64 bits, each telling whether a pixel of the 9 × 8 grey thumbnail is darker than its right neighbour."""
    grey = np.asarray(image.convert("L").resize((9, 8), Image.Resampling.BOX), dtype=np.int16)
    bits = (grey[:, :-1] < grey[:, 1:]).ravel()
    return int.from_bytes(np.packbits(bits).tobytes(), "big")
