"""The audit names everything that is wrong with a dataset, by split."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tests.dataset.conftest import put, several, tree
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
    assert (train.missing, train.empty, train.unsupported) == (("x",), (), ())
    assert (test.classes, test.missing, test.empty) == (3, ("c",), ("c",))
    assert (test.smallest, test.median, test.largest) == (2, 2.0, 2)
    assert (hard.classes, hard.images, hard.missing) == (1, 1, ("b", "c", "x"))
    assert hard.unsupported == ("Hard_cases/Test/a/notes.txt",)
    assert (group.classes, group.images, group.smallest, group.median, group.largest, group.empty) == (0, 0, 0, 0.0, 0, ("a",))
    assert {s.published for s in result.splits} == {None}
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
    assert [(s.split, s.published) for s in result.splits] == [
        ("normal_cases/train", 6),
        ("normal_cases/test", 2),
        ("hard_cases/test", None),
    ]
