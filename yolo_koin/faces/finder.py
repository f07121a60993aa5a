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

from yolo_koin.dataset.images import RGB, PhotoError, open_photo, read_photo
from yolo_koin.faces.cache import FaceCache
from yolo_koin.faces.protocol import Face, FaceDetector, Found
from yolo_koin.parallel import Progress, counted, in_threads, silent

__all__ = ["FaceCache", "Found", "find_faces"]

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


def _look(paths: Sequence[Path], detector: FaceDetector, cache: FaceCache | None) -> list[Found]:
    """What is found in as many photos as the detector takes at once."""
    key = f"{detector.key} {VERSION}"
    read = [_read(path, detector.longest, key, cache) for path in paths]
    new = [photo for photo in read if isinstance(photo, Decoded)]
    looked = {id(photo): _found(photo, faces) for photo, faces in zip(new, detector.detect_batch([p.pixels for p in new]), strict=True)}
    if cache:
        for found in looked.values():
            cache.put(key, found)
    return [looked[id(photo)] if isinstance(photo, Decoded) else photo for photo in read]


def _read(path: Path, longest: int, key: str, cache: FaceCache | None) -> Found | Decoded:
    """A photo to look at, or what is known of it without."""
    sha256 = ""
    try:
        content = read_photo(path)
        sha256 = hashlib.sha256(content).hexdigest()
        if known := cache.get(sha256, key) if cache else None:
            return known
        image, (width, height) = open_photo(content, longest=longest)
    except PhotoError as error:
        return Found((), 0, 0, sha256, str(error))
    step = max(image.size) // longest  # of a photo that is no JPEG: so that a batch of them does not fill the memory
    return Decoded(np.asarray(image.reduce(step) if step > 1 else image), width, height, sha256)


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
