"""Work on many photos at once, in order, with bounded memory; and how its progress is told."""

from __future__ import annotations

import contextlib
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

from yolo_koin.environment import cores

T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Step:
    """How far a piece of work is.

    Attributes:
        what: is being done: ``preparing photos``, ``epoch``, ``cell``.
        done, of: how many are done, and how many there are.
        note: what else is known now, such as the loss.
    """

    what: str
    done: int
    of: int
    note: str = ""


Progress = Callable[[Step], None]


def silent(step: Step) -> None:
    """Nobody is told: the progress of a call that names none."""


def counted(items: Iterable[T], of: int, what: str, progress: Progress) -> Iterator[T]:
    """The items, each reported once the caller is done with it."""
    for done, item in enumerate(items, 1):
        yield item
        progress(Step(what, done, of))


def in_threads(work: Callable[[T], R], items: Iterable[T], workers: int | None = None) -> Generator[R, None, None]:
    """Map in order over a pool of threads, a bounded number of items ahead. Pillow and OpenCV let other threads run while they compute.

    The items are taken by the thread that iterates, so one such map over the results of another is a pipeline whose stages overlap. Leaving
    the iteration early, by Ctrl-C too, drops what has not begun.
    """
    count = workers or cores()
    pool = ThreadPoolExecutor(count)
    try:
        waiting: deque[Future[R]] = deque()
        for item in items:
            waiting.append(pool.submit(work, item))
            if len(waiting) >= 8 * count:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


@contextlib.contextmanager
def stopwatch(into: dict[str, float], stage: str) -> Iterator[None]:
    """Add the seconds that the block took to ``into[stage]``."""
    start = time.perf_counter()
    try:
        yield
    finally:
        into[stage] = round(into.get(stage, 0.0) + time.perf_counter() - start, 3)
