"""``yolo_koin report``: the figures and tables of one or more scored runs."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from yolo_koin.dataset.koin import Dataset, scan
from yolo_koin.evaluation import scores
from yolo_koin.evaluation.chance import chance_notes
from yolo_koin.files import write_text
from yolo_koin.locks import locked
from yolo_koin.parallel import Progress
from yolo_koin.reporting import figures
from yolo_koin.reporting.document import Block, Figure, Heading, Table, Text, files_of, markdown
from yolo_koin.reporting.saving import save
from yolo_koin.specs import ReportSpec
from yolo_koin.splits import in_order
from yolo_koin.verbs.comparisons import compared, confidence, details, published_results
from yolo_koin.verbs.drawing import called, dataset_name, drawable
from yolo_koin.verbs.scored import WHOLE, Scored, load_runs, told_apart
from yolo_koin.verbs.showing import examples, group_photos, hard_photos, of_people
from yolo_koin.verbs.verb import verb
from yolo_koin.workspace import Workspace

COLUMNS = {
    "run": "model",
    "way": "names",
    "split": "split",
    "n": "photos",
    "boxed": "boxed photos",
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
    """What was written.

    Attributes:
        out: folder of the figures.
        files: the page, then the figures.
        notes: scores that guessing would reach, names that cannot be drawn.
    """

    out: Path
    files: tuple[Path, ...]
    notes: tuple[str, ...] = ()


@verb(ReportSpec)
def report(spec: ReportSpec, progress: Progress) -> ReportResult:
    """Draw the figures of some runs, and write ``report.md``.

    Raises:
        RunError: a run is not there, or was not scored.
    """
    workspace = Workspace.of(spec)
    folders = [workspace.scored_run(run) for run in spec.runs]
    scored = told_apart([(folder, run) for folder in folders for run in load_runs(folder)])
    together = workspace.runs / "report" / "+".join(folder.name for folder in folders)[:120]
    out = spec.out or (together if len(folders) > 1 else folders[0] / "figures")  # several have a folder of their own
    beside = [published_results(scored)] if spec.published else []
    with locked(out):
        return ReportResult(out, write_report(scored, out, beside=beside), (*no_news(_titled(scored)), *_undrawable(scored)))


def write_report(runs: Sequence[Scored], out: Path, page: Path | None = None, beside: Sequence[Block] = ()) -> tuple[Path, ...]:
    """Draw every figure that the runs have data for, and write the report.

    Args:
        runs: scored.
        out: folder of the figures.
        page: the Markdown file; ``report.md`` beside the figures when None.
        beside: what comes below our own results.

    Returns:
        The page, then the figures.
    """
    page = page or out / "report.md"
    runs = _titled(runs)
    blocks = (*tables(runs), *beside, *_drawn(runs, out))
    write_text(page, markdown(blocks, page.parent))
    return (page, *files_of(blocks))


def _titled(runs: Sequence[Scored]) -> list[Scored]:
    """The runs with titles that say the seed where a model was trained with several, and the dataset where there are several."""
    seeds: dict[tuple[str, str], set[int]] = {}
    for run in runs:
        seeds.setdefault((run.way, run.model), set()).add(run.seed)
    datasets = {run.data for run in runs}
    titled = []
    for run in runs:
        title = run.title
        if not run.seed and len(seeds[run.way, run.model]) > 1:
            title = title.replace(run.model, f"{run.model}, seed 0", 1)
        if len(datasets) > 1:
            title += f" · {dataset_name(run.data) if run.data else 'photos no longer there'}"
        titled.append(replace(run, title=title))
    return titled


# ---------------------------------------------------------------------------------------------------------------- figures
def _drawn(runs: Sequence[Scored], out: Path) -> list[Block]:
    """The figures.

    Photos and pairs of people are shown of one run each: the one with the best validation figure, so that no test split chooses it.
    Where a run named faces, the photos are its.
    """
    whole, _ = _by_way(runs)
    blocks: list[Block] = [Heading("Figures"), *_performance(runs, out), *_curves(runs, out)]
    shown = _shown(runs)
    dataset = _named_as_drawn(shown)
    blocks += [Text(f"{note[:1].upper()}{note[1:]}.") for note in _undrawable(runs)]
    if whole:
        best = _best(whole)
        blocks += confidence(whole, best, out)
        for split in in_order(best.predictions["split"]):
            blocks += of_people(best, split, dataset.names if dataset else {}, out)
    if dataset:
        blocks += [*examples(dataset, out), *hard_photos(shown, dataset, out), *group_photos(shown, dataset, out)]
    return blocks


def _shown(runs: Sequence[Scored]) -> Scored:
    """The run whose photos are shown."""
    whole, faces = _by_way(runs)
    return _best([run for run in faces if run.way == "faces"] or faces or whole)


def _named_as_drawn(run: Scored) -> Dataset | None:
    """The dataset of a run, where it is still there, with names that can be drawn."""
    dataset = scan(run.data) if run.data else None
    return replace(dataset, names=drawable(dataset.names)[0]) if dataset else None


def _undrawable(runs: Sequence[Scored]) -> tuple[str, ...]:
    """A note on names that no font here has every letter of."""
    data = _shown(runs).data
    return drawable(scan(data).names)[1] if data else ()


def _by_way(runs: Sequence[Scored]) -> tuple[list[Scored], list[Scored]]:
    """Those that named whole photos, and those that named faces."""
    return [run for run in runs if run.way == WHOLE], [run for run in runs if run.way != WHOLE]


def _best(runs: Sequence[Scored]) -> Scored:
    return max(runs, key=lambda run: np.nan_to_num(run.val, nan=-1.0))


def _performance(runs: Sequence[Scored], out: Path) -> list[Block]:
    whole, faces = _by_way(runs)
    table = pd.concat([_drawable(run) for run in (*whole, *faces)], ignore_index=True)
    figure = figures.performance(table, {run.name: run.title for run in runs})
    if figure is None:
        return [Text("No test split was scored.")]
    return [Figure(save(figure, out / "detection_performance.png")[0], "Accuracy on the test splits")]


def _drawable(run: Scored) -> pd.DataFrame:
    """The metrics of a run with what is true of it and of no other run: one's synthetic split may be another's real one."""
    splits = run.metrics["split"]
    boxes = [run.agreement.get(split, "") for split in splits]
    return run.metrics.assign(way=run.way, synthetic=splits.isin(run.synthetic), boxes=boxes)


def _curves(runs: Sequence[Scored], out: Path) -> list[Block]:
    trained = [run for run in runs if run.curve is not None and "val_top1" in run.curve]
    datasets = dict.fromkeys(dataset_name(run.data) for run in trained if run.data)
    title = f"Trained on {next(iter(datasets))}" if len(datasets) == 1 else ""
    figure = figures.training_curves({run.title: run.curve for run in trained if run.curve is not None}, title)
    if figure is None:
        return []
    return [Figure(save(figure, out / "training_curves.png")[0], " · ".join(filter(None, ["Training curves", title])))]


# ----------------------------------------------------------------------------------------------------------------- tables
def tables(runs: Sequence[Scored]) -> list[Block]:
    """The result tables, and the tests between runs where there are several."""
    whole, faces = _by_way(runs)
    blocks: list[Block] = [Heading("Results", 1)]
    blocks += [Table(pd.concat(map(_readable_run, some), ignore_index=True)) for some in (whole, faces) if some]
    blocks.append(Text(f"Brackets: 95 % intervals ({METHODS})."))
    blocks += [Text(f"{note}.") for note in no_news(runs)]
    for finder, splits in _agreements(faces).items():
        told = f"Boxes of {', '.join(splits)} are {finder}'s, which nobody has checked: there mAP and AP tell agreement with {finder}."
        blocks.append(Text(told))
    return [*blocks, *([details(whole), *compared(whole)] if whole else [])]


def no_news(runs: Sequence[Scored]) -> tuple[str, ...]:
    """A line on each split where a run is no better than guessing."""
    return tuple(f"{run.title}, {note}" for run in runs for note in chance_notes(run.metrics, run.classes))


def _readable_run(run: Scored) -> pd.DataFrame:
    metrics = run.metrics.assign(way=NAMES[run.way]) if run.way in NAMES else run.metrics
    return readable(metrics, {run.name: run.title}, run.synthetic)


def _agreements(runs: Sequence[Scored]) -> dict[str, list[str]]:
    """Face detector → the splits whose boxes are its."""
    found: dict[str, list[str]] = {}
    for split, finder in {pair for run in runs for pair in run.agreement.items()}:
        found.setdefault(finder, []).append(split)
    return {finder: in_order(splits) for finder, splits in sorted(found.items())}


def readable(table: pd.DataFrame, titles: Mapping[str, str] | None = None, synthetic: Collection[str] = ()) -> pd.DataFrame:
    """The summary of metrics with the columns that fit a page; splits that are synthetic are called so."""
    counted = table["n"] > 0  # of nothing that was counted there is no interval
    frame = scores.summary(table.assign(low=table["low"].where(counted), high=table["high"].where(counted)))
    boxed = _boxed_photos(table, frame)
    if any(boxed):
        frame["boxed"] = boxed
    frame["split"] = [called(split, synthetic) for split in frame["split"]]
    frame["run"] = [(titles or {}).get(run, run) for run in frame["run"]]
    if "way" in table:
        frame["way"] = str(table["way"].iloc[0])
    return frame[[column for column in COLUMNS if column in frame]].rename(columns=COLUMNS)


def _boxed_photos(table: pd.DataFrame, frame: pd.DataFrame) -> list[str]:
    """On how many photos the boxes of each row were scored, where that is fewer than the split has."""
    boxes = table[table["metric"] == "map50"]
    boxed = dict(zip(zip(boxes["run"], boxes["split"], strict=True), boxes["n"], strict=True))
    photos = zip(zip(frame["run"], frame["split"], strict=True), frame["n"], strict=True)
    return [f"{boxed[row]:.0f}" if boxed.get(row, n) < n else "" for row, n in photos]
