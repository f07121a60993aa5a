from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from yolo_koin.reporting.document import Block, Figure, Gallery, Heading, Table, Text, files_of, markdown, markdown_table


def test_a_table() -> None:
    frame = pd.DataFrame({"run": ["n", "YOLOv8n"], "top-1": [0.9712345678, None], "n": [80, 3]}, index=[7, 8])
    assert markdown_table(frame) == (
        "| run     |    top-1 |   n |\n| ------- | -------: | --: |\n| n       | 0.971235 |  80 |\n| YOLOv8n |          |   3 |\n"
    )


@pytest.mark.parametrize(
    ("value", "cell"),
    [("a|b", r"a\|b"), ("a\\|b", r"a\\\|b"), ("a\nb", "a b"), ("0007", "0007"), (pd.NA, ""), (None, ""), (True, "True")],
    ids=["pipe", "backslash before a pipe", "line break", "a label that looks like a number", "missing", "None", "truth"],
)
def test_cells(value: object, cell: str) -> None:
    last = markdown_table(pd.DataFrame({"x": pd.Series([value], dtype=object)})).splitlines()[-1]
    assert last[2:-2].strip() == cell


def test_no_rows() -> None:
    assert markdown_table(pd.DataFrame(columns=["a", "b"])).count("\n") == 2


def test_two_columns_of_one_name() -> None:
    frame = pd.DataFrame([[1, 2]], columns=["x", "x"])
    assert "|   1 |   2 |" in markdown_table(frame)


def test_blocks_as_markdown() -> None:
    """Paths are relative to the page, and a blank line separates blocks."""
    blocks: list[Block] = [
        Heading("Results", 1),
        Table(pd.DataFrame({"n": [80]}), "All of them."),
        Text("Brackets: [95 %]"),
        Figure(Path("run/figures/a b.png"), "what it shows"),
        Gallery((Path("run/1.png"), Path("run/2.png"))),
    ]
    assert markdown(blocks, Path("run")) == (
        "# Results\n\nAll of them.\n\n|   n |\n| --: |\n|  80 |\n\nBrackets: [95 %]\n\n"
        "![what it shows](figures/a%20b.png)\n\nwhat it shows\n\n![](1.png)\n![](2.png)\n"
    )


def test_files_of_a_report_are_its_pictures_twice() -> None:
    blocks: list[Block] = [Text("t"), Figure(Path("mask-0.3.png")), Gallery((Path("b.png"),))]
    assert [path.name for path in files_of(blocks)] == ["mask-0.3.png", "mask-0.3.pdf", "b.png", "b.pdf"]


def test_marked_cells_are_bold_and_a_long_table_is_folded() -> None:
    short = Table(pd.DataFrame({"a": ["x", "y|"]}), marked=frozenset({(1, 0)}))
    assert markdown([short], Path()) == "| a       |\n| ------- |\n| x       |\n| **y\\|** |\n"
    long = markdown([Table(pd.DataFrame({"a": range(41)}), "All.")], Path(), "ko")
    assert long.startswith("All.\n\n<details><summary>41행</summary>\n\n|   a |\n")
    assert long.endswith("|  40 |\n\n</details>\n")
