"""Models behind one small protocol. Only ``yolo`` and ``trainer`` import Ultralytics."""

from yolo_koin.environment import prepare

prepare()  # before any module of this room imports Ultralytics, which reads the environment once
