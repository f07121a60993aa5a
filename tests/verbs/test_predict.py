from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from tests.conftest import PEOPLE, att, make_koin
from yolo_koin import EvaluateSpec, PredictSpec, evaluate, predict, scan, showing
from yolo_koin.errors import DatasetError
from yolo_koin.evaluation import predictions
from yolo_koin.runs import PredictRun
from yolo_koin.splits import HARD
from yolo_koin.verbs import drawing
from yolo_koin.verbs.sources import find_photos
from yolo_koin.verbs.train import TrainResult

pytestmark = pytest.mark.slow


def test_a_split_is_annotated_in_its_own_folders(at_home: Path, koin: Path, trained: TrainResult) -> None:
    result = predict(PredictSpec(source="hard_cases/test", weights=trained.weights))
    assert (result.photos, result.unreadable, result.labelled) == (8, 0, 8)
    annotated = sorted(p.relative_to(result.run / "annotated").as_posix() for p in (result.run / "annotated").rglob("*.jpg"))
    assert annotated == sorted(s.image.replace(".png", ".jpg") for s in scan(koin).of(HARD))
    with Image.open(result.run / "annotated" / annotated[0]) as picture:
        assert picture.height > picture.width * 112 / 92  # the photo and a caption beneath it
    with Image.open(result.run / "contact_sheet.png") as sheet:
        sheet.load()


def test_json_has_fields_and_no_sentences(at_home: Path, trained: TrainResult, capsys: pytest.CaptureFixture[str]) -> None:
    result = predict(PredictSpec(source="hard_cases/test", weights=trained.weights))
    showing.predict(result, as_json=True)
    told = json.loads(capsys.readouterr().out)
    frame = predictions.read(result.run / "predictions.csv")
    assert [(one["split"], one["image"], one["error"]) for one in told["named"]] == [
        ("hard_cases/test", image, "") for image in frame["image"]
    ]
    assert [one["names"] for one in told["named"]] == [
        [{"label": label, "name": label, "score": pytest.approx(score)}]
        for label, score in zip(frame["pred_1"], frame["score_1"], strict=True)
    ]
    run = PredictRun.read(result.run)
    assert run is not None
    assert (run.spec.engine, run.engine) == ("auto", "torch" if shutil.which("nvidia-smi") else "onnx")


def test_predict_and_evaluate_see_the_same_pixels(at_home: Path, trained: TrainResult) -> None:
    shown = predictions.read(predict(PredictSpec(source="hard_cases/test", weights=trained.weights)).run / "predictions.csv").set_index(
        "image"
    )
    frame = predictions.read(evaluate(EvaluateSpec(weights=trained.weights)).run / "predictions.csv").set_index("image")
    frame = frame[frame["split"] == "hard_cases/test"].loc[shown.index]
    assert shown["pred_1"].equals(frame["pred_1"])
    pd.testing.assert_series_equal(shown["score_1"], frame["score_1"], rtol=1e-4)


