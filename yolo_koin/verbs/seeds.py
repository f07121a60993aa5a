"""Runs that differ in the seed alone, taken together: what each seed gives, and what they give on average."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, stdev
from typing import Any

import pandas as pd

from yolo_koin.evaluation.across_runs import seeds_interval
from yolo_koin.evaluation.face_scores import one_per_photo
from yolo_koin.evaluation.predictions import PredictionsError
from yolo_koin.evaluation.statistics import NO_INTERVAL, Interval
from yolo_koin.verbs.drawing import called
from yolo_koin.verbs.scored import WHOLE, Scored

TOP1 = ("top1", "person_top1")  # of whole photos, and of faces


@dataclass(frozen=True)
class Mean:
    """Top-1 of one setting on one split.

    Attributes:
        runs: in the order of their seeds; the first stands for them in tests between settings.
        split: the split.
        photos: how many it has.
        values: top-1 of each run, from 0 to 1.
        interval: of the mean; of one run its own.
    """

    runs: tuple[Scored, ...]
    split: str
    photos: int
    values: tuple[float, ...]
    interval: Interval

    @property
    def mean(self) -> float:
        """Over seeds."""
        return fmean(self.values)

    @property
    def sd(self) -> float:
        """Sample standard deviation over seeds; NaN of one."""
        return stdev(self.values) if len(self.values) > 1 else float("nan")

    @property
    def row(self) -> dict[str, Any]:
        """What tables of settings say of it."""
        low, high = self.interval
        of = {"split": self.split, "synthetic": self.split in self.runs[0].synthetic, "photos": self.photos, "seeds": len(self.values)}
        return {**of, "top1": self.mean, "sd": self.sd, "low": low, "high": high}


def of_one_setting(runs: Sequence[Scored]) -> list[tuple[Scored, ...]]:
    """The runs in groups that differ in the seed alone, by seed; one of unknown training, or of one scored twice, is alone."""
    groups: dict[str, list[Scored]] = {}
    for number, run in enumerate(runs):
        groups.setdefault(run.settings or f"unknown {number}", []).append(run)
    alike = [tuple(sorted(same, key=lambda run: run.seed)) for same in groups.values()]
    return [part for same in alike for part in ([same] if len({run.seed for run in same}) == len(same) else [(run,) for run in same])]


def means(runs: Sequence[Scored]) -> list[Mean]:
    """Top-1 of each setting on each split of its runs."""
    return [mean for same in of_one_setting(runs) for mean in _means(same)]


def _means(runs: tuple[Scored, ...]) -> list[Mean]:
    rows = pd.concat([run.metrics.assign(place=place) for place, run in enumerate(runs)]).query("metric in @TOP1")
    found = []
    for split, of_split in rows.groupby("split", sort=False):
        these = tuple(runs[place] for place in of_split["place"])
        values = tuple(float(value) for value in of_split["value"])
        alone = (float(of_split["low"].iloc[0]), float(of_split["high"].iloc[0]))
        interval = _of_seeds(these, str(split)) if len(these) > 1 else alone
        found.append(Mean(these, str(split), int(of_split["n"].max()), values, interval))
    return found


def _of_seeds(runs: Sequence[Scored], split: str) -> Interval:
    try:
        return seeds_interval({run.name: of_photos(run, split) for run in runs}, split)
    except PredictionsError:  # a photo came or went between two of them
        return NO_INTERVAL


def of_photos(run: Scored, split: str) -> pd.DataFrame:
    """One row for each photo of a split."""
    rows = run.predictions[run.predictions["split"] == split]
    return rows if run.way == WHOLE else one_per_photo(rows, "detector" if run.way == "detector" else "faces")


def over_seeds(found: Sequence[Mean]) -> pd.DataFrame:
    """Top-1 of each seed, mean and standard deviation, of the settings with several seeds; empty when there are none."""
    rows: list[dict[str, Any]] = []
    for one in (one for one in found if len(one.values) > 1):
        each = {f"seed {run.seed}": f"{100 * value:.1f}" for run, value in zip(one.runs, one.values, strict=True)}
        mean = percent(one.mean, one.sd, *one.interval)
        rows.append(
            {"model": one.runs[0].model, "split": called(one.split, one.runs[0].synthetic), "photos": one.photos, **each, "mean ± SD": mean}
        )
    frame = pd.DataFrame(rows)
    return frame[[*(column for column in frame if column != "mean ± SD"), "mean ± SD"]] if rows else frame


def percent(mean: float, sd: float, low: float, high: float, unit: str = "") -> str:
    """``93.0 ± 3.6 [87.0, 98.0]`` of shares, with a unit before the bracket; NaN is left out."""
    spread = f" ± {100 * sd:.1f}" if sd == sd else ""
    limits = f" [{100 * low:.1f}, {100 * high:.1f}]" if low == low else ""
    return f"{100 * mean:.1f}{spread}{unit}{limits}"
