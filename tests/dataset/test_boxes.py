"""Boxes that people drew: the same box out of every kind of file, whose it is and in which photo, and files that are crooked."""

from __future__ import annotations

import json
import math
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.dataset.annotated import BOX, GROUP, HEAD, coco, labelme, row, table, voc
from tests.dataset.conftest import put
from yolo_koin.dataset.boxes import DRAWN, BoxError, Drawn, LabelledBox, Problem, clip, read_boxes
from yolo_koin.dataset.koin import Dataset, scan
from yolo_koin.errors import DatasetError

NFC, NFD = (unicodedata.normalize(form, "김민준") for form in ("NFC", "NFD"))
SINGLE, HARD = "normal_cases/train/a/1.png", "hard_cases/test/b/h.png"


@pytest.fixture
def data(root: Path) -> Dataset:
    photos = ["normal_cases/train/b/1.png", f"normal_cases/train/{NFC}/{NFC}.jpg", "normal_cases/train/0007/only.png"]
    put(root, SINGLE, HARD, GROUP, *photos)
    (root / "classes.csv").write_text("folder,name\na,Kim A\nb,twin\n0007,twin\n", encoding="utf-8")
    return scan(root)


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, object], Path]:
    """Write a file: bytes as they are, anything else but a text as JSON."""

    def write(name: str, content: object) -> Path:
        path = tmp_path / "drawn" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not isinstance(content, bytes):
            content = (content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)).encode()
        path.write_bytes(content)
        return path

    return write


def said(read: Drawn) -> dict[str, list[tuple[str, tuple[float, ...]]]]:
    return {image: [(box.label, box.box) for box in boxes] for image, boxes in read.boxes.items()}


# ---------------------------------------------------------------------------------------------------------------- kinds
@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("boxes.csv", table(row())),
        ("boxes.csv", "\ufeff" + table(row()).replace("\n", "\r\n")),
        ("boxes.txt", table(row())),
        ("boxes.csv", table(f"{row()},,,ok", head=f"{HEAD},score,provenance,status")),
        ("coco.json", coco()),
        ("LABELME.JSON", labelme()),
        ("polygon.json", labelme(points=[[10, 25], [40.5, 20], [30, 60.25]], shape_type="polygon")),
        ("voc.xml", voc()),
        ("voc.xml", '<?xml version="1.0" encoding="utf-16"?>'.encode("utf-16") + voc().encode("utf-16")[2:]),
    ],
    ids=["csv", "of Windows", "other ending", "ours again", "coco", "labelme", "labelme polygon", "voc", "voc in UTF-16"],
)
def test_one_box_in_every_kind_of_file(data: Dataset, write: Callable[..., Path], name: str, content: object) -> None:
    read = read_boxes(write(name, content), data)
    assert read == Drawn({GROUP: (LabelledBox("a", BOX, None, DRAWN),)}, ())


def test_a_folder_may_mix_kinds(data: Dataset, write: Callable[..., Path]) -> None:
    write("a.csv", table(row()))
    write("deep/er/b.xml", voc(HARD, label="b"))
    write("c.JSON", labelme(SINGLE))
    write("photo.png", b"not looked at")
    write(".hidden.json", b"not looked at")
    assert said(read_boxes(write("d.json", coco(box=(1, 2, 3, 4))).parent, data)) == {
        GROUP: [("a", BOX), ("a", (1, 2, 3, 4))],
        HARD: [("b", BOX)],
        SINGLE: [("a", BOX)],
    }


def test_a_table_of_a_korean_spreadsheet(data: Dataset, write: Callable[..., Path]) -> None:
    image = f"normal_cases/train/{NFC}/{NFC}.jpg"
    read = read_boxes(write("boxes.csv", table(row(image, label=NFC)).encode("cp949")), data)
    assert said(read) == {image: [(NFC, BOX)]}


def test_no_such_file(data: Dataset, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"no such file or folder: .*none\.csv"):
        read_boxes(tmp_path / "none.csv", data)


