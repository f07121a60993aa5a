"""Faces of files: in order, in pixels of the upright full-size photo, and no photo looked at twice."""

from __future__ import annotations

import hashlib
import io
import threading
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from tests.conftest import att
from tests.faces.conftest import photo
from yolo_koin.dataset.images import RGB
from yolo_koin.faces import Face, Found
from yolo_koin.faces.cache import FaceCache
from yolo_koin.faces.centerface import CenterFace
from yolo_koin.faces.finder import find_faces
from yolo_koin.geometry import iou
from yolo_koin.parallel import Step

ORIENTATION = 0x0112
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}  # what a camera held that way stores: the inverse of what makes it upright


class Counting(CenterFace):
    """CenterFace that notes what it looks at."""

    def __init__(self, batch: int = 1) -> None:
        super().__init__()
        self.batch = batch
        self.batches: list[int] = []
        self.seen: list[tuple[int, int]] = []
        self.threads: set[int] = set()

    def detect_batch(self, photos: Sequence[RGB]) -> list[list[Face]]:
        self.batches.append(len(photos))
        self.seen += [pixels.shape[:2] for pixels in photos]
        self.threads.add(cv2.getNumThreads())
        return super().detect_batch(photos)


@pytest.fixture
def photos(tmp_path: Path) -> list[Path]:
    """Photographs of nine people."""
    paths = [tmp_path / f"{person}.png" for person in range(1, 10)]
    for person, path in enumerate(paths, 1):
        att(person, 1).save(path)
    return paths


def large(path: Path, size: tuple[int, int] = (1104, 1344)) -> Path:
    att(5, 1).convert("RGB").resize(size, Image.Resampling.BICUBIC).save(path)
    return path


def test_in_order_with_hash_and_size(photos: list[Path], detector: CenterFace) -> None:
    ticks: list[Step] = []
    found = list(find_faces(photos, detector, progress=ticks.append))
    assert found == [
        Found(tuple(detector.detect(photo(person))), 92, 112, hashlib.sha256(path.read_bytes()).hexdigest())
        for person, path in enumerate(photos, 1)
    ]
    assert ticks == [Step("looking for faces", done, 9) for done in range(1, 10)]
    assert list(find_faces([], detector)) == []


@pytest.mark.parametrize("batch", [1, 4, 20], ids=["one by one", "in batches", "all at once"])
def test_batches_change_nothing(photos: list[Path], detector: CenterFace, batch: int) -> None:
    counting = Counting(batch)
    photos[3].write_text("no photo")
    assert list(find_faces(photos, counting)) == list(find_faces(photos, detector))
    assert max(counting.batches) <= batch
    assert sum(counting.batches) == 8


@pytest.mark.parametrize(
    ("name", "size", "seen", "why"),
    [
        ("a.jpg", (1104, 1344), (672, 552), "half, since a quarter would be less than 640"),
        ("b.jpg", (3000, 4000), (1000, 750), "a quarter"),
        ("c.jpg", (600, 639), (639, 600), "none to spare"),
        ("d.png", (1104, 1344), (672, 552), "not decoded reduced, but reduced before it waits for its batch"),
    ],
)
def test_a_large_photo_is_seen_reduced_and_its_faces_are_in_its_own_pixels(
    tmp_path: Path, detector: CenterFace, name: str, size: tuple[int, int], seen: tuple[int, int], why: str
) -> None:
    path = large(tmp_path / name, size)
    counting = Counting()
    (found,) = find_faces([path], counting)
    assert counting.seen == [seen], why
    assert (found.width, found.height) == size
    with Image.open(path) as image:
        (whole,) = detector.detect(np.asarray(image.convert("RGB")))
    (face,) = found.faces
    assert iou(face.box, whole.box) > 0.85
    assert np.abs(face.points() - whole.points()).max() < 0.02 * size[1]


@pytest.mark.parametrize("orientation", sorted(TURNS))
def test_boxes_are_in_the_upright_photo(tmp_path: Path, detector: CenterFace, orientation: int) -> None:
    pixels = np.full((1400, 1700, 3), 90, np.uint8)
    pixels[100:1108, 700:1528] = cv2.resize(photo(5), (828, 1008), interpolation=cv2.INTER_CUBIC)
    upright, turned = tmp_path / "upright.jpg", tmp_path / "turned.jpg"
    Image.fromarray(pixels).save(upright, quality=95)
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    Image.fromarray(pixels).transpose(TURNS[orientation]).save(turned, quality=95, exif=exif)
    one, other = find_faces([upright, turned], detector)
    assert (other.width, other.height) == (one.width, one.height) == (1700, 1400)
    assert iou(one.faces[0].box, other.faces[0].box) > 0.95


