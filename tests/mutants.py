"""Files that are nearly right: photos, tables, annotations and checkpoints with something changed, by a seeded generator."""

from __future__ import annotations

import io
import json
import random
import struct
import zipfile
import zlib
from collections.abc import Callable
from typing import Any

from PIL import Image

ENDINGS = {"JPEG": ".jpg", "PNG": ".png", "WEBP": ".webp", "BMP": ".bmp", "TIFF": ".tif", "AVIF": ".avif", "HEIC": ".heic"}
HUGE = (0, 1, 2, 255, 13_377, 20_000, 32_767, 40_000, 65_535, 100_000, 2**24, 2**31 - 1, 2**31, 2**32 - 1)


# ------------------------------------------------------------------------------------------------------------------ photos
def photo(draw: random.Random, faces: list[Image.Image]) -> tuple[bytes, str]:
    """A photo in some format with something changed, and the ending of its file, which may be another format's."""
    kind = draw.choice([*ENDINGS] * 3 + ["JPEG"] * 4)
    data = draw.choice(PHOTO_CHANGES)(draw, kind, encoded(draw, kind, draw.choice(faces)), faces)
    return data, ENDINGS[kind if draw.random() < 0.85 else draw.choice([*ENDINGS])]


def encoded(draw: random.Random, kind: str, face: Image.Image) -> bytes:
    """A whole photo, in one of the ways that its format knows."""
    stream = io.BytesIO()
    mode = draw.choice(
        {"JPEG": ["RGB", "L", "CMYK"], "BMP": ["RGB", "L", "1", "P"]}.get(kind, ["RGB", "RGBA", "L", "P", "LA", "1", "I;16"])
    )
    if kind in {"AVIF", "HEIC", "WEBP"}:
        mode = draw.choice(["RGB", "RGBA"])
    image = face.convert("L").convert("I").convert("I;16") if mode == "I;16" else face.convert(mode)
    exif = Image.Exif()
    exif[0x0112] = draw.choice([0, 1, 3, 6, 8, 9, 65_535])
    if kind == "HEIC":
        from pillow_heif import from_pillow

        from_pillow(image).save(stream, quality=60)
    elif kind == "JPEG":
        image.save(stream, kind, quality=80, progressive=draw.random() < 0.3, exif=exif.tobytes() if draw.random() < 0.5 else b"")
    elif kind == "PNG":
        image.save(stream, kind, compress_level=1, exif=exif.tobytes() if draw.random() < 0.3 else None)
    elif kind == "TIFF":
        packed = ["raw", "tiff_lzw", "tiff_adobe_deflate", "packbits"] + (["jpeg"] if mode in {"RGB", "L"} else [])
        image.save(stream, kind, compression=draw.choice(packed))
    elif kind == "WEBP":
        image.save(stream, kind, lossless=draw.random() < 0.3, save_all=draw.random() < 0.2, append_images=[image])
    else:
        image.save(stream, kind)
    return stream.getvalue()


PhotoChange = Callable[[random.Random, str, bytes, "list[Image.Image]"], bytes]


def _header(draw: random.Random, kind: str, data: bytes, faces: list[Image.Image]) -> bytes:
    """The beginning of one photo and the rest of another."""
    other = encoded(draw, draw.choice([*ENDINGS]), draw.choice(faces))
    cut = draw.choice([2, 4, 8, 12, 16, 32, 64, 128, draw.randrange(len(data))])
    return data[:cut] + other[draw.choice([cut, 0]) :]


