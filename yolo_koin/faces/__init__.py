"""Face detectors behind one protocol: photo in, faces out, each with a box, a score and, from most of them, five landmarks."""

from yolo_koin.faces.protocol import Face, FaceDetector, Found, clearly_dominant, dominant

__all__ = ["Face", "FaceDetector", "Found", "clearly_dominant", "dominant"]
