"""Who is where, end to end: boxes, an identity detector trained for seconds, and a classifier that names faces; all on real photographs."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from tests.conftest import PEOPLE, att, make_koin, working_in
from yolo_koin import (
    ConvertDetectSpec,
    EvaluateSpec,
    PredictSpec,
    ReportSpec,
    TrainSpec,
    convert_detect,
    evaluate,
    predict,
    report,
    scan,
    train,
)
from yolo_koin.dataset.detect import read_boxes_table
from yolo_koin.errors import DatasetError, WeightsError
from yolo_koin.evaluation import face_predictions, scores
from yolo_koin.evaluation.face_scores import score_faces
from yolo_koin.evaluation.truth import read as read_truth
from yolo_koin.models.checkpoints import load_checkpoint, task_of
from yolo_koin.parallel import Step
from yolo_koin.reporting.sheets import TO_CHECK
from yolo_koin.verbs.evaluate import EvaluateResult
from yolo_koin.verbs.resolve import open_dataset
from yolo_koin.verbs.train import TrainResult
from yolo_koin.workspace import Workspace

pytestmark = pytest.mark.slow

FACE = (10, 17, 73, 91)  # where the face is in an AT&T photograph, on average


@pytest.fixture(scope="session")
def crowd(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A KoIn folder with group photos: two photographs beside each other, and boxes that a person drew."""
    root = make_koin(tmp_path_factory.mktemp("crowd") / "KoIn")
    rows = []
    for number, person in enumerate(PEOPLE):
        other = (number + 1) % len(PEOPLE)
        stage = Image.new("RGB", (260, 160), (90, 90, 90))
        for place, (who, photo) in enumerate(((number, 6), (other, 7))):
            stage.paste(att(who + 1, photo), (20 + 128 * place, 24))
            x, y, width, height = FACE
            rows.append((f"group_cases/test/{person}/1.png", PEOPLE[who], x + 20 + 128 * place, y + 24, width, height))
        path = root / "group_cases/test" / person / "1.png"
        path.parent.mkdir(parents=True)
        stage.save(path)
    pd.DataFrame(rows, columns=["image", "label", "x", "y", "width", "height"]).to_csv(root / "boxes.csv", index=False)
    return root


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that a user works in."""
    return tmp_path_factory.mktemp("place")


@pytest.fixture(scope="session")
def detector(place: Path, crowd: Path) -> TrainResult:
    with working_in(place):
        spec = TrainSpec(task="detect", data=str(crowd), weights="scratch", epochs=70, imgsz=64, batch=4, device="cpu", name="who")
        return train(spec)


@pytest.fixture(scope="session")
def classifier(place: Path, crowd: Path) -> TrainResult:
    with working_in(place):
        return train(TrainSpec(data=str(crowd), fit="face", weights="scratch", epochs=40, imgsz=64, batch=8, device="cpu", name="faces"))


@pytest.fixture(scope="session")
def scored(place: Path, detector: TrainResult) -> EvaluateResult:
    with working_in(place):
        return evaluate(EvaluateSpec(task="detect", device="cpu"))


def value(result: EvaluateResult, split: str, metric: str) -> float:
    rows = result.metrics[(result.metrics["split"] == split) & (result.metrics["metric"] == metric)]
    return float(rows["value"].iloc[0])


# ---------------------------------------------------------------------------------------------------------------- boxes
def test_every_single_photo_gets_its_box_and_group_photos_keep_the_drawn_ones(place: Path, crowd: Path, detector: TrainResult) -> None:
    with working_in(place):
        result = convert_detect(ConvertDetectSpec(data=str(crowd), review=1))
        assert result.converted.root == detector.data  # the same folder: training had made it
    assert result.converted.counts == {"train": 16, "val": 4, "test": 8, "hard_cases/test": 8, "group_cases/test": 4}
    assert result.converted.boxes == {"centerface": 36, "drawn": 8}
    assert result.converted.prepared == 0
    with Image.open(place / result.pages[0]) as page:
        assert page.width > 1000


def test_a_page_of_the_review_that_is_missing_is_drawn_again(crowd: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A call that was killed between two pages left the first, which was taken for all there are."""
    monkeypatch.setattr("yolo_koin.verbs.review.TO_CHECK", replace(TO_CHECK, photos=16))
    raw = shutil.copytree(crowd, tmp_path / "raw")
    spec = ConvertDetectSpec(data=str(raw), side=64, review=9, workspace=tmp_path)
    pages = convert_detect(spec).pages
    before = [page.read_bytes() for page in pages]
    pages[-1].unlink()
    (pages[0].parent / ".0123456789abcdef.png").touch()
    (tmp_path / "data" / f".{pages[0].parent.parent.name}.lock").touch()
    assert convert_detect(spec).pages == pages
    assert [page.read_bytes() for page in sorted(pages[0].parent.glob("*.png"))] == before
    times = [page.stat().st_mtime_ns for page in pages]
    assert convert_detect(spec).pages == pages
    assert [page.stat().st_mtime_ns for page in pages] == times
    (raw / "classes.csv").write_text(
        "folder,name\n" + "".join(f"{person.name},아무개\n" for person in (raw / "normal_cases/test").iterdir())
    )
    convert_detect(spec)
    assert [page.read_bytes() for page in pages] != before, "people are called otherwise now"


