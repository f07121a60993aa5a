"""Files in which people and their tools keep boxes: our own table, COCO, Pascal VOC, LabelMe. What they mean is said in ``boxes.py``.

A file is parsed by the parsers that are safe for it (no entities, no eval), its boxes by the readers of globox, one at a time: a crooked
box takes nothing else with it.
"""

from __future__ import annotations

import csv
import json
import math
import os
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring
from globox import BoundingBox, BoxFormat  # type: ignore[import-untyped]
from globox.errors import ParsingError  # type: ignore[import-untyped]

from yolo_koin.dataset.texts import NO_TEXT, decimal, decode, rows
from yolo_koin.dataset.walk import below, not_a_file
from yolo_koin.errors import KoinError
from yolo_koin.geometry import Box

COLUMNS = ("image", "label", "x", "y", "width", "height")  # of our own table; more may follow
XML_ENCODING = re.compile(rb"<\?xml[^>]*?encoding\s*=\s*[\"']([A-Za-z0-9._-]+)[\"']")
BAD_NODE = (AssertionError, AttributeError, KeyError, OverflowError, ParsingError, TypeError, ValueError)  # what a crooked box raises


class BoxError(KoinError):
    """One box that cannot be used; its text is short, for a row of a table."""


@dataclass(frozen=True, slots=True)
class Problem:
    """A box or a file that cannot be used, or not as it is written.

    Attributes:
        where: the file, and the row, object, shape or annotation in it.
        reason: a few words.
    """

    where: str
    reason: str

    def __str__(self) -> str:
        """A line for people."""
        return f"{self.where}: {self.reason}"


@dataclass(frozen=True, slots=True)
class Note:
    """One box as a file has it; everything in it is still to be checked.

    Attributes:
        where: the file and the place in it.
        photo: ways in which the file refers to the photo, the surest first.
        label: as written.
        measure: gives the box, or raises a BoxError. None where a person says that there is no face.
        score, provenance: as written.
        size: width and height that the file states of the photo; None where it states none.
        beside: the file, of a kind that is about one photo and may lie beside it.
        entry: the file and the id under which it lists the photo, of a kind that could list one twice.
    """

    where: str
    photo: tuple[str, ...]
    label: str
    measure: Callable[[], Box] | None
    score: str = ""
    provenance: str = ""
    size: tuple[float, float] | None = None
    beside: Path | None = None
    entry: tuple[str, str] | None = None


Notes = Iterator[Note | Problem]


def read_notes(path: Path) -> Notes:
    """What the file, or all files in the folder and below, have.

    Args:
        path: a table, a .json, an .xml, or a folder.
    """
    found = sorted(e.path for e in below(path) if e.path.suffix.lower() in READERS) if path.is_dir() else [path]
    if not found:
        yield Problem(str(path), f"a folder without {', '.join(READERS)} files")
    for file in found:
        if reason := not_a_file(file):
            yield Problem(str(file), f"cannot read ({reason})")
            continue
        try:
            data = file.read_bytes()
        except OSError as error:
            yield Problem(str(file), f"cannot read ({error.strerror})")
            continue
        if data.strip():
            yield from READERS.get(file.suffix.lower(), _table)(data, file)
        else:
            yield Problem(str(file), "empty file")


def checked(box: Box) -> Box:
    """The same box.

    Raises:
        BoxError: a coordinate is not finite, or the box has no area.
    """
    if not all(math.isfinite(value) for value in (*box, box[0] + box[2], box[1] + box[3])):
        raise BoxError("a coordinate that is no number")
    if min(box[2:]) <= 0:
        raise BoxError("box without area")
    return box


def _measured(make: Callable[[Any], BoundingBox], node: Any) -> Box:
    """A box of globox as ours, to a thousandth of a pixel: its sums and differences leave equal boxes different in a last bit."""
    try:
        left, top, width, height = (round(float(value), 3) for value in make(node).ltwh)
    except BAD_NODE as error:
        raise BoxError(f"not a box ({error})") from error
    return checked((left, top, width, height))


# ------------------------------------------------------------------------------------------------------------ our table
def _table(data: bytes, file: Path) -> Notes:
    text = decode(data)
    if text is None:
        yield Problem(str(file), NO_TEXT)
        return
    head: list[str] = []
    for line, cells in rows(text, COLUMNS):
        where = f"{file}, row {line}"
        if isinstance(cells, csv.Error):
            yield Problem(where, f"not a row of a table ({cells})")
        elif not head:
            head = [cell.lower() for cell in cells]
            if missing := [column for column in COLUMNS if column not in head]:
                yield Problem(str(file), f"no column {', '.join(missing)}")
                return
        elif any(cells[len(head) :]):
            yield Problem(where, "more cells than columns")
        else:
            yield from _row(dict(zip(head, cells, strict=False)), where)


def _row(row: dict[str, str], where: str) -> Notes:
    cells = [decimal(row.get(column, "")) for column in COLUMNS[2:]]
    size = _size(decimal(row.get("photo_width", "")), decimal(row.get("photo_height", "")))
    score, provenance = decimal(row.get("score", "")), row.get("provenance", "")
    note = Note(where, (row.get("image", ""),), row.get("label", ""), None, score, provenance, size)
    if any(cells):  # whatever the status says: then somebody has put the box in
        yield replace(note, measure=partial(_measured, _corner_and_size, cells))
    elif row.get("status", "") in {"", "ok"}:
        yield note


def _corner_and_size(values: Sequence[Any]) -> BoundingBox:
    return BoundingBox.create(label="", coords=tuple(float(value) for value in values), box_format=BoxFormat.LTWH)


