"""The detection format: what is laid out, what is left out and why, what is done again, and that stock Ultralytics reads it."""

from __future__ import annotations

import itertools
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from tests.conftest import working_in
from tests.dataset.conftest import picture, put, several, tree
from yolo_koin.dataset import classify
from yolo_koin.dataset.boxes import DRAWN, LabelledBox, read_boxes
from yolo_koin.dataset.detect import TABLE, TRUTH, ConvertedBoxes, convert, prepare_whole, read_boxes_table, truth
from yolo_koin.dataset.detect_files import COLUMNS, Photo, faces_in, scaled, texts_of
from yolo_koin.dataset.images import PhotoError, open_photo
from yolo_koin.dataset.koin import Dataset, Sample, scan
from yolo_koin.dataset.state import Record
from yolo_koin.environment import prepare
from yolo_koin.errors import DatasetError, KoinError
from yolo_koin.files import sha256
from yolo_koin.manifests import MANIFEST
from yolo_koin.parallel import Step
from yolo_koin.runs import PreparedDataset
from yolo_koin.splits import GROUP, Split

LABELS = ("a", "b", "김민준")
TESTS = {"normal_cases/test", "hard_cases/test", "group_cases/test"}
FACE = (10.0, 8.0, 20.0, 30.0)


def face(label: str, box: tuple[float, ...] = FACE, provenance: str = "centerface") -> LabelledBox:
    x, y, width, height = box
    return LabelledBox(label, (x, y, width, height), None if provenance == DRAWN else 0.9, provenance)


def faces_of(dataset: Dataset) -> dict[str, Any]:
    """A face in each photo; in a group photo two more, one of them a stranger's."""
    found: dict[str, Any] = {}
    for number, s in enumerate(dataset.samples):
        found[s.image] = [face(s.label, (10 + number % 5, 8, 20, 30))]
        if s.split == GROUP:
            found[s.image] = [face(s.label, FACE, DRAWN), face("a", (30, 8, 14, 30), DRAWN), face("", (1, 2, 8, 9), DRAWN)]
    return found


@pytest.fixture
def raw(root: Path) -> Path:
    """Three people, both training sets, and all test splits."""
    put(root, *several("normal_cases/train", LABELS, 10), *several("hard_cases/train", LABELS, 4))
    return put(root, *itertools.chain.from_iterable(several(f"{case}_cases/test", LABELS, 2) for case in ("normal", "hard", "group")))


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "det"


def run(raw: Path, out: Path, found: Mapping[str, Any] | None = None, **options: Any) -> ConvertedBoxes:
    dataset = scan(raw)
    return convert(dataset, out, found=faces_of(dataset) if found is None else found, **({"side": 32} | options))


def files(out: Path, folder: str) -> set[str]:
    return {p.relative_to(out).as_posix() for p in (out / folder).rglob("*") if p.is_file()}


def names_of(out: Path) -> dict[int, str]:
    content = yaml.safe_load((out / "data.yaml").read_text(encoding="utf-8"))
    assert isinstance(content["names"], dict)
    return content["names"]


def read_labels(out: Path, file: str) -> list[tuple[str, list[float]]]:
    """Name and box, in pixels of the prepared photo, of each line of a label file."""
    names = names_of(out)
    with Image.open(out / file) as image:
        width, height = image.size
    found = []
    for line in (out / "labels" / file.removeprefix("images/")).with_suffix(".txt").read_text().splitlines():
        number, *shares = line.split()
        cx, cy, w, h = (float(share) for share in shares)
        found.append((names[int(number)], [(cx - w / 2) * width, (cy - h / 2) * height, w * width, h * height]))
    return found


def check_whole(raw: Path, out: Path, splits: set[str]) -> pd.DataFrame:
    """The table has every photo of these splits, is right about each, and agrees with the label files; nothing else lies there."""
    table, dataset = read_boxes_table(out), scan(raw)
    assert list(table.columns) == list(COLUMNS)
    assert set(table["image"]) == {s.image for s in dataset.samples if str(s.split) in splits}
    assert files(out, "images") == set(table["file"]) - {""}
    assert files(out, "labels") == {f"labels{file[6:-4]}.txt" for file in set(table["file"]) - {""}}
    assert not [p for p in out.rglob("*") if p.is_dir() and not any(p.iterdir())]
    assert not (out / ".incoming").exists()
    for image, rows in table.groupby("image"):
        first = rows.iloc[0]
        assert first["sha256"] == sha256(dataset.root / str(image))
        folder = first["split"].split("/")[1] if "normal" in first["split"] or "/test" not in first["split"] else first["split"]
        if first["file"]:
            assert first["file"].startswith(f"images/{folder}/")
            check_labels(out, rows)
        else:
            assert len(rows) == 1
            assert first["status"] not in {"", "ok"}
        boxless = rows[rows["status"] != "ok"]
        assert boxless[["x", "y", "width", "height", "score"]].isna().all(axis=None)
        assert (boxless["provenance"] == "").all()
    return table


