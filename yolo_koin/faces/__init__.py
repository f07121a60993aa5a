"""Face detectors behind one protocol: photo in, faces out, each with a box, a score and five landmarks."""

from yolo_koin.faces.protocol import Face, FaceDetector, dominant

__all__ = ["Face", "FaceDetector", "dominant"]
