"""The main table of several runs: a row for each model, method, training set and number of shots, a column for each test split."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import reduce
from pathlib import Path
from typing import Any

import pandas as pd

from yolo_koin.evaluation.across_runs import not_best
from yolo_koin.files import write_sheet
from yolo_koin.reporting.document import Table
from yolo_koin.splits import GROUP, HARD, NORMAL, TRAINING_SETS, Split, in_order
from yolo_koin.verbs.drawing import called
from yolo_koin.verbs.results import NAMES
from yolo_koin.verbs.scored import Learnt
from yolo_koin.verbs.seeds import Mean, percent
from yolo_koin.words import METHODS, Sentence

TIDY = (
    *("model", "method", "trained_on", "shots", "names", "split", "synthetic"),
    *("photos", "seeds", "top1", "sd", "low", "high", "marked"),
)
NUMBERS = ("shots", "top1", "sd", "low", "high")
SETTING = {"model": "model", "method": "method", "trained_on": "trained on", "shots": "shots", "names": "names", "seeds": "seeds"}
MEANT = (
    "Top-1 of each test split; brackets: 95 % intervals. Of several seeds: mean ± SD, and the interval is for other seeds too. Bold:"
    " what may be the best of a split; of the rest McNemar's exact test of first seeds shows, at 5 % for all together, that one is better."
    " Where nothing is bold, no test tells them apart."
)


def overview(found: Sequence[Mean], tests: pd.DataFrame) -> pd.DataFrame:
    """A row for each setting and test split; with columns :data:`TIDY`, shares from 0 to 1.

    Args:
        found: top-1 of each setting on each split.
        tests: between the first seeds, as :func:`yolo_koin.evaluation.across_runs.paired` gives them. ``marked`` is what is not
            shown not to be the best of its split; nothing where nothing is shown.
    """
    worse = not_best(tests)
    rows = [_row(one, worse) for one in sorted(found, key=_order(found)) if Split.parse(one.split).is_test]
    return pd.DataFrame(_told_apart(rows), columns=list(TIDY))


def _row(one: Mean, worse: dict[str, set[str]]) -> dict[str, Any]:
    run, lost = one.runs[0], worse.get(one.split, set())
    learnt = run.learnt or Learnt(run.model, "", "")
    return {
        "model": learnt.network,
        "method": learnt.method,
        "trained_on": learnt.training_set,
        "shots": math.nan if learnt.shots is None else learnt.shots,
        "names": NAMES.get(run.way, ""),
        **one.row,
        "marked": bool(lost) and run.title not in lost,
        "run": run.name,
    }


def _told_apart(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows, with the run's name joined to models that the columns do not tell apart."""
    runs: dict[tuple[str, ...], set[str]] = {}
    for row in rows:
        runs.setdefault(_setting(row), set()).add(row["run"])
    return [{**row, "model": f"{row['model']} (run {row['run']})"} if len(runs[_setting(row)]) > 1 else row for row in rows]


def _setting(row: dict[str, Any]) -> tuple[str, ...]:
    return tuple(str(row[column]) for column in SETTING if column != "seeds")


def _order(found: Sequence[Mean]) -> Any:
    """Sorts by model as they come, then method, training set and shots; runs of unknown training come last."""
    models = list(dict.fromkeys(one.runs[0].learnt.network for one in found if one.runs[0].learnt))
    methods, training_sets = list(METHODS.values()), list(TRAINING_SETS)

    def key(one: Mean) -> tuple[int, int, str, int, float]:
        learnt = one.runs[0].learnt
        if learnt is None:
            return len(models), 0, "", 0, 0
        method = methods.index(learnt.method) if learnt.method in methods else -1
        base, _, faces = learnt.training_set.partition(" ")
        return models.index(learnt.network), method, faces, training_sets.index(base), learnt.shots or math.inf

    return key


def read(path: Path) -> pd.DataFrame:
    """The rows that :func:`write` wrote."""
    return pd.read_csv(path, encoding="utf-8-sig", keep_default_na=False, na_values={column: [""] for column in NUMBERS})


def write(path: Path, frame: pd.DataFrame) -> None:
    """Write the rows as a CSV that a spreadsheet opens."""
    write_sheet(path, frame, digits="%.6g")


def table(frame: pd.DataFrame) -> Table:
    """The rows of :func:`overview` for people: a row for each setting, columns of splits, in the order of the frame."""
    shots = zip(frame["shots"], frame["trained_on"], strict=True)
    frame = frame.assign(shots=[f"{n:.0f}" if n == n else "all" if learnt else "" for n, learnt in shots])
    empty = {column for column in SETTING if (frame[column].isin(["", 1]) if column == "seeds" else frame[column] == "").all()}
    columns = [column for column in SETTING if column not in empty]
    heads = {split: _head(split, frame) for split in in_order(frame["split"])}
    rows, marked = [], set()
    for number, (setting, of_setting) in enumerate(frame.groupby(columns, sort=False)):
        rows.append({SETTING[column]: value for column, value in zip(columns, setting, strict=True)} | dict.fromkeys(heads.values(), ""))
        for one in of_setting.to_dict("records"):
            rows[-1][heads[one["split"]]] = percent(one["top1"], one["sd"], one["low"], one["high"], " %")
            if one["marked"]:
                marked.add((number, len(columns) + list(heads).index(one["split"])))
    return Table(pd.DataFrame(rows), Sentence(MEANT), frozenset(marked), folds=False)


def counted(frame: pd.DataFrame, runs: int) -> Sentence:
    """How many runs of how many settings the rows of :func:`overview` tell of, and how many photos each split has."""
    photos = frame.groupby("split", sort=False)["photos"].max()
    each = (Sentence("{split} {n:,}", split=_said(split, frame), n=photos[split]) for split in in_order(photos.index))
    said = reduce(lambda some, one: Sentence("{some}, {one}", some=some, one=one), each)
    settings = len(frame.drop_duplicates([column for column in SETTING if column != "seeds"]))
    return Sentence("{runs:,} runs of {settings:,} settings. Test photos: {photos}.", runs=runs, settings=settings, photos=said)


def _said(split: str, frame: pd.DataFrame) -> str:
    """The same as a sentence where it is one of the cases."""
    name = Split.parse(split).name
    case = Sentence(name) if name in {split.name for split in (NORMAL, HARD, GROUP)} else name
    return called(case, {case} if _head(split, frame) != name else ())


def _head(split: str, frame: pd.DataFrame) -> str:
    """``hard (synthetic)``; a split without a case of its own, or a variant, by its name."""
    name = Split.parse(split).name
    return called(name, {name} if frame.loc[frame["split"] == split, "synthetic"].any() else ())
