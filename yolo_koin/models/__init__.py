"""Models of many families behind the protocols of :mod:`yolo_koin.models.protocol`, found by name in :mod:`yolo_koin.models.registry`.

Those two import neither torch nor Ultralytics. No other room imports Ultralytics.
"""

from yolo_koin.environment import prepare

prepare()  # before any module of this room imports Ultralytics, which reads the environment once