# --------------------------------------------------------------------------------------------------------------- photos
@pytest.mark.parametrize(
    ("reference", "image"),
    [
        (SINGLE, SINGLE),
        (SINGLE.replace("/", "\\"), SINGLE),
        (f"C:\\Users\\me\\KoIn\\{SINGLE}", SINGLE),
        (f"./{SINGLE}", SINGLE),
        ("train/a/1.png", SINGLE),
        ("a/1.png", SINGLE),
        ("g.png", GROUP),
        ("/home/me/export/g.png", GROUP),
        (f"{NFD}.jpg", f"normal_cases/train/{NFC}/{NFC}.jpg"),
        ("1.png", "2 photos are called 1.png"),
        ("/home/me/1.png", "2 photos are called /home/me/1.png"),
        ("G.png", "unknown photo G.png"),
        ("normal_cases/train/a/g.png", "unknown photo normal_cases/train/a/g.png"),
        ("", "unknown photo"),
        ("///", "unknown photo ///"),
    ],
    ids=[
        "image id",
        "backslashes",
        "whole path of another machine",
        "dot",
        "ending",
        "shorter ending",
        "file name",
        "file name in another place",
        "NFD",
        "file name of two",
        "and in another place",
        "other letter case",
        "a place in the dataset where nothing is",
        "nothing",
        "no name",
    ],
)
@pytest.mark.parametrize("form", ["csv", "coco"])
def test_which_photo_is_meant(data: Dataset, write: Callable[..., Path], reference: str, image: str, form: str) -> None:
    path = write("boxes.csv", table(row(reference))) if form == "csv" else write("boxes.json", coco(reference))
    read = read_boxes(path, data)
    found = [*read.boxes, *(problem.reason for problem in read.problems)]
    assert found == [image]


def test_files_that_lie_beside_their_photos(data: Dataset) -> None:
    """As LabelMe and LabelImg put them: the name alone would be that of two photos."""
    (data.root / SINGLE).with_suffix(".json").write_text(json.dumps(labelme("1.png")))
    beside = data.root / "normal_cases/train/b/1.xml"
    beside.write_text(voc("1.png", label="b"))
    elsewhere = data.root / "notes"
    elsewhere.mkdir()
    (elsewhere / "3.json").write_text(json.dumps(labelme("..\\group_cases\\test\\a\\g.png")))
    assert said(read_boxes(data.root / "normal_cases", data)) == {SINGLE: [("a", BOX)], "normal_cases/train/b/1.png": [("b", BOX)]}
    assert said(read_boxes(elsewhere, data)) == {GROUP: [("a", BOX)]}


@pytest.mark.parametrize("more", ["<folder>a</folder>", "<path>D:\\KoIn\\normal_cases\\train\\a\\1.png</path>"], ids=["folder", "path"])
def test_voc_tells_the_folder_in_several_ways(data: Dataset, write: Callable[..., Path], more: str) -> None:
    assert list(read_boxes(write("1.xml", voc("1.png", more=more)), data).boxes) == [SINGLE]


# --------------------------------------------------------------------------------------------------------------- people
@pytest.mark.parametrize(
    ("label", "image", "expected"),
    [
        ("b", GROUP, "b"),
        ("0007", GROUP, "0007"),
        ("Kim A", GROUP, "a"),
        (NFD, GROUP, NFC),
        ("", GROUP, ""),
        ("Face", GROUP, ""),
        ("UNKNOWN", GROUP, ""),
        ("person", SINGLE, "a"),
        ("", HARD, "b"),
        ("b", SINGLE, "b"),
        ("twin", GROUP, "unknown label twin"),
        ("7", GROUP, "0007"),
        ("7.0", GROUP, "0007"),
        ("8", GROUP, "unknown label 8"),
        ("A", GROUP, "unknown label A"),
    ],
    ids=[
        "folder",
        "number that is a text",
        "display name",
        "NFD",
        "no name in a group",
        "face",
        "unknown",
        "person, in a photo of one",
        "no name, in a photo of one",
        "somebody else in a photo of one",
        "display name of two",
        "number that lost its zeros in a spreadsheet",
        "number that pandas made a float",
        "another number",
        "another letter case",
    ],
)
@pytest.mark.parametrize("form", ["csv", "coco", "labelme", "voc"])
def test_who_is_meant(data: Dataset, write: Callable[..., Path], label: str, image: str, expected: str, form: str) -> None:
    forms = {
        "csv": ("x.csv", table(row(image, label=label))),
        "coco": ("x.json", coco(image, label=label)),
        "labelme": ("x.json", labelme(image, label=label)),
        "voc": ("x.xml", voc(image, label=label)),
    }
    read = read_boxes(write(*forms[form]), data)
    assert [box.label for boxes in read.boxes.values() for box in boxes] + [problem.reason for problem in read.problems] == [expected]


