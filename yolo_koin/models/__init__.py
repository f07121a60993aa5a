"""Models of many families behind the protocols of ``protocol`` and ``family``, found by name in :mod:`yolo_koin.models.registry`.

These three import neither torch nor Ultralytics. No other room imports Ultralytics.
"""

from yolo_koin.environment import prepare

prepare()  # before any module of this room imports Ultralytics, which reads the environment once
