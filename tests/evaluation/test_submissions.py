from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from tests.conftest import PEOPLE
from yolo_koin.dataset.koin import Dataset, Sample, about, scan
from yolo_koin.errors import KoinError
from yolo_koin.evaluation import predictions, scores, submissions

A, B, C, D = PEOPLE  # 김민준, 이서연, 0003, s04; each has the photos 6 and 7 on normal, 8 and 9 on hard test
FIRST = f"normal_cases/test/{A}/6.png"


@pytest.fixture
def dataset(koin: Path) -> Dataset:
    return scan(koin)


def softmax(samples: Sequence[Sample]) -> NDArray[np.float32]:
    """What a model says of them that is mostly right."""
    p = np.random.default_rng(0).dirichlet(np.ones(4), len(samples)) + 2 * np.eye(4)[[PEOPLE.index(s.label) for s in samples]]
    p[::5] = p[::5, ::-1]
    return np.asarray(p / p.sum(axis=1, keepdims=True), dtype=np.float32)


@pytest.fixture
def samples(dataset: Dataset) -> list[Sample]:
    """All test photos, in the order of ``evaluate``."""
    return sorted(dataset.tests, key=lambda s: (str(s.split), s.image))


@pytest.fixture
def frame(samples: list[Sample]) -> pd.DataFrame:
    """What a model says of them, as ``evaluate`` writes it."""
    return predictions.rows(*about(samples), softmax(samples), PEOPLE)


@pytest.fixture
def by_class(samples: list[Sample]) -> pd.DataFrame:
    """The same as another program writes it."""
    return pd.DataFrame({"image": [s.image for s in samples], **dict(zip(PEOPLE, softmax(samples).astype(np.float64).T, strict=True))})


def best(frame: pd.DataFrame) -> pd.DataFrame:
    return frame[["image", "pred_1", "score_1"]].set_axis(["image", "pred", "score"], axis=1)


def saved(table: pd.DataFrame, path: Path) -> Path:
    table.to_csv(path, index=False)
    return path


# ------------------------------------------------------------------------------------------------------- the three forms
def test_full_predictions_come_out_as_they_were_whatever_their_order(
    frame: pd.DataFrame, by_class: pd.DataFrame, dataset: Dataset, tmp_path: Path
) -> None:
    for table in (frame, by_class):
        found = submissions.read(saved(table.sample(frac=1, random_state=1), tmp_path / "p.csv"), dataset)
        pd.testing.assert_frame_equal(found.frame, frame, check_exact=True)
        assert (found.classes, found.missing, found.absent, found.excluded, found.unknown) == (4, {}, (), 0, ())


@pytest.mark.parametrize(
    ("columns", "lacking"),
    [
        pytest.param(["image", "pred", "score"], {"top3", "nll", "brier", "unknown_class"}, id="with scores"),
        pytest.param(["image", "pred"], {"top3", "nll", "brier", "unknown_class", "ece", "aurc", "top1_at_80"}, id="without"),
    ],
)
def test_what_the_best_class_alone_does_not_give_is_left_out(
    frame: pd.DataFrame, dataset: Dataset, tmp_path: Path, columns: list[str], lacking: set[str]
) -> None:
    found = submissions.read(saved(best(frame)[columns], tmp_path / "p.csv"), dataset)
    full, poor = (scores.score(one, "r", 4, resamples=99).set_index(["split", "metric"]) for one in (frame, found.frame))
    assert set(full.index.get_level_values(1)) - set(poor.index.get_level_values(1)) == lacking
    pd.testing.assert_frame_equal(poor, full.loc[poor.index], check_exact=True)
    predictions.write(tmp_path / "again.csv", found.frame)
    pd.testing.assert_frame_equal(predictions.read(tmp_path / "again.csv"), found.frame, check_exact=True)


SPELLED = [
    pytest.param(
        lambda text: text.replace(",", ";").replace(".", ",").replace(",png", ".png"), "utf-16", id="Excel with commas in numbers"
    ),
    pytest.param(lambda text: text.replace(",0003,", ",3.0,"), "utf-8", id="a label that pandas took for a number"),
    pytest.param(lambda text: text, "cp949", id="a Korean Windows"),
    pytest.param(lambda text: unicodedata.normalize("NFD", text), "utf-8", id="a Mac"),
    pytest.param(lambda text: text.replace("normal_cases/", "C:\\data\\KoIn\\normal_cases\\"), "utf-8-sig", id="paths of another computer"),
    pytest.param(lambda text: text.replace(".png", ".jpg"), "utf-8", id="photos that were saved anew"),
    pytest.param(lambda text: text.replace(",s04,", ",Paul,"), "utf-8", id="display names"),
]


