"""How near finding the faces of photo files comes to what the processor could do if photos were decoded already.

    python benchmarks/auto_boxing.py [--detector FILE] [--photos 24] [--repeats 5]

The ratio is that of photos a second, from files to faces on all cores, to cores × what the detector does on one thread with photos that
are in memory. It may pass 1: a large photo is decoded reduced, while the detector alone has to reduce the whole of it. Each number is the
best of several, since other programs only ever slow it down; the last column compares processor time, which they disturb less.

Photos are the built-in faces and group scenes: as they are, and enlarged on grey to the size of KoIn's photos and of a phone's.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from yolo_koin import environment

environment.prepare()

import cv2  # noqa: E402
import numpy as np  # noqa: E402
from PIL import Image, ImageOps  # noqa: E402

from yolo_koin.dataset.images import PAD_COLOUR, open_photo  # noqa: E402
from yolo_koin.faces import FaceDetector  # noqa: E402
from yolo_koin.faces.finder import find_faces  # noqa: E402
from yolo_koin.verbs.detector import open_detector  # noqa: E402
from yolo_koin.verbs.sample import built_in as build_sample  # noqa: E402

SIZES = ((1080, 1350), (4000, 3000))
MORE = 8  # times as many of the built-in photos as they are: a detector is soon done with one


@dataclass(frozen=True)
class Seconds:
    """What something took.

    Attributes:
        wall: by the clock.
        processor: of all threads.
    """

    wall: float
    processor: float


def built_in(root: Path, count: int) -> list[Path]:
    """Photos of the stand-in: three of one person to each group scene."""
    build_sample(root)
    single, group = sorted(root.glob("normal_cases/**/*.png")), sorted(root.glob("group_cases/**/*.png"))
    return [photos[7 * number % len(photos)] for number in range(count) for photos in [group if number % 4 == 3 else single]]


def enlarged(photos: Sequence[Path], size: tuple[int, int], folder: Path) -> list[Path]:
    """The same as JPEGs of a size, on grey where their shape is another."""
    paths = [folder / f"{size[0]}-{number}.jpg" for number in range(len(photos))]
    for photo, path in zip(photos, paths, strict=True):
        with Image.open(photo) as image:
            ImageOps.pad(image.convert("RGB"), size, Image.Resampling.BICUBIC, color=PAD_COLOUR).save(path, quality=90)
    return paths


def seconds(work: Callable[[], object]) -> Seconds:
    """Time of a call."""
    wall, processor = time.perf_counter(), time.process_time()
    work()
    return Seconds(time.perf_counter() - wall, time.process_time() - processor)


def detector_alone(paths: Sequence[Path], detector: FaceDetector) -> Seconds:
    """Time that the detector takes on one thread; decoding is left out."""
    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    each = []
    for path in paths:
        pixels = np.asarray(open_photo(path)[0])
        each.append(seconds(lambda pixels=pixels: detector.detect(pixels)))  # type: ignore[misc]
    cv2.setNumThreads(before)
    return Seconds(sum(one.wall for one in each), sum(one.processor for one in each))


def best(measured: Sequence[Seconds]) -> Seconds:
    """The least of each."""
    return Seconds(min(one.wall for one in measured), min(one.processor for one in measured))


def main() -> None:
    """Measure, and print a table."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--detector", type=Path, help="CenterFace or YuNet (.onnx); the built-in CenterFace when left out")
    arguments.add_argument("--photos", type=int, default=24, help="large ones; of the built-in ones there are eight times as many")
    arguments.add_argument("--repeats", type=int, default=5)
    given = arguments.parse_args()
    detector, cores = open_detector(given.detector, "cpu"), environment.cores()
    print(f"{f'{detector.name}, {cores} cores, photos/s':28}{'one thread':>12}{'find_faces':>12}{'ratio':>8}{'processor time':>16}")
    with tempfile.TemporaryDirectory() as name:
        photos = built_in(Path(name) / "sample", MORE * given.photos)
        sets = {"built-in photos": photos} | {f"{w} × {h} JPEG": enlarged(photos[: given.photos], (w, h), Path(name)) for w, h in SIZES}
        for what, paths in sets.items():
            detector_alone(paths[:2], detector)  # the first calls prepare the network
            pairs = [
                (detector_alone(paths, detector), seconds(lambda paths=paths: list(find_faces(paths, detector))))  # type: ignore[misc]
                for _ in range(given.repeats)
            ]
            alone, all_of_it = best([pair[0] for pair in pairs]), best([pair[1] for pair in pairs])
            rates = f"{len(paths) / alone.wall:12.1f}{len(paths) / all_of_it.wall:12.1f}"
            ratios = f"{alone.wall / cores / all_of_it.wall:8.2f}{alone.processor / all_of_it.processor:16.2f}"
            print(f"{what:28}{rates}{ratios}", flush=True)


if __name__ == "__main__":
    main()
