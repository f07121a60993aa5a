"""Words for people: numbers in sentences, and what metrics are called."""

from __future__ import annotations

from collections.abc import Sequence

DECIDE = "write who it is into label (unknown for a stranger), or remove the row"  # what to do with a face that is suggested
CALLED = {"top1": "top-1", "map50": "mAP@0.5"}  # what chooses the best epoch
METHODS = {"probe": "probe", "ncm": "nearest mean"}  # on frozen features


def count(n: int, noun: str, more: bool = False) -> str:
    """``1 photo``, ``1,200 photos``, ``2 people``; with ``more``: ``1 more photo``.

    Args:
        n: how many.
        noun: in the singular.
        more: beside those that were named before.
    """
    head, _, last = noun.rpartition(" ")
    several = {"person": "people", "box": "boxes", "class": "classes"}.get(last, f"{last}s")
    word = noun if n == 1 else f"{head} {several}".lstrip()
    return f"{n:,} {'more ' if more else ''}{word}"


class Sentence(str):
    """A text for people, in English, that another language can say as well: it remembers what it was made of.

    >>> said = Sentence("{n} of {of} photos", n=1, of=2)
    >>> said, said.template, said.values
    ('1 of 2 photos', '{n} of {of} photos', {'n': 1, 'of': 2})

    Attributes:
        template: the text with names in braces.
        values: by name, what stands in their place; sentences among them can be said in another language too.
    """

    template: str
    values: dict[str, object]

    def __new__(cls, template: str, **values: object) -> Sentence:  # noqa: D102
        made = super().__new__(cls, template.format(**values))
        made.template, made.values = template, values
        return made

    def __getnewargs_ex__(self) -> tuple[tuple[str], dict[str, object]]:  # copies are made of the same parts
        return (self.template,), self.values


def first(lines: Sequence[str], most: int, noun: str, rest: str = "") -> list[str]:
    """The first of many lines and how many more there are, ``and 34 more photos left out``; nobody reads a thousand.

    Args:
        lines: all of them.
        most: that are shown; one more takes the room of saying so.
        noun: what each is about, in the singular; ``rest`` follows it.
        rest: see there.
    """
    left = len(lines) - most
    return list(lines) if left < 2 else [*lines[:most], f"and {count(left, noun, more=True)}{rest}"]


def some(names: Sequence[str], most: int = 5) -> str:
    """``a, b, c, d, e and 34 more``."""
    left = len(names) - most
    return ", ".join(names) if left < 2 else f"{', '.join(names[:most])} and {left:,} more"
