"""Layout C: the plain train/ [val/] test/ tree that ImageFolder and stock YOLO read; and what must not be taken for one."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.dataset.conftest import put, several
from yolo_koin.dataset.koin import Dataset, find_root, scan
from yolo_koin.dataset.layout import no_people
from yolo_koin.errors import DatasetError


def splits(dataset: Dataset) -> dict[str, int]:
    return {str(split): len(dataset.of(split)) for split in dataset.splits}


@pytest.mark.parametrize("val", ["val", "valid", "Validation"])
@pytest.mark.parametrize("wrapped", ["", "korea_influencer/"])
def test_a_plain_tree_is_the_normal_cases(root: Path, val: str, wrapped: str) -> None:
    put(root, *(image for part, count in (("Train", 3), (val, 1), ("test", 2)) for image in several(f"{wrapped}{part}", "ab", count)))
    put(root, *several(f"{wrapped}KI_tiny_5", "ab", 1))
    (root / "exclude.txt").write_text("test\\a\\1.png\n")
    dataset = scan(root)
    assert splits(dataset) == {"normal_cases/train": 6, "normal_cases/test": 3, "normal_cases/val": 2}
    assert dataset.excluded == ("test/a/1.png",)
    assert dataset.samples[0].image == "Train/a/0.png", "image ids are paths that can be opened"
    assert dataset.notes == ("KI_tiny_5: a folder that is no split (train, val, test), not used",)


@pytest.mark.parametrize("parts", [("train", "test"), ("train", "val")])
def test_two_splits_are_a_tree(root: Path, parts: tuple[str, str]) -> None:
    put(root, *(image for part in parts for image in several(part, "ab", 1)))
    assert len(splits(scan(root))) == 2


@pytest.mark.parametrize(
    "photos",
    [("train/a/1.png",), ("test/a/1.png", "val/a/1.png"), ("train/1.png", "test/1.png"), ("train/images/1.png", "test/images/1.png")],
    ids=["one split", "nothing to learn from", "no folder a person", "a dataset for detectors"],
)
def test_what_is_no_plain_tree(root: Path, photos: tuple[str, ...]) -> None:
    put(root, *photos)
    with pytest.raises(DatasetError, match="no normal_cases/ or hard_cases/ folder, and no train/ with a test/"):
        find_root(root)


def test_cases_come_before_a_plain_tree(root: Path) -> None:
    put(root, "normal_cases/train/a/1.png", "train/b/1.png", "test/b/1.png")
    dataset = scan(root)
    assert {s.label for s in dataset.samples} == {"a"}
    assert dataset.notes == ("test: a folder beside the cases, not used", "train: a folder beside the cases, not used")


def test_a_wrapped_dataset_is_found_beside_converted_ones(tmp_path: Path) -> None:
    put(tmp_path, "KoIn/normal_cases/train/a/1.png", *(f"koin-cls/{part}/a/1.png" for part in ("train", "test")))
    assert find_root(tmp_path) == tmp_path / "KoIn"


def test_a_converted_dataset_is_no_plain_tree_to_be_found(tmp_path: Path) -> None:
    put(tmp_path, *(f"{name}/{part}/a/1.png" for name in ("mine", "koin-cls") for part in ("train", "test")))
    (tmp_path / "koin-cls/manifest.json").write_text('{"kind": "classify"}')
    assert find_root(tmp_path) == tmp_path / "mine"


@pytest.mark.parametrize("case", ["normal_cases", "Hard_cases"])
def test_one_case_of_a_dataset_stays_that_case(root: Path, case: str) -> None:
    put(root, *(f"{case}/{part}/a/1.png" for part in ("train", "test")))
    assert set(splits(scan(root / case))) == {f"{case.lower()}/train", f"{case.lower()}/test"}


def test_a_validation_split_of_a_case_is_delivered(root: Path) -> None:
    put(root, *(f"normal_cases/{part}/a/1.png" for part in ("train", "val", "test")))
    assert splits(scan(root)) == {"normal_cases/train": 1, "normal_cases/test": 1, "normal_cases/val": 1}


def test_a_folder_of_people_is_sent_to_split(root: Path) -> None:
    put(root, *(f"{label}/{n}.png" for label in "ab" for n in range(2)))
    with pytest.raises(DatasetError, match=r"2 folders of photos: divide them with yolo_koin split"):
        scan(root)


def test_photos_that_lie_in_no_class_are_reported(root: Path) -> None:
    put(root, "normal_cases/train/a/1.png", "normal_cases/train/stray.png")
    assert scan(root).notes == ("normal_cases/train/stray.png: a photo outside of a class folder, not used",)


@pytest.mark.parametrize(
    ("label", "matches"),
    [
        *[
            (label, True)
            for label in ("_old", "train_old", "backup", "IU copy", "Untitled folder 2", "새 폴더", "#x", "images", "김민준 복사본")
        ],
        *[(label, False) for label in ("0000", "IU", "김민준", "ive_JWY", "Gold", "Oldman", "Valentina", "Testino", "kim.min", "007")],
    ],
)
def test_folders_that_are_called_like_no_person(label: str, matches: bool) -> None:
    assert [*no_people([label])] == [
        f"{label}: called like no person, and taken for one; to leave it out, write a line {label} into exclude.txt"
    ] * matches


def test_folders_that_hold_nobody_are_named_and_can_be_left_out(root: Path) -> None:
    """By every verb, as each of them opens the dataset so: backups, what a desktop hides, a case with a typing mistake."""
    put(root, *(f"normal_cases/{place}/1.png" for place in ("train/a", "train/b", "train/_old", "train/.trash", "train_old/a")))
    put(root, "hard_case/test/a/1.png", "backup/normal_cases/train/a/1.png")
    (root / "docs").mkdir()
    (root / "docs/paper.pdf").touch()
    said = [
        "backup: a folder beside the cases, not used",
        "hard_case: a folder beside the cases, not used; did you mean hard_cases?",
        "normal_cases/train/.trash: a hidden folder with photos, not used",
        "normal_cases/train_old: a folder that is no split (train, val, test), not used",
    ]
    dataset = scan(root)
    assert sorted(dataset.notes[1:]) == said
    assert dataset.notes[0] == "_old: called like no person, and taken for one; to leave it out, write a line _old into exclude.txt"
    (root / "exclude.txt").write_text("_old\n")
    dataset = scan(root)
    assert sorted(dataset.notes) == said
    assert {s.label for s in dataset.samples} == {"a", "b"}
