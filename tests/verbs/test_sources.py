"""What SOURCE means: splits with typing mistakes, paths with brackets, several of them, and files that are no photos."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.conftest import working_in
from tests.dataset.conftest import put, several
from yolo_koin.dataset.koin import Dataset, scan
from yolo_koin.errors import DatasetError
from yolo_koin.verbs.sources import find_photos, look_up


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    root = tmp_path / "KoIn"
    put(root, *(image for split in ("normal_cases/train", "normal_cases/test", "hard_cases/test") for image in several(split, "ab", 2)))
    (root / "exclude.txt").write_text("normal_cases/train/b/1.png\n")
    return scan(root)


def images(sources: str | list[str], dataset: Dataset | None = None) -> list[str]:
    return [s.image for s in find_photos(sources, dataset)]


@pytest.mark.parametrize(
    ("source", "meant"),
    [
        ("hard/test", "hard_cases/test"),
        ("hard_case/test", "hard_cases/test"),
        ("Hard_cases/tests", "hard_cases/test"),
        ("hard_cases\\tset", "hard_cases/test"),
        ("hard", "hard_cases/test"),
        ("normal/train", "normal_cases/train"),
        ("normal_case/test", "normal_cases/test"),
    ],
)
def test_a_split_with_a_typing_mistake(dataset: Dataset, source: str, meant: str) -> None:
    with pytest.raises(DatasetError, match=rf"no photo found.*Did you mean {meant}\?"):
        find_photos(source, dataset)


@pytest.mark.parametrize("source", ["trip to Berlin", "/mnt/photos", "cases", "x/y"])
def test_what_resembles_no_split_is_not_taken_for_one(dataset: Dataset, source: str) -> None:
    with pytest.raises(DatasetError, match=r"no photo found.*Give a split such as"):
        find_photos(source, dataset)


def test_a_split_that_the_dataset_lacks(dataset: Dataset) -> None:
    with pytest.raises(DatasetError, match=r"this dataset has no group_cases/test.*It has normal_cases/train, normal"):
        find_photos("group_cases/test", dataset)


@pytest.mark.parametrize("source", ["hard_cases/test", "HARD_CASES/TEST/", ".\\hard_cases\\test", "hard_cases"])
def test_spellings_of_a_split(dataset: Dataset, source: str) -> None:
    assert len(images(source, dataset)) == 4


def test_several_sources(dataset: Dataset, tmp_path: Path) -> None:
    """The shell makes several of one glob; photos of one name in two folders stay two."""
    put(tmp_path / "trip", "a/1.jpg", "b/1.jpg")
    with working_in(tmp_path):
        found = find_photos(["hard_cases/test/a", "trip/a", "trip/b", "trip/b/1.jpg", "hard_cases/test"], dataset)
    assert [(str(s.split), s.image) for s in found] == [
        *(("hard_cases/test", f"hard_cases/test/{label}/{n}.png") for label in "ab" for n in range(2)),
        ("", "a/1.jpg"),
        ("", "b/1.jpg"),
    ]


def test_one_of_several_that_is_not_there_is_an_error(dataset: Dataset) -> None:
    with pytest.raises(DatasetError, match=r"no photo found.*: nowhere"):
        find_photos(["hard_cases/test", "nowhere"], dataset)


def test_brackets_of_what_is_there_are_no_glob(tmp_path: Path) -> None:
    put(tmp_path, "photos [2023]/a[1].jpg", "photos [2023]/b.jpg", "photos 2/c.jpg")
    with working_in(tmp_path):
        assert images("photos [2023]") == ["a[1].jpg", "b.jpg"]
        assert images("photos [2023]/a[1].jpg") == ["a[1].jpg"]
        assert images("photos [2023]/*.jpg") == ["a[1].jpg", "b.jpg"]
        assert images("photos [0-9]/*.jpg") == ["c.jpg"]
        assert images(str(tmp_path / "photos [2023]" / "b*")) == ["b.jpg"]


def test_a_glob_takes_photos_and_the_folders_that_it_matches(tmp_path: Path) -> None:
    put(tmp_path, "trip 1/a.jpg", "trip 2/deep/b.jpg", "trip 3.jpg")
    (tmp_path / "trip 4.mov").touch()
    with working_in(tmp_path):
        found = look_up(["trip*"], None)
    assert [s.image for s in found.samples] == ["trip 1/a.jpg", "trip 2/deep/b.jpg", "trip 3.jpg"]
    assert found.notes == ("trip*: 1 file not read as a photo, by its ending (.mov)",)


def test_photos_beside_the_dataset_are_not_lost_among_its_own(dataset: Dataset, tmp_path: Path) -> None:
    """Of a folder that holds both, only the dataset's photos used to come."""
    put(tmp_path, "me.jpg")
    found = look_up([str(tmp_path)], dataset)
    assert len(found.samples) == 11 + 1
    assert found.samples[-1].image == "me.jpg"
    assert found.notes == (f"{tmp_path}: 1 photo of the dataset left out, as excluded or in no split",)
    with pytest.raises(DatasetError, match="every photo there is excluded"):
        find_photos(str(dataset.root / "normal_cases/train/b/1.png"), dataset)


def test_photos_that_are_links_to_one_file_are_each_their_own(tmp_path: Path) -> None:
    put(tmp_path / "store", "1.jpg")
    root = tmp_path / "KoIn"
    for split in ("train", "test"):
        (root / f"normal_cases/{split}/a").mkdir(parents=True)
        (root / f"normal_cases/{split}/a/1.jpg").symlink_to(tmp_path / "store/1.jpg")
    assert images(str(root / "normal_cases"), scan(root)) == ["normal_cases/test/a/1.jpg", "normal_cases/train/a/1.jpg"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
@pytest.mark.parametrize("kind", ["pipe", "loop", "gone"])
def test_a_source_that_is_no_file(tmp_path: Path, dataset: Dataset, kind: str) -> None:
    path = tmp_path / "a.jpg"
    os.mkfifo(path) if kind == "pipe" else path.symlink_to(path if kind == "loop" else "/mnt/nowhere")
    for data in (dataset, None):
        with pytest.raises(DatasetError, match=r"cannot read \((a pipe|a broken link)"):
            find_photos(str(path), data)


def test_links_to_nowhere_in_a_folder_are_photos_that_cannot_be_read(tmp_path: Path, dataset: Dataset) -> None:
    put(tmp_path / "p", "1.jpg")
    (tmp_path / "p/2.jpg").symlink_to("2.jpg")
    for data in (dataset, None):
        assert images(str(tmp_path / "p"), data) == ["1.jpg", "2.jpg"]


def test_a_folder_without_photos_says_so(tmp_path: Path) -> None:
    (tmp_path / "a.mov").touch()
    with pytest.raises(DatasetError, match="no photo found"):
        find_photos(str(tmp_path), None)
