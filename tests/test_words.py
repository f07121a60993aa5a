from __future__ import annotations

import pytest

from yolo_koin.words import count


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