# ------------------------------------------------------------------------------------------------------- COCO, LabelMe
def _json(data: bytes, file: Path) -> Notes:
    try:
        content = json.loads(text) if (text := decode(data)) is not None else None
    except (ValueError, RecursionError) as error:
        yield Problem(str(file), f"not JSON ({error})")
        return
    if text is None:
        yield Problem(str(file), f"not JSON ({NO_TEXT})")
    elif isinstance(content, dict) and isinstance(content.get("shapes"), list):
        yield from _labelme(content, file)
    elif isinstance(content, dict) and all(isinstance(content.get(key), list) for key in ("images", "annotations", "categories")):
        yield from _coco(content, file)
    else:
        yield Problem(str(file), "neither COCO nor LabelMe")


def _text(value: object) -> str:
    """A label or a name as text: a tool may have written the class 0000 as the number 0."""
    return "" if value is None else str(value)


def _size(width: object, height: object) -> tuple[float, float] | None:
    """The size that a file states; tools that do not know it write nothing or 0."""
    try:
        size = float(str(width)), float(str(height))
    except ValueError:
        return None
    return size if all(math.isfinite(side) and side >= 1 for side in size) else None


def _coco(content: dict[str, Any], file: Path) -> Notes:
    tables: dict[str, dict[Any, dict[str, Any]]] = {"images": {}, "categories": {}}
    for key, name in (("images", "file_name"), ("categories", "name")):
        for number, node in enumerate(content[key], 1):
            where = f"{file}, {key} {number}"
            try:
                if _text(tables[key].setdefault(node["id"], node)[name]) != _text(node[name]):
                    yield Problem(where, f"id {node['id']} is that of another one")
            except (KeyError, TypeError):
                yield Problem(where, f"no id or no {name}")
    for number, node in enumerate(content["annotations"], 1):
        where = f"{file}, annotation {number}"
        try:
            photo, label = tables["images"][node["image_id"]], _text(tables["categories"][node["category_id"]]["name"])
            names = _names_of(photo)
        except (KeyError, TypeError):
            yield Problem(where, "unknown image_id or category_id")
        else:
            size, entry = _size(photo.get("width"), photo.get("height")), (str(file), str(photo["id"]))
            yield Note(where, names, label, partial(_measured, _coco_box, node), size=size, entry=entry)


def _names_of(photo: dict[str, Any]) -> tuple[str, ...]:
    """What COCO calls a photo, and what it was called before it was uploaded, as Roboflow notes it."""
    extra = photo.get("extra")
    return (_text(photo["file_name"]), *([_text(extra.get("name"))] if isinstance(extra, dict) else []))


def _coco_box(node: dict[str, Any]) -> BoundingBox:
    if node.get("iscrowd"):
        raise ValueError("a crowd")
    return _corner_and_size(node["bbox"])


def _labelme(content: dict[str, Any], file: Path) -> Notes:
    name = _text(content.get("imagePath"))
    size = _size(content.get("imageWidth"), content.get("imageHeight"))
    for number, node in enumerate(content["shapes"], 1):
        where = f"{file}, shape {number}"
        if isinstance(node, dict):
            measure = partial(_measured, _shape, node)
            yield Note(where, (_beside(file, name), name), _text(node.get("label")), measure, size=size, beside=file)
        else:
            yield Problem(where, "not a shape")


def _shape(node: dict[str, Any]) -> BoundingBox:
    if (kind := node.get("shape_type", "polygon")) not in {"rectangle", "polygon"}:
        raise ValueError(f"a {kind}")
    if not all(isinstance(value, int | float) and math.isfinite(value) for point in node["points"] for value in point):
        raise ValueError("a coordinate that is no number")  # globox would take the smallest and largest of the others
    return BoundingBox.from_labelme(node)


# ----------------------------------------------------------------------------------------------------------- Pascal VOC
def _voc(data: bytes, file: Path) -> Notes:
    try:
        said = XML_ENCODING.match(data)
        root = fromstring(decode(data, said[1].decode() if said else "") or data)
    except DefusedXmlException:
        yield Problem(str(file), "XML with entities of its own, which are not read")
        return
    except (ParseError, ValueError, LookupError) as error:
        yield Problem(str(file), f"not XML ({error})")
        return
    if root.tag != "annotation":
        yield Problem(str(file), "not Pascal VOC")
        return
    name, folder, path = (root.findtext(tag) or "" for tag in ("filename", "folder", "path"))
    photo = (_beside(file, name), path, f"{folder}/{name}", name)
    size = _size(root.findtext("size/width"), root.findtext("size/height"))
    for number, node in enumerate(root.findall("object"), 1):
        label, measure = node.findtext("name") or "", partial(_measured, _corners, node)
        yield Note(f"{file}, object {number}", photo, label, measure, size=size, beside=file)


def _corners(node: Element) -> BoundingBox:
    """The box of a VOC object; some tools write its corners in the order in which they were drawn."""
    if node.find("name") is None:
        raise ValueError("no name")
    corners = [float(node.findtext(f"bndbox/{key}") or "") for key in ("xmin", "xmax", "ymin", "ymax")]
    if not all(map(math.isfinite, corners)):
        raise ValueError("a coordinate that is no number")
    (left, right), (top, bottom) = sorted(corners[:2]), sorted(corners[2:])
    return _corner_and_size((left, top, right - left, bottom - top))


def _beside(file: Path, name: str) -> str:
    """The path of a photo that is named relative to the file about it; empty without a name."""
    return os.path.normpath(file.absolute().parent / name.replace("\\", "/")) if name else ""


READERS: dict[str, Callable[[bytes, Path], Notes]] = {".csv": _table, ".json": _json, ".xml": _voc}
