"""What is exported answers as the model does, in programs that have neither torch nor this package."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from yolo_koin import ExportSpec, export, predict
from yolo_koin.errors import KoinError, RunError, UsageError
from yolo_koin.evaluation import predictions
from yolo_koin.verbs.train import TrainResult


@pytest.mark.slow
def test_the_script_names_photos_as_predict_does(at_home: Path, koin: Path, trained: TrainResult, tmp_path: Path) -> None:
    done = export(weights=trained.run.name, name="plain")
    assert sorted(path.name for path in done.run.iterdir()) == ["agreement.csv", "manifest.json", "model.json", "model.onnx", "use.py"]
    moved = shutil.copytree(done.run, tmp_path / "elsewhere")
    photos = sorted((koin / "normal_cases/test").rglob("*.png"))
    hidden = f"import sys; sys.modules.update(torch=None, yolo_koin=None); sys.argv = ['use.py', *{[str(p) for p in photos]!r}]"
    script = f"{hidden}; import runpy; runpy.run_path({str(moved / 'use.py')!r}, run_name='__main__')"
    told = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    rows = [line.split("\t") for line in told.splitlines()]
    named = predict(source="normal_cases/test", weights=trained.run.name, name="as-told", engine="torch")
    wanted = predictions.read(named.run / "predictions.csv").set_index("image")
    assert [row[0] for row in rows] == [str(photo) for photo in photos]
    for path, name, score in rows:
        row = wanted.loc[Path(path).relative_to(koin).as_posix()]
        assert name == row["pred_1"]
        assert float(score) == pytest.approx(row["score_1"], abs=1e-3)


@pytest.mark.slow
def test_agreement_is_measured_on_validation_photos(at_home: Path, trained: TrainResult) -> None:
    done = export(weights=trained.weights, name="measured")
    table = pd.read_csv(done.run / "agreement.csv")
    pd.testing.assert_frame_equal(table, done.table, check_exact=False, rtol=1e-4)
    assert list(table["runs by"]) == ["torch", "onnx"]
    assert (table["one photo (ms)"] > 0).all()
    same, of = map(int, table["same name"].iloc[1].split(" of "))
    assert same == of == int(done.notes[0].split()[2])
    assert table["largest difference of a probability"].iloc[1] < 1e-4
    about = json.loads((done.run / "model.json").read_text("utf-8"))
    assert about["weights_sha256"] == json.loads((done.run / "manifest.json").read_text("utf-8"))["weights_sha256"]


@pytest.mark.parametrize(
    ("asked", "error", "words"),
    [
        pytest.param({"weights": "nobody"}, KoinError, "nobody", id="no such run"),
        pytest.param({"name": "taken"}, RunError, "exists already", id="a name that is taken"),
        pytest.param({"format": "tflite"}, UsageError, "Choose from onnx, openvino", id="no such format"),
    ],
)
def test_mistakes(at_home: Path, trained: TrainResult, asked: dict[str, str], error: type[KoinError], words: str) -> None:
    if "name" in asked:
        export(weights=trained.weights, name="taken")
    with pytest.raises(error, match=words):
        export(ExportSpec(**{"weights": trained.run.name, **asked}))  # type: ignore[arg-type]


def test_a_package_that_is_missing_is_named(at_home: Path, trained: TrainResult) -> None:
    pytest.importorskip("onnx")
    try:
        import openvino  # noqa: F401
    except ImportError:
        with pytest.raises(UsageError, match="openvino not installed: format=openvino"):
            export(weights=trained.weights, format="openvino")
