"""What the command line shows: results on stdout, progress on stderr. Imports nothing heavy at module level."""

from __future__ import annotations

import contextlib
import io
import json
import math
import os
import sys
import time
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import is_dataclass
from typing import TYPE_CHECKING, Any

import typer

from yolo_koin.errors import RunError

if TYPE_CHECKING:
    from yolo_koin.parallel import Progress, Step

SECONDS_BETWEEN_LINES = 60.0
LINES = {"cell": "cell {done} of {of}: {note}", "continuing": "continuing from epoch {done} of {of}"}  # by what begins
NOBODY_READS = 141  # exit code when the reader of a pipe has gone, as of programs that the signal ends


# --------------------------------------------------------------------------------------------------------------- streams
class Stream(io.TextIOWrapper):
    """stdout or stderr: writes any text in any encoding, and ends in one line or in silence where nobody takes what is written.

    Attributes:
        silent: whether what cannot be written is passed over; else the program ends.
    """

    silent = False

    def write(self, text: str) -> int:
        """Write, or end. Writing nothing is how some ask what kind of stream this is, and pass over what it answers."""
        if text == "":
            return 0
        try:
            return super().write(text)
        except OSError as error:
            self._lost(error)
            return len(text)

    def flush(self) -> None:
        """Flush, or end."""
        try:
            super().flush()
        except OSError as error:
            self._lost(error)

    def _lost(self, error: OSError) -> None:
        with contextlib.suppress(OSError):  # what still waits in the buffers goes nowhere, and complains of nothing
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self.fileno())
            os.close(nowhere)
        if self.silent:
            return
        if isinstance(error, BrokenPipeError):
            raise SystemExit(NOBODY_READS)
        why = error.strerror or "the output is closed"
        what = f"cannot print the result ({why})"
        raise RunError(what, "stdout", "Free some space. Files that were written are whole: see yolo_koin runs.")


@contextlib.contextmanager
def open_streams() -> Iterator[None]:
    """Let stdout and stderr take any text while the block runs, closed or full ones too."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:  # closed, or a program without a console
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: PTH123, SIM115
        elif type(stream) is io.TextIOWrapper:
            errors = "backslashreplace" if stream.errors in {"strict", "surrogateescape"} else stream.errors
            ours = Stream(stream.buffer, stream.encoding, errors, line_buffering=stream.line_buffering, write_through=stream.write_through)
            ours.silent = name == "stderr"
            setattr(sys, name, ours)
    try:
        yield
    finally:
        if isinstance(sys.stdout, Stream):
            sys.stdout.silent = True  # Python flushes once more when it ends


def print_error(error: object) -> None:
    """Print a mistake of the user."""
    print(f"yolo_koin: {error}", file=sys.stderr)


# --------------------------------------------------------------------------------------------------------------- results


def say(as_json: bool, result: Any, head: Sequence[str], rows: Sequence[Sequence[object]], *lines: object) -> None:
    """Print a result: a table and lines, or JSON.

    Args:
        as_json: print the whole result as JSON, and nothing else.
        result: what the verb returned.
        head, rows: the table; none where ``head`` is empty.
        lines: below the table.
    """
    if as_json:
        if isinstance(sys.stdout, io.TextIOWrapper):  # JSON is UTF-8; a byte of a file's name that is none is written as JSON escapes it
            sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace")
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
        return {key: _plain(getattr(value, key)) for key in value.__dataclass_fields__ if not key.startswith("_")}
    if hasattr(value, "to_dict"):  # a pandas frame, without importing pandas
        return json.loads(value.to_json(orient="records"))
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item) for item in value]
    if hasattr(value, "item"):  # a number of numpy's
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None  # JSON has no word for it
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
        self._is_terminal = self._console.is_terminal
        self._progress = RichProgress(*columns, console=self._console, transient=True, disable=not self._is_terminal)
        self._next_line = time.monotonic() + SECONDS_BETWEEN_LINES
        self.remedy = remedy

    def __enter__(self) -> Progress:
        self._progress.start()
        self._task = self._progress.add_task("starting", total=None, note="")
        return self.show

    def show(self, step: Step) -> None:
        """Show how far the work is; what begins a longer work gets a line of its own."""
        if step.what in LINES:
            print(LINES[step.what].format(done=step.done, of=step.of, note=step.note), file=sys.stderr)
            return
        if self._is_terminal:
            self._progress.update(self._task, description=step.what, completed=step.done, total=step.of, note=step.note)
        elif time.monotonic() >= self._next_line:
            self._next_line = time.monotonic() + SECONDS_BETWEEN_LINES
            print(f"{step.what} {step.done} of {step.of}  {step.note}".rstrip(), file=sys.stderr)

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._progress.stop()
        if kind is not None and issubclass(kind, KeyboardInterrupt):
            print(f"yolo_koin: interrupted; what is written is whole. {self.remedy}", file=sys.stderr)
            raise typer.Exit(130)
