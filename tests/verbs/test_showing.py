from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from yolo_koin.dataset.koin import Dataset, scan
from yolo_koin.evaluation.predictions import COLUMNS
from yolo_koin.evaluation.scores import COLUMNS as METRICS
from yolo_koin.reporting import prints
from yolo_koin.reporting.prints import ExampleRow
from yolo_koin.reporting.verdicts import Result
from yolo_koin.splits import GROUP, HARD, NORMAL, Split
from yolo_koin.verbs import drawing, report, results, showing
from yolo_koin.verbs.scored import Scored

CASES = (NORMAL, HARD, GROUP)


def put(root: Path, people: dict[str, str], photos: int = 2) -> Dataset:
    """Photos of some people: by name, the first letters of the cases that show them."""
    for person, cases in people.items():
        for split in (case for case in CASES if case.case[0] in cases):
            folder = root / str(split) / person
            folder.mkdir(parents=True)
            for i in range(photos):
                Image.new("RGB", (40, 50), (i, 0, 0)).save(folder / f"{i}.png")
    return scan(root)


@pytest.fixture
def rows(monkeypatch: pytest.MonkeyPatch) -> list[ExampleRow]:
    """The rows that are drawn."""
    found: list[ExampleRow] = []

    def record(rows: list[ExampleRow], title: str) -> Image.Image:
        found.extend(rows)
        return Image.new("RGB", (1, 1))

    monkeypatch.setattr(prints, "examples_for_each_case", record)
    return found


def names(row: ExampleRow) -> list[str]:
    return [name for _, name in row.photos]


def test_one_person_a_column(tmp_path: Path, rows: list[ExampleRow]) -> None:
    """Of many people those that all cases have."""
    people = {f"p{i:02d}": "nhg" if i % 2 else "nh" for i in range(40)}
    showing.examples(put(tmp_path / "KoIn", people), "KoIn", tmp_path)
    assert [row.case for row in rows] == ["normal", "hard", "group"]
    assert len(names(rows[0])) == showing.EXAMPLES
    assert names(rows[0]) == names(rows[1]) == names(rows[2])


def test_where_a_case_lacks_somebody_another_stands(tmp_path: Path, rows: list[ExampleRow]) -> None:
    people = {**{f"p{i}": "nh" for i in range(8)}, "q0": "g", "q1": "g"}
    showing.examples(put(tmp_path / "KoIn", people), "KoIn", tmp_path)
    assert names(rows[0]) == names(rows[1]) == [f"p{i}" for i in range(8)]
    assert names(rows[2]) == ["q0", "q1"]


def test_an_unreadable_photo_leaves_no_gap(tmp_path: Path, rows: list[ExampleRow]) -> None:
    dataset = put(tmp_path / "KoIn", {f"p{i}": "nh" for i in range(10)})
    for sample in dataset.of(HARD):
        if sample.label == "p3" or sample.path.name == "0.png":
            sample.path.write_bytes(b"no photo")
    showing.examples(dataset, "KoIn", tmp_path)
    assert len(names(rows[1])) == showing.EXAMPLES == len(set(names(rows[1])))
    assert "p3" not in names(rows[1])


def frame(*photos: tuple[str, str, str, str]) -> pd.DataFrame:
    """Predictions: split, image, true label and first name."""
    table = pd.DataFrame("", index=range(len(photos)), columns=list(COLUMNS))
    table[["split", "image", "true_label", "pred_1"]] = list(photos)
    table["true_rank"] = [1 if true and true == named else np.nan for _, _, true, named in photos]
    return table


