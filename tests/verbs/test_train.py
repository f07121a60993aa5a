from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import torch

from tests.conftest import EPOCHS, PEOPLE, make_koin, working_in
from yolo_koin import TrainSpec, train
from yolo_koin.dataset.classify import convert
from yolo_koin.dataset.images import load_square
from yolo_koin.dataset.koin import scan
from yolo_koin.errors import DatasetError, KoinError, RunError, UsageError, WeightsError
from yolo_koin.files import sha256
from yolo_koin.models.checkpoints import load_checkpoint
from yolo_koin.models.protocol import Preparation
from yolo_koin.models.registry import load
from yolo_koin.runs import TrainRun, prepared_at
from yolo_koin.verbs.recipes import input_for_squares
from yolo_koin.verbs.train import TrainResult

pytestmark = pytest.mark.slow


def test_leaves_whole_files_and_a_full_manifest(at_home: Path, trained: TrainResult) -> None:
    run = TrainRun.read(trained.run)
    assert run is not None
    assert run.status == "finished"
    assert run.weights_sha256 == sha256(trained.weights)
    assert run.index_sha256 == sha256(trained.data / "index.csv")
    assert run.spec.epochs == EPOCHS
    assert run.converted == trained.data
    assert sorted(p.name for p in (trained.run / "weights").iterdir()) == ["best.pt", "last.pt"]


def test_the_best_epoch_is_that_of_the_best_validation_top1_ties_by_loss(at_home: Path, trained: TrainResult) -> None:
    curve = pd.read_csv(trained.run / "results.csv")
    assert list(curve.columns) == ["epoch", "time", "train_loss", "val_loss", "val_top1", "lr"]
    assert curve["epoch"].tolist() == list(range(1, EPOCHS + 1))
    best = curve[curve["val_top1"] == curve["val_top1"].max()].sort_values("val_loss").iloc[0]
    assert trained.best_epoch == best["epoch"]
    assert trained.val == best["val_top1"]
    assert load_checkpoint(trained.weights, "classify")["train_metrics"]["val_loss"] == pytest.approx(best["val_loss"], rel=1e-5)


def test_the_checkpoint_knows_names_and_preparation(at_home: Path, trained: TrainResult) -> None:
    model = load(trained.weights, "cpu")
    assert model.names == tuple(sorted(PEOPLE))
    assert (model.side, model.title, model.train_on) == (64, "YOLOv8n-cls", "normal")
    assert model.preparation == Preparation(fit="pad", side=256)