def test_two_boxes_without_names_stay_without(data: Dataset, write: Callable[..., Path]) -> None:
    read = read_boxes(write("x.csv", table(row(SINGLE, label=""), row(SINGLE, (50, 50, 9, 9), label=""))), data)
    assert [box.label for box in read.boxes[SINGLE]] == ["", ""]
    read = read_boxes(write("x.csv", table(row(SINGLE, label=""), row(SINGLE, (50, 50, 0, 9), label=""))), data)
    assert [box.label for box in read.boxes[SINGLE]] == [""], "the other one was meant to be a face too"


@pytest.mark.parametrize(
    ("labels", "kept", "problems"),
    [(("a", "a"), ["a"], 0), (("", "a"), ["a"], 0), (("a", ""), ["a"], 0), (("", ""), [""], 0), (("a", "b"), ["a"], 1)],
    ids=["same name", "named later", "named before", "without a name", "two names"],
)
def test_a_box_that_is_there_twice(
    data: Dataset, write: Callable[..., Path], labels: tuple[str, str], kept: list[str], problems: int
) -> None:
    read = read_boxes(write("x.csv", table(*(row(label=label) for label in labels))), data)
    assert [box.label for box in read.boxes[GROUP]] == kept
    assert [problem.reason for problem in read.problems] == ["this box is a already"] * problems


# ----------------------------------------------------------------------------------------------------- our own table again
def test_rows_of_a_converted_table(data: Dataset, write: Callable[..., Path]) -> None:
    """Corrected boxes are drawn, untouched ones stay the detector's, and photos that were left out are no boxes."""
    photos = ["normal_cases/train/b/1.png", "normal_cases/train/0007/only.png", f"normal_cases/train/{NFC}/{NFC}.jpg"]
    rows = [
        f"{SINGLE},a,1,2,3,4,0.75,centerface,ok",
        f"{HARD},b,1,2,3,4,,,ok",
        f"{GROUP},,,,,,,,no face found",
        f"{photos[0]},,5,6,7,8,,,no face found",
        f"{photos[1]},,,,,,,,",
        f"{photos[2]},,,,,,,,ok",
    ]
    read = read_boxes(write("boxes.csv", table(*rows, head=f"{HEAD},score,provenance,status")), data)
    assert read.problems == ()
    assert read.boxes == {
        SINGLE: (LabelledBox("a", (1, 2, 3, 4), 0.75, "centerface"),),
        HARD: (LabelledBox("b", (1, 2, 3, 4), None, DRAWN),),
        photos[0]: (LabelledBox("b", (5, 6, 7, 8), None, DRAWN),),
        photos[1]: (),
        photos[2]: (),
    }


@pytest.mark.parametrize(
    ("label", "provenance", "expected"),
    [("a", "suggested", "a"), ("unknown", "suggested", ""), ("", "", ""), ("", "suggested", None)],
    ids=["named", "a stranger", "its provenance is emptied", "nobody decided"],
)
def test_a_suggestion_is_drawn_as_soon_as_somebody_says_who_it_is(
    data: Dataset, write: Callable[..., Path], label: str, provenance: str, expected: str | None
) -> None:
    """And until then the photo is one that nobody has looked at, not one without a face."""
    rows = [f"{GROUP},{label},1,2,3,4,0.75,{provenance},not known who is who"]
    read = read_boxes(write("boxes.csv", table(*rows, head=f"{HEAD},score,provenance,status")), data)
    assert read.boxes == ({} if expected is None else {GROUP: (LabelledBox(expected, (1, 2, 3, 4), None, DRAWN),)})
    assert len(read.problems) == (expected is None)


