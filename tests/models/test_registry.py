"""Models by name, without anything heavy."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from yolo_koin.errors import UsageError, WeightsError
from yolo_koin.models import registry
from yolo_koin.models.zoo import full_name, plans


class Pebbles:
    """A family of one model, for tests."""

    def models(self) -> tuple[str, ...]:
        return ("pebble",)

    def knows(self, model: str) -> bool:
        return model == "pebble"

    def owns(self, weights: Path) -> bool:
        return weights.suffix == ".pebble"


@pytest.fixture
def pebbles() -> Iterator[None]:
    registry.register("pebbles", f"{__name__}:Pebbles")
    yield
    del registry.FAMILIES["pebbles"]


def test_names_come_without_torch_and_ultralytics() -> None:
    code = """
import sys
from pathlib import Path
from yolo_koin.models import registry
family = registry.family_of("yolov8n-cls")
assert len(registry.known_models()) > 20
assert (family.title("yolov8n-cls"), family.task("yolov8n"), family.owns(Path("best.pt"))) == ("YOLOv8n-cls", "detect", True)
print([name for name in ("torch", "ultralytics", "cv2", "pandas") if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_all_generations_of_classifiers_are_known_in_all_sizes() -> None:
    known = registry.known_models()
    assert known[:5] == tuple(f"yolov8{size}-cls" for size in "nsmlx")
    assert {f"{base}{size}-cls" for base in ("yolo11", "yolo26") for size in "nsmlx"} <= set(known)
    assert {f"yolov8{size}" for size in "nsmlx"} <= set(known)
    assert not any("resnet" in name for name in known if not name.startswith("timm:"))
    assert len(set(known)) == len(known)


@pytest.mark.parametrize(("wrong", "near"), [("yolov8-cls", "yolov8n-cls"), ("yolo8n-cls", "yolov8n-cls"), ("yolo26n", "yolo26n-cls")])
def test_an_unknown_name_tells_the_nearest(wrong: str, near: str) -> None:
    with pytest.raises(UsageError, match=near):
        registry.family_of(wrong)


def test_a_name_like_no_other_is_one_line_too() -> None:
    with pytest.raises(UsageError, match="yolov8n-cls"):
        registry.family_of("§§§")


def test_another_family_can_join(pebbles: None, tmp_path: Path) -> None:
    assert isinstance(registry.family_of("pebble"), Pebbles)
    assert "pebble" in registry.known_models()
    stone = tmp_path / "one.pebble"
    stone.touch()
    assert isinstance(registry.trainer_of_weights(stone), Pebbles)


@pytest.mark.parametrize(("name", "words"), [("none.pt", "no such weights file"), ("photo.jpg", "has to end in .pt"), (".", "a folder")])
def test_files_of_no_family(tmp_path: Path, name: str, words: str) -> None:
    (tmp_path / "photo.jpg").touch()
    with pytest.raises(WeightsError, match=words):
        registry.load(tmp_path / name)


@pytest.mark.parametrize(
    ("file", "scale", "name"),
    [
        ("yolov8-cls.yaml", "n", "yolov8n-cls"),
        ("yolov8n-cls.yaml", "n", "yolov8n-cls"),
        ("yolo11x.yaml", "", "yolo11x"),
        (r"C:\plans\yolo26-cls.yaml", "s", "yolo26s-cls"),
        ("/home/me/mine.yaml", "n", "mine"),
    ],
)
def test_the_name_of_a_plan(file: str, scale: str, name: str) -> None:
    assert full_name(file, scale) == name


def test_the_layers_are_those_of_the_stock_loader() -> None:
    from ultralytics.nn.tasks import yaml_model_load

    for name in ("yolov8n-cls", "yolo11s-cls", "yolov8m"):
        assert plans()[name].layers() == yaml_model_load(f"{name}.yaml")