@pytest.mark.parametrize(("spelled", "encoding"), SPELLED)
def test_ids_labels_and_numbers_are_read_as_people_and_their_tools_write_them(
    frame: pd.DataFrame, dataset: Dataset, tmp_path: Path, spelled: Callable[[str], str], encoding: str
) -> None:
    named = replace(dataset, names={**dataset.names, "s04": "Paul"})
    plain = submissions.read(saved(best(frame), tmp_path / "plain.csv"), named).frame
    (tmp_path / "p.csv").write_bytes(spelled((tmp_path / "plain.csv").read_text("utf-8")).encode(encoding))
    pd.testing.assert_frame_equal(submissions.read(tmp_path / "p.csv", named).frame, plain)


def test_paths_of_a_prepared_dataset_mean_its_photos(frame: pd.DataFrame, dataset: Dataset, tmp_path: Path) -> None:
    """Whoever ran torchvision on ``data/koin-cls`` knows no other ids; there the normal test photos are in ``test/``."""
    prepared = {s.image.removeprefix("normal_cases/").replace(".png", ".jpg"): s.image for s in dataset.tests}
    back = {image: name for name, image in prepared.items()}
    table = best(frame).assign(image=["/home/me/data/koin-cls/" + back[image] for image in frame["image"]])
    found = submissions.read(saved(table, tmp_path / "p.csv"), dataset, prepared)
    assert found.frame["image"].tolist() == frame["image"].tolist()


# ------------------------------------------------------------------------------------------------------ what is not there
def test_missing_photos_count_as_wrong_and_splits_without_any_are_not_scored(frame: pd.DataFrame, dataset: Dataset, tmp_path: Path) -> None:
    hard = frame[frame["split"] == "hard_cases/test"].iloc[2:]
    found = submissions.read(saved(best(hard), tmp_path / "p.csv"), dataset)
    assert (found.missing, found.absent) == ({"hard_cases/test": 2}, ("normal_cases/test",))
    table = scores.score(found.frame, "r", 4, resamples=0).set_index("metric")
    assert table.loc["errors", "value"] == 2
    assert table.loc["top1", "value"] == (hard["true_rank"] == 1).sum() / 8
    assert found.frame["error"].value_counts().to_dict() == {"": 6, "not in p.csv": 2}


def test_a_class_without_a_column_counts_as_wrong_and_is_told(by_class: pd.DataFrame, dataset: Dataset, tmp_path: Path) -> None:
    table = by_class.drop(columns=D)
    table[[A, B, C]] = table[[A, B, C]].div(table[[A, B, C]].sum(axis=1), axis=0)
    found = submissions.read(saved(table, tmp_path / "p.csv"), dataset)
    assert (found.unknown, found.classes) == ((D,), 3)


def test_a_model_of_fewer_people_is_told_by_its_own_file(samples: list[Sample], dataset: Dataset, tmp_path: Path) -> None:
    """It has no fourth name to give; among the four people of the dataset its top-3 would be worth something."""
    said = softmax(samples)[:, :3]
    told = predictions.rows(*about(samples), said / said.sum(axis=1, keepdims=True), PEOPLE[:3])
    found = submissions.read(saved(told, tmp_path / "p.csv"), dataset)
    assert (found.classes, found.unknown) == (3, (D,))


def test_columns_that_mean_nothing_are_told(frame: pd.DataFrame, dataset: Dataset, tmp_path: Path) -> None:
    """Of a confidence by another name nobody would miss the calibration error."""
    table = best(frame).rename(columns={"score": "confidence"})
    assert submissions.read(saved(table, tmp_path / "p.csv"), dataset).unused == ("confidence",)
    assert submissions.read(saved(best(frame), tmp_path / "p.csv"), dataset).unused == ()


def test_who_was_taken_out_is_not_scored_and_may_still_be_named(
    frame: pd.DataFrame, by_class: pd.DataFrame, dataset: Dataset, tmp_path: Path
) -> None:
    kept = tuple(s for s in dataset.samples if s.label != D)
    names = {label: name for label, name in dataset.names.items() if label != D}
    without = replace(dataset, samples=kept, names=names, excluded=tuple(s.image for s in dataset.samples if s.label == D))
    for table in (frame, by_class):
        found = submissions.read(saved(table, tmp_path / "p.csv"), without)
        assert found.excluded == 4
        pd.testing.assert_frame_equal(found.frame, frame[frame["true_label"] != D].reset_index(drop=True), check_exact=True)


