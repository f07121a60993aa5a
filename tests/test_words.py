from __future__ import annotations

import copy
import pickle
from collections.abc import Callable

import pytest

from yolo_koin.words import Sentence, count, first, some


@pytest.mark.parametrize(
    ("n", "noun", "more", "text"),
    [
        (1, "photo", False, "1 photo"),
        (0, "photo", False, "0 photos"),
        (1200, "photo", False, "1,200 photos"),
        (2, "person", False, "2 people"),
        (3, "box", True, "3 more boxes"),
        (1, "class", True, "1 more class"),
        (2, "drawn box", False, "2 drawn boxes"),
    ],
)
def test_numbers_in_sentences(n: int, noun: str, more: bool, text: str) -> None:
    assert count(n, noun, more) == text


@pytest.mark.parametrize("made", [copy.deepcopy, lambda said: pickle.loads(pickle.dumps(said))], ids=["copied", "pickled"])
def test_a_sentence_stays_one(made: Callable[[Sentence], Sentence]) -> None:
    said = Sentence("{who} is {what}", who="{who}", what=Sentence("here"))
    assert (made(said), made(said).template, made(said).values) == ("{who} is here", said.template, said.values)


@pytest.mark.parametrize(
    ("n", "lines", "sentence"),
    [
        (0, [], ""),
        (2, ["a", "b"], "a, b"),
        (3, ["a", "b", "c"], "a, b, c"),
        (4, ["a", "b", "and 2 more people left out"], "a, b and 2 more"),
        (2002, ["a", "b", "and 2,000 more people left out"], "a, b and 2,000 more"),
    ],
    ids=["none", "as many as are shown", "saying one more takes as much room", "two more", "many"],
)
def test_many_are_cut_short_and_counted(n: int, lines: list[str], sentence: str) -> None:
    every = [*"abc", *"x" * n][:n]
    assert first(every, 2, "person", " left out") == lines
    assert some(every, 2) == sentence
