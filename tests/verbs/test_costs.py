"""Accuracy against cost in a report: measured when that is asked for, read afterwards, and never mixed over machines."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.conftest import make_koin, working_in
from tests.verbs.test_report_input import answers, dataset, run
from yolo_koin import EvaluateSpec, ReportSpec, ScoreSpec, TrainSpec, evaluate, report, train
from yolo_koin.errors import UsageError
from yolo_koin.evaluation.statistics import wilson
from yolo_koin.models import cost as measuring
from yolo_koin.models.cost import Cost
from yolo_koin.reporting.cost import accuracy_over_cost
from yolo_koin.reporting.document import markdown, markdown_table
from yolo_koin.verbs import costs
from yolo_koin.verbs.provenance import UNMEASURED, provenance
from yolo_koin.verbs.scored import Scored, load_runs
from yolo_koin.verbs.seeds import means

pytestmark = pytest.mark.usefixtures("screen_only")
ROOT = Path(__file__).parents[2]
PEOPLE, NAMES = ["p1", "p2", "p3"], ("slow", "quick", "away")


def cost_of(folder: Path, latency: float, **about: Any) -> Cost:
    """What a run might cost, in ``cost.json``."""
    told: dict[str, Any] = {"parameters": 1_486_120, "flops": 32_968_704, "machine": "here", "engine": "PyTorch", "repeats": 9, **about}
    times = {"q1": latency - 0.1, "median": latency, "q3": latency + 0.2}
    return Cost(folder=folder, weights_sha256="", side=64, latency=times, throughput={k: 1000 / v for k, v in times.items()}, **told)


@pytest.fixture
def three(tmp_path: Path) -> Path:
    """Three runs, of which one was measured elsewhere."""
    root = dataset(tmp_path / "data" / "KoIn", PEOPLE, photos=6)
    for name, right, latency, machine in zip(NAMES, (1.0, 0.7, 0.8), (9.0, 2.0, 1.0), ("here", "here", "<elsewhere>"), strict=True):
        run(tmp_path, name, root, answers(root, PEOPLE, right), len(PEOPLE))
        cost_of(tmp_path / "runs/evaluate" / name, latency, machine=machine).write()
    return tmp_path


def scored(home: Path) -> list[Scored]:
    return [run for name in NAMES for run in load_runs(home / "runs/evaluate" / name)]


def test_times_of_two_machines_are_not_mixed(three: Path) -> None:
    blocks = costs.blocks_of(means(scored(three)), "KoIn", three)
    text = markdown(blocks, three)
    assert "Measured on another machine, and not compared in time: run away. report --cost measures all of them on one." in text
    line = next(line for line in text.splitlines() if line.startswith("| run away") and "1.49 M" in line)
    assert "ms" not in line
    frame = costs.read(three / "cost.csv")
    figure = accuracy_over_cost(frame, "here", "KoIn")
    assert figure is not None
    drawn = {round(float(x), 6) for axes in figure.axes for line in axes.lines for x in np.asarray(line.get_xdata()) if x > 0}
    assert {9.0, 2.0} <= drawn
    assert 1.0 not in drawn
    names = {text.get_text() for axes in figure.axes for text in axes.texts}
    assert {"run slow", "run quick"} <= names


def test_a_cost_of_other_weights_is_none(three: Path) -> None:
    """The run was evaluated again, of another model."""
    for name in NAMES:
        replace(cost_of(three / "runs/evaluate" / name, 2.0), weights_sha256="another").write()
    assert costs.blocks_of(means(scored(three)), "KoIn", three) == []
    assert UNMEASURED in markdown(provenance(scored(three)), three)


def test_a_model_that_was_not_measured_is_told(three: Path) -> None:
    """Not of those that cannot be: of faces, and of answers that somebody brought."""
    runs = scored(three)
    source = runs[1].source
    assert source is not None
    brought = replace(runs[1], cost=None, source=replace(source, spec=ScoreSpec(file=Path("x.csv"))))
    assert UNMEASURED not in markdown(provenance([*runs, replace(runs[0], way="faces", cost=None), brought]), three)
    assert UNMEASURED in markdown(provenance([*runs[:2], replace(runs[2], cost=None)]), three)


def test_all_panels_of_a_cost_show_all_that_cost_it(three: Path) -> None:
    """Though the lowest row lacks the dearest model."""
    frame = costs.costs(means(scored(three)))
    figure = accuracy_over_cost(frame[(frame["split"] == "normal_cases/test") | (frame["model"] != "run slow")], "here", "KoIn")
    assert figure is not None
    assert len(figure.axes) == 2
    for axes in figure.axes:
        least, most = axes.get_xlim()
        assert least < 2.0 < 9.0 < most


@pytest.mark.slow
def test_measured_once_and_read_without_the_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measuring, "SECONDS", 0.05)
    make_koin(tmp_path / "raw")
    with working_in(tmp_path):
        train(TrainSpec(data="raw", model="timm:tf_efficientnet_lite0", method="ncm", imgsz=64, side=64, name="means", device="cpu"))
        done = evaluate(EvaluateSpec(weights="means", device="cpu"))
        first = report(ReportSpec(runs=("means",), cost=True, device="cpu", out=tmp_path / "first"))
        table = costs.read(first.out / "cost.csv")
        done.weights.unlink()
        (again,) = load_runs(done.run)
        assert again.cost == Cost.read(done.run)
    pd.testing.assert_frame_equal(costs.costs(means([again])), table, rtol=1e-5, check_dtype=False)
    assert set(table["front"]) == {True}, "nothing beats the only one"


def test_a_device_is_for_measuring() -> None:
    with pytest.raises(UsageError, match="a report is drawn from files: device=cpu"):
        ReportSpec(runs=("x",), device="cpu")


def test_the_table_of_the_docs_comes_out_of_its_predictions() -> None:
    """Each accuracy from the photos of its run, the front from its definition, and the rows of the page from both."""
    photos = pd.read_csv(ROOT / "resources/predictions-cost.csv.gz", dtype={"true_label": str, "pred_1": str})
    frame = costs.read(ROOT / "resources/cost.csv")
    right = (photos["true_label"] == photos["pred_1"]).groupby([photos[key] for key in ("model", "method", "split")])
    assert len(frame) == len(right)
    for row in frame.to_dict("records"):
        of_run = right.get_group((row["model"], row["method"], row["split"]))
        assert row["top1"] == pytest.approx(of_run.mean(), abs=1e-6)
        assert [row["low"], row["high"]] == pytest.approx([float(end) for end in wilson(of_run.sum(), len(of_run))], abs=1e-5)
        faster = frame[(frame["split"] == row["split"]) & (frame["latency_median"] < row["latency_median"])]
        assert row["front"] == bool((faster["top1"] < row["top1"]).all())
    table = costs.table(frame)
    assert markdown_table(table.frame, table.marked) in (ROOT / "docs/axes.md").read_text(encoding="utf-8")
