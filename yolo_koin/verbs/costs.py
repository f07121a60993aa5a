"""What the models of a report cost, beside what they get right: measured when that is asked for, and kept beside each run."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from yolo_koin.evaluation.pareto import on_front
from yolo_koin.files import write_sheet
from yolo_koin.models import registry
from yolo_koin.models.cost import QUARTILES, WARM_UP, Cost, measured
from yolo_koin.parallel import Progress, Step
from yolo_koin.reporting.cost import accuracy_over_cost
from yolo_koin.reporting.document import Block, Figure, Heading, Table, Text
from yolo_koin.reporting.saving import save
from yolo_koin.runs import ScoredRun
from yolo_koin.specs import EvaluateSpec
from yolo_koin.splits import Split, in_order
from yolo_koin.verbs.drawing import called
from yolo_koin.verbs.scored import Scored
from yolo_koin.verbs.seeds import Mean, percent
from yolo_koin.words import Sentence

TIMES = tuple(f"{what}_{name}" for what in ("latency", "throughput") for name in QUARTILES)
COLUMNS = (
    *("model", "method", "trained_on", "shots", "split", "synthetic", "photos", "seeds", "top1", "sd", "low", "high"),
    *("side", "parameters", "flops", *TIMES, "batch", "repeats", "machine", "engine", "front"),
)
COSTED = (
    "What models cost. FLOPs: for one photo, a multiply-add counts as two, convolutions and matrix products only. Times: from pixels of"
    " the network's size in memory to scores, for one photo and in batches of {batch}, by {engine} on {machine}: median and [quartiles] of"
    " at least {repeats} repeats after {warm_up} that are not counted. A head on frozen features counts with its network. Then top-1,"
    " with 95 % intervals; of several numbers of shots only the most. Bold: on the Pareto front over the time for one photo."
)
FRONT = (
    "Top-1 over what a model costs, with 95 % intervals. Line and filled marks: the Pareto front, by the point estimates: nothing that"
    " costs as little is as good. Times on {machine}"
)
ELSEWHERE = "Measured on another machine, and not compared in time: {models}. report --cost measures all of them on one."


def measure(runs: Sequence[Scored], device: str, progress: Progress) -> list[Scored]:
    """Measure the models of runs that name whole photos, one after the other: what else runs on the machine meanwhile spoils times.

    Runs of one network, input and number of people cost the same, whatever they learnt: it is measured once.

    Raises:
        WeightsError: a checkpoint is gone.
        UsageError: there is no such device.
    """
    known: dict[object, Cost] = {}
    costed = []
    for number, run in enumerate(runs, 1):
        progress(Step("measuring models", number, len(runs), run.title))
        source, asked = run.source, run.asked
        if source is None or asked is None:
            costed.append(run)
            continue
        spec = run.training.spec if run.training else None
        key = (spec.model_name, spec.method, spec.imgsz, run.classes) if spec else source.weights_sha256
        if key not in known:
            known[key] = _measured(source, asked, device)
        cost = replace(known[key], folder=source.folder, weights_sha256=source.weights_sha256)
        cost.write()
        costed.append(replace(run, cost=cost))
    return costed


def _measured(run: ScoredRun, spec: EvaluateSpec, device: str) -> Cost:
    model = registry.load(run.weights, device, spec.trust_weights)
    assert model.task == "classify"  # a run that names whole photos is of one
    return measured(model, run.folder, run.weights_sha256)


# ------------------------------------------------------------------------------------------------------------- what is told
def blocks_of(found: Sequence[Mean], name: str, out: Path) -> list[Block]:
    """The table and the chart of accuracy against cost, and ``cost.csv``; nothing where no run was measured.

    Args:
        found: top-1 of each setting on each split.
        name: of the dataset.
        out: folder of the figures.
    """
    frame = costs(found)
    if frame.empty:
        return []
    write_sheet(out / "cost.csv", frame, digits="%.6g")
    place = machine_of(frame)
    elsewhere = list(dict.fromkeys(_title(row) for row in frame[frame["machine"] != place].to_dict("records")))
    notes: list[Block] = [Text(Sentence(ELSEWHERE, models="; ".join(elsewhere)))] if elsewhere else []
    figure = accuracy_over_cost(frame[frame["split"].isin(["normal_cases/test", "hard_cases/test"])], place, name)
    drawn: list[Block] = [Figure(save(figure, out / "cost.png")[0], Sentence(FRONT, machine=place))] if figure else []
    return [Heading(Sentence("Accuracy and cost")), table(frame), *notes, *drawn]


def costs(found: Sequence[Mean]) -> pd.DataFrame:
    """A row for each setting whose model was measured, and each of its test splits; with columns :data:`COLUMNS`.

    ``front`` is whether it is on the Pareto front of its split over the time for one photo, among those measured on the same machine.
    """
    rows = [_row(one, cost) for one in found for cost in [_cost(one)] if cost and Split.parse(one.split).is_test]
    frame = pd.DataFrame(rows, columns=list(COLUMNS))
    if frame.empty:
        return frame
    most = frame["shots"].fillna(math.inf)  # no number: all that there are
    setting = [frame[column] for column in ("model", "method", "trained_on", "split")]
    frame = frame[most == most.groupby(setting).transform("max")].reset_index(drop=True)
    fronts = [
        pd.Series(on_front(rows["latency_median"], rows["top1"]), index=rows.index) for _, rows in frame.groupby(["split", "machine"])
    ]
    return frame.assign(front=pd.concat(fronts))


def read(path: Path) -> pd.DataFrame:
    """The rows of ``cost.csv``."""
    numbers = [column for column in COLUMNS if column not in {"model", "method", "trained_on", "split", "machine", "engine"}]
    return pd.read_csv(path, encoding="utf-8-sig", keep_default_na=False, na_values={column: [""] for column in numbers})


def _cost(one: Mean) -> Cost | None:
    return next((run.cost for run in one.runs if run.cost), None)


def _row(one: Mean, cost: Cost) -> dict[str, Any]:
    run = one.runs[0]
    learnt = run.learnt
    return {
        "model": learnt.network if learnt else run.model,
        "method": learnt.method if learnt else "",
        "trained_on": learnt.training_set if learnt else "",
        "shots": math.nan if learnt is None or learnt.shots is None else learnt.shots,
        **one.row,
        "side": cost.side,
        "parameters": math.nan if cost.parameters is None else cost.parameters,
        "flops": math.nan if cost.flops is None else cost.flops,
        **{f"latency_{name}": cost.latency[name] for name in QUARTILES},
        **{f"throughput_{name}": cost.throughput[name] for name in QUARTILES},
        **{key: getattr(cost, key) for key in ("batch", "repeats", "machine", "engine")},
    }


def machine_of(frame: pd.DataFrame) -> str:
    """The machine that most settings were measured on, whose times are compared."""
    return str(Counter(frame["machine"]).most_common(1)[0][0])


def table(frame: pd.DataFrame) -> Table:
    """The rows of :func:`costs` for people: a row for each setting, columns of splits."""
    synthetic = set(frame.loc[frame["synthetic"], "split"])
    heads = {split: called(name, {name} if split in synthetic else ()) for split, name in _names(frame)}
    place, rows, marked = machine_of(frame), list[dict[str, str]](), set()
    for number, (_, mine) in enumerate(frame.groupby(["model", "method", "trained_on", "machine"], sort=False)):
        about = mine.iloc[0]
        here = about["machine"] == place
        rows.append(
            {
                "model": _title(about),
                "input": f"{about['side']} px",
                "parameters": _count(about["parameters"], 1e6, "M"),
                "FLOPs": _count(about["flops"], 1e9, "G"),
                "one photo": _time(about, "latency", " ms") if here else "",
                "photos a second": _time(about, "throughput") if here else "",
                **dict.fromkeys(heads.values(), ""),
            }
        )
        for one in mine.to_dict("records"):
            rows[-1][heads[one["split"]]] = percent(one["top1"], one["sd"], one["low"], one["high"], " %")
            if one["front"] and here:
                marked.add((number, 6 + list(heads).index(one["split"])))
    here = frame[frame["machine"] == place]
    facts = {"batch": here["batch"].iloc[0], "engine": " and ".join(dict.fromkeys(here["engine"])), "repeats": here["repeats"].min()}
    return Table(
        pd.DataFrame(rows),
        Sentence(COSTED, machine=place, warm_up=WARM_UP, **facts),
        frozenset(marked),
        False,
        Sentence("on the Pareto front"),
    )


def _names(frame: pd.DataFrame) -> list[tuple[str, str]]:
    """Each split and its short name."""
    return [(split, Split.parse(split).name) for split in in_order(frame["split"])]


def _title(row: Any) -> str:
    return ", ".join(str(row[column]) for column in ("model", "method", "trained_on") if row[column])


def _count(value: float, unit: float, letter: str) -> str:
    """``1.49 M``; ``unknown`` of what is not."""
    return f"{value / unit:.3g} {letter}" if value == value else "unknown"


def _time(row: Any, what: str, unit: str = "") -> str:
    values = [row[f"{what}_{name}"] for name in QUARTILES]
    q1, median, q3 = (f"{value:,.0f}" if value >= 100 else f"{value:.3g}" for value in values)
    return f"{median}{unit} [{q1}, {q3}]"