@pytest.mark.parametrize("score", ["high", "nan", "1.5", "-1"])
def test_a_score_that_is_none(data: Dataset, write: Callable[..., Path], score: str) -> None:
    read = read_boxes(write("boxes.csv", table(f"{row()},{score},yunet", head=f"{HEAD},score,provenance")), data)
    assert (read.boxes, [problem.reason for problem in read.problems]) == ({}, [f"{score} is no score"])


# -------------------------------------------------------------------------------------------------------------- crooked
ENTITIES = '<!DOCTYPE annotation [<!ENTITY lol "lol"><!ENTITY lol2 "&lol;&lol;">]>' + voc(label="&lol2;")
OUTSIDE = '<!DOCTYPE annotation [<!ENTITY secret SYSTEM "file:///etc/passwd">]>' + voc(label="&secret;")


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("x.xml", ENTITIES, "entities of its own"),
        ("x.xml", OUTSIDE, "entities of its own"),
        ("x.xml", voc()[:-5], "not XML"),
        ("x.xml", "<cvat/>", "not Pascal VOC"),
        ("x.xml", b'<?xml version="1.0" encoding="klingon"?><annotation>\x81\xff</annotation>', "not XML"),
        ("x.json", json.dumps(coco())[:-9], "not JSON"),
        ("x.json", "[" * 100_000, "not JSON"),
        ("x.json", b"\xff\xfe\x00\x00\x81", "not JSON"),
        ("x.json", '{"n": ' + "9" * 5000 + "}", "not JSON"),
        ("x.json", [1, 2], "neither COCO nor LabelMe"),
        ("x.json", {"images": 1, "annotations": [], "categories": []}, "neither COCO nor LabelMe"),
        ("x.json", b"", "empty file"),
        ("x.csv", b" \n ", "empty file"),
        ("x.csv", b"\xff\xfe\x81", "no text in UTF-8"),
        ("x.csv", "image,label,x,y,w,h\n", "no column width, height"),
        ("sub/x.txt", b"unread in a folder", "a folder without .csv, .json, .xml files"),
    ],
    ids=[
        "entity bomb",
        "external entity",
        "cut off",
        "another XML",
        "unknown encoding",
        "cut off JSON",
        "deeply nested",
        "not UTF-8",
        "number of 5000 digits",
        "another JSON",
        "half of COCO",
        "empty",
        "blank",
        "binary",
        "other columns",
        "nothing in it",
    ],
)
def test_a_file_that_cannot_be_used_is_one_problem(
    data: Dataset, write: Callable[..., Path], name: str, content: object, reason: str
) -> None:
    path = write(name, content)
    path = path.parent if name.startswith("sub") else path
    read = read_boxes(path, data)
    assert read.boxes == {}
    (problem,) = read.problems
    assert problem.where == str(path)
    assert reason in problem.reason
    assert "\n" not in problem.reason


def test_a_file_that_cannot_be_read(data: Dataset, tmp_path: Path) -> None:
    if not Path("/proc/self/mem").exists():
        pytest.skip("no file here that nobody can read")
    (tmp_path / "drawn").mkdir()
    path = tmp_path / "drawn/x.json"
    path.symlink_to("/proc/self/mem")  # an input/output error, for root too
    assert read_boxes(path, data).problems == (Problem(str(path), "cannot read (Input/output error)"),)


NUMBERS: dict[str, tuple[Any, str]] = {
    "no width": ((1, 2, 0, 4), "box without area"),
    "negative": ((1, 2, -3, 4), "must be greater"),
    "NaN": ((1, math.nan, 3, 4), ""),
    "infinite": ((1, 2, math.inf, 4), "no number"),
    "sum too large": ((1.7e308, 2, 1.7e308, 4), "no number"),
    "whole number too large": ((1, 2, 10**400, 4), ""),
}


FORMS = {
    "csv": NUMBERS,
    "coco": NUMBERS,
    "labelme": ["no width", "NaN", "infinite"],  # corners in any order, here and in VOC, and no sums
    "voc": ["no width", "NaN", "infinite"],
}


