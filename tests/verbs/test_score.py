from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.conftest import PEOPLE, working_in
from yolo_koin import EvaluateSpec, ReportSpec, ScoreSpec, evaluate, report, score
from yolo_koin.dataset.classify import read_index
from yolo_koin.dataset.images import load_square
from yolo_koin.errors import KoinError, UsageError
from yolo_koin.evaluation import predictions
from yolo_koin.files import sha256
from yolo_koin.models import registry
from yolo_koin.models.protocol import probabilities
from yolo_koin.runs import ScoredRun
from yolo_koin.splits import of_part
from yolo_koin.verbs.evaluate import EvaluateResult
from yolo_koin.verbs.train import TrainResult
from yolo_koin.workspace import Workspace


@pytest.fixture
def best(tmp_path: Path) -> Path:
    """A file that calls everybody by the first name, and lacks one photo."""
    photos = [f"normal_cases/test/{person}/{photo}.png" for person in PEOPLE for photo in (6, 7)]
    path = tmp_path / "theirs.csv"
    pd.DataFrame({"image": photos[1:], "pred": PEOPLE[0]}).to_csv(path, index=False)
    return path


def test_a_scored_file_is_a_run_like_any_other(koin: Path, best: Path, tmp_path: Path) -> None:
    spec = ScoreSpec(file=best, data=str(koin), workspace=tmp_path)
    result = score(spec)
    run = ScoredRun.read(tmp_path / "runs/evaluate/theirs")
    assert run is not None
    assert (run.status, run.spec.settings(), run.classes, run.data) == ("finished", spec.settings(), len(PEOPLE), koin)
    assert (run.weights, run.weights_sha256) == (best, sha256(best))
    assert result.missing == {"normal_cases/test": 1}
    told = " ".join(result.notes)
    for words in ("1 photo not in theirs.csv; they count as wrong", "hard_cases/test: no photo of it in theirs.csv", "at chance level"):
        assert words in told
    pages = report(ReportSpec(runs=("theirs",), workspace=tmp_path)).files
    page = pages[0].read_text("utf-8")
    assert "12.5 %" in page
    assert "nan" not in page
    assert not [file for file in pages if file.stem in {"risk_coverage", "reliability"}], "no confidence was told"


def test_what_was_killed_is_begun_again_and_what_is_finished_is_kept(koin: Path, best: Path, tmp_path: Path) -> None:
    spec = ScoreSpec(file=best, data=str(koin), name="mine", workspace=tmp_path)
    folder = tmp_path / "runs/evaluate/mine"
    folder.mkdir(parents=True)
    ScoredRun(folder=folder, spec=spec, weights=best).written()
    assert score(spec).run == folder
    with pytest.raises(KoinError, match="the run exists already"):
        score(spec)


def test_a_mistake_in_the_file_leaves_no_run(koin: Path, tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text("image,pred\nnobody.png,0003\n")
    with pytest.raises(KoinError, match="unknown photo"):
        score(ScoreSpec(file=tmp_path / "p.csv", data=str(koin), workspace=tmp_path))
    assert not (tmp_path / "runs").exists()


def test_published_results_do_not_stand_beside_other_photos(koin: Path, best: Path, tmp_path: Path) -> None:
    score(ScoreSpec(file=best, data=str(koin), workspace=tmp_path))
    with pytest.raises(UsageError, match="50 people of KoIn50"):
        report(ReportSpec(runs=("theirs",), published=True, workspace=tmp_path))
    folder = Workspace(tmp_path).scored_run("theirs")
    run = ScoredRun.read(folder)
    assert run is not None
    run.written(classes=50, status="finished")
    page = report(ReportSpec(runs=("theirs",), published=True, workspace=tmp_path)).files[0].read_text("utf-8")
    assert "Published results (arXiv:2310.09756), not ours" in page
    assert "| ResNet101, fine-tuned, about 1000 per class " in page


# ---------------------------------------------------------------------------------------------------- as evaluate does it
@pytest.fixture(scope="module")
def evaluated(home: Path, trained: TrainResult) -> EvaluateResult:
    with working_in(home):
        return evaluate(EvaluateSpec(weights=trained.weights, name="to-score", engine="torch"))  # as by_class does


def by_class(trained: TrainResult) -> pd.DataFrame:
    """What somebody else's program would write that runs the model on the prepared photos."""
    model = registry.load(trained.weights, "cpu")
    assert model.task == "classify"
    index = of_part(read_index(trained.data), "test").sample(frac=1, random_state=2)
    photos = np.stack([load_square(trained.data / image, model.side) for image in index["image"]])
    p = probabilities(model.logits(photos)).astype(np.float64)
    return pd.DataFrame({"image": list(index["image"]), **dict(zip(model.names, p.T, strict=True))})


@pytest.mark.slow
@pytest.mark.parametrize("form", ["ours", "classes"])
def test_score_gives_the_numbers_of_evaluate_to_the_last_digit(
    at_home: Path, evaluated: EvaluateResult, trained: TrainResult, tmp_path: Path, form: str
) -> None:
    path = evaluated.run / "predictions.csv"
    if form == "classes":
        path = tmp_path / "p.csv"
        by_class(trained).to_csv(path, index=False)
    result = score(ScoreSpec(file=path, data=str(trained.data), name=f"scored-{form}"))
    pd.testing.assert_frame_equal(result.metrics.drop(columns="run"), evaluated.metrics.drop(columns="run"), check_exact=True)
    written = [(run / "metrics.csv").read_text("utf-8").replace(run.name, "") for run in (result.run, evaluated.run)]
    assert written[0] == written[1]
    ours, theirs = (predictions.read(run / "predictions.csv") for run in (evaluated.run, result.run))
    left_out = [] if form == "ours" else list(predictions.LOGITS)
    pd.testing.assert_frame_equal(theirs.drop(columns=left_out), ours.drop(columns=left_out), check_exact=True)
