"""What an audit finds wrong: a row each of ``findings.csv``, made of looks at photos and of pairs of copies."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path

import pandas as pd

from yolo_koin.dataset.copies import Pair, near_pairs
from yolo_koin.dataset.koin import Dataset, Sample
from yolo_koin.dataset.looks import Look, thumbnails
from yolo_koin.dataset.side_tables import read_table
from yolo_koin.dataset.walk import check_file
from yolo_koin.files import unfinished, write_csv, writing
from yolo_koin.parallel import Progress, silent
from yolo_koin.words import count, some

COLUMNS = ("kind", "image", "other", "score", "detail")
KINDS = {  # kind → what it means, the worst first
    "leak": "A test photo that training shows too. Its right answer tells nothing.",
    "label-conflict": "One photo under two people: one of the two labels is wrong.",
    "label-error": "A probe that did not learn from this photo is sure of another person.",
    "unreadable": "Cannot be decoded. In a test split it counts as a wrong answer.",
    "untrained-class": "A person whom only a test split has. No classifier can name them.",
    "one-class": "There is one person only, so nothing can be told apart.",
    "exact-copy": "A file of the same bytes on the same side. Copies in a test split count twice.",
    "near-copy": "A copy that was scaled, recompressed, filtered, cut or mirrored, on the same side.",
    "no-face": "The face detector finds none.",
    "several-faces": "Several faces, none of them clearly the largest: who is meant?",
    "tiny": "The shorter side has fewer than 64 pixels.",
    "blurred": "Few fine details for its contrast.",
    "dark": "Nineteen of twenty pixels are nearly black.",
    "bright": "Nineteen of twenty pixels are nearly white.",
    "shortcut": "Size, brightness, sharpness and colour alone name more people than chance: part of what a model scores may be that.",
    "animated": "Several pictures in one file, of which the first is used.",
    "private-data": "Metadata that tell who took the photo, or where. Remove them before passing the photos on.",
    "empty-class": "A class folder without a photo.",
    "lacking-class": "A split without photos of some people.",
}
WRONG = ("leak", "label-conflict", "unreadable", "untrained-class", "one-class")  # these make numbers wrong
SAME_BYTES = "the same bytes"
PROPOSED = "# Proposed by yolo_koin audit."  # begins a proposal, which the next one may replace

TINY = 64  # px
BLURRED = 0.06  # of Look.sharpness; the softest of the built-in faces has 0.07, most 0.18
DARK, BRIGHT = 40, 215  # grey values


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is wrong, or may be.

    Attributes:
        kind: one of :data:`KINDS`.
        image: image id of the photo; of a leak the test photo; of a class its folder, split or label.
        other: of pairs the other photo; of a leak the training photo.
        score: how alike a pair is, or what was measured; NaN where nothing was.
        detail: in words.
    """

    kind: str
    image: str
    other: str = ""
    score: float = float("nan")
    detail: str = ""


# ------------------------------------------------------------------------------------------------------------------ pairs
@dataclass(frozen=True, slots=True)
class _Copy:
    """Files that show what a photo shows: those of its own bytes, or of others."""

    sha256: str
    score: float = 1.0
    detail: str = SAME_BYTES


def of_copies(dataset: Dataset, looks: Mapping[str, Look], workers: int | None = None, progress: Progress = silent) -> list[Finding]:
    """Leaks, label conflicts and copies; of each photo at most one of a kind, with the photo that it resembles most.

    Photos of one line of ``groups.csv`` are known to belong together, and reported only across train and test. That a photo of several
    people stands under each of them is as it should be.
    """
    files: dict[str, list[Sample]] = {}  # sha256 → the photos of these bytes
    for sample in dataset.samples:
        if not looks[sample.image].error:
            files.setdefault(looks[sample.image].sha256, []).append(sample)
    distinct = list(files)
    pairs = near_pairs(thumbnails([looks[files[sha256][0].image] for sha256 in distinct]), workers, progress)
    copies = {sha256: [_Copy(sha256)] for sha256 in distinct}
    for pair in pairs:
        for one, other in ((pair.one, pair.other), (pair.other, pair.one)):
            copies[distinct[one]].append(_Copy(distinct[other], pair.score, _words(pair)))
    shown = {sha256: _few(samples) for sha256, samples in files.items()}
    found: dict[tuple[str, frozenset[str]], Finding] = {}
    for sha256, samples in files.items():
        relatives = sorted(copies[sha256], key=lambda copy: (-copy.score, copy.sha256))
        for sample in samples:
            for finding in _of_photo(sample, ((copy, other) for copy in relatives for other in shown[copy.sha256]), dataset.groups):
                found.setdefault((finding.kind, frozenset({finding.image, finding.other})), finding)
    return list(found.values())


def _words(pair: Pair) -> str:
    return "mirrored" if pair.mirrored else "scaled, recompressed, filtered or cut"


def _few(samples: Sequence[Sample]) -> list[Sample]:
    """The first two of each class and split: enough to name one beside any photo, where a thousand are the same."""
    seen: dict[tuple[str, object], list[Sample]] = {}
    for sample in samples:
        seen.setdefault((sample.label, sample.split), []).append(sample)
    return [sample for same in seen.values() for sample in same[:2]]


