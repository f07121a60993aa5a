"""What was found in photos, kept by the hash of their bytes, so that no network looks twice at one photo."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

from yolo_koin.errors import RunError
from yolo_koin.faces.protocol import Face, Found, face_of
from yolo_koin.files import writing

BATCH = 64  # photos that are written at once: a write waits for the disk
PATIENCE = 60.0  # seconds to wait for another process that writes

SCHEMA = """CREATE TABLE IF NOT EXISTS found (
    sha256 TEXT, detector TEXT, width INTEGER, height INTEGER, faces TEXT, PRIMARY KEY (sha256, detector)
) WITHOUT ROWID"""


class FaceCache:
    """Faces by photo and detector, in one SQLite file. Threads may share it, and several processes may use one file at once.

    Close it, or use it in a ``with`` block: what was put in last is written then. Losing the file costs time only.

    Args:
        path: the file; made, with its folder, when it is not there.

    Raises:
        RunError: the file is damaged, is something else, or cannot be written. Raised by the methods too.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._waiting: dict[tuple[str, str], Found] = {}
        with writing(path):
            path.parent.mkdir(parents=True, exist_ok=True)
        with self._told():
            self._file = sqlite3.connect(path, timeout=PATIENCE, check_same_thread=False)
            self._file.execute(SCHEMA)

    def __enter__(self) -> FaceCache:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def get(self, sha256: str, detector: str) -> Found | None:
        """What a detector, named by its key, found in the photo of this hash; None when it has not looked yet."""
        with self._lock, self._told():
            if waiting := self._waiting.get((sha256, detector)):
                return waiting
            query = "SELECT faces, width, height FROM found WHERE sha256 = ? AND detector = ?"
            row = self._file.execute(query, (sha256, detector)).fetchone()
            return Found(_read(row[0]), row[1], row[2], sha256) if row else None

    def put(self, detector: str, found: Found) -> None:
        """Keep what a detector, named by its key, found in a photo."""
        with self._lock:
            self._waiting[found.sha256, detector] = found
            full = len(self._waiting) >= BATCH
        if full:
            self.flush()

    def flush(self) -> None:
        """Write what was put in since the last time; on its own once :data:`BATCH` photos wait."""
        with self._lock, self._told(), self._file:  # the file's own block is a transaction, so that no other process waits long
            if not self._waiting:
                return
            rows = [(sha, detector, f.width, f.height, _written(f.faces)) for (sha, detector), f in self._waiting.items()]
            self._file.executemany("INSERT OR REPLACE INTO found VALUES (?, ?, ?, ?, ?)", rows)
            self._waiting.clear()

    def close(self) -> None:
        """Write what waits, and close the file."""
        try:
            self.flush()
        finally:
            self._file.close()

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, ValueError, TypeError) as error:  # the last two for a damaged list of faces
            raise RunError(f"the file of faces found before cannot be used ({error})", self.path, "Remove it: it is made anew.") from error


def _written(faces: tuple[Face, ...]) -> str:
    return json.dumps([(face.box, face.score, face.landmarks) for face in faces])


def _read(text: str) -> tuple[Face, ...]:
    return tuple(face_of(*face) for face in json.loads(text))
