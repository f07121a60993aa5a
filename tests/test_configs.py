"""Configuration files: every shipped one holds, and mistakes in one are told with its name."""

from __future__ import annotations

from pathlib import Path

import pytest

from yolo_koin import BenchmarkSpec
from yolo_koin.configs import read_config
from yolo_koin.errors import UsageError
from yolo_koin.models.registry import family_of
from yolo_koin.parallel import silent
from yolo_koin.showing import call_benchmark
from yolo_koin.verbs.cells import trainings

SHIPPED = sorted((Path(__file__).parent.parent / "configs").glob("*.yaml"))


@pytest.mark.parametrize("path", SHIPPED, ids=[path.stem for path in SHIPPED])
def test_the_shipped_ones_hold(path: Path) -> None:
    spec = BenchmarkSpec(**read_config(path, BenchmarkSpec))
    assert all(family_of(model) for part in spec.parts for model in part.model_names)
    assert spec.name


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("train_on: [normal, both]\nshots: [1, null, 5]\nepochs: 3\n", id="lists, the fields' names"),
        pytest.param("train-on: normal,both\nshots: 1,all,5\nepochs: '3'\n", id="as the options are written"),
        pytest.param("\ufefftrain-on: [normal, both]\nshots: [1, all, 5]\nepochs: 3\nimgsz:\n", id="a BOM, and nothing for an option"),
    ],
)
def test_spellings(tmp_path: Path, text: str) -> None:
    (tmp_path / "mine.yaml").write_text(text, encoding="utf-8")
    spec = BenchmarkSpec(**read_config(tmp_path / "mine.yaml", BenchmarkSpec))
    assert spec == BenchmarkSpec(train_on=("normal", "both"), shots=(1, None, 5), epochs=3)


def test_several_matrices_in_one(tmp_path: Path) -> None:
    text = "train-on: both\nmatrices:\n- models: [yolov8n-cls]\n  shots: 1,all\n- {models: face:dlib, methods: ncm, train-on: hard, lr:}\n"
    (tmp_path / "mine.yaml").write_text(text, encoding="utf-8")
    spec = BenchmarkSpec(**read_config(tmp_path / "mine.yaml", BenchmarkSpec))
    assert BenchmarkSpec.of(spec.settings()) == spec, "a manifest keeps them"
    told = [(one.model_name, one.method, one.train_on, one.shots) for one in trainings(spec)]
    assert told == [
        ("yolov8n-cls", "finetune", "both", 1),
        ("yolov8n-cls", "finetune", "both", None),
        ("face:dlib", "ncm", "hard", None),
    ]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        pytest.param([], [("yolov8n-cls", 64, 1), ("yolov8s-cls", 64, None)], id="nothing"),
        pytest.param(["--imgsz", "32", "--shots", "2"], [("yolov8n-cls", 32, 2), ("yolov8s-cls", 32, 2)], id="what each of them says"),
        pytest.param(["--models", "yolo11n-cls"], [("yolo11n-cls", 64, 1), ("yolo11n-cls", 64, None)], id="other models"),
        pytest.param(["--sizes", "m"], [("yolov8m-cls", 64, 1), ("yolov8m-cls", 64, None)], id="other models, in the short form"),
    ],
)
def test_the_command_line_comes_before_each_of_several(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], told: list[tuple[str, int, int | None]]
) -> None:
    text = "data: sample\nimgsz: 128\nmatrices:\n- {models: yolov8n-cls, shots: 1, imgsz: 64}\n- {models: [yolov8s-cls], imgsz: 64}\n"
    (tmp_path / "mine.yaml").write_text(text, encoding="utf-8")
    asked: list[BenchmarkSpec] = []
    monkeypatch.setattr("yolo_koin.verbs.benchmark.benchmark", lambda spec, progress: asked.append(spec))
    pairs = dict(zip([word.removeprefix("--") for word in words[::2]], words[1::2], strict=True))
    call_benchmark({"config": str(tmp_path / "mine.yaml"), **pairs}, silent)
    assert [(one.model_name, one.imgsz, one.shots) for one in trainings(asked[0])] == told


@pytest.mark.parametrize("text", ["matrices:\n  shots: 5\n", "shots: 5\n", "seeds: 5\n", "shots: [5]\n"])
def test_one_of_what_may_be_several(tmp_path: Path, text: str) -> None:
    (tmp_path / "mine.yaml").write_text(text, encoding="utf-8")
    spec = BenchmarkSpec(**read_config(tmp_path / "mine.yaml", BenchmarkSpec))
    assert 5 in {*spec.parts[0].shots, *spec.seeds}


@pytest.mark.parametrize(
    ("matrix", "told"),
    [
        pytest.param({"name": "other"}, "by itself: name. Say it of all", id="what all share"),
        pytest.param({"nothing": 1}, "by itself: nothing", id="no field"),
        pytest.param({"seeds": ()}, "nothing to run: seeds=", id="nothing in it"),
        pytest.param({"shots": (0,)}, "at least 1: shots=0", id="a value out of bounds"),
    ],
)
def test_mistakes_in_one_of_several(matrix: dict[str, object], told: str) -> None:
    with pytest.raises(UsageError, match=told):
        BenchmarkSpec(matrices=({"models": ("yolov8n-cls",)}, matrix))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        pytest.param("shot: 5\n", r"mine\.yaml: shot. Near names are shots", id="a near name"),
        pytest.param("matrices: [{shot: 5}]\n", r"mine\.yaml: shot. Near names are shots", id="a near name in one of several"),
        pytest.param("matrices: 3\n", "has to be", id="a number of matrices"),
        pytest.param("epochs: [\n", r"not YAML \(line 2", id="no YAML"),
        pytest.param("- epochs\n", "lines such as", id="a list"),
        pytest.param("", "lines such as", id="empty"),
        pytest.param("epochs: !!python/object/apply:os.getcwd []\n", "not YAML", id="code"),
    ],
)
def test_mistakes(tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / "mine.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match=told):
        BenchmarkSpec(**read_config(tmp_path / "mine.yaml", BenchmarkSpec))


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot read the configuration"):
        read_config(tmp_path / "none.yaml", BenchmarkSpec)
