from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from tests.conftest import PEOPLE, make_koin, working_in
from yolo_koin import ConvertSpec, EvaluateSpec, TrainSpec, convert, evaluate, train
from yolo_koin.dataset.classify import read_index
from yolo_koin.errors import DatasetError, RunError
from yolo_koin.evaluation import predictions, scores
from yolo_koin.files import sha256
from yolo_koin.runs import ScoredRun
from yolo_koin.verbs.evaluate import EvaluateResult
from yolo_koin.verbs.train import TrainResult

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def evaluated(home: Path, trained: TrainResult) -> EvaluateResult:
    with working_in(home):
        return evaluate(EvaluateSpec(weights=trained.weights, name="scored"))


def value(result: EvaluateResult, split: str, metric: str) -> float:
    table = result.metrics
    return float(table[(table["split"] == split) & (table["metric"] == metric)]["value"].iloc[0])


def test_every_test_photo_is_a_row_and_every_split_is_scored(at_home: Path, evaluated: EvaluateResult) -> None:
    frame = predictions.read(evaluated.run / "predictions.csv")
    assert frame["split"].value_counts().to_dict() == {"hard_cases/test": 8, "normal_cases/test": 8}
    assert set(frame["true_label"]) == set(PEOPLE)
    assert frame["image"].str.startswith(("normal_cases/test/", "hard_cases/test/")).all()
    assert set(evaluated.metrics["split"]) == {"normal_cases/test", "hard_cases/test"}
    run = ScoredRun.read(evaluated.run)
    assert run is not None
    assert (run.status, run.weights_sha256, run.classes) == ("finished", sha256(evaluated.weights), len(PEOPLE))
    assert (run.weights, run.data) == (evaluated.weights, evaluated.data)


def test_tables_of_people_lie_beside_the_numbers(at_home: Path, evaluated: EvaluateResult) -> None:
    people, matrix = (pd.read_csv(evaluated.run / name) for name in ("per_person.csv", "confusion.csv"))
    assert list(people["label"].unique()) == ['="0003"', "s04", "김민준", "이서연"], "Excel keeps the zeros"
    assert people.groupby("split")["right"].sum()["normal_cases/test"] == 8 * value(evaluated, "normal_cases/test", "top1")
    assert people["recall"].mean() == pytest.approx((people["right"] / people["photos"]).mean(), abs=1e-4)
    assert matrix.drop(columns=["split", "label", "name"]).to_numpy().sum() == 16


def test_the_numbers_are_a_function_of_predictions_csv(at_home: Path, evaluated: EvaluateResult) -> None:
    again = scores.score(predictions.read(evaluated.run / "predictions.csv"), "scored", classes=len(PEOPLE))
    written = scores.read(evaluated.run / "metrics.csv")
    pd.testing.assert_frame_equal(again, written, rtol=1e-5)


def test_four_classes_have_no_top5_and_a_gap_from_normal_to_hard(at_home: Path, evaluated: EvaluateResult) -> None:
    assert {"top1", "top3", "macro_f1", "macro_recall", "nll", "brier", "ece"} <= set(evaluated.metrics["metric"])
    assert "top5" not in set(evaluated.metrics["metric"])
    gap = value(evaluated, "normal_cases/test", "top1") - value(evaluated, "hard_cases/test", "top1")
    assert value(evaluated, "hard_cases/test", "top1_gap") == pytest.approx(gap)


def test_the_model_has_learnt_something(at_home: Path, evaluated: EvaluateResult) -> None:
    """The tests below compare predictions; those of a model that says one name of every photo would always agree."""
    frame = predictions.read(evaluated.run / "predictions.csv")
    assert frame["pred_1"].nunique() == len(PEOPLE)
    assert frame["score_1"].nunique() == len(frame)
    assert value(evaluated, "normal_cases/test", "top1") > 0.5


