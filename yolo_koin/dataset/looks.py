"""One look at every photo of a dataset: what an audit needs to know of it, kept by the file, so that no photo is decoded twice."""

from __future__ import annotations

import contextlib
import hashlib
import json
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from yolo_koin.dataset.copies import likeness
from yolo_koin.dataset.decoding import MENDED
from yolo_koin.dataset.images import PhotoError, open_photo, read_photo
from yolo_koin.dataset.koin import Sample
from yolo_koin.dataset.metadata import metadata_of
from yolo_koin.dataset.state import file_identity
from yolo_koin.errors import RunError
from yolo_koin.files import writing
from yolo_koin.parallel import Progress, counted, in_threads, silent

VERSION = 1  # of a look: raise it when one would come out otherwise
THUMBNAIL = 48  # px: side of the grey thumbnail, into which the whole photo is squeezed
SEEN_AT = 112  # px: shorter side at which sharpness is measured, half of what classifiers usually see; smaller photos stay as they are
# Likeness from which photos of like fingerprints are copies. Of 600 pairs of training photos of one person, 21 have like fingerprints, and
# three of those come to it; small photos that were compressed with quality 50 come to 0.958.
LIKELY = 0.95
BATCH = 256  # looks that are written at once
PATIENCE = 60.0  # seconds to wait for another process that writes

SCHEMA = """CREATE TABLE IF NOT EXISTS looks (file TEXT PRIMARY KEY, facts TEXT, thumbnail BLOB) WITHOUT ROWID"""


@dataclass(frozen=True, slots=True)
class Look:
    """What a look at a photo gave.

    Attributes:
        sha256: of the file's bytes; empty when they cannot be read.
        error: why it cannot be used; empty when it can, and all that follows is of a readable photo.
        width, height: upright, in pixels.
        mended: whether it lacks its end marker.
        shadows, lights: brightness, 0 to 255, that a twentieth of the pixels does not reach, and that a twentieth exceeds.
        sharpness: share of the grey values' standard deviation that is in details of one pixel of a photo :data:`SEEN_AT` high.
        redness, blueness: mean of red, and of blue, less that of green.
        pictures: in the file: more than one where it is animated or has pages.
        private: what its metadata tell about who took it and where, in words; never the values.
        thumbnail: :data:`THUMBNAIL` × :data:`THUMBNAIL` grey values.
    """

    sha256: str = ""
    error: str = ""
    width: int = 0
    height: int = 0
    mended: bool = False
    shadows: float = 0.0
    lights: float = 0.0
    sharpness: float = 0.0
    redness: float = 0.0
    blueness: float = 0.0
    pictures: int = 1
    private: str = ""
    thumbnail: bytes = b""


def look_at(path: Path) -> Look:
    """Read a photo once, and decode it once, reduced as far as its format gives that for nothing."""
    digest = ""
    try:
        content = read_photo(path)
        digest = hashlib.sha256(content).hexdigest()
        image, (width, height) = open_photo(content, at_least=SEEN_AT)
    except PhotoError as error:
        return Look(sha256=digest, error=str(error))
    grey = np.asarray(image.convert("L"))
    red, green, blue = cv2.mean(np.asarray(image))[:3]
    metadata = metadata_of(content)
    shadows, lights = np.percentile(grey, (5, 95))
    return Look(
        sha256=digest,
        width=width,
        height=height,
        mended=MENDED in image.info,
        shadows=float(shadows),
        lights=float(lights),
        sharpness=_sharpness(grey),
        redness=red - green,
        blueness=blue - green,
        pictures=metadata.pictures,
        private=metadata.private,
        thumbnail=_thumbnail(grey).tobytes(),
    )


def look_at_all(
    samples: Sequence[Sample], cache: Path | None = None, workers: int | None = None, progress: Progress = silent
) -> dict[str, Look]:
    """A look at each photo, by image id. However it ends, by Ctrl-C too, what was seen is in the cache.

    Args:
        samples: the photos; they are only read.
        cache: file of earlier looks; made when it is not there. None keeps nothing.
        workers: threads; all cores when None.
        progress: is told of each photo.

    Raises:
        RunError: the cache cannot be used.
    """
    with contextlib.ExitStack() as held:
        kept = held.enter_context(LookCache(cache)) if cache else None
        keys = {s.image: _key(s.path) for s in samples} if kept else {}
        known = {image: look for image, key in keys.items() if kept and key and (look := kept.get(key))}
        found = held.enter_context(contextlib.closing(in_threads(lambda s: known.get(s.image) or look_at(s.path), samples, workers)))
        looks: dict[str, Look] = {}
        for sample, look in counted(zip(samples, found, strict=True), len(samples), "reading photos", progress):
            looks[sample.image] = look
            if kept and sample.image not in known and (key := keys[sample.image]):
                kept.put(key, look)
        return looks


