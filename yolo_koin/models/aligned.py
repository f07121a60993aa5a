"""Face recognisers at work: the face of a photo is turned upright and cut out by its five landmarks, and a network embeds it."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from yolo_koin.dataset.images import RGB
from yolo_koin.errors import UsageError, WeightsError
from yolo_koin.faces.centerface import CenterFace
from yolo_koin.faces.onnx import Pool, read
from yolo_koin.faces.protocol import dominant
from yolo_koin.parallel import in_threads

Points = NDArray[np.float64]  # 5 × 2: left eye, right eye, tip of the nose, left and right corner of the mouth, as the viewer sees them


class Network(Protocol):
    """Embeds faces.

    Attributes:
        side: of the square that it sees, in pixels.
        places: where the landmarks go in that square, 5 × 2, in shares of its side.
    """

    side: ClassVar[int]
    places: ClassVar[Points]

    def embed(self, face: RGB) -> NDArray[np.float32]:
        """The embedding, d, of a face of side × side × 3."""
        ...


class Aligned:
    """A :class:`yolo_koin.models.protocol.Backbone` over aligned faces. Of a photo without a face its whole is embedded.

    Args:
        network: embeds.
    """

    def __init__(self, network: Network) -> None:
        self._network, self._detector = network, CenterFace()

    def features(self, photos: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Embeddings of length 1, n × d, of n × side × side × 3 photos, RGB."""
        found = np.stack(list(in_threads(self._embedded, list(photos))))
        lengths = np.linalg.norm(found, axis=1, keepdims=True)
        result: NDArray[np.float32] = (found / np.where(lengths > 0, lengths, 1)).astype(np.float32)
        return result

    def _embedded(self, photo: RGB) -> NDArray[np.float32]:
        face = dominant(self._detector.detect(photo))
        side = self._network.side
        if face is None:
            return self._network.embed(np.asarray(cv2.resize(photo, (side, side), interpolation=cv2.INTER_AREA), dtype=np.uint8))
        return self._network.embed(aligned(photo, face.points(), self._network.places * side, side))


def aligned(photo: RGB, points: Points, places: Points, side: int) -> RGB:
    """The square of a photo whose landmarks come nearest to their places: turned, scaled and moved, never sheared (least squares).

    Args:
        photo: height × width × 3.
        points: the landmarks in it, in pixels.
        places: where they go, in pixels of the square.
        side: of the square.
    """
    x, y = points.T
    one, none = np.ones(5), np.zeros(5)
    rows = np.concatenate([np.stack([x, -y, one, none], axis=1), np.stack([y, x, none, one], axis=1)])
    (a, b, right, down), *_ = np.linalg.lstsq(rows, places.T.ravel(), rcond=None)
    turned = cv2.warpAffine(photo, np.array([[a, -b, right], [b, a, down]]), (side, side), flags=cv2.INTER_LINEAR)
    return np.asarray(turned, dtype=np.uint8)


class Dlib:
    """dlib's ResNet (King 2017, CC0): 150 × 150 to 128 numbers.

    Its places are those of its mean face (means of the 68 points' eyes, the tip of the nose and the corners of the mouth) with a quarter of
    the face around it, as ``dlib.get_face_chip`` cuts.

    Args:
        weights: the ``.dat`` file.

    Raises:
        UsageError: dlib is not installed.
        WeightsError: the file is missing or is no such network.
    """

    side: ClassVar = 150
    places: ClassVar[Points] = (
        np.array([(0.2255, 0.2160), (0.7548, 0.2160), (0.4901, 0.5156), (0.2541, 0.7802), (0.7261, 0.7802)]) + 0.25
    ) / 1.5

    def __init__(self, weights: Path) -> None:
        try:
            import dlib
        except ImportError as error:
            raise UsageError("dlib is not installed", "model=face:dlib", 'Install it: pip install "yolo_koin[faces]".') from error
        make: Any = dlib.face_recognition_model_v1
        try:
            make(str(weights))
        except RuntimeError as error:
            raise WeightsError("no face network of dlib", weights, "Remove the file, and get it again.") from error
        self._networks: Pool[Any] = Pool(partial(make, str(weights)))

    def embed(self, face: RGB) -> NDArray[np.float32]:
        """See :class:`Network`."""
        with self._networks.lend() as network:
            return np.array(network.compute_face_descriptor(face), dtype=np.float32)


class SFace:
    """OpenCV's SFace (Zhong et al. 2021, arXiv:2205.12010): 112 × 112 to 128 numbers. Its places are ArcFace's.

    Args:
        weights: the ``.onnx`` file.

    Raises:
        WeightsError: the file is missing or is no such network.
    """

    side: ClassVar = 112
    places: ClassVar[Points] = (
        np.array([(38.2946, 51.6963), (73.5318, 51.5014), (56.0252, 71.7366), (41.5493, 92.3655), (70.7299, 92.2041)]) / 112
    )
    mean, scale = 0.0, 1.0  # subtracted from a pixel, then multiplied by

    def __init__(self, weights: Path) -> None:
        self._networks = Pool(partial(read, weights))
        try:
            shape = self._answer(np.zeros((self.side, self.side, 3), dtype=np.uint8)).shape
        except cv2.error:
            shape = ()
        if len(shape) != 2 or shape[0] != 1:
            raise WeightsError("a network that does not embed faces of 112 × 112", weights, "Get the right file.")

    def embed(self, face: RGB) -> NDArray[np.float32]:
        """See :class:`Network`."""
        embedding: NDArray[np.float32] = self._answer(face)[0]
        return embedding

    def _answer(self, face: RGB) -> NDArray[np.float32]:
        with self._networks.lend() as network:
            network.setInput(cv2.dnn.blobFromImage(face, self.scale, mean=(self.mean,) * 3))
            return np.asarray(network.forward(), dtype=np.float32)


class ArcFace(SFace):
    """A network of ArcFace's kind (Deng et al. 2019, arXiv:1801.07698): pixels of RGB from -1 to 1."""

    mean, scale = 127.5, 1 / 127.5
