"""The one way to read the ids and labels that people and their tools write: in side tables, in annotation files, on the command line.

Other tools change them: Windows writes backslashes, macOS decomposes Hangul, a spreadsheet makes 0 of 0000 and pandas 0.0. Each is undone
where one photo or one person alone can be meant.
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping

WHOLE_NUMBER = re.compile(r"(\d+)(?:\.0+)?")


def nfc(text: str) -> str:
    """Unicode NFC: a Hangul folder unzipped on macOS (NFD) and on Linux (NFC) is then one class."""
    return unicodedata.normalize("NFC", text)


def parts_of(text: str) -> tuple[str, ...]:
    """The parts of a path that anybody wrote: NFC, of either kind of slash, without ``.`` and empty ones."""
    return tuple(part for part in nfc(text.strip()).replace("\\", "/").split("/") if part not in {"", "."})


def tidy(text: str) -> str:
    """An id or label as this package writes it."""
    return "/".join(parts_of(text))


class Labels:
    """Finds the class that a text means."""

    def __init__(self, labels: Iterable[str]) -> None:
        self._exact = {label: label for label in labels}
        self._tidy = _unambiguous((tidy(label), label) for label in self._exact)
        self._number = _unambiguous((_number(label), label) for label in self._exact)

    def find(self, text: str) -> str | None:
        """The label; that of a number that lost its zeros or won a ``.0`` where no other class is that number; None where there is none."""
        found = self._exact.get(nfc(text)) or self._tidy.get(tidy(text))
        return found or (self._number.get(_number(tidy(text))) if _number(tidy(text)) else None)


class People(Labels):
    """Finds the class that a text means by its label or by its display name, where no other class has that."""

    def __init__(self, names: Mapping[str, str]) -> None:
        super().__init__(names)
        self._labels = {**_unambiguous((name, label) for label, name in names.items()), **{label: label for label in names}}

    def find(self, text: str) -> str | None:
        """The label, or None where there is none."""
        return self._labels.get(nfc(text.strip())) or super().find(text)


class ImageIds:
    """Finds the photo that a text means. A path on another computer means the photo whose id it ends with."""

    def __init__(self, images: Iterable[str]) -> None:
        self._exact = {image: image for image in images}
        self._tidy = _unambiguous((tidy(image).casefold(), image) for image in self._exact)  # Windows knows no letter case
        self._folders: dict[str, list[str]] | None = None

    def find(self, text: str) -> str | None:
        """The image id, or None where there is none."""
        parts = parts_of(text)
        tails = ("/".join(parts[start:]) for start in range(len(parts)))
        return next((found for tail in tails if (found := self._exact.get(tail) or self._tidy.get(tail.casefold()))), None)

    def in_folder(self, text: str) -> list[str]:
        """The image ids of the photos in this very folder; it has to be named from a case or split on."""
        if self._folders is None:
            self._folders = {}
            for image in self._exact:
                self._folders.setdefault(tidy(image.rpartition("/")[0]).casefold(), []).append(image)
        parts = parts_of(text.casefold())
        return next((found for start in range(len(parts)) if (found := self._folders.get("/".join(parts[start:])))), [])


def nearest(text: str, known: Iterable[str]) -> str:
    """The one of these that a text with a typing mistake means; empty where two are as near, as numbers always are."""
    likeness = sorted(((difflib.SequenceMatcher(None, text, one).ratio(), one) for one in known), reverse=True)[:2]
    sure = likeness and likeness[0][0] >= 0.7 and (len(likeness) == 1 or likeness[0][0] > likeness[1][0])
    return likeness[0][1] if sure else ""


def _number(text: str) -> str:
    """The whole number that a text writes, without its zeros; empty where it is none."""
    match = WHOLE_NUMBER.fullmatch(text) if text.isascii() else None
    return (match[1].lstrip("0") or "0") if match else ""


def _unambiguous(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Those keys that stand for one value only."""
    pairs = list(pairs)
    times = Counter(key for key, _ in pairs)
    return {key: value for key, value in pairs if key and times[key] == 1}
