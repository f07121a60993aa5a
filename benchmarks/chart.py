"""The chart of how fast we are, of the files that the other benchmarks wrote.

Said as ``python -m benchmarks.chart [--results benchmarks/results] [--out resources/speed.png]``.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.speed import ALONE, OURS, STOCK
from yolo_koin.files import atomic_path
from yolo_koin.reporting.style import BLUE, GREY, INK, PAGE, SERIES, VERMILION, new_figure, styled

BAR = 0.36
LINES = {"convert": "o", "evaluate, photos prepared before": "^", "predict, annotated copies": "s"}


@styled
def chart(speed: pd.DataFrame, growth: pd.DataFrame, learning: pd.DataFrame) -> Figure:
    """Seconds of each job beside stock's, the cost of a photo among more and more and by larger models, and the time to 90 % top-1.

    Args:
        speed, growth, learning: rows of ``speed.csv``, ``growth.csv`` and ``time_to_accuracy.csv``.
    """
    figure = new_figure(4.8, PAGE)
    (jobs, photos), (learnt, sizes) = figure.subplots(2, 2, width_ratios=[1.2, 1], height_ratios=[1.25, 1])
    _jobs(jobs, speed[speed["tool"] != ALONE])
    _photos(photos, growth[growth["grows"] == "photos"])
    _learning(learnt, learning)
    _sizes(sizes, growth[growth["grows"] == "size"])
    return figure


def _jobs(axes: Axes, rows: pd.DataFrame) -> None:
    wide = rows.pivot_table("seconds", "job", "tool", aggfunc="median", sort=False).dropna()
    places = np.arange(len(wide))[::-1]
    for tool, colour, up in ((OURS, BLUE, BAR / 2), (STOCK, GREY, -BAR / 2)):
        axes.barh(places + up, wide[tool], BAR, color=colour, label={OURS: "yolo_koin", STOCK: "stock yolo"}[tool])
    for place, (_, row) in zip(places, wide.iterrows(), strict=True):
        axes.text(row[OURS] + 0.3, place + BAR / 2, f"{row[STOCK] / row[OURS]:.1f} ×", va="center", fontsize=7, color=INK, in_layout=False)
    axes.set_yticks(places, [str(job).replace(", ", ",\n") for job in wide.index])
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel("seconds")
    axes.set_title("Whole commands")
    axes.legend(loc="lower right")
    axes.grid(axis="x")


def _photos(axes: Axes, rows: pd.DataFrame) -> None:
    for (job, marker), colour in zip(LINES.items(), SERIES, strict=False):
        mine = rows[rows["job"] == job].assign(to=lambda frame: frame["to"].astype(int)).sort_values("to")
        axes.plot(mine["to"], 1000 * mine["seconds"] / mine["to"], marker=marker, color=colour, label=job.split(",")[0], clip_on=False)
        axes.plot(mine["to"], 1000 * mine["limit_seconds"] / mine["to"], color=colour, linestyle=":", linewidth=0.9)
    axes.plot([], [], color=GREY, linestyle=":", linewidth=0.9, label="limit")
    axes.set_xscale("log")
    ticks = sorted(rows["to"].astype(int).unique().tolist())
    axes.set_xticks(ticks, [f"{tick:,}" for tick in ticks], minor=False)
    axes.minorticks_off()
    axes.set_ylim(bottom=0)
    axes.set_xlabel("photos")
    axes.set_ylabel("milliseconds a photo")
    axes.set_title("More photos")
    axes.legend(loc="center", bbox_to_anchor=(0.5, 0.47), ncols=2)
    axes.grid(axis="y")


def _learning(axes: Axes, rows: pd.DataFrame) -> None:
    settings = [*dict.fromkeys(zip(rows["tool"], rows["settings"], strict=True))]
    longest = float(rows["longest"].max())
    for place, (tool, setting) in enumerate(settings[::-1]):
        mine = rows[(rows["tool"] == tool) & (rows["settings"] == setting)]
        reached = mine["seconds"].dropna()
        colour = BLUE if tool == OURS else GREY
        axes.plot(reached, [place] * len(reached), "o", color=colour, alpha=0.8, clip_on=False)
        if missed := len(mine) - len(reached):
            axes.plot([longest] * missed, [place] * missed, ">", color=VERMILION, clip_on=False)
            told = f"not in {longest:.0f} s: {missed} of {len(mine)}  "
            axes.text(longest, place, told, ha="right", va="center", color=VERMILION, fontsize=7, in_layout=False)
    labels = ["yolo_koin" if tool == OURS else f"stock: {setting}".replace(", ", ",\n", 1) for tool, setting in settings[::-1]]
    axes.set_yticks(range(len(settings)), labels)
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(-0.6, len(settings) - 0.4)
    axes.set_xlim(0, longest)
    axes.set_xlabel("seconds, a point a seed")
    axes.set_title("To 90 % top-1")
    axes.grid(axis="x")


def _sizes(axes: Axes, rows: pd.DataFrame) -> None:
    sizes = [*dict.fromkeys(rows["to"])]
    for (job, mine), colour, marker in zip(rows.groupby("job", sort=False), SERIES, "os", strict=False):
        axes.plot(range(len(sizes)), mine["seconds"], marker=marker, color=colour, label=job, clip_on=False)
    axes.set_yscale("log")
    axes.set_ylim(1, 100)
    axes.set_yticks([1, 3, 10, 30, 100], ["1", "3", "10", "30", "100"])
    axes.minorticks_off()
    axes.set_xticks(range(len(sizes)), sizes)
    axes.set_xlabel("YOLOv8-cls")
    axes.set_ylabel("seconds")
    axes.set_title("Larger models")
    axes.legend(loc="upper left")
    axes.grid(axis="y")


def main() -> None:
    """Draw it."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--results", type=Path, default=Path(__file__).parent / "results")
    arguments.add_argument("--out", type=Path, default=Path(__file__).parent.parent / "resources/speed.png")
    given = arguments.parse_args()
    figure = chart(*(pd.read_csv(given.results / f"{name}.csv") for name in ("speed", "growth", "time_to_accuracy")))
    with atomic_path(given.out) as temporary:
        figure.savefig(temporary)


if __name__ == "__main__":
    main()
