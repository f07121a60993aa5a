"""The built-in faces: the layout, that nothing leaks, that a seed settles every byte."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from yolo_koin.dataset.koin import Dataset, scan
from yolo_koin.errors import DatasetError
from yolo_koin.faces.centerface import CenterFace
from yolo_koin.files import sha256
from yolo_koin.parallel import Step
from yolo_koin.specs import SampleSpec
from yolo_koin.splits import GROUP, Split
from yolo_koin.synthetic.att import MARKER, VERSION, build, find_photographs
from yolo_koin.synthetic.hardcases import KINDS
from yolo_koin.verbs.sample import sample


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    result = sample(SampleSpec(out=tmp_path_factory.mktemp("built") / "sample"))
    assert result.built
    assert result.usual_place == 0, "CenterFace finds all 400 faces"
    return result.root


@pytest.fixture(scope="module")
def dataset(root: Path) -> Dataset:
    return scan(root)


def test_every_split_has_its_photos(dataset: Dataset) -> None:
    counts = Counter(str(s.split) for s in dataset.samples)
    assert counts == {
        "normal_cases/train": 240,
        "normal_cases/test": 80,
        "hard_cases/train": 240,
        "hard_cases/test": 160,
        "group_cases/test": 80,
    }
    for split in counts:
        assert {s.label for s in dataset.of(Split.parse(split))} == {f"s{n:02d}" for n in range(1, 41)}
    assert dataset.names["s07"] == "Subject 07"
    assert dataset.unsupported == ()


def test_normal_photos_are_the_photographs(root: Path) -> None:
    for image, original in (("normal_cases/train/s03/6.png", "s3/6.pgm"), ("normal_cases/test/s40/8.png", "s40/8.pgm")):
        assert np.array_equal(np.asarray(Image.open(root / image)), np.asarray(Image.open(find_photographs() / original)))


def test_no_photograph_is_in_train_and_in_test(root: Path, dataset: Dataset) -> None:
    hard = pd.read_csv(root / "hardcases.csv").set_index("image")["source"]
    used: dict[str, set[str]] = {"train": set(), "test": set()}
    for s in dataset.samples:
        part = s.split.part
        if s.split.case == "normal_cases":
            used[part].add(f"ORL_faces/s{int(s.label[1:])}/{s.path.stem}.pgm")
        elif s.split.case == "hard_cases":
            used[part].add(hard[s.image])
    assert len(used["train"]) == 240
    assert len(used["test"]) == 160
    assert not used["train"] & used["test"]


def test_hard_cases_meet_every_kind_and_change_the_photograph(root: Path) -> None:
    table = pd.read_csv(root / "hardcases.csv")
    table["label"] = table["image"].str.split("/").str[2]
    train, test = (table[table["image"].str.startswith(f"hard_cases/{part}")] for part in ("train", "test"))
    assert train.groupby("label")["kind"].apply(set).map(lambda kinds: kinds == set(KINDS)).all()
    assert (test.groupby(["label", "source"])["kind"].nunique() == 2).all()
    assert set(table["severity"]) == {1, 2, 3, 4}
    assert set(test["kind"].value_counts()) == {32}
    for row in table.iloc[::37].itertuples():
        plain = np.asarray(Image.open(find_photographs() / str(row.source).removeprefix("ORL_faces/")).convert("RGB")).astype(int)
        assert (np.abs(plain - np.asarray(Image.open(root / str(row.image)).convert("RGB"))).max(axis=2) > 12).mean() > 0.02


def test_groups_keep_a_hard_photo_with_its_original(dataset: Dataset) -> None:
    train = [s for s in dataset.samples if s.split.is_train]
    assert set(dataset.groups) == {s.image for s in train}
    members = Counter(dataset.groups.values())
    assert set(members.values()) == {2}
    assert all(dataset.groups[s.image] == f"{s.label}/{s.path.stem.split('_')[0]}" for s in train)


def test_the_labelled_person_is_the_largest_of_two_to_four(root: Path, dataset: Dataset) -> None:
    boxes = pd.read_csv(root / "boxes.csv")
    assert set(boxes["image"]) == {s.image for s in dataset.of(GROUP)}
    for image, people in boxes.groupby("image"):
        assert 2 <= len(people) <= 4
        assert people["label"].is_unique
        areas = people["width"] * people["height"]
        assert people["label"].iloc[int(areas.to_numpy().argmax())] == str(image).split("/")[2]
        with Image.open(root / str(image)) as photo:
            assert (people["x"] >= 0).all()
            assert (people["y"] >= 0).all()
            assert (people["x"] + people["width"] <= photo.width).all()
            assert (people["y"] + people["height"] <= photo.height).all()


def overlap(one: Sequence[float], other: Sequence[float]) -> float:
    """Intersection over union of two boxes."""
    sides = [min(one[i] + one[i + 2], other[i] + other[i + 2]) - max(one[i], other[i]) for i in (0, 1)]
    shared = max(sides[0], 0.0) * max(sides[1], 0.0)
    return shared / (one[2] * one[3] + other[2] * other[3] - shared)


def test_the_boxes_are_where_a_detector_sees_the_faces(root: Path) -> None:
    detector = CenterFace()
    boxes = pd.read_csv(root / "boxes.csv")
    overlaps = []
    for image, people in list(boxes.groupby("image"))[::8]:
        found = [face.box for face in detector.detect(np.asarray(Image.open(root / str(image)).convert("RGB")))]
        for box in people[["x", "y", "width", "height"]].to_numpy().tolist():
            overlaps.append(max((overlap(box, other) for other in found), default=0.0))
    assert np.mean(overlaps) > 0.6
    assert np.mean(np.array(overlaps) > 0.3) > 0.9


def files(root: Path) -> Iterator[tuple[str, str]]:
    for path in sorted(p for p in root.rglob("*") if p.is_file()):
        yield path.relative_to(root).as_posix(), sha256(path)


def test_the_seed_settles_every_byte(root: Path, tmp_path: Path) -> None:
    """With a detector that finds nothing, so that the usual place is tried as well; the detector has its own tests."""
    steps: list[Step] = []
    counts = build(tmp_path / "one", lambda photo: None, 1, steps.append)
    build(tmp_path / "two", lambda photo: None, 1)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["one", "two"], "the temporary folders are gone"
    expected = [Step("building photos", i, 40) for i in range(1, 41)] + [Step("building scenes", i, 80) for i in range(1, 81)]
    assert steps == expected
    assert (counts["usual_place"], counts["hard_cases/test"]) == (400, 160)
    seed_0, seed_1 = dict(files(root)), dict(files(tmp_path / "one"))
    assert dict(files(tmp_path / "two")) == seed_1
    assert all(seed_0[name] == seed_1[name] for name in seed_0 if name.startswith("normal_cases"))
    assert sum(seed_0[name] != seed_1[name] for name in seed_0 if name.startswith("group_cases")) == 80


def test_second_call_does_nothing(root: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in root.rglob("*")}
    result = sample(SampleSpec(out=root))
    assert not result.built
    assert result.photos["hard_cases/train"] == 240
    assert {path: path.stat().st_mtime_ns for path in root.rglob("*")} == before


def test_what_is_not_ours_stays(tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "photo.txt").write_text("precious")
    with pytest.raises(DatasetError, match="another folder"):
        sample(SampleSpec(out=mine))
    with pytest.raises(DatasetError, match="a file is where"):
        sample(SampleSpec(out=mine / "photo.txt"))
    with pytest.raises(DatasetError, match="exists already"):
        build(mine, lambda photo: None)
    assert (mine / "photo.txt").read_text() == "precious"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"seed": 5}, "seed 5"),
        ({"version": 0}, "layout 0"),
        ({"photos": {"normal_cases/train": 241}}, "incomplete"),
        ({"photos": 3}, "another folder"),
    ],
)
def test_a_stand_in_that_is_not_the_one_asked_for(tmp_path: Path, change: dict[str, object], message: str) -> None:
    marker = {"version": VERSION, "seed": 0, "photos": {}} | change
    (tmp_path / MARKER).write_text(json.dumps(marker))
    with pytest.raises(DatasetError, match=message):
        sample(SampleSpec(out=tmp_path))


def test_a_failed_build_leaves_nothing(tmp_path: Path) -> None:
    def broken(photo: object) -> None:
        raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        build(tmp_path / "sample", broken)
    assert list(tmp_path.iterdir()) == []
