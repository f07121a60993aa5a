"""What a report says of strangers: runs whose people were held out in turn, their tables and the chart of TPIR over FPIR."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from yolo_koin.errors import RunError
from yolo_koin.evaluation import scores, strangers, verification
from yolo_koin.evaluation.open_set import RULE_OF_THREE, dir_curve, smallest_claim
from yolo_koin.evaluation.strangers import CALLED, FPIRS, SCORES, VAL
from yolo_koin.manifests import kind_of
from yolo_koin.reporting.dir_curve import Curves, dir_curves
from yolo_koin.reporting.document import Block, Figure, Heading, Table
from yolo_koin.reporting.saving import save
from yolo_koin.runs import ScoredRun, TrainRun
from yolo_koin.specs import EvaluateSpec
from yolo_koin.splits import in_order
from yolo_koin.verbs.cells import open_sets
from yolo_koin.verbs.drawing import called
from yolo_koin.verbs.scored import title_of
from yolo_koin.words import Sentence

POINTS = 80  # of a curve
OF_A_CURVE = 1999  # resamples
SHARES = ("rank1", *(f"{rate}_at_{100 * fpir:g}" for fpir in FPIRS for rate in ("tpir", "fpir")))
COLUMNS = {
    "model": "model",
    "split": "split",
    "photos": "photos, known + strangers",
    "rank1": "rank-1",
    "tpir_at_10": "TPIR at FPIR 10 %",
    "fpir_at_10": "FPIR there",
    "tpir_at_1": "TPIR at FPIR 1 %",
    "fpir_at_1": "FPIR there (1 %)",
    "oscr": "OSCR",
    "auroc": "AUROC",
}
STRANGERS = (
    "TPIR: known people's photos that are accepted and named rightly; FPIR: strangers' photos that are accepted. Thresholds are"
    " chosen by photos of other strangers, of the training split: FPIR there is what they then let through. Brackets: 95 % intervals,"
    " people resampled. With n photos of strangers no FPIR below 3/n is claimed. The score is the one with the best OSCR on validation"
    " photos. A group photo of a stranger may show people whom the model knows."
)
BY_SCORE = "OSCR by each score that may reject a photo; a star marks the one that the run goes by, the best on validation photos (val)."
VERIFIED = (
    "1:1 verification of strangers, beside the main numbers: a hard photo against a normal one, by the cosine of features. TAR: pairs of"
    " one person accepted; FAR: pairs of two. Thresholds are set by the same pairs, so this is the most that any could give."
)
CURVE = "TPIR over FPIR, with 95 % bands; the mark is what the chosen threshold gives. No FPIR below 3/n is drawn."


@dataclass(frozen=True)
class OpenSetRun:
    """A run whose people were held out in turn.

    Attributes:
        name: of its folder.
        title: the model and what it learnt.
        score: what tells strangers.
        predictions: of all folds.
        metrics: rows of its ``metrics.csv``.
        synthetic: splits whose photos are synthetic.
    """

    name: str
    title: str
    score: str
    predictions: pd.DataFrame
    metrics: pd.DataFrame
    synthetic: frozenset[str]


def load(folder: Path) -> OpenSetRun | None:
    """The run in a folder, where people were held out in it; None where it is another one.

    Raises:
        RunError: it is not finished.
        PredictionsError: its predictions are malformed.
    """
    run = ScoredRun.read(folder) if kind_of(folder) == ScoredRun.KIND else None
    if run is None or not isinstance(run.spec, EvaluateSpec) or run.spec.strangers is None:
        return None
    if run.status != "finished":
        raise RunError("not finished", folder, "Give the same yolo_koin evaluate --strangers again.")
    training = TrainRun.read(run.trained) if run.trained else None
    frame = strangers.read(folder / "predictions.csv")
    title = title_of(training) if training else f"run {run.name}"
    metrics = verification.beside(strangers.scored(frame, run.name), verification.read(folder / "pairs.csv"))
    return OpenSetRun(run.name, title, run.score, frame, metrics, frozenset(run.synthetic))


def of_benchmark(home: Path) -> list[OpenSetRun]:
    """The finished runs of a benchmark with people held out, by the names of its cells."""
    found = (load(folder) for folder in open_sets(home))
    return [run for run in found if run]


def of_one_score(run: OpenSetRun) -> pd.DataFrame:
    """Rows of ``metrics.csv`` by the score that the run goes by."""
    return run.metrics[run.metrics["score"] == run.score]


def blocks_of(runs: Sequence[OpenSetRun], out: Path) -> list[Block]:
    """The tables and the chart of some runs, which are told apart by their names where need be."""
    titles = [run.title for run in runs]
    runs = [run if titles.count(run.title) == 1 else replace(run, title=f"{run.title} (run {run.name})") for run in runs]
    blocks: list[Block] = [Heading(Sentence("Strangers"), 1)]
    blocks.append(Table(pd.concat([readable(run.metrics, run.score, run.synthetic, run.title) for run in runs]), Sentence(STRANGERS)))
    blocks.append(Table(pd.concat([_by_score(run) for run in runs]), Sentence(BY_SCORE)))
    verified = [row for run in runs for row in _verified(run)]
    if verified:
        blocks.append(Table(pd.DataFrame(verified), Sentence(VERIFIED)))
    curves = Curves(
        lines={(run.title, split): curve for run in runs for split, curve in _curves(run).items()},
        marks={(run.title, split): at for run in runs for split, at in _at_threshold(run).items()},
        synthetic=frozenset().union(*(run.synthetic for run in runs)),
    )
    if curves.lines:
        blocks.append(Figure(save(dir_curves(curves), out / "strangers.png")[0], Sentence(CURVE)))
    return blocks


def readable(metrics: pd.DataFrame, score: str, synthetic: Collection[str] = (), title: str = "") -> pd.DataFrame:
    """A table for people: a row for each test split, by one score.

    Args:
        metrics: rows of ``metrics.csv`` of one run.
        score: the score.
        synthetic: splits whose photos are.
        title: of the model; the run's name when it is empty.
    """
    mine, rows = metrics[(metrics["score"] == score) & (metrics["split"] != VAL)], []
    for split in in_order(mine["split"]):
        told = mine[mine["split"] == split].set_index("metric")
        n = told["n"]
        found = {"model": title or told["run"].iloc[0], "split": called(split, synthetic), "photos": f"{n['rank1']:,} + {n['claim']:,}"}
        for metric, value, low, high in told[["value", "low", "high"]].itertuples():
            found[metric] = scores.text("top1" if metric in SHARES else metric, value, low, high)
        for fpir in FPIRS:
            found.setdefault(f"tpir_at_{100 * fpir:g}", f"needs {RULE_OF_THREE / fpir:.0f} photos")
        rows.append(found)
    frame = pd.DataFrame(rows).fillna("")
    return frame[[column for column in COLUMNS if column in frame]].rename(columns=COLUMNS)


def _by_score(run: OpenSetRun) -> pd.DataFrame:
    mine = run.metrics[run.metrics["metric"] == "oscr"]
    texts = [scores.text("oscr", *row) for row in mine[["value", "low", "high"]].itertuples(index=False)]
    wide = mine.assign(text=texts).pivot_table("text", "score", "split", aggfunc="last", sort=False).reindex(list(SCORES))
    heads = {split: called(str(split), run.synthetic) for split in wide}
    names = [f"{CALLED[score]} *" if score == run.score else CALLED[score] for score in wide.index]
    wide = wide.rename(columns=heads).rename_axis(columns=None).reset_index(drop=True)
    return pd.concat([pd.DataFrame({"model": run.title, "score": names}), wide], axis=1)


def _verified(run: OpenSetRun) -> list[dict[str, str]]:
    """The row of a run in the table of 1:1 verification; none where it compared no photos."""
    told = run.metrics[run.metrics["score"] == verification.COSINE].set_index("metric")
    if told.empty:
        return []
    rates = {f"{100 * far:g}": f"needs {RULE_OF_THREE / far:,.0f} pairs" for far in verification.FARS}
    for percent in [one for one in rates if f"tar_at_{one}" in told.index]:
        rates[percent] = scores.text("top1", *told.loc[f"tar_at_{percent}", ["value", "low", "high"]])
    named = {f"TAR at FAR {percent} %": text for percent, text in rates.items()}
    split = called(str(told["split"].iloc[0]), run.synthetic)
    return [{"model": run.title, "split": split, "pairs of two people": f"{int(told['n']['claim']):,}", **named}]


def _curves(run: OpenSetRun) -> dict[str, pd.DataFrame]:
    """Split → its curve, from the smallest FPIR that can be claimed."""
    found = {}
    for split, photos in strangers.by_split(run.predictions).items():
        known, others = strangers.probes_of(photos, run.score)
        if (least := smallest_claim(len(others))) < 1:
            found[split] = dir_curve(known, others, np.geomspace(least, 1, POINTS), OF_A_CURVE)
    return found


def _at_threshold(run: OpenSetRun) -> dict[str, tuple[float, float]]:
    """Split → FPIR and TPIR at the first of :data:`FPIRS` that it has thresholds for."""
    found = {}
    mine = run.metrics[run.metrics["score"] == run.score]
    for split, rows in mine.groupby("split"):
        value = rows.set_index("metric")["value"]
        if rates := [f"{100 * fpir:g}" for fpir in FPIRS if f"tpir_at_{100 * fpir:g}" in value.index]:
            found[str(split)] = (float(value[f"fpir_at_{rates[0]}"]), float(value[f"tpir_at_{rates[0]}"]))
    return found