def test_a_group_photo_without_drawn_boxes_is_left_out_and_reported(crowd: Path, tmp_path: Path) -> None:
    raw = make_koin(tmp_path / "KoIn")
    stage = raw / "group_cases/test" / PEOPLE[0]
    stage.mkdir(parents=True)
    Image.open(next((crowd / "group_cases/test" / PEOPLE[0]).iterdir())).save(stage / "1.png")
    Image.effect_noise((92, 112), 40).save(raw / "normal_cases/test" / PEOPLE[0] / "noise.png")
    (raw / "normal_cases/test" / PEOPLE[0] / "broken.png").write_bytes(b"no photo")
    with working_in(tmp_path):
        left_out = convert_detect(ConvertDetectSpec(data=str(raw), review=0)).converted.left_out
    assert left_out == {
        f"group_cases/test/{PEOPLE[0]}/1.png": "not known who is who",
        f"normal_cases/test/{PEOPLE[0]}/noise.png": "no face found",
        f"normal_cases/test/{PEOPLE[0]}/broken.png": "not an image",
    }


def test_corrected_boxes_win_over_found_ones(crowd: Path, tmp_path: Path) -> None:
    image = f"normal_cases/test/{PEOPLE[0]}/6.png"
    corrected = tmp_path / "mine.csv"
    corrected.write_text(f"image,label,x,y,width,height\n{image},{PEOPLE[0]},11,12,50,60\nnormal_cases/test/nobody/1.png,x,1,2,3,4\n")
    with working_in(tmp_path):
        result = convert_detect(ConvertDetectSpec(data=str(crowd), boxes=corrected, review=0))
        table = read_boxes_table(result.converted.root)
    (row,) = table[table["image"] == image].to_dict("records")
    assert [row[name] for name in ("x", "y", "width", "height", "provenance")] == [11, 12, 50, 60, "drawn"]
    assert len(result.problems) == 1
    assert "mine.csv" in result.problems[0].where


# ------------------------------------------------------------------------------------------------------------- detector
def test_training_writes_what_stock_ultralytics_loads(place: Path, detector: TrainResult) -> None:
    assert detector.metric == "map50"
    curve = pd.read_csv(place / detector.run / "results.csv")
    assert list(curve.columns) == ["epoch", "time", "train_loss", "val_loss", "val_map50", "lr"]
    assert curve["val_map50"].max() == pytest.approx(detector.val)
    assert curve["train_loss"].iloc[-1] < curve["train_loss"].iloc[0]
    checkpoint = load_checkpoint(place / detector.weights, "detect")
    assert checkpoint["yolo_koin"] == {"fit": "pad", "train_on": "normal", "side": 640, "model": "yolov8n"}
    assert set(checkpoint["model"].names.values()) == set(PEOPLE)


