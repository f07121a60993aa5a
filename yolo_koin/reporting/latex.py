r"""A report as LaTeX, to be read in with ``\input``: booktabs tables and figures, every text escaped."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from yolo_koin.reporting.document import LONG, Block, Failures, Figure, Heading, Table, Text, cell_text, is_number, printed
from yolo_koin.specs import Language

NEEDED = "% Needs \\usepackage{booktabs,graphicx}; Korean needs XeLaTeX and \\usepackage{kotex}.\n"
SECTIONS = {1: "section", 2: "subsection", 3: "subsubsection"}
SIGNS = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    "[": "{[}",  # after a line break it would begin an argument
    "]": "{]}",
    "-": "{-}",  # two would become a dash
    "±": r"\ensuremath{\pm}",
    "→": r"\ensuremath{\rightarrow}",
    "−": r"\ensuremath{-}",
    **{sign: f"\\{sign}" for sign in "&%$#_{}"},
}
FITTED = r"\resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}{%"
SPECIAL = re.compile("|".join(re.escape(sign) for sign in SIGNS))


def latex(blocks: Sequence[Block], folder: Path, lang: Language = "en") -> str:
    """The report for a file in this folder, in this language; figures are the PDFs beside the PNGs."""
    return NEEDED + "\n".join(f"\n{_latex(block, folder)}" for block in printed(blocks, lang))


def escaped(text: str) -> str:
    """A text of anybody's, as LaTeX prints it."""
    return SPECIAL.sub(lambda found: SIGNS[found[0]], " ".join(text.split()))


def _latex(block: Block, folder: Path) -> str:
    if isinstance(block, Heading):
        return f"\\{SECTIONS.get(block.level, 'paragraph')}{{{escaped(block.text)}}}\n"
    if isinstance(block, Text):
        return f"{escaped(block.text)}\n"
    assert not isinstance(block, Failures)
    if isinstance(block, Table):
        return _table(block)
    return "\n".join(_figure(path, block.caption, folder) for path in ((block.path,) if isinstance(block, Figure) else block.paths))


def _figure(path: Path, caption: str, folder: Path) -> str:
    """The file's name is not escaped: it is one of ours, and ``detokenize`` keeps what the folders around it are called."""
    file = Path(os.path.relpath(path.with_suffix(".pdf"), folder)).as_posix()
    picture = f"\\includegraphics[width=\\linewidth,height=.8\\textheight,keepaspectratio]{{\\detokenize{{{file}}}}}"
    return f"\\begin{{figure}}[htbp]\n\\centering\n{picture}\n\\caption{{{escaped(caption)}}}\n\\end{{figure}}\n"


def _table(table: Table) -> str:
    """A table as wide as it is, or as the text where it is wider; a long one is several, a page each at most."""
    columns = "".join("r" if is_number(table.frame.iloc[:, i]) else "l" for i in range(table.frame.shape[1]))
    heads = " & ".join(escaped(str(name)) for name in table.frame)
    rows = [f"{' & '.join(cells)} \\\\" for cells in _rows(table.frame, table.marked)]
    parts = [rows[start : start + LONG] for start in range(0, len(rows), LONG)] or [[]]
    texts = []
    for number, part in enumerate(parts, 1):
        caption = " ".join(filter(None, [table.caption, f"({number}/{len(parts)})" if len(parts) > 1 else ""]))
        lines = ("\\toprule", f"{heads} \\\\", "\\midrule", *part, "\\bottomrule")
        body = "\n".join([f"\\begin{{tabular}}{{{columns}}}", *lines, "\\end{tabular}"])
        told = [f"\\caption{{{escaped(caption)}}}"] if caption else []
        texts.append("\n".join(["\\begin{table}[htbp]", "\\centering\\small", *told, FITTED, f"{body}}}", "\\end{table}\n"]))
    return "\\clearpage\n".join(texts)


def _rows(frame: pd.DataFrame, marked: frozenset[tuple[int, int]]) -> list[list[str]]:
    texts = [[escaped(cell_text(value)) for value in row] for row in frame.itertuples(index=False, name=None)]
    return [
        [f"\\textbf{{{text}}}" if (row, place) in marked else text for place, text in enumerate(cells)] for row, cells in enumerate(texts)
    ]
