"""Strangers from end to end: people held out in folds, a threshold, the report, and photos that are answered with ``unknown``."""

from __future__ import annotations

import shutil
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.conftest import make_koin, working_in
from yolo_koin import BenchmarkSpec, EvaluateSpec, PredictSpec, ReportSpec, TrainSpec, benchmark, evaluate, predict, report, train
from yolo_koin.errors import KoinError, RunError, UsageError, WeightsError
from yolo_koin.evaluation import predictions, strangers, verification
from yolo_koin.files import sha256
from yolo_koin.models import registry
from yolo_koin.parallel import Step, silent
from yolo_koin.runs import ScoredRun, TrainRun
from yolo_koin.verbs import cells
from yolo_koin.verbs.evaluate import EvaluateResult
from yolo_koin.verbs.strangers import Fold, folds_of
from yolo_koin.workspace import Workspace

pytestmark = pytest.mark.slow

PEOPLE = ("김민준", "이서연", "0003", "s04", "s05", "s06")
SMALL: dict[str, Any] = {"side": 64, "device": "cpu"}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder to work in, with six people, and a nearest mean of them."""
    home = tmp_path_factory.mktemp("strangers")
    make_koin(home / "raw", PEOPLE)
    with working_in(home):
        train(TrainSpec(data="raw", model="timm:tf_efficientnet_lite0", method="ncm", imgsz=64, name="means", **SMALL))
    return home


@pytest.fixture(scope="module")
def held_out(place: Path) -> EvaluateResult:
    with working_in(place):
        return evaluate(EvaluateSpec(weights="means", strangers=0.2, folds=3, device="cpu"))


# ------------------------------------------------------------------------------------------------------------ who is held out
def test_everybody_is_a_stranger_once() -> None:
    people = [f"p{i}" for i in range(40)]
    folds = folds_of(people, 0.2, 5, seed=0)
    assert Counter(label for fold in folds for label in fold.strangers) == Counter(people)
    assert Counter(label for fold in folds for label in fold.threshold) == Counter(people)
    assert all(not fold.strangers & fold.threshold for fold in folds)
    assert folds_of(people[::-1], 0.2, 5, seed=0) == folds, "the order of the folders makes no difference"
    assert folds_of(people, 0.2, 5, seed=1) != folds


@pytest.mark.parametrize(("people", "share", "folds", "held"), [(5, 0.01, 5, 1), (7, 0.3, 7, 2), (9, 0.34, 4, 3)])
def test_blocks_are_as_large_as_asked_and_as_evenly_used_as_can_be(people: int, share: float, folds: int, held: int) -> None:
    labels = [f"p{i}" for i in range(people)]
    found = folds_of(labels, share, folds, 0)
    assert {len(block) for fold in found for block in (fold.strangers, fold.threshold)} == {held}
    times = Counter(label for fold in found for label in fold.strangers)
    assert max(times.values()) - min(times[label] for label in labels) <= 1


@pytest.mark.parametrize(
    ("people", "share", "folds", "words"),
    [(4, 0.2, 2, "strangers=0.2"), (6, 0.49, 2, "of 6 people 6"), (10, 0.2, 11, "more folds than people")],
)
def test_too_few_people(people: int, share: float, folds: int, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        folds_of([f"p{i}" for i in range(people)], share, folds, 0)


def test_somebody_of_the_test_photos_alone_is_a_stranger() -> None:
    fold = Fold(1, frozenset({"a"}), frozenset({"b"}))
    assert [fold.group(label, "hard_cases/test", frozenset({"c"})) for label in "abcd"] == ["stranger", "", "known", "stranger"]
    assert [fold.group(label, "normal_cases/train", frozenset({"c"})) for label in "abc"] == ["", "threshold", ""]
    assert [fold.group(label, "normal_cases/val", frozenset({"c"})) for label in "abc"] == ["", "threshold", "known"]


# ------------------------------------------------------------------------------------------------------------------ the run
def test_no_fold_has_seen_who_is_held_out(place: Path, held_out: EvaluateResult) -> None:
    with working_in(place):
        frame = strangers.read(held_out.run / "predictions.csv")
        for number, rows in frame.groupby("fold"):
            run = TrainRun.read(held_out.run / "folds" / f"{number:.0f}")
            assert run is not None
            names = registry.load(run.weights, "cpu").names
            assert len(run.without) == 2
            assert set(names) == set(PEOPLE) - set(run.without)
            assert run.photos == 4 * len(names), "of five photos each a fifth validates"
            assert set(rows[predictions.PREDICTED[0]]) <= set(names)
            people = {group: set(some["true_label"]) for group, some in rows.groupby("group")}
            assert people["known"] == set(names)
            assert people["threshold"] | people["stranger"] == set(run.without)
    parts = frame.groupby("group")["split"].agg(lambda splits: sorted(set(splits)))
    assert parts["known"] == ["hard_cases/test", "normal_cases/test", "normal_cases/val"]
    assert parts["stranger"] == ["hard_cases/test", "normal_cases/test"]
    assert parts["threshold"] == ["normal_cases/train", "normal_cases/val"]


def test_of_nearest_means_the_score_is_a_cosine(held_out: EvaluateResult, place: Path) -> None:
    frame = strangers.read(place / held_out.run / "predictions.csv")
    cosine = strangers.SCORES["max_logit"](frame)
    assert cosine.between(0, 1).all()
    assert frame.groupby("fold")["scale"].nunique().max() == 1
    assert (frame["scale"] > 1).all()


def test_the_numbers_are_a_function_of_predictions_csv(place: Path, held_out: EvaluateResult) -> None:
    pairs = verification.read(place / held_out.run / "pairs.csv")
    assert pairs.groupby("fold").size().tolist() == [4, 4, 4], "two photos of either case, of one stranger"
    assert not verification.verified(pairs, "mine")["metric"].str.startswith("tar").any()
    again = strangers.scored(strangers.read(place / held_out.run / "predictions.csv"), held_out.run.name)
    pd.testing.assert_frame_equal(again, held_out.metrics)
    written = pd.read_csv(place / held_out.run / "metrics.csv")
    pd.testing.assert_frame_equal(written, again, rtol=1e-5, check_dtype=False)
    run = ScoredRun.read(place / held_out.run)
    assert run is not None
    assert (run.status, run.score) == ("finished", strangers.chosen_score(again))
    assert set(strangers.read(place / held_out.run / "predictions.csv")["classes"]) == {4.0}


def test_a_command_that_was_stopped_trains_no_finished_fold_again(place: Path, tmp_path: Path) -> None:
    """A network of its own; stopped when the second of two folds begins to learn, then called again."""
    home = Path(shutil.copytree(place, tmp_path / "home"))
    stopped = []

    def stop(step: Step) -> None:
        stopped.append(step)
        if step.what != "fold" and [one.done for one in stopped if one.what == "fold"] == [1, 2]:
            raise KeyboardInterrupt

    with working_in(home):
        train(TrainSpec(data="raw", weights="scratch", epochs=2, imgsz=32, batch=8, name="net", **SMALL))
        spec = EvaluateSpec(weights="net", strangers=0.2, folds=2)
        with pytest.raises(KeyboardInterrupt):
            evaluate(spec, progress=stop)
        first = Path("runs/evaluate/net-strangers/folds/1/weights/best.pt")
        before = sha256(first), first.stat().st_mtime_ns
        assert not Path("runs/evaluate/net-strangers/predictions.csv").exists()
        done = evaluate(spec)
        assert done.run == Path("runs/evaluate/net-strangers")
        assert (sha256(first), first.stat().st_mtime_ns) == before
        undisturbed = evaluate(spec)
        assert undisturbed.run.name == "net-strangers-2"
    one, other = (strangers.read(home / run.run / "predictions.csv") for run in (done, undisturbed))
    pd.testing.assert_frame_equal(one, other)


# ------------------------------------------------------------------------------------------------------------------ unknown
def test_photos_below_the_threshold_are_answered_with_unknown(place: Path, held_out: EvaluateResult) -> None:
    asked: dict[str, Any] = {"source": ("normal_cases/test", "hard_cases/test"), "weights": "means", "device": "cpu"}
    with working_in(place):
        frame, run = strangers.read(held_out.run / "predictions.csv"), ScoredRun.read(held_out.run)
        assert run is not None
        at = np.median([*strangers.thresholds(frame, run.score, 0.6).values()])
        by_fpir = predict(PredictSpec(**asked, reject="60%"))
        plain = predictions.read(by_fpir.run / "predictions.csv")
        scale = np.linalg.norm(registry.load(by_fpir.weights, "cpu")._weight[0])  # type: ignore[union-attr]
        score = strangers.SCORES[run.score](plain.assign(scale=scale, classes=6))
        by_threshold = predict(PredictSpec(**asked, reject=f"{score.median():.9g}"))
        for result, threshold in ((by_fpir, at), (by_threshold, score.median())):
            table = pd.read_csv(result.run / "predictions.csv", dtype={"answer": str})
            assert list(table.columns) == [*predictions.COLUMNS, "answer"]
            assert table["answer"].tolist() == plain["pred_1"].where(score > threshold, "unknown").tolist()
            assert f"{(score <= threshold).sum()} of 24 answers unknown" in result.notes[-1]
            assert sum(one.right for one in result.splits) == int((table["answer"] == plain["true_label"]).sum())
    assert by_fpir.notes[-1].endswith("the median of 3 folds of means-strangers at an FPIR of 60 %")
    assert by_threshold.notes[-1].startswith("12 of 24")


def test_a_threshold_and_somebody_whom_the_model_never_learnt(place: Path, held_out: EvaluateResult, tmp_path: Path) -> None:
    raw = Path(shutil.copytree(place / "raw", tmp_path / "raw"))
    (raw / "normal_cases/test" / PEOPLE[5]).rename(raw / "normal_cases/test" / "nobody")
    asked: dict[str, Any] = {"source": "normal_cases/test", "weights": "means", "data": str(raw), "device": "cpu"}
    with working_in(place):
        all_of_them, none = (predict(PredictSpec(**asked, reject=threshold)) for threshold in ("1e9", "-1e9"))
        answers = [pd.read_csv(one.run / "predictions.csv", dtype=str)["answer"] for one in (all_of_them, none)]
    assert set(answers[0]) == {"unknown"}
    assert all_of_them.right == 2, "of a stranger's two photos that is the right answer"
    assert all(str(one).endswith(": unknown") for one in all_of_them.named)
    assert "unknown" not in set(answers[1])


@pytest.mark.parametrize(
    ("fields", "error", "words"),
    [
        pytest.param({"reject": "10%"}, UsageError, "by 5 photos of strangers no FPIR below 60 % can be claimed", id="too few strangers"),
        pytest.param({"reject": "often"}, UsageError, "neither an FPIR such as 10% nor", id="no number"),
        pytest.param({"reject": "100%"}, UsageError, "neither", id="everybody"),
        pytest.param({"reject": "nan"}, UsageError, "neither", id="not a number"),
    ],
)
def test_what_cannot_be_rejected(place: Path, held_out: EvaluateResult, fields: dict[str, Any], error: type[KoinError], words: str) -> None:
    with working_in(place), pytest.raises(error, match=words):
        predict(PredictSpec(source="normal_cases/test", weights="means", **fields))


def test_without_an_open_set_run_the_remedy_is_told(place: Path, tmp_path: Path) -> None:
    home = Path(shutil.copytree(place, tmp_path / "home", ignore=shutil.ignore_patterns("evaluate")))
    with working_in(home), pytest.raises(RunError, match=r"yolo_koin evaluate --strangers 0.2 --weights means"):
        predict(PredictSpec(source="normal_cases/test", weights="means", reject="10%"))


# ----------------------------------------------------------------------------------------------------------- report, mistakes
@pytest.mark.usefixtures("screen_only")
def test_a_report_shows_tables_and_curves(place: Path, held_out: EvaluateResult) -> None:
    with working_in(place):
        scored = evaluate(EvaluateSpec(weights="means", device="cpu"))
        page = report(ReportSpec(runs=(held_out.run.name, scored.run.name))).files[0].read_text(encoding="utf-8")
    assert "\n# Strangers\n" in page
    assert "# Results on" in page
    assert "EfficientNet-Lite0 nearest mean, normal | hard_cases/test | 24 + 6" in " ".join(page.split())
    assert "needs 30 photos" in page
    assert page.count("] |") > 10, "intervals"


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"strangers": 0.5}, "at most 0.49"),
        ({"strangers": 0.0}, "at least 0.01"),
        ({"strangers": 0.2, "folds": 0}, "at least 1"),
        ({"folds": 3}, "folds hold strangers out"),
        ({"strangers": 0.2, "faces": True}, "strangers=0.2 faces=True"),
        ({"strangers": 0.2, "task": "detect"}, "strangers=0.2 task=detect"),
        ({"strangers": 0.2, "data": "raw"}, "strangers=0.2 data=raw"),
        ({"strangers": 0.2, "engine": "onnx"}, "strangers=0.2 engine=onnx"),
    ],
    ids=str,
)
def test_what_cannot_be_held_out(fields: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        EvaluateSpec(**fields)


def test_weights_whose_training_cannot_be_repeated(place: Path, held_out: EvaluateResult, tmp_path: Path) -> None:
    home = Path(shutil.copytree(place, tmp_path / "home"))
    with working_in(home):
        spec: dict[str, Any] = {"strangers": 0.2, "folds": 2}
        alone = Path(shutil.copy("runs/train/means/weights/best.head.safetensors", "alone.head.safetensors"))
        with pytest.raises(WeightsError, match="no run of ours"):
            evaluate(weights=alone, **spec)
        with pytest.raises(WeightsError, match="a fold, which has people held out"):
            evaluate(weights=held_out.run / "folds/1/weights/best.head.safetensors", **spec)
        (home / "raw/exclude.txt").write_text(f"{PEOPLE[1]}\n", encoding="utf-8")
        with pytest.raises(RunError, match="the photos have changed"):
            evaluate(weights="means", **spec)
        (home / "raw/exclude.txt").unlink()
        path = home / "runs/train/means/manifest.json"
        start = Path(shutil.copytree(home / "runs/train/means", home / "runs/train/other")) / "weights/best.pt"
        start.write_bytes(b"")
        text = path.read_text(encoding="utf-8")
        assert '"start": "../../../weights/' in text
        path.write_text(
            text.replace('"start": "../../../weights/tf_efficientnet_lite0.safetensors"', '"start": "../other/weights/best.pt"')
        )
        with pytest.raises(WeightsError, match="may have learnt from those"):
            evaluate(weights="means", **spec)


# ------------------------------------------------------------------------------------------------------------- of a benchmark
MATRIX = BenchmarkSpec(
    data="raw",
    models=("timm:tf_efficientnet_lite0",),
    methods=("ncm",),
    shots=(2,),
    seeds=(0, 1),
    imgsz=64,
    strangers=0.2,
    folds=2,
    name="matrix",
    **SMALL,
)


@pytest.fixture(scope="module")
def matrix(place: Path, screen_only: None) -> Path:
    """A benchmark that holds strangers out of a head by two photos of each person, of two seeds."""
    with working_in(place):
        planned = benchmark(replace(MATRIX, dry_run=True))
        assert planned.notes[0].startswith("2 cells, 0 finished; beside them 2 trainings with strangers held out, 0 finished")
        result = benchmark(replace(MATRIX, lang="ko"))
        assert not result.failed
        (again,) = benchmark(replace(MATRIX, dry_run=True)).notes
        assert again == "2 cells, 2 finished; beside them 2 trainings with strangers held out, 2 finished"
    return place / result.run


def test_each_model_of_a_matrix_has_its_strangers_held_out_of_its_first_seed(matrix: Path, place: Path) -> None:
    table = pd.read_csv(matrix / "results.csv")
    of_strangers = table[table["metric"] == "oscr"]
    assert set(of_strangers["run"]) == {folder.name for folder in (matrix / "strangers").iterdir()}
    assert set(of_strangers["seed"]) == {0}
    with working_in(place):
        report(ReportSpec(runs=("matrix",)))
    english, korean = ((matrix / folder / "report.md").read_text(encoding="utf-8") for folder in ("figures", "figures-ko"))
    assert "# Strangers" in english
    assert "TPIR at FPIR 10 %" in english
    assert "# 모르는 사람" in korean
    assert (matrix / "figures-ko/strangers.png").is_file()
    (name,) = {*of_strangers["run"]}
    assert f"evaluate matrix/{name}, 20" in english, "the section on trust finds them too"
    assert "yolo_koin evaluate --strangers" not in english


def test_a_benchmark_that_lost_a_fold_repeats_that_one_only(matrix: Path, place: Path) -> None:
    (first,) = (matrix / "strangers").iterdir()
    before = {path: path.stat().st_mtime_ns for path in matrix.glob("**/best.*")}
    told = pd.read_csv(first / "metrics.csv")
    shutil.rmtree(first / "folds/2")
    (first / "manifest.json").unlink()
    with working_in(place):
        for cell in cells.prepare(MATRIX, matrix, Workspace(), silent):
            cells.run(cell)
            assert cell.is_finished
    pd.testing.assert_frame_equal(pd.read_csv(first / "metrics.csv"), told)
    changed = {path for path, time in before.items() if path.stat().st_mtime_ns != time}
    assert {path.relative_to(first).parts[:2] for path in changed} == {("folds", "2")}


def test_a_benchmark_holds_strangers_out_in_one_way(matrix: Path, place: Path) -> None:
    with working_in(place), pytest.raises(RunError, match="strangers were held out of this cell in another way"):
        benchmark(replace(MATRIX, folds=3))
    with pytest.raises(UsageError, match="folds hold strangers out"):
        BenchmarkSpec(folds=2)


def test_a_benchmark_in_korean_has_its_english_report_too(matrix: Path) -> None:
    """It was run in Korean; the README says where the report is, in any language."""
    for page in ("report.html", "report.md", "report.tex", "figures-ko/report.html", "figures-ko/report.md"):
        assert (matrix / page).is_file(), page