def test_stock_detect_val_agrees(place: Path, detector: TrainResult, scored: EvaluateResult) -> None:
    """``yolo detect val`` on the converted dataset, in a process without this package, split by split."""
    files = {"normal_cases/test": "data.yaml", "hard_cases/test": "data-hard.yaml", "group_cases/test": "data-group.yaml"}
    code = f"""
import json, sys
sys.modules["yolo_koin"] = None
from pathlib import Path
from ultralytics import YOLO
model, root = YOLO({str(place / detector.weights)!r}), Path({str((place / detector.data).resolve())!r})
found = {{split: float(model.val(data=str(root / name), split="test", imgsz=64, plots=False, verbose=False).box.map50)
         for split, name in {files!r}.items()}}
print(json.dumps(found))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=place)
    stock = json.loads(done.stdout.strip().splitlines()[-1])
    ours = {split: value(scored, split, "map50") for split in files}
    assert ours == pytest.approx(stock, abs=0.01)
    assert max(ours.values()) > 0.5  # a detector that had learnt nothing would agree too


def test_every_number_comes_from_the_two_tables_of_the_run(place: Path, scored: EvaluateResult) -> None:
    frame = face_predictions.read(place / scored.run / "predictions.csv")
    again = score_faces(frame, read_truth(place / scored.run / "truth.csv"), scored.run.name, way="detector")
    written = scores.read(place / scored.run / "metrics.csv")
    pd.testing.assert_frame_equal(again.drop(columns="run"), written.drop(columns="run"), check_exact=False, rtol=1e-5)
    assert scored.agreement == {"hard_cases/test": "CenterFace", "normal_cases/test": "CenterFace"}


def test_the_detector_names_faces_in_any_photo(place: Path, detector: TrainResult, crowd: Path) -> None:
    with working_in(place):
        result = predict(PredictSpec(source="group_cases/test", weights=detector.weights))
    assert (result.way, result.photos) == ("detector", 4)
    frame = face_predictions.read(place / result.run / "predictions.csv")
    assert (frame.loc[frame["error"] == "", "face_score"] >= 0.25).all()


def test_a_detector_resumes(place: Path, crowd: Path) -> None:
    def stop(step: Step) -> None:
        if step.what == "epoch":
            raise KeyboardInterrupt

    spec = TrainSpec(task="detect", data=str(crowd), weights="scratch", epochs=2, imgsz=64, batch=8, device="cpu", name="stopped")
    from yolo_koin import resume

    with working_in(place):
        with pytest.raises(KeyboardInterrupt):
            train(spec, stop)
        result = resume("stopped")
    assert result.epochs == 2
    assert pd.read_csv(place / result.run / "results.csv")["epoch"].tolist() == [1, 2]


# ------------------------------------------------------------------------------------------------------------ two stages
def test_faces_are_found_named_and_scored(place: Path, classifier: TrainResult) -> None:
    with working_in(place):
        result = evaluate(EvaluateSpec(faces=True, weights=classifier.weights, device="cpu"))
    assert value(result, "group_cases/test", "faces_found") == 1.0
    assert value(result, "group_cases/test", "person_top1") >= 0.75
    assert value(result, "group_cases/test", "names_recall") >= 0.5
    assert value(result, "normal_cases/test", "person_top1") >= 0.75
    assert not result.agreement  # no box of a detector is taken for true


def test_predict_faces_writes_a_row_and_a_box_for_each_face(place: Path, classifier: TrainResult) -> None:
    with working_in(place):
        result = predict(PredictSpec(source="group_cases/test", weights=classifier.weights, faces=True))
    frame = face_predictions.read(place / result.run / "predictions.csv")
    assert frame.groupby("image").size().tolist() == [2, 2, 2, 2]
    assert np.allclose(frame[["width", "height"]].mean(), FACE[2:], rtol=0.25)
    annotated = sorted((place / result.run / "annotated").rglob("*.jpg"))
    assert len(annotated) == 4
    assert (place / result.run / "contact_sheet.png").is_file()


def test_the_crop_is_the_same_in_use_as_in_training(place: Path, classifier: TrainResult) -> None:
    """``--faces`` and a whole-photo prediction of a model trained on faces show the network the same pixels."""
    with working_in(place):
        whole = predict(PredictSpec(source="normal_cases/test", weights=classifier.weights))
        faces = predict(PredictSpec(source="normal_cases/test", weights=classifier.weights, faces=True))
    one = pd.read_csv(place / whole.run / "predictions.csv", dtype={"true_label": str, "pred_1": str})
    other = pd.read_csv(place / faces.run / "predictions.csv", dtype={"true_label": str, "pred_1": str})
    assert other["score_1"].tolist() == pytest.approx(one["score_1"].tolist(), abs=1e-5)


def test_a_photo_without_a_face_is_a_row_and_a_picture(place: Path, classifier: TrainResult, tmp_path: Path) -> None:
    Image.effect_noise((92, 112), 40).save(tmp_path / "noise.png")
    (tmp_path / "broken.jpg").write_bytes(b"no photo")
    with working_in(place):
        result = predict(PredictSpec(source=str(tmp_path), weights=classifier.weights, faces=True))
    frame = face_predictions.read(place / result.run / "predictions.csv").set_index("image")
    assert frame["error"].to_dict() == {"broken.jpg": "not an image", "noise.png": "no face found"}
    assert (result.photos, result.unreadable) == (2, 1)
    assert (place / result.run / "annotated" / "noise.jpg").is_file()


def test_the_report_shows_boxes_and_the_ways_side_by_side(place: Path, classifier: TrainResult, scored: EvaluateResult) -> None:
    with working_in(place):
        named = evaluate(EvaluateSpec(faces=True, weights=classifier.weights, device="cpu", name="named"))
        whole = evaluate(EvaluateSpec(weights=classifier.weights, device="cpu", name="whole"))
        result = report(ReportSpec(runs=(str(whole.run), str(named.run), str(scored.run)), out=Path("shown")))
        names = {path.name for path in result.files}
        text = Path("shown/report.md").read_text(encoding="utf-8")
    assert {"detection_performance.png", "hardcases_results_YOLO.png", "group_results_YOLO.png"} <= names
    assert "each face found" in text
    assert "agreement with CenterFace" in text


# ------------------------------------------------------------------------------------------------------------ bad input
def test_boxes_that_cannot_be_used_are_told(place: Path, classifier: TrainResult, tmp_path: Path) -> None:
    image = f"group_cases/test/{PEOPLE[0]}/1.png"
    mine = tmp_path / "mine.csv"
    mine.write_text(
        f"image,label,x,y,width,height\n{image},{PEOPLE[0]},-5,41,88,91\n{image},{PEOPLE[1]},9000,9000,50,60\nnobody.png,x,1,2,3,4\n"
    )
    with working_in(place):
        result = evaluate(EvaluateSpec(faces=True, weights=classifier.weights, boxes=mine, device="cpu"))
    told = read_truth(place / result.run / "truth.csv")
    own = told[told["image"] == image]
    assert own[["x", "y", "width", "height"]].to_numpy().tolist() == [[0, 41, 83, 91]]
    assert sum("outside the photo" in note for note in result.notes) == 1
    assert sum("mine.csv" in note for note in result.notes) == 1


def test_a_converted_dataset_means_the_raw_one(place: Path, classifier: TrainResult, crowd: Path) -> None:
    with working_in(place):
        assert open_dataset(str(classifier.data), Workspace()).root == scan(crowd).root.resolve()


def test_a_classifier_of_whole_photos_is_told_of(place: Path, crowd: Path, tmp_path: Path) -> None:
    with working_in(place):
        whole = train(TrainSpec(data=str(crowd), weights="scratch", epochs=1, imgsz=64, batch=8, device="cpu", name="whole-photos"))
        result = predict(PredictSpec(source="group_cases/test", weights=whole.weights, faces=True))
    assert any("--fit face" in note for note in result.notes)


@pytest.mark.parametrize(("kind", "task"), [("yolov8n-seg.yaml", ""), ("yolov8n.yaml", "detect"), ("yolov8n-pose.yaml", "pose")])
def test_models_are_told_apart_by_what_they_give(kind: str, task: str) -> None:
    """To Python, a model that segments is a detection model; its outputs are others."""
    from ultralytics import YOLO

    assert task_of({"model": YOLO(kind).model}) == task


def test_the_task_is_that_of_the_weights_and_another_is_refused_in_one_line(
    place: Path, crowd: Path, detector: TrainResult, classifier: TrainResult
) -> None:
    with working_in(place):
        with pytest.raises(WeightsError, match="Drop task=detect"):
            evaluate(EvaluateSpec(task="detect", weights=classifier.weights))
        with pytest.raises(WeightsError, match="Drop task=classify"):
            evaluate(EvaluateSpec(task="classify", weights=detector.weights))
        assert "map50" in set(evaluate(EvaluateSpec(weights=detector.run.name, name="by-name")).metrics["metric"])
        with pytest.raises(WeightsError, match="by themselves"):
            predict(PredictSpec(source="group_cases/test", weights=detector.weights, faces=True))
        with pytest.raises(DatasetError, match="no such file"):
            convert_detect(ConvertDetectSpec(data=str(crowd), boxes=Path("missing.csv")))