@pytest.mark.parametrize(
    ("photos", "title", "remark"),
    [
        (
            [("hard_cases/test", "a.png", "a", "a"), ("hard_cases/test", "b.png", "b", "a")],
            "n-seed0 on hard_cases/test of KoIn (synthetic)",
            "top-1 50.0 % of 2 photos",
        ),
        ([("", "1.jpg", "", "a")], "n-seed0 on 여행 사진", ""),
    ],
    ids=["a split", "photos of the user's own"],
)
def test_a_contact_sheet_tells_what_it_shows(
    photos: list[tuple[str, str, str, str]], title: str, remark: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And no path of this computer."""
    told: dict[str, object] = {}

    def record(tiles: list[Image.Image], **said: object) -> Image.Image:
        told.update(said)
        return Image.new("RGB", (1, 1))

    monkeypatch.setattr(drawing, "contact_sheet", record)
    drawing.sheet_of([], frame(*photos), "n-seed0", "/home/somebody/여행 사진", synthetic={"hard_cases/test"}, dataset="KoIn")
    assert told == {"title": title, "total": len(photos), "remark": remark}


def test_a_photo_without_a_label_is_called_by_its_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (labelled, _), files = put(tmp_path / "KoIn", {"a": "n"}).samples, []

    def record(result: Result) -> Image.Image:
        files.append(result.file)
        return Image.new("RGB", (1, 1))

    monkeypatch.setattr(drawing, "tile", record)
    for sample in (labelled, replace(labelled, image="여행/1.png", split=Split(), label="")):
        rows = drawing.rows_of(frame((str(sample.split), sample.image, sample.label, "a")).assign(score_1=0.5))
        drawing.Drawing({sample.image: tmp_path / "out.jpg"}, {})((sample, rows))
    assert files == ["", "1.png"]


def test_people_of_one_name_are_told_apart() -> None:
    names, notes = drawing.drawable({"0007": "김민준", "0012": "김민준", "0013": "이서연"})
    assert list(names.values()) == ["김민준 (0007)", "김민준 (0012)", "이서연"]
    assert notes == ()


# ------------------------------------------------------------------------------------------------------------- the report
def scored(name: str, seed: int = 0, data: Path | None = None, way: str = "whole", model: str = "YOLOv8n-cls, normal") -> Scored:
    title = f"{model}, seed {seed}" if seed else model
    return Scored(name, model, seed, "", title, pd.DataFrame(), pd.DataFrame(), None, data, frozenset(), 0.5, way)


def test_titles_tell_seeds_and_each_dataset_has_a_part_of_its_own(tmp_path: Path) -> None:
    def titles(*runs: Scored) -> dict[str, list[str]]:
        return {dataset: [run.title for run in some] for dataset, some in report.by_dataset(runs).items()}

    sample, koin, other = tmp_path / "sample", tmp_path / "a/KoIn", tmp_path / "b/KoIn/Dataset"
    one, seed1, medium = scored("a", data=sample), scored("b", 1, data=sample), scored("b", data=sample, model="YOLOv8m-cls, normal")
    assert titles(one, medium) == {"sample": ["YOLOv8n-cls, normal", "YOLOv8m-cls, normal"]}
    assert titles(one, seed1) == {"sample": ["YOLOv8n-cls, normal, seed 0", "YOLOv8n-cls, normal, seed 1"]}
    assert titles(one, scored("b", data=koin)) == {"sample": ["YOLOv8n-cls, normal"], "KoIn": ["YOLOv8n-cls, normal"]}
    assert list(titles(scored("a", data=koin), scored("b", data=other), scored("c"))) == ["a/KoIn", "KoIn/Dataset", report.UNKNOWN]


def test_no_value_is_without_its_number_of_photos() -> None:
    rows = [("person_top1", 80, 0.4), ("map50", 12, np.nan), ("top1_found", 9, 0.4), ("names_recall", 12, 0.4)]
    table = pd.DataFrame([("a", "hard_cases/test", metric, 0.5, low, low + 0.2, n) for metric, n, low in rows], columns=METRICS)
    (row,) = results.readable(table).to_dict("records")
    assert row == {
        "model": "a",
        "split": "hard_cases/test",
        "photos": 80,
        "person named": "50.0 % [40.0, 60.0]",
        "boxed photos": "12",
        "recall of names": "50.0 % [40.0, 60.0]",
        "top-1 of faces found": "50.0 % [40.0, 60.0] (9)",
        "mAP@0.5": "50.0 %",
    }
    assert "boxed photos" not in results.readable(table.head(1)), "of a run that names whole photos"
