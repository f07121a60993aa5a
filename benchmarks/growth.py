"""How the cost grows: with photos, with people, and with the size of the model; and the share of what the processor allows.

    python -m benchmarks.growth [--photos 1000,3000,10000] [--people 10,100,1000] [--sizes n,s,m,l,x] [--scores 10000x100,…]
        [--out benchmarks/results]

What is measured takes the place of its rows in ``growth.csv``; of an empty list nothing is, and its rows stay.

Photos are those of ``benchmarks.speed``. Each command runs once, in a process of its own, and stock Ultralytics is not asked. Memory is the
most that the process had. A score is of answers that are drawn from a softmax, not of photos.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.speed import EPOCHS, LEARNT, STAGES, jobs, machine, make_photos, run, stages
from yolo_koin.environment import prepare as prepare_environment
from yolo_koin.evaluation import predictions
from yolo_koin.files import write_csv

SIDE = 224
VERBS = ("convert", "evaluate, photos prepared before", "predict, annotated copies")
FEW = 320  # photos of a size
OF_ONE = 2  # training photos of each person, where their number grows

SCORE = """
import sys
from pathlib import Path
from yolo_koin.evaluation import predictions, scores
scores.score(predictions.read(Path(sys.argv[1])), "scored", int(sys.argv[2]))
"""

Row = dict[str, Any]


def by_photos(folder: Path, counts: Sequence[int], plain: dict[str, str]) -> Iterator[Row]:
    """The verbs on more and more photos of ten people."""
    make_photos(folder / "KoIn/normal_cases", "train", LEARNT)
    ours = [sys.executable, "-m", "yolo_koin"]
    for count in counts:
        make_photos(folder / "KoIn/normal_cases", "test", count)
        weights = folder / "runs/train/asked/weights/best.pt"
        if not weights.is_file():
            begun = ["train", "--data", "KoIn", "--weights", "scratch", "--imgsz", SIDE, "--epochs", EPOCHS, "--name", "asked"]
            run([*ours, *begun], folder, plain)
        todo = {job.name: job for job in jobs(folder, weights, EPOCHS, SIDE)}
        for number, verb in enumerate(VERBS):
            words = ["convert", "classify", "--data", "KoIn", "--out", f"data/{count}"] if not number else todo[verb].ours
            if number == 1:
                run([*ours, *todo[verb].ours, "--name", f"photos-before-{count}"], folder, plain)  # prepares the photos
                words = [*words, "--name", f"photos-{count}"]
            took = run([*ours, *words], folder, plain)
            alone = stages(folder, weights, count)
            limit = sum(alone[stage] for stage in STAGES[verb])
            yield {"grows": "photos", "to": count, "job": verb, **took, "limit_seconds": limit}


def by_people(folder: Path, counts: Sequence[int], plain: dict[str, str]) -> Iterator[Row]:
    """A training of one epoch, and the evaluation of 1,000 photos, with more and more people."""
    ours = [sys.executable, "-m", "yolo_koin"]
    for count in counts:
        root = folder / f"people-{count}"
        make_photos(root / "normal_cases", "train", OF_ONE * count, count)
        make_photos(root / "normal_cases", "test", 1_000, count)
        begun = ["train", "--data", root, "--weights", "scratch", "--imgsz", 64, "--epochs", 1, "--name", f"people-{count}"]
        run([*ours, "convert", "classify", "--data", root], folder, plain)
        yield {"grows": "people", "to": count, "job": "train, an epoch of two photos each", **run([*ours, *begun], folder, plain)}
        asked = ["evaluate", "--weights", f"people-{count}", "--engine", "auto"]
        run([*ours, *asked, "--name", f"before-{count}"], folder, plain)
        yield {"grows": "people", "to": count, "job": "evaluate, 1,000 photos", **run([*ours, *asked], folder, plain)}


def by_size(folder: Path, sizes: Sequence[str], plain: dict[str, str]) -> Iterator[Row]:
    """A training of one epoch, and an evaluation, by each size of YOLOv8-cls."""
    ours, root = [sys.executable, "-m", "yolo_koin"], folder / "sizes"
    for split in ("train", "test"):
        make_photos(root / "normal_cases", split, FEW)
    run([*ours, "convert", "classify", "--data", root], folder, plain)
    for size in sizes:
        begun = ["train", "--data", root, "--weights", "scratch", "--size", size, "--imgsz", SIDE, "--epochs", 1, "--name", f"size-{size}"]
        yield {"grows": "size", "to": size, "job": f"train, an epoch of {FEW} photos", **run([*ours, *begun], folder, plain)}
        asked = ["evaluate", "--weights", f"size-{size}", "--engine", "auto"]
        run([*ours, *asked, "--name", f"before-{size}"], folder, plain)
        yield {"grows": "size", "to": size, "job": f"evaluate, {FEW} photos", **run([*ours, *asked], folder, plain)}


def by_score(folder: Path, scores: Sequence[str], plain: dict[str, str]) -> Iterator[Row]:
    """All metrics with 9,999 resamples, of a file of predictions; of so many photos and people as ``100000x100`` says."""
    for photos, people in (map(int, score.split("x")) for score in scores):
        write_answers(folder / "answers.csv", photos, people)
        took = run([sys.executable, "-c", SCORE, "answers.csv", people], folder, plain)
        yield {"grows": "score", "to": f"{photos:,} × {people:,}", "job": "read and score", **took}


def write_answers(path: Path, photos: int, people: int) -> None:
    """Predictions of a model that is right for about two thirds of the photos."""
    rng, parts = np.random.default_rng(0), []
    names = [f"{person:04d}" for person in range(people)]
    for start in range(0, photos, 10_000):
        n = min(10_000, photos - start)
        true = rng.integers(people, size=n)
        logits = rng.normal(size=(n, people)).astype(np.float32)
        logits[np.arange(n), true] += np.sqrt(2 * np.log(people))
        scores = np.exp(logits - logits.max(axis=1, keepdims=True))
        told = [f"{start + i}.jpg" for i in range(n)], [names[person] for person in true]
        parts.append(predictions.rows("normal_cases/test", *told, scores / scores.sum(axis=1, keepdims=True), names))
    predictions.write(path, pd.concat(parts, ignore_index=True))


GROWS = {"score": "{} photos × people", "people": "{} people", "size": "YOLOv8{}-cls", "photos": "{} photos"}


def table(rows: pd.DataFrame) -> str:
    """The rows of ``growth.csv`` as Markdown."""
    lines = ["| | job | seconds | processor seconds | memory | share of the limit |", "|---|---|---:|---:|---:|---:|"]
    for row in rows.to_dict("records"):
        to = f"{int(row['to']):,}" if str(row["to"]).isdecimal() else row["to"]
        share = "" if pd.isna(row["limit_seconds"]) else f"{100 * row['limit_seconds'] / row['seconds']:.0f} %"
        took = f"{row['seconds']:.1f} | {row['processor_seconds']:.1f} | {row['megabytes']:.0f} MB"
        lines.append(f"| {GROWS[row['grows']].format(to)} | {row['job']} | {took} | {share} |")
    return "\n".join(lines)


def main() -> None:
    """Measure, print the rows as they come, and write them."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--photos", default="1000,3000,10000")
    arguments.add_argument("--people", default="10,100,1000")
    arguments.add_argument("--sizes", default="n,s,m,l,x")
    arguments.add_argument("--scores", default="10000x100,100000x10,100000x100,100000x1000")
    arguments.add_argument("--out", type=Path, default=Path(__file__).parent / "results", help="folder for growth.csv")
    given = arguments.parse_args()
    prepare_environment()
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        plain = {**os.environ, "YOLO_CONFIG_DIR": name, "YOLO_KOIN_HOME": name}
        plain["PYTHONPATH"] = os.pathsep.join([str(Path(__file__).parent.parent), os.environ.get("PYTHONPATH", "")])
        lists = {name: [*filter(None, str(getattr(given, name)).split(","))] for name in ("photos", "people", "sizes", "scores")}
        photos, people = ([*map(int, lists[name])] for name in ("photos", "people"))
        for measured in (
            *(by_score(folder, lists["scores"], plain), by_people(folder, people, plain), by_size(folder, lists["sizes"], plain)),
            by_photos(folder, photos, plain),
        ):
            for row in measured:
                rows.append(row)
                shown = f"{row['seconds']:8.2f} s {row['processor_seconds']:8.2f} s of processor {row['megabytes']:6.0f} MB"
                share = f"  {100 * row['limit_seconds'] / row['seconds']:.0f} % of the limit" if "limit_seconds" in row else ""
                print(f"{row['grows']:7} {row['to']:>14} {row['job']:36} {shown}{share}", flush=True)
    found, path = pd.DataFrame(rows).assign(machine=machine()), given.out / "growth.csv"
    if path.is_file():
        before = pd.read_csv(path, dtype={"to": str})
        found = pd.concat([before[~before["grows"].isin(found["grows"])], found], ignore_index=True)
    write_csv(path, found)
    print(machine())


if __name__ == "__main__":
    main()
