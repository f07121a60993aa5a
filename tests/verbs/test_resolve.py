"""From the words of a user to a dataset and a checkpoint: every way to say it, and every way that it can be gone."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from tests.conftest import PEOPLE, make_koin, working_in
from yolo_koin import ConvertDetectSpec, ConvertSpec, convert
from yolo_koin.errors import DatasetError, KoinError, RunError, WeightsError
from yolo_koin.parallel import silent
from yolo_koin.runs import TrainRun, prepared_at
from yolo_koin.specs import TrainSpec
from yolo_koin.verbs.convert import squares_for, usual_folder
from yolo_koin.verbs.resolve import USUAL_DATA, dataset_name, learnt_from, name_of, open_dataset, prepared, raw_data, weights_file
from yolo_koin.workspace import Workspace

HERE = Workspace()


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with a dataset, its conversion, and trainings of which the manifests and empty checkpoints are all there is."""
    home = tmp_path_factory.mktemp("resolve")
    make_koin(home / "data/KoIn", PEOPLE[:2])
    with working_in(home):
        made = convert(ConvertSpec()).root
        for place, status, fit in (
            ("train/old", "finished", "pad"),
            ("train/faces", "finished", "face"),
            ("train/begun", "interrupted", "pad"),
            ("benchmark/koin/cells/n-1", "finished", "pad"),
            ("train/newest", "finished", "pad"),
        ):
            folder = Path("runs") / place
            (folder / "weights").mkdir(parents=True)
            weights = folder / "weights/best.pt"
            if status == "finished":
                weights.touch()
            spec = TrainSpec(size="n", fit=fit)  # type: ignore[arg-type]
            TrainRun(folder=folder, spec=spec, converted=made, weights=weights).written(status=status)
        Path("alone.pt").touch()
        Path("mine").mkdir()
    return home


@pytest.fixture
def home(stage: Path, tmp_path: Path) -> Iterator[Path]:
    """A copy of it, which we are in."""
    shutil.copytree(stage, tmp_path / "home")
    with working_in(tmp_path / "home"):
        yield tmp_path / "home"


# ---------------------------------------------------------------------------------------------------------------- weights
@pytest.mark.parametrize(
    ("said", "file"),
    [
        pytest.param("alone.pt", "alone.pt", id="a file that lies alone"),
        pytest.param(Path("runs/train/old/weights/best.pt"), "runs/train/old/weights/best.pt", id="a file of a run"),
        pytest.param("old", "runs/train/old/weights/best.pt", id="a run"),
        pytest.param("koin/n-1", "runs/benchmark/koin/cells/n-1/weights/best.pt", id="a cell of a benchmark"),
        pytest.param(None, "runs/train/newest/weights/best.pt", id="nothing: the newest finished one"),
    ],
)
def test_what_is_said_and_what_is_meant(home: Path, said: str | Path | None, file: str) -> None:
    assert weights_file(said, HERE) == Path(file)


def test_a_model_of_faces_is_preferred_where_faces_are_named(home: Path) -> None:
    assert weights_file(None, HERE, "classify", of_faces=True) == Path("runs/train/faces/weights/best.pt")
    with pytest.raises(RunError, match="--task detect"):
        weights_file(None, HERE, "detect")


def test_from_another_folder(home: Path, tmp_path: Path) -> None:
    """A path as it is seen from where we are, before one in the workspace."""
    there = Workspace(home)
    with working_in(tmp_path):
        assert weights_file("old", there).resolve() == home / "runs/train/old/weights/best.pt"
        assert weights_file("alone.pt", there) == home / "alone.pt"
        Path("alone.pt").touch()
        assert weights_file("alone.pt", there) == Path("alone.pt")


def test_a_run_of_the_name_of_a_folder_here(home: Path) -> None:
    """Somebody's folder ``old`` hides no run, and a folder that is no run is told so."""
    Path("old").mkdir()
    assert weights_file("old", HERE) == Path("runs/train/old/weights/best.pt")
    with pytest.raises(
        WeightsError, match=r"a folder, not a weights file: mine\. Name the \.pt or \.safetensors file in it, or a training run"
    ):
        weights_file("mine", HERE)