def _size(draw: random.Random, kind: str, data: bytes, faces: list[Image.Image]) -> bytes:
    """Other sizes in the header, everything else as it was."""
    width, height = draw.choice(HUGE), draw.choice([*HUGE, 10_000])
    if kind == "PNG":
        head = b"IHDR" + struct.pack(">II", width, height) + data[24:29]
        return data[:12] + head + struct.pack(">I", zlib.crc32(head)) + data[33:]
    if kind == "BMP":
        return data[:18] + struct.pack("<II", width, height) + data[26:]
    if kind == "JPEG":
        for marker in (b"\xff\xc0", b"\xff\xc2"):
            if (at := data.find(marker)) > 0:
                return data[: at + 5] + struct.pack(">HH", height % 65_536, width % 65_536) + data[at + 9 :]
    if kind == "WEBP":
        return data[:24] + struct.pack("<II", width, height)[: draw.choice([6, 8])] + data[draw.choice([30, 32]) :]
    if kind == "TIFF":
        for tag, value in ((256, width), (257, height), (draw.choice([258, 259, 262, 273, 277, 278, 279, 322]), draw.choice(HUGE))):
            if (place := max(data.find(struct.pack("<HH", tag, kind_of_value)) for kind_of_value in (3, 4))) > 0:
                data = data[: place + 2] + struct.pack("<HII", 4, 1, value) + data[place + 12 :]
        return data
    if (at := data.find(b"ispe")) > 0:
        return data[: at + 8] + struct.pack(">II", width, height) + data[at + 16 :]
    return data


def _chunk(draw: random.Random, kind: str, data: bytes, faces: list[Image.Image]) -> bytes:
    """A PNG chunk more, with a right checksum and wrong contents; or bytes after the end."""
    if kind != "PNG":
        return data + draw.randbytes(draw.choice([1, 100, 5000]))
    name = draw.choice(
        [b"tEXt", b"zTXt", b"iTXt", b"iCCP", b"tRNS", b"PLTE", b"acTL", b"fcTL", b"eXIf", b"gAMA", b"pHYs", b"sRGB", b"IDAT"]
    )
    inner = draw.choice(
        [b"", draw.randbytes(draw.randrange(64)), b"a\0\0" + zlib.compress(bytes(2_000_000)), struct.pack(">III", *draw.sample(HUGE, 3))]
    )
    chunk = struct.pack(">I", len(inner)) + name + inner + struct.pack(">I", zlib.crc32(name + inner))
    return data[:33] + chunk * draw.choice([1, 1, 200]) + data[33:]


def _exif(draw: random.Random, kind: str, data: bytes, faces: list[Image.Image]) -> bytes:
    """An EXIF block of noise."""
    block = b"Exif\0\0" + draw.choice([b"II*\0", b"MM\0*", b""]) + draw.randbytes(draw.randrange(2, 200))
    return data[:2] + b"\xff\xe1" + struct.pack(">H", len(block) + 2) + block + data[2:]


PHOTO_CHANGES: list[PhotoChange] = [
    lambda draw, kind, data, faces: flipped(draw, data, draw.choice([1, 3, 20, 300])),
    lambda draw, kind, data, faces: flipped(draw, data[:100], draw.choice([1, 2, 5])) + data[100:],
    lambda draw, kind, data, faces: data[: draw.randrange(len(data))],
    lambda draw, kind, data, faces: data[: -draw.randrange(1, 20)],
    lambda draw, kind, data, faces: zeroed(draw, data),
    lambda draw, kind, data, faces: moved(draw, data),
    lambda draw, kind, data, faces: draw.choice(
        [b"", b"\0", bytes(4096), b"<html><body>404</body></html>", b"version https://git-lfs", data]
    ),
    lambda draw, kind, data, faces: data[: draw.choice([4, 12, 30])] + draw.randbytes(draw.randrange(4000)),
    _header,
    _size,
    _size,
    _chunk,
    _exif,
]


# -------------------------------------------------------------------------------------------------------------- all bytes
def flipped(draw: random.Random, data: bytes, bits: int) -> bytes:
    changed = bytearray(data)
    for _ in range(bits if changed else 0):
        changed[draw.randrange(len(changed))] ^= 1 << draw.randrange(8)
    return bytes(changed)


def zeroed(draw: random.Random, data: bytes) -> bytes:
    start = draw.randrange(max(len(data), 1))
    length = min(draw.choice([1, 16, 1000]), len(data) - start)
    return data[:start] + bytes(length) + data[start + length :]


