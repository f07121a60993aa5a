"""Files in which people and their tools keep boxes: our own table, COCO, Pascal VOC, LabelMe. What they mean is told by ``boxes.py``.

A file is parsed by the parsers that are safe for it (no entities, no eval), its boxes by the readers of globox, one at a time: a crooked
box takes nothing else with it.
"""

from __future__ import annotations

import csv
import io
import json
import math
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring
from globox import BoundingBox, BoxFormat  # type: ignore[import-untyped]
from globox.errors import ParsingError  # type: ignore[import-untyped]

from yolo_koin.errors import KoinError
from yolo_koin.geometry import Box

COLUMNS = ("image", "label", "x", "y", "width", "height")  # of our own table; more may follow
BAD_NODE = (AssertionError, AttributeError, KeyError, OverflowError, ParsingError, TypeError, ValueError)  # what a crooked box raises


class BoxError(KoinError):
    """One box that cannot be used; its text is short, for a row of a table."""


@dataclass(frozen=True, slots=True)
class Problem:
    """A box or a file that cannot be used.

    Attributes:
        where: the file, and the row, object, shape or annotation in it.
        reason: a few words.
    """

    where: str
    reason: str


@dataclass(frozen=True, slots=True)
class Note:
    """One box as a file has it; everything in it is still to be checked.

    Attributes:
        where: the file and the place in it.
        photo: ways in which the file refers to the photo, the surest first.
        label: as written.
        measure: gives the box, or raises a BoxError. None where a person says that there is no face.
        score, provenance: as written.
    """

    where: str
    photo: tuple[str, ...]
    label: str
    measure: Callable[[], Box] | None
    score: str = ""
    provenance: str = ""


Notes = Iterator[Note | Problem]


def read_notes(path: Path) -> Notes:
    """What the file, or all files in the folder and below, have.

    Args:
        path: a table, a .json, an .xml, or a folder.
    """
    files = [path] if path.is_file() else sorted(p for p in path.rglob("[!.]*") if p.suffix.lower() in READERS and p.is_file())
    if not files:
        yield Problem(str(path), f"a folder without {', '.join(READERS)} files")
    for file in files:
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
    text = _decoded(data)
    if text is None:
        yield Problem(str(file), "neither UTF-8 nor CP949 text")
        return
    lines = csv.reader(io.StringIO(text, newline=None), skipinitialspace=True, strict=True)
    head: list[str] = []
    while True:
        try:
            cells = [cell.strip() for cell in next(lines)]
        except StopIteration:
            return
        except csv.Error as error:  # the reader goes on with the next line
            yield Problem(f"{file}, row {lines.line_num}", f"not a row of a table ({error})")
            continue
        where = f"{file}, row {lines.line_num}"
        if not any(cells):
            continue
        if not head:
            head = [cell.lower() for cell in cells]
            if missing := [column for column in COLUMNS if column not in head]:
                yield Problem(str(file), f"no column {', '.join(missing)}")
                return
        elif any(cells[len(head) :]):
            yield Problem(where, "more cells than columns")
        else:
            yield from _row(dict(zip(head, cells, strict=False)), where)


def _decoded(data: bytes) -> str | None:
    for encoding in ("utf-8-sig", "cp949"):  # the latter is what a Korean spreadsheet writes
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    return None


def _row(row: dict[str, str], where: str) -> Notes:
    cells = [row.get(column, "") for column in COLUMNS[2:]]
    note = Note(where, (row.get("image", ""),), row.get("label", ""), None, row.get("score", ""), row.get("provenance", ""))
    if any(cells):  # whatever the status says: then somebody has put the box in
        yield replace(note, measure=partial(_measured, _corner_and_size, cells))
    elif row.get("status", "") in {"", "ok"}:
        yield note


def _corner_and_size(values: Sequence[Any]) -> BoundingBox:
    return BoundingBox.create(label="", coords=tuple(float(value) for value in values), box_format=BoxFormat.LTWH)


# ------------------------------------------------------------------------------------------------------- COCO, LabelMe
def _json(data: bytes, file: Path) -> Notes:
    try:
        content = json.loads(data)
    except (ValueError, RecursionError) as error:
        yield Problem(str(file), f"not JSON ({error})")
        return
    if isinstance(content, dict) and isinstance(content.get("shapes"), list):
        yield from _labelme(content, file)
    elif isinstance(content, dict) and all(isinstance(content.get(key), list) for key in ("images", "annotations", "categories")):
        yield from _coco(content, file)
    else:
        yield Problem(str(file), "neither COCO nor LabelMe")


def _coco(content: dict[str, Any], file: Path) -> Notes:
    tables: dict[str, dict[Any, str]] = {"images": {}, "categories": {}}
    for key, name in (("images", "file_name"), ("categories", "name")):
        for number, node in enumerate(content[key], 1):
            where = f"{file}, {key} {number}"
            try:
                if tables[key].setdefault(node["id"], told := str(node[name] or "")) != told:
                    yield Problem(where, f"id {node['id']} is that of another one")
            except (KeyError, TypeError):
                yield Problem(where, f"no id or no {name}")
    for number, node in enumerate(content["annotations"], 1):
        where = f"{file}, annotation {number}"
        try:
            photo, label = tables["images"][node["image_id"]], tables["categories"][node["category_id"]]
        except (KeyError, TypeError):
            yield Problem(where, "unknown image_id or category_id")
        else:
            yield Note(where, (photo,), label, partial(_measured, _coco_box, node))


def _coco_box(node: dict[str, Any]) -> BoundingBox:
    if node.get("iscrowd"):
        raise ValueError("a crowd")
    return _corner_and_size(node["bbox"])


def _labelme(content: dict[str, Any], file: Path) -> Notes:
    name = str(content.get("imagePath") or "")
    for number, node in enumerate(content["shapes"], 1):
        where = f"{file}, shape {number}"
        if isinstance(node, dict):
            yield Note(where, (_beside(file, name), name), str(node.get("label") or ""), partial(_measured, _shape, node))
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
        root = fromstring(data)
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
    for number, node in enumerate(root.findall("object"), 1):
        yield Note(f"{file}, object {number}", photo, node.findtext("name") or "", partial(_measured, BoundingBox.from_xml, node))


def _beside(file: Path, name: str) -> str:
    """The path of a photo that is named relative to the file about it; empty without a name."""
    return os.path.normpath(file.absolute().parent / name.replace("\\", "/")) if name else ""


READERS: dict[str, Callable[[bytes, Path], Notes]] = {".csv": _table, ".json": _json, ".xml": _voc}
