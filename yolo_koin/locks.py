"""Folders that one call at a time writes to, on one machine or on several that share a disk, as far as filelock reaches."""

from __future__ import annotations

import contextlib
import logging
import os
import platform
import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout

from yolo_koin.files import unfinished, writing

TEMPORARY = re.compile(r"\.[0-9a-f]{16}(\..*)?")  # names that yolo_koin.files gives to what is not whole yet
LOCK = re.compile(r"\..+\.lock")
SIGNING = 20  # looks at a lock, a twentieth of a second apart, until its holder has signed it


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep a folder for this call while the block runs; other processes, and other threads, wait for it.

    A process that has died holds nothing; what it left half written is removed.

    Raises:
        RunError: the lock cannot be written.
    """
    path = _lock_of(folder)
    with writing(folder):
        path.parent.mkdir(parents=True, exist_ok=True)
        lock, left = FileLock(path, thread_local=False), path.exists()
        try:
            lock.acquire(blocking=False)
        except Timeout:
            logging.getLogger(__name__).warning("waiting for %s, which is writing %s", _holder(path), folder)
            lock.acquire()
            left = False
        path.write_text(f"process {os.getpid()} on {platform.node()}", encoding="utf-8")
        if left:  # whoever ends well removes it
            _sweep(folder)
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            path.unlink()  # while it is held: whoever waits sees that the file is gone, and makes a new one
        lock.release()


def is_held(folder: Path) -> bool:
    """Whether some process keeps a folder at this moment."""
    path = _lock_of(folder)
    if not path.is_file():
        return False
    try:
        with FileLock(path, thread_local=False).acquire(blocking=False):
            return False
    except (OSError, Timeout):
        return True


def tidy(folder: Path) -> None:
    """Remove what a process left that was killed when all was done but letting go: its lock, and what is not whole.

    For a folder that nobody is going to write to, since it is finished. Where another process holds it nothing is done.
    """
    path = _lock_of(folder)
    if path.is_file():
        with contextlib.suppress(OSError, Timeout), FileLock(path, thread_local=False).acquire(blocking=False):
            _sweep(folder)
            path.unlink()


def _lock_of(folder: Path) -> Path:
    return folder.absolute().parent / f".{folder.absolute().name}.lock"


def _holder(path: Path) -> str:
    for _ in range(SIGNING):
        with contextlib.suppress(OSError, UnicodeDecodeError):
            if told := path.read_text(encoding="utf-8"):
                return told
        time.sleep(0.05)  # it holds the lock since a moment, and is about to sign
    return "another process"


def _sweep(folder: Path) -> None:
    """Remove what a killed process left under temporary names, and its locks on folders within."""
    if unfinished(folder).is_file():
        unfinished(folder).unlink()
    shutil.rmtree(unfinished(folder), ignore_errors=True)
    for place, _, names in os.walk(folder):
        for path in (Path(place, name) for name in names):
            if TEMPORARY.fullmatch(path.name):
                path.unlink(missing_ok=True)
            elif LOCK.fullmatch(path.name):
                tidy(path.with_name(path.name[1 : -len(".lock")]))
