"""Boxes drawn on another picture than the photo: a copy that a tool made smaller, or the photo before its EXIF turn."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageOps

from tests.dataset.annotated import HEAD, coco, labelme, row, table, voc
from yolo_koin.dataset.boxes import read_boxes
from yolo_koin.dataset.frames import alike, turned
from yolo_koin.dataset.koin import Dataset, scan

PHOTO = "normal_cases/train/a/1.jpg"
DRAWN_ON = (92, 112)
BOX = (10.0, 20.0, 70.0, 80.0)


def files(box: Any, size: tuple[Any, Any]) -> dict[str, tuple[str, str]]:
    """A file of each kind that states the size of the picture that it was drawn on."""
    w, h = size
    in_coco, in_labelme = coco(PHOTO, box), {**labelme(PHOTO, box), "imageWidth": w, "imageHeight": h}
    in_coco["images"][0].update(width=w, height=h)
    stated = f"<size><width>{w}</width><height>{h}</height><depth>3</depth></size>"
    ours = table(f"{row(PHOTO, box)},{w},{h}", head=f"{HEAD},photo_width,photo_height")
    return {
        "coco": ("x.json", json.dumps(in_coco)),
        "labelme": ("x.json", json.dumps(in_labelme)),
        "voc": ("x.xml", voc(PHOTO, box, more=stated)),
        "csv": ("x.csv", ours),
    }


@pytest.fixture
def data(root: Path) -> Dataset:
    path = root / PHOTO
    path.parent.mkdir(parents=True)
    Image.new("RGB", (368, 448)).save(path)
    return scan(root)


def read(data: Dataset, tmp_path: Path, kind: str, box: Any, size: tuple[Any, Any]) -> tuple[list[tuple[float, ...]], list[str]]:
    name, text = files(box, size)[kind]
    (tmp_path / name).write_text(text)
    found = read_boxes(tmp_path / name, data)
    return [one.box for one in found.boxes.get(PHOTO, ())], [problem.reason for problem in found.problems]


@pytest.mark.parametrize("kind", ["coco", "labelme", "voc", "csv"])
@pytest.mark.parametrize(
    ("stated", "expected", "said"),
    [
        ((368, 448), BOX, ""),
        ((92, 112), (40, 80, 280, 320), "boxes of 1 photo were scaled to the photo, such as normal_cases/train/a/1.jpg: drawn on 92 × 112"),
        ((184, 224), (20, 40, 140, 160), "were scaled"),
        ((100, 122), (36.8, 73.443, 257.6, 293.77), "were scaled"),
        ((0, 0), BOX, ""),
        (("", ""), BOX, ""),
        (("wide", "nan"), BOX, ""),
        ((448, 368), None, "drawn on 448 × 368, the photo is 368 × 448"),
        ((640, 640), None, "drawn on 640 × 640, the photo is 368 × 448"),
    ],
    ids=["the same", "a quarter", "half", "rounded", "unknown", "empty", "no numbers", "on its side, without an EXIF turn", "stretched"],
)
def test_a_stated_size_decides_where_the_box_lies(
    data: Dataset, tmp_path: Path, kind: str, stated: tuple[Any, Any], expected: tuple[float, ...] | None, said: str
) -> None:
    """A tool that resizes on export would otherwise lay every box on the wrong place without a word."""
    boxes, problems = read(data, tmp_path, kind, BOX, stated)
    assert boxes == ([pytest.approx(expected, abs=0.01)] if expected else [])
    assert len(problems) == bool(said)
    assert said in "".join(problems)


@pytest.mark.parametrize("orientation", [5, 6, 7, 8])
@pytest.mark.parametrize("share", [1, 2], ids=["full size", "and half as large"])
def test_boxes_of_a_photo_before_its_quarter_turn(data: Dataset, tmp_path: Path, orientation: int, share: int) -> None:
    """LabelImg shows the stored picture, everything else the upright one: the size that it states tells them apart."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = Image.new("RGB", (400, 200))
    stored.paste("red", (40, 20, 140, 60))
    stored.save(data.root / PHOTO, exif=exif, quality=95, subsampling=0)
    drawn = tuple(side / share for side in (40, 20, 100, 40))
    boxes, problems = read(data, tmp_path, "voc", drawn, (400 // share, 200 // share))
    red = np.asarray(ImageOps.exif_transpose(Image.open(data.root / PHOTO)))[..., 0] > 128
    rows, columns = np.nonzero(red)
    assert boxes == [pytest.approx((columns.min(), rows.min(), np.ptp(columns) + 1, np.ptp(rows) + 1), abs=1)]
    assert "turned with the photo" in problems[0]


@pytest.mark.parametrize("orientation", [1, 3, 6])
def test_a_stated_size_that_is_the_upright_photos_is_taken_at_its_word(data: Dataset, tmp_path: Path, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.new("RGB", (400, 200)).save(data.root / PHOTO, exif=exif)
    upright = (200, 400) if orientation == 6 else (400, 200)
    assert read(data, tmp_path, "labelme", BOX, upright) == ([BOX], [])


def test_many_scaled_photos_are_one_line(root: Path, tmp_path: Path) -> None:
    lines = []
    for number in range(7):
        path = root / f"normal_cases/train/a/{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (200, 100)).save(path)
        lines.append(f"a/{number}.png,a,1,2,3,4,100,50")
    (tmp_path / "b.csv").write_text(table(*lines, head=f"{HEAD},photo_width,photo_height"))
    found = read_boxes(tmp_path / "b.csv", scan(root))
    assert {box.box for boxes in found.boxes.values() for box in boxes} == {(2, 4, 6, 8)}
    assert ["boxes of 7 photos were scaled" in problem.reason for problem in found.problems] == [True]


def test_several_boxes_on_another_picture_are_one_line(data: Dataset, tmp_path: Path) -> None:
    content = coco(PHOTO, BOX)
    content["images"][0].update(width=640, height=640)
    content["annotations"] *= 4
    (tmp_path / "x.json").write_text(json.dumps(content))
    found = read_boxes(tmp_path / "x.json", data)
    assert (found.boxes, len(found.problems)) == ({}, 1), "and the photo is not one without a face"


def test_a_photo_that_cannot_be_read_leaves_its_boxes_as_they_are(data: Dataset, tmp_path: Path) -> None:
    (data.root / PHOTO).write_bytes(b"")
    assert read(data, tmp_path, "coco", BOX, (92, 112)) == ([BOX], [])


@pytest.mark.parametrize(
    ("stated", "photo", "same"),
    [((92, 112), (368, 448), True), ((640, 427), (1080, 720), True), ((720, 1080), (1080, 720), False), ((100, 101), (101, 100), False)],
    ids=["exact", "rounded", "on its side", "nearly square, on its side"],
)
def test_alike(stated: tuple[int, int], photo: tuple[int, int], same: bool) -> None:
    assert alike(stated, photo) is same


@pytest.mark.parametrize("orientation", [5, 6, 7, 8])
def test_four_quarter_turns_or_two_mirrors_come_back(orientation: int) -> None:
    back = {6: 8, 8: 6}.get(orientation, orientation)
    once = turned((1, 2, 3, 4), (10, 20), orientation)
    assert turned(once, (20, 10), back) == (1, 2, 3, 4)


def test_many_photos_on_another_picture_are_summarised(root: Path, tmp_path: Path) -> None:
    """A whole set that was stretched to 640 × 640 on export: ten photos say it as well as five thousand."""
    for number in range(14):
        path = root / f"normal_cases/train/a/{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (200, 100)).save(path)
    lines = [f"a/{number}.png,a,1,2,3,4,640,640" for number in range(14)]
    (tmp_path / "b.csv").write_text(table(*lines, head=f"{HEAD},photo_width,photo_height"))
    found = read_boxes(tmp_path / "b.csv", scan(root))
    assert found.boxes == {}
    assert [problem.reason for problem in found.problems] == [
        *["drawn on 640 × 640, the photo is 200 × 100"] * 10,
        "4 more problems like these",
    ]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
def test_a_pipe_in_place_of_the_boxes_is_a_line(data: Dataset, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "boxes.csv")
    os.mkfifo(tmp_path / "x.json")
    for path in (tmp_path / "boxes.csv", tmp_path):
        problems = read_boxes(path, data).problems
        assert {problem.reason for problem in problems} == {"cannot read (a pipe, a socket or a device)"}
