"""``yolo_koin report``: the figures and tables of one or more scored runs."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from yolo_koin.dataset.koin import scan
from yolo_koin.evaluation import predictions, scores
from yolo_koin.evaluation.statistics import paired
from yolo_koin.files import write_text
from yolo_koin.parallel import Progress
from yolo_koin.reporting import figures
from yolo_koin.reporting.report import markdown_table
from yolo_koin.reporting.style import save
from yolo_koin.specs import ReportSpec
from yolo_koin.verbs.scored import WHOLE, Scored, load_runs, told_apart
from yolo_koin.verbs.showing import called, write_examples, write_group_photos, write_hard_photos, write_people
from yolo_koin.verbs.verb import verb
from yolo_koin.workspace import Workspace

COLUMNS = {
    "run": "model",
    "way": "names",
    "split": "split",
    "n": "photos",
    "top1": "top-1",
    "top3": "top-3",
    "macro_f1": "macro-F1",
    "top1_gap": "lost from normal",
    "person_top1": "person named",
    "person_top3": "in top-3",
    "names_precision": "precision of names",
    "names_recall": "recall of names",
    "top1_found": "top-1 of faces found",
    "map50": "mAP@0.5",
    "map50_95": "mAP@0.5:0.95",
    "face_ap50": "face AP@0.5",
}
METHODS = "Wilson for shares of photos, Newcombe for the gap to normal photos, bootstrap over photos for the rest"
NAMES = {"faces": "each face found", "detector": "what it detects"}


@dataclass(frozen=True)
class ReportResult:
    """What was written."""

    out: Path
    files: tuple[Path, ...]


@verb(ReportSpec)
def report(spec: ReportSpec, progress: Progress) -> ReportResult:
    """Draw the figures of some runs, and write ``report.md``.

    Raises:
        RunError: a run is not there, or was not scored.
    """
    workspace = Workspace.of(spec)
    folders = [workspace.scored_run(run) for run in spec.runs]
    scored = told_apart([(folder, run) for folder in folders for run in load_runs(folder)])
    out = spec.out or folders[0] / "figures"
    table = out / "report.md"
    write_text(table, markdown(scored))
    return ReportResult(out, (table, *write_report(scored, out)))


def write_report(runs: Sequence[Scored], out: Path) -> tuple[Path, ...]:
    """Write every figure that the runs have data for.

    Photos and pairs of people are shown of one run each: the one with the best validation figure, so that no test split chooses it.
    Where a run named faces, the photos are its.
    """
    whole, faces = [run for run in runs if run.way == WHOLE], [run for run in runs if run.way != WHOLE]
    files = [out / "detection_performance.png"]
    save(_performance(whole, faces), files[0])
    curves = {run.title: run.curve for run in runs if run.curve is not None and "val_top1" in run.curve}
    if curves:
        files.append(out / "training_curves.png")
        save(figures.training_curves(curves), files[-1])
    shown = _best([run for run in faces if run.way == "faces"] or faces or whole)
    dataset = scan(shown.data) if shown.data else None
    for split in dict.fromkeys(_best(whole).predictions["split"]) if whole else ():
        files += write_people(_best(whole), split, dataset.names if dataset else {}, out)
    if dataset:
        files += [write_examples(dataset, out), *write_hard_photos(shown, dataset, out), *write_group_photos(shown, dataset, out)]
    return tuple(files)


def _best(runs: Sequence[Scored]) -> Scored:
    return max(runs, key=lambda run: np.nan_to_num(run.val, nan=-1.0))


def _performance(whole: Sequence[Scored], faces: Sequence[Scored]) -> Figure:
    titles = {run.name: run.title for run in (*whole, *faces)}
    synthetic = frozenset[str]().union(*(run.synthetic for run in (*whole, *faces)))
    table = pd.concat([run.metrics for run in whole], ignore_index=True) if whole else faces[0].metrics.head(0)
    if not faces:
        return figures.performance(table, titles, synthetic)
    of_faces = pd.concat([run.metrics.assign(way=run.way) for run in faces], ignore_index=True)
    agreement = {split: finder for run in faces for split, finder in run.agreement.items()}
    return figures.performance(table, titles, synthetic, of_faces, agreement)


def markdown(runs: Sequence[Scored]) -> str:
    """The result tables, and the tests between runs where there are several."""
    whole, faces = [run for run in runs if run.way == WHOLE], [run for run in runs if run.way != WHOLE]
    text = "\n".join(part for part in (_table(whole), _table(faces)) if part)
    text += f"\nBrackets: 95 % intervals ({METHODS}).\n"
    for finder, splits in _agreements(faces).items():
        where = ", ".join(splits)
        text += f"\nBoxes of {where} are {finder}'s, which nobody has checked: there mAP and AP tell agreement with {finder}.\n"
    seeds = over_seeds(whole)
    if len(seeds):
        text += f"\nTop-1 over seeds, in percent; with few seeds no significance is claimed.\n\n{markdown_table(seeds)}"
    first = [run for run in whole if run.seed == min(other.seed for other in whole)]
    for split in dict.fromkeys(whole[0].predictions["split"]) if whole else ():
        text += _tests(first, split)
    return text


def _table(runs: Sequence[Scored]) -> str:
    # Run by run, since one run's synthetic split may be another's real one.
    tables = [
        readable(run.metrics.assign(way=NAMES[run.way]) if run.way in NAMES else run.metrics, {run.name: run.title}, run.synthetic)
        for run in runs
    ]
    return markdown_table(pd.concat(tables, ignore_index=True)) if tables else ""


def _agreements(runs: Sequence[Scored]) -> dict[str, list[str]]:
    """Face detector → the splits whose boxes are its."""
    found: dict[str, list[str]] = {}
    for split, finder in {pair for run in runs for pair in run.agreement.items()}:
        found.setdefault(finder, []).append(split)
    return {finder: sorted(splits) for finder, splits in sorted(found.items())}


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
                spread = f"{percent.mean():.1f} ± {percent.std():.1f}"
                rows.append({"model": same[0].model, "split": split, "seeds": len(values), "top-1": each, "mean ± SD": spread})
    return pd.DataFrame(rows)


def _tests(runs: Sequence[Scored], split: str) -> str:
    """McNemar's tests between models on a split, as Markdown; runs that saw other photos cannot be compared, which is said."""
    if len(runs) < 2:
        return ""
    try:
        table = paired({run.title: run.predictions for run in runs}, split).drop(columns="p")
    except predictions.PredictionsError as error:
        return f"\n{split}: no test between runs ({error})\n"
    return f"\n{split}: McNemar's exact test between models, with Holm's correction.\n\n{markdown_table(table)}"


def readable(table: pd.DataFrame, titles: Mapping[str, str] | None = None, synthetic: Collection[str] = ()) -> pd.DataFrame:
    """The summary of metrics with the columns that fit a page; splits that are synthetic are called so."""
    frame = scores.summary(table)
    frame["split"] = [called(split, synthetic) for split in frame["split"]]
    frame["run"] = [(titles or {}).get(run, run) for run in frame["run"]]
    if "way" in table:
        frame["way"] = str(table["way"].iloc[0])
    return frame[[column for column in COLUMNS if column in frame]].rename(columns=COLUMNS)
