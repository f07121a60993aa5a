"""``python -m yolo_koin``."""

from yolo_koin.cli import main

main()
