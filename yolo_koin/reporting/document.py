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
        marked: places (row, column) of cells that stand out, each a text.
    """

    frame: pd.DataFrame
    caption: str = ""
    marked: frozenset[tuple[int, int]] = frozenset()

    @property
    def is_long(self) -> bool:
        """Whether it is folded away until somebody opens it."""
        return len(self.frame) > LONG

    @property
    def rows(self) -> Sentence:
        """How many it has, in words."""
        return Sentence("{n:,} rows", n=len(self.frame))


@dataclass(frozen=True)
class Figure:
    """A picture."""

    path: Path
    caption: str = ""


@dataclass(frozen=True)
class Gallery:
    """Pictures that belong together."""

    paths: tuple[Path, ...]
    caption: str = ""


Block = Heading | Text | Table | Figure | Gallery


def markdown(blocks: Sequence[Block], folder: Path, lang: Language = "en") -> str:
    """The report as GitHub Markdown, for a file in this folder, in this language."""
    told = [in_korean(block) for block in blocks] if lang == "ko" else blocks
    return "\n".join(f"{_markdown(block, folder, lang)}\n" for block in told)


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
    return replace(block, caption=korean.said(block.caption))


def _markdown(block: Block, folder: Path, lang: Language) -> str:
    if isinstance(block, Heading):
        return f"{'#' * block.level} {_escape(block.text)}"
    if isinstance(block, Text):
        return block.text
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
    number = pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values)
    cells = [_escape(name), *(f"**{text}**" if row in bold else text for row, text in enumerate(_escape(_text(value)) for value in values))]
    width = max(3, *(len(cell) for cell in cells))
    padded = [cell.rjust(width) if number else cell.ljust(width) for cell in cells]
    return [padded[0], "-" * (width - 1) + (":" if number else "-"), *padded[1:]]


def _text(value: object) -> str:
    if value is None or value is pd.NA or value != value:  # only a NaN differs from itself
        return ""
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _escape(text: str) -> str:
    return " ".join(text.split()).replace("\\", "\\\\").replace("|", "\\|")
