"""A map lies where in the photo it is about, however the photo is fitted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from tests.naming.fakes import TEST, ColourClassifier
from yolo_koin.dataset.images import RGB
from yolo_koin.dataset.koin import Sample
from yolo_koin.faces import Face
from yolo_koin.faces.finder import FaceFinder
from yolo_koin.models.protocol import Preparation
from yolo_koin.naming import Reader
from yolo_koin.naming.explained import ExplainedPhoto
from yolo_koin.naming.protocol import Seen, table_of
from yolo_koin.naming.whole import WholePhoto
from yolo_koin.reporting.heat import Heat, heated

SPOT = (130, 90, 20, 20)  # of a photo of 240 × 160


@dataclass
class Bright(ColourClassifier):
    """Light speaks for any answer."""

    def maps(self, photos: NDArray[np.uint8], classes: NDArray[np.intp]) -> NDArray[np.float32]:
        assert len(classes) == len(photos)
        side = photos.shape[1] // 16
        found: NDArray[np.float32] = (
            (photos.mean(axis=3) > 128).reshape(len(photos), 16, side, 16, side).mean(axis=(2, 4)).astype(np.float32)
        )
        return found


class OneFace:
    """Finds the same face everywhere."""

    name, key, longest, batch = "one", "one", 4096, 1

    def detect(self, photo: NDArray[np.uint8]) -> list[Face]:
        return [Face((110.0, 60.0, 60.0, 70.0), 1.0)]

    def detect_batch(self, photos: Sequence[NDArray[np.uint8]]) -> list[list[Face]]:
        return [self.detect(photo) for photo in photos]


@pytest.mark.parametrize("fit", ["pad", "crop", "face"])
@pytest.mark.parametrize("size", [(240, 160), (160, 240)])
def test_a_map_lies_where_it_is_about(fit: str, size: tuple[int, int], tmp_path: Path) -> None:
    photo = Image.new("RGB", size, (40, 40, 40))
    x, y, width, height = SPOT if size[0] > size[1] else (120, 100, 20, 20)
    ImageDraw.Draw(photo).rectangle((x, y, x + width - 1, y + height - 1), fill=(255, 255, 255))
    photo.save(tmp_path / "photo.png")
    model = Bright(side=128, preparation=Preparation(fit=fit, side=128))
    finder = FaceFinder(OneFace())
    namer = ExplainedPhoto(WholePhoto(model, Reader(), finder), model, finder, lambda sample, found: found.faces[0].box)
    frame = table_of(namer, [Sample("photo", TEST, "red", tmp_path / "photo.png")])
    assert frame["error"].tolist() == [""]
    sight = namer.sights["photo"]
    assert (sight.width, sight.box) == (size[0], (110.0, 60.0, 60.0, 70.0))
    left, top, length = sight.square
    places = (np.arange(16) + 0.5) / 16 * length
    across, down = (sight.map.sum(axis=axis) @ places / sight.map.sum() for axis in (0, 1))
    assert (left + across, top + down) == pytest.approx((x + width / 2, y + height / 2), abs=length / 32)
    drawn = np.asarray(heated(Image.new("RGB", size), Heat(sight.map, sight.square, None)), dtype=float).mean(axis=2)
    assert drawn[y + height // 2, x + width // 2] == pytest.approx(drawn.max(), rel=0.1), "what is drawn lies there too"
    assert drawn[:, : x - 25].max(initial=0) < 5


class Doubting(WholePhoto):
    """Sees nothing in dark photos."""

    def look(self, items: Sequence[RGB]) -> Iterator[Seen]:
        for pixels, seen in zip(items, super().look(items), strict=True):
            yield seen if pixels.mean() > 60 else Seen(error="too dark")


def test_a_photo_without_an_answer_has_no_map_and_moves_no_other_s(tmp_path: Path) -> None:
    samples = []
    for name, grey in (("dark", 20), ("bright", 250), ("grey", 90)):
        Image.new("RGB", (64, 64), (grey, grey, grey)).save(tmp_path / f"{name}.png")
        samples.append(Sample(name, TEST, "red", tmp_path / f"{name}.png"))
    model, finder = Bright(side=128, preparation=Preparation(fit="pad", side=128)), FaceFinder(OneFace())
    namer = ExplainedPhoto(Doubting(model, Reader(), finder), model, finder, lambda sample, found: None)
    assert table_of(namer, samples)["error"].tolist() == ["too dark", "", ""]
    assert {image: float(sight.map.mean()) for image, sight in namer.sights.items()} == {"bright": 1, "grey": 0}
