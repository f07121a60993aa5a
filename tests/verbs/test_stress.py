"""``stress`` and ``control`` on a real model: what they write, what they are measured in, and what cannot be asked."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from PIL import Image

from tests.conftest import working_in
from yolo_koin import ControlSpec, EvaluateSpec, StressSpec, control, evaluate, stress
from yolo_koin.errors import DatasetError, RunError, WeightsError
from yolo_koin.evaluation import predictions, scores
from yolo_koin.runs import ControlRun, StressRun
from yolo_koin.verbs.control import ControlResult
from yolo_koin.verbs.stress import StressResult
from yolo_koin.verbs.train import TrainResult

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("screen_only")]
SMALL: dict[str, Any] = {"kinds": ("blur", "mask"), "severities": (1, 5)}


@pytest.fixture(scope="module")
def faceless(koin: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The dataset with a test photo without a face, and one that cannot be read."""
    root = Path(shutil.copytree(koin, tmp_path_factory.mktemp("stress") / "Faceless"))
    Image.new("RGB", (92, 112), (90, 120, 60)).save(root / "normal_cases/test/0003/6.png")
    (root / "normal_cases/test/s04/6.png").write_text("text")
    return root


@pytest.fixture(scope="module")
def swept(home: Path, trained: TrainResult, faceless: Path) -> StressResult:
    with working_in(home):
        return stress(StressSpec(weights=trained.weights, data=str(faceless), name="swept", **SMALL))


@pytest.fixture(scope="module")
def controlled(home: Path, trained: TrainResult, faceless: Path) -> ControlResult:
    with working_in(home):
        return control(ControlSpec(weights=trained.weights, data=str(faceless), name="controlled"))


def test_every_variant_of_every_photo_that_has_it_is_a_row(at_home: Path, swept: StressResult) -> None:
    frame = predictions.read(swept.run / "predictions.csv")
    photos = {"": 8, "blur-1": 8, "blur-5": 8, **dict.fromkeys(("mask-1", "mask-1-patch", "mask-5", "mask-5-patch"), 6)}
    expected = {f"normal_cases/test@{variant}".rstrip("@"): n for variant, n in photos.items()}
    assert frame["split"].value_counts().to_dict() == expected
    assert (frame["error"] != "").sum() == 3  # the unreadable one as it is, and blurred twice
    assert [note for note in swept.notes if "no face found" in note] == [
        "1 photo without a usable face (no face found): left out where one is needed"
    ]
    assert [note for note in swept.notes if "unreadable" in note]


def test_photos_as_they_are_are_named_as_evaluate_names_them(at_home: Path, swept: StressResult, faceless: Path) -> None:
    scored = evaluate(EvaluateSpec(weights=swept.weights, data=str(faceless), name="as-they-are"))
    mine, theirs = (predictions.read(run / "predictions.csv") for run in (swept.run, scored.run))
    mine, theirs = (one[one["split"] == "normal_cases/test"].reset_index(drop=True) for one in (mine, theirs))
    pd.testing.assert_frame_equal(mine, theirs)


def test_what_is_written_agrees(at_home: Path, swept: StressResult) -> None:
    assert {"stress.png", "examples.png", "covered.csv", "patches.csv", "report.md"} <= {path.name for path in swept.run.iterdir()}
    table, frame = scores.read(swept.run / "metrics.csv"), predictions.read(swept.run / "predictions.csv")
    top1 = table[table["metric"] == "top1"].set_index("split")
    for split in frame["split"].unique():
        rows = frame[frame["split"] == split]
        assert top1.loc[split, "value"] == pytest.approx((rows["pred_1"] == rows["true_label"]).mean(), rel=1e-5)
        assert top1.loc[split, "n"] == len(rows)
    hidden = table[table["metric"] == "covered"].set_index("split")["value"]
    shares = pd.read_csv(swept.run / "covered.csv").groupby("split")["covered"].mean()
    assert hidden.to_dict() == pytest.approx(shares.to_dict(), rel=1e-4)
    report = (swept.run / "report.md").read_text(encoding="utf-8")
    assert all(sentence in report for sentence in swept.findings)
    run = StressRun.read(swept.run)
    assert run is not None
    assert (run.status, run.spec.kinds, run.spec.severities) == ("finished", ("blur", "mask"), (1, 5))


