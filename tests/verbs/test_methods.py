"""Fine-tuning, probes and nearest means of one network with real weights, through every verb."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from tests.conftest import working_in
from tests.models.conftest import LITE0
from yolo_koin import TrainSpec, benchmark, evaluate, export, predict, report, resume, train
from yolo_koin.errors import KoinError, UsageError
from yolo_koin.runs import TrainRun
from yolo_koin.verbs.benchmark import BenchmarkResult
from yolo_koin.workspace import Workspace

pytestmark = pytest.mark.usefixtures("screen_only")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("methods")


@pytest.fixture(scope="module")
def compared(place: Path, koin: Path) -> BenchmarkResult:
    with working_in(place):
        methods = ("ncm", "probe", "finetune")
        return benchmark(data=str(koin), models=(LITE0,), methods=methods, imgsz=64, epochs=1, batch=8, device="cpu", name="methods")


@pytest.fixture
def at_place(place: Path, compared: BenchmarkResult) -> Iterator[Path]:
    with working_in(place):
        yield place


def test_each_method_is_a_cell_of_its_own(at_place: Path, compared: BenchmarkResult) -> None:
    table = pd.read_csv(compared.run / "results.csv", keep_default_na=False)
    assert list(dict.fromkeys(table["method"])) == ["finetune", "probe", "ncm"]
    titles = ["EfficientNet-Lite0, normal", "EfficientNet-Lite0 probe, normal", "EfficientNet-Lite0 nearest mean, normal"]
    assert list(dict.fromkeys(compared.table["model"])) == titles
    assert all(title in (compared.run / "report.md").read_text() for title in titles)
    cells = sorted((compared.run / "cells").iterdir())
    assert [cell.name.rpartition("-normal")[0] for cell in cells] == [
        f"timm-tf_efficientnet_lite0{method}" for method in ("-ncm", "", "-probe")
    ]
    ends = {"-ncm": "best.head.safetensors", "-probe": "best.head.safetensors", "": "best.safetensors"}
    assert all((cell / "weights" / name).is_file() for cell, name in zip(cells, (ends[key] for key in ("-ncm", "", "-probe")), strict=True))
    assert not list(compared.run.rglob("*.pt"))
    top1 = table[(table["metric"] == "top1") & (table["split"] == "normal_cases/test")].set_index("method")["value"].astype(float)
    assert top1["probe"] >= 0.75, "features of ImageNet tell four people apart"
    assert Workspace().features.is_file()


def test_a_probe_is_a_run_like_others(at_place: Path, koin: Path, compared: BenchmarkResult) -> None:
    done = train(data=str(koin), model=LITE0, method="probe", C=1, imgsz=64, device="cpu")
    assert done.run.name == "timm-tf_efficientnet_lite0-probe-normal"
    run = TrainRun.read(done.run)
    assert run is not None
    assert (run.status, run.spec.method, run.spec.C) == ("finished", "probe", 1.0)
    assert run.start == Path("weights/tf_efficientnet_lite0.safetensors")
    scored = evaluate(weights=done.run.name, device="cpu", name="probed")
    (page, *_) = report(runs=(scored.run.name,)).files
    assert "EfficientNet-Lite0 probe, normal" in page.read_text()
    shown = predict(source="normal_cases/test", weights=done.weights, device="cpu")
    assert shown.right is not None
    assert shown.right >= 6
    run.written(status="running")  # as if it had been killed
    done.weights.unlink()
    assert resume(done.run.name).val == done.val
    assert done.weights.is_file()


def test_a_probe_on_the_features_of_a_trained_run(at_place: Path, koin: Path, compared: BenchmarkResult) -> None:
    tuned = next(cell for cell in compared.ran if "probe" not in cell and "ncm" not in cell)
    done = train(data=str(koin), model=LITE0, weights=f"methods/{tuned}", method="ncm", imgsz=64, device="cpu", name="on-tuned")
    model = evaluate(weights="on-tuned", device="cpu", name="on-tuned").metrics
    assert done.val >= 0.25
    assert set(model["split"]) == {"normal_cases/test", "hard_cases/test"}


def test_a_tuned_network_is_exported_and_a_head_is_not(at_place: Path, compared: BenchmarkResult) -> None:
    """With its own normalisation inside."""
    tuned = next(cell for cell in compared.ran if "probe" not in cell and "ncm" not in cell)
    done = export(weights=f"methods/{tuned}")
    assert done.table["largest difference of a probability"].iloc[1] < 1e-4
    with pytest.raises(UsageError, match="a model that cannot be exported"):
        export(weights=f"methods/{next(cell for cell in compared.ran if 'ncm' in cell)}")


@pytest.mark.parametrize(
    ("asked", "error", "words"),
    [
        pytest.param({"method": "probe", "weights": "scratch"}, UsageError, "weights=scratch", id="features of nothing"),
        pytest.param({"method": "probe", "freeze": 1}, UsageError, "freeze=1", id="frozen twice"),
        pytest.param({"method": "probe", "task": "detect"}, UsageError, "task=detect", id="a detector"),
        pytest.param({"method": "ncm", "C": 1}, UsageError, "C is of a probe: C=1", id="C of another method"),
        pytest.param({"method": "probe", "lr": 0.1}, UsageError, "stays as it is: lr=0.1 method=probe", id="a learning rate of nothing"),
        pytest.param({"method": "ncm", "epochs": 5}, UsageError, "stays as it is: epochs=5 method=ncm", id="epochs of nothing"),
        pytest.param({"method": "ncm", "augment": 0}, UsageError, "stays as it is: augment=0.0", id="what features do without"),
        pytest.param({"method": "probe", "C": -1}, UsageError, "at least 0", id="a C below nothing"),
        pytest.param({"method": "prob"}, UsageError, "Did you mean probe", id="a near method"),
        pytest.param({"method": "probe", "weights": "other.safetensors"}, KoinError, "damaged", id="no weights at all"),
        pytest.param({"model": "yolov8n-cls", "imgsz": 100}, UsageError, "multiples of 32", id="an input that YOLO cannot take"),
    ],
)
def test_mistakes(at_place: Path, koin: Path, asked: dict[str, object], error: type[Exception], words: str) -> None:
    Path("other.safetensors").write_bytes(b"text")
    before = sorted(Path("runs/train").glob("*"))
    with pytest.raises(error, match=words):
        train(TrainSpec(**{"data": str(koin), "model": LITE0, "device": "cpu", **asked}))  # type: ignore[arg-type]
    assert sorted(Path("runs/train").glob("*")) == before, "refused before anything was made"