def test_stock_ultralytics_loads_it_where_this_package_is_not(at_home: Path, trained: TrainResult) -> None:
    photo = next((trained.data / "test").rglob("*.jpg"))
    code = f"""
import sys
sys.modules["yolo_koin"] = None  # importing it fails
from ultralytics import YOLO
result = YOLO({str(trained.weights)!r})({str(photo)!r}, verbose=False)[0]
print(result.names[result.probs.top1])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    model = load(trained.weights, "cpu")
    assert model.task == "classify"
    ours = model.names[int(model.logits(load_square(photo, model.side)[None]).argmax())]
    assert done.stdout.strip().splitlines()[-1] == ours


def test_the_same_seed_gives_the_same_weights(tmp_path: Path, koin: Path) -> None:
    with working_in(tmp_path):
        spec = TrainSpec(data=str(koin), weights="scratch", epochs=1, imgsz=32, batch=8, device="cpu")
        first, second = train(spec), train(spec)
    assert (first.run.name, second.run.name) == ("n-normal", "n-normal-2")
    a, b = (load_checkpoint(tmp_path / r.weights, "classify")["model"].state_dict() for r in (first, second))
    assert all(torch.equal(a[key], b[key]) for key in a)


def test_a_last_batch_of_one_photo_is_no_error(tmp_path: Path, koin: Path) -> None:
    """16 training photos in batches of 15: batch normalisation cannot work on the one that is left at 1 × 1."""
    with working_in(tmp_path):
        assert train(TrainSpec(data=str(koin), weights="scratch", epochs=1, imgsz=32, batch=15, device="cpu")).epochs == 1


def test_frozen_layers_stay_as_they_were(at_home: Path, koin: Path, trained: TrainResult) -> None:
    spec = TrainSpec(data=str(koin), weights=str(trained.weights), epochs=1, imgsz=64, batch=8, device="cpu", freeze=9)
    tuned = train(spec)
    before, after = (load_checkpoint(path, "classify")["model"].state_dict() for path in (trained.weights, tuned.weights))
    backbone = [key for key in before if int(key.split(".")[1]) < 9 and "num_batches" not in key]
    assert all(torch.equal(before[key], after[key]) for key in backbone)
    assert any(not torch.equal(before[key], after[key]) for key in before if key not in backbone)
    run = TrainRun.read(tuned.run)
    assert run is not None
    assert run.start_sha256 == sha256(trained.weights)


def test_trains_on_an_already_converted_dataset_too(at_home: Path, koin: Path, tmp_path: Path) -> None:
    convert(scan(koin), tmp_path / "mine", train_on="both", fit="crop", side=64)
    result = train(TrainSpec(data=str(tmp_path / "mine"), weights="scratch", epochs=1, imgsz=32, batch=8, device="cpu"))
    run = TrainRun.read(result.run)
    assert run is not None
    assert (run.spec.train_on, run.spec.fit, run.spec.side) == ("both", "crop", 64)


def test_the_input_is_no_larger_than_the_photos(at_home: Path, trained: TrainResult) -> None:
    made = prepared_at(trained.data)
    assert made is not None
    assert input_for_squares(made) == 64  # AT&T photos are 92 px wide


def test_a_name_that_is_taken_is_refused_and_the_run_stays(at_home: Path, koin: Path, trained: TrainResult) -> None:
    before = sha256(trained.weights)
    with pytest.raises(RunError, match="exists already"):
        train(TrainSpec(data=str(koin), weights="scratch", epochs=1, imgsz=32, name="tiny", device="cpu"))
    assert sha256(trained.weights) == before


def test_without_validation_photos_the_test_split_is_not_taken_instead(tmp_path: Path) -> None:
    """Stock Ultralytics would choose the best epoch on the test split."""
    raw = make_koin(tmp_path / "KoIn")
    for photo in (raw / "normal_cases/train").rglob("*.png"):
        if photo.stem != "1":
            photo.unlink()
    with working_in(tmp_path), pytest.raises(DatasetError, match="no validation photos"):
        train(TrainSpec(data=str(raw), weights="scratch", epochs=1, imgsz=32, batch=2, device="cpu"))


def test_weights_of_another_model_are_refused(tmp_path: Path, koin: Path) -> None:
    from ultralytics import YOLO

    YOLO("yolo11n-cls.yaml").save(tmp_path / "other.pt")
    with working_in(tmp_path), pytest.raises(UsageError, match="model=yolo11n-cls"):
        train(TrainSpec(data=str(koin), weights="other.pt"))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        pytest.param(b"", "damaged", id="empty file"),
        pytest.param(b"\x89PNG not a checkpoint", "damaged", id="another kind of file"),
        pytest.param(None, "no such weights file", id="not there"),
    ],
)
def test_weights_that_are_none(tmp_path: Path, koin: Path, content: bytes | None, words: str) -> None:
    path = tmp_path / "mine.pt"
    if content is not None:
        path.write_bytes(content)
    with working_in(tmp_path), pytest.raises(WeightsError, match=words):
        train(TrainSpec(data=str(koin), weights=str(path)))
    assert not (tmp_path / "runs").exists()  # refused before anything was made


def test_weights_of_another_size_are_refused(at_home: Path, koin: Path, trained: TrainResult) -> None:
    with pytest.raises(UsageError, match="model=yolov8n-cls"):
        train(TrainSpec(data=str(koin), weights=str(trained.weights), size="m"))


def test_a_checkpoint_of_another_task_is_refused(tmp_path: Path) -> None:
    from ultralytics import YOLO

    path = tmp_path / "detector.pt"
    YOLO("yolov8n.yaml").save(path)
    with pytest.raises(WeightsError, match="not a classification model"):
        load_checkpoint(path, "classify")


def test_a_truncated_checkpoint_is_refused(at_home: Path, trained: TrainResult, tmp_path: Path) -> None:
    path = tmp_path / "half.pt"
    path.write_bytes(trained.weights.read_bytes()[:100_000])
    with pytest.raises(WeightsError, match="damaged"):
        load_checkpoint(path, "classify")


class Bomb:
    """Unpickles by making a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[Path]]:
        return Path.touch, (self.path,)


def test_a_pickle_is_not_run_unless_trusted(at_home: Path, trained: TrainResult, tmp_path: Path) -> None:
    evidence, path = tmp_path / "it ran", tmp_path / "bomb.pt"
    torch.save({**load_checkpoint(trained.weights, "classify"), "bomb": Bomb(evidence)}, path)
    with pytest.raises(WeightsError, match="--trust-weights"):
        load(path, "cpu")
    assert not evidence.exists()
    assert load(path, "cpu", trust=True).names == tuple(sorted(PEOPLE))
    assert evidence.exists()  # so the file would have done it


def test_without_a_connection_auto_names_the_file_and_the_way_out(tmp_path: Path, koin: Path) -> None:
    """In a process whose sockets refuse to connect: a machine that is offline."""
    code = f"""
import json, socket, sys
tried = []
def refuse(*arguments, **_):
    tried.append(str(arguments)); raise OSError("offline")
socket.socket.connect = socket.getaddrinfo = socket.create_connection = refuse
from yolo_koin.cli import main
sys.argv = ["yolo_koin", "train", "--data", {str(koin)!r}, "--size", "s"]
main()
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.returncode == 2
    message = done.stderr.strip().splitlines()[-1]
    assert "yolov8s-cls.pt" in message
    assert "--weights scratch" in message
    assert "Traceback" not in done.stderr
    assert list((tmp_path / "weights").iterdir()) == []


def test_nothing_else_opens_a_connection(tmp_path: Path, koin: Path) -> None:
    code = f"""
import os, socket, sys
os.environ["ULTRALYTICS_API_KEY"] = "0" * 32  # with which stock training would upload its checkpoints
def refuse(*arguments, **_):
    print("CONNECTED", arguments, file=sys.stderr); raise OSError("offline")
socket.socket.connect = socket.getaddrinfo = socket.create_connection = refuse
from yolo_koin import EvaluateSpec, PredictSpec, TrainSpec, evaluate, predict, train
train(TrainSpec(data={str(koin)!r}, weights="scratch", epochs=1, imgsz=32, batch=8, device="cpu"))
evaluate(EvaluateSpec())
predict(PredictSpec(source="hard_cases/test"))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.returncode == 0, done.stderr
    assert "CONNECTED" not in done.stderr


def test_an_error_is_one_line() -> None:
    error = KoinError("what", "where", "Do\nthis.")
    assert str(error) == "what: where. Do this."
    assert json.dumps(str(error))
