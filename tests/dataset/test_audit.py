"""The audit names everything that is wrong with a dataset, by split."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tests.dataset.conftest import picture, put, several, tree
from yolo_koin.dataset.audit import LAYOUT_A, LAYOUT_B, audit, recognise
from yolo_koin.dataset.koin import scan
from yolo_koin.parallel import Step


@pytest.fixture
def raw(root: Path) -> Path:
    put(root, *several("normal_cases/train", "ab", 3), *several("normal_cases/train", "c", 6), *several("normal_cases/test", "abx", 2))
    put(root, *several("Hard_cases/Test", "a", 1))
    (root / "normal_cases/train/b/0.png").write_bytes(b"")
    (root / "normal_cases/train/b/1.png").write_text("text")
    (root / "Hard_cases/Test/a/notes.txt").touch()
    (root / "normal_cases/test/c").mkdir()
    (root / "group_cases/test/a").mkdir(parents=True)
    (root / "exclude.txt").write_text("normal_cases/train/c/5.png\n")
    return root


def test_counts_and_faults_by_split(raw: Path) -> None:
    before = tree(raw)
    seen: list[Step] = []
    result = audit(scan(raw), workers=2, progress=seen.append)
    assert seen == [Step("reading photos", done, 18) for done in range(1, 19)]
    assert tree(raw) == before
    train, test, hard, group = result.splits
    assert [s.split for s in result.splits] == ["normal_cases/train", "normal_cases/test", "hard_cases/test", "group_cases/test"]
    assert (train.classes, train.images, train.smallest, train.median, train.largest) == (3, 11, 3, 3.0, 5)
    assert train.unreadable == {"normal_cases/train/b/0.png": "empty file", "normal_cases/train/b/1.png": "not an image"}
    assert (train.lacking, train.empty, train.unsupported) == (("x",), (), ())
    assert (test.classes, test.lacking, test.empty) == (3, ("c",), ("c",))
    assert (test.smallest, test.median, test.largest) == (2, 2.0, 2)
    assert (hard.classes, hard.images, hard.lacking) == (1, 1, ("b", "c", "x"))
    assert hard.unsupported == ("Hard_cases/Test/a/notes.txt",)
    assert (group.classes, group.images, group.smallest, group.median, group.largest, group.empty) == (0, 0, 0, 0.0, 0, ("a",))
    assert {s.stated for s in result.splits} == {None}
    assert (result.root, result.layout, result.only_in_test, result.excluded) == (str(raw), None, ("x",), 1)


def test_the_faulty_splits_are_told_apart(raw: Path) -> None:
    by_split = {s.split: s for s in audit(scan(raw)).splits}
    assert by_split["normal_cases/test"].unreadable == {}
    assert by_split["normal_cases/test"].unsupported == ()


A_FIFTH_LESS = {split: count * 4 // 5 for split, count in LAYOUT_B.items()}


@pytest.mark.parametrize(
    ("counts", "layout"),
    [
        (LAYOUT_A, "A"),
        (LAYOUT_B, "B"),
        (A_FIFTH_LESS, "B"),
        ({split: count * 4 // 5 for split, count in LAYOUT_A.items()}, None),
        ({**LAYOUT_A, "normal_cases/train": 5000}, "A"),
        ({"normal_cases/train": 5198, "normal_cases/test": 270}, "A"),
        ({"normal_cases/test": 270, "hard_cases/test": 255}, None),
        ({**LAYOUT_A, "hard_cases/test": 1000}, None),
        ({}, None),
    ],
    ids=[
        "A",
        "B",
        "B, whose counts are rounded",
        "A's are exact",
        "a few less",
        "no hard cases",
        "test splits only",
        "one far off",
        "none",
    ],
)
def test_published_layouts(counts: dict[str, int], layout: str | None) -> None:
    assert recognise(Counter(counts)) == layout


def test_published_counts_stand_beside_ours(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("yolo_koin.dataset.audit.LAYOUT_A", {"normal_cases/train": 6, "normal_cases/test": 2})
    put(root, *several("normal_cases/train", "ab", 3), *several("normal_cases/test", "ab", 1), *several("hard_cases/test", "ab", 1))
    result = audit(scan(root))
    assert result.layout == "A"
    assert [(s.split, s.stated) for s in result.splits] == [
        ("normal_cases/train", 6),
        ("normal_cases/test", 2),
        ("hard_cases/test", None),
    ]


# ----------------------------------------------------------------------------------------------------------------- in lines
def test_everything_is_said_in_a_line_each(raw: Path) -> None:
    (raw / "classes.csv").write_text("folder,name\nzz,nobody\n")
    put(raw, "normal_cases/train_old/a/1.png", *several("normal_cases/train", ["_old"], 1))
    result = audit(scan(raw))
    assert result.lines() == (
        "normal_cases/train/b/0.png: empty file",
        "normal_cases/train/b/1.png: not an image",
        "classes.csv: 'zz' is no class of this dataset: its row names nobody, and can go",
        "_old: called like no person, and taken for one; to leave it out, write a line _old into exclude.txt",
        "normal_cases/train_old: a folder that is no split (train, val, test), not used",
        "normal_cases/test/c: an empty class",
        "group_cases/test/a: an empty class",
        "normal_cases/train lacks 1 of the classes: x",
        "normal_cases/test lacks 2 of the classes: _old, c",
        "hard_cases/test lacks 4 of the classes: _old, b, c, x",
        "group_cases/test lacks 5 of the classes: _old, a, b, c, x",
        "x: only in a test split, so no model can learn it",
        "exclude.txt took 1 photo out",
    )


def test_many_missing_classes_are_summarised(root: Path) -> None:
    put(root, *several("normal_cases/train", [f"{n:04}" for n in range(40)], 1), *several("hard_cases/test", ["0000"], 1))
    (line,) = audit(scan(root)).lines()
    assert line == "hard_cases/test lacks 39 of the classes: 0001, 0002, 0003, 0004, 0005 and 34 more"


@pytest.mark.parametrize("place", ["normal_cases/train/b", "normal_cases/test/b", "hard_cases/test/b"])
@pytest.mark.parametrize("kind", ["copy", "recompressed"])
def test_one_photo_under_two_people(root: Path, place: str, kind: str) -> None:
    """One of the labels is wrong; in a test split it counts a right answer as a mistake."""
    put(root, *several("normal_cases/train", "abc", 3))
    other = root / place / "twin.jpg"
    other.parent.mkdir(parents=True, exist_ok=True)
    photo = picture(77, 450, 480)
    photo.save(root / "normal_cases/train/a/photo.png")
    photo.resize((225, 240)).save(other, quality=60) if kind == "recompressed" else photo.save(other, "PNG")
    result = audit(scan(root))
    assert {frozenset(pair) for pair in result.two_labels} == {frozenset({"normal_cases/train/a/photo.png", f"{place}/twin.jpg"})}
    assert "one photo under two people, so one label is wrong" in result.lines()[0]


def test_in_a_group_photo_two_people_are_as_it_should_be(root: Path) -> None:
    put(root, *several("normal_cases/train", "ab", 1))
    for label in "ab":
        (root / f"group_cases/test/{label}").mkdir(parents=True)
        picture(5).save(root / f"group_cases/test/{label}/both.png")
    assert audit(scan(root)).two_labels == ()


def test_photos_without_their_end_are_counted(root: Path) -> None:
    put(root, *several("normal_cases/train", "ab", 1))
    path = root / "normal_cases/train/a/cut.jpg"
    picture(9, 90, 96).save(path)
    path.write_bytes(path.read_bytes()[:-2])
    result = audit(scan(root))
    assert (result.splits[0].mended, result.splits[0].unreadable) == (("normal_cases/train/a/cut.jpg",), {})
    assert result.lines() == ("normal_cases/train: normal_cases/train/a/cut.jpg without an end marker, read all the same",)


def test_the_first_readmes_counts_are_called_so(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("yolo_koin.dataset.audit.LAYOUT_A", {"normal_cases/train": 2})
    put(root, *several("normal_cases/train", "ab", 1))
    line = audit(scan(root)).lines()[-1]
    assert "as the first README states them" in line
    assert "arXiv:2310.05192" in line


def test_files_that_are_no_photos_of_a_plain_tree(root: Path) -> None:
    put(root, *several("train", "ab", 1), *several("test", "ab", 1))
    (root / "test/a/notes.doc").touch()
    assert {s.split: s.unsupported for s in audit(scan(root)).splits} == {
        "normal_cases/train": (),
        "normal_cases/test": ("test/a/notes.doc",),
    }
