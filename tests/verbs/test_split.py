"""A folder of people without splits gets them: by links, by class, whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

import pandas as pd
import pytest
from PIL import Image

from tests.dataset.conftest import picture, put, tree
from yolo_koin.dataset.boxes import read_boxes
from yolo_koin.dataset.koin import scan
from yolo_koin.errors import DatasetError, RunError, UsageError
from yolo_koin.specs import SplitSpec
from yolo_koin.verbs.split import split


@pytest.fixture
def people(tmp_path: Path) -> Path:
    return put(tmp_path / "people", *(f"{label}/{n}.jpg" for label in ("0001", "이서연", "c") for n in range(10)))


def test_each_person_gives_a_share_and_the_tree_is_a_dataset(people: Path) -> None:
    before = tree(people)
    result = split(SplitSpec(source=people, destination=people.with_name("out")))
    assert tree(people) == before
    assert (result.counts, result.classes, result.copied, result.untested, result.notes) == ({"train": 24, "test": 6}, 3, 0, (), ())
    dataset = scan(result.root)
    assert {str(split): len(dataset.of(split)) for split in dataset.splits} == {"normal_cases/train": 24, "normal_cases/test": 6}
    assert dataset.notes == ()
    for sample in dataset.samples:
        original = people / sample.image.partition("/")[2]
        assert original.samefile(sample.path), "a link, which takes no room"
    table = pd.read_csv(result.root / "split.csv", dtype=str)
    assert list(table.columns) == ["image", "part", "source"]
    assert sorted(table["image"]) == [s.image for s in dataset.samples]


def test_the_seed_and_nothing_else_decides(people: Path, tmp_path: Path) -> None:
    found = []
    for number, seed in enumerate((0, 0, 1)):
        result = split(SplitSpec(source=people, destination=tmp_path / f"out{number}", seed=seed, workers=number + 1))
        found.append(sorted(p.relative_to(result.root).as_posix() for p in result.root.rglob("*.jpg")))
    assert found[0] == found[1] != found[2]


def test_near_duplicates_and_groups_stay_on_one_side(people: Path) -> None:
    """Test photos that were learnt in another crop are no test."""
    for n in range(3):
        with Image.open(people / "c/0.jpg") as image:
            image.convert("RGB").resize((90, 96)).save(people / f"c/copy{n}.jpg")
    (people / "groups.csv").write_text("image;group\n" + "".join(f"0001\\{n}.jpg;post\n" for n in range(4)))
    (people / "classes.csv").write_text("folder,name\n1,IU\n")
    for seed in range(4):
        out = people.with_name(f"out{seed}")
        result = split(SplitSpec(source=people, destination=out, seed=seed))
        assert result.clusters == 2
        for names in ([f"0001/{n}.jpg" for n in range(4)], ["c/0.jpg", *(f"c/copy{n}.jpg" for n in range(3))]):
            assert len({(out / "train" / name).exists() for name in names}) == 1
        dataset = scan(out)
        assert (len(dataset.groups), dataset.names["0001"], dataset.notes) == (4, "IU", ())


def test_where_links_are_refused_photos_are_copied(people: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", refuse)
    result = split(SplitSpec(source=people, destination=people.with_name("out")))
    assert result.copied == 30
    assert len(list(people.rglob("*.jpg"))) == 30, "never moved"


@pytest.mark.parametrize("there", [None, "empty"])
def test_whole_or_not_at_all(people: Path, monkeypatch: pytest.MonkeyPatch, there: str | None) -> None:
    destination = people.with_name("out")
    if there:
        destination.mkdir()

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("yolo_koin.verbs.split.write_csv", full)
    before = tree(people)
    with pytest.raises(RunError, match="No space left"):
        split(SplitSpec(source=people, destination=destination))
    assert tree(people) == before
    assert destination.exists() is bool(there)
    assert sorted(p.name for p in people.parent.iterdir()) == (["out"] if there else []) + ["people"]


@pytest.mark.parametrize(
    ("place", "message"),
    [
        (".", "may not lie in the source"),
        ("inside", "may not lie in the source"),
        ("0001/deep/er", "may not lie in the source"),
        ("..", "may not lie in the source, nor around it"),
        ("../full", "something is there already"),
        ("../file", "something is there already"),
        ("../gone", "something is there already"),
    ],
)
def test_places_that_are_refused(people: Path, place: str, message: str) -> None:
    put(people.with_name("full"), "mine.jpg")
    people.with_name("file").touch()
    people.with_name("gone").symlink_to("/mnt/nowhere")
    before = tree(people.parent)
    with pytest.raises(DatasetError, match=message):
        split(SplitSpec(source=people, destination=people / place))
    assert tree(people.parent) == before


def test_a_dataset_with_splits_and_a_folder_without_people_are_refused(tmp_path: Path, people: Path) -> None:
    for name, photos, message in (
        ("cases", ("normal_cases/train/a/1.png",), "has splits already"),
        ("plain", ("train/a/1.png", "test/a/1.png"), "has splits already"),
        ("one", ("a/1.png", "a/2.png"), "fewer than two people"),
        ("none", ("1.png",), "fewer than two people"),
    ):
        with pytest.raises(DatasetError, match=message):
            split(SplitSpec(source=put(tmp_path / name, *photos), destination=tmp_path / "out"))
    with pytest.raises(DatasetError, match="no such folder"):
        split(SplitSpec(source=tmp_path / "gone", destination=tmp_path / "out"))
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("how", [{"test": 0.0}, {"test": 1.0}, {"test": float("nan")}, {"seed": -1}])
def test_shares_and_seeds_that_make_no_sense(people: Path, how: dict[str, float]) -> None:
    with pytest.raises(UsageError):
        SplitSpec(source=people, destination=people, **how)  # type: ignore[arg-type]


def test_what_is_left_out_is_reported(people: Path, tmp_path: Path) -> None:
    (people / "0001/bad.jpg").write_bytes(b"no photo")
    (people / "0001/gone.jpg").symlink_to("/mnt/nowhere/1.jpg")
    (people / "0001/a.mov").touch()
    put(people, "c/2019/1.jpg", ".hidden/1.jpg", "@eaDir/1.jpg")
    picture(1).save(people / "c/two.png")
    picture(1).save(people / "이서연/two.png")
    (people / "exclude.txt").write_text("0001/9.jpg\nnobody\n")
    result = split(SplitSpec(source=people, destination=tmp_path / "out"))
    assert sum(result.counts.values()) == 31
    assert not list(result.root.rglob("0001/9.jpg"))
    said = "\n".join(result.notes)
    for part in (
        "exclude.txt: 'nobody' is no image id",
        "c/2019: a folder with 1 photo, not used",
        "1 file not read as a photo, by its ending (.mov)",
        "0001/bad.jpg: left out, not an image",
        "0001/gone.jpg: left out, cannot read (No such file or directory)",
        "c/two.png and 이서연/two.png: one photo under two people",
    ):
        assert part in said
    assert "exclude.txt took 1 photo out; it is not in the new folder, nor is exclude.txt: copy it there before you add photos" in said
    assert len(result.notes) == 7


def test_what_lies_beside_the_source_holds_in_the_new_folder(people: Path, tmp_path: Path) -> None:
    """Ids have another beginning there. Whom exclude.txt names must not train after all, so their photos are not even there."""
    put(people, "_old/1.jpg", "_old/2.jpg")
    (people / "exclude.txt").write_text("c\n0001/3.jpg\n")
    (people / "Boxes.csv").write_text("image,label,x,y,width,height\n0001/4.jpg,,1,2,30,40\n")
    (people / "synthetic.txt").write_text("normal_cases\n")
    result = split(SplitSpec(source=people, destination=tmp_path / "out"))
    assert result.notes == (
        "_old: called like no person, and taken for one; to leave it out, write a line _old into exclude.txt",
        "exclude.txt took 11 photos out; they are not in the new folder, nor is exclude.txt: copy it there before you add photos",
    )
    dataset = scan(result.root)
    assert {s.label for s in dataset.samples} == {"0001", "이서연", "_old"}
    assert not list(result.root.rglob("0001/3.jpg"))
    assert len(dataset.synthetic) == 2
    (drawn,) = dataset.boxes
    ((image, boxes),) = read_boxes(drawn, dataset).boxes.items()
    assert image in {f"{part}/0001/4.jpg" for part in ("train", "test")}
    assert boxes[0].label == "0001"


def test_a_person_whose_photos_are_all_alike_has_no_test_photo(people: Path, tmp_path: Path) -> None:
    for n in range(3):
        path = people / f"same/{n}.png"
        path.parent.mkdir(exist_ok=True)
        picture(5).save(path)
    assert split(SplitSpec(source=people, destination=tmp_path / "out")).untested == ("same",)


def test_photos_that_are_links_are_linked_themselves(people: Path, tmp_path: Path) -> None:
    (people / "c/linked.png").symlink_to(put(tmp_path / "store", "x.png") / "x.png")
    result = split(SplitSpec(source=people, destination=tmp_path / "deep/er/out"))
    (found,) = result.root.rglob("linked.png")
    assert not found.is_symlink()
    assert found.samefile(tmp_path / "store/x.png")
