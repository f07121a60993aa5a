"""Reports over runs that do not go together, and over very few and very many people; no model is needed, the numbers are invented."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from yolo_koin import EvaluateSpec, ReportSpec, report
from yolo_koin.evaluation import face_predictions, predictions, scores, truth
from yolo_koin.evaluation.face_scores import score_faces
from yolo_koin.runs import ScoredRun

pytestmark = pytest.mark.usefixtures("screen_only")
SPLITS = ("normal_cases/test", "hard_cases/test")


def dataset(root: Path, labels: list[str], photos: int = 2, synthetic: str = "") -> Path:
    """Small photos of some people in two splits."""
    picture = Image.new("RGB", (12, 15), "#888888")
    for split in SPLITS:
        for label in labels:
            (root / split / label).mkdir(parents=True)
            for i in range(photos):
                picture.save(root / split / label / f"{i}.png")
    if synthetic:
        (root / "synthetic.txt").write_text(synthetic)
    return root


def answers(root: Path, labels: list[str], right: float = 0.7) -> pd.DataFrame:
    """What a model that knows these people says of the test photos: a wrong one is taken for the next person."""
    photos = sorted(path.relative_to(root) for split in SPLITS for path in (root / split).rglob("*.png"))
    true = [path.parent.name for path in photos]
    at = np.array([labels.index(label) if label in labels else 0 for label in true])
    missed = np.arange(len(photos)) % 10 >= 10 * right
    p = np.full((len(photos), len(labels)), 0.5 / len(labels), dtype=np.float32)
    p[np.arange(len(photos)), (at + missed) % len(labels)] += 0.5
    splits = ["/".join(path.parts[:2]) for path in photos]
    return predictions.rows(splits, [path.as_posix() for path in photos], true, p, labels)


def run(workspace: Path, name: str, root: Path, frame: pd.DataFrame, classes: int, synthetic: tuple[str, ...] = ()) -> None:
    """A scored run of whole photos."""
    folder = workspace / "runs/evaluate" / name
    scores.write(folder / "metrics.csv", scores.score(frame, name, classes, resamples=0))
    predictions.write(folder / "predictions.csv", frame)
    about = {"data": root, "classes": classes, "synthetic": synthetic}
    ScoredRun(folder=folder, spec=EvaluateSpec(), weights=Path("best.pt"), **about).written(status="finished")  # type: ignore[arg-type]


def page(workspace: Path, *runs: str) -> tuple[str, set[str]]:
    """The report, and the pictures in it."""
    made = report(ReportSpec(runs=runs, workspace=workspace))
    for path in made.files:
        assert path.is_file()
    return made.files[0].read_text(encoding="utf-8"), {
        path.relative_to(made.out).as_posix() for path in made.files if path.suffix == ".png"
    }


def test_runs_on_different_datasets_share_no_table_and_no_figure(tmp_path: Path) -> None:
    """The hard photos of one are synthetic, those of the other are real; ids and labels of their photos are the same."""
    people = ["p1", "p2", "p3"]
    for name, synthetic in (("good", ""), ("sample", "hard_cases\n")):
        root = dataset(tmp_path / "data" / name, people, synthetic=synthetic)
        run(tmp_path, f"on-{name}", root, answers(root, people), 3, ("hard_cases/test",) if synthetic else ())
    text, pictures = page(tmp_path, "on-good", "on-sample")
    good, sample = text.split("# Results on sample")
    assert good.startswith("# Results on good")
    assert "synthetic" not in good
    assert "hard_cases/test (synthetic)" in sample
    assert "run on-good" not in sample
    assert "McNemar" not in text, "photos of the same names are not the same photos"
    assert {"good/detection_performance.png", "sample/detection_performance.png"} <= pictures
    assert {path.split("/")[0] for path in pictures} == {"good", "sample"}


def test_runs_of_models_that_know_different_people(tmp_path: Path) -> None:
    """One never learnt half of them: its photos count as wrong, and the two are tested on the same photos."""
    people = ["0000", "0001", "0002", "0003"]
    root = dataset(tmp_path / "KoIn", people)
    run(tmp_path, "all", root, answers(root, people, 1.0), 4)
    run(tmp_path, "half", root, answers(root, people[:2], 1.0), 2)
    text, _ = page(tmp_path, "all", "half")
    assert "| run all  | normal_cases/test |      8 | 100.0 %" in text
    assert "| run half | normal_cases/test |      8 | 50.0 %" in text
    assert "| run all | run half |            4 |            0 |      8 | 0.25     | neither shown |" in text  # times the two splits


def test_runs_that_saw_different_photos_of_a_dataset_are_not_tested(tmp_path: Path) -> None:
    people = ["0000", "0001"]
    root = dataset(tmp_path / "KoIn", people)
    frame = answers(root, people)
    run(tmp_path, "all", root, frame, 2)
    run(tmp_path, "fewer", root, frame.iloc[1:].reset_index(drop=True), 2)
    text, _ = page(tmp_path, "all", "fewer")
    assert (
        "hard_cases/test: no test between the runs, since they were not scored on the same labelled photos (run all and run fewer)" in text
    )
    assert "| normal_cases/test | run all | run fewer | " in text


def test_a_run_that_names_faces_is_tested_against_one_of_whole_photos(tmp_path: Path) -> None:
    people = ["0000", "0001"]
    root = dataset(tmp_path / "KoIn", people, photos=5)
    frame = answers(root, people, 1.0)
    run(tmp_path, "whole", root, frame, 2)
    wrong = frame.index[frame["split"] == SPLITS[1]][:6]
    faces = frame.assign(x=1.0, y=1.0, width=8.0, height=8.0, face_score=0.9)
    faces.loc[wrong, ["pred_1", "pred_2"]] = faces.loc[wrong, ["pred_2", "pred_1"]].to_numpy()
    faces.loc[wrong, "true_rank"] = 2.0
    folder, none = tmp_path / "runs/evaluate/faces", pd.DataFrame(columns=list(truth.COLUMNS))
    face_predictions.write(folder / "predictions.csv", faces)
    truth.write(folder / "truth.csv", none)
    scores.write(folder / "metrics.csv", score_faces(faces, none, "faces", way="faces", resamples=0))
    ScoredRun(folder=folder, spec=EvaluateSpec(), weights=Path("best.pt"), data=root, classes=2, way="faces").written(status="finished")
    text, _ = page(tmp_path, "whole", "faces")
    assert "| run whole | run faces |            6 |            0 |     10 | 0.062    | neither shown |" in text  # times the two splits
    assert "any face of it is given the labelled person's name first" in text


def test_one_person(tmp_path: Path) -> None:
    """There is no top-1 of one class that says anything, and no gap; what can be said is."""
    root = dataset(tmp_path / "KoIn", ["0000"])
    run(tmp_path, "one", root, answers(root, ["0000"]), 1)
    text, pictures = page(tmp_path, "one")
    assert "no top1" not in text
    assert "The one person was recognised in 2 of 2 photos." in text
    assert "examples_for_each_case.png" in pictures


def test_a_thousand_people(tmp_path: Path) -> None:
    people = [f"{i:04d}" for i in range(1000)]
    root = dataset(tmp_path / "KoIn", people, photos=1)
    run(tmp_path, "many", root, answers(root, people), 1000)
    text, pictures = page(tmp_path, "many")
    assert "| run many | normal_cases/test |   1000 |" in text
    assert "per_class_hard.png" in pictures
    assert "Nobody was taken for the same other person more than once: 300 pairs were confused once each." in text