def test_a_model_is_compared_with_itself(at_home: Path, swept: StressResult, faceless: Path) -> None:
    again = stress(StressSpec(weights=swept.weights, data=str(faceless), name="again", reference="swept", **SMALL))
    assert set(again.metrics["metric"]) == {"top1", "covered"}  # of eight photos there is no corruption error that would mean something
    versus = pd.read_csv(again.run / "reference.csv", keep_default_na=False)
    assert set(versus["only_a"]) == set(versus["only_b"]) == {0}
    assert set(versus["n"]) == {6, 8}
    assert any(said.startswith("No difference between") and said.endswith("is shown on mask and blur.") for said in again.findings)
    assert (again.run / "predictions.csv").read_bytes() == (swept.run / "predictions.csv").read_bytes()


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"reference": "nobody"}, "no such finished stress run"),
        ({"reference": "swept", "kinds": ("blur", "hat")}, "without hat"),
        ({"reference": "swept", "severities": (1, 2)}, "without 2"),
        ({"reference": "swept", "seed": 1}, "with seed 0"),
    ],
)
def test_a_reference_has_to_be_swept_alike(at_home: Path, swept: StressResult, faceless: Path, asked: dict[str, Any], words: str) -> None:
    with pytest.raises(RunError, match=words):
        stress(StressSpec(**{"weights": swept.weights, "data": str(faceless), "name": "odd", **SMALL, **asked}))
    assert not (at_home / "runs/stress/odd").exists()


def test_a_reference_has_to_have_seen_the_same_photos(at_home: Path, swept: StressResult, koin: Path) -> None:
    with pytest.raises(RunError, match="did not see the same photos"):
        stress(StressSpec(weights=swept.weights, data=str(koin), name="other", reference="swept", **SMALL))


def test_the_control_covers_every_test_split_where_faces_are_found(at_home: Path, controlled: ControlResult) -> None:
    frame = predictions.read(controlled.run / "predictions.csv")
    counts = frame["split"].value_counts().to_dict()
    assert counts["normal_cases/test"] == 8
    assert {counts[f"normal_cases/test@{variant}"] for variant in ("no-face", "face-only", "other-scene")} == {6}
    assert counts["hard_cases/test"] == 8
    assert set(controlled.chance["split"]) <= {split for split in counts if str(split).endswith("no-face")}
    named = controlled.metrics[controlled.metrics["metric"] == "scene_top1"].set_index("split")
    scenes = pd.read_csv(controlled.run / "scenes.csv", dtype=str).set_index("image")
    photos = frame[frame["split"] == "normal_cases/test@other-scene"]
    assert (scenes.loc[photos["image"], "scene_label"].to_numpy() != photos["true_label"].to_numpy()).all()
    after = (scenes.loc[photos["image"], "scene_label"].to_numpy() == photos["pred_1"].to_numpy()).mean()
    assert named.loc["normal_cases/test@other-scene", "value"] == pytest.approx(after)
    run = ControlRun.read(controlled.run)
    assert run is not None
    assert (run.status, run.spec) == ("finished", ControlSpec(weights=run.spec.weights, data=run.spec.data, name="controlled"))
    assert (controlled.run / "erased_face.png").stat().st_size > 10_000


def test_no_usable_face_at_all_is_said(at_home: Path, trained: TrainResult, tmp_path: Path) -> None:
    for person in ("a", "b"):
        (tmp_path / "Else/normal_cases/test" / person).mkdir(parents=True)
        Image.new("RGB", (60, 60), (90, 120, 60)).save(tmp_path / "Else/normal_cases/test" / person / "1.png")
    with pytest.raises(DatasetError, match="no test photo with a usable face"):
        control(ControlSpec(weights=trained.weights, data=str(tmp_path / "Else"), name="empty"))
    result = stress(StressSpec(weights=trained.weights, data=str(tmp_path / "Else"), name="empty", **SMALL))
    assert set(result.metrics["split"]) == {f"normal_cases/test{end}" for end in ("", "@blur-1", "@blur-5")}
    assert result.patches.empty


def test_a_dataset_without_normal_test_photos_is_refused(at_home: Path, trained: TrainResult, koin: Path, tmp_path: Path) -> None:
    shutil.copytree(koin / "hard_cases", tmp_path / "Else/hard_cases")
    with pytest.raises(DatasetError, match="no photos in normal_cases/test"):
        stress(StressSpec(weights=trained.weights, data=str(tmp_path / "Else"), **SMALL))


def test_weights_that_are_not_there_are_told(at_home: Path) -> None:
    with pytest.raises(WeightsError, match="no such weights file"):
        stress(StressSpec(weights="none.pt"))
