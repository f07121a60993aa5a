"""``--detector``: the face detector that a file is."""

from __future__ import annotations

from pathlib import Path

from yolo_koin.errors import WeightsError
from yolo_koin.faces import FaceDetector, centerface, onnx, yunet

CALLED = {"centerface": "CenterFace", "yunet": "YuNet"}  # a detector's name for people; that of others is their file's
REMEDY = "--detector takes CenterFace or YuNet (.onnx), or an Ultralytics face model (.pt)."


def open_detector(path: Path | None, device: str = "", trust: bool = False) -> FaceDetector:
    """Load a face detector.

    Args:
        path: CenterFace or YuNet (.onnx), told apart by their outputs, or an Ultralytics face model (.pt); None is the built-in CenterFace.
        device: of a .pt: ``cpu``, ``0``, ``mps``; empty takes the first GPU there is. OpenCV runs the others on the processor.
        trust: run the pickle of a .pt although safe loading refuses it.

    Raises:
        WeightsError: there is no such file, or it is no face detector.
        UsageError: there is no such device.
    """
    if path is None:
        return centerface.CenterFace()
    if not path.is_file():
        raise WeightsError("a folder, not a face detector" if path.is_dir() else "no such face detector", path, REMEDY)
    if path.suffix.lower() == ".pt":
        from yolo_koin.models.yolo_faces import FaceModel  # here, since it loads torch, which the others do without

        return FaceModel(path, device, trust)
    if path.suffix.lower() == ".onnx":
        return _of_opencv(path)
    raise WeightsError("not a face detector", path, REMEDY)


def _of_opencv(path: Path) -> FaceDetector:
    outputs = onnx.outputs(path)
    if outputs.issuperset(yunet.OUTPUTS):
        return yunet.YuNet(path)
    if outputs.issuperset(centerface.OUTPUTS):
        return centerface.CenterFace(path)
    raise WeightsError("a network, but no face detector that is known", path, REMEDY)
