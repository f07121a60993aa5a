"""What a report says of whole-photo runs beside their results: classes and confidence, over seeds, in pairs, hard photos against normal."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from yolo_koin.errors import UsageError
from yolo_koin.evaluation import published, scores
from yolo_koin.evaluation.across_runs import effective_robustness, paired, seeds_interval
from yolo_koin.evaluation.metrics import reliability
from yolo_koin.evaluation.predictions import PredictionsError
from yolo_koin.evaluation.selective import risk_coverage
from yolo_koin.reporting import confidence as charts
from yolo_koin.reporting.document import Block, Figure, Table, Text
from yolo_koin.reporting.saving import save
from yolo_koin.splits import in_order
from yolo_koin.verbs.drawing import called
from yolo_koin.verbs.scored import Scored

SHOWN = 30  # pairs of runs in a report
TESTED = "McNemar's exact test of top-1, with Holm's correction over all {tests}. A model is called better where its p-value is below 5 %."
ROBUST = (
    "Effective robustness: top-1 on hard photos above what a line fitted to all {models} models on logit axes expects of their top-1 on"
    " normal photos, with bootstrap intervals."
)
DETAILED = "Classes and confidence. AURC: mean share of wrong answers over all coverages, the surest photos first; ECE: in 15 bins."
PUBLISHED = "Published results (arXiv:2310.09756), not ours: one seed each, intervals by sizes that were inferred."
RISK = "Wrong answers among the photos that a model is surest of"
RELIABLE = "how often it is right, by its confidence"
DETAILS = {
    "run": "model",
    "split": "split",
    "worst_class": "worst class",
    "class_p10": "10th percentile of classes",
    "ece": "ECE",
    "aurc": "AURC",
    "top1_at_80": "top-1 at 80 % coverage",
}
HEADS = {"only_a": "only a right", "only_b": "only b right", "n": "photos", "p_holm": "p (Holm)"}


def compared(runs: Sequence[Scored]) -> list[Block]:
    """The comparisons between runs that named whole photos.

    Where a model was trained with several seeds, the first stands for it.
    """
    blocks: list[Block] = []
    seeds = over_seeds(runs)
    if len(seeds):
        caption = "Top-1 over seeds, in percent; brackets: 95 % interval of the mean, seeds and photos resampled. Few seeds show little of"
        blocks.append(Table(seeds, f"{caption} the spread between them, and no significance is claimed."))
    models = first_seeds(runs)
    if len(models) > 1:
        blocks += _tests(models)
    robustness = effective_robustness({run.title: run.predictions for run in models})
    if len(robustness):
        blocks.append(Table(_readable_robustness(robustness), ROBUST.format(models=len(models))))
    return blocks


def first_seeds(runs: Sequence[Scored]) -> list[Scored]:
    """Of each model the run with the lowest seed; a run of unknown training is a model by itself."""
    found: dict[str, Scored] = {}
    for run in runs:
        key = run.settings or f"run {run.name}"
        if key not in found or run.seed < found[key].seed:
            found[key] = run
    return list(found.values())


def details(runs: Sequence[Scored]) -> Table:
    """How the worst classes fare, and how far confidence can be trusted."""
    parts = []
    for run in runs:
        table = scores.summary(run.metrics).assign(run=run.title)
        table["split"] = [called(split, run.synthetic) for split in table["split"]]
        parts.append(table[[column for column in DETAILS if column in table]])
    return Table(pd.concat(parts, ignore_index=True).fillna("").rename(columns=DETAILS), DETAILED)


def confidence(runs: Sequence[Scored], shown: Scored, out: Path) -> list[Block]:
    """The risk–coverage curve of each model, and the reliability of the run that is shown, as far as they tell their confidence."""
    curves = {(run.title, split): risk_coverage(photos) for run in first_seeds(runs) for split, photos in _with_confidence(run).items()}
    bins = {split: reliability(photos) for split, photos in _with_confidence(shown).items()}
    synthetic = frozenset[str]().union(*(run.synthetic for run in runs))
    figures = {
        "risk_coverage": (charts.risk_coverage(curves, synthetic), RISK),
        "reliability": (charts.reliability(bins, shown.title, shown.synthetic), f"{shown.title}: {RELIABLE}"),
    }
    return [Figure(save(figure, out / f"{name}.png")[0], caption) for name, (figure, caption) in figures.items() if figure]


def _with_confidence(run: Scored) -> dict[str, pd.DataFrame]:
    """The labelled photos of each split, where the run tells how sure it is."""
    by_split = scores.in_order(run.predictions[run.predictions["true_label"] != ""])
    return {split: photos for split, photos in by_split.items() if photos["score_1"].notna().any()}


def over_seeds(runs: Sequence[Scored]) -> pd.DataFrame:
    """Every value, mean and standard deviation of top-1 over runs that differ in the seed alone; empty when there are none."""
    rows = []
    for settings in dict.fromkeys(run.settings for run in runs):
        same = [run for run in runs if run.settings == settings]
        if not settings or len({run.seed for run in same}) < len(same):
            continue  # of unknown training, or one training scored twice
        top1 = pd.concat([run.metrics for run in same]).query("metric == 'top1'")
        for split, values in top1.groupby("split", sort=False)["value"]:
            if len(values) > 1:
                percent = 100 * values
                each = ", ".join(f"{value:.1f}" for value in percent)
                mean = f"{percent.mean():.1f} ± {percent.std():.1f}{_of_mean(same, str(split))}"
                rows.append({"model": same[0].model, "split": split, "seeds": len(values), "top-1": each, "mean ± SD": mean})
    return pd.DataFrame(rows)


def _of_mean(runs: Sequence[Scored], split: str) -> str:
    try:
        low, high = seeds_interval({run.name: run.predictions for run in runs}, split)
    except PredictionsError:  # a photo came or went between two of them
        return ""
    return f" [{100 * low:.1f}, {100 * high:.1f}]"


def _tests(runs: Sequence[Scored]) -> list[Block]:
    """The tests between models; runs that saw other photos cannot be compared, which is said."""
    splits = in_order(split for run in runs for split in run.predictions["split"])
    table, untested = paired({run.title: run.predictions for run in runs}, splits)
    blocks: list[Block] = [Text(f"{split}: no test between runs ({why})") for split, why in untested.items()]
    if len(table):
        some = table.nsmallest(SHOWN, "p_holm").sort_index()
        left = f" Shown are the {SHOWN} of the smallest p-values." if len(some) < len(table) else ""
        better, p = some["better"].replace("", "neither shown"), [f"{value:.2g}" for value in some["p_holm"]]
        blocks.append(
            Table(
                some.drop(columns="p").assign(better=better, p_holm=p).rename(columns=HEADS),
                TESTED.format(tests=f"{len(table)} tests" if len(table) > 1 else "tests") + left,
            )
        )
    return blocks


def published_results(runs: Sequence[Scored]) -> Table:
    """What was published of KoIn50, to stand beside runs on its photos.

    Raises:
        UsageError: a run is of other photos.
    """
    if others := [run.title for run in runs if run.synthetic or run.classes != published.CLASSES]:
        raise UsageError(
            "the published results are of the 50 people of KoIn50 on real photos", "published=True", f"Drop it, or the run {others[0]}."
        )
    wide = scores.summary(published.table()).rename(columns={"run": "model", "n": "photos (inferred)", "top1": "top-1", "top3": "top-3"})
    return Table(wide, PUBLISHED)


def _readable_robustness(table: pd.DataFrame) -> pd.DataFrame:
    shares = {column: [scores.text("top1", value) for value in table[column]] for column in ("normal", "hard", "expected")}
    above = [scores.text("top1_gap", *row) for row in table[["value", "low", "high"]].itertuples(index=False)]
    return pd.DataFrame({"model": table["run"], **shares, "effective robustness": above})