def test_stock_classify_val_reports_the_same_top1(at_home: Path, evaluated: EvaluateResult, trained: TrainResult) -> None:
    """``yolo classify val`` and ``predict`` on the converted dataset, in a process without this package."""
    code = f"""
import json, sys
sys.modules["yolo_koin"] = None
from pathlib import Path
from ultralytics import YOLO
model, root = YOLO({str(trained.weights)!r}), Path({str(trained.data.resolve())!r})
top1 = model.val(data=str(root), split="test", imgsz=64, plots=False, verbose=False).top1
photos = sorted(str(path) for path in (root / "test").rglob("*.jpg"))
scores = {{Path(photo).relative_to(root).as_posix(): model(photo, verbose=False)[0].probs.data.tolist() for photo in photos}}
print(json.dumps([top1, scores]))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    top1, scores_of = json.loads(done.stdout.strip().splitlines()[-1])
    assert top1 == pytest.approx(value(evaluated, "normal_cases/test", "top1"), abs=1e-6)
    index = read_index(trained.data)
    prepared = dict(zip(index["source"], index["image"], strict=True))
    ours = predictions.read(evaluated.run / "predictions.csv")
    ours = ours[ours["split"] == "normal_cases/test"]
    stock = [max(scores_of[prepared[source]]) for source in ours["image"]]
    assert ours["score_1"].tolist() == pytest.approx(stock, abs=0.01)


def test_bad_photos_and_unknown_people_count_as_wrong_and_are_told(at_home: Path, trained: TrainResult, tmp_path: Path) -> None:
    raw = make_koin(tmp_path / "KoIn")
    (raw / "normal_cases/test" / PEOPLE[0] / "6.png").write_bytes(b"")
    shutil.move(raw / "hard_cases/test" / PEOPLE[1], raw / "hard_cases/test" / "stranger")
    out = convert(ConvertSpec(data=str(raw), out=tmp_path / "cls")).root
    result = evaluate(EvaluateSpec(weights=trained.weights, data=str(out)))
    frame = predictions.read(result.run / "predictions.csv").set_index("image")
    assert frame.loc[f"normal_cases/test/{PEOPLE[0]}/6.png", "error"] == "empty file"
    assert value(result, "normal_cases/test", "errors") == 1
    assert value(result, "hard_cases/test", "unknown_class") == 2
    assert result.unknown == ("stranger",)
    assert value(result, "normal_cases/test", "top1") <= 7 / 8
    assert value(result, "hard_cases/test", "top1") <= 6 / 8


def test_somebody_taken_out_after_training_is_not_scored(tmp_path: Path) -> None:
    raw = make_koin(tmp_path / "KoIn")
    with working_in(tmp_path):
        result = train(TrainSpec(data=str(raw), weights="scratch", epochs=1, imgsz=32, batch=8, device="cpu"))
        (raw / "exclude.txt").write_text(f"{PEOPLE[2]}\n")
        frame = predictions.read(evaluate(EvaluateSpec(weights=result.weights)).run / "predictions.csv")
    assert set(frame["true_label"]) == set(PEOPLE) - {PEOPLE[2]}
    assert not list((tmp_path / "data").rglob(f"{PEOPLE[2]}/*.jpg"))


def test_photos_are_prepared_as_the_model_saw_them(at_home: Path, koin: Path, evaluated: EvaluateResult, trained: TrainResult) -> None:
    """Another conversion of the same dataset changes nothing, from another folder neither."""
    convert(ConvertSpec(data=str(koin), fit="crop", side=64))
    again = evaluate(EvaluateSpec(weights=trained.weights))
    pd.testing.assert_frame_equal(again.metrics.drop(columns="run"), evaluated.metrics.drop(columns="run"))
    by_raw = evaluate(EvaluateSpec(weights=trained.weights, data=str(koin)))
    pd.testing.assert_frame_equal(by_raw.metrics.drop(columns="run"), evaluated.metrics.drop(columns="run"))


@pytest.mark.parametrize(
    ("spec", "error", "words"),
    [
        pytest.param({"data": "nowhere"}, DatasetError, "no dataset", id="no such dataset"),
        pytest.param({"name": "scored"}, RunError, "exists already", id="a name that is taken"),
    ],
)
def test_mistakes(at_home: Path, evaluated: EvaluateResult, spec: dict[str, str], error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        evaluate(EvaluateSpec(**spec))  # type: ignore[arg-type]


def test_without_a_training_run(tmp_path: Path) -> None:
    with working_in(tmp_path), pytest.raises(RunError, match="yolo_koin train"):
        evaluate(EvaluateSpec())


def test_twice_with_the_same_weights_is_two_runs_and_chance_is_told(at_home: Path, tmp_path: Path, trained: TrainResult) -> None:
    few = make_koin(tmp_path / "few", PEOPLE[:2])
    for photo in sorted(few.glob("*/test/*/*"))[1:]:
        photo.unlink()
    photo = min(few.glob("*/test/*/*"))
    photo.write_bytes(b"no photo")  # one that is wrong says nothing that guessing would not
    spec = EvaluateSpec(weights=trained.weights, data=str(few))
    one, two = evaluate(spec), evaluate(spec)
    first, second = (int(run.run.name.removeprefix("tiny").removeprefix("-") or 1) for run in (one, two))
    assert second == first + 1
    assert [note for note in one.notes if "is at chance level" in note and "one of 4 people" in note]


def test_photos_that_training_shows_too_are_told_apart(at_home: Path, home: Path, trained: TrainResult, tmp_path: Path) -> None:
    """Those that the conversion found, and those that an audit calls leaks."""
    raw = shutil.copytree(make_koin(tmp_path / "KoIn"), tmp_path / "Leaky")  # of another name: what is prepared here belongs to other tests
    train_photo = next((raw / "normal_cases/train" / PEOPLE[0]).iterdir())
    shutil.copy(train_photo, raw / "normal_cases/test" / PEOPLE[0] / "again.png")
    findings = tmp_path / "findings.csv"
    findings.write_text(f"kind,image,other,score,detail\nleak,hard_cases/test/{PEOPLE[1]}/8.png,x,1,\n", encoding="utf-8")
    result = evaluate(EvaluateSpec(weights=trained.weights, data=str(raw), leaks=findings, name="leaky"))
    assert [value(result, split, "leaked") for split in ("normal_cases/test", "hard_cases/test")] == [1, 1]
    frame = predictions.read(result.run / "predictions.csv")
    free = frame[(frame["split"] == "normal_cases/test") & ~frame["image"].str.endswith("again.png")]
    assert value(result, "normal_cases/test", "top1_leak_free") == pytest.approx((free["true_rank"] == 1).mean())
    assert sum("near-duplicate in training" in note for note in result.notes) == 2
