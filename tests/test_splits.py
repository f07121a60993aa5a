from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from yolo_koin.splits import GROUP, HARD, NORMAL, SPLITS, Split, in_order, of_part


@pytest.mark.parametrize(
    ("text", "split", "name", "slug"),
    [
        ("hard_cases/test", HARD, "hard", "hard"),
        ("normal_cases/val", Split("normal_cases", "val"), "normal", "normal"),
        ("normal_cases/test@mask-3", Split("normal_cases", "test", "mask-3"), "normal (mask-3)", "normal-mask-3"),
        pytest.param("stage/test", Split("stage", "test"), "stage", "stage", id="a case of somebody else's"),
        pytest.param("holdout", Split("", "holdout"), "holdout", "holdout", id="no case"),
        pytest.param("", Split(), "", "", id="photos outside of a dataset"),
    ],
)
def test_parsed_and_named(text: str, split: Split, name: str, slug: str) -> None:
    assert Split.parse(text) == split
    assert (str(split), split.name, split.slug) == (text, name, slug)


@given(st.text(), st.text(alphabet=st.characters(exclude_characters="/@")), st.text())
def test_any_text_comes_back(case: str, part: str, variant: str) -> None:
    text = f"{case}/{part}@{variant}" if variant else f"{case}/{part}"
    assert case.startswith("/") or "@" in case or not case or str(Split.parse(text)) == text


def test_what_a_split_is_for() -> None:
    assert [split.is_test for split in SPLITS] == [False, True] * 3
    assert [split.is_train for split in SPLITS] == [True, False] * 3
    assert (NORMAL.has_one_person, GROUP.has_one_person) == (True, False)
    assert str(SPLITS[0].validation) == "normal_cases/val"


def test_the_order_is_that_of_the_cases_then_of_names() -> None:
    texts = ["normal_cases/val", "zoo/test", "group_cases/test", "normal_cases/test@mask-3", "hard_cases/test", "aria/test"]
    texts += ["hard_cases/train", "normal_cases/test"]
    assert in_order(texts * 2) == [
        *("normal_cases/test", "normal_cases/test@mask-3", "hard_cases/train", "hard_cases/test", "group_cases/test"),
        *("aria/test", "zoo/test", "normal_cases/val"),
    ]


def test_rows_of_a_part() -> None:
    frame = pd.DataFrame({"split": ["normal_cases/test", "normal_cases/val", "zoo/test", ""], "n": range(4)})
    assert of_part(frame, "test")["n"].tolist() == [0, 2]
