"""What tools make of the names of photos, undone where one photo alone can be meant."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.dataset.annotated import BOX, coco, labelme, row, table, voc
from tests.dataset.conftest import put
from yolo_koin.dataset.annotations import BoxError
from yolo_koin.dataset.boxes import read_boxes
from yolo_koin.dataset.koin import Dataset, scan
from yolo_koin.dataset.photo_names import Photos

HANGUL = "아이유"
TRAIN = "normal_cases/train"
HASH = "0123456789abcdef0123456789abcdef"


@pytest.fixture
def data(root: Path) -> Dataset:
    put(root, *(f"{TRAIN}/{label}/{n}.jpg" for label in (HANGUL, "0001") for n in (1, 2)))
    put(root, f"{TRAIN}/0002/only one.jpg", f"{TRAIN}/0002/2019.05.01.png", f"{TRAIN}/0002/1a2b3c4d-own.jpg", f"{TRAIN}/0002/both.png")
    return scan(put(root, f"{TRAIN}/0001/both.jpg"))


@pytest.mark.parametrize(
    ("reference", "image"),
    [
        ("images/1a2b3c4d-only one.jpg", "0002/only one.jpg"),
        ("..\\media\\upload\\4\\1a2b3c4d-only one.jpg", "0002/only one.jpg"),
        ("1a2b3c4d-own.jpg", "0002/1a2b3c4d-own.jpg"),
        (quote(f"{TRAIN}/{HANGUL}/1.jpg"), f"{HANGUL}/1.jpg"),
        ("/data/upload/1/1a2b3c4d-only%20one.jpg", "0002/only one.jpg"),
        (f"/data/local-files/?d={TRAIN}/0001/2.jpg", "0001/2.jpg"),
        (f"/data/local-files/?d={quote(f'{TRAIN}/{HANGUL}/2.jpg')}", f"{HANGUL}/2.jpg"),
        (f"https://host:8080/store/{TRAIN}/0001/1.jpg?X-Amz-Signature=a/b", "0001/1.jpg"),
        ("s3://bucket/0001/1.jpg", "0001/1.jpg"),
        (f"train/only one_jpg.rf.{HASH}.jpg", "0002/only one.jpg"),
        ("2019.05.01_png.rf.AbCdEfGh1234.jpg", "0002/2019.05.01.png"),
        ("only one", "0002/only one.jpg"),
        ("only one.PNG", "0002/only one.jpg"),
        ("2019.05.01", "0002/2019.05.01.png"),
        ("0001/1", "0001/1.jpg"),
        ("2019.05.02", "unknown photo 2019.05.02"),
        ("2019.05", "unknown photo 2019.05"),
        ("both", "2 photos are called both"),
        ("both.webp", "2 photos are called both.webp"),
        ("both.jpg", "0001/both.jpg"),
        ("1a2b3c4d-1.jpg", "2 photos are called 1a2b3c4d-1.jpg"),
        ("deadbeef-none.jpg", "unknown photo deadbeef-none.jpg"),
        (f"{TRAIN}/0002/1", f"unknown photo {TRAIN}/0002/1"),
        ("100%.jpg", "unknown photo 100%.jpg"),
        ("http://[bad/none", "unknown photo http://[bad/none"),
    ],
)
def test_renamed_by_a_tool(data: Dataset, reference: str, image: str) -> None:
    """Each is a name that Label Studio, Roboflow, CVAT or an export of theirs is known to write; and what must not be guessed."""
    try:
        found = Photos(data.samples).find([reference]).image.removeprefix(f"{TRAIN}/")
    except BoxError as error:
        found = str(error)
    assert found == image


def test_roboflow_says_what_a_photo_was_called(data: Dataset, tmp_path: Path) -> None:
    content = coco("whatever_jpg.rf.00000000.jpg", label="0002")
    content["images"][0]["extra"] = {"name": "only one.jpg"}
    (tmp_path / "x.json").write_text(json.dumps(content))
    assert list(read_boxes(tmp_path / "x.json", data).boxes) == [f"{TRAIN}/0002/only one.jpg"]


@pytest.mark.parametrize("kind", ["voc", "labelme"])
@pytest.mark.parametrize(
    ("says", "image", "problem"),
    [
        ("1.jpg", "0001/1.jpg", ""),
        ("1", "0001/1.jpg", ""),
        ("1.png", "0001/1.jpg", ""),
        ("", "0001/1.jpg", ""),
        ("2.jpg", "", "lies beside 1.jpg and names 2.jpg"),
        ("only one.jpg", "", "lies beside 1.jpg and names only one.jpg"),
        ("gone.jpg", "", "lies beside 1.jpg and names gone.jpg"),
    ],
    ids=["itself", "without ending", "other ending", "nothing", "its neighbour", "somebody else", "a photo since renamed"],
)
def test_a_file_beside_a_photo_of_its_own_name(data: Dataset, kind: str, says: str, image: str, problem: str) -> None:
    """Copied as a template, or its photo renamed: the box belongs to neither photo for sure."""
    path = data.root / f"{TRAIN}/0001/1.{'xml' if kind == 'voc' else 'json'}"
    path.write_text(voc(says, label="0001") if kind == "voc" else json.dumps(labelme(says, label="0001")))
    found = read_boxes(data.root / TRAIN, data)
    assert list(found.boxes) == ([f"{TRAIN}/{image}"] if image else [])
    assert [(p.where.startswith(str(path)), p.reason) for p in found.problems] == ([(True, problem)] if problem else [])


def twice(first: str, second: str) -> dict[str, object]:
    one, other = coco(first, label="0001"), coco(second, (1, 2, 3, 4), label="0001")
    other["images"][0]["id"] = other["annotations"][0]["image_id"] = 51
    return {**one, "images": [*one["images"], *other["images"]], "annotations": [*one["annotations"], *other["annotations"]]}


@pytest.mark.parametrize("second", ["0001/1.jpg", "C:\\KoIn\\normal_cases\\train\\0001\\1.jpg"], ids=["same text", "another path"])
def test_one_photo_under_two_ids_of_coco(data: Dataset, tmp_path: Path, second: str) -> None:
    """Two videos or two annotators: nobody can say whose boxes hold, and both together would be two faces of one person."""
    (tmp_path / "x.json").write_text(json.dumps(twice("0001/1.jpg", second)))
    found = read_boxes(tmp_path / "x.json", data)
    assert found.boxes == {}
    assert [p.reason for p in found.problems] == [f"{TRAIN}/0001/1.jpg stands under 2 image ids (51, 7)"]


def test_one_photo_in_two_files_is_no_fault(data: Dataset, tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "d/x.json").write_text(json.dumps(coco("0001/1.jpg", label="0001")))
    (tmp_path / "d/y.json").write_text(json.dumps(coco("0001/1.jpg", (1, 2, 3, 4), label="0001")))
    found = read_boxes(tmp_path / "d", data)
    assert [box.box for box in found.boxes[f"{TRAIN}/0001/1.jpg"]] == [BOX, (1, 2, 3, 4)]
    assert found.problems == ()


# -------------------------------------------------------------------------------------- labels and encodings of other tools
@pytest.mark.parametrize(("label", "expected"), [(0, "0000"), (0.0, "0000"), (1, "0001"), ("0", "0000"), (True, None), (7, None)])
@pytest.mark.parametrize("kind", ["coco", "labelme"])
def test_labels_that_are_numbers_of_json(root: Path, tmp_path: Path, kind: str, label: object, expected: str | None) -> None:
    """``or ""`` once made the class 0 a face without a name."""
    dataset = scan(put(root, "group_cases/test/0000/g.png", "normal_cases/train/0001/1.png"))
    (tmp_path / "x.json").write_text(json.dumps(coco("g.png", label=label) if kind == "coco" else labelme("g.png", label=label)))
    found = read_boxes(tmp_path / "x.json", dataset)
    assert [box.label for boxes in found.boxes.values() for box in boxes] == ([expected] if expected else [])
    assert len(found.problems) == (expected is None)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp949"])
@pytest.mark.parametrize("kind", ["csv", "coco", "labelme", "voc", "voc that says euc-kr"])
def test_files_of_a_korean_windows(data: Dataset, tmp_path: Path, kind: str, encoding: str) -> None:
    image = f"{HANGUL}/1.jpg"
    texts = {
        "csv": ("x.csv", table(row(image, label=HANGUL))),
        "coco": ("x.json", json.dumps(coco(image, label=HANGUL), ensure_ascii=False)),
        "labelme": ("x.json", json.dumps(labelme(image, label=HANGUL), ensure_ascii=False)),
        "voc": ("x.xml", voc(image, label=HANGUL)),
        "voc that says euc-kr": ("x.xml", '<?xml version="1.0" encoding="euc-kr"?>\n' + voc(image, label=HANGUL)),
    }
    name, text = texts[kind]
    (tmp_path / name).write_bytes(text.encode(encoding))
    found = read_boxes(tmp_path / name, data)
    assert [(image, [box.label for box in boxes]) for image, boxes in found.boxes.items()] == [(f"{TRAIN}/{image}", [HANGUL])]
    assert found.problems == ()


def test_an_encoding_that_the_file_names_comes_before_a_guess(data: Dataset, tmp_path: Path) -> None:
    put(data.root, f"{TRAIN}/0002/ア.jpg")
    text = '<?xml version="1.0" encoding="shift_jis"?>' + voc("ア.jpg", label="0002")
    (tmp_path / "x.xml").write_bytes(text.encode("shift_jis"))
    assert list(read_boxes(tmp_path / "x.xml", scan(data.root)).boxes) == [f"{TRAIN}/0002/ア.jpg"]


@pytest.mark.parametrize("separator", [";", "\t", "|"])
def test_a_table_of_a_spreadsheet_that_writes_decimal_commas(data: Dataset, tmp_path: Path, separator: str) -> None:
    cells = [["image", "label", "x", "y", "width", "height"], ["only one.jpg", "0002", "10,5", "20", "30,25", "40"]]
    (tmp_path / "x.csv").write_text("sep=" + separator + "\n" + "\n".join(separator.join(line) for line in cells))
    found = read_boxes(tmp_path / "x.csv", data)
    assert [box.box for box in found.boxes[f"{TRAIN}/0002/only one.jpg"]] == [(10.5, 20, 30.25, 40)]


@pytest.mark.parametrize("corners", [(80, 100, 10, 20), (10, 100, 80, 20), (80, 20, 10, 100)])
def test_voc_corners_in_any_order(data: Dataset, tmp_path: Path, corners: tuple[int, ...]) -> None:
    sides = "".join(f"<{key}>{value}</{key}>" for key, value in zip(("xmin", "ymin", "xmax", "ymax"), corners, strict=True))
    found = f"<object><name>0002</name><bndbox>{sides}</bndbox></object>"
    (tmp_path / "x.xml").write_text(f"<annotation><filename>only one.jpg</filename>{found}</annotation>")
    assert [box.box for box in read_boxes(tmp_path / "x.xml", data).boxes[f"{TRAIN}/0002/only one.jpg"]] == [(10, 20, 70, 80)]
