"""Trained identity detectors of Ultralytics, ready to say who is where."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from yolo_koin.dataset.images import RGB
from yolo_koin.models.fit.boxed_photos import Framed, frame
from yolo_koin.models.protocol import NamedFaces
from yolo_koin.models.suppression import Faces, every_box, one_box_each
from yolo_koin.models.yolo import Network

LEAST_SCORE = 0.001  # the stock validator's, since average precision wants the doubtful boxes too
SURE = 0.25  # the stock command's: faces of a lower confidence are not shown


class YoloDetector(Network):
    """Finds faces and names them at once; a :class:`yolo_koin.models.protocol.IdentityDetector`."""

    task: ClassVar[Literal["detect"]] = "detect"

    def run(self, photos: Iterable[RGB], doubtful: bool, batch: int = 16) -> Iterator[NamedFaces]:
        """Faces of photos, one by one; no more than a batch is in memory. Photos that follow each other and have one shape share one.

        Args:
            photos: height × width × 3, 8-bit RGB.
            doubtful: give every box that holds for some identity, down to :data:`LEAST_SCORE`, as scoring wants; else one for each face of
                which the network is :data:`SURE`.
            batch: photos that are looked at at once.
        """
        waiting: list[Framed] = []
        for photo in photos:
            framed = frame(photo, self.side)
            if waiting and (len(waiting) == batch or framed.pixels.shape != waiting[0].pixels.shape):
                yield from self._look(waiting, doubtful)
                waiting.clear()
            waiting.append(framed)
        if waiting:
            yield from self._look(waiting, doubtful)

    def _look(self, framed: list[Framed], doubtful: bool) -> Iterator[NamedFaces]:
        with torch.inference_mode():
            output = self._model(self._shown(np.stack([f.pixels for f in framed])))[0]
            found = [every_box(photo, LEAST_SCORE) if doubtful else one_box_each(photo, SURE) for photo in output.cpu()]
        for f, faces in zip(framed, found, strict=True):
            yield NamedFaces(_in_photo(faces, f), faces.scores.numpy())

    def _check(self, answer: Any, classes: int) -> None:
        output = answer[0]  # heads without suppression give boxes only, in other shapes
        if output.ndim != 3 or tuple(output.shape[:2]) != (1, 4 + classes) or not bool(output.isfinite().all()):
            raise ValueError("a detector gives boxes with a number for each class")


def _in_photo(faces: Faces, framed: Framed) -> NDArray[np.float64]:
    corners = (faces.boxes.numpy().astype(np.float64) - [framed.left, framed.top] * 2) / [*framed.scale, *framed.scale]
    return np.concatenate([corners[:, :2], corners[:, 2:] - corners[:, :2]], axis=1)
