"""Copies are found whatever was done to them, and photographs of one person in one pose are none."""

from __future__ import annotations

import io
from collections.abc import Callable

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageEnhance, ImageOps

from tests.conftest import att
from yolo_koin.dataset import copies
from yolo_koin.dataset.copies import SAME, likeness, near_pairs
from yolo_koin.dataset.looks import THUMBNAIL

Change = Callable[[Image.Image], Image.Image]


def thumbnail(image: Image.Image) -> NDArray[np.uint8]:
    grey = np.asarray(image.convert("L"))
    return np.asarray(cv2.resize(grey, (THUMBNAIL, THUMBNAIL), interpolation=cv2.INTER_AREA), dtype=np.uint8)


def compressed(image: Image.Image) -> Image.Image:
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=60)
    return Image.open(stream)


CHANGES: dict[str, tuple[Change, bool]] = {
    "recompressed": (compressed, False),
    "enlarged": (lambda image: compressed(image.resize((200, 240))), False),
    "brightened": (lambda image: ImageEnhance.Brightness(image).enhance(1.25), False),
    "cut": (lambda image: image.crop((4, 0, 92, 107)), False),
    "mirrored": (lambda image: compressed(ImageOps.mirror(image)), True),
    "mirrored and cut": (lambda image: ImageOps.mirror(image).crop((2, 3, 90, 109)), True),
}


@pytest.fixture(scope="module")
def photos() -> list[Image.Image]:
    """Six photographs each of eight people, one after the other."""
    return [att(person, photo).convert("RGB") for person in range(20, 28) for photo in range(1, 7)]


@pytest.mark.parametrize("change", CHANGES)
def test_a_copy_is_found_among_photographs_of_the_same_people(photos: list[Image.Image], change: str) -> None:
    make, mirrored = CHANGES[change]
    sources = range(0, len(photos), 7)
    every = [*photos, *(make(photos[i]) for i in sources)]
    found = near_pairs(np.stack([thumbnail(photo) for photo in every]))
    assert [(pair.one, pair.other, pair.mirrored) for pair in found] == [(i, len(photos) + n, mirrored) for n, i in enumerate(sources)]
    assert all(SAME <= pair.score <= 1 + 1e-6 for pair in found)


def test_photographs_in_one_pose_are_no_copies(photos: list[Image.Image]) -> None:
    assert likeness(thumbnail(photos[0]), thumbnail(photos[1])) < SAME
    assert near_pairs(np.stack([thumbnail(photo) for photo in photos])) == []


def test_which_photo_comes_first_makes_no_difference(photos: list[Image.Image]) -> None:
    one, other = thumbnail(photos[3]), thumbnail(CHANGES["cut"][0](photos[3]))
    assert likeness(one, other) == pytest.approx(likeness(other, one), abs=0.01)


def test_photos_without_structure_are_compared_with_nothing(photos: list[Image.Image]) -> None:
    grey = [np.full((THUMBNAIL, THUMBNAIL), value, np.uint8) for value in (0, 0, 128, 255)]
    assert near_pairs(np.stack([*grey, thumbnail(photos[0])])) == []
    assert near_pairs(np.zeros((0, THUMBNAIL, THUMBNAIL), np.uint8)) == []


def test_many_alike_cost_a_bounded_number_of_comparisons(photos: list[Image.Image]) -> None:
    """And each is still a copy of some other."""
    noise = np.random.default_rng(0).integers(-2, 3, (300, THUMBNAIL, THUMBNAIL))
    same = np.clip(thumbnail(photos[0]) + noise, 0, 255).astype(np.uint8)
    candidates = list(copies._candidates(same, lambda _: None))
    assert len(candidates) <= 2 * copies.MOST * len(same)
    assert {i for pair in near_pairs(same) for i in (pair.one, pair.other)} == set(range(len(same)))


@pytest.mark.parametrize("cut", [0.0, copies.CUT], ids=["whole", "cut"])
def test_coarse_structure_is_the_cosine_transform_of_what_remains(photos: list[Image.Image], cut: float) -> None:
    """The reference cuts pixels: a large picture, so that the edge lies between two of them."""
    large = cv2.resize(np.asarray(photos[5].convert("L")), (2400, 2400))
    edge = round(2400 * cut / 2)
    inside = cv2.resize(large[edge : 2400 - edge, edge : 2400 - edge], (32, 32), interpolation=cv2.INTER_AREA).astype(np.float32)
    wanted = cv2.dct(inside)[: copies.FREQUENCIES, : copies.FREQUENCIES].ravel()[1:]
    small = cv2.resize(large, (THUMBNAIL, THUMBNAIL), interpolation=cv2.INTER_AREA)
    (found,) = copies._coarse(np.asarray(small, np.uint8)[None], cut)
    assert np.linalg.norm(found) == pytest.approx(1, abs=1e-5)
    assert float(found @ wanted) / np.linalg.norm(wanted) > 0.999
