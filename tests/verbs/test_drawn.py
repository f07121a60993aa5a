"""Boxes that people draw are brought in once and hold for every verb, until somebody says otherwise."""

from __future__ import annotations

import csv
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from tests.conftest import PEOPLE, make_koin
from yolo_koin import ConvertDetectSpec, convert_detect
from yolo_koin.dataset.boxes import Drawn, LabelledBox, read_boxes
from yolo_koin.dataset.detect import TABLE, read_boxes_table
from yolo_koin.errors import DatasetError
from yolo_koin.parallel import silent
from yolo_koin.runs import PreparedDataset, prepared_at
from yolo_koin.verbs.convert_detect import refresh
from yolo_koin.verbs.drawn import NONE, brought_in, drawn_boxes
from yolo_koin.verbs.resolve import open_dataset
from yolo_koin.workspace import Workspace

MINE = f"normal_cases/test/{PEOPLE[0]}/6.png"
OTHER = f"normal_cases/test/{PEOPLE[1]}/6.png"
NO_FACE = f"normal_cases/test/{PEOPLE[2]}/6.png"


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    make_koin(tmp_path / "KoIn")
    return Workspace(tmp_path)


def drawn(folder: Path, name: str, *rows: str) -> Path:
    file = folder / name
    file.write_text("\n".join(["image,label,x,y,width,height,score,provenance", *rows, ""]))
    return file


def bring(workspace: Workspace, boxes: Path | None) -> None:
    brought_in(open_dataset("KoIn", workspace), boxes, workspace)


def boxes_of(workspace: Workspace) -> dict[str, tuple[LabelledBox, ...]]:
    return drawn_boxes(open_dataset("KoIn", workspace))[0]


def test_what_was_drawn_holds_without_being_said_again_and_without_its_file(workspace: Workspace) -> None:
    file = drawn(
        workspace.root, "mine.csv", f"{MINE},{PEOPLE[0]},11.25,12,50,60.1,,", f"{OTHER},,1,2,30,40,0.75,centerface", f"{NO_FACE},,,,,,,"
    )
    read = read_boxes(file, open_dataset("KoIn", workspace))
    bring(workspace, file)
    file.unlink()
    assert boxes_of(workspace) == read.boxes
    assert read == Drawn(
        {
            MINE: (LabelledBox(PEOPLE[0], (11.25, 12.0, 50.0, 60.1), None, "drawn"),),
            OTHER: (LabelledBox(PEOPLE[1], (1.0, 2.0, 30.0, 40.0), 0.75, "centerface"),),
            NO_FACE: (),
        },
        (),
    )


def test_new_boxes_of_a_photo_take_the_place_of_its_old_ones_and_the_rest_stays(workspace: Workspace) -> None:
    bring(workspace, drawn(workspace.root, "1.csv", f"{MINE},,1,1,30,30,,", f"{OTHER},,2,2,30,30,,"))
    bring(workspace, drawn(workspace.root, "2.csv", f"{MINE},,5,5,30,30,,"))
    bring(workspace, None)
    assert {image: [face.box[0] for face in faces] for image, faces in boxes_of(workspace).items()} == {MINE: [5.0], OTHER: [2.0]}


def test_a_file_of_another_dataset_changes_nothing(workspace: Workspace) -> None:
    bring(workspace, drawn(workspace.root, "1.csv", f"{MINE},,1,1,30,30,,"))
    _, problems = brought_in(open_dataset("KoIn", workspace), drawn(workspace.root, "2.csv", "somebody/else.jpg,x,1,1,30,30,,"), workspace)
    assert len(problems) == 1
    assert set(boxes_of(workspace)) == {MINE}


def test_none_sets_aside_what_was_drawn_and_loses_nothing(workspace: Workspace) -> None:
    for x in (1, 2):
        bring(workspace, drawn(workspace.root, "mine.csv", f"{MINE},,{x},1,30,30,,"))
        bring(workspace, NONE)
        assert boxes_of(workspace) == {}
    aside = [file.read_text(encoding="utf-8") for file in sorted(workspace.data.glob("*.old*.csv"))]
    assert [next(csv.DictReader(text.splitlines()))["x"] for text in aside] == ["1.0", "2.0"]
    bring(workspace, NONE)  # nothing there any more: nothing to do


