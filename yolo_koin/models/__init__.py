"""Models behind one small protocol. Only ``yolo`` and ``trainer`` import Ultralytics."""