# -------------------------------------------------------------------------------------------------------------- mistakes
BEST, CLASSES = "image,pred,score\n", f"image,{','.join(PEOPLE)}\n"
MISTAKES = [
    pytest.param(f"{BEST}nobody.png,{A},0.5\n", "unknown photo nobody.png: {path}, row 2. Write image ids", id="an unknown photo"),
    pytest.param(f"{BEST}{A}/6.png,{B},0.5\n{A}/nine.png,{A},0.5\n", "unknown photo .*nine.png: {path}, row 3", id="the second row"),
    pytest.param(f"{BEST}normal_cases/train/{A}/1.png,{A},1\n", "1.png is no test photo: {path}, row 2", id="a training photo"),
    pytest.param(f"{BEST}6.png,{A},0.5\n", "4 photos are called 6.png: {path}, row 2", id="an id of several photos"),
    pytest.param(f"{BEST}{FIRST},{A},0.5\n\n{FIRST},{B},0.5\n", "is there twice, in row 2 too: {path}, row 4", id="a duplicate"),
    pytest.param(f"{BEST}{FIRST},s05,0.5\n", "unknown label 's05': {path}, row 2", id="an unknown label"),
    pytest.param(f"{BEST}{FIRST},{A}군,0.5\n", f"unknown label '{A}군': {{path}}, row 2. Did you mean {A}", id="a mistyped label"),
    pytest.param(f"{BEST}{FIRST},,0.5\n", "no label: {path}, row 2", id="no label"),
    pytest.param(f"{BEST}{FIRST},{A},nan\n", "score is 'nan', which is no probability: {path}, row 2", id="NaN"),
    pytest.param(f"{BEST}{FIRST},{A},\n", "score is '', which is no probability: {path}, row 2", id="a score that is missing"),
    pytest.param(f"{BEST}{FIRST},{A},97\n", "score is '97', which is no probability", id="percent"),
    pytest.param(f"{BEST}{FIRST},{A}\n", "2 cells, not 3: {path}, row 2", id="a row that is cut short"),
    pytest.param(f"{CLASSES}{FIRST},0.5,0.5,0.5,0.5\n", "probabilities sum to 2, not to 1: {path}, row 2", id="sigmoids"),
    pytest.param(f"{CLASSES}{FIRST},0.5,0.5,,0\n", "0003 is '', which is no probability: {path}, row 2", id="an empty probability"),
    pytest.param(f"{CLASSES}{FIRST},9.5,-3,0,1\n", f"{A} is '9.5', which is no probability", id="logits"),
    pytest.param(f"image,{A},label\n{FIRST},1,{A}\n", "unknown label 'label': {path}, row 1", id="a column that is no class"),
    pytest.param(f"image,{A},3,0003\n{FIRST},1,0,0\n", "two columns mean 0003: {path}, row 1", id="a class twice"),
    pytest.param(f"image,pred,pred\n{FIRST},{A},{A}\n", "the column 'pred' is there twice: {path}", id="a column twice"),
    pytest.param(f"image,pred,true_label\n{FIRST},{A},{B}\n", f"true_label is '{B}', but that of the photo is {A}", id="another truth"),
    pytest.param(f"image,pred,split\n{FIRST},{A},normal_cases/test@dark\n", "split is 'normal_cases/test@dark'", id="a variant"),
    pytest.param(BEST, "no photo in it: {path}", id="no rows"),
    pytest.param("", "no table of predictions: {path}. Its columns are image,pred", id="an empty file"),
    pytest.param("a,b\n1,2\n", "no table of predictions: {path}. Its columns are image,pred", id="other columns"),
    pytest.param('image,pred\n"a,b\n', "not a row of a table", id="a quote that never closes"),
    pytest.param("image,pred_1\na,b\n", "no column split, true_label", id="half of our own form"),
]


@pytest.mark.parametrize(("content", "says"), MISTAKES)
def test_a_mistake_is_one_line_with_its_row(dataset: Dataset, tmp_path: Path, content: str, says: str) -> None:
    path = tmp_path / "p.csv"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(KoinError, match=says.format(path=path)) as raised:
        submissions.read(path, dataset)
    assert "\n" not in str(raised.value)
    assert raised.value.remedy


def test_a_file_that_is_not_there(dataset: Dataset, tmp_path: Path) -> None:
    for path in (tmp_path / "none.csv", tmp_path):
        with pytest.raises(KoinError, match="cannot read"):
            submissions.read(path, dataset)
