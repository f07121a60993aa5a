"""What a drawn thing hides, the same thing elsewhere, and photos without a face or with nothing else."""

from __future__ import annotations

import numpy as np
import pytest

from tests.conftest import att
from yolo_koin.dataset.images import PAD_COLOUR, RGB
from yolo_koin.synthetic import covering, hardcases
from yolo_koin.synthetic.att import USUAL
from yolo_koin.synthetic.variants import COVERING

LANDMARKS, BOX = USUAL


@pytest.fixture(scope="module")
def photo() -> RGB:
    return np.asarray(att(2, 1).convert("RGB"))


@pytest.mark.parametrize("kind", COVERING)
def test_a_cover_says_which_pixels_are_hidden_and_more_of_them_at_each_step(photo: RGB, kind: str) -> None:
    shares = []
    for severity in hardcases.SEVERITIES:
        rng = np.random.default_rng(1)
        result, cover = hardcases.drawn(photo, LANDMARKS, BOX, kind, severity, rng)
        assert np.array_equal(result, hardcases.apply(photo, LANDMARKS, BOX, kind, severity, np.random.default_rng(1)))
        # Of a hidden pixel nothing is left: with a few of them inverted the result is the same, but for the light that is read.
        other, few = photo.copy(), tuple(where[::40] for where in np.nonzero(cover > 0.999))
        other[few] = 255 - other[few]
        again = hardcases.apply(other, LANDMARKS, BOX, kind, severity, np.random.default_rng(1))
        assert len(few[0]) > 3
        assert np.abs(again[few].astype(int) - result[few]).max() <= 8 < np.abs(other[few].astype(int) - photo[few]).max()
        shares.append(covering.share(cover, BOX))
    assert shares == sorted(shares)
    assert 0 < shares[0] < shares[-1] < 0.7


def test_light_hides_nothing(photo: RGB) -> None:
    _, cover = hardcases.drawn(photo, LANDMARKS, BOX, "light", 5, np.random.default_rng(0))
    assert covering.share(cover, BOX) == 0


def test_the_share_is_of_the_part_of_the_box_that_lies_in_the_photo() -> None:
    cover = np.zeros((100, 80), np.float32)
    cover[:50] = 1
    assert covering.share(cover, (0, 0, 80, 100)) == 0.5
    assert covering.share(cover, (-40, -100, 80, 200)) == 0.5
    assert covering.share(cover, (0, 60, 80, 40)) == 0
    assert covering.share(cover, (200, 200, 10, 10)) == 0


def test_a_moved_thing_has_the_same_area_colour_and_shape_at_another_place(photo: RGB) -> None:
    result, cover = hardcases.drawn(photo, LANDMARKS, BOX, "sunglasses", 3, np.random.default_rng(4))
    places = set()
    for seed in range(20):
        moved, hidden = covering.moved(photo, result, cover, np.random.default_rng(seed))
        assert np.array_equal(np.sort(hidden[hidden > 0]), np.sort(cover[cover > 0]))
        assert np.array_equal(moved[hidden == 0], photo[hidden == 0])
        thing = [(np.flatnonzero(one.max(axis=1)), np.flatnonzero(one.max(axis=0))) for one in (cover, hidden)]
        (rows, columns), (to_rows, to_columns) = thing
        full = cover[rows[0] :, columns[0] :][: len(rows), : len(columns)] > 0.999
        before, after = (one[r[0] : r[-1] + 1, c[0] : c[-1] + 1] for one, (r, c) in zip((result, moved), thing, strict=True))
        assert np.array_equal(before[full], after[full])
        places.add((to_rows[0], to_columns[0]))
    assert len(places) > 10


def test_nothing_is_moved_where_nothing_is_hidden(photo: RGB) -> None:
    moved, hidden = covering.moved(photo, photo, np.zeros(photo.shape[:2], np.float32), np.random.default_rng(0))
    assert np.array_equal(moved, photo)
    assert not hidden.any()


def test_erased_and_alone_are_each_others_complement(photo: RGB) -> None:
    without, only = covering.without_face(photo, BOX), covering.only_face(photo, BOX)
    inside = np.zeros(photo.shape[:2], bool)
    inside[covering.inside_of(BOX, photo.shape)] = True
    assert inside.sum() == 73 * 91
    assert (without[inside] == PAD_COLOUR[0]).all()
    assert (only[~inside] == PAD_COLOUR[0]).all()
    assert np.array_equal(np.where(inside[..., None], only, without), photo)


def test_a_face_in_another_scene_keeps_its_place_and_loses_its_surroundings() -> None:
    white, scene = np.full((100, 100, 3), 255, np.uint8), np.zeros((50, 200, 3), np.uint8)
    scene[10:30, 50:70] = 200  # the face there, which is covered
    result = covering.in_scene(white, (30, 40, 20, 20), scene, (50, 10, 20, 20))
    assert (result[45:55, 35:45] == 255).all()
    assert (result[:30] == 0).all()
    assert (result[:, 60:] == 0).all()
    assert not np.logical_and(result[:36] > 180, result[:36] < 220).any()
