"""Large photos, in formats that are decoded in different ways: one face box for all, and one look at each photo for all verbs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.conftest import att, working_in
from tests.naming.fakes import ColourClassifier
from yolo_koin import convert, scan
from yolo_koin.dataset.classify import read_index
from yolo_koin.dataset.images import RGB, face_square, load_square
from yolo_koin.faces import Face
from yolo_koin.faces.centerface import CenterFace
from yolo_koin.faces.finder import FaceFinder
from yolo_koin.geometry import iou
from yolo_koin.models.protocol import Preparation
from yolo_koin.naming import Reader
from yolo_koin.naming.faces import EachFace
from yolo_koin.naming.protocol import table_of
from yolo_koin.naming.whole import WholePhoto
from yolo_koin.workspace import Workspace

SIZE, PLACE, HEAD = (1700, 1400), (700, 100), (828, 1008)  # px: the photo, and an AT&T photograph in it
FORMATS = {"png": {}, "jpg": {"quality": 95}, "webp": {"quality": 95}}


class Blind(CenterFace):
    """CenterFace that must not be asked: whatever it would find is known already."""

    def detect_batch(self, photos: Sequence[RGB]) -> list[list[Face]]:
        assert not photos, "this photo was looked at before"
        return []


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A project whose two people have large photos, the test photos of one in each format; converted with ``--fit face``."""
    home = tmp_path_factory.mktemp("large")
    for number, person in ((5, "s05"), (1, "s01")):
        stage = Image.new("RGB", SIZE, (90, 90, 90))
        stage.paste(att(number, 1).convert("RGB").resize(HEAD, Image.Resampling.BICUBIC), PLACE)
        small = stage.resize((425, 350))
        for part, photo in (("train", small), ("test", stage)):
            folder = home / "data/KoIn/normal_cases" / part / person
            folder.mkdir(parents=True)
            for ending, options in FORMATS.items() if part == "test" and person == "s05" else (("png", {}),):
                photo.save(folder / f"a{len(ending)}{ending}.{ending}", **options)  # type: ignore[arg-type]
    with working_in(home):
        assert convert(fit="face", side=96, val=0).unusable == {}
        yield home


def test_the_conversion_and_naming_cut_out_the_same_face(place: Path) -> None:
    """The detector looks at each file once, for the conversion; naming takes what it found, also where a whole photo is named."""
    dataset = scan(Path("data/KoIn"))
    tests = [s for s in dataset.tests if s.label == "s05"]
    assert sorted(s.path.suffix for s in tests) == [".jpg", ".png", ".webp"]
    root = Path("data/koin-cls-face-96px-val0")
    index = read_index(root)
    files = dict(zip(index["source"], index["image"], strict=True))
    wanted = Preparation(fit="face", side=96)
    by_face, by_whole = (ColourClassifier(side=96, preparation=wanted) for _ in range(2))
    with FaceFinder(Blind(), Workspace().faces) as finder:
        frame = table_of(EachFace(by_face, finder, Reader()), tests)
        table_of(WholePhoto(by_whole, Reader(), finder), tests)
        boxes = [finder.dominant(s.path) for s in tests]
    assert frame["error"].tolist() == ["", "", ""]
    assert frame["image"].tolist() == [s.image for s in tests]
    assert np.allclose(frame[["x", "y", "width", "height"]].to_numpy(dtype=float), np.array(boxes), atol=0.01)
    for sample, box, cut, shown in zip(tests, boxes, by_face.shown, by_whole.shown, strict=True):
        assert box is not None
        prepared = load_square(root / files[sample.image], 96)
        assert np.array_equal(shown, prepared), "the same bytes"
        assert np.abs(cut.astype(int) - prepared).mean() < 2, "the same cut, of a photo that may be decoded smaller"
        with Image.open(sample.path) as picture:
            left, top, side = face_square(box)
            ours = picture.convert("RGB").crop((round(left), round(top), round(left + side), round(top + side))).resize((96, 96))
        inside = np.abs(np.asarray(ours).astype(int) - prepared)[10:86, 10:86]
        assert inside.mean() < 4


def test_the_format_moves_no_box(place: Path) -> None:
    with FaceFinder(Blind(), Workspace().faces) as finder:
        boxes = {s.path.suffix: finder.dominant(s.path) for s in scan(Path("data/KoIn")).tests if s.label == "s05"}
    png = boxes.pop(".png")
    assert png is not None
    for ending, box in boxes.items():
        assert box is not None
        assert iou(png, box) > 0.9, ending  # reduced in two ways, so not to the pixel
    x, _, width, height = png
    assert PLACE[0] < x < x + width < PLACE[0] + HEAD[0], "in pixels of the whole photo"
    assert height > HEAD[1] / 2