@pytest.mark.parametrize(
    ("said", "words"),
    [
        pytest.param("none.pt", "no such weights file or training run: none.pt", id="a file that is not there"),
        pytest.param("koin/none", "no such weights file or training run", id="a cell that is not there"),
        pytest.param("begun", "the run begun is not there.*train --resume", id="a run without a checkpoint yet"),
        pytest.param("..", "a folder", id="no name"),
        pytest.param("", "a folder", id="nothing at all"),
    ],
)
def test_weights_that_are_not_there(home: Path, said: str, words: str) -> None:
    with pytest.raises(WeightsError, match=words):
        weights_file(said, HERE)


@pytest.mark.parametrize("said", ["newest", None, "koin/n-1"], ids=["by name", "the newest", "a cell"])
def test_a_run_whose_checkpoint_is_gone(home: Path, said: str | None) -> None:
    """It is told, and no older one is taken in its place."""
    for folder in ("train/newest", "benchmark/koin/cells/n-1"):
        Path("runs", folder, "weights/best.pt").unlink()
    with pytest.raises(WeightsError, match=r"is not there: runs/.*best\.pt\. Put it back, or train again"):
        weights_file(said, HERE)


def test_a_run_whose_manifest_is_damaged_is_no_run(home: Path) -> None:
    Path("runs/train/old/manifest.json").write_text("{")
    with pytest.raises(WeightsError, match="no such weights file or training run"):
        weights_file("old", HERE)


@pytest.mark.parametrize(
    ("weights", "name"),
    [("runs/train/old/weights/best.pt", "old"), ("runs/benchmark/koin/cells/n-1/weights/best.pt", "n-1"), ("alone.pt", "alone")],
)
def test_what_a_checkpoint_is_called(home: Path, weights: str, name: str) -> None:
    assert name_of(Path(weights)) == name


# ------------------------------------------------------------------------------------------------------------------- data
def test_the_dataset_that_a_prepared_one_is_of(home: Path) -> None:
    raw, made = (open_dataset(data, HERE) for data in ("data/KoIn", "data/koin-cls"))
    assert raw.root == made.root == Path("data/KoIn")
    assert len(raw.tests) == 8


def test_two_datasets_of_one_name_are_prepared_apart(home: Path, tmp_path: Path) -> None:
    """Each goes on with its own folders, which have one number, whatever is asked of which first. One that has moved is another."""
    other = make_koin(tmp_path / "elsewhere/KoIn", PEOPLE[:2])
    first, second = open_dataset("data/KoIn", HERE), open_dataset(str(other), HERE)
    spec = ConvertSpec(side=64)
    folders = [squares_for(dataset, spec, HERE, silent).folder.name for dataset in (second, first, second, first)]
    assert folders == ["koin-cls-2-64px", "koin-cls-64px"] * 2
    assert usual_folder(second, "det", ConvertDetectSpec(), HERE).name == "koin-det-2"
    moved = other.rename(tmp_path / "KoIn")
    assert squares_for(open_dataset(str(moved), HERE), spec, HERE, silent).folder.name == "koin-cls-3-64px"


def test_a_dataset_that_is_away_keeps_what_was_prepared_of_it(home: Path, tmp_path: Path) -> None:
    """Its disk is unplugged, and others of its name are asked for: one in the usual place, which its path resembles, and a new one."""
    disk = make_koin(tmp_path / "disk/data/KoIn", PEOPLE[:2])
    made = squares_for(open_dataset(str(disk), HERE), ConvertSpec(), HERE, silent)
    photos = {path: path.stat().st_mtime_ns for path in made.folder.rglob("*.jpg")}
    (tmp_path / "disk").rename(tmp_path / "unplugged")
    new = make_koin(tmp_path / "elsewhere/KoIn", PEOPLE[:2])
    folders = [squares_for(open_dataset(data, HERE), ConvertSpec(), HERE, silent).folder.name for data in ("data/KoIn", str(new))]
    assert folders == ["koin-cls", "koin-cls-3"]
    assert prepared_at(made.folder) == made
    (tmp_path / "unplugged").rename(tmp_path / "disk")
    assert squares_for(open_dataset(str(disk), HERE), ConvertSpec(), HERE, silent) == made
    assert photos == {path: path.stat().st_mtime_ns for path in made.folder.rglob("*.jpg")}
    assert photos


def test_datasets_of_one_name_that_are_first_prepared_at_once(home: Path, tmp_path: Path) -> None:
    known, barrier = open_dataset("data/KoIn", HERE), threading.Barrier(8)

    def chosen(number: int) -> str:
        barrier.wait()
        return usual_folder(replace(known, root=tmp_path / f"{number}/KoIn"), "cls", ConvertSpec(), HERE).name

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(chosen, range(8))) == [f"koin-cls-{number}" for number in range(2, 10)]
    assert not list(Path("data").glob(".*.lock"))


