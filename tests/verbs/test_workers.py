"""A process for each device: one that dies is a line and is started anew, a Ctrl-C ends all and begins nothing."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator

import pytest

from yolo_koin.errors import RunError
from yolo_koin.verbs.workers import DEVICE, Worker

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="signals are others here")


def work(asked: str) -> str:
    if asked == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    if asked == "interrupt":
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(60)
    if asked == "long":
        time.sleep(60)
    return f"{asked} on {os.environ[DEVICE]} by {os.getpid()}"


@pytest.fixture
def worker() -> Iterator[Worker[str, str]]:
    worker = Worker(work, "cpu")
    yield worker
    worker.stop()


def test_a_process_that_dies_is_started_anew(worker: Worker[str, str]) -> None:
    first, second = worker.do("a"), worker.do("b")
    assert isinstance(first, str)
    assert isinstance(second, str)
    assert first.removeprefix("a on cpu by ") == second.removeprefix("b on cpu by "), "one process does both"
    died = worker.do("die")
    assert isinstance(died, RunError)
    assert "its process died (exit code -9)" in str(died)
    assert str(worker.do("c")).startswith("c on cpu by ")


def test_after_an_interrupt_nothing_is_begun(worker: Worker[str, str]) -> None:
    for asked in ("interrupt", "a"):
        with pytest.raises(KeyboardInterrupt):
            worker.do(asked)


def test_stopping_ends_what_is_being_done(worker: Worker[str, str]) -> None:
    worker.do("a")
    stopper = threading.Timer(0.2, worker.stop)
    stopper.start()
    begun = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        worker.do("long")
    assert time.monotonic() - begun < 30
