from __future__ import annotations

import html5lib
import pytest
from PIL import Image

from yolo_koin.reporting.replies import Card, Reply, head, html

NAME = '<script>alert("1")</script> & ${1+1} {{value}} 이서연'


def test_names_are_texts() -> None:
    """Of models and of people: the reply is set into the page as it is."""
    page = html(Reply((Card(NAME, NAME, Image.new("RGB", (4, 3)), NAME), Card(NAME, NAME, None, NAME)), NAME, 0.25))
    tree = html5lib.parse(page, namespaceHTMLElements=False)
    assert not list(tree.iter("script"))
    assert "".join(tree.itertext()).count(NAME) == 6
    (picture,) = tree.iter("img")
    assert (picture.get("alt"), picture.get("width"), picture.get("height")) == (f"{NAME}: {NAME}", "4", "3")
    assert "Answered in 0.25 s." in page


@pytest.mark.parametrize(("strangers", "words"), [(False, "gives each stranger one of their names"), (True, "be called unknown")])
def test_what_it_must_not_be_used_for_is_said(strangers: bool, words: str) -> None:
    text = " ".join(head(["a", "b"], strangers).split())
    assert "Not for identifying people." in text
    assert words in text
    assert "Each of 2 models says" in text
    assert "The model says" in head(["a"], strangers)