def test_photos_of_every_kind_and_files_that_are_none(tmp_path: Path, detector: CenterFace) -> None:
    jpeg = io.BytesIO()
    large(tmp_path / "whole.jpg")
    att(5, 1).save(jpeg, "JPEG", quality=95)
    contents = {
        "empty.jpg": (b"", "empty file"),
        "text.png": (b"hello", "not an image"),
        "cut.jpg": ((tmp_path / "whole.jpg").read_bytes()[:9000], "truncated or damaged"),
        "png named.jpg": (b"", ""),
        "grey.jpg": (jpeg.getvalue(), ""),
        "16 bits.png": (b"", ""),
        "transparent.png": (b"", ""),
    }
    for name, (content, _) in contents.items():
        (tmp_path / name).write_bytes(content)
    att(5, 1).save(tmp_path / "png named.jpg", "PNG")
    Image.fromarray(np.asarray(att(5, 1)).astype(np.uint16) * 257).save(tmp_path / "16 bits.png")
    att(5, 1).convert("RGBA").save(tmp_path / "transparent.png")
    (tmp_path / "folder.jpg").mkdir()
    names = [*contents, "missing.jpg", "folder.jpg"]
    expected = [*(error for _, error in contents.values()), "cannot read (No such file or directory)", "a folder, not a photo"]
    found = list(find_faces([tmp_path / name for name in names], detector))
    assert [one.error for one in found] == expected
    (clean,) = detector.detect(photo(5))
    for one, error in zip(found, expected, strict=True):
        assert len(one.faces) == (0 if error else 1)
        assert (one.width, one.height) == ((0, 0) if error else (92, 112))
        assert all(iou(face.box, clean.box) > 0.9 for face in one.faces)
    assert [bool(one.sha256) for one in found] == [True] * len(contents) + [False, False]


def test_a_second_run_looks_at_nothing(photos: list[Path], tmp_path: Path) -> None:
    first, second, third = Counting(), Counting(), Counting()
    photos[2].write_text("no photo")
    with FaceCache(tmp_path / "faces.sqlite") as cache:
        found = list(find_faces(photos, first, cache))
    with FaceCache(tmp_path / "faces.sqlite") as cache:
        assert list(find_faces(photos, second, cache)) == found
        third.key = "another threshold"
        assert list(find_faces(photos, third, cache)) == found
    assert (len(first.seen), len(second.seen), len(third.seen)) == (8, 0, 8)


def test_a_changed_photo_is_looked_at_again(photos: list[Path], tmp_path: Path) -> None:
    counting = Counting()
    with FaceCache(tmp_path / "faces.sqlite") as cache:
        before = list(find_faces(photos[:2], counting, cache))
        photos[0].write_bytes(photos[8].read_bytes())
        after = list(find_faces(photos[:2], counting, cache))
    assert len(counting.seen) == 3
    assert after[1] == before[1]
    assert after[0] != before[0]


def test_an_interrupted_run_keeps_what_it_found(photos: list[Path], tmp_path: Path) -> None:
    class Interrupted(Counting):
        def detect_batch(self, photos: Sequence[RGB]) -> list[list[Face]]:
            if len(self.seen) == 4:
                raise KeyboardInterrupt
            return super().detect_batch(photos)

    path = tmp_path / "faces.sqlite"
    with FaceCache(path) as cache:
        with pytest.raises(KeyboardInterrupt):
            list(find_faces(photos, Interrupted(), cache, workers=1))
        with FaceCache(path) as other:  # before the first is closed
            counting = Counting()
            list(find_faces(photos, counting, other))
    assert len(counting.seen) == 5


def test_leaving_early_ends_the_threads_and_keeps_what_was_found(photos: list[Path], tmp_path: Path) -> None:
    before = threading.active_count()
    path = tmp_path / "faces.sqlite"
    counting = Counting()
    with FaceCache(path) as cache:
        with closing(find_faces(photos * 5, counting, cache, workers=2)) as found:
            next(found)
        assert threading.active_count() == before
        with FaceCache(path) as other:
            again = Counting()
            list(find_faces(photos[:1], again, other))
    assert again.seen == []


def test_opencv_has_one_thread_for_each_worker_meanwhile(photos: list[Path]) -> None:
    before = cv2.getNumThreads()
    counting = Counting()
    with closing(find_faces(photos, counting)) as found:
        next(found)
    assert counting.threads == {1}
    assert cv2.getNumThreads() == before
