"""The language that figures are drawn in: that of the report that they are drawn for."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar

from yolo_koin.reporting.korean import KOREAN, said
from yolo_koin.specs import Language
from yolo_koin.words import Sentence

_LANGUAGE: ContextVar[Language] = ContextVar("language", default="en")


@contextlib.contextmanager
def speaking(language: Language) -> Iterator[None]:
    """Draw in a language while the block runs."""
    token = _LANGUAGE.set(language)
    try:
        yield
    finally:
        _LANGUAGE.reset(token)


def spoken(text: str) -> str:
    """A sentence in the language that is drawn in; a text of the user's stays as it is."""
    return said(text) if _LANGUAGE.get() == "ko" else str(text)


def say(template: str, **values: object) -> str:
    """A sentence of a figure in the language that is drawn in."""
    return spoken(Sentence(template, **values))


def of_split(name: str, synthetic: bool = False) -> str:
    """What a figure calls a split, a case, a method: in the language where it is a word of ours."""
    case = spoken(Sentence(name)) if name in KOREAN else name
    return say("{split} (synthetic)", split=case) if synthetic else case


def photos(n: int) -> str:
    """``1,200 photos``."""
    return say("{n:,} photo", n=n) if n == 1 else say("{n:,} photos", n=n)
