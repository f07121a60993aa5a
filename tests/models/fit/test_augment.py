from __future__ import annotations

import pytest
import torch

from yolo_koin.models.fit.augment import Strength, augment
from yolo_koin.models.fit.classify import CUT
from yolo_koin.models.fit.collage import Arrangement

NONE = Strength(flip=0, degrees=0, scale=0, stretch=0, shift=0, brightness=0, contrast=0, tint=0, grey=0, erase=0)


def photos(n: int = 4, side: int = 32) -> torch.Tensor:
    torch.manual_seed(1)
    return torch.randint(0, 256, (n, 3, side, side), dtype=torch.uint8)


@pytest.mark.parametrize("none", [NONE, CUT.times(0)], ids=["every amount is 0", "times 0"])
def test_no_strength_changes_nothing(none: Strength) -> None:
    given = photos()
    assert torch.allclose(augment(given, none), given.float() / 255, atol=1e-4)


@pytest.mark.parametrize("usual", [Strength(), CUT, Arrangement()], ids=["photos", "faces", "a detector's ground"])
def test_the_usual_strength_is_that_times_one(usual: Strength | Arrangement) -> None:
    assert usual.times(1.0) == usual
    assert usual.times(2.0).degrees == 2 * usual.degrees


def test_chances_stay_chances() -> None:
    """Photos that are always mirrored would be no more varied than those that never are."""
    strong = CUT.times(2.0)
    assert (strong.flip, strong.surroundings, strong.erase) == (0.5, 1.0, 0.2)
    assert Arrangement().times(2.0).together == 1.0
    assert Arrangement().times(0.0).alone_scale == (1.0, 1.0)


def test_keeps_shape_and_range_and_leaves_its_input_alone() -> None:
    given = photos()
    before = given.clone()
    out = augment(given)
    assert out.shape == given.shape
    assert out.dtype == torch.float32
    assert out.min() >= 0
    assert out.max() <= 1
    assert torch.equal(given, before)


def test_the_seed_settles_it_and_photos_differ() -> None:
    same = photos(1).expand(4, -1, -1, -1)
    torch.manual_seed(3)
    first = augment(same)
    torch.manual_seed(3)
    assert torch.equal(first, augment(same))
    assert not torch.allclose(first[0], first[1])


@pytest.mark.parametrize(
    ("strength", "expected"),
    [
        pytest.param(Strength(**{**vars(NONE), "flip": 1}), "mirrored", id="flip mirrors left and right"),
        pytest.param(Strength(**{**vars(NONE), "grey": 1}), "grey", id="grey makes the channels equal"),
    ],
)
def test_single_changes(strength: Strength, expected: str) -> None:
    given = photos()
    out = augment(given, strength)
    plain = given.float() / 255
    if expected == "mirrored":
        assert torch.allclose(out, plain.flip(3), atol=1e-4)
    else:
        assert torch.allclose(out, plain.mean(dim=1, keepdim=True).expand_as(plain), atol=1e-4)


def test_erased_area_is_within_its_limits() -> None:
    torch.manual_seed(0)
    out = augment(torch.full((64, 3, 64, 64), 0.5), Strength(**{**vars(NONE), "erase": 1, "erase_area": (0.1, 0.2)}))
    share = (out != 0.5).any(dim=1).float().mean(dim=(1, 2))
    assert share.max() <= 0.2 * 1.1  # rounded to whole pixels
    assert share.median() > 0.03  # a rectangle may leave the photo, but most stay in it
