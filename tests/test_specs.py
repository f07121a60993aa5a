"""What a verb can be asked for, and what is said of that which makes no sense: of fields in Python, of options on the command line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from yolo_koin.errors import DatasetError, UsageError
from yolo_koin.mistakes import for_command_line
from yolo_koin.options import described
from yolo_koin.specs import (
    BenchmarkSpec,
    ConvertDetectSpec,
    ConvertSpec,
    DemoSpec,
    EvaluateSpec,
    HardcasesSpec,
    PredictSpec,
    Spec,
    StressSpec,
    TrainSpec,
)

MISTAKES = [
    (TrainSpec, {"size": "q"}, "size=q", "--size q", "Choose from n, s, m, l, x"),
    (TrainSpec, {"size": "medium"}, "size=medium", "--size medium", "Did you mean m?"),
    (TrainSpec, {"task": "detection"}, "task=detection", "--task detection", "Did you mean detect?"),
    (TrainSpec, {"epochs": 0}, "epochs=0", "--epochs 0", "at least 1"),
    (TrainSpec, {"epochs": "many"}, "epochs=many", "--epochs many", "a whole number"),
    (TrainSpec, {"epochs": 2.5}, "epochs=2.5", "--epochs 2.5", "a whole number"),
    (TrainSpec, {"seed": True}, "seed=True", "--seed", "a whole number"),
    (TrainSpec, {"imgsz": 16}, "imgsz=16", "--imgsz 16", "at least 32"),
    (TrainSpec, {"batch": 1}, "batch=1", "--batch 1", "at least 2"),
    (TrainSpec, {"freeze": -1}, "freeze=-1", "--freeze -1", "at least 0"),
    (TrainSpec, {"freeze": 9, "weights": "scratch"}, "freeze=9 weights=scratch", "--freeze 9 --weights scratch", "untrained network"),
    (TrainSpec, {"val": 0.0}, "val=0.0", "--val 0.0", "at least"),
    (TrainSpec, {"train_on": "group"}, "train_on=group", "--train-on group", "normal, hard, both"),
    (TrainSpec, {"fit": "squash"}, "fit=squash", "--fit squash", "pad, crop, face"),
    (TrainSpec, {"task": "detect", "fit": "face"}, "task=detect fit=face", "--task detect --fit face", "whole photos"),
    (TrainSpec, {"size": "n", "model": "yolov8m-cls"}, "size=n model=yolov8m-cls", "--size n --model yolov8m-cls", "two models"),
    (TrainSpec, {"batch": float("inf")}, "batch=inf", "--batch inf", "a whole number"),
    (TrainSpec, {"lr": float("nan")}, "lr=nan", "--lr nan", "at least"),
    (TrainSpec, {"augment": 3}, "augment=3", "--augment 3", "at most 2"),
    (TrainSpec, {"log": "wandb"}, "log=wandb", "--log wandb", "Choose from tensorboard"),
    (TrainSpec, {"task": "detect", "label_smoothing": 0.0}, "label_smoothing=0.0", "--label-smoothing 0.0", "no label smoothing"),
    (TrainSpec, {"hardcases": 1.5}, "hardcases=1.5", "--hardcases 1.5", "at most 1"),
    (TrainSpec, {"hardcase_kinds": "scarf"}, "hardcase_kinds=scarf", "--hardcase-kinds scarf", "Choose from mask"),
    (TrainSpec, {"task": "detect", "hardcases": 0.5}, "task=detect hardcases=0.5", "--task detect --hardcases 0.5", "for classifiers"),
    (TrainSpec, {"method": "ncm", "hardcases": 0.5}, "hardcases=0.5 method=ncm", "--hardcases 0.5 --method ncm", "stays as it is"),
    (ConvertSpec, {"side": 3}, "side=3", "--side 3", "at least 32"),
    (ConvertDetectSpec, {"review": -1}, "review=-1", "--review -1", "at least 0"),
    (EvaluateSpec, {"task": "detect", "faces": True}, "task=detect faces=True", "--task detect --faces", "by itself"),
    (EvaluateSpec, {"boxes": "b.csv"}, "boxes=b.csv", "--boxes b.csv", "about faces"),
    (PredictSpec, {"source": "x", "top": 6}, "top=6", "--top 6", "at most 5"),
    (PredictSpec, {"source": "x", "detector": "d.onnx"}, "detector=d.onnx", "--detector d.onnx", "faces"),
    (DemoSpec, {"weights": "a,b", "reject": "many"}, "reject=many", "--reject many", "neither an FPIR"),
    (DemoSpec, {"port": 0}, "port=0", "--port 0", "at least 1"),
    (StressSpec, {"kinds": "mask,scarf"}, "kinds=scarf", "--kind scarf", "Choose from mask"),
    (StressSpec, {"severities": "0,3"}, "severities=0", "--severities 0", "at least 1"),
    (StressSpec, {"engine": "onnx", "device": "0"}, "engine=onnx device=0", "--engine onnx --device 0", "runs on the processor"),
    (BenchmarkSpec, {"seeds": "a"}, "seeds=a", "--seeds a", "a whole number"),
    (BenchmarkSpec, {"shots": "5,none"}, "shots=none", "--shots none", "a whole number"),
    (BenchmarkSpec, {"shots": ()}, "shots=", "--shots", "at least one"),
    (BenchmarkSpec, {"sizes": "n,q"}, "sizes=q", "--sizes q", "Choose from"),
    (BenchmarkSpec, {"sizes": "n,s", "weights": "w.pt"}, "weights=w.pt", "--weights w.pt", "one model"),
    (HardcasesSpec, {"source": "a", "destination": "b", "kinds": ("scarf",)}, "kinds=scarf", "--kind scarf", "Choose from mask"),
]


@pytest.mark.parametrize(("spec", "fields", "in_python", "on_the_command_line", "words"), MISTAKES, ids=[case[2] for case in MISTAKES])
def test_a_mistake_is_one_line_in_the_words_of_the_caller(
    spec: type[Spec], fields: dict[str, Any], in_python: str, on_the_command_line: str, words: str
) -> None:
    with pytest.raises(UsageError) as caught:
        spec(**fields)
    message = str(caught.value)
    assert in_python in message
    assert words in message
    assert "\n" not in message
    assert on_the_command_line in for_command_line(message)


def test_texts_as_the_command_line_gives_them_become_values() -> None:
    spec = TrainSpec(epochs="3", val="0.2", seed="1")  # type: ignore[arg-type]
    assert (spec.epochs, spec.val, spec.seed) == (3, 0.2, 1)
    many = BenchmarkSpec(sizes="n, m", seeds="0,1", train_on="both")  # type: ignore[arg-type]
    assert (many.sizes, many.seeds, many.train_on) == (("n", "m"), (0, 1), ("both",))
    assert HardcasesSpec(source=Path("a"), destination=Path("b")).kinds == ("mask", "sunglasses", "hat", "hand", "light")


def test_a_source_may_have_a_comma_in_its_name() -> None:
    assert PredictSpec(source="a, b.jpg").sources == ("a, b.jpg",)
    assert PredictSpec(source=("a", "b")).sources == ("a", "b")


@pytest.mark.parametrize(
    ("fields", "model", "size"),
    [
        ({}, "yolov8n-cls", "n"),
        ({"size": "m"}, "yolov8m-cls", "m"),
        ({"size": "x", "task": "detect"}, "yolov8x", "x"),
        ({"model": "yolo11s-cls"}, "yolo11s-cls", ""),
        ({"model": "timm:resnet101"}, "timm:resnet101", ""),
    ],
    ids=str,
)
def test_a_size_is_the_short_form_of_a_model(fields: dict[str, Any], model: str, size: str) -> None:
    spec = TrainSpec(**fields)
    assert (spec.model_name, spec.yolov8_size) == (model, size)


def test_models_of_a_benchmark() -> None:
    assert BenchmarkSpec().model_names == ("yolov8n-cls",)
    assert BenchmarkSpec(sizes=("s",), models=("yolo11n-cls", "yolov8s-cls")).model_names == ("yolov8s-cls", "yolo11n-cls")
    assert BenchmarkSpec(models=("yolo11n-cls",)).model_names == ("yolo11n-cls",)


def test_settings_come_back_from_json() -> None:
    spec = EvaluateSpec(weights=Path("a/b.pt"), faces=True, detector=Path("d.onnx"), workspace=Path("w"))
    assert "workspace" not in spec.settings()
    assert EvaluateSpec.of({**spec.settings(), "of_a_later_version": 1}) == EvaluateSpec(
        weights="a/b.pt", faces=True, detector=Path("d.onnx")
    )


def test_every_field_of_every_spec_says_what_it_means() -> None:
    def below(spec: type[Spec]) -> list[type[Spec]]:
        return [spec, *(one for child in spec.__subclasses__() for one in below(child))]

    for spec in below(Spec):
        for one in described(spec):
            assert len(one.option.help) > 10, (spec, one.name)


def test_a_spec_and_its_fields_are_the_same_call(tmp_path: Path) -> None:
    import yolo_koin

    with pytest.raises(DatasetError) as by_spec:
        yolo_koin.audit(yolo_koin.AuditSpec(data=str(tmp_path / "none")))
    with pytest.raises(type(by_spec.value)) as by_fields:
        yolo_koin.audit(data=str(tmp_path / "none"))
    assert str(by_spec.value) == str(by_fields.value)
    with pytest.raises(UsageError, match="a spec and fields"):
        yolo_koin.audit(yolo_koin.AuditSpec(), data="x")


def test_the_verbs_are_listed() -> None:
    import yolo_koin

    assert {"train", "TrainSpec", "evaluate", "list_runs", "Workspace"} <= set(dir(yolo_koin))


def test_no_verb_has_the_name_of_a_module() -> None:
    """Whoever imports the module would find it in the verb's place."""
    import yolo_koin

    folder = Path(yolo_koin.__file__).parent
    assert not set(yolo_koin.__all__) & {path.stem for path in folder.iterdir()}