def check_labels(out: Path, rows: pd.DataFrame) -> None:
    named = rows[(rows["status"] == "ok") & (rows["label"] != "")]
    lines = read_labels(out, rows["file"].iloc[0])
    assert [name for name, _ in lines] == list(named["label"])
    with Image.open(out / rows["file"].iloc[0]) as image:
        scale = np.array([image.width / rows["photo_width"].iloc[0], image.height / rows["photo_height"].iloc[0]] * 2)
    for (_, box), (_, row) in zip(lines, named.iterrows(), strict=True):
        assert np.abs(np.array(box) - row[["x", "y", "width", "height"]].to_numpy(float) * scale).max() < 0.5


NORMAL = TESTS | {"normal_cases/train"}


# --------------------------------------------------------------------------------------------------------------- layout
def test_layout(raw: Path, out: Path) -> None:
    result = run(raw, out, detector=out.parent / "yunet.onnx")
    table = check_whole(raw, out, NORMAL)
    assert result.counts == {"train": 27, "val": 3, "test": 6, "hard_cases/test": 6, "group_cases/test": 6}
    assert result.boxes == {"centerface": 42, DRAWN: 18}
    assert (result.prepared, result.left_out, result.clusters, result.no_validation, result.untrained) == (48, {}, 0, (), ())
    assert result.leaks == {"val": 0, "test": 0, "hard_cases/test": 0, "group_cases/test": 0}
    assert (out / "images/test/a/normal_0.jpg").is_file()
    assert (out / "labels/group_cases/test/a/group_0.txt").read_text().count("\n") == 2, "a stranger has no class"
    assert set(table["split"]) == NORMAL | {"normal_cases/val"}
    assert set(table["photo_width"]) == {45.0}
    assert table["score"].isna().sum() == 18
    made = PreparedDataset.read(out)
    assert made is not None
    assert (made.kind, made.train_on, made.side, made.seed, made.val, made.fit) == ("detect", "normal", 32, 0, 0.1, None)
    assert (made.detector, made.boxes, made.synthetic) == (out.parent / "yunet.onnx", None, ())
    assert made.provenance == result.boxes
    assert made.boxes_sha256 == sha256(out / TABLE)


def test_the_yaml_files(raw: Path, out: Path) -> None:
    run(raw, out)
    contents = {path.name: yaml.safe_load(path.read_text(encoding="utf-8")) for path in out.glob("*.yaml")}
    names = dict(enumerate(LABELS))
    both = {"train": "images/train", "val": "images/val", "names": names}
    assert contents == {
        "data.yaml": {**both, "test": "images/test"},
        "data-hard.yaml": {**both, "test": "images/hard_cases/test"},
        "data-group.yaml": {**both, "test": "images/group_cases/test"},
    }
    assert "김민준" in (out / "data.yaml").read_text(encoding="utf-8"), "a person can read it"


def test_splits_without_photos_are_not_named(root: Path, out: Path) -> None:
    run(put(root, *several("normal_cases/train", "ab", 3), *several("hard_cases/test", "ab", 1)), out, val=0.0)
    assert sorted(path.name for path in out.glob("*.yaml")) == ["data-hard.yaml", "data.yaml"]
    assert yaml.safe_load((out / "data.yaml").read_text()) == {"train": "images/train", "names": {0: "a", 1: "b"}}
    (root / "exclude.txt").write_text("\n".join(several("hard_cases/test", "ab", 1)))
    run(root, out, val=0.0)
    assert [path.name for path in out.glob("*.yaml")] == ["data.yaml"]