@pytest.mark.parametrize(("form", "case"), [(form, case) for form, cases in FORMS.items() for case in cases])
def test_a_box_of_crooked_numbers_takes_no_other_with_it(data: Dataset, write: Callable[..., Path], form: str, case: str) -> None:
    box, reason = NUMBERS[case]
    content: object
    if form == "csv":
        name, content = "x.csv", table(row(), row(box=box), row(SINGLE))
    elif form == "voc":
        good, bad = voc(), voc(box=box)
        name, content = "x.xml", good.replace("</annotation>", bad[bad.index("<object>") :])
    else:
        good, bad = (labelme(), labelme(box=box)) if form == "labelme" else (coco(), coco(box=box))  # type: ignore[assignment]
        key = "shapes" if form == "labelme" else "annotations"
        name, content = "x.json", {**good, key: [*good[key], *bad[key]]}  # type: ignore[dict-item, index]
    read = read_boxes(write(name, content), data)
    assert said(read)[GROUP] == [("a", BOX)]
    (problem,) = read.problems
    assert problem.where.endswith(("row 3", "annotation 2", "shape 2", "object 2"))
    assert reason in problem.reason or "not a box" in problem.reason


@pytest.mark.parametrize(
    ("bad", "where", "reason"),
    [
        ({"image_id": 8}, "annotation 1", "unknown image_id or category_id"),
        ({"image_id": [7]}, "annotation 1", "unknown image_id or category_id"),
        ({"category_id": None}, "annotation 1", "unknown image_id or category_id"),
        ({"bbox": None}, "annotation 1", "not a box"),
        ({"bbox": [1, 2, 3]}, "annotation 1", "not a box"),
        ({"bbox": ["a", 2, 3, 4]}, "annotation 1", "not a box"),
        ({"iscrowd": 1}, "annotation 1", "not a box (a crowd)"),
    ],
    ids=["photo", "photo of another type", "category", "no box", "three numbers", "a text", "crowd"],
)
def test_a_crooked_annotation(data: Dataset, write: Callable[..., Path], bad: dict[str, object], where: str, reason: str) -> None:
    read = read_boxes(write("x.json", coco(**bad)), data)
    assert read.boxes == {}
    (problem,) = read.problems
    assert problem.where.endswith(where)
    assert problem.reason.startswith(reason)


@pytest.mark.parametrize("key", ["images", "categories", "annotations"])
@pytest.mark.parametrize("node", [None, 3, [], {}, {"id": []}, {"id": 7, "file_name": HARD}, {"id": "c", "name": "b"}], ids=str)
def test_a_crooked_node_of_coco(data: Dataset, write: Callable[..., Path], key: str, node: object) -> None:
    content = coco()
    read = read_boxes(write("x.json", {**content, key: [*content[key], node]}), data)
    assert said(read) == {GROUP: [("a", BOX)]}
    assert len(read.problems) == 1


@pytest.mark.parametrize(
    "shape",
    [
        3,
        {},
        {"label": "a"},
        {"label": "a", "points": [1, 2]},
        {"label": "a", "points": []},
        {"label": "a", "points": [["10", "9"], ["9", "10"]]},
        {"label": "a", "points": [[1, 1], [9, 9]], "shape_type": "circle"},
    ],
    ids=["number", "empty", "no points", "flat", "no point", "texts", "circle"],
)
def test_a_crooked_shape(data: Dataset, write: Callable[..., Path], shape: object) -> None:
    content = labelme()
    read = read_boxes(write("x.json", {**content, "shapes": [shape, *content["shapes"]]}), data)
    assert said(read) == {GROUP: [("a", BOX)]}
    assert [problem.where.rsplit(", ")[-1] for problem in read.problems] == ["shape 1"]


@pytest.mark.parametrize(
    "cut", [("<xmin>10.0</xmin>", ""), ("<bndbox>", "<box>"), ("<name>a</name>", ""), ("10.0", "ten"), ("<filename>", "<name>")]
)
def test_a_crooked_object(data: Dataset, write: Callable[..., Path], cut: tuple[str, str]) -> None:
    read = read_boxes(write("x.xml", voc().replace(*cut).replace("</bndbox>" if cut[1] == "<box>" else "\0", "</box>")), data)
    assert len(read.problems) == 1
    assert read.boxes == {}


