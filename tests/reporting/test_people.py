from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from yolo_koin.reporting.people import MOST_ROWS, confused_pairs, per_class, said_of_classes, said_of_pairs
from yolo_koin.reporting.style import WIDTH

from .charts import beyond, expected, intervals, overlapping, text_boxes, texts, ticks

TITLE = "YOLOv8n-cls, normal · hard_cases/test (synthetic)"


@pytest.mark.parametrize("title", [TITLE, f"{TITLE} " * 3, "황보라미르한빛나라" * 9], ids=["one line", "several", "one long word"])
@pytest.mark.parametrize("figure_of", ["pairs", "two classes", "many classes"])
def test_a_title_is_drawn_in_full(title: str, figure_of: str) -> None:
    figure = {
        "pairs": lambda: confused_pairs(PAIRS, title=title),
        "two classes": lambda: per_class(classes(2), title=title),
        "many classes": lambda: per_class(classes(100), title=title),
    }[figure_of]()
    assert figure is not None
    boxes = dict(text_boxes(figure))
    drawn = next(text for text in boxes if text.replace("\n", "").replace(" ", "") == title.replace(" ", ""))
    box = boxes.pop(drawn)
    assert box.x0 >= 0
    assert box.x1 <= figure.bbox.x1
    assert box.y1 <= figure.bbox.y1
    assert not any(box.overlaps(other) for other in boxes.values())


PAIRS = pd.DataFrame(
    [("박도윤", "최지우", 2, 3), ("김민준", "이서연", 4, 5), ("$x_1$", "a_b", 3, 6)], columns=["true", "predicted", "count", "n"]
)


def test_confused_pairs_stand_by_count() -> None:
    figure = confused_pairs(PAIRS)
    assert figure is not None
    axes = figure.axes[0]
    assert [bar.get_width() for bar in axes.patches] == [4, 3, 2]  # type: ignore[attr-defined]
    assert texts(axes) == ["4 of 5", "3 of 6", "2 of 3"]
    assert ticks(axes) == ["김민준  →  이서연", "$x_1$  →  a_b", "박도윤  →  최지우"]


def test_confused_pairs_take_a_share_in_place_of_the_number() -> None:
    shares = PAIRS.assign(share=PAIRS["count"] / PAIRS["n"]).drop(columns="n")
    figure = confused_pairs(shares)
    assert figure is not None
    assert texts(figure.axes[0]) == ["4 of 5", "3 of 6", "2 of 3"]


def many(*counts: int) -> pd.DataFrame:
    names = [f"p{i:02d}" for i in range(len(counts))]
    return pd.DataFrame({"true": names, "predicted": "q", "count": counts, "n": 4})


@pytest.mark.parametrize(
    ("counts", "shown", "told"),
    [
        ([2] * 15, 15, "photos"),
        ([3, 2, *[1] * 20], 2, "photos, the 2 most frequent of 22 pairs"),
        ([3, *[2] * 20], 1, "photos, the most frequent of 21 pairs"),
    ],
    ids=["all of them", "those that happened twice", "no part of a tie"],
)
def test_pairs_that_are_left_out_are_told(counts: list[int], shown: int, told: str) -> None:
    figure = confused_pairs(many(*counts), "t")
    assert figure is not None
    assert len(ticks(figure.axes[0])) == shown
    assert figure.get_supxlabel() == told
    assert not beyond(figure)


def test_nothing_to_show_is_a_sentence() -> None:
    assert confused_pairs(PAIRS.iloc[:0]) is None
    assert said_of_pairs(PAIRS.iloc[:0]) == "Nobody was taken for somebody else."
    assert confused_pairs(many(*[1] * 40)) is None
    assert said_of_pairs(many(*[1] * 40)).endswith("40 pairs were confused once each.")
    assert confused_pairs(many(*[2] * 40)) is None
    assert said_of_pairs(many(*[2] * 40)).startswith("No mistake stands out: 40 pairs of people were confused 2 times each")
    assert said_of_pairs(many(1)).endswith("one pair was confused once.")