@pytest.mark.parametrize(
    ("train_on", "train", "val"),
    [("normal", 27, 3), ("hard", 9, 3), ("both", 39, 3)],
    ids=["normal", "hard", "both: 14 of a person, one is 10 %"],
)
def test_training_sets(raw: Path, out: Path, train_on: str, train: int, val: int) -> None:
    result = run(raw, out, train_on=train_on)
    assert (result.counts["train"], result.counts["val"]) == (train, val)
    table = check_whole(raw, out, TESTS | {f"{case}_cases/train" for case in ("normal", "hard") if train_on in {case, "both"}})
    learnt = table[table["file"].str.startswith(("images/train/", "images/val/"))]
    assert not learnt["split"].str.startswith("group").any()


def test_group_photos_are_for_testing_only(root: Path, out: Path) -> None:
    put(root, *several("normal_cases/train", "ab", 3), *several("group_cases/train", "ab", 3), *several("group_cases/test", "ab", 1))
    assert run(root, out).counts == {"train": 4, "val": 2, "group_cases/test": 2}
    assert not read_boxes_table(out)["image"].str.startswith("group_cases/train").any()


AWKWARD = ("0007", "yes", "null", "1e5", "~", "a b", "c: d", "images", "images_", "#x", "김민준", "1.5", "n01440764", "a.b", "[x]")


def test_labels_that_look_like_something_else(root: Path, out: Path) -> None:
    put(root, *several("normal_cases/train", AWKWARD, 2), *several("normal_cases/test", AWKWARD, 1))
    run(root, out)
    table = check_whole(root, out, NORMAL)
    assert names_of(out) == dict(enumerate(sorted(AWKWARD)))
    assert set(table["label"]) == set(AWKWARD)


def test_people_whom_the_network_cannot_learn_come_last(raw: Path, out: Path) -> None:
    put(raw, "normal_cases/test/A stranger/1.png", *several("normal_cases/train", ["Unboxed"], 3))
    dataset = scan(raw)
    found = {image: boxes for image, boxes in faces_of(dataset).items() if "Unboxed" not in image}
    found["group_cases/test/a/0.png"] = [face("B guest")]
    result = convert(dataset, out, found=found, side=32)
    assert result.untrained == ("A stranger", "B guest", "Unboxed")
    assert list(names_of(out).values()) == [*LABELS, *result.untrained]
    assert read_labels(out, "images/test/A stranger/normal_1.jpg")[0][0] == "A stranger"


# ------------------------------------------------------------------------------------------------------------- left out
def test_photos_that_are_left_out_say_why(raw: Path, out: Path) -> None:
    (raw / "normal_cases/test/a/0.png").write_text("text")
    picture(1, 400, 9).save(raw / "hard_cases/test/a/0.png")
    dataset = scan(raw)
    found = faces_of(dataset)
    train = [f"normal_cases/train/a/{i}.png" for i in range(6)]
    found[train[0]] = "no face found"
    found[train[1]] = []
    del found[train[2]]
    found[train[3]] = [face("a", (100, 100, 20, 20)), face("a", (10, 10, 0, 5))]
    found[train[4]] = [face("")]
    found[train[5]] = ""
    found["group_cases/test/a/0.png"] = [face(""), face("", (1, 1, 5, 5))]
    result = convert(dataset, out, found=found, side=32)
    expected = {
        train[0]: "no face found",
        train[1]: "no box",
        train[2]: "no box",
        train[3]: "box outside the photo (100, 100, 20, 20); box without area (10, 10, 0, 5)",
        train[4]: "nobody knows who this is",
        train[5]: "no box",
        "normal_cases/test/a/0.png": "not an image",
        "hard_cases/test/a/0.png": "too small or too thin (400 × 9 px)",
        "group_cases/test/a/0.png": "nobody knows who these 2 are",
    }
    assert result.left_out == expected
    table = check_whole(raw, out, NORMAL)
    out_of_it = table[table["file"] == ""]
    assert dict(zip(out_of_it["image"], out_of_it["status"], strict=True)) == expected
    assert sum(result.counts.values()) == 48 - len(expected)
    assert convert(dataset, out, found=found, side=32).prepared == 0, "what is known of them need not be found out again"


