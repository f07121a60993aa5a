"""Any Ultralytics face model (.pt) as a face detector: boxes, and five landmarks from a pose model that was trained on them."""

from __future__ import annotations

import math
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from ultralytics.data.augment import LetterBox
from ultralytics.utils.nms import non_max_suppression
from ultralytics.utils.ops import scale_boxes, scale_coords

from yolo_koin.dataset.images import RGB
from yolo_koin.environment import cores
from yolo_koin.errors import KoinError, WeightsError
from yolo_koin.faces.protocol import Face, face_of, key_of
from yolo_koin.models.checkpoints import load_checkpoint, network_of, no_checkpoint
from yolo_koin.models.devices import choose_device, layout
from yolo_koin.models.metadata import input_side, names_of, outputs_of
from yolo_koin.models.yolo import ready

VERSION = 1  # of how a photo is shown to the network and its answer read: raise it when faces would come out otherwise
CONFIDENCE = 0.25  # least score of a face, as in stock prediction
OVERLAP = 0.45  # boxes that overlap more are one face; the 0.7 of stock prediction would leave two on some
MOST = 300  # faces of a photo, as in stock prediction
POINTS = 5
GPU_BATCH = 16
REMEDY = "Take a model that detects a class named face, or one class only, or a pose model of the five points of a face."


class FaceModel:
    """The detector. Threads may share it: they take turns at the network. Pickling carries its settings only.

    Args:
        weights: an Ultralytics checkpoint that detects a class named ``face``, or one class only; a pose model has to give five points:
            eyes, nose and corners of the mouth, the viewer's left ones first.
        device: as :func:`yolo_koin.models.devices.choose_device`.
        trust: run the checkpoint's pickle although safe loading refuses it.

    Raises:
        WeightsError: there is no such file, it is no face model, or safe loading refuses it.
        UsageError: there is no such device.
    """

    def __init__(self, weights: Path, device: str = "", trust: bool = False) -> None:
        self._made_from = (weights, device, trust)
        checkpoint = load_checkpoint(weights, "", trust)
        self._device = choose_device(device)
        torch.set_num_threads(cores())
        try:
            self._read(checkpoint, weights)
        except KoinError:
            raise
        except Exception as error:  # a network out of a foreign pickle can fail in any way at all
            raise no_checkpoint(weights) from error
        self._turn = threading.Lock()
        self.name = weights.stem
        self.longest = input_side(checkpoint, "detect")
        self.batch = 1 if self._device.type == "cpu" else GPU_BATCH
        self.key = key_of(self.name, weights, confidence=CONFIDENCE, overlap=OVERLAP, most=MOST, side=self.longest, version=VERSION)
        self._letterbox = LetterBox(self.longest, auto=True, stride=self._stride)

    def _read(self, checkpoint: dict[str, Any], weights: Path) -> None:
        model = network_of(checkpoint)
        self._classes, self._face = _face_class(model, weights)
        self._stride = max(int(model.stride.max()), 32)
        model.end2end = False  # as in stock prediction: a head without suppression would leave several boxes on a face
        self._model = ready(model, self._device)

    def __reduce__(self) -> tuple[type[FaceModel], tuple[Path, str, bool]]:
        return FaceModel, self._made_from

    def detect(self, photo: RGB) -> list[Face]:
        """Faces of an RGB photo (height × width × 3, 8 bits), highest score first, in the photo's own pixels.

        The boxes end at the photo's edge, and so do the landmarks.
        """
        return self.detect_batch([photo])[0]

    def detect_batch(self, photos: Sequence[RGB]) -> list[list[Face]]:
        """Faces of each photo, see :meth:`detect`."""
        shown = [torch.from_numpy(self._letterbox(image=photo)).permute(2, 0, 1) for photo in photos]
        faces: dict[int, list[Face]] = {}
        # Photos of one shape share a batch. One shape for all would let the faces of a photo depend on its neighbours.
        for shape in dict.fromkeys(image.shape for image in shown):
            same = [i for i, image in enumerate(shown) if image.shape == shape]
            for i, rows in zip(same, self._seen(torch.stack([shown[i] for i in same])), strict=True):
                faces[i] = _faces(rows, tuple(shape[1:]), photos[i].shape)
        return [faces[i] for i in range(len(photos))]

    def _seen(self, images: Tensor) -> list[NDArray[np.float32]]:
        """Rows of left, top, right, bottom, score, class, and points of a pose model, for each image of a batch, in its pixels."""
        with self._turn, torch.inference_mode():
            batch = images.to(self._device).float().div_(255).contiguous(memory_format=layout(self._device))
            rows: list[Tensor] = non_max_suppression(
                self._model(batch),
                CONFIDENCE,
                OVERLAP,
                classes=[self._face],
                max_det=MOST,
                nc=self._classes,
                end2end=self._model.end2end,  # true of a fused checkpoint, which has no other head
                max_time_img=math.inf,  # the stock limit silently drops photos on a slow machine
            )
            return [row.cpu().numpy() for row in rows]


def _face_class(model: Any, weights: Path) -> tuple[int, int]:
    """How many classes there are, and the number of the one that is faces."""
    kind = type(model).__name__
    points = model.kpt_shape[0] if kind == "PoseModel" else POINTS
    if kind not in {"DetectionModel", "PoseModel"}:
        raise WeightsError(f"not a face model ({kind})", weights, REMEDY)
    if points != POINTS:
        raise WeightsError(f"not a face model (a pose of {points} points)", weights, REMEDY)
    names = [name.strip().lower() for name in names_of(model, outputs_of(model, "detect"), weights)]
    if "face" not in names and len(names) > 1:
        raise WeightsError(f"not a face model (none of its {len(names)} classes is named face)", weights, REMEDY)
    return len(names), names.index("face") if "face" in names else 0


def _faces(rows: NDArray[np.float32], seen: tuple[int, ...], photo: tuple[int, ...]) -> list[Face]:
    """Faces in pixels of the photo, from rows in pixels of what the network saw; shapes are height × width."""
    if not len(rows):
        return []
    boxes = scale_boxes(seen, rows[:, :4], photo)
    points = scale_coords(seen, rows[:, 6:].reshape(len(rows), POINTS, -1), photo)[..., :2].tolist() if rows.shape[1] > 6 else None
    found = [
        face_of((left, top, right - left, bottom - top), score, points[i] if points else None)
        for i, ((left, top, right, bottom), score) in enumerate(zip(boxes.tolist(), rows[:, 4].tolist(), strict=True))
    ]
    return sorted((face for face in found if min(face.box[2:]) > 0), key=lambda face: -face.score)
