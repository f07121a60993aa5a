"""``yolo_koin report``: the figures and tables of one or more scored runs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from yolo_koin.dataset.koin import Dataset, scan
from yolo_koin.files import write_csv, write_text
from yolo_koin.locks import locked
from yolo_koin.parallel import Progress
from yolo_koin.reporting import figures
from yolo_koin.reporting.document import Block, Figure, Heading, Text, files_of, markdown
from yolo_koin.reporting.html import html
from yolo_koin.reporting.language import speaking
from yolo_koin.reporting.latex import latex
from yolo_koin.reporting.saving import save
from yolo_koin.reporting.scatter import hard_against_normal
from yolo_koin.reporting.shots import shots_curve
from yolo_koin.specs import Language, ReportSpec, ScoreSpec
from yolo_koin.splits import in_order, of_part
from yolo_koin.verbs import costs, open_set, overview
from yolo_koin.verbs.cards import card
from yolo_koin.verbs.comparisons import CURVES, Paired, by_way, confidence, first_seeds, published_results, surest
from yolo_koin.verbs.drawing import dataset_name, drawable
from yolo_koin.verbs.failures import failures
from yolo_koin.verbs.provenance import provenance
from yolo_koin.verbs.results import no_news, tables
from yolo_koin.verbs.scored import WHOLE, Scored, load_runs, told_apart
from yolo_koin.verbs.seeds import Mean, means
from yolo_koin.verbs.showing import examples, group_photos, hard_photos, of_people
from yolo_koin.verbs.trust import blocks_of
from yolo_koin.verbs.verb import verb
from yolo_koin.words import Sentence
from yolo_koin.workspace import Workspace

ROWS = 12  # runs that are each a row of the chart of accuracies; of more only the first seeds
UNKNOWN = "a dataset that is not known any more"


@dataclass(frozen=True)
class ReportResult:
    """What was written.

    Attributes:
        out: folder of the figures.
        files: the pages, then the figures.
        notes: scores that guessing would reach, names that cannot be drawn.
    """

    out: Path
    files: tuple[Path, ...]
    notes: tuple[str, ...] = ()


class Written(NamedTuple):
    """The files of a report: ``report.md``, ``report.html`` and ``report.tex``, and its figures, each as PNG and as PDF."""

    pages: tuple[Path, ...]
    figures: tuple[Path, ...]


@verb(ReportSpec)
def report(spec: ReportSpec, progress: Progress) -> ReportResult:
    """Draw the figures of some runs, and write ``report.html``, ``report.md`` and ``report.tex``.

    Raises:
        RunError: a run is not there, or was not scored.
    """
    workspace = Workspace.of(spec)
    folders = [workspace.scored_run(run) for run in spec.runs]
    held_out = {folder: run for folder in folders if (run := open_set.load(folder))}
    of_matrices = [run for folder in folders for run in open_set.of_benchmark(folder)]
    scored = told_apart([(folder, run) for folder in folders if folder not in held_out for run in load_runs(folder)])
    if spec.cost:
        scored = costs.measure(scored, spec.device, progress)
    together = workspace.runs / "report" / "+".join(folder.name for folder in folders)[:120]
    out = spec.out or in_words_of(together if len(folders) > 1 else folders[0] / "figures", spec.lang)  # several have a folder of their own
    notes = [
        f"{run.name}: its model was trained on since it was scored, evaluate it again"
        for run in scored
        if run.source and run.training and run.source.weights_sha256 != run.training.weights_sha256
    ]
    notes += [note for some in by_dataset(scored).values() for note in (*no_news(some), *_undrawable(some))]
    beside = [published_results(scored)] if spec.published else []
    with locked(out), speaking(spec.lang):
        strangers = [*held_out.values(), *of_matrices]
        after = open_set.blocks_of(strangers, out) if strangers else []
        written = write_report(scored, out, workspace, lang=spec.lang, beside=beside, after=after, photos=spec.photos)
        return ReportResult(out, written.pages + written.figures, tuple(notes))


def in_words_of(folder: Path, lang: Language) -> Path:
    """Where a report in a language goes, when nothing is said: beside the English one, which so stays."""
    return folder if lang == "en" else folder.with_name(f"{folder.name}-{lang}")


def write_report(
    runs: Sequence[Scored],
    out: Path,
    workspace: Workspace,
    home: Path | None = None,
    lang: Language = "en",
    beside: Sequence[Block] = (),
    after: Sequence[Block] = (),
    photos: bool = False,
) -> Written:
    """Draw every figure that the runs have data for, and write the report, a part for each dataset.

    Args:
        runs: scored.
        out: folder of the figures; those of several datasets are in a folder each below it.
        workspace: where runs are looked for that say how far the numbers can be trusted.
        home: folder of ``report.md``, ``report.html`` and ``report.tex``; that of the figures when None.
        lang: of the pages and the figures.
        beside: what comes below the results of each dataset.
        after: what comes after the results.
        photos: whether the HTML page has photos in it.

    Returns:
        The pages and the figures. The cards of the runs are in ``model_cards/`` beside the pages.
    """
    home, blocks = home or out, list[Block]()
    parts = by_dataset(runs)
    with speaking(lang):
        for dataset, some in parts.items():
            folder = out / dataset.replace("/", "-") if len(parts) > 1 else out
            blocks += _part(dataset, some, folder, beside, workspace)
    cards = {home / "model_cards" / f"{run.name.replace('/', '-')}.md": card(run) for run in runs if not _of_others(run)}
    blocks += [*after, *provenance(runs)]
    pages = {"md": markdown(blocks, home, lang), "html": html(blocks, lang, photos), "tex": latex(blocks, home, lang)}
    for ending, text in pages.items():
        write_text(home / f"report.{ending}", text)
    for path, told in cards.items():
        write_text(path, markdown(told, path.parent, lang))
    return Written(tuple(home / f"report.{ending}" for ending in pages), files_of(blocks))


def _of_others(run: Scored) -> bool:
    """Whether another program made the predictions: of its model nothing is known."""
    return run.source is not None and isinstance(run.source.spec, ScoreSpec)


def _part(dataset: str, runs: Sequence[Scored], folder: Path, beside: Sequence[Block], workspace: Workspace) -> list[Block]:
    """The results on one dataset. Those of several runs begin with a row for each setting, whose numbers are in ``overview.csv`` too."""
    found, tests = means(runs), Paired.between(runs)
    blocks: list[Block] = [Heading(Sentence("Results on {dataset}", dataset=dataset), 1)]
    if len(tests.table):
        write_csv(folder / "tests.csv", tests.table)
    if len(runs) > 1 and found:
        main = overview.overview(found, tests.table)
        overview.write(folder / "overview.csv", main)
        blocks += [
            Text(overview.counted(main, len(runs))),
            overview.table(main),
            *_scatter(main, dataset, folder),
            *_shots(found, dataset, folder),
            Heading(Sentence("All runs")),
        ]
    whole, _ = by_way(runs)
    trust = blocks_of(runs, best_of(whole), workspace, folder) if whole else []
    costed = costs.blocks_of(found, dataset, folder)
    return [*blocks, *tables(runs, found, tests), *costed, *beside, *trust, *_drawn(runs, dataset, folder)]


def by_dataset(runs: Sequence[Scored]) -> dict[str, list[Scored]]:
    """Name of a dataset → the runs on it, with titles that say the seed where a model was trained with several."""
    seeds: dict[tuple[str, str], set[int]] = {}
    for run in runs:
        seeds.setdefault((run.way, run.model), set()).add(run.seed)
    names = _names_of({run.data for run in runs if run.data})
    parts: dict[str, list[Scored]] = {}
    for run in runs:
        several = not run.seed and len(seeds[run.way, run.model]) > 1
        title = run.title.replace(run.model, f"{run.model}, seed 0", 1) if several else run.title
        parts.setdefault(names[run.data] if run.data else UNKNOWN, []).append(replace(run, title=title))
    return parts


def _names_of(roots: set[Path]) -> dict[Path, str]:
    """What datasets are called: by their folder, and where several folders have one name by those around them too."""
    names = {root: dataset_name(root) for root in roots}
    for root, name in names.copy().items():
        if alike := [other for other in roots if dataset_name(other) == name and other != root]:
            parts, depth = root.resolve().parts, 1
            while any(other.resolve().parts[-depth:] == parts[-depth:] for other in alike):
                depth += 1
            names[root] = "/".join(parts[-max(depth, 2) :])
    return names


# ---------------------------------------------------------------------------------------------------------------- figures
def _drawn(runs: Sequence[Scored], name: str, out: Path) -> list[Block]:
    """The figures of the runs on one dataset.

    Photos and pairs of people are shown of one run each: the one with the best validation figure, so that no test split chooses it.
    Where a run named faces, the photos are its.
    """
    whole, _ = by_way(runs)
    blocks: list[Block] = [Heading(Sentence("Figures")), *_performance(runs, name, out), *_curves(runs, out)]
    shown = _shown(runs)
    dataset = _named_as_drawn(shown)
    blocks += [Text(Sentence("{note}.", note=note)) for note in _undrawable(runs)]
    if whole:
        best = best_of(whole)
        blocks += confidence(whole, best, out)
        for split in in_order(best.predictions["split"]):
            blocks += of_people(best, split, name, dataset.names if dataset else {}, out)
    if dataset:
        blocks += [*examples(dataset, name, out), *hard_photos(shown, dataset, name, out), *group_photos(shown, dataset, name, out)]
    return [*blocks, *failures(whole, best_of(whole), dataset.names if dataset else {})] if whole else blocks


def _scatter(main: pd.DataFrame, name: str, out: Path) -> list[Block]:
    figure = hard_against_normal(main, name)
    if figure is None:
        return []
    path, _ = save(figure, out / "hard_against_normal.png")
    return [
        Figure(
            path,
            Sentence("Top-1 on hard photos against normal ones, with 95 % intervals; on the diagonal nothing is lost. Lines join shots"),
        )
    ]


def _shots(found: Sequence[Mean], name: str, out: Path) -> list[Block]:
    rows = [
        (
            *(f"{one.runs[0].learnt.network} {one.runs[0].learnt.method}", one.runs[0].learnt.training_set, one.runs[0].shots),
            *(one.split, one.split in one.runs[0].synthetic, one.mean),
            *one.interval,
        )
        for one in found
        if one.runs[0].way == WHOLE and one.runs[0].learnt and not math.isnan(one.runs[0].shots)
    ]
    table = pd.DataFrame(rows, columns=["model", "trained_on", "shots", "split", "synthetic", "value", "low", "high"])
    figure = shots_curve(of_part(table, "test"), name) if rows else None
    if figure is None:
        return []
    path, _ = save(figure, out / "shots.png")
    return [Figure(path, Sentence("Top-1 by training photos of each person; whiskers: 95 % intervals"))]


def _shown(runs: Sequence[Scored]) -> Scored:
    """The run whose photos are shown."""
    whole, faces = by_way(runs)
    return best_of([run for run in faces if run.way == "faces"] or faces or whole)


def _dataset(run: Scored) -> Dataset | None:
    """The dataset of a run, where it is still there."""
    return scan(run.data) if run.data and run.data.is_dir() else None


def _named_as_drawn(run: Scored) -> Dataset | None:
    """The dataset of a run with names that can be drawn."""
    dataset = _dataset(run)
    return replace(dataset, names=drawable(dataset.names)[0]) if dataset else None


def _undrawable(runs: Sequence[Scored]) -> tuple[str, ...]:
    """A note on names that no font here has every letter of."""
    dataset = _dataset(_shown(runs))
    return drawable(dataset.names)[1] if dataset else ()


def best_of(runs: Sequence[Scored]) -> Scored:
    """The run with the best validation figure."""
    return max(runs, key=lambda run: np.nan_to_num(run.val, nan=-1.0))


def _performance(runs: Sequence[Scored], name: str, out: Path) -> list[Block]:
    whole, faces = by_way(runs if len(runs) <= ROWS else first_seeds(runs))
    table = pd.concat([_drawable(run) for run in (*whole, *faces)], ignore_index=True)
    figure = figures.performance(table, {run.name: run.title for run in runs}, name)
    if figure is None:
        return [Text(Sentence("No test split has a top-1 to draw."))]
    path, _ = save(figure, out / "detection_performance.png")
    return [Figure(path, Sentence("Accuracy on the test splits of {dataset}", dataset=name))]


def _drawable(run: Scored) -> pd.DataFrame:
    """The metrics of a run with what is true of it and of no other run: one's synthetic split may be another's real one."""
    splits = run.metrics["split"]
    boxes = [run.agreement.get(split, "") for split in splits]
    return run.metrics.assign(way=run.way, synthetic=splits.isin(run.synthetic), boxes=boxes)


def _curves(runs: Sequence[Scored], out: Path) -> list[Block]:
    trained = [run for run in runs if run.curve is not None and "val_top1" in run.curve]
    trained = trained if len(trained) <= CURVES else surest(trained)
    datasets = dict.fromkeys(run.trained_on for run in trained)
    one = len(datasets) == 1
    curves = {run.title if one else f"{run.title}, on {run.trained_on}": run.curve for run in trained if run.curve is not None}
    figure = figures.training_curves(curves, Sentence("Trained on {dataset}", dataset=next(iter(datasets))) if one else "")
    if figure is None:
        return []
    path, _ = save(figure, out / "training_curves.png")
    return [Figure(path, Sentence("Training curves, on {datasets}", datasets=", ".join(datasets)))]
