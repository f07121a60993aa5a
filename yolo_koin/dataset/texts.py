"""Text files of people and their tools: in which encoding, and of which dialect of CSV."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Collection, Iterator

from yolo_koin.dataset.ids import nfc

NO_TEXT = "no text in UTF-8, UTF-16 or CP949"
DELIMITERS = ",;\t|"  # a comma where it is as good as another
_SEPARATOR_LINE = re.compile(r"\s*\"?sep=([,;\t|])\"?\s*(?:\r\n|\r|\n|$)", re.IGNORECASE)  # what Excel reads and writes
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def decode(data: bytes, said: str = "") -> str | None:
    """The text, or None where the bytes are none.

    UTF-8 and UTF-16, with or without a mark, and the CP949 of a Korean Windows, which is what EUC-KR files are in fact.

    Args:
        data: the file.
        said: the encoding that the file itself names, tried before CP949.
    """
    for encoding in (*_marked(data), "utf-8-sig", *_known(said), "cp949"):
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text.removeprefix("\ufeff")
    return None


def rows(text: str, columns: Collection[str]) -> Iterator[tuple[int, list[str] | csv.Error]]:
    """The rows of a table with the number of their line, cells stripped and NFC; in place of one that is none, the reason.

    Args:
        text: of the file.
        columns: what its head should have: the delimiter is the one with which it has most of them.
    """
    skipped, delimiter, text = _dialect(text, columns)
    lines = csv.reader(io.StringIO(text, newline=None), delimiter=delimiter, skipinitialspace=delimiter != "\t", strict=True)
    while True:
        try:
            cells = [nfc(cell.strip()) for cell in next(lines)]
        except StopIteration:
            return
        except csv.Error as error:  # the reader goes on with the next line
            yield lines.line_num + skipped, error
        else:
            if any(cells):
                yield lines.line_num + skipped, cells


def decimal(cell: str) -> str:
    """A number of a spreadsheet that writes commas, with a point."""
    return cell.replace(",", ".") if cell.count(",") == 1 and "." not in cell else cell


def _dialect(text: str, columns: Collection[str]) -> tuple[int, str, str]:
    """How many lines come before the table, its delimiter, and the table."""
    if match := _SEPARATOR_LINE.match(text):
        return 1, match[1], text[match.end() :]
    head = next((line for line in text.splitlines() if line.strip()), "")

    def fitting(delimiter: str) -> int:
        return len({cell.strip().strip('"').strip().lower() for cell in head.split(delimiter)} & set(columns))

    return 0, max(DELIMITERS, key=fitting), text


def _marked(data: bytes) -> tuple[str, ...]:
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return (encoding,)
    if len(data) % 2 == 0 and data[:2].count(0) == 1:  # UTF-16 without a mark: of two bytes of a brace, bracket or letter, one is zero
        return ("utf-16-be",) if data[0] == 0 else ("utf-16-le",)
    return ()


def _known(encoding: str) -> tuple[str, ...]:
    try:
        return (codecs.lookup(encoding).name,) if encoding else ()
    except LookupError:
        return ()
