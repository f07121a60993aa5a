"""What models say of one photo, as a piece of a page. The pictures are in its text, so that they lie in no file."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from jinja2 import Environment, PackageLoader, StrictUndefined
from PIL import Image

QUALITY = 90


@dataclass(frozen=True)
class Card:
    """What one model says of a photo.

    Attributes:
        name: of the model.
        about: what it is.
        picture: the photo with what was said; None where nothing could be.
        words: the same in words, or why nothing could be said.
    """

    name: str
    about: str
    picture: Image.Image | None
    words: str


@dataclass(frozen=True)
class Reply:
    """What all models say of a photo.

    Attributes:
        cards: one a model.
        note: what the user should know; without cards, why there are none.
        seconds: that the models and the drawing took.
    """

    cards: tuple[Card, ...] = ()
    note: str = ""
    seconds: float = 0.0


def html(reply: Reply) -> str:
    """The reply: a figure for each model, and the note."""
    return _templates().get_template("demo_reply.html").render(reply=reply)


def head(models: Sequence[str], strangers: bool) -> str:
    """What stands above: what the page is, and what it must not be used for.

    Args:
        models: what each is called.
        strangers: whether ``unknown`` is among the answers.
    """
    return _templates().get_template("demo_head.html").render(models=models, strangers=strangers)


@lru_cache(maxsize=1)
def _templates() -> Environment:
    """Autoescaped: what a run or a person is called is a text, whatever is in it."""
    loader = PackageLoader("yolo_koin.reporting", "page")
    environment = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters["uri"] = _uri
    return environment


def _uri(picture: Image.Image) -> str:
    stream = io.BytesIO()
    picture.save(stream, "JPEG", quality=QUALITY)
    return f"data:image/jpeg;base64,{base64.b64encode(stream.getvalue()).decode('ascii')}"
