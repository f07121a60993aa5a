"""YuNet: OpenCV's own face detector, a 0.2 MB network with five landmarks. A user brings its file; see ``--detector``.

Wu, Peng, Yu, "YuNet: A Tiny Millisecond-level Face Detector", Machine Intelligence Research 2023, doi:10.1007/s11633-023-1423-y. The file:
``face_detection_yunet_2023mar.onnx`` of github.com/opencv/opencv_zoo, MIT licence.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from yolo_koin.dataset.images import RGB
from yolo_koin.errors import WeightsError
from yolo_koin.faces import onnx
from yolo_koin.faces.framing import BORDER, LARGEST, fit, scale_of
from yolo_koin.faces.protocol import Face, face_of, key_of

VERSION = 1  # of how a photo is shown to the network and its answer read: raise it when faces would come out otherwise
OUTPUTS = tuple(f"{what}_{stride}" for what in ("cls", "obj", "bbox", "kps") for stride in (8, 16, 32))
AGAIN = 320  # longer side at which a photo without a face is looked at again: a face that fills a larger one is too large for the network
CANDIDATES = 5000  # at most, before those of one face are made one


class YuNet:
    """The detector. Threads may share it; pickling carries its settings only.

    Args:
        weights: the ONNX file.
        threshold: least score of a face.
        overlap: two boxes that overlap more than this (intersection over union) are one face.

    Raises:
        WeightsError: the file is missing or is no YuNet of 2023 or later.
    """

    name = "yunet"
    longest = LARGEST
    batch = 1

    def __init__(self, weights: Path, threshold: float = 0.6, overlap: float = 0.3) -> None:
        if not onnx.outputs(weights).issuperset(OUTPUTS):
            raise WeightsError("another network than YuNet", weights, f"{onnx.REMEDY}.")
        self._nets = onnx.Pool(partial(_make, weights, threshold, overlap))
        self.key = key_of(self.name, weights, threshold=threshold, overlap=overlap, version=VERSION)

    def detect(self, photo: RGB) -> list[Face]:
        """Faces of an RGB photo (height × width × 3, 8 bits), highest score first, in the photo's own pixels.

        Small photos are enlarged and large ones reduced before the network sees them.
        """
        for scale in dict.fromkeys((scale_of(photo), scale_of(photo, AGAIN))):
            if faces := self._seen(photo, scale):
                return faces
        return []

    def detect_batch(self, photos: Sequence[RGB]) -> list[list[Face]]:
        """Faces of each photo, see :meth:`detect`."""
        return [self.detect(photo) for photo in photos]

    def _seen(self, photo: RGB, scale: float) -> list[Face]:
        """Faces that the network sees at one scale."""
        framed = fit(photo, scale)
        with self._nets.lend() as net:
            net.setInputSize((framed.shape[1], framed.shape[0]))
            # The network was trained on blue, green, red; its right eye is the viewer's left one, so its landmarks are in our order.
            rows: Any = net.detect(cv2.cvtColor(framed, cv2.COLOR_RGB2BGR))[1]  # None without a face, unlike its type stub has it
        if rows is None:
            return []
        found = np.asarray(rows, dtype=np.float64)  # n × 15: x, y, width, height, five landmarks, score
        found[:, [0, 1, *range(4, 14)]] -= BORDER
        found[:, :14] /= scale
        return [face_of(row[:4], row[14], row[4:14].reshape(5, 2)) for row in found[np.argsort(-found[:, 14], kind="stable")]]


def _make(weights: Path, threshold: float, overlap: float) -> cv2.FaceDetectorYN:
    size = (AGAIN, AGAIN)  # set anew for each photo
    return cv2.FaceDetectorYN.create("onnx", onnx.content(weights), np.empty(0, np.uint8), size, threshold, overlap, CANDIDATES)
