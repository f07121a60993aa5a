"""``predict --explain`` on a real model: the same answers, a map beside each photo, and shares that are what the boxes say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from tests.conftest import working_in
from yolo_koin import PredictSpec, predict
from yolo_koin.errors import UsageError, WeightsError
from yolo_koin.evaluation.attention import COLUMNS, SUMMARY
from yolo_koin.verbs import explain
from yolo_koin.verbs.predict import PredictResult
from yolo_koin.verbs.train import TrainResult

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("screen_only")]
SOURCES = ("normal_cases/test", "hard_cases/test")


@pytest.fixture(scope="module")
def explained(home: Path, trained: TrainResult) -> PredictResult:
    with working_in(home):
        return predict(PredictSpec(weights=trained.weights, source=SOURCES, explain=True, name="explained"))


def test_the_answers_are_those_without_it(at_home: Path, trained: TrainResult, explained: PredictResult) -> None:
    plain = predict(PredictSpec(weights=trained.weights, source=SOURCES, engine="torch", name="plain"))
    assert (plain.run / "predictions.csv").read_bytes() == (explained.run / "predictions.csv").read_bytes()
    assert not (plain.run / "explained.csv").exists()
    one = next((plain.run / "annotated").rglob("*.jpg"))
    with Image.open(one) as without, Image.open(explained.run / one.relative_to(plain.run)) as beside:
        assert beside.width > 1.9 * without.width, "the map stands beside the photo"


def test_each_photo_has_its_share(at_home: Path, explained: PredictResult) -> None:
    photos = pd.read_csv(explained.run / "explained.csv")
    frame = pd.read_csv(explained.run / "predictions.csv", dtype={"true_label": str, "pred_1": str})
    assert tuple(photos.columns) == COLUMNS
    assert (photos["image"] == frame["image"]).all()
    assert ((photos["named"] == "right") == (frame["true_label"] == frame["pred_1"])).all()
    known = photos.dropna()
    assert len(known) > 10
    assert known["in_face"].between(0, 1).all()
    assert known["face_area"].between(0.05, 0.9).all()
    assert explained.explanation is not None
    means = known.groupby(["split", "named"])["in_face"].mean()
    for row in explained.explanation.table.to_dict("records"):
        assert row["in_face"] == pytest.approx(means[row["split"], row["named"]], abs=1e-5)
    assert len(explained.explanation.findings) == len(explained.explanation.table)
    assert {path.name for path in explained.explanation.files} == {"explained.csv", "where_it_looks.csv", "where_it_looks.png"}


def test_photos_of_nobody_known_have_maps_and_no_means(at_home: Path, trained: TrainResult, tmp_path: Path) -> None:
    Image.new("RGB", (300, 200), (90, 120, 60)).save(tmp_path / "meadow.png")
    (tmp_path / "broken.png").write_text("text")
    result = predict(PredictSpec(weights=trained.weights, source=str(tmp_path), explain=True, name="nobody"))
    photos = pd.read_csv(result.run / "explained.csv")
    assert photos[["image", "named"]].to_numpy().tolist() == [["meadow.png", "unknown"]]
    assert photos[["in_face", "face_area"]].isna().all(axis=None)
    assert result.explanation is not None
    assert result.explanation.findings == ()
    with Image.open(result.run / "annotated/meadow.jpg") as drawn:
        heat = np.asarray(drawn.convert("RGB"), dtype=int)[:200]
    assert np.ptp(heat[:, 320:].mean(axis=2)) > 20 > np.ptp(heat[:190, 5:290].mean(axis=2)), "a meadow, and beside it a map over the meadow"


def test_what_has_no_map_is_told_in_one_line(at_home: Path, trained: TrainResult, monkeypatch: pytest.MonkeyPatch) -> None:
    from yolo_koin.models.yolo import YoloClassifier

    monkeypatch.setattr(YoloClassifier, "places", lambda self, photos: self._shown(photos).flatten(1))  # as a transformer's, without places
    with pytest.raises(WeightsError, match=r"YOLOv8n-cls has no map of where it looks.*Drop --explain"):
        predict(PredictSpec(weights=trained.weights, source=SOURCES, explain=True, name="none"))
    assert not (at_home / "runs/predict/none").exists()


@pytest.mark.parametrize("other", [{"faces": True}, {"engine": "onnx"}])
def test_it_is_of_whole_photos_by_torch(other: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="whole photos"):
        PredictSpec(source="x", explain=True, **other)


def test_a_finding_says_more_only_where_the_interval_does() -> None:
    columns = list(SUMMARY)
    rows = [
        ("normal_cases/test", "right", 40, 0.6, 0.55, 0.65, 0.5, 0.1, low, high) for low, high in ((0.05, 0.15), (-0.02, 0.2), (-0.3, -0.1))
    ]
    more, neither, less = explain.of_sights(pd.DataFrame(rows, columns=columns))
    assert "that is more than of an even map, 50.0 % (10.0 pp [5.0, 15.0])" in more
    assert "not shown to be more or less" in neither
    assert "that is less than" in less
