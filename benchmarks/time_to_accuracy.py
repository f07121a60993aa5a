"""How long it takes to learn: seconds from the start of the command until an epoch has 90 % validation top-1, ours and stock Ultralytics.

    python -m benchmarks.time_to_accuracy [--seeds 0,1,2] [--longest 600] [--out benchmarks/results]

YOLOv8n-cls from nothing, at 224 px, on the built-in faces: 240 training photos of 40 people, a sixth of them for validation. Stock is asked
with its defaults, and with two settings that suit a small dataset better. Each command writes a row of ``results.csv`` an epoch, which is
looked at all along; it is stopped once it is there, or after ``--longest`` seconds. Validation photos are the same for all; test photos
are not looked at.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from benchmarks.speed import OURS, STOCK, machine, run
from yolo_koin.environment import prepare as prepare_environment
from yolo_koin.files import write_csv

WANTED = 0.9
SIDE = 224
SETTINGS = {
    "defaults": (),
    "AdamW, lr 0.001, batch 32": ("optimizer=AdamW", "lr0=0.001", "batch=32"),
    "SGD, lr 0.02, batch 16, no erasing": ("optimizer=SGD", "lr0=0.02", "batch=16", "erasing=0"),
}
ACCURACY = ("val_top1", "metrics/accuracy_top1")  # ours, and stock's name of the column


def seconds_to(words: Sequence[object], results: Path, folder: Path, environment: dict[str, str], longest: float) -> dict[str, float]:
    """When a training first had :data:`WANTED`, and its epochs and best value until then; NaN where it ended, or was stopped, before."""
    start, epochs, best = time.perf_counter(), 0, 0.0
    process = subprocess.Popen(list(map(str, words)), cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while time.perf_counter() - start < longest:
            ended = process.poll() is not None
            with contextlib.suppress(OSError, ValueError):  # it is being written
                table = pd.read_csv(results, skipinitialspace=True)
                found = table[next(name for name in ACCURACY if name in table)]
                epochs, best = len(found), float(found.max())
            if best >= WANTED:
                return {"seconds": time.perf_counter() - start, "epochs": epochs, "best": best}
            if ended:
                break
            time.sleep(0.05)
        return {"seconds": float("nan"), "epochs": epochs, "best": best}
    finally:
        process.kill()
        process.wait()


def table(rows: pd.DataFrame) -> str:
    """The rows of ``time_to_accuracy.csv`` as Markdown: each seed's seconds and epochs, or how far it came."""
    lines = ["| | settings | seconds to 90 % (epochs) |", "|---|---|---|"]
    for (tool, settings), found in rows.groupby(["tool", "settings"], sort=False):
        told = [
            f"{row['seconds']:.0f} s ({row['epochs']})"
            if pd.notna(row["seconds"])
            else f"not in {row['epochs']} epochs ({100 * row['best']:.0f} %)"
            for row in found.to_dict("records")
        ]
        lines.append(f"| {'yolo_koin' if tool == OURS else 'stock `yolo`'} | {settings} | {', '.join(told)} |")
    return "\n".join(lines)


def main() -> None:
    """Measure in turn, print, and write the rows."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--seeds", default="0,1,2")
    arguments.add_argument("--longest", type=float, default=600, help="seconds after which a training is stopped")
    arguments.add_argument("--out", type=Path, default=Path(__file__).parent / "results", help="folder for time_to_accuracy.csv")
    given = arguments.parse_args()
    prepare_environment()
    rows = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        plain = {**os.environ, "YOLO_OFFLINE": "1", "YOLO_AUTOINSTALL": "0", "YOLO_CONFIG_DIR": name, "YOLO_KOIN_HOME": name}
        plain["PYTHONPATH"] = os.pathsep.join([str(Path(__file__).parent.parent), os.environ.get("PYTHONPATH", "")])
        ours, stock = [sys.executable, "-m", "yolo_koin"], Path(sys.executable).with_name("yolo")
        run([*ours, "convert", "classify", "--data", "sample"], folder, plain)
        for seed in given.seeds.split(","):
            asked = [*ours, "train", "--data", "sample", "--weights", "scratch", "--imgsz", SIDE, "--seed", seed, "--name", f"ours-{seed}"]
            todo = [(OURS, "defaults", asked, folder / f"runs/train/ours-{seed}/results.csv")]
            for number, (setting, words) in enumerate(SETTINGS.items()):
                place = [f"project={folder}", f"name=stock-{seed}-{number}", f"seed={seed}"]
                learn = ["classify", "train", "model=yolov8n-cls.yaml", f"data={folder / 'data/sample-cls'}", f"imgsz={SIDE}", "device=cpu"]
                todo.append((STOCK, setting, [stock, *learn, *words, *place], folder / f"stock-{seed}-{number}/results.csv"))
            for tool, setting, line, results in todo:
                took = seconds_to(line, results, folder, plain, given.longest)
                rows.append({"tool": tool, "settings": setting, "seed": int(seed), **took})
                print(
                    f"{tool:9} {setting:36} seed {seed}: {took['seconds']:.1f} s, {took['epochs']} epochs, {took['best']:.3f}", flush=True
                )
    write_csv(
        given.out / "time_to_accuracy.csv", pd.DataFrame(rows).assign(wanted=WANTED, longest=given.longest, side=SIDE, machine=machine())
    )
    print(machine())


if __name__ == "__main__":
    main()