def moved(draw: random.Random, data: bytes) -> bytes:
    """A part cut out, or there twice."""
    a, b = sorted(draw.randrange(len(data) + 1) for _ in range(2))
    return draw.choice([data[:a] + data[b:], data[:b] + data[a:]])


# ------------------------------------------------------------------------------------------------------------------- texts
ODD = (
    *(
        "",
        " ",
        "nan",
        "NaN",
        "inf",
        "-inf",
        "1e999",
        "-1",
        "0",
        "1e-320",
        "99999999999999999999",
        "0x10",
        "1_000",
        "١٢",
        "true",
        "null",
        "None",
    ),
    *(
        '"',
        '""',
        "'",
        ",",
        ";",
        "\t",
        "|",
        "\n",
        "\r",
        "\r\n",
        "\0",
        "\ufeff",
        "\u202e",
        "\ud7ff",
        "#",
        "sep=;",
        "=1+1",
        "../..",
        "/",
        "/etc/passwd",
    ),
    *(
        "..",
        ".",
        "a" * 70_000,
        "김" * 300,
        "é",
        "e\u0301",
        "normal_cases/test",
        "hard_cases",
        "train",
        "*",
        "[",
        "%s",
        "{}",
        "\\",
        "//",
        "-",
    ),
)


def text(draw: random.Random, data: bytes) -> bytes:
    """A text file with something changed."""
    change = draw.choice(TEXT_CHANGES)
    return change(draw, data)


def _odd(draw: random.Random, data: bytes) -> bytes:
    at = draw.randrange(len(data) + 1)
    return data[:at] + draw.choice(ODD).encode() + data[at + draw.choice([0, 0, 1, 5]) :]


def _cell(draw: random.Random, data: bytes) -> bytes:
    """Another text in a cell, or cells of two rows changed for each other."""
    rows = [line.split(b",") for line in data.split(b"\n")]
    row, other = draw.choice(rows), draw.choice(rows)
    at, to = draw.randrange(len(row)), draw.randrange(len(other))
    if draw.random() < 0.6:
        row[at] = draw.choice(ODD).encode()
    else:
        row[at], other[to] = other[to], row[at]
    return b"\n".join(map(b",".join, rows))


def _column(draw: random.Random, data: bytes) -> bytes:
    rows = [line.split(b",") for line in data.split(b"\n")]
    at = draw.randrange(len(rows[0]))
    change = draw.choice(["drop", "double", "rename", "shorten", "lengthen"])
    for number, row in enumerate(rows):
        if change == "drop":
            del row[at : at + 1]
        elif change == "double":
            row[at:at] = row[at : at + 1]
        elif change == "rename" and not number:
            row[at] = draw.choice(ODD).encode()
        elif change == "shorten" and draw.random() < 0.3:
            del row[at:]
        elif change == "lengthen" and draw.random() < 0.3:
            row.append(draw.choice(ODD).encode())
    return b"\n".join(map(b",".join, rows))


def _rows(draw: random.Random, data: bytes) -> bytes:
    rows = data.split(b"\n")
    change = draw.choice(["drop", "double", "shuffle", "head only", "headless", "many"])
    at = draw.randrange(len(rows))
    if change == "drop":
        del rows[at]
    elif change == "double":
        rows[at:at] = rows[at : at + 1]
    elif change == "shuffle":
        draw.shuffle(rows)
    elif change == "head only":
        rows = rows[:1]
    elif change == "headless":
        rows = rows[1:]
    else:
        rows += rows[at : at + 1] * 3000
    return b"\n".join(rows)


def _recoded(draw: random.Random, data: bytes) -> bytes:
    return data.decode(errors="replace").encode(draw.choice(["utf-16", "utf-16-le", "utf-32", "cp949", "utf-8-sig", "utf-7"]), "replace")


