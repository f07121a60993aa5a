"""Tables as text."""

from __future__ import annotations

import pandas as pd


def markdown_table(summary: pd.DataFrame) -> str:
    """A GitHub table of a frame: columns of numbers to the right, missing values empty, the index left out.

    Text is shown as it stands, save for what would break the table: pipes and backslashes are escaped, and line breaks become
    spaces. Numbers are not rounded beyond six significant digits; round or format them before.
    """
    columns = [_column(str(name), summary.iloc[:, i]) for i, name in enumerate(summary.columns)]
    rows = zip(*columns, strict=True)
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _column(name: str, values: pd.Series) -> list[str]:
    """A column's cells, heading and rule first, padded so that the source reads as a table too."""
    number = pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values)
    cells = [_escape(name), *(_escape(_text(value)) for value in values)]
    width = max(3, *(len(cell) for cell in cells))
    padded = [cell.rjust(width) if number else cell.ljust(width) for cell in cells]
    return [padded[0], "-" * (width - 1) + (":" if number else "-"), *padded[1:]]


def _text(value: object) -> str:
    if value is None or value is pd.NA or value != value:  # only a NaN differs from itself
        return ""
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _escape(text: str) -> str:
    return " ".join(text.split()).replace("\\", "\\\\").replace("|", "\\|")
