"""Faces of many photo files: read once, decoded no larger than the detector needs, all cores busy, no photo looked at twice."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from yolo_koin.dataset.images import RGB, PhotoError, open_photo, read_photo
from yolo_koin.faces.cache import FaceCache
from yolo_koin.faces.protocol import Face, FaceDetector, Found, dominant
from yolo_koin.geometry import Box
from yolo_koin.parallel import Progress, counted, in_threads, silent

__all__ = ["FaceFinder", "Found", "find_faces"]

VERSION = 1  # of how a file becomes what a detector sees: raise it when faces would come out otherwise


@dataclass(frozen=True, slots=True)
class Decoded:
    """A photo that is to be looked at.

    Attributes:
        pixels: upright, perhaps reduced.
        width, height: of the upright photo at its full size.
        sha256: of the file's bytes.
    """

    pixels: RGB
    width: int
    height: int
    sha256: str


def find_faces(
    paths: Sequence[Path],
    detector: FaceDetector,
    cache: FaceCache | None = None,
    workers: int | None = None,
    progress: Progress = silent,
) -> Generator[Found, None, None]:
    """Look for the faces of photo files, in order. A photo that cannot be read is told of, not raised.

    What was found is in the cache however the iteration ends, by Ctrl-C too.

    Args:
        paths: the photos; they are only read.
        detector: what looks.
        cache: what was found before, and where it is kept; the caller closes it.
        workers: threads; all cores when None.
        progress: is told of each photo.

    Raises:
        RunError: the cache cannot be used.
    """
    chunks = [paths[start : start + detector.batch] for start in range(0, len(paths), detector.batch)]
    with contextlib.ExitStack() as stack:
        stack.enter_context(_one_thread_each())
        if cache:
            stack.callback(cache.flush)
        looked = in_threads(partial(_look, detector=detector, cache=cache), chunks, workers)
        stack.callback(looked.close)  # first of all, so that what is still being looked at is kept too
        yield from counted(chain.from_iterable(looked), len(paths), "looking for faces", progress)


class FaceFinder:
    """A face detector and what it found before, for photos that come one at a time. Threads may share it.

    Use it in a ``with`` block: OpenCV then computes in the calling thread alone, and what was found is kept when the block ends.

    Args:
        detector: what looks.
        cache: where it is kept; None keeps nothing.
    """

    def __init__(self, detector: FaceDetector, cache: Path | None = None) -> None:
        self.detector = detector
        self._place, self._cache = cache, None if cache is None else FaceCache(cache)
        self._held = contextlib.ExitStack()

    def __enter__(self) -> FaceFinder:
        self._held.enter_context(_one_thread_each())
        if self._cache:
            self._held.callback(self._cache.close)
        return self

    def __exit__(self, *_: object) -> None:
        self._held.close()

    def keep(self) -> None:
        """Write down what was found, before whoever asked is done."""
        if self._cache:
            self._cache.flush()

    def known(self, sha256: str) -> Found | None:
        """What was found before in the photo of this hash; None when nobody has looked yet."""
        return self._cache.get(sha256, _key(self.detector)) if self._cache else None

    def look(self, photo: Path | bytes) -> Found:
        """The faces of a photo; one that cannot be read is told of, not raised."""
        return _look([photo], self.detector, self._cache)[0]

    def look_at_all(self, photos: Sequence[Path], workers: int | None = None, progress: Progress = silent) -> Generator[Found, None, None]:
        """The faces of many photos, see :func:`find_faces`."""
        return find_faces(photos, self.detector, self._cache, workers, progress)

    def dominant(self, photo: Path | bytes) -> Box | None:
        """The box of the face that a photo is about, in pixels of the upright original; None without a face."""
        face = dominant(self.look(photo).faces)
        return face.box if face else None

    def look_at(self, photo: Image.Image) -> tuple[Face, ...]:
        """The faces of an upright photo that was changed on purpose, in its own pixels; nothing is kept of them."""
        pixels = np.asarray(_reduced(photo, self.detector.longest))
        return _found(Decoded(pixels, *photo.size, ""), self.detector.detect(pixels)).faces


def _key(detector: FaceDetector) -> str:
    return f"{detector.key} {VERSION}"


def _look(paths: Sequence[Path | bytes], detector: FaceDetector, cache: FaceCache | None) -> list[Found]:
    """What is found in as many photos as the detector takes at once."""
    key = _key(detector)
    read = [_read(path, detector.longest, key, cache) for path in paths]
    new = [photo for photo in read if isinstance(photo, Decoded)]
    looked = {id(photo): _found(photo, faces) for photo, faces in zip(new, detector.detect_batch([p.pixels for p in new]), strict=True)}
    if cache:
        for found in looked.values():
            cache.put(key, found)
    return [looked[id(photo)] if isinstance(photo, Decoded) else photo for photo in read]


def _read(photo: Path | bytes, longest: int, key: str, cache: FaceCache | None) -> Found | Decoded:
    """A photo to look at, or what is known of it without."""
    sha256 = ""
    try:
        content = photo if isinstance(photo, bytes) else read_photo(photo)
        sha256 = hashlib.sha256(content).hexdigest()
        if known := cache.get(sha256, key) if cache else None:
            return known
        image, (width, height) = open_photo(content, longest=longest)
    except PhotoError as error:
        return Found((), 0, 0, sha256, str(error))
    return Decoded(np.asarray(_reduced(image, longest)), width, height, sha256)


def _reduced(image: Image.Image, longest: int) -> Image.Image:
    """A photo that is no JPEG and so was decoded whole, about as small as the detector needs: a batch of them would fill the memory."""
    step = max(image.size) // longest
    return image.reduce(step) if step > 1 else image


def _found(photo: Decoded, faces: Sequence[Face]) -> Found:
    """The faces in pixels of the photo at its full size."""
    height, width = photo.pixels.shape[:2]
    across, down = photo.width / width, photo.height / height
    return Found(tuple(face.scaled(across, down) for face in faces), photo.width, photo.height, photo.sha256)


@contextlib.contextmanager
def _one_thread_each() -> Iterator[None]:
    """Let OpenCV compute in the calling thread alone: several photos at once keep the cores busier than several threads at one."""
    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(before)
