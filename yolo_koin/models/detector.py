"""A trained identity detector, ready to say who is where."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from yolo_koin.dataset.images import RGB
from yolo_koin.models.boxed_photos import Framed, frame
from yolo_koin.models.checkpoints import Trained, layout
from yolo_koin.models.faces import Faces, every_box, one_box_each

LEAST_SCORE = 0.001  # the stock validator's, since average precision wants the doubtful boxes too
SURE = 0.25  # the stock command's: faces of a lower confidence are not shown


@dataclass(frozen=True, slots=True)
class NamedFaces:
    """The faces of one photo, best first.

    Attributes:
        boxes: k × 4, x, y, width, height in the photo's pixels.
        scores: k × classes, the detector's confidences; they need not sum to one.
    """

    boxes: NDArray[np.float64]
    scores: NDArray[np.float32]


class Detector(Trained):
    """A network that finds faces and names them at once."""

    task = "detect"
    usual_side = 640

    def run(self, photos: Iterable[RGB], doubtful: bool = False, batch: int = 16) -> Iterator[NamedFaces]:
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
            images = torch.stack([f.pixels for f in framed]).to(self.device).float().div_(255)
            output = self._model(images.contiguous(memory_format=layout(self.device)))
            output = output[0] if isinstance(output, tuple | list) else output
            found = [every_box(photo, LEAST_SCORE) if doubtful else one_box_each(photo, SURE) for photo in output.cpu()]
        for f, faces in zip(framed, found, strict=True):
            yield NamedFaces(_in_photo(faces, f), faces.scores.numpy())


def _in_photo(faces: Faces, framed: Framed) -> NDArray[np.float64]:
    corners = (faces.boxes.numpy().astype(np.float64) - [framed.left, framed.top] * 2) / [*framed.scale, *framed.scale]
    return np.concatenate([corners[:, :2], corners[:, 2:] - corners[:, :2]], axis=1)