def test_a_box_that_cannot_be_used_takes_no_other_with_it(raw: Path, out: Path) -> None:
    dataset = scan(raw)
    photo = "group_cases/test/b/1.png"
    found = faces_of(dataset) | {photo: [face("b"), face("a", (44, 1, 40, 9)), face("a", (40, 40, 10, 10))]}
    assert convert(dataset, out, found=found, side=32).left_out == {}
    table = check_whole(raw, out, NORMAL)
    rows = table[table["image"] == photo]
    assert list(rows["status"]) == ["ok", "ok", "box outside the photo (44, 1, 40, 9)"]
    assert list(rows["label"]) == ["b", "a", "a"]
    assert rows[["x", "y", "width", "height"]].iloc[1].tolist() == [40, 40, 5, 8], "what lies in the photo"


def test_nothing_to_learn_from(raw: Path, out: Path) -> None:
    dataset = scan(raw)
    with pytest.raises(DatasetError, match="no training photo has a face with a name"):
        convert(dataset, out, found={}, side=32)
    with pytest.raises(DatasetError, match="no training photo has a face with a name"):
        convert(dataset, out, found={s.image: [face(s.label)] for s in dataset.tests}, side=32)


# ---------------------------------------------------------------------------------------------------------------- boxes
def test_a_photo_that_exif_turns(raw: Path, out: Path) -> None:
    """Boxes are laid on the upright photo: the red patch is where the label says."""
    upright = Image.new("RGB", (120, 200), (0, 90, 0))
    upright.paste((250, 0, 0), (20, 30, 60, 90))
    exif = Image.Exif()
    exif[274] = 6
    name = "normal_cases/train/a/turned.jpg"
    upright.transpose(Image.Transpose.ROTATE_90).save(raw / name, exif=exif, quality=95)
    dataset = scan(raw)
    convert(dataset, out, found=faces_of(dataset) | {name: [face("a", (20, 30, 40, 60))]}, side=100)
    row = read_boxes_table(out).set_index("image").loc[name]
    assert (row["photo_width"], row["photo_height"]) == (120, 200)
    ((_, box),) = read_labels(out, str(row["file"]))
    assert box == pytest.approx([10, 15, 20, 30], abs=0.01)
    with Image.open(out / row["file"]) as image:
        assert image.size == (60, 100)
        pixels = np.asarray(image).astype(int)
    red = pixels[..., 0] > pixels[..., 1]
    assert red[16:44, 11:29].all()
    red[14:46, 9:31] = False
    assert not red.any()


@settings(max_examples=300)
@given(
    size=st.tuples(st.integers(40, 6000), st.integers(40, 6000)),
    side=st.sampled_from([64, 320, 640, 1280]),
    share=st.tuples(*[st.floats(0, 0.8)] * 2, *[st.floats(0.05, 0.6)] * 2),  # some of them leave the photo
)
def test_from_a_box_to_a_label_line_and_back(size: tuple[int, int], side: int, share: tuple[float, float, float, float]) -> None:
    width, height = size
    box = (share[0] * width, share[1] * height, share[2] * width, share[3] * height)
    faces = faces_in([face("b", box)], width, height, side)
    prepared = scaled(width, height, side)
    assert max(prepared) == min(side, max(size))
    if min(prepared) < 10:
        assert faces.left_out.startswith("too small or too thin")
        return
    record = Record("x", 1, 1, "", width, height, "", "ok", "images/train/b/x.jpg")
    sample = Sample("x", Split("normal_cases", "train"), "b", Path("x"))
    texts = texts_of([Photo(sample, record, faces, "train", "normal_cases/train")], ["a", "b"])
    number, *shares = texts["labels/train/b/x.txt"].split()
    assert number == "1"
    cx, cy, w, h = (float(value) for value in shares)
    corners = np.array([cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2]) * [*prepared, *prepared]
    x, y, across, down = faces.boxes[0].box
    scale = np.array([prepared[0] / width, prepared[1] / height] * 2)
    assert np.abs(corners - np.array([x, y, x + across, y + down]) * scale).max() < 0.5
    assert min(cx - w / 2, cy - h / 2) >= -1e-6
    assert max(cx + w / 2, cy + h / 2) <= 1 + 1e-6


