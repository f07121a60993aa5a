from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image, ImageColor

from yolo_koin.reporting.annotate import MIN_WIDTH, TRACK, annotate
from yolo_koin.reporting.marks import sign
from yolo_koin.reporting.style import BLUE, VERMILION
from yolo_koin.reporting.verdicts import Verdict, percent

Face = Callable[[int, int], Image.Image]
RIGHT = Verdict(("김민준", "이서연", "박도윤"), (0.9, 0.08, 0.01), "김민준", True)
WRONG = Verdict(("이서연", "김민준", "박도윤"), (0.6, 0.3, 0.01), "김민준", False)
UNKNOWN = Verdict(("이서연", "김민준", "박도윤"), (0.6, 0.3, 0.01))


def caption(page: Image.Image, photo_height: int) -> Image.Image:
    return page.crop((0, photo_height, page.width, page.height))


def count(image: Image.Image, colour: str) -> int:
    return int((np.asarray(image) == ImageColor.getrgb(colour)).all(axis=2).sum())


@pytest.mark.parametrize("size", [(1080, 1350), (320, 240), (4000, 3000), (4000, 1)], ids=["portrait", "narrowest", "camera", "1 px high"])
def test_the_photo_is_not_touched(size: tuple[int, int], face: Face) -> None:
    photo = face(1, 1).resize(size)
    page = annotate(photo, WRONG)
    assert page.width == photo.width
    assert np.array_equal(np.asarray(page.crop((0, 0, *size))), np.asarray(photo))
    assert page.height > photo.height


@pytest.mark.parametrize(
    ("size", "shown"),
    [((92, 112), (368, 448)), ((1, 1), (320, 320)), ((160, 90), (320, 180)), ((60, 1500), (60, 1500)), ((100, 500), (200, 1000))],
    ids=["AT&T", "one pixel", "twice is enough", "tall: not enlarged", "tall: enlarged as far as its height allows"],
)
def test_a_small_photo_is_enlarged_by_a_whole_factor(size: tuple[int, int], shown: tuple[int, int], face: Face) -> None:
    photo = face(1, 1).resize(size)
    page = annotate(photo, RIGHT)
    assert page.width == max(MIN_WIDTH, shown[0])
    left = (page.width - shown[0]) // 2
    expected = np.asarray(photo.resize(shown, Image.Resampling.BICUBIC))
    assert np.array_equal(np.asarray(page.crop((left, 0, left + shown[0], shown[1]))), expected)


@pytest.mark.parametrize(("a", "b"), [(RIGHT, WRONG), (WRONG, UNKNOWN), (RIGHT, UNKNOWN)])
def test_right_wrong_and_unknown_differ_without_colour(a: Verdict, b: Verdict) -> None:
    """The signs, reduced to black and white by whether ink is there at all: a disc, a square, a ring."""
    shapes = [np.asarray(sign(v.correct, 40).convert("LA"))[..., 1] > 128 for v in (a, b)]
    assert (shapes[0] ^ shapes[1]).mean() > 0.1
    assert a.word != b.word


def test_right_and_wrong_differ_in_a_grey_print(face: Face) -> None:
    """The same names and scores, only the verdict differs: the two captions still do, by more than a shade."""
    photo = face(1, 1)
    pages = [annotate(photo, Verdict(RIGHT.names, RIGHT.scores, None, correct)).convert("1") for correct in (True, False)]
    assert (np.asarray(pages[0]) ^ np.asarray(pages[1])).sum() > 50


def test_colours_say_right_and_wrong(face: Face) -> None:
    right, wrong, unknown = (caption(annotate(face(1, 1), v), 448) for v in (RIGHT, WRONG, UNKNOWN))
    assert count(right, BLUE) > 500
    assert count(right, VERMILION) == 0
    assert count(wrong, VERMILION) > 500
    assert count(wrong, BLUE) > 50  # the bar of the true identity, second in the list
    assert count(unknown, BLUE) == count(unknown, VERMILION) == 0


@pytest.mark.parametrize("score", [1.0, 0.5, 0.1, 0.0])
def test_a_bar_is_as_long_as_its_score(score: float, face: Face) -> None:
    """Of the pixels of the bar and its track, the share that is the bar."""
    panel = caption(annotate(face(1, 1), Verdict(("a",), (score,), "a", True)), 448)
    row = panel.crop((0, 40, panel.width, panel.height))  # below the strip and the verdict
    bar, track = count(row, BLUE), count(row, TRACK)
    assert bar / (bar + track) == pytest.approx(score, abs=0.01)


@pytest.mark.parametrize("width", [92, 4000])
def test_a_long_name_stays_in_its_column(width: int, face: Face) -> None:
    """The pixels from the bar on are those of the same caption with a short name."""
    photo = face(2, 1).resize((width, width // 2))
    names = "a", "Wolfeschlegelsteinhausen " * 9
    short, long = (annotate(photo, Verdict((name, "b"), (0.7, 0.2), "b", False)) for name in names)
    assert short.size == long.size
    start = int(short.width * 0.55)
    assert np.array_equal(np.asarray(short)[:, start:], np.asarray(long)[:, start:])
    assert not np.array_equal(np.asarray(short), np.asarray(long))


def test_text_grows_with_the_photo(face: Face) -> None:
    small, large = (annotate(face(1, 1).resize((w, w)), RIGHT).height - w for w in (1000, 4000))
    assert large == pytest.approx(4 * small, rel=0.05)


@pytest.mark.parametrize(("top", "rows"), [(1, 1), (3, 3), (5, 3)], ids=["one", "all", "more than there are"])
def test_top_names_are_listed(top: int, rows: int, face: Face) -> None:
    one = annotate(face(1, 1), RIGHT, top=1).height
    assert annotate(face(1, 1), RIGHT, top=top).height - one == (rows - 1) * round(14 * 1.6)


def test_a_grey_photo_is_accepted(face: Face) -> None:
    assert annotate(face(1, 1).convert("L"), RIGHT).mode == "RGB"


@pytest.mark.parametrize(("names", "scores"), [((), ()), (("a",), ()), (("a",), (0.5, 0.4))])
def test_names_and_scores_pair_up(names: tuple[str, ...], scores: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="one score for each name"):
        Verdict(names, scores)


def test_percent() -> None:
    assert [percent(x) for x in (0.0, 0.9237, 1.0)] == ["0.0 %", "92.4 %", "100.0 %"]
