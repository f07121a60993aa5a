"""A process for each device, in which cells are run one after the other."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
from collections.abc import Callable
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Generic, TypeVar

from yolo_koin.errors import KoinError, RunError

INTERRUPTED = 130  # exit code of a process that got a Ctrl-C
DEVICE = "YOLO_KOIN_DEVICE"  # of the process that runs cells

A = TypeVar("A")
B = TypeVar("B")


class Worker(Generic[A, B]):
    """A process that does one thing after another on a device; one that died is started anew for the next.

    Args:
        work: what it does; a function of a module, and what it takes and gives can be pickled.
        device: where.
    """

    def __init__(self, work: Callable[[A], B], device: str) -> None:
        self._work, self._device = work, device
        self._process: BaseProcess | None = None
        self._ours: Connection | None = None
        self._stopped = False

    def do(self, asked: A) -> B | KoinError:
        """What comes of it; a :class:`RunError` where the process died of it.

        Raises:
            KeyboardInterrupt: somebody pressed Ctrl-C.
        """
        if self._stopped:
            raise KeyboardInterrupt
        if self._process is None or not self._process.is_alive():
            self._start()
        assert self._process is not None
        assert self._ours is not None
        try:
            self._ours.send(asked)
            found: B = self._ours.recv()
            return found
        except (EOFError, OSError):
            self._process.join()
            if self._stopped or self._process.exitcode == INTERRUPTED:
                self._stopped = True
                raise KeyboardInterrupt from None
            return RunError(f"its process died (exit code {self._process.exitcode})", "", "The same command tries it again.")

    def stop(self) -> None:
        """End the process, whatever it is doing, and start none any more."""
        self._stopped = True
        if self._process is not None:
            self._process.terminate()
            self._process.join()

    def _start(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._ours, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(self._work, theirs, self._device), daemon=True)
        self._process.start()
        theirs.close()  # so that we are told when theirs is closed by their end


def _serve(work: Callable[[A], B], theirs: Connection, device: str) -> None:
    """Do what is asked until nobody asks any more."""
    os.environ[DEVICE] = device
    try:
        with contextlib.suppress(EOFError):
            while True:
                theirs.send(work(theirs.recv()))
    except KeyboardInterrupt:
        os._exit(INTERRUPTED)  # the training has written down where it stopped; a traceback tells nobody anything