@pytest.mark.parametrize(
    ("size", "side", "expected"),
    [((4000, 3000), 640, (640, 480)), ((1080, 1080), 640, (640, 640)), ((500, 700), 640, (457, 640)), ((300, 200), 640, (300, 200))],
    ids=["large", "square", "a little too large", "smaller than asked"],
)
@pytest.mark.parametrize("ending", ["jpg", "png"])
def test_whole_photos_are_never_enlarged(tmp_path: Path, size: tuple[int, int], side: int, expected: tuple[int, int], ending: str) -> None:
    path = tmp_path / f"x.{ending}"
    picture(3, *size).save(path)
    photo = prepare_whole(path, side)
    image, upright = open_photo(photo.jpeg)
    assert (image.size, upright, (photo.width, photo.height)) == (expected, expected, size)
    error = np.abs(np.asarray(image, int) - np.asarray(picture(3, *size).resize(expected), int)).mean()
    assert error < 6, "the whole photo, in its place"


def test_a_large_photo_is_decoded_reduced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "x.jpg"
    picture(3, 4000, 3000).save(path)
    decoded = []

    def seen(*args: Any, **options: Any) -> Any:
        image, size = open_photo(*args, **options)
        decoded.append(image.size)
        return image, size

    monkeypatch.setattr("yolo_koin.dataset.detect.open_photo", seen)
    prepare_whole(path, 640)
    assert decoded == [(1000, 750)]
    with pytest.raises(PhotoError):
        prepare_whole(tmp_path, 640)


# --------------------------------------------------------------------------------------------------------------- carving
def split_of(table: pd.DataFrame, image: str) -> dict[str, str]:
    return dict(zip(table[image], table["split"], strict=True))


@pytest.mark.parametrize(
    "options", [{}, {"seed": 5}, {"val": 0.3}, {"train_on": "both", "seed": 2}], ids=["usual", "seed", "share", "both"]
)
def test_the_validation_photos_are_those_of_the_classifier(raw: Path, out: Path, tmp_path: Path, options: dict[str, Any]) -> None:
    """Whichever photos have boxes: the two models of one person then learn from the same photos."""
    for i in range(3):
        Image.open(raw / "normal_cases/train/a/0.png").save(raw / f"normal_cases/train/a/again {i}.png")
    for i, size in enumerate(((1080, 1350), (1080, 1080), (1200, 900), (700, 700))):
        picture(100 + i, *size).save(raw / f"normal_cases/train/b/large {i}.jpg", quality=70)
        picture(100 + i, *size).crop((9, 9, *size)).save(raw / f"normal_cases/train/b/near {i}.jpg", quality=50)
    dataset = scan(raw)
    classify.convert(dataset, tmp_path / "cls", **options)
    expected = split_of(classify.read_index(tmp_path / "cls"), "source")
    found = faces_of(dataset)
    for number, image in enumerate(found):
        if number % 3 == 0:
            found[image] = "no face found"
    result = convert(dataset, out, found=found, **options)
    assert split_of(read_boxes_table(out), "image") == expected
    assert result.clusters > 0


def test_classes_without_a_validation_face(raw: Path, out: Path) -> None:
    dataset = scan(raw)
    run(raw, out)
    validating = split_of(read_boxes_table(out), "image")
    found = {
        image: boxes for image, boxes in faces_of(dataset).items() if "/a/" not in image or validating.get(image) != "normal_cases/val"
    }
    result = convert(dataset, out, found=found, side=32)
    assert (result.no_validation, result.counts["val"]) == (("a",), 2)
    assert convert(dataset, out, found=found, side=32, val=0.0).no_validation == ()


def test_leaks_are_counted_among_the_photos_laid_out(raw: Path, out: Path) -> None:
    for name in ("leak", "unboxed"):
        Image.open(raw / "normal_cases/train/a/0.png").save(raw / f"normal_cases/test/a/{name}.png")
    dataset = scan(raw)
    found = faces_of(dataset) | {"normal_cases/test/a/unboxed.png": "no face found"}
    result = convert(dataset, out, found=found, side=32, val=0.0)
    assert result.leaks["test"] == 1
    assert result.duplicates is not None
    assert (result.duplicates, pd.read_csv(result.duplicates)["image"].tolist()) == (
        out / "near_duplicates.csv",
        ["normal_cases/test/a/leak.png"],
    )


# ----------------------------------------------------------------------------------------------------------------- again
def test_again_changes_nothing(raw: Path, out: Path) -> None:
    (raw / "normal_cases/train/a/empty.jpg").touch()
    first = run(raw, out, boxes=out.parent / "mine.csv")
    before = tree(out)
    assert run(raw, out, boxes=out.parent / "mine.csv") == replace(first, prepared=0)
    assert tree(out) == before, "not one byte, not one time"


