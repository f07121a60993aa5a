"""How fast we are against stock Ultralytics, whole commands in turn, and how near to what the processor allows.

    python -m benchmarks.speed [--photos 1000] [--rounds 3] [--side 224] [--epochs 5] [--jobs evaluate,train] [--out benchmarks/results]

Photos are built-in faces enlarged to 1080 × 1350 px, the size of KoIn's. Each command starts anew, in a workspace of its own, with the
files of its kind still in the machine's cache. Ratios are medians of the rounds, with the smallest and the largest; seconds are a
machine's own, and processor seconds are disturbed less by other programs. ``--photos 100 --rounds 1`` takes a minute.

The limit of a job is what its stages take alone on all cores, one after the other: decoding, the network, encoding. Its share of the limit
is that by the seconds of the whole command, start-up included, so it grows with the number of photos.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import io
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image

from yolo_koin.dataset.images import load_square, open_photo, prepare
from yolo_koin.environment import cores
from yolo_koin.environment import prepare as prepare_environment
from yolo_koin.files import write_csv
from yolo_koin.models import engine
from yolo_koin.parallel import in_threads
from yolo_koin.synthetic.att import find_photographs
from yolo_koin.workspace import Workspace

SIZE = (1080, 1350)
PEOPLE = 10
LEARNT = 160  # photos to train and validate on
EPOCHS = 15  # of the weights that are asked: enough to tell these people apart
STAGED = 200  # photos that each stage is timed with
QUALITY = 92  # of the annotated copies
OURS, STOCK, ALONE = "yolo_koin", "stock", "alone"
PACKAGES = ("ultralytics", "torch", "onnxruntime", "pillow", "numpy")


STAGES = {  # of a job, whose sum is its limit
    "evaluate, photos prepared before": ("decode prepared", "network"),
    "evaluate, nothing prepared": ("prepare", "decode prepared", "network"),
    "predict, annotated copies": ("prepare", "network", "decode", "encode"),
    "convert": ("prepare",),
}


@dataclass(frozen=True)
class Job:
    """What both tools do.

    Attributes:
        name: for the table.
        ours, stock: words of the command lines, paths and numbers among them; no stock where it has no such command.
        fresh: folder that is removed before each of our rounds.
    """

    name: str
    ours: Sequence[object]
    stock: Sequence[object]
    fresh: Path | None = None


# ---------------------------------------------------------------------------------------------------------------- photos
def make_photos(root: Path, split: str, count: int, people: int = PEOPLE) -> None:
    """Photos of people, of each as many; those that are there already stay. The faces are of 40 people, so of more, several share one."""
    source = find_photographs()

    def make(number: int) -> None:
        person, photo = number % people, number // people % 10 + 1
        path = root / split / f"s{person + 1:02d}" / f"{number}.jpg"
        if path.is_file():
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        with Image.open(source / f"s{person % 40 + 1}/{photo}.pgm") as face:
            face.convert("RGB").resize(SIZE, Image.Resampling.BICUBIC).save(path, quality=90)

    for _ in in_threads(make, range(count)):
        pass


def as_stock(raw: Path, prepared: Path, out: Path) -> None:
    """The same photos in the same splits, untouched, as somebody lays them out for stock Ultralytics by hand."""
    for row in pd.read_csv(prepared / "index.csv", dtype=str).itertuples():
        target = out / str(row.image)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(raw / str(row.source), target)


# -------------------------------------------------------------------------------------------------------------- commands
WATCH = """
import os, subprocess, sys, time
start = time.perf_counter()
process = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL)
_, status, used = os.wait4(process.pid, 0)
print(time.perf_counter() - start, used.ru_utime + used.ru_stime, used.ru_maxrss)
sys.exit(os.waitstatus_to_exitcode(status) and 1)
"""  # in a small process: Linux counts the memory of the one that begins another as that one's


def run(words: Sequence[object], folder: Path, environment: dict[str, str]) -> dict[str, float]:
    """Wall and processor seconds of a command, and the most memory that it had."""
    watched = [sys.executable, "-S", "-c", WATCH, *map(str, words)]
    done = subprocess.run(watched, cwd=folder, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{' '.join(map(str, words))} failed:\n{done.stderr[-2000:]}")
    wall, processor, kilobytes = map(float, done.stdout.split())
    return {"seconds": wall, "processor_seconds": processor, "megabytes": kilobytes / 1024}


def jobs(folder: Path, weights: Path, epochs: int, side: int) -> list[Job]:
    """The jobs, in a folder with photos for both."""
    learn = {"epochs": str(epochs), "imgsz": str(side), "batch": "32"}
    named = ["--weights", weights, "--engine", "auto"]
    asked, one = [f"model={weights}", f"imgsz={side}", "device=cpu"], folder / "KoIn/normal_cases/test/s01/0.jpg"
    score = ["classify", "val", *asked, f"data={folder / 'stock'}", "split=test", "plots=False"]
    train = ["classify", "train", "model=yolov8n-cls.yaml", f"data={folder / 'stock'}", "device=cpu", "plots=False"]
    options = [word for key, value in learn.items() for word in (f"--{key}", value)]
    return [
        Job("evaluate, photos prepared before", ["evaluate", *named, "--data", "data/koin-cls"], score),
        Job("evaluate, nothing prepared", ["evaluate", *named, "--data", "KoIn"], score, folder / "data/koin-cls"),
        Job(
            "predict, annotated copies",
            ["predict", "normal_cases/test", *named],
            ["classify", "predict", *asked, "source=stock/test/*/*"],
        ),
        Job("convert", ["convert", "classify", "--data", "KoIn"], (), folder / "data/koin-cls"),
        Job("predict, one photo", ["predict", one, *named], ["classify", "predict", *asked, f"source={one}"]),
        Job(
            "train, photos prepared before",
            ["train", "--data", "KoIn", "--weights", "scratch", *options],
            [*train, *map("=".join, learn.items())],
        ),
        Job("help", ["--help"], ["help"]),
    ]


def measured(job: Job, rounds: int, folder: Path, plain: dict[str, str]) -> list[dict[str, Any]]:
    """A row for each round and tool, in turn; before them each has done it once."""
    commands: dict[str, list[object]] = {OURS: [sys.executable, "-m", "yolo_koin", *job.ours]}
    if job.stock:
        commands[STOCK] = [Path(sys.executable).with_name("yolo"), *job.stock]
    rows = []
    for number in range(rounds + 1):
        for tool, words in commands.items():
            if tool == OURS and job.fresh:
                shutil.rmtree(job.fresh, ignore_errors=True)
            took = run(words, folder, plain)
            if number:
                rows.append({"job": job.name, "tool": tool, "round": number, **took})
    return rows


# ---------------------------------------------------------------------------------------------------------------- limits
def stages(folder: Path, weights: Path, photos: int) -> dict[str, float]:
    """Stage → seconds that it alone takes for all photos on all cores."""
    raw, squares = (sorted((folder / place).rglob("*.jpg"))[:STAGED] for place in ("KoIn/normal_cases/test", "data/koin-cls/test"))
    model = engine.load(weights, "cpu", False, "auto", Workspace(folder).engines)
    assert model.task == "classify"
    shown = [load_square(square, model.side) for square in squares]
    batches = [np.stack(shown[i : i + 32]) for i in range(0, len(shown), 32)]
    pictures = [open_photo(path)[0] for path in raw]
    fit, side = model.preparation.fit, model.preparation.side
    work: dict[str, Callable[[], Iterable[object]]] = {
        "decode prepared": lambda: in_threads(partial(load_square, side=model.side), squares),
        "prepare": lambda: in_threads(lambda path: prepare(path, fit, side), raw),
        "network": lambda: map(model.logits, batches),
        "decode": lambda: in_threads(open_photo, raw),
        "encode": lambda: in_threads(lambda picture: picture.save(io.BytesIO(), "JPEG", quality=QUALITY), pictures),
    }
    return {stage: min(_seconds(do) for _ in range(3)) * photos / len(raw) for stage, do in work.items()}


def _seconds(work: Callable[[], Iterable[object]]) -> float:
    start = time.perf_counter()
    for _ in work():
        pass
    return time.perf_counter() - start


# ------------------------------------------------------------------------------------------------------------- agreement
STOCK_ANSWERS = """
import sys
from ultralytics import YOLO
weights, side, *photos = sys.argv[1:]
for answer in YOLO(weights).predict(photos, imgsz=int(side), device="cpu", stream=True, verbose=False):
    print("answer", answer.names[answer.probs.top1], float(answer.probs.top1conf), sep="\\t")