def _of_photo(sample: Sample, others: Iterable[tuple[_Copy, Sample]], groups: Mapping[str, str]) -> Iterator[Finding]:
    kinds: set[str] = set()
    for copy, other in others:
        kind = _kind(sample, other, copy.detail == SAME_BYTES, groups) if sample.image != other.image else ""
        if kind and kind not in kinds:
            kinds.add(kind)
            one, two = (sample, other) if _order(sample) <= _order(other) else (other, sample)
            sides = "" if one.split == two.split else f"; {one.split} and {two.split}"
            yield Finding(kind, one.image, two.image, copy.score, copy.detail + sides)


def _order(sample: Sample) -> tuple[bool, str]:
    """Of a leak the training photo comes last."""
    return sample.split.is_train, sample.image


def _kind(one: Sample, other: Sample, exact: bool, groups: Mapping[str, str]) -> str:
    across = one.split.is_train != other.split.is_train
    if one.label != other.label:
        if one.split.has_one_person and other.split.has_one_person:
            return "label-conflict"
        return "leak" if across else ""
    if across:
        return "leak"
    if one.image in groups and groups[one.image] == groups.get(other.image):
        return ""
    return "exact-copy" if exact else "near-copy"


# ----------------------------------------------------------------------------------------------------- photos and classes
def of_photos(dataset: Dataset, looks: Mapping[str, Look]) -> list[Finding]:
    """What is wrong with single photos."""
    return [finding for sample in dataset.samples for finding in _of_look(sample.image, looks[sample.image])]


def _of_look(image: str, look: Look) -> Iterator[Finding]:
    if look.error:
        yield Finding("unreadable", image, detail=look.error)
        return
    if min(look.width, look.height) < TINY:
        yield Finding("tiny", image, score=min(look.width, look.height), detail=f"{look.width} × {look.height} px")
    if look.lights < DARK:
        yield Finding("dark", image, score=look.lights, detail="brightness, of 255, that a twentieth of the pixels exceeds")
    elif look.shadows > BRIGHT:
        yield Finding("bright", image, score=look.shadows, detail="brightness, of 255, that a twentieth of the pixels does not reach")
    elif look.sharpness < BLURRED:
        yield Finding("blurred", image, score=look.sharpness, detail="share of the contrast that is in fine details")
    if look.pictures > 1:
        yield Finding("animated", image, score=look.pictures, detail=count(look.pictures, "picture"))
    if look.private:
        yield Finding("private-data", image, detail=look.private)


def of_classes(dataset: Dataset) -> list[Finding]:
    """What is wrong with the people of a dataset and their folders."""
    labels = {s.label for s in dataset.samples}
    learnt = {s.label for s in dataset.samples if s.split.is_train}
    found = [Finding("untrained-class", label, detail="only in a test split") for label in sorted(labels - learnt)]
    found += [Finding("one-class", label, detail="the only person") for label in labels if len(labels) == 1]
    found += [Finding("empty-class", f"{split}/{label}", detail="no photo") for split, label in dataset.empty]
    for split in dataset.splits:
        if lacking := sorted(labels - {s.label for s in dataset.of(split)}):
            found.append(Finding("lacking-class", str(split), score=len(lacking), detail=f"lacks {some(lacking)}"))
    return found


# ------------------------------------------------------------------------------------------------------------------ files
def in_order(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """The worst kinds first, then by photo."""
    kinds = list(KINDS)
    return tuple(sorted(findings, key=lambda one: (kinds.index(one.kind), one.image, one.other)))


def write(path: Path, findings: Sequence[Finding]) -> None:
    """Write a ``findings.csv``.

    Raises:
        RunError: it cannot be written.
    """
    write_csv(path, pd.DataFrame([astuple(one) for one in findings], columns=list(COLUMNS)))


def read_leaks(path: Path) -> frozenset[str]:
    """Image ids of the test photos that a ``findings.csv`` says training shows too.

    Raises:
        DatasetError: there is no such file, or it is none of an audit.
    """
    check_file(path)
    table = read_table(path, COLUMNS)
    return frozenset(table.loc[table["kind"] == "leak", "image"])


def write_exclude(path: Path, findings: Sequence[Finding]) -> int:
    """Propose an ``exclude.txt``: the training photo of a leak, both photos of a label conflict, what cannot be read.

    Test photos are left where they are, so that scores on them stay comparable with those of others.

    Returns:
        How many photos it names.

    Raises:
        RunError: it cannot be written.
    """
    lines, named = [f"{PROPOSED} Look at each photo, and move the lines you agree with into the dataset's exclude.txt."], set[str]()
    for one in findings:
        photos = {"leak": (one.other,), "label-conflict": (one.image, one.other), "unreadable": (one.image,)}.get(one.kind, ())
        if new := [photo for photo in photos if photo not in named]:
            lines += [f"# {one.kind}: {one.image}{f' and {one.other}' if one.other else ''}, {one.detail}", *new]
            named.update(new)
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished(path).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")  # one name: the next call removes it
        unfinished(path).replace(path)
    return len(named)