def changed(before: dict[str, Any], out: Path) -> set[str]:
    after = tree(out)
    return {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)} - {".state.csv"}


LABEL, PHOTO = "labels/test/a/normal_0.txt", "images/test/a/normal_0.jpg"


@pytest.mark.parametrize(
    ("boxes", "files", "prepared"),
    [
        ([face("a", (1, 1, 20, 20))], {LABEL}, 0),
        ([face("a", provenance="yunet")], set(), 0),
        ("no face found", {LABEL, PHOTO}, 0),
    ],
    ids=["moved", "another detector", "taken away"],
)
def test_a_changed_box_concerns_one_photo(raw: Path, out: Path, boxes: Any, files: set[str], prepared: int) -> None:
    dataset = scan(raw)
    found = faces_of(dataset) | {"normal_cases/test/a/0.png": [face("a")]}
    convert(dataset, out, found=found, side=32)
    before = tree(out)
    result = convert(dataset, out, found=found | {"normal_cases/test/a/0.png": boxes}, side=32)
    assert changed(before, out) == files | {TABLE, MANIFEST}
    assert result.prepared == prepared
    check_whole(raw, out, NORMAL)
    back = convert(dataset, out, found=found, side=32)
    assert back.prepared == (PHOTO in files), "a photo that had no place was not kept"
    assert {n: d for n, (_, d) in tree(out).items()} == {n: d for n, (_, d) in before.items()}


@pytest.mark.parametrize(("name", "prepared"), [(LABEL, 0), (PHOTO, 1), ("data.yaml", 0), ("data-group.yaml", 0), (TABLE, 0)])
def test_a_deleted_file_comes_back(raw: Path, out: Path, name: str, prepared: int) -> None:
    run(raw, out)
    before = {n: d for n, (_, d) in tree(out).items()}
    (out / name).unlink()
    assert run(raw, out).prepared == prepared
    assert {n: d for n, (_, d) in tree(out).items()} == before


@pytest.mark.parametrize("options", [{"side": 40}, {"seed": 3}, {"train_on": "both"}, {"val": 0.3}], ids=str)
def test_other_settings_and_back(raw: Path, out: Path, options: dict[str, Any]) -> None:
    run(raw, out)
    before = {n: d for n, (_, d) in tree(out).items()}
    result = run(raw, out, **options)
    assert result.prepared == {"side": 48, "train_on": 12}.get(next(iter(options)), 0)
    check_whole(raw, out, NORMAL | ({"hard_cases/train"} if "train_on" in options else set()))
    run(raw, out)
    assert {n: d for n, (_, d) in tree(out).items()} == before


def test_a_person_taken_out_leaves_nothing_behind(raw: Path, out: Path) -> None:
    run(raw, out)
    (out / "labels/train/b.cache").write_text("Ultralytics': /b/")
    (out / "notes.txt").write_text("mine")
    dataset = scan(raw)
    (raw / "exclude.txt").write_text("b\n")
    run(raw, out, found=faces_of(dataset))
    assert not [p for p in out.rglob("*") if p.name == "b"]
    assert not [p for p in out.rglob("*") if p.is_file() and b"/b/" in p.read_bytes()]
    assert (out / "notes.txt").read_text() == "mine"


def test_the_users_photos_are_left_as_they_are(raw: Path, out: Path) -> None:
    (raw / "normal_cases/train/a/cut.jpg").write_bytes(b"\xff\xd8\xff\xe0 no end")
    before = tree(raw)
    run(raw, out, train_on="both")
    assert tree(raw) == before


# ----------------------------------------------------------------------------------------------------------- interrupted
def test_an_interrupted_conversion_goes_on(raw: Path, out: Path, tmp_path: Path) -> None:
    def stop(step: Step) -> None:
        if step.done == 20:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(raw, out, progress=stop)
    with pytest.raises(DatasetError, match="not a converted detection dataset"):
        read_boxes_table(out)
    assert run(raw, out).prepared == 28
    check_whole(raw, out, NORMAL)
    run(raw, tmp_path / "at once")
    contents = ({n: d for n, (_, d) in tree(folder).items()} for folder in (out, tmp_path / "at once"))
    assert next(contents) == next(contents)


