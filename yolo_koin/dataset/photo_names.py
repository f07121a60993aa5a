"""Which photo an annotation file means, whatever the tool between has made of its name."""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from yolo_koin.dataset.annotations import BoxError
from yolo_koin.dataset.ids import nfc, parts_of
from yolo_koin.dataset.koin import Sample
from yolo_koin.dataset.walk import IMAGE_SUFFIXES
from yolo_koin.splits import CASES

ENDINGS = IMAGE_SUFFIXES | {".gif"}
LABEL_STUDIO = re.compile(r"[0-9a-f]{8}-(.+)")  # what it puts before the name of an uploaded file
ROBOFLOW = re.compile(r"(.+)_([A-Za-z]{3,4})\.rf\.[0-9A-Za-z]{8,}(?:\.[A-Za-z]+)?")  # a.jpg becomes a_jpg.rf.<hash>.jpg

Parts = tuple[str, ...]


class PhotoBoxError(BoxError):
    """Why no box of a photo can be used: to be reported once for all of them.

    Args:
        what: the reason.
        photo: whatever stands for the photo.
    """

    def __init__(self, what: str, photo: str) -> None:
        super().__init__(what)
        self.photo = photo


class Photos:
    """Finds the photo that a file means.

    A path in the file and the id of the photo have to end alike, or at least its file name has to be that of one photo. If there is none,
    what tools are known to do to a name is undone, and then the ending is left out of account.
    """

    def __init__(self, samples: Sequence[Sample]) -> None:
        self.by_id = {s.image: s for s in samples}
        self._by_name: dict[str, list[tuple[Parts, Sample]]] = defaultdict(list)
        self._by_stem: dict[str, list[tuple[Parts, Sample]]] = defaultdict(list)
        self._by_place: dict[str, list[Sample]] = defaultdict(list)
        for s in samples:
            parts = tuple(s.image.split("/"))
            self._by_name[parts[-1]].append((parts, s))
            self._by_stem[_stem(parts[-1])].append(((*parts[:-1], _stem(parts[-1])), s))
            self._by_place[_place(s.path)].append(s)

    def find(self, references: Sequence[str], beside: Path | None = None) -> Sample:
        """The one photo whose id ends as a reference does, or the reverse; else the one that has its file name.

        A path that names a case is one in a dataset: its file name alone is then not enough.

        Args:
            references: ways in which the file refers to the photo, the surest first.
            beside: the file, where it may lie beside the photo that it is about.

        Raises:
            BoxError: there is none, or more than one, or the file lies beside a photo of its own name and means another one.
        """
        own = self._by_place.get(_place(beside), []) if beside else []
        if len(own) == 1 and not any(map(parts_of, references)):
            return own[0]
        try:
            found = self._named(references)
        except BoxError as error:
            raise (_stale(own[0], references, beside) if own and beside else error) from None
        if own and beside and found not in own:
            raise _stale(own[0], references, beside)
        return found

    def _named(self, references: Sequence[str]) -> Sample:
        plain = [parts for reference in references if (parts := parts_of(reference))]
        undone = [parts for reference in references for parts in _undone(reference)]
        steps: tuple[tuple[list[Parts], dict[str, list[tuple[Parts, Sample]]], Callable[[str], str]], ...] = (
            (plain, self._by_name, str),
            (undone, self._by_name, str),
            ([*plain, *undone], self._by_stem, _stem),
        )
        candidates = 0
        for paths, known, spelled in steps:
            found = _matching([(*parts[:-1], spelled(parts[-1])) for parts in paths], known)
            if isinstance(found, Sample):
                return found
            candidates = candidates or found
        name = references[-1]
        raise BoxError(f"{candidates} photos are called {name}" if candidates else f"unknown photo {name}".rstrip())


def _matching(paths: Sequence[Parts], known: dict[str, list[tuple[Parts, Sample]]]) -> Sample | int:
    """The photo that one of the paths means alone, or how many it could be."""
    inside = [parts for parts in paths if any(part.lower() in CASES for part in parts)]
    candidates = 0
    for parts in inside or [*paths, *(parts[-1:] for parts in paths)]:
        hits = [s for own, s in known.get(parts[-1], ()) if _ends(own, parts) or _ends(parts, own)]
        if len(hits) == 1:
            return hits[0]
        candidates = max(candidates, len(hits))
    return candidates


def _undone(reference: str) -> Iterator[Parts]:
    """What the reference may have been before a tool wrote it: a path in a URL, percent-escapes, a hash before or behind the name."""
    written = [reference, *_in_url(reference)]
    for form in dict.fromkeys(form for text in written for form in (text, unquote(text, errors="replace"))):
        parts = parts_of(form)
        if not parts:
            continue
        yield parts
        if match := LABEL_STUDIO.fullmatch(parts[-1]):
            yield (*parts[:-1], match[1])
        if match := ROBOFLOW.fullmatch(parts[-1]):
            yield (*parts[:-1], f"{match[1]}.{match[2]}")


def _in_url(reference: str) -> tuple[str, ...]:
    """The paths in a URL: its own, and that of a photo in Label Studio's local storage."""
    if not re.match(r"[a-z0-9+]+://|/data/", reference):
        return ()
    try:
        url = urlsplit(reference)
    except ValueError:
        return ()
    return (url.path, *parse_qs(url.query).get("d", ()))


def _stale(own: Sample, references: Sequence[str], beside: Path) -> PhotoBoxError:
    return PhotoBoxError(f"lies beside {own.path.name} and names {references[-1] or 'no photo that is there'}", str(beside))


def _stem(name: str) -> str:
    """The name without the ending of a photo: a dot in it may be part of a date."""
    stem, dot, ending = name.rpartition(".")
    return stem if stem and f"{dot}{ending}".lower() in ENDINGS else name


def _place(path: Path) -> str:
    """Where a file lies, without its ending."""
    return nfc(os.path.abspath(path.with_suffix("")))  # noqa: PTH100  # resolve() would follow a link to another place


def _ends(path: Parts, ending: Parts) -> bool:
    return path[-len(ending) :] == ending
