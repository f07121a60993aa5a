"""What a report says of runs beside their results: of classes and confidence, seeds, pairs, hard against normal photos, published rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from yolo_koin.errors import UsageError
from yolo_koin.evaluation import published, scores
from yolo_koin.evaluation.across_runs import effective_robustness, paired
from yolo_koin.evaluation.metrics import reliability
from yolo_koin.evaluation.selective import risk_coverage
from yolo_koin.reporting.document import Block, Figure, Heading, Table, Text
from yolo_koin.splits import in_order
from yolo_koin.verbs.drawing import called
from yolo_koin.verbs.scored import WHOLE, Scored
from yolo_koin.verbs.seeds import Mean, of_one_setting, of_photos, over_seeds
from yolo_koin.words import Sentence

SHOWN = 30  # pairs of runs in a report
CURVES = 12  # in one chart
DETAILED = "Classes and confidence. AURC: mean share of wrong answers over all coverages, the surest photos first; ECE: in 15 bins."
SEEDS = (
    "Top-1 over seeds, in percent; brackets: 95 % interval of the mean, for other seeds and other photos. Few seeds show"
    " little of the spread between them: the interval is wide, and no significance is claimed."
)
OF_FACES = "A photo is right for a run that names faces when any face of it is given the labelled person's name first."
TESTED = (
    "McNemar's exact test of top-1 between runs, with Holm's correction over all {tests} tests. A run is called better where its p-value is"
    " below 5 %. Of many pairs those with the smallest p-values on each split are shown; tests.csv has all."
)
ROBUST = (
    "Effective robustness: top-1 on hard photos above what a line fitted to all {models} models on logit axes expects of their top-1 on"
    " normal photos, with bootstrap intervals."
)
PUBLISHED = "Published results (arXiv:2310.09756), not ours: one seed each, intervals by sizes that were inferred."
DETAILS = {
    "run": "model",
    "split": "split",
    "worst_class": "worst class",
    "class_p10": "10th percentile of classes",
    "ece": "ECE",
    "aurc": "AURC",
    "top1_at_80": "top-1 at 80 % coverage",
}
HEADS = {
    "split": "split",
    "a": "A",
    "b": "B",
    "only_a": "only A right",
    "only_b": "only B right",
    "n": "photos",
    "p_holm": "p (Holm)",
    "better": "better",
}


def by_way(runs: Sequence[Scored]) -> tuple[list[Scored], list[Scored]]:
    """Those that named whole photos, and those that named faces."""
    return [run for run in runs if run.way == WHOLE], [run for run in runs if run.way != WHOLE]


@dataclass(frozen=True, eq=False)
class Paired:
    """The tests between models, each by its first seed.

    Attributes:
        table: as :func:`yolo_koin.evaluation.across_runs.paired` gives it.
        untested: split → the runs that did not see the same photos of it.
    """

    table: pd.DataFrame
    untested: dict[str, str]

    @classmethod
    def between(cls, runs: Sequence[Scored]) -> Paired:
        """The tests between these runs, whatever they name."""
        models = first_seeds(runs)
        splits = in_order(split for run in models for split in run.predictions["split"])
        return cls(*paired({run.title: pd.concat([of_photos(run, split) for split in splits]) for run in models}, splits))


def compared(runs: Sequence[Scored], found: Sequence[Mean], tests: Paired) -> list[Block]:
    """The comparisons between runs on one dataset, whatever they name.

    Where a model was trained with several seeds, the first stands for it.

    Args:
        runs: all of them.
        found: their top-1.
        tests: between them.
    """
    blocks: list[Block] = []
    seeds = over_seeds(found)
    if len(seeds):
        blocks += [Heading(Sentence("Seeds")), Table(seeds, Sentence(SEEDS))]
    models = first_seeds(runs)
    if len(models) > 1:
        blocks += [Heading(Sentence("Tests between runs")), *_tests(models, tests)]
    robustness = effective_robustness({run.title: run.predictions for run in by_way(models)[0]})
    if len(robustness):
        blocks += [
            Heading(Sentence("Effective robustness")),
            Table(_readable_robustness(robustness), Sentence(ROBUST, models=len(robustness))),
        ]
    return blocks


def first_seeds(runs: Sequence[Scored]) -> list[Scored]:
    """The runs that stand for their models: of those that differ in the seed alone, those of the lowest."""
    return [same[0] for same in of_one_setting(runs)]


def surest(runs: Sequence[Scored]) -> list[Scored]:
    """The runs whose curves are drawn: one seed of each model, and of many models those with the best validation figures."""
    models = first_seeds(runs)
    chosen = {run.name for run in sorted(models, key=lambda run: np.nan_to_num(run.val, nan=-1.0), reverse=True)[:CURVES]}
    return [run for run in models if run.name in chosen]


def details(runs: Sequence[Scored]) -> Table:
    """How the worst classes fare, and how far confidence can be trusted."""
    parts = []
    for run in runs:
        table = scores.summary(run.metrics).assign(run=run.title)
        table["split"] = [called(split, run.synthetic) for split in table["split"]]
        parts.append(table[[column for column in DETAILS if column in table]])
    return Table(pd.concat(parts, ignore_index=True).fillna("").rename(columns=DETAILS), Sentence(DETAILED))


def confidence(runs: Sequence[Scored], shown: Scored, out: Path) -> list[Block]:
    """The risk–coverage curve of each model, and the reliability of the run that is shown, as far as they tell their confidence."""
    from yolo_koin.reporting import confidence as charts  # here, since matplotlib takes half a second to load, and most tables need none
    from yolo_koin.reporting.saving import save

    curves = {(run.title, split): risk_coverage(photos) for run in surest(runs) for split, photos in _with_confidence(run).items()}
    bins = {split: reliability(photos) for split, photos in _with_confidence(shown).items()}
    synthetic = frozenset[str]().union(*(run.synthetic for run in runs))
    figures = {
        "risk_coverage": (charts.risk_coverage(curves, synthetic), Sentence("Wrong answers among the photos that a model is surest of")),
        "reliability": (
            charts.reliability(bins, shown.title, shown.synthetic),
            Sentence("{title}: {said}", title=shown.title, said=Sentence("how often it is right, by its confidence")),
        ),
    }
    return [Figure(save(figure, out / f"{name}.png")[0], caption) for name, (figure, caption) in figures.items() if figure]


def _with_confidence(run: Scored) -> dict[str, pd.DataFrame]:
    """The labelled photos of each split, where the run tells how sure it is."""
    by_split = scores.in_order(run.predictions[run.predictions["true_label"] != ""])
    return {split: photos for split, photos in by_split.items() if photos["score_1"].notna().any()}


def _tests(runs: Sequence[Scored], tests: Paired) -> list[Block]:
    """The tests between runs; those that saw other photos cannot be compared, which is said."""
    blocks: list[Block] = [Text(Sentence(OF_FACES))] if by_way(runs)[1] else []
    for split, where in tests.untested.items():
        said = Sentence(
            "{split}: no test between the runs, since they were not scored on the same labelled photos ({where}).", split=split, where=where
        )
        blocks.append(Text(said))
    if total := len(tests.table):
        each = max(1, SHOWN // tests.table["split"].nunique())
        some = tests.table.sort_values("p", kind="stable").groupby("split", sort=False).head(each).sort_index()
        synthetic = frozenset[str]().union(*(run.synthetic for run in runs))
        told: dict[str, Any] = {
            "split": [called(split, synthetic) for split in some["split"]],
            "better": some["better"].replace("", "neither shown"),
            "p_holm": [f"{value:.2g}" for value in some["p_holm"]],
        }
        blocks.append(Table(some.assign(**told)[list(HEADS)].rename(columns=HEADS), Sentence(TESTED, tests=total)))
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
    return Table(wide, Sentence(PUBLISHED))


def _readable_robustness(table: pd.DataFrame) -> pd.DataFrame:
    shares = {column: [scores.text("top1", value) for value in table[column]] for column in ("normal", "hard", "expected")}
    above = [scores.text("top1_gap", *row) for row in table[["value", "low", "high"]].itertuples(index=False)]
    return pd.DataFrame({"model": table["run"], **shares, "effective robustness": above})