def thumbnails(looks: Sequence[Look]) -> NDArray[np.uint8]:
    """The thumbnails of readable photos: n × :data:`THUMBNAIL` × :data:`THUMBNAIL`."""
    return np.frombuffer(b"".join(look.thumbnail for look in looks), np.uint8).reshape(-1, THUMBNAIL, THUMBNAIL)


def same_photo(paths: Mapping[str, Path]) -> Callable[[str, str], bool]:
    """Whether two photos of like fingerprints, named by their image ids, are copies of each other; one that cannot be read is none."""

    @lru_cache(maxsize=1024)
    def thumbnail(image: str) -> NDArray[np.uint8]:
        return _thumbnail(np.asarray(open_photo(paths[image], at_least=SEEN_AT)[0].convert("L")))

    def same(one: str, other: str) -> bool:
        try:
            return likeness(thumbnail(one), thumbnail(other)) >= LIKELY
        except PhotoError:
            return False

    return same


class LookCache:
    """Looks by what identifies a file, in one SQLite file, for one thread at a time. Losing it costs time only.

    Raises:
        RunError: the file is damaged or cannot be written. Raised by the methods too.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._waiting: dict[str, Look] = {}
        with writing(path):
            path.parent.mkdir(parents=True, exist_ok=True)
        with self._told():
            self._file = sqlite3.connect(path, timeout=PATIENCE)
            self._file.execute(SCHEMA)

    def __enter__(self) -> LookCache:
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self.flush()
        finally:
            self._file.close()

    def get(self, key: str) -> Look | None:
        """The look at a file that is as it was; None when nobody has looked yet."""
        with self._told():
            row = self._file.execute("SELECT facts, thumbnail FROM looks WHERE file = ?", (key,)).fetchone()
            return Look(**json.loads(row[0]), thumbnail=row[1]) if row else None

    def put(self, key: str, look: Look) -> None:
        """Keep a look."""
        self._waiting[key] = look
        if len(self._waiting) >= BATCH:
            self.flush()

    def flush(self) -> None:
        """Write what waits."""
        rows = [(key, json.dumps(_facts(look)), look.thumbnail) for key, look in self._waiting.items()]
        with self._told(), self._file:  # the inner block is a transaction
            self._file.executemany("INSERT OR REPLACE INTO looks VALUES (?, ?, ?)", rows)
        self._waiting.clear()

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, ValueError, TypeError) as error:  # the last two for a damaged row
            raise RunError(f"the file of earlier looks cannot be used ({error})", self.path, "Remove it: it is made anew.") from error


def _facts(look: Look) -> dict[str, object]:
    facts = asdict(replace(look, thumbnail=b""))
    del facts["thumbnail"]
    return facts


def _key(path: Path) -> str:
    """What tells a file from others and from itself when it was changed; empty for one that cannot be asked."""
    try:
        stat = path.stat()
    except OSError:
        return ""
    return json.dumps([VERSION, stat.st_size, stat.st_mtime_ns, *file_identity(stat).values()])


def _thumbnail(grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.asarray(cv2.resize(grey, (THUMBNAIL, THUMBNAIL), interpolation=cv2.INTER_AREA), dtype=np.uint8)


def _sharpness(grey: NDArray[np.uint8]) -> float:
    scale = SEEN_AT / min(grey.shape)
    size = tuple(max(round(scale * length), 1) for length in grey.shape[::-1])
    seen = cv2.resize(grey, size, interpolation=cv2.INTER_AREA) if scale < 1 else grey
    values = seen.astype(np.float32)
    spread = float(values.std())
    return float((values - cv2.GaussianBlur(values, (0, 0), 1.0)).std()) / spread if spread else 0.0
