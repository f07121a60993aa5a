"""What the command line shows: results on stdout, progress on stderr. Imports nothing heavy at module level."""

from __future__ import annotations

import json
import sys
import time
import unicodedata
from collections.abc import Sequence
from dataclasses import is_dataclass
from typing import Any

import typer

from yolo_koin.parallel import Progress, Step

CALLED = {"top1": "top-1", "map50": "mAP@0.5"}  # what chooses the best epoch
SECONDS_BETWEEN_LINES = 60.0


def say(as_json: bool, result: Any, head: Sequence[str], rows: Sequence[Sequence[object]], *lines: object) -> None:
    """Print a result: a table and lines, or JSON.

    Args:
        as_json: print the whole result as JSON, and nothing else.
        result: what the verb returned.
        head, rows: the table; none where ``head`` is empty.
        lines: below the table.
    """
    if as_json:
        print(json.dumps(_plain(result), indent=2, ensure_ascii=False))
        return
    if head:
        cells = [tuple(map(str, row)) for row in (head, *rows)]
        widths = [max(map(_width, column)) for column in zip(*cells, strict=True)]
        for row in cells:
            padded = (cell + " " * (width - _width(cell)) for cell, width in zip(row, widths, strict=True))
            print("  ".join(padded).rstrip())
    for line in lines:
        print(line)


def _width(text: str) -> int:
    """Columns that a text takes in a terminal: a Hangul syllable takes two."""
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return {key: _plain(getattr(value, key)) for key in value.__dataclass_fields__}
    if hasattr(value, "to_dict"):  # a pandas frame, without importing pandas
        return json.loads(value.to_json(orient="records"))
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item) for item in value]
    return value if value is None or isinstance(value, str | int | float | bool) else str(value)


class bar:  # noqa: N801  # reads as a function
    """A progress bar on stderr; ``with`` gives what a verb reports its steps to. Where stderr is no terminal, a line a minute.

    Args:
        remedy: how to go on after Ctrl-C.
    """

    def __init__(self, remedy: str = "") -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as RichProgress

        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[note]}"),
        )
        self._console = Console(stderr=True)
        self._progress = RichProgress(*columns, console=self._console, transient=True)
        self._next_line = time.monotonic() + SECONDS_BETWEEN_LINES
        self.remedy = remedy

    def __enter__(self) -> Progress:
        self._progress.start()
        self._task = self._progress.add_task("starting", total=None, note="")
        return self.show

    def show(self, step: Step) -> None:
        """Show how far the work is; a cell that begins gets a line of its own."""
        if step.what == "cell":
            print(f"cell {step.done} of {step.of}: {step.note}", file=sys.stderr)
            return
        self._progress.update(self._task, description=step.what, completed=step.done, total=step.of, note=step.note)
        if not self._console.is_terminal and time.monotonic() >= self._next_line:
            self._next_line = time.monotonic() + SECONDS_BETWEEN_LINES
            print(f"{step.what} {step.done} of {step.of}  {step.note}".rstrip(), file=sys.stderr)

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._progress.stop()
        if kind is not None and issubclass(kind, KeyboardInterrupt):
            print(f"yolo_koin: interrupted; what is written is whole. {self.remedy}", file=sys.stderr)
            raise typer.Exit(130)