def test_boxes_beside_the_photos_come_first_and_those_brought_in_win(workspace: Workspace) -> None:
    drawn(workspace.root / "KoIn", "boxes.csv", f"{MINE},,1,1,30,30,,", f"{OTHER},,2,2,30,30,,")
    bring(workspace, drawn(workspace.root, "mine.csv", f"{MINE},,5,5,30,30,,"))
    assert {image: [face.box[0] for face in faces] for image, faces in boxes_of(workspace).items()} == {MINE: [5.0], OTHER: [2.0]}


def test_two_datasets_of_one_name_do_not_share_boxes(workspace: Workspace) -> None:
    make_koin(workspace.root / "elsewhere/KoIn")
    bring(workspace, drawn(workspace.root, "mine.csv", f"{MINE},,1,1,30,30,,"))
    assert drawn_boxes(open_dataset("elsewhere/KoIn", workspace)) == ({}, ())


def test_a_project_that_is_moved_keeps_its_boxes(workspace: Workspace, tmp_path_factory: pytest.TempPathFactory) -> None:
    bring(workspace, drawn(workspace.root, "mine.csv", f"{MINE},,1,1,30,30,,"))
    moved = Workspace(Path(shutil.move(workspace.root, tmp_path_factory.mktemp("moved") / "project")))
    assert set(boxes_of(moved)) == {MINE}


def read(root: Path) -> PreparedDataset:
    made = prepared_at(root)
    assert made is not None
    return made


def provenances(workspace: Workspace) -> dict[str, str]:
    table = read_boxes_table(workspace.data / "koin-det")
    return dict(zip(table["image"], table["provenance"], strict=True))


def test_the_loop_of_the_readme(workspace: Workspace) -> None:
    """Look, correct, bring back: and converting again later, or only training, does not go back to what the detector found."""

    def convert(boxes: Path | None = None) -> None:
        convert_detect(ConvertDetectSpec(data="KoIn", workspace=workspace.root, review=1, boxes=boxes))

    convert()
    rows = list(csv.DictReader((workspace.data / "koin-det" / TABLE).read_text(encoding="utf-8").splitlines()))
    for row in rows:
        if row["image"] == MINE:
            row.update(x="11", provenance="")
    corrected = workspace.root / "corrected.csv"
    with corrected.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    assert provenances(workspace)[MINE] == "centerface"
    convert(boxes=corrected)
    assert provenances(workspace)[MINE] == "drawn"
    corrected.unlink()
    convert()
    assert provenances(workspace)[MINE] == "drawn"
    refresh(read(workspace.data / "koin-det"), workspace, silent)
    assert provenances(workspace)[MINE] == "drawn"
    convert(boxes=NONE)
    assert provenances(workspace)[MINE] == "centerface"


def test_boxes_that_an_older_version_only_pointed_at_are_kept_from_now_on(workspace: Workspace) -> None:
    made = convert_detect(ConvertDetectSpec(data="KoIn", workspace=workspace.root, review=0)).converted.root
    file = drawn(workspace.root, "mine.csv", f"{MINE},,11,12,50,60,,")
    older = replace(read(made), boxes=file)
    refresh(older, workspace, silent)
    file.unlink()
    refresh(older, workspace, silent)
    assert provenances(workspace)[MINE] == "drawn"


def test_boxes_that_an_older_version_pointed_at_and_that_are_gone_are_missed(workspace: Workspace) -> None:
    made = convert_detect(ConvertDetectSpec(data="KoIn", workspace=workspace.root, review=0)).converted.root
    with pytest.raises(DatasetError, match=r"--boxes that .* was made with is gone"):
        refresh(replace(read(made), boxes=workspace.root / "gone.csv"), workspace, silent)
