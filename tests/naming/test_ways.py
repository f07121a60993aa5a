"""The three ways to name, each with small fakes below it; and where their pixels come from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageOps

from tests.naming.fakes import COLOURS, NAMES, ColourClassifier, ColourDetector, ColourIdentities, painted
from yolo_koin.dataset.images import PhotoError, load_square, prepare
from yolo_koin.dataset.koin import Sample
from yolo_koin.evaluation.face_predictions import NO_FACE
from yolo_koin.faces.finder import FaceFinder
from yolo_koin.models.protocol import Preparation
from yolo_koin.naming import Namer, Reader
from yolo_koin.naming.detector import Detected
from yolo_koin.naming.faces import EachFace
from yolo_koin.naming.protocol import table_of
from yolo_koin.naming.whole import WholePhoto

BLUE, GREEN, RED = NAMES
BOX = ["x", "y", "width", "height"]


def mirrored(sample: Sample, photo: Image.Image) -> Image.Image:
    return ImageOps.mirror(photo)


def all_red(sample: Sample, photo: Image.Image) -> Image.Image:
    return Image.new("RGB", photo.size, COLOURS[RED])


def whole(reader: Reader) -> Namer[Any]:
    return WholePhoto(ColourClassifier(), reader)


def whole_of_faces(reader: Reader) -> Namer[Any]:
    return WholePhoto(ColourClassifier(preparation=Preparation(fit="face", side=64)), reader, FaceFinder(ColourDetector()))


def faces(reader: Reader) -> Namer[Any]:
    return EachFace(ColourClassifier(), FaceFinder(ColourDetector()), reader)


def detector(reader: Reader) -> Namer[Any]:
    return Detected(ColourIdentities(), reader, doubtful=True)


WAYS = [whole, whole_of_faces, faces, detector]
Make = Callable[[Reader], Namer[Any]]


@pytest.mark.parametrize("way", WAYS)
def test_each_way_names_the_person_in_the_photo(tmp_path: Path, way: Make) -> None:
    asked = [painted(tmp_path / f"{i}.png", {name: (20, 10, 56, 56)}) for i, name in enumerate((RED, BLUE, GREEN, BLUE))]
    frame = table_of(way(Reader()), asked)
    assert frame["pred_1"].tolist() == [RED, BLUE, GREEN, BLUE]
    assert (frame["true_rank"] == 1).all()


@pytest.mark.parametrize("way", WAYS)
def test_bytes_in_memory_are_named_as_the_file_is(tmp_path: Path, way: Make) -> None:
    """As photos of an upload: there is no file."""
    sample = painted(tmp_path / "a.png", {GREEN: (20, 10, 56, 56)})
    content = sample.path.read_bytes()
    by_file = table_of(way(Reader()), [sample])
    sample.path.unlink()
    by_bytes = table_of(way(Reader(content={sample.image: content})), [sample])
    assert by_file["error"].tolist() == [""]
    assert by_file.equals(by_bytes)


@pytest.mark.parametrize("way", WAYS)
def test_a_transform_comes_between_reading_and_naming(tmp_path: Path, way: Make) -> None:
    sample = painted(tmp_path / "a.png", {BLUE: (20, 10, 56, 56)})
    before = sample.path.read_bytes()
    assert table_of(way(Reader(transform=all_red)), [sample])["pred_1"].tolist() == [RED]
    assert sample.path.read_bytes() == before


@pytest.mark.parametrize("way", WAYS)
def test_a_transform_is_told_which_photo_it_is(tmp_path: Path, way: Make) -> None:
    told: list[tuple[str, tuple[int, int]]] = []

    def note(sample: Sample, photo: Image.Image) -> Image.Image:
        told.append((sample.image, photo.size))
        return photo

    asked = [painted(tmp_path / f"{i}.png", {RED: (20, 10, 56, 56)}) for i in range(3)]
    table_of(way(Reader(transform=note)), asked)
    assert sorted(told) == [(s.image, (96, 80)) for s in asked]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("content", [b"", b"no photo"], ids=["empty", "no image"])
def test_what_cannot_be_read_is_an_error(tmp_path: Path, way: Make, content: bytes) -> None:
    good = painted(tmp_path / "good.png", {RED: (20, 10, 56, 56)})
    bad = Sample("bad.png", good.split, RED, tmp_path / "bad.png")
    bad.path.write_bytes(content)
    frame = table_of(way(Reader()), [bad, good])
    assert frame["image"].tolist() == ["bad.png", "good.png"]
    assert frame["error"].tolist() == ["not an image" if content else "empty file", ""]


# ------------------------------------------------------------------------------------------------------------ whole photos
@pytest.fixture
def prepared(tmp_path: Path) -> tuple[Sample, Path]:
    """A blue photo, whose prepared file is green: so it shows which of the two was looked at."""
    sample = painted(tmp_path / "a.png", {BLUE: (0, 0, 96, 80)})
    file = tmp_path / "prepared.jpg"
    Image.new("RGB", (64, 64), COLOURS[GREEN]).save(file)
    return sample, file


@pytest.mark.parametrize(
    ("transform", "seen"),
    [
        pytest.param(None, GREEN, id="the prepared file is taken"),
        pytest.param(mirrored, BLUE, id="but the photo itself where it is to be changed"),
    ],
)
def test_a_prepared_file(prepared: tuple[Sample, Path], transform: Any, seen: str) -> None:
    sample, file = prepared
    frame = table_of(whole(Reader(prepared={sample.image: file}, transform=transform)), [sample])
    assert frame["pred_1"].tolist() == [seen]


@pytest.mark.parametrize("transform", [None, mirrored])
def test_why_a_photo_could_not_be_prepared(prepared: tuple[Sample, Path], transform: Any) -> None:
    """It would not be readable now either, and is not tried."""
    sample, _ = prepared
    frame = table_of(whole(Reader(prepared={sample.image: "too large"}, transform=transform)), [sample])
    assert frame["error"].tolist() == ["too large"]


def test_a_prepared_file_that_is_gone_is_an_error(prepared: tuple[Sample, Path]) -> None:
    sample, file = prepared
    file.unlink()
    (error,) = table_of(whole(Reader(prepared={sample.image: file})), [sample])["error"]
    assert "No such file" in error


def test_a_photo_is_prepared_now_as_it_would_have_been_before(tmp_path: Path) -> None:
    sample = painted(tmp_path / "a.png", {BLUE: (3, 5, 50, 40), RED: (60, 5, 20, 40)})
    classifier = ColourClassifier()
    table_of(WholePhoto(classifier, Reader()), [sample])
    assert np.array_equal(classifier.shown[0], load_square(prepare(sample.path, "pad", 64).jpeg, 32))


def test_a_classifier_of_faces_is_shown_the_largest_face(tmp_path: Path) -> None:
    sample = painted(tmp_path / "a.png", {BLUE: (60, 20, 20, 20), GREEN: (4, 10, 44, 44)})
    classifier = ColourClassifier(preparation=Preparation(fit="face", side=64))
    frame = table_of(WholePhoto(classifier, Reader(), FaceFinder(ColourDetector())), [sample])
    assert frame["pred_1"].tolist() == [GREEN]
    assert (classifier.shown[0][16, 16] == load_square(prepare(sample.path, "face", 64, (4, 10, 44, 44)).jpeg, 32)[16, 16]).all()
    nobody = painted(tmp_path / "b.png", {})
    assert table_of(whole_of_faces(Reader()), [nobody])["error"].tolist() == [NO_FACE]


# ------------------------------------------------------------------------------------------------------------------ faces
@pytest.mark.parametrize("way", [faces, detector])
def test_every_face_is_boxed_and_named(tmp_path: Path, way: Make) -> None:
    asked = [
        painted(tmp_path / "two.png", {GREEN: (50, 10, 30, 30), BLUE: (6, 20, 30, 30)}),
        painted(tmp_path / "none.png", {}),
        painted(tmp_path / "one.png", {RED: (10, 10, 40, 40)}),
    ]
    frame = table_of(way(Reader()), asked)
    assert frame["image"].tolist() == ["two.png", "two.png", "none.png", "one.png"]
    assert frame["error"].tolist() == ["", "", NO_FACE, ""]
    found = frame[frame["error"] == ""]
    assert found["pred_1"].tolist() == [BLUE, GREEN, RED]
    wanted = [(6, 20, 30, 30), (50, 10, 30, 30), (10, 10, 40, 40)]
    assert np.abs(found[BOX].to_numpy(dtype=float) - wanted).max() <= (0 if way is faces else 3), "a detector sees 64 pixels of 96"


def test_a_changed_photo_is_searched_as_it_is_changed(tmp_path: Path) -> None:
    """And its faces are not kept: they are of no file."""
    sample = painted(tmp_path / "a.png", {BLUE: (6, 20, 30, 30)})
    looks = ColourDetector()
    with FaceFinder(looks, tmp_path / "faces.sqlite") as finder:
        plain = table_of(EachFace(ColourClassifier(), finder, Reader()), [sample])
        for _ in range(2):
            changed = table_of(EachFace(ColourClassifier(), finder, Reader(transform=mirrored)), [sample])
        again = table_of(EachFace(ColourClassifier(), finder, Reader()), [sample])
    assert changed[BOX].to_numpy().tolist() == [[96 - 6 - 30, 20, 30, 30]]
    assert plain[BOX].to_numpy().tolist() == again[BOX].to_numpy().tolist() == [[6, 20, 30, 30]]
    assert looks.looked == 1 + 2


def test_many_faces_are_shown_in_batches(tmp_path: Path) -> None:
    """90 faces in 30 photos: the classifier never gets all of them at once."""
    three = {BLUE: (2, 10, 24, 24), GREEN: (34, 10, 24, 24), RED: (66, 10, 24, 24)}
    asked = [painted(tmp_path / f"{i}.png", three) for i in range(30)]
    classifier = ColourClassifier()
    frame = table_of(EachFace(classifier, FaceFinder(ColourDetector()), Reader()), asked)
    assert frame["pred_1"].tolist() == [BLUE, GREEN, RED] * 30
    assert classifier.asked == [32, 32, 26]


@pytest.mark.parametrize("doubtful", [True, False])
def test_whether_doubtful_boxes_count_is_handed_on(tmp_path: Path, doubtful: bool) -> None:
    """Scoring wants them, a person who looks at photos does not."""
    model = ColourIdentities()
    table_of(Detected(model, Reader(), doubtful), [painted(tmp_path / "a.png", {RED: (10, 10, 40, 40)})])
    assert model.doubts == [doubtful]


# ----------------------------------------------------------------------------------------------------------- the reader
def test_the_reader_by_itself(tmp_path: Path) -> None:
    sample = painted(tmp_path / "a.png", {RED: (0, 0, 9, 9)})
    usual = Reader()
    assert (usual.prepared_file(sample), usual.photo(sample), usual.change(sample)) == (None, sample.path, None)
    full = Reader(prepared={"a.png": tmp_path / "p.jpg", "b.png": "damaged"}, content={"a.png": b"x"})
    assert (full.prepared_file(sample), full.photo(sample)) == (tmp_path / "p.jpg", b"x")
    with pytest.raises(PhotoError, match="damaged"):
        full.prepared_file(replace(sample, image="b.png"))
    change = Reader(transform=mirrored).change(sample)
    assert change is not None
    picture = Image.open(sample.path)
    assert change(picture).getpixel((95, 0)) == COLOURS[RED]
