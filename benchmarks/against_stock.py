"""How fast we are against stock Ultralytics, both measured in one run on the same photos: ratios, since seconds are a machine's own.

    python benchmarks/against_stock.py [--side 224] [--photos 200]

Photos are AT&T faces enlarged to 1080 × 1350 px, the size of KoIn's. Stock reads them as they are; we convert them once
first, and that time is told apart. Nothing is trained to an end: the numbers are of speed only.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from yolo_koin import environment

environment.prepare()

import pandas as pd  # noqa: E402
from PIL import Image  # noqa: E402
from ultralytics import YOLO  # noqa: E402

from yolo_koin.dataset.classify import convert, read_index  # noqa: E402
from yolo_koin.dataset.koin import Dataset, scan  # noqa: E402
from yolo_koin.models.protocol import Preparation, TrainJob  # noqa: E402
from yolo_koin.models.registry import family_of  # noqa: E402
from yolo_koin.models.yolo import YoloClassifier  # noqa: E402
from yolo_koin.parallel import silent  # noqa: E402
from yolo_koin.synthetic.att import find_photographs  # noqa: E402
from yolo_koin.verbs.evaluate import predict_index  # noqa: E402
from yolo_koin.verbs.tasks import squares_to_learn  # noqa: E402

SIZE = (1080, 1350)
EPOCHS = 5


def make_photos(root: Path, count: int) -> Dataset:
    """A KoIn-shaped folder: half of ``count`` for training, half for testing, ten people."""
    source = find_photographs()
    for number in range(count):
        person, photo = number % 10 + 1, number // 10 % 10 + 1
        split = "train" if number < count // 2 else "test"
        path = root / f"normal_cases/{split}/s{person:02d}/{number}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        with Image.open(source / f"s{person}/{photo}.pgm") as face:
            face.convert("RGB").resize(SIZE, Image.Resampling.BICUBIC).save(path, quality=90)
    return scan(root)


def as_stock(dataset: Dataset, converted: Path, out: Path) -> Path:
    """The same photos, split in the same way, as somebody would lay them out by hand for stock Ultralytics: untouched."""
    sources = {sample.image: sample.path for sample in dataset.samples}
    for row in read_index(converted).itertuples():
        target = out / str(row.image)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(sources[str(row.source)], target)
    return out


def seconds(work: Callable[[], object]) -> float:
    """Wall time of a call."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def alone(work: Callable[[Path, int], float], folder: Path, side: int) -> float:
    """Run in a process of its own: the threads that one library leaves behind would slow the other."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(work, folder, side).result()


def epoch_of_ours(folder: Path, side: int) -> float:
    """Seconds of an epoch of ours, its validation and checkpoint included."""
    run = folder / "ours"
    train, val, names = squares_to_learn(folder / "cls")
    job = TrainJob(
        model="yolov8n-cls",
        train=train,
        val=val,
        names=names,
        folder=run,
        start=None,
        preparation=Preparation(),
        train_on="normal",
        epochs=EPOCHS,
        imgsz=side,
        batch=32,
        device="cpu",
        seed=0,
        freeze=0,
        lr=1e-3,
    )
    family_of(job.model).train(job, silent)
    return median_epoch(run / "results.csv")


def epoch_of_stock(folder: Path, side: int) -> float:
    """Seconds of an epoch of stock Ultralytics on as many photos."""
    YOLO("yolov8n-cls.yaml").train(
        data=folder / "stock", epochs=EPOCHS, imgsz=side, batch=32, device="cpu", plots=False, project=folder, name="theirs"
    )
    return median_epoch(folder / "theirs" / "results.csv")


def median_epoch(results: Path) -> float:
    """The median of the times between epochs; the first is left out, since it warms up."""
    return float(pd.read_csv(results)["time"].diff().dropna().median())


def main() -> None:
    """Measure, and print a table of ratios."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--side", type=int, default=224, help="network input in pixels")
    arguments.add_argument("--photos", type=int, default=200)
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        dataset = make_photos(folder / "KoIn", given.photos)
        converting = seconds(lambda: convert(dataset, folder / "cls", val=0.5))
        print(f"converting once: {given.photos / converting:.0f} photos/s on {environment.cores()} cores\n")
        stock = as_stock(dataset, folder / "cls", folder / "stock")
        rows = [
            ("training, an epoch with its validation", alone(epoch_of_stock, folder, given.side), alone(epoch_of_ours, folder, given.side))
        ]
        weights = folder / "ours/weights/best.pt"
        model = YoloClassifier(weights, "cpu")
        index = read_index(folder / "cls")
        index = index[index["split"] == "normal_cases/test"]
        ours = seconds(lambda: predict_index(model, folder / "cls", index))
        network = YOLO(weights)
        val = seconds(lambda: network.val(data=stock, split="test", imgsz=given.side, device="cpu", plots=False, verbose=False))
        files = sorted(str(path) for path in (stock / "test").rglob("*.jpg"))
        one_by_one = seconds(lambda: [None for _ in network.predict(files, imgsz=given.side, device="cpu", stream=True, verbose=False)])
        rows += [("scoring a test split, against stock val", val, ours), ("naming photos, against stock predict", one_by_one, ours)]
        print(f"{'YOLOv8n-cls, ' + str(given.side) + ' px':42}{'stock':>9}{'ours':>9}{'ratio':>8}")
        for what, theirs, own in rows:
            print(f"{what:42}{theirs:8.2f}s{own:8.2f}s{theirs / own:7.1f}×")


if __name__ == "__main__":
    main()
