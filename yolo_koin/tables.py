"""Tables of texts and numbers in CSV files: read strictly, checked by rules, written whole.

Texts stay texts: ``0007``, ``NA`` and ``nan`` are names. Numbers have nine significant digits, which tell any two float32 apart,
in memory as in the file: a frame that was written and read is the same frame. An empty cell is an empty text or a NaN.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from yolo_koin.errors import KoinError
from yolo_koin.files import atomic_path
from yolo_koin.words import count

FIRST_ROW = 2  # below the column names, as a spreadsheet numbers rows

Rule = tuple[str, "pd.Series[bool]", str]  # a column, which rows break the rule, and the rule in words


@dataclass(frozen=True)
class Table:
    """What a table holds, and what has to be true of it.

    Attributes:
        name: of what it is a table, for messages.
        columns: in the order of the file.
        texts: those columns that are texts; the others are numbers.
        rules: gives the rules for a frame of these columns.
        error: what to raise.
        remedy: what the user can do about a table that is none.
        newer: columns of numbers that older files do not have; they are read as empty.
    """

    name: str
    columns: tuple[str, ...]
    texts: tuple[str, ...]
    rules: Callable[[pd.DataFrame], Iterator[Rule]]
    error: type[KoinError]
    remedy: str
    newer: tuple[str, ...] = ()

    def typed(self, frame: pd.DataFrame) -> pd.DataFrame:
        """The columns of the table, in order, each of its type."""
        types = {column: str if column in self.texts else np.float64 for column in self.columns}
        return frame.astype(types)[list(self.columns)]

    def validate(self, frame: pd.DataFrame, where: object = "") -> pd.DataFrame:
        """Check a frame and return its columns, rows numbered from 0.

        Args:
            frame: any frame; columns beyond the table's are dropped.
            where: the file it came from, for the message.

        Raises:
            KoinError: of the table's kind; the message has column and row (the column names are row 1).
        """
        self._check_columns(list(frame.columns), where)
        absent = {column: np.nan for column in self.newer if column not in frame.columns}
        frame = self.typed(frame.reset_index(drop=True).assign(**absent))
        for column, bad, rule in self.rules(frame):
            if bad.any():
                row = int(np.flatnonzero(bad)[0])
                value = frame[column].iloc[row]
                shown = "empty" if value == "" or pd.isna(value) else f"{value!s}"
                raise self.error(f"{column} in row {row + FIRST_ROW} is {shown}, but {rule}", where, self.remedy)
        return frame

    def write(self, path: Path, frame: pd.DataFrame, more: Sequence[str] = ()) -> None:
        """Check a frame and write it whole or not at all: UTF-8, line feeds, nine significant digits.

        Args:
            path: the file.
            frame: any frame.
            more: columns of it that are written at the end as they stand; the table knows nothing of them.

        Raises:
            KoinError: of the table's kind: the frame is malformed.
            RunError: the file cannot be written.
        """
        frame = self.validate(frame).assign(**{column: frame[column].to_numpy() for column in more})
        # A file name may hold a carriage return, which Python before 3.13 leaves unquoted, and bytes that are no UTF-8.
        returns = any(frame[column].str.contains("\r", regex=False).any() for column in self.texts)
        quoting: Literal[0, 1] = csv.QUOTE_ALL if returns else csv.QUOTE_MINIMAL
        with atomic_path(path) as temporary:
            frame.to_csv(temporary, index=False, float_format="%.9g", lineterminator="\n", quoting=quoting, errors="backslashreplace")

    def read(self, path: Path) -> pd.DataFrame:
        """Read and check a file.

        Raises:
            KoinError: of the table's kind: the file is missing or malformed; the message has column and row.
        """
        header, lines = self._cells(path)
        self._check_columns(header, path)
        if len(set(header)) < len(header):
            raise self.error("a column is there twice", path, self.remedy)
        for number, line in enumerate(lines, FIRST_ROW):
            if len(line) != len(header):
                raise self.error(f"row {number} has {count(len(line), 'cell')}, not {len(header)}", path, self.remedy)
        places = {column: header.index(column) for column in self.columns if column in header}
        cells = {column: [line[place] for line in lines] for column, place in places.items()}
        numbers = {column: self._numbers(cells[column], column, path) for column in places if column not in self.texts}
        return self.validate(pd.DataFrame({**cells, **numbers}), path)

    def _check_columns(self, header: Sequence[str], where: object) -> None:
        if missing := [column for column in self.columns if column not in header and column not in self.newer]:
            raise self.error(f"no column {', '.join(missing)}", where, self.remedy)

    def _cells(self, path: Path) -> tuple[list[str], list[list[str]]]:
        try:
            with path.open(encoding="utf-8-sig", newline="") as stream:
                header, *lines = list(csv.reader(stream, strict=True)) or [[]]
        except OSError as error:
            raise self.error(f"cannot read the {self.name} ({error.strerror})", path, self.remedy) from error
        except (UnicodeDecodeError, csv.Error) as error:
            raise self.error(f"not a table of {self.name}", path, self.remedy) from error
        return header, [line for line in lines if line]  # an editor may leave an empty line at the end

    def _numbers(self, cells: list[str], column: str, path: Path) -> list[float]:
        # Python's own float() rounds correctly; the fast parsers of CSV readers are off by a last bit.
        values = []
        for number, cell in enumerate(cells, FIRST_ROW):
            try:
                value = float(cell) if cell else math.nan
            except ValueError:
                value = math.inf
            if math.isinf(value) or (cell and math.isnan(value)):
                raise self.error(f"{column} in row {number} is {cell!r}, but has to be a number or empty", path, self.remedy)
            values.append(value)
        return values


def nine_digits(values: NDArray[Any]) -> NDArray[np.float64]:
    """Numbers of any shape as the file will have them."""
    return np.char.mod("%.9g", np.asarray(values, dtype=np.float64)).astype(np.float64)


def empty(column: pd.Series[Any]) -> pd.Series[bool]:
    """Which cells are empty."""
    return column.isna() | (column == "")
