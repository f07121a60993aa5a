"""Work on many photos at once, in order, with bounded memory; and how its progress is told."""

from __future__ import annotations

import contextlib
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Generic, TypeVar

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


class Latest(threading.local, Generic[R]):
    """What each thread made last: of the items that a thread works on one after the other, neighbours often need the same thing."""

    def __init__(self) -> None:
        self._made: tuple[object, R] | None = None

    def of(self, key: object, make: Callable[[], R]) -> R:
        """What this thread made last, where that was for this key; else it is made now."""
        if self._made is None or self._made[0] != key:
            self._made = key, make()
        return self._made[1]


def in_threads(work: Callable[[T], R], items: Iterable[T], workers: int | None = None, ahead: int = 8) -> Generator[R, None, None]:
    """Map in order over a pool of threads, a bounded number of items ahead. Pillow and OpenCV let other threads run while they compute.

    The items are taken by the thread that iterates, so one such map over the results of another is a pipeline whose stages overlap. Leaving
    the iteration early, by Ctrl-C too, drops what has not begun. ``ahead`` of the one that is taken, for each worker.
    """
    count = workers or cores()
    pool = ThreadPoolExecutor(count)
    try:
        waiting: deque[Future[R]] = deque()
        for item in items:
            waiting.append(pool.submit(work, item))
            if len(waiting) >= ahead * count:
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
