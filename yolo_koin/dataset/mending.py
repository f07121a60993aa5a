"""Photos that are whole and that a strict decoder refuses all the same: what makes it take them, without touching a pixel."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import BinaryIO

PNG, JPEG = b"\x89PNG\r\n\x1a\n", b"\xff\xd8"
TEXTS = frozenset({b"tEXt", b"zTXt", b"iTXt", b"iCCP"})  # of an editor's history, a generator's prompt, a printer's profile
LARGEST_TEXT = 1_000_000  # bytes: Pillow refuses a PNG with more, once unpacked
END = b"\xff\xd9"


def without_texts(png: bytes) -> bytes | None:
    """A PNG without the texts that may be too large to unpack; None where it is no PNG, or has none.

    What is short and not compressed stays, since the way up can be written there.
    """
    if not png.startswith(PNG):
        return None
    kept = [(kind, start, length) for kind, start, length in chunks(io.BytesIO(png)) if not _large(kind, png[start : start + length])]
    whole = PNG + b"".join(png[start - 8 : start + length + 4] for _, start, length in kept)
    return whole if len(whole) < len(png) else None


def with_end(jpeg: bytes) -> tuple[bytes, bytes] | None:
    """Two JPEGs with an end marker that this one lacks; None where it is no JPEG, or has one.

    A decoder fills in what is missing without a word. The two are continued with different bytes before the marker: pictures that come out
    the same lacked nothing but the marker, others were cut off before.
    """
    if not jpeg.startswith(JPEG) or jpeg.rfind(END) > jpeg.rfind(b"\xff\xda"):
        return None
    data = jpeg.removesuffix(b"\xff")  # half of the marker
    return data + b"\0\0\0\0" + END, data + b"\x55\xaa\x96\x69" + END


def chunks(png: BinaryIO) -> Iterator[tuple[bytes, int, int]]:
    """Kind, start and length of the content of each chunk of a PNG, up to its end or to where it breaks off."""
    at = len(PNG)
    while True:
        png.seek(at)
        head = png.read(8)
        if len(head) < 8:
            return
        length, kind = int.from_bytes(head[:4], "big"), head[4:]
        yield kind, at + 8, length
        at += length + 12


def _large(kind: bytes, content: bytes) -> bool:
    """Whether a chunk is a text or a profile that is long, or compressed: how long that is, only unpacking it tells."""
    compressed = kind in {b"zTXt", b"iCCP"} or (kind == b"iTXt" and content[content.find(b"\0") + 1 :][:1] != b"\0")
    return kind in TEXTS and (compressed or len(content) > LARGEST_TEXT)