def test_any_folder_of_photos_without_labels(at_home: Path, tmp_path: Path, trained: TrainResult) -> None:
    (tmp_path / "여행 사진" / "day 1").mkdir(parents=True)
    att(1, 9).save(tmp_path / "여행 사진" / "day 1" / "a.JPG", "JPEG")
    (tmp_path / "여행 사진" / "broken.png").write_bytes(b"no photo")
    before = {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()}
    result = predict(PredictSpec(source=str(tmp_path / "여행 사진"), weights=trained.weights))
    frame = predictions.read(result.run / "predictions.csv").set_index("image")
    assert (result.photos, result.unreadable, result.labelled) == (2, 1, 0)
    assert frame.loc["broken.png", "error"] == "not an image"
    assert frame.loc["day 1/a.JPG", "pred_1"] in PEOPLE
    assert (result.run / "annotated" / "day 1" / "a.jpg").is_file()
    assert before == {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()}


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")  # as the package has it
@pytest.mark.parametrize("faces", [False, True], ids=["whole", "faces"])
def test_a_photo_too_large_to_be_decoded_in_full_is_drawn_reduced(at_home: Path, tmp_path: Path, trained: TrainResult, faces: bool) -> None:
    """It is named by a reduced picture, and stopped the drawing of all."""
    for name, width in (("large.jpg", 9600), ("half.jpg", 4800)):
        att(1, 9).resize((width, width * 9 // 8)).save(tmp_path / name, quality=50)
    result = predict(PredictSpec(source=str(tmp_path), weights=trained.weights, faces=faces))
    assert (result.photos, result.unreadable) == (2, 0)
    drawn = []
    for name in ("large.jpg", "half.jpg"):
        with Image.open(result.run / "annotated" / name) as picture:
            assert 4800 <= picture.width < 5000
            drawn.append(np.asarray(picture.convert("L").resize((480, 540)), dtype=int))
    assert (np.abs(drawn[0] - drawn[1]) > 40).mean() < 0.02, "a box in the wrong place would be more"


def test_photos_that_differ_by_their_ending_keep_a_copy_each(at_home: Path, tmp_path: Path, trained: TrainResult) -> None:
    for name in ("a.jpg", "a.png"):
        att(1, 9).save(tmp_path / name)
    result = predict(PredictSpec(source=str(tmp_path), weights=trained.weights))
    assert sorted(path.name for path in (result.run / "annotated").iterdir()) == ["a.jpg.jpg", "a.png.jpg"]


def test_a_photo_that_two_globs_match_is_one(koin: Path) -> None:
    assert len(find_photos(str(koin / "**" / "**" / "6.png"), None)) == len(PEOPLE)


@pytest.mark.parametrize(
    ("source", "count"),
    [
        pytest.param("hard_cases/test", 8, id="a split"),
        pytest.param("HARD_CASES/test/", 8, id="in any letter case"),
        pytest.param(f"hard_cases/test/{PEOPLE[0]}", 2, id="a class"),
        pytest.param(f"normal_cases/test/{PEOPLE[0]}/6.png", 1, id="a photo"),
        pytest.param("normal_cases", 28, id="a case"),
    ],
)
def test_a_source_is_looked_up_in_the_dataset_first(koin: Path, source: str, count: int) -> None:
    found = find_photos(source, scan(koin))
    assert len(found) == count
    assert all(s.label in PEOPLE for s in found)


def test_paths_into_the_dataset_keep_their_labels(koin: Path) -> None:
    dataset = scan(koin)
    by_folder = find_photos(str(koin / "hard_cases" / "test"), dataset)
    by_glob = find_photos(str(koin / "hard_cases" / "test" / "*" / "*.png"), dataset)
    assert by_folder == by_glob == list(dataset.of(HARD))


@pytest.mark.parametrize("source", ["nowhere", "*.nothing"], ids=["a path that is not there", "a glob that matches nothing"])
def test_nothing_found_is_said(koin: Path, source: str) -> None:
    with pytest.raises(DatasetError, match="no photo found"):
        find_photos(source, scan(koin))


def test_each_split_is_counted_by_itself(at_home: Path, trained: TrainResult) -> None:
    """What was learnt and what was not do not add up to anything."""
    both = predict(PredictSpec(source="normal_cases", weights=trained.weights))
    counts = {one.split: (one.photos, one.labelled, one.learnt) for one in both.splits}
    assert counts == {"normal_cases/train": (20, 20, True), "normal_cases/test": (8, 8, False)}
    assert (both.photos, both.labelled, both.right) == (28, None, None)
    alone = predict(PredictSpec(source="normal_cases/test", weights=trained.weights))
    (test,) = alone.splits
    assert (alone.labelled, alone.right) == (test.labelled, test.right)
    assert test == next(one for one in both.splits if one.split == "normal_cases/test")
    unlearnt = predict(PredictSpec(source="hard_cases/train", weights=trained.weights))
    assert [one.learnt for one in unlearnt.splits] == [False], "a training split that this model did not learn from"


def test_the_screen_has_a_line_for_each_split(at_home: Path, trained: TrainResult, capsys: pytest.CaptureFixture[str]) -> None:
    showing.predict(predict(PredictSpec(source="normal_cases", weights=trained.weights)), False)
    head, train, test, *_ = capsys.readouterr().out.splitlines()
    assert head.split() == ["split", "photos", "unreadable", "right"]
    assert train.split()[:3] == ["normal_cases/train", "20", "0"]
    assert train.endswith("of 20  learnt from")
    assert test.split()[:3] == ["normal_cases/test", "8", "0"]
    assert test.rstrip().endswith("of 8")


def test_another_dataset_was_not_learnt_from(at_home: Path, tmp_path: Path, trained: TrainResult) -> None:
    other = make_koin(tmp_path / "other", PEOPLE[:2])
    result = predict(PredictSpec(source="normal_cases/train", data=str(other), weights=trained.weights))
    assert [one.learnt for one in result.splits] == [False]


def test_a_name_that_no_font_has_is_told_once_and_drawn_as_the_folder(at_home: Path, tmp_path: Path, trained: TrainResult) -> None:
    other = make_koin(tmp_path / "other", PEOPLE[:2])
    (other / "classes.csv").write_text(f"folder,name\n{PEOPLE[0]},刘德华\n", encoding="utf-8")
    result = predict(PredictSpec(source="normal_cases/test", data=str(other), weights=trained.weights))
    assert [note for note in result.notes if "font" in note] == ["no font here has every letter of 刘德华: drawn as the name of the folder"]
    assert all((said.label == PEOPLE[0]) == (said.name == "刘德华") for one in result.named for said in one.names)


def test_the_contact_sheet_names_each_split_of_several() -> None:
    columns = {"split": ["a/train", "a/test"], "image": ["1", "2"], "true_label": ["x", "x"], "true_rank": [1, 2], "error": ["", ""]}
    said: list[str] = []

    def sheet(tiles: object, title: str, total: int, remark: str) -> None:
        said.append(remark)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(drawing, "contact_sheet", sheet)
        drawing.sheet_of([], pd.DataFrame(columns), "m", "a", learnt={"a/train"})
    assert said == ["top-1 100.0 % of 1 photo of a/train (learnt from), 0.0 % of 1 photo of a/test"]