TEXT_CHANGES: list[Callable[[random.Random, bytes], bytes]] = [
    lambda draw, data: flipped(draw, data, draw.choice([1, 3, 30])),
    lambda draw, data: data[: draw.randrange(len(data) + 1)],
    lambda draw, data: draw.choice([b"", b"\n", b"\0" * 100, b"\xff\xfe", b"[]", b"{}", b"null", b"<a/>", draw.randbytes(200)]),
    zeroed,
    moved,
    _odd,
    _odd,
    _cell,
    _cell,
    _cell,
    _column,
    _rows,
    _recoded,
]


# -------------------------------------------------------------------------------------------------------------------- JSON
ODD_VALUES: tuple[Any, ...] = (
    *(
        None,
        True,
        False,
        0,
        -1,
        1.5,
        2,
        10**30,
        1e308,
        float("nan"),
        float("inf"),
        "",
        "x",
        "nan",
        "-1",
        "../../..",
        "a" * 5000,
        "\0",
        "\ud800",
    ),
    *([], {}, [None], [[]], {"a": None}, [1, 2, 3, 4], ["hard_cases/test"], {"0": 1}, "김민준", "/", ".", "classify", "detect", "finished"),
)


def tree(draw: random.Random, value: Any) -> Any:
    """A JSON value with another one somewhere in it."""
    places: list[tuple[Any, Any]] = []

    def collect(node: Any) -> None:
        for key in node if isinstance(node, dict) else range(len(node)) if isinstance(node, list) else ():
            places.append((node, key))
            collect(node[key])

    collect(value)
    for _ in range(draw.choice([1, 1, 1, 3])):
        if not places:
            return draw.choice(ODD_VALUES)
        node, key = draw.choice(places)
        change = draw.random()
        if change < 0.75 and ((isinstance(node, list) and key < len(node)) or isinstance(node, dict)):
            node[key] = draw.choice(ODD_VALUES)
        elif isinstance(node, dict):
            node.pop(key, None)
        elif node:
            node.append(node[0])
    return value


def json_text(draw: random.Random, data: bytes) -> bytes:
    """A JSON file with something changed, mostly in what it says and sometimes in how it is written."""
    if draw.random() < 0.3:
        return text(draw, data)
    if draw.random() < 0.03:
        return b"[" * 100_000
    return json.dumps(tree(draw, json.loads(data)), ensure_ascii=draw.random() < 0.5).encode(errors="surrogatepass")


def xml_text(draw: random.Random, data: bytes) -> bytes:
    """A Pascal VOC file with something changed."""
    if draw.random() < 0.1:
        return b'<!DOCTYPE a [<!ENTITY a "b"><!ENTITY c "&a;&a;&a;">]>' + data
    if draw.random() < 0.1:
        return b"<annotation>" * 50_000
    if draw.random() < 0.5:
        tags = [b"xmin", b"ymax", b"name", b"bndbox", b"object", b"filename", b"size", b"width", b"annotation"]
        return data.replace(draw.choice(tags), draw.choice([*tags, b"b", b""]), draw.choice([1, 2]))
    return text(draw, data)


# ------------------------------------------------------------------------------------------------------------- checkpoints
def archive(draw: random.Random, data: bytes) -> bytes:
    """A checkpoint with something changed: in the file, or in a file of the archive that it is."""
    if draw.random() < 0.3:
        return draw.choice(PHOTO_CHANGES[:6])(draw, "", data, [])
    written = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(written, "w") as new:
        names = old.namelist()
        pickles = [name for name in names if name.endswith("data.pkl")]
        chosen = draw.choice([*pickles * 3, draw.choice(names)])
        for name in names:
            inner = old.read(name)
            if name == chosen:
                inner = draw.choice(
                    [flipped(draw, inner, draw.choice([1, 2, 10])), inner[: len(inner) // 2], moved(draw, inner), zeroed(draw, inner)]
                )
            if name != chosen or draw.random() < 0.9:
                new.writestr(name, inner)
    return written.getvalue()