def test_very_long_names_leave_room_for_the_bars() -> None:
    names = [f"a person of a very large dataset, number {i}" for i in range(8)]
    figure = confused_pairs(pd.DataFrame({"true": names[:4], "predicted": names[4:], "count": 3, "n": 4}))
    assert figure is not None
    assert len(set(ticks(figure.axes[0]))) == 4
    assert figure.axes[0].get_position().width > 0.3
    assert not beyond(figure)


def classes(count: int) -> pd.DataFrame:
    recall = np.arange(count) % 11 / 10
    return pd.DataFrame(
        {
            "label": [f"김민준 {i}" for i in range(count)],
            "n": 10,
            "correct": np.arange(count) % 11,
            "recall": recall,
            "low": np.maximum(recall - 0.2, 0),
            "high": np.minimum(recall + 0.2, 1),
        }
    )


@pytest.mark.parametrize("count", [2, 10, 40, 100], ids=["two", "KoIn10", "the built-in faces", "KoIn100"])
def test_per_class_draws_every_class_best_first(count: int) -> None:
    frame = classes(count)
    figure = per_class(frame)
    assert figure is not None
    drawn = [interval for axes in figure.axes for interval in intervals(axes)]
    assert np.allclose(sorted(drawn), expected(frame, "recall"))
    names = [name for axes in figure.axes for name in ticks(axes)]
    by_name = frame.set_index("label")["recall"]
    assert sorted(names) == sorted(frame["label"])
    assert list(by_name[names]) == sorted(frame["recall"], reverse=True)
    assert figure.get_figwidth() <= WIDTH
    assert figure.get_figheight() <= 9


def test_per_class_numbers_belong_to_their_names() -> None:
    frame = classes(40)
    wanted = dict(zip(frame["label"], frame["correct"], strict=True))
    figure = per_class(frame)
    assert figure is not None
    for axes in figure.axes:
        assert texts(axes) == [f"{wanted[name]}/10" for name in ticks(axes)]


def test_of_very_many_people_it_is_drawn_how_many_have_which_recall() -> None:
    frame = classes(1100)
    figure = per_class(frame, "t")
    assert figure is not None
    (axes,) = figure.axes
    bars = [int(bar.get_height()) for bar in axes.patches]  # type: ignore[attr-defined]
    assert bars == [100, 200, 200, 200, 200, 100, 100]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["0", "1–20", "21–40", "41–60", "61–80", "81–99", "100"]
    assert not overlapping(figure)
    assert axes.get_title(loc="left") == "Recall of 1,100 people"
    assert "(of 10 each)" in axes.get_xlabel()
    assert not beyond(figure)


@pytest.mark.parametrize(
    ("correct", "n", "told"),
    [
        ([2, 2, 2], [2, 2, 2], "Each of the 3 people was recognised in 2 of 2 photos."),
        ([0, 0], [1, 1], "Each of the 2 people was recognised in 0 of 1 photo."),
        ([5], [6], "The one person was recognised in 5 of 6 photos."),
        ([2, 1], [2, 2], ""),
        ([2, 4], [2, 4], ""),
    ],
)
def test_classes_that_are_all_alike_are_a_sentence(correct: list[int], n: list[int], told: str) -> None:
    frame = classes(len(n)).assign(correct=correct, n=n)
    assert said_of_classes(frame) == told
    assert (per_class(frame) is None) == bool(told)


def test_long_names_of_many_classes_are_told_apart() -> None:
    frame = classes(MOST_ROWS).assign(label=[f"a person of a very large dataset, number {i:04d}" for i in range(MOST_ROWS)])
    figure = per_class(frame)
    assert figure is not None
    assert len({name for axes in figure.axes for name in ticks(axes)}) == MOST_ROWS
    assert not overlapping(figure)
    assert not beyond(figure)
