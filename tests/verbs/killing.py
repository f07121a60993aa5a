"""A process that runs commands in forks of itself and kills them at a rename: torch is imported once, not for every kill.

It reads a line of JSON for each command: ``folder`` to work in, ``arguments`` of the command line, ``at`` which rename it is to be
killed (0: at none), ``after`` the rename or before it. It answers with a line: ``signal``, ``code``, ``renames`` and ``output``.
"""

from __future__ import annotations

import importlib
import json
import os
import pkgutil
import signal
import sys
import tempfile
import threading
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yolo_koin
from yolo_koin.cli import main as command_line

PEOPLE = 4  # of the built-in faces, which are forty


class Renames:
    """Counts renames, in all threads, and ends the process at one of them."""

    def __init__(self, at: int, after: bool) -> None:
        self.at, self.after, self.count = at, after, 0
        self._lock = threading.RLock()
        self._inside = threading.local()

    def wrap(self, rename: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*places: Any, **more: Any) -> Any:
            if getattr(self._inside, "yes", False):  # Path.replace() calls os.replace()
                return rename(*places, **more)
            self._inside.yes = True
            try:
                with self._lock:
                    self.count += 1
                    if self.count == self.at and not self.after:
                        os.kill(os.getpid(), signal.SIGKILL)
                    done = rename(*places, **more)
                    if self.count == self.at:
                        os.kill(os.getpid(), signal.SIGKILL)
                    return done
            finally:
                self._inside.yes = False

        return counted


def run(folder: str, arguments: list[str], at: int, after: bool, report: Path) -> None:
    """Run one command and end this process."""
    os.chdir(folder)
    renames = Renames(at, after)
    for place, name in ((os, "replace"), (os, "rename"), (Path, "replace"), (Path, "rename")):
        setattr(place, name, renames.wrap(getattr(place, name)))
    code = 0
    with report.open("w", encoding="utf-8", buffering=1) as stream:
        sys.stdout = sys.stderr = stream
        sys.argv = ["yolo_koin", *arguments]
        try:
            command_line()
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 1
        except BaseException:
            traceback.print_exc()
            code = 1
        stream.write(f"\n{renames.count}")
    os._exit(code)


def serve() -> None:
    for module in pkgutil.walk_packages(yolo_koin.__path__, "yolo_koin."):
        if not module.name.endswith(("__main__", "standalone")):  # which are programs
            importlib.import_module(module.name)
    setattr(importlib.import_module("yolo_koin.synthetic.att"), "PEOPLE", PEOPLE)  # noqa: B010
    setattr(importlib.import_module("yolo_koin.models.fit.loop"), "SAVE_EVERY", 0.0)  # noqa: B010  # else it depends on how fast it is
    style = importlib.import_module("yolo_koin.reporting.style")
    style._SETTINGS["pdf.fonttype"] = 3  # to embed whole fonts takes most of the time that a report takes
    report = Path(tempfile.mkdtemp()) / "report"
    _say("ready")
    for line in sys.stdin:
        order = json.loads(line)
        child = os.fork()
        if not child:
            run(**order, report=report)
        _, status = os.waitpid(child, 0)
        output, _, count = report.read_text(encoding="utf-8").rpartition("\n")
        ended = os.WIFEXITED(status)
        answer = {
            "signal": 0 if ended else os.WTERMSIG(status),
            "code": os.WEXITSTATUS(status) if ended else None,
            "renames": int(count) if ended else 0,
            "output": output,
        }
        _say(json.dumps(answer))
    report.unlink(missing_ok=True)
    report.parent.rmdir()


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    serve()