"""


def agreement(folder: Path, weights: Path, side: int, plain: dict[str, str]) -> str:
    """On which share of the prepared test photos both name the same person first, and how far the scores differ."""
    run(
        [sys.executable, "-m", "yolo_koin", "evaluate", "--weights", weights, "--data", "data/koin-cls", "--name", "agreement"],
        folder,
        plain,
    )
    ours = pd.read_csv(folder / "runs/evaluate/agreement/predictions.csv")
    index = pd.read_csv(folder / "data/koin-cls/index.csv", dtype=str).set_index("source")["image"]
    photos = [str(folder / "data/koin-cls" / index[image]) for image in ours["image"]]
    words = [sys.executable, "-c", STOCK_ANSWERS, str(weights), str(side), *photos]
    told = subprocess.run(words, cwd=folder, env=plain, capture_output=True, text=True, check=True).stdout
    answers = [line.split("\t")[1:] for line in told.splitlines() if line.startswith("answer")]
    same = ours["pred_1"] == [name for name, _ in answers]
    apart = (ours["score_1"] - [float(score) for _, score in answers])[same].abs().max()
    return f"top-1 equal to stock's on {100 * same.mean():.2f} % of {len(ours):,} photos, scores within {apart:.1g}"


# ----------------------------------------------------------------------------------------------------------------- table
def table(rows: pd.DataFrame) -> str:
    """Medians, their ratios with the spread over rounds, and the share of the limit, as Markdown; of the rows of ``speed.csv``."""
    alone = rows[rows["tool"] == ALONE].set_index("job")["seconds"]
    lines = ["| job | yolo_koin | stock `yolo` | ratio | ratio of processor time | share of the limit |", "|---|---:|---:|---:|---:|---:|"]
    for job, found in rows[rows["tool"] != ALONE].groupby("job", sort=False):
        ours, stock = (found[found["tool"] == tool].set_index("round") for tool in (OURS, STOCK))
        ratios = [_spread(stock[column] / ours[column]) if len(stock) else "" for column in ("seconds", "processor_seconds")]
        took = [f"{tool['seconds'].median():.2f} s" if len(tool) else "" for tool in (ours, stock)]
        share = f"{100 * alone[[*STAGES[str(job)]]].sum() / ours['seconds'].median():.0f} %" if job in STAGES else ""
        lines.append(f"| {' | '.join([str(job), *took, *ratios, share])} |")
    return "\n".join(lines)


def _spread(ratios: pd.Series[float]) -> str:
    spread = f" [{ratios.min():.1f}, {ratios.max():.1f}]" if len(ratios) > 1 else ""
    return f"{ratios.median():.1f} ×{spread}"


def machine() -> str:
    """Processor, cores and versions."""
    model = platform.processor() or platform.machine()
    if Path("/proc/cpuinfo").is_file():
        found = [line.partition(":")[2].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
        model = found[0] if found else model
    versions = ", ".join(f"{package} {importlib.metadata.version(package)}" for package in PACKAGES)
    return f"{cores()} cores of {model}; Python {platform.python_version()}, {versions}"


def main() -> None:
    """Measure, print the table, and write the rows."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for option, value, text in (
        ("photos", 1000, "photos to name"),
        ("rounds", 3, "of each command, after one that is not counted"),
        ("side", 224, "network input in pixels"),
        ("epochs", 5, "of the training that is timed"),
    ):
        arguments.add_argument(f"--{option}", type=int, default=value, help=f"{text} [default: {value}]")
    arguments.add_argument("--jobs", default="", help="only those whose names begin with one of these, with commas")
    arguments.add_argument("--out", type=Path, default=Path(__file__).parent / "results", help="folder for speed.csv")
    given = arguments.parse_args()
    plain = {**os.environ, "YOLO_OFFLINE": "1", "YOLO_AUTOINSTALL": "0"}  # stock waits for no network
    plain["PYTHONPATH"] = os.pathsep.join([str(Path(__file__).parent.parent), os.environ.get("PYTHONPATH", "")])
    prepare_environment()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        plain |= {"YOLO_CONFIG_DIR": str(folder), "YOLO_KOIN_HOME": str(folder)}
        for split, count in (("train", LEARNT), ("test", given.photos)):
            make_photos(folder / "KoIn/normal_cases", split, count)
        begun = ["train", "--data", "KoIn", "--weights", "scratch", "--imgsz", given.side, "--name", "asked"]
        run([sys.executable, "-m", "yolo_koin", *begun, "--epochs", EPOCHS], folder, plain)
        weights = folder / "runs/train/asked/weights/best.pt"
        as_stock(folder / "KoIn", folder / "data/koin-cls", folder / "stock")
        rows = []
        took = stages(folder, weights, given.photos)
        for job in jobs(folder, weights, given.epochs, given.side):
            if not job.name.startswith(tuple(given.jobs.split(","))):
                continue
            rows += measured(job, given.rounds, folder, plain)
        agreed = agreement(folder, weights, given.side, plain)
    rows += [{"job": stage, "tool": ALONE, "round": 1, "seconds": seconds} for stage, seconds in took.items()]
    frame = pd.DataFrame(rows)
    about = {"photos": given.photos, "side": given.side, "machine": machine()}
    write_csv(given.out / "speed.csv", frame.assign(**about))
    print(table(frame), "", f"{given.photos:,} photos of {SIZE[0]} × {SIZE[1]} px, YOLOv8n-cls at {given.side}; {agreed}.", sep="\n")
    print(machine())


if __name__ == "__main__":
    main()
