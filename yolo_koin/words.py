"""Words for people: numbers in sentences, and what metrics are called."""

from __future__ import annotations

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
