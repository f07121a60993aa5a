from __future__ import annotations

import copy
import pickle
from collections.abc import Callable

import pytest

from yolo_koin.words import Sentence, count


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
