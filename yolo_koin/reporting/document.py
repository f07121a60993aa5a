"""A report: blocks one after the other, and how they are written.

A writer is a function from blocks to a text. Figures are named by their PNG; the PDF of the same name lies beside it.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import quote

import pandas as pd

from yolo_koin.reporting import korean
from yolo_koin.specs import Language
from yolo_koin.words import Sentence

LONG = 40  # rows
ON_PAPER = 20  # photos
AMONG_THE_BEST = Sentence("among the best")
OF_FAILURES = ("photo", "split", "person", "taken for", "confidence", "model")


@dataclass(frozen=True)
class Heading:
    """A heading; level 1 is the report's title."""

    text: str
    level: int = 2


@dataclass(frozen=True)
class Text:
    """A paragraph of plain text."""

    text: str


@dataclass(frozen=True, eq=False)
class Table:
    """A frame whose column names are headings; its index is left out.

    Attributes:
        frame: of texts and numbers.
        caption: a paragraph.
        marked: places (row, column) of cells that stand out, each a text; meaning: what that says, for those who do not see it.
        folds: whether it is folded away until somebody opens it, should it be long.
    """

    frame: pd.DataFrame
    caption: str = ""
    marked: frozenset[tuple[int, int]] = frozenset()
    folds: bool = True
    meaning: str = AMONG_THE_BEST

    @property
    def is_long(self) -> bool:
        """Whether it is folded away."""
        return self.folds and len(self.frame) > LONG

    @property
    def rows(self) -> Sentence:
        """How many it has, in words."""
        return Sentence("{n:,} rows", n=len(self.frame))


@dataclass(frozen=True)
class Figure:
    """A picture; of photos, where ``photos`` says so: a page that travels leaves those out."""

    path: Path
    caption: str = ""
    photos: bool = False


@dataclass(frozen=True)
class Gallery:
    """Pictures that belong together."""

    paths: tuple[Path, ...]
    caption: str = ""


@dataclass(frozen=True)
class Mistake:
    """Whom a model took somebody in a photo for, and how sure it was; None where it does not tell."""

    model: str
    said: str
    confidence: float | None


@dataclass(frozen=True)
class Failure:
    """A photo that some models name wrongly.

    Attributes:
        photo: image id.
        split: as people read it.
        person: whom it shows.
        answers: the wrong ones, the surest first.
        path: of the photo, where it may be shown.
    """

    photo: str
    split: str
    person: str
    answers: tuple[Mistake, ...]
    path: Path | None = None


@dataclass(frozen=True)
class Failures:
    """A gallery of wrong answers: on a page one can filter it, on paper it is a table of the surest.

    Attributes:
        shown: the photos, that with the surest wrong answer first.
        caption: a paragraph.
    """

    shown: tuple[Failure, ...]
    caption: str = ""

    @property
    def table(self) -> Table:
        """The surest wrong answer of each of the first photos."""
        rows = [(one.photo, one.split, one.person, one.answers[0]) for one in self.shown[:ON_PAPER]]
        cells = [(*about, said.said, said.confidence, said.model) for *about, said in rows]
        frame = pd.DataFrame(cells, columns=list(OF_FAILURES))
        frame["confidence"] = [f"{100 * value:.1f} %" if value == value and value is not None else "" for value in frame["confidence"]]
        return Table(frame, self.caption)


Block = Heading | Text | Table | Figure | Gallery | Failures


def markdown(blocks: Sequence[Block], folder: Path, lang: Language = "en") -> str:
    """The report as GitHub Markdown, for a file in this folder, in this language."""
    return "\n".join(f"{_markdown(block, folder, lang)}\n" for block in printed(blocks, lang))


def printed(blocks: Sequence[Block], lang: Language) -> list[Block]:
    """The blocks in a language, and as they are where nothing can be filtered."""
    plain: list[Block] = [block.table if isinstance(block, Failures) else block for block in blocks]
    return [in_korean(block) for block in plain] if lang == "ko" else plain


def in_language(text: str, lang: Language) -> str:
    """A text in a language."""
    return korean.said(text) if lang == "ko" else text


def in_korean(block: Block) -> Block:
    """A block with its texts in Korean."""
    if isinstance(block, Heading | Text):
        return replace(block, text=korean.said(block.text))
    if isinstance(block, Table):
        columns = {name: korean.cell(str(name)) for name in block.frame.columns}
        cells = block.frame.map(lambda value: korean.cell(value) if isinstance(value, str) else value)
        return replace(block, frame=cells.rename(columns=columns), caption=korean.said(block.caption))
    if isinstance(block, Failures):
        shown = tuple(replace(one, split=korean.cell(one.split)) for one in block.shown)
        return replace(block, shown=shown, caption=korean.said(block.caption))
    return replace(block, caption=korean.said(block.caption))


def _markdown(block: Block, folder: Path, lang: Language) -> str:
    if isinstance(block, Heading):
        return f"{'#' * block.level} {_escape(block.text)}"
    if isinstance(block, Text):
        return block.text
    assert not isinstance(block, Failures)
    if isinstance(block, Table):
        table = markdown_table(block.frame, block.marked).rstrip("\n")
        if block.is_long:
            table = f"<details><summary>{in_language(block.rows, lang)}</summary>\n\n{table}\n\n</details>"
        return "\n\n".join(filter(None, [block.caption, table]))
    paths = (block.path,) if isinstance(block, Figure) else block.paths
    pictures = "\n".join(f"![{_escape(block.caption)}]({quote(Path(os.path.relpath(path, folder)).as_posix())})" for path in paths)
    return "\n\n".join(filter(None, [pictures, block.caption]))


def files_of(blocks: Sequence[Block]) -> tuple[Path, ...]:
    """The files of all pictures, as PNG and as PDF."""
    paths = [
        path
        for block in blocks
        if isinstance(block, Figure | Gallery)
        for path in ((block.path,) if isinstance(block, Figure) else block.paths)
    ]
    return tuple(path.with_suffix(suffix) for path in paths for suffix in (".png", ".pdf"))


def markdown_table(summary: pd.DataFrame, marked: Collection[tuple[int, int]] = ()) -> str:
    """A GitHub table of a frame: columns of numbers to the right, missing values empty, marked cells bold, the index left out.

    Text is shown as it stands, save for what would break the table: pipes and backslashes are escaped, and line breaks become
    spaces. Numbers are not rounded beyond six significant digits; round or format them before.
    """
    columns = [_column(str(name), summary.iloc[:, i], {row for row, place in marked if place == i}) for i, name in enumerate(summary)]
    rows = zip(*columns, strict=True)
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _column(name: str, values: pd.Series, bold: Collection[int]) -> list[str]:
    """A column's cells, heading and rule first, padded so that the source reads as a table too."""
    cells = [
        _escape(name),
        *(f"**{text}**" if row in bold else text for row, text in enumerate(_escape(cell_text(value)) for value in values)),
    ]
    width = max(3, *(len(cell) for cell in cells))
    padded = [cell.rjust(width) if is_number(values) else cell.ljust(width) for cell in cells]
    return [padded[0], "-" * (width - 1) + (":" if is_number(values) else "-"), *padded[1:]]


def is_number(values: pd.Series) -> bool:
    """Whether a column is of numbers."""
    return pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values)


def cell_text(value: object) -> str:
    """A value of a table as people read it; empty where it is missing."""
    if value is None or value is pd.NA or value != value:  # only a NaN differs from itself
        return ""
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _escape(text: str) -> str:
    return " ".join(text.split()).replace("\\", "\\\\").replace("|", "\\|")