def test_folders_of_before_that_share_a_number_are_nobody_else_s(home: Path, tmp_path: Path) -> None:
    """Each variant was numbered by itself once, so that another dataset could have the first number too."""
    other = make_koin(tmp_path / "elsewhere/KoIn", PEOPLE[:2])
    convert(ConvertSpec(data=str(other), side=64, out=Path("data/koin-cls-64px")))
    first, second = open_dataset("data/KoIn", HERE), open_dataset(str(other), HERE)
    asked = [(dataset, spec) for dataset in (first, second) for spec in (ConvertSpec(), ConvertSpec(side=64))]
    folders = [usual_folder(dataset, "cls", spec, HERE).name for dataset, spec in asked]
    assert folders == ["koin-cls", "koin-cls-2-64px", "koin-cls-3", "koin-cls-64px"]


def test_no_folder_is_claimed_in_the_raw_dataset(tmp_path: Path) -> None:
    raw = make_koin(tmp_path / "data", PEOPLE[:2])
    before = sorted(raw.rglob("*"))
    with pytest.raises(DatasetError, match="may not lie in the raw one"):
        convert(ConvertSpec(data=str(raw), workspace=tmp_path))
    assert sorted(raw.rglob("*")) == before


def test_a_dataset_of_the_workspace(home: Path, tmp_path: Path) -> None:
    with working_in(tmp_path):
        assert open_dataset("data/KoIn", Workspace(home)).root == home / "data/KoIn"


@pytest.mark.parametrize("data", ["nowhere", "alone.pt", "mine"], ids=["no folder", "a file", "no dataset"])
def test_no_dataset(home: Path, data: str) -> None:
    with pytest.raises(DatasetError):
        open_dataset(data, HERE)


@pytest.mark.parametrize(
    ("data", "task", "found"),
    [
        pytest.param("data/koin-cls", "classify", True, id="a prepared one"),
        pytest.param("data/koin-cls", "detect", False, id="prepared for something else"),
        pytest.param("data/KoIn", "classify", False, id="a raw one"),
        pytest.param("nowhere", "classify", False, id="none"),
        pytest.param("sample", "classify", False, id="the built-in faces, whatever lies in a folder of that name"),
    ],
)
def test_whether_a_dataset_is_prepared(home: Path, data: str, task: str, found: bool) -> None:
    shutil.copytree("data/koin-cls", "sample")
    made = prepared(data, task, HERE)
    assert made == (prepared_at(Path(data)) if found else None)


@pytest.mark.parametrize(("wrapped", "name"), [("KoIn", "koin"), ("KoIn/Dataset", "koin"), ("My Photos", "my photos")])
def test_what_a_dataset_is_called(tmp_path: Path, wrapped: str, name: str) -> None:
    make_koin(tmp_path / wrapped, PEOPLE[:2])
    assert dataset_name(open_dataset(str(tmp_path / wrapped.split("/")[0]), HERE)) == name


def test_the_raw_dataset_of_a_model(home: Path) -> None:
    """What is named, else what it learnt from, else the usual place: in this order."""
    weights = Path("runs/train/old/weights/best.pt")
    made = learnt_from(weights)
    assert made is not None
    assert made.folder == Path("data/koin-cls")
    assert raw_data("mine", weights, HERE) == "mine"
    assert raw_data(None, weights, HERE) == "data/KoIn"
    shutil.move("data/KoIn", "data/photos")
    manifest = Path("data/koin-cls/manifest.json")
    manifest.write_text(manifest.read_text().replace('"../KoIn"', '"../photos"'))
    assert raw_data(None, weights, HERE) == "data/photos"
    shutil.rmtree("data/photos")
    assert raw_data(None, weights, HERE) == USUAL_DATA, "what it learnt from is gone"
    assert learnt_from(Path("alone.pt")) is None
    assert raw_data(None, Path("alone.pt"), HERE) == USUAL_DATA


def test_errors_are_one_line(home: Path) -> None:
    for said in ("none.pt", "mine", "begun"):
        with pytest.raises(KoinError) as caught:
            weights_file(said, HERE)
        assert "\n" not in str(caught.value)