def test_a_crooked_row_takes_no_other_with_it(data: Dataset, write: Callable[..., Path]) -> None:
    rows = [f"{GROUP},a,1,2,3", row(), f'{GROUP},"a"b,1,2,3,4', f"{GROUP},a,1,2,3,4,5", row(HARD, label="b"), f"{GROUP},a,1,2,3,"]
    read = read_boxes(write("x.csv", table(*rows)), data)
    assert said(read) == {GROUP: [("a", BOX)], HARD: [("b", BOX)]}
    assert [problem.where.rsplit(", ")[-1] for problem in read.problems] == ["row 2", "row 4", "row 5", "row 7"]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)


@given(node=st.fixed_dictionaries({}, optional=dict.fromkeys(("label", "points", "shape_type"), json_values)), value=json_values)
def test_whatever_stands_in_a_json_file(tmp_path_factory: pytest.TempPathFactory, node: dict[str, Any], value: Any) -> None:
    """Never anything but boxes and problems."""
    dataset = Dataset(Path(), scan(put(tmp_path_factory.getbasetemp() / "any", GROUP)).samples, {"a": "a"})
    path = tmp_path_factory.getbasetemp() / "any.json"
    for content in (labelme(image=value), {**labelme(), "shapes": [node, value]}, coco(value, value, value), {"images": [value]}, value):
        path.write_text(json.dumps(content))
        for boxes in read_boxes(path, dataset).boxes.values():
            assert all(math.isfinite(number) for box in boxes for number in box.box)


# ----------------------------------------------------------------------------------------------------- inside of the photo
@pytest.mark.parametrize(
    ("box", "expected"),
    [
        ((10, 10, 20, 20), (10, 10, 20, 20)),
        ((-10, -5, 20, 20), (0, 0, 10, 15)),
        ((90, 40, 20, 20), (90, 40, 10, 10)),
        ((0, 0, 100, 50), (0, 0, 100, 50)),
        ((100, 10, 20, 20), "box outside the photo"),
        ((-20, 10, 20, 20), "box outside the photo"),
        ((10, 60, 20, 20), "box outside the photo"),
        ((99, 10, 40, 20), "box outside the photo"),
        ((0, 0, 1e200, 1e200), "box outside the photo"),
        ((10, 10, 0.4, 20), "box smaller than a pixel"),
        ((0.2, 0.2, 0.5, 0.5), "box smaller than a pixel"),
        ((10, 10, 0, 20), "box without area"),
        ((10, 10, -5, 20), "box without area"),
        ((math.nan, 10, 5, 20), "a coordinate that is no number"),
    ],
    ids=[
        "inside",
        "over the upper left corner",
        "over the lower right corner",
        "the whole photo",
        "right of it",
        "left of it",
        "below it",
        "a sliver",
        "far larger than the photo",
        "narrow",
        "shares instead of pixels",
        "without area",
        "reversed",
        "NaN",
    ],
)
def test_clip(box: Any, expected: Any) -> None:
    if isinstance(expected, str):
        with pytest.raises(BoxError, match=expected):
            clip(box, 100, 50)
    else:
        assert clip(box, 100, 50) == expected


@given(
    box=st.tuples(*[st.floats(-200, 200)] * 2, *[st.floats(0, 300)] * 2),
    size=st.tuples(st.integers(1, 200), st.integers(1, 200)),
)
def test_what_is_left_of_a_box_lies_in_the_photo_and_in_the_box(box: tuple[float, float, float, float], size: tuple[int, int]) -> None:
    try:
        x, y, width, height = clip(box, *size)
    except BoxError:
        return
    close = 1e-9
    assert max(0, box[0]) - close <= x
    assert max(0, box[1]) - close <= y
    assert x + width <= min(size[0], box[0] + box[2]) + close
    assert y + height <= min(size[1], box[1] + box[3]) + close
    assert min(width, height) >= 1
    assert clip((x, y, width, height), *size) == pytest.approx((x, y, width, height), abs=close)