@pytest.mark.parametrize("moment", ["settle", "note", "write_text"])
def test_killed_while_the_files_are_put_in_place(raw: Path, out: Path, tmp_path: Path, moment: str) -> None:
    code = f"""
import os, sys
from pathlib import Path
from tests.dataset.test_detect import run
from yolo_koin.dataset import detect
from yolo_koin.dataset.prepared import PreparedFolder
place = detect if {moment!r} == "write_text" else PreparedFolder
real, calls = getattr(place, {moment!r}), []
def killed(*args, **options):
    calls.append(real(*args, **options))
    if {moment!r} != "write_text" or len(calls) == 9:
        os.kill(os.getpid(), 9)
setattr(place, {moment!r}, killed)
run(Path(sys.argv[1]), Path(sys.argv[2]))
"""
    assert subprocess.run([sys.executable, "-c", code, str(raw), str(out)], check=False).returncode == -9
    with pytest.raises(DatasetError, match="not a converted detection dataset"):
        read_boxes_table(out)
    run(raw, out, seed=4)
    check_whole(raw, out, NORMAL)


# -------------------------------------------------------------------------------------------------------------- refused
def test_a_table_that_a_person_edited_is_not_written_over(raw: Path, out: Path, tmp_path: Path) -> None:
    run(raw, out)
    path, mine = out / TABLE, tmp_path / "mine.csv"
    path.write_text(
        path.read_text(encoding="utf-8").replace("normal_cases/test/a/0.png,a,", "normal_cases/test/a/0.png,b,"), encoding="utf-8"
    )
    before = tree(out)
    with pytest.raises(DatasetError, match=r"this table was edited: .*boxes\.csv\. Move it elsewhere and give it with --boxes"):
        run(raw, out, side=48)
    assert tree(out) == before
    path.rename(mine)
    drawn = read_boxes(mine, scan(raw))
    assert drawn.problems == ()
    run(raw, out, found=drawn.boxes)
    table = read_boxes_table(out)
    assert list(table.loc[table["image"] == "normal_cases/test/a/0.png", "label"]) == ["b"]


def test_a_converted_table_read_as_drawn_gives_itself(raw: Path, out: Path, tmp_path: Path) -> None:
    dataset = scan(raw)
    found = faces_of(dataset) | {"normal_cases/test/a/0.png": "no face found", "hard_cases/test/a/0.png": [face("a", (30, 30, 40, 40))]}
    convert(dataset, out, found=found, side=32)
    before = (out / TABLE).read_text(encoding="utf-8")
    (tmp_path / "mine.csv").write_text(before, encoding="utf-8")
    drawn = read_boxes(tmp_path / "mine.csv", dataset)
    assert drawn.problems == ()
    convert(dataset, out, found={**found, **drawn.boxes}, side=32)
    assert (out / TABLE).read_text(encoding="utf-8") == before


def test_folders_that_hold_something_else(raw: Path, out: Path, tmp_path: Path) -> None:
    classify.convert(scan(raw), tmp_path / "cls", side=32)
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis/boxes.csv").write_text("image\n")
    for folder in ("cls", "thesis"):
        before = tree(tmp_path / folder)
        with pytest.raises(DatasetError, match="holds something else"):
            run(raw, tmp_path / folder)
        assert tree(tmp_path / folder) == before
    with pytest.raises(DatasetError, match="may not lie in the raw one"):
        run(raw, raw / "det")


@pytest.mark.parametrize("name", [".state.csv", MANIFEST, TABLE])
@pytest.mark.parametrize("damage", [b"", b"a,b\n1,2\n", b'"', b"\xff\xfe\x00"], ids=["empty", "other columns", "cut off", "binary"])
def test_a_damaged_file_of_ours_is_one_line(raw: Path, out: Path, name: str, damage: bytes) -> None:
    run(raw, out)
    (out / name).write_bytes(damage)
    with pytest.raises(KoinError, match=rf": .*{name}\. (Remove|Run)") as caught:
        read_boxes_table(out) if name == TABLE else run(raw, out)
    assert "\n" not in str(caught.value)


def test_the_table_of_a_raw_dataset_is_another_one(raw: Path) -> None:
    (raw / TABLE).write_text("image,label,x,y,width,height\n")
    with pytest.raises(DatasetError, match="no column score"):
        read_boxes_table(raw)


