"""``yolo_koin report``: the figures and tables of one or more scored runs."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from yolo_koin.dataset.images import PhotoError, open_photo
from yolo_koin.dataset.koin import CASES, Dataset, Sample, scan
from yolo_koin.errors import RunError
from yolo_koin.evaluation import metrics, predictions, scores
from yolo_koin.evaluation.statistics import paired
from yolo_koin.reporting import figures, sheets
from yolo_koin.reporting.report import markdown_table
from yolo_koin.reporting.sheets import NamedPhoto
from yolo_koin.reporting.style import save
from yolo_koin.runs import MANIFEST, RUNS, read_manifest, write_text
from yolo_koin.verbs.predict import rows_of, verdict_of

NORMAL, HARD = "normal_cases/test", "hard_cases/test"
SHOWN = 18  # photos in hardcases_results_YOLO.png
EXAMPLES = 8  # photos of each case in examples_for_each_case.png
PHOTO_DPI = 220  # of figures that are photos: as sharp as the photos are, and half the bytes
CELLS = "cells"


@dataclass(frozen=True)
class ReportSpec:
    """What to report.

    Attributes:
        runs: folders or names under ``runs/evaluate`` or ``runs/benchmark``.
        out: folder for the figures; ``figures/`` of the first run when None.
    """

    runs: tuple[str, ...]
    out: Path | None = None


@dataclass(frozen=True)
class Scored:
    """A run that was scored.

    Attributes:
        name: of its folder.
        model: size and training set: ``YOLOv8n-cls, normal``.
        seed: of its training.
        settings: of its training but for the seed, with the photos' hash; empty when unknown.
        title: what figures call it: the model, and the seed unless it is 0.
        predictions, metrics: its tables.
        curve: ``results.csv`` of its training, when there is one.
        data: root of the raw dataset, when it is known and still there.
        synthetic: splits whose photos are synthetic.
        val_top1: validation accuracy of its checkpoint; NaN when unknown.
    """

    name: str
    model: str
    seed: int
    settings: str
    title: str
    predictions: pd.DataFrame
    metrics: pd.DataFrame
    curve: pd.DataFrame | None
    data: Path | None
    synthetic: frozenset[str]
    val_top1: float


@dataclass(frozen=True)
class ReportResult:
    """What was written."""

    out: Path
    files: tuple[Path, ...]


def report(spec: ReportSpec) -> ReportResult:
    """Draw the figures of some runs, and write ``report.md``.

    Raises:
        RunError: a run is not there, or was not scored.
    """
    folders = [find_run(run) for run in spec.runs]
    scored = _told_apart([(folder, run) for folder in folders for run in load_runs(folder)])
    out = spec.out or folders[0] / "figures"
    table = out / "report.md"
    write_text(table, markdown(scored))
    return ReportResult(out, (table, *write_report(scored, out)))


def find_run(run: str) -> Path:
    """The folder of a run, given as a path or as a name under ``runs/evaluate`` or ``runs/benchmark``."""
    for folder in (Path(run), RUNS / "evaluate" / run, RUNS / "benchmark" / run):
        if (folder / MANIFEST).is_file():
            return folder
    raise RunError("no such scored run", run, "Name a folder of runs/evaluate or runs/benchmark; yolo_koin evaluate makes one.")


def load_runs(folder: Path) -> list[Scored]:
    """The scored run in a folder, or each scored cell of a benchmark."""
    if (folder / CELLS).is_dir():
        return [_load(cell) for cell in sorted((folder / CELLS).iterdir()) if (cell / "metrics.csv").is_file()]
    if not (folder / "metrics.csv").is_file():
        raise RunError("not a scored run (no metrics.csv)", folder, "Run yolo_koin evaluate on its weights first.")
    return [_load(folder)]


def write_report(runs: Sequence[Scored], out: Path) -> tuple[Path, ...]:
    """Write every figure that the runs have data for.

    Photos and pairs of people are shown of one run: the one with the best validation accuracy, so that no test split chooses it.
    """
    chosen = max(runs, key=lambda run: np.nan_to_num(run.val_top1, nan=-1.0))
    titles = {run.name: run.title for run in runs}
    table = pd.concat([run.metrics for run in runs], ignore_index=True)
    synthetic = chosen.synthetic
    files = [out / "detection_performance.png"]
    save(figures.performance(table, titles, synthetic), files[0])
    curves = {run.title: run.curve for run in runs if run.curve is not None}
    if curves:
        files.append(out / "training_curves.png")
        save(figures.training_curves(curves), files[-1])
    dataset = scan(chosen.data) if chosen.data else None
    names = dataset.names if dataset else {}
    for split in dict.fromkeys(chosen.predictions["split"]):
        files += _people(chosen, split, names, out)
    if dataset:
        files += _photos(chosen, dataset, out)
    return tuple(files)


def markdown(runs: Sequence[Scored]) -> str:
    """The result table, and the tests between runs where there are several."""
    titles = {run.name: run.title for run in runs}
    # Run by run, since one run's synthetic split may be another's real one.
    text = markdown_table(pd.concat([readable(run.metrics, titles, run.synthetic) for run in runs], ignore_index=True))
    text += "\nBrackets: 95 % intervals (Wilson for accuracies, Newcombe for the gap to normal photos, bootstrap for macro-F1 and ECE).\n"
    seeds = over_seeds(runs)
    if len(seeds):
        text += f"\nTop-1 over seeds, in percent; with few seeds no significance is claimed.\n\n{markdown_table(seeds)}"
    first = [run for run in runs if run.seed == min(other.seed for other in runs)]
    for split in dict.fromkeys(runs[0].predictions["split"]):
        text += _tests(first, split)
    return text


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
    wanted = {
        "run": "model",
        "split": "split",
        "n": "photos",
        "top1": "top-1",
        "top3": "top-3",
        "macro_f1": "macro-F1",
        "top1_gap": "lost from normal",
    }
    return frame[[column for column in wanted if column in frame]].rename(columns=wanted)


def called(split: str, synthetic: Collection[str]) -> str:
    """The name of a split, with a word where its photos are synthetic."""
    return f"{split} (synthetic)" if split in synthetic else split


def _told_apart(found: Sequence[tuple[Path, Scored]]) -> list[Scored]:
    """The runs, with the folder's name joined to names and titles that several of them have."""
    names, titles = Counter(run.name for _, run in found), Counter(run.title for _, run in found)
    runs = []
    for folder, run in found:
        name = run.name if names[run.name] == 1 else f"{folder.parent.name}/{folder.name}/{run.name}"
        title = run.title if titles[run.title] == 1 else f"{run.title} ({name})"
        runs.append(replace(run, name=name, title=title, metrics=run.metrics.assign(run=name)))
    return runs


def _load(folder: Path) -> Scored:
    manifest = read_manifest(folder) or {}
    trained = folder if (folder / "results.csv").is_file() else Path(str(manifest.get("spec", {}).get("weights", ""))).parent.parent
    training = (read_manifest(trained) or {}) if (trained / "results.csv").is_file() else {}
    spec = training.get("spec", {})
    model, seed = (f"YOLOv8{spec['size']}-cls, {spec['train_on']}", int(spec["seed"])) if spec else (folder.name, 0)
    converted = (read_manifest(Path(manifest["converted"])) or {}) if manifest.get("converted") else {}
    data = converted.get("data")
    return Scored(
        name=folder.name,
        model=model,
        seed=seed,
        settings=_settings(training),
        title=f"{model}, seed {seed}" if seed else model,
        predictions=predictions.read(folder / "predictions.csv"),
        metrics=scores.read(folder / "metrics.csv"),
        curve=pd.read_csv(trained / "results.csv") if training else None,
        data=Path(data) if data and Path(data).is_dir() else None,
        synthetic=frozenset(converted.get("synthetic", ())),
        val_top1=float(training.get("val_top1", float("nan"))),
    )


def _settings(training: Mapping[str, Any]) -> str:
    if "index_sha256" not in training:
        return ""
    spec = {key: value for key, value in training["spec"].items() if key not in {"seed", "name", "device"}}
    return json.dumps([spec, training["index_sha256"], training.get("start_sha256")], sort_keys=True)


def _people(run: Scored, split: str, names: Mapping[str, str], out: Path) -> list[Path]:
    """Who is recognised how well on a split, and who is taken for whom."""
    photos = run.predictions[run.predictions["split"] == split]
    if (photos["true_label"] == "").all():
        return []
    slug = split.split("_")[0]
    classes = metrics.per_class(photos)
    pairs = metrics.confused_pairs(photos, top=15)
    classes["label"] = [names.get(label, label) for label in classes["label"]]
    for column in ("true", "predicted"):
        pairs[column] = [names.get(label, label) for label in pairs[column]]
    files = [out / f"per_class_{slug}.png", out / f"confused_pairs_{slug}.png"]
    save(figures.per_class(classes), files[0])
    save(figures.confused_pairs(pairs), files[1])
    return files


def _photos(run: Scored, dataset: Dataset, out: Path) -> list[Path]:
    """The two figures that show photos."""
    rows = []
    for case in CASES:
        name = case.split("_")[0] + ("\n(synthetic)" if f"{case}/test" in dataset.synthetic else "")
        rows.append((name, _named(_spread(dataset.split(f"{case}/test"), EXAMPLES), dataset)))
    files = [out / "examples_for_each_case.png"]
    save(sheets.examples_for_each_case(rows), files[0], PHOTO_DPI)
    hard = run.predictions[(run.predictions["split"] == HARD) & (run.predictions["error"] == "")]
    paths = {s.image: s.path for s in dataset.split(HARD)}
    hard = hard[hard["image"].isin(list(paths))]
    if len(hard):
        shown = rows_of(hard.iloc[_evenly(len(hard), SHOWN)])
        tiles = [(open_photo(paths[row["image"]], at_least=400)[0], verdict_of(row, dataset.names)) for row in shown]
        whole = run.predictions[run.predictions["split"] == HARD]
        files.append(out / "hardcases_results_YOLO.png")
        figure = sheets.hardcases_results(
            tiles, title=f"{run.title} on {called(HARD, dataset.synthetic)}", photos=len(whole), top1=metrics.top_k(whole, 1)
        )
        save(figure, files[-1], PHOTO_DPI)
    return files


def _named(samples: Sequence[Sample], dataset: Dataset) -> list[NamedPhoto]:
    named: list[NamedPhoto] = []
    for sample in samples:
        try:
            photo, _ = open_photo(sample.path, at_least=400)
        except PhotoError:
            continue
        named.append((photo, dataset.names[sample.label]))
    return named


def _spread(samples: Sequence[Sample], count: int) -> list[Sample]:
    return [samples[i] for i in _evenly(len(samples), count)]


def _evenly(n: int, count: int) -> list[int]:
    """Indices spread evenly over a split: photos that nobody picked."""
    return sorted({int(i) for i in np.linspace(0, n - 1, min(n, count))}) if n else []