def test_the_truth_of_the_test_splits(raw: Path, out: Path) -> None:
    (raw / "normal_cases/test/a/0.png").write_text("text")
    run(raw, out)
    true = truth(read_boxes_table(out))
    assert tuple(true.columns) == TRUTH
    assert Counter(true["split"]) == {"normal_cases/test": 5, "hard_cases/test": 6, "group_cases/test": 18}
    assert set(true["label"]) == {*LABELS, ""}
    assert true[["x", "y", "width", "height"]].notna().all(axis=None)
    assert set(true["provenance"]) == {"centerface", DRAWN}


# ---------------------------------------------------------------------------------------------------------------- stock
def stock(out: Path, name: str = "data.yaml", split: str = "") -> dict[str, Any]:
    prepare()  # before Ultralytics reads the environment
    from ultralytics.data.utils import check_det_dataset

    data: dict[str, Any] = check_det_dataset(name if not out.name else str(out / name), split=split)
    return data


def test_stock_ultralytics_reads_what_we_wrote(root: Path, out: Path, tmp_path: Path) -> None:
    """Every photo with the boxes of the table; from another working directory, and after the folder was moved."""
    put(root, *several("normal_cases/train", AWKWARD, 4), *several("normal_cases/test", AWKWARD, 1), *several("hard_cases/test", "김", 2))
    run(root, out, side=40)
    moved = tmp_path / "moved [1]"
    out.rename(moved)
    (tmp_path / "elsewhere").mkdir()
    with working_in(tmp_path / "elsewhere"):
        data = stock(Path("..") / moved.name)
        hard = stock(Path("..") / moved.name, "data-hard.yaml", "test")
    from ultralytics.data.dataset import YOLODataset

    names = {**dict(enumerate(sorted(AWKWARD))), len(AWKWARD): "김"}
    assert data["names"] == names
    table = read_boxes_table(moved)
    folders = {"train": data["train"], "val": data["val"], "test": data["test"], "hard_cases/test": hard["test"]}
    for folder, path in folders.items():
        dataset = YOLODataset(img_path=path, data=data, task="detect", imgsz=64, augment=False)
        rows = table[table["file"].str.startswith(f"images/{folder}/")].set_index("file")
        assert len(dataset.labels) == len(rows)
        for label in dataset.labels:
            row = rows.loc[Path(label["im_file"]).relative_to(moved.resolve()).as_posix()]
            assert [names[int(number)] for number in label["cls"].ravel()] == [row["label"]]
            x, y, width, height = row[["x", "y", "width", "height"]].to_numpy(float)
            expected = [(x + width / 2) / 45, (y + height / 2) / 48, width / 45, height / 48]
            assert label["bboxes"][0] == pytest.approx(expected, abs=1e-5)
    (moved / "labels").rename(moved / "gone")
    (moved / "gone").rename(moved / "labels")
    run(root, moved, side=40, seed=1)
    assert not list(moved.rglob("*.cache")), "they would tell of photos that are elsewhere now"


@pytest.mark.filterwarnings("ignore")
def test_stock_ultralytics_trains_on_it(root: Path, out: Path, tmp_path: Path) -> None:
    put(root, *several("normal_cases/train", "ab", 4), *several("normal_cases/test", "ab", 1))
    run(root, out, val=0.25)
    stock(out)
    from ultralytics import YOLO

    with working_in(tmp_path):
        model = YOLO("yolov8n.yaml")
        model.train(data=str(out / "data.yaml"), epochs=1, imgsz=64, batch=4, device="cpu", plots=False, project=str(tmp_path / "runs"))
        assert model.names == {0: "a", 1: "b"}
        scores = model.val(data=str(out / "data.yaml"), split="test", imgsz=64, plots=False, project=str(tmp_path / "runs"))
    assert scores.box.nc == 2


def test_a_folder_from_another_place(raw: Path, out: Path) -> None:
    """Another dataset in the same folder replaces the first."""
    run(raw, out)
    other = put(raw.parent / "Other", *several("normal_cases/train", "xy", 3))
    assert run(other, out).prepared == 6
    check_whole(other, out, NORMAL)
    made = PreparedDataset.read(out)
    assert made is not None
    assert made.data == other
    assert [path.name for path in out.glob("*.yaml")] == ["data.yaml"]
