"""Boxes that people draw are brought in once and hold for every verb, until somebody says otherwise."""

from __future__ import annotations

import csv
import json
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from tests.conftest import PEOPLE, att, make_koin
from tests.dataset.conftest import tree
from yolo_koin import ConvertDetectSpec, convert_detect
from yolo_koin.dataset.boxes import Drawn, LabelledBox, read_boxes
from yolo_koin.dataset.detect import TABLE, read_boxes_table, truth
from yolo_koin.errors import DatasetError
from yolo_koin.parallel import silent
from yolo_koin.reporting.sheets import TO_DRAW, Plan, ReviewPhoto
from yolo_koin.runs import PreparedDataset, prepared_at
from yolo_koin.verbs.convert_detect import refresh
from yolo_koin.verbs.drawn import NONE, brought_in, drawn_boxes
from yolo_koin.verbs.resolve import open_dataset
from yolo_koin.workspace import Workspace

HEAD = "image,label,x,y,width,height,score,provenance"
MINE = f"normal_cases/test/{PEOPLE[0]}/6.png"
OTHER = f"normal_cases/test/{PEOPLE[1]}/6.png"
NO_FACE = f"normal_cases/test/{PEOPLE[2]}/6.png"


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    make_koin(tmp_path / "KoIn")
    return Workspace(tmp_path)


def drawn(folder: Path, name: str, *rows: str) -> Path:
    file = folder / name
    file.write_text("\n".join([HEAD, *rows, ""]))
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


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f"{HEAD}\nsomebody/else.jpg,x,1,1,30,30,,\n", r"unknown photo somebody/else.jpg.*2.csv, row 2. Check that it is of .*KoIn"),
        (f"{HEAD}\n" + "somebody/else.jpg,x,1,1,30,30,,\n" * 500, r"\(unknown photo somebody/else.jpg\)"),
        (f"image,label,x,y\n{MINE},,1,1\n", "no column width, height.*has the columns image,label,x,y,width,height"),
        (f"{HEAD}\n{MINE},,1,1,30,30,0.9,suggested\n{MINE},,1,40,30,30,0.9,suggested\n", "2 suggestions in 1 photo not taken for drawn"),
        (f"{HEAD}\n", "no box can be used .it has none"),
    ],
    ids=["of another dataset", "and long", "half the columns", "suggestions that nobody decided on", "nothing in it"],
)
def test_a_file_without_a_box_that_can_be_used_is_a_mistake_and_changes_nothing(workspace: Workspace, text: str, said: str) -> None:
    bring(workspace, drawn(workspace.root, "1.csv", f"{MINE},,1,1,30,30,,"))
    before = tree(workspace.data)
    (workspace.root / "2.csv").write_text(text)
    with pytest.raises(DatasetError, match=said) as raised:
        bring(workspace, workspace.root / "2.csv")
    assert "\n" not in str(raised.value)
    assert {name: file for name, file in tree(workspace.data).items() if not name.endswith(".lock")} == before


def test_a_file_whose_only_photo_is_unsure_is_told_and_changes_nothing(workspace: Workspace) -> None:
    """It is of this dataset: the photo is a problem, the command goes on."""
    bring(workspace, drawn(workspace.root, "1.csv", f"{MINE},,1,1,30,30,,"))
    images = [{"id": i, "file_name": MINE, "width": 92, "height": 112} for i in (1, 51)]
    shapes = [{"id": i, "image_id": i, "category_id": 1, "bbox": [10 + i, 20, 60, 70]} for i in (1, 51)]
    told = {"images": images, "categories": [{"id": 1, "name": PEOPLE[0]}], "annotations": shapes}
    (workspace.root / "c.json").write_text(json.dumps(told))
    _, problems = brought_in(open_dataset("KoIn", workspace), workspace.root / "c.json", workspace)
    assert [problem.reason for problem in problems] == [f"{MINE} stands under 2 image ids (1, 51)"]
    assert [face.box[0] for face in boxes_of(workspace)[MINE]] == [1.0]


def test_of_many_boxes_that_cannot_be_used_some_are_named(workspace: Workspace) -> None:
    lines = [f"{MINE},,1,1,30,30,,", *(f"somebody/{n}.jpg,x,1,1,30,30,," for n in range(500))]
    _, problems = brought_in(open_dataset("KoIn", workspace), drawn(workspace.root, "2.csv", *lines), workspace)
    assert (set(boxes_of(workspace)), len(problems), problems[-1].reason) == ({MINE}, 11, "490 more problems like these")


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


@pytest.fixture
def group(workspace: Workspace) -> str:
    """A group photo with two faces, and no box."""
    stage = Image.new("RGB", (260, 160), (90, 90, 90))
    for place, person in enumerate((1, 2)):
        stage.paste(att(person, 6), (20 + 128 * place, 24))
    path = workspace.root / "KoIn/group_cases/test" / PEOPLE[0] / "1.png"
    path.parent.mkdir(parents=True)
    stage.save(path)
    return path.relative_to(workspace.root / "KoIn").as_posix()


def edit(table: Path, change: Callable[[list[dict[str, str]]], list[dict[str, str]]]) -> None:
    """What a person does to a table."""
    rows = list(csv.DictReader(table.read_text(encoding="utf-8").splitlines()))
    with table.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(change(rows))


def test_the_loop_of_the_page_of_faces(workspace: Workspace, group: str) -> None:
    """Look, correct, bring back, each line as the page has it: and converting again later does not go back to what the detector found."""
    page = (Path(__file__).parents[2] / "docs" / "faces.md").read_text(encoding="utf-8")
    convert, copy, bring_back = re.search(r"\*\*Look through them.*?```bash\n(.*?)```", page, re.DOTALL)[1].splitlines()  # type: ignore[index]

    def run(line: str) -> str:
        words = shlex.split(line, comments=True)
        words[:1] = [sys.executable, "-m", "yolo_koin"] if words[0] == "yolo_koin" else words[:1]
        return subprocess.run(words, cwd=workspace.root, check=True, capture_output=True, text=True, encoding="utf-8").stdout

    def correct(rows: list[dict[str, str]]) -> list[dict[str, str]]:
        """As the page says: a box that is wrong, who is who in a group photo, and a spreadsheet that sorts by score."""
        for row in rows:
            row |= {"x": "11", "provenance": ""} if row["image"] == MINE else {}
            row |= {"label": "unknown" if float(row["x"]) > 130 else PEOPLE[0]} if row["image"] == group else {}
        return sorted(rows, key=lambda row: row["score"])

    make_usual(workspace)
    assert "2 faces in 1 photo suggested in boxes.csv, and not used" in run(convert)
    assert len(list((workspace.data / "koin-det/review").glob("page-*.png"))) == 3
    assert MINE in provenances(workspace)
    run(copy)
    edit(workspace.root / "corrected.csv", correct)
    run(bring_back)
    (workspace.root / "corrected.csv").unlink()
    for _ in range(2):
        found = read_boxes_table(workspace.data / "koin-det")
        assert set(found.loc[found["image"].isin([MINE, group]), "provenance"]) == {"drawn"}
        assert sorted(found.loc[found["image"] == group, "label"]) == ["", PEOPLE[0]]
        run(convert)
    run(f"{convert.partition('#')[0]} --boxes none")
    assert provenances(workspace)[MINE] == "centerface"
    assert provenances(workspace)[group] == "suggested"


def make_usual(workspace: Workspace) -> None:
    """Put the photos where commands look for them when nothing is said."""
    workspace.data.mkdir(exist_ok=True)
    (workspace.root / "KoIn").rename(workspace.data / "KoIn")


def test_a_suggestion_is_never_true(workspace: Workspace, group: str) -> None:
    """Neither as it is written nor brought back by mistake: of three photos of a copy only what somebody decided on counts."""
    two = f"normal_cases/train/{PEOPLE[1]}/two.png"
    shutil.copy(workspace.root / "KoIn" / group, workspace.root / "KoIn" / two)
    spec = ConvertDetectSpec(data="KoIn", workspace=workspace.root, review=0)
    made = convert_detect(spec).converted
    assert made.suggested == {group: 2, two: 2}
    assert (made.left_out, made.boxes) == ({group: "not known who is who", two: "no clearly dominant face (2 faces)"}, {"centerface": 36})
    table = read_boxes_table(made.root)
    assert not list(made.root.rglob("*two*.txt"))
    assert set(truth(table)["provenance"]) == {"centerface"}
    shutil.copy(made.root / TABLE, workspace.root / "mine.csv")

    def decide(rows: list[dict[str, str]]) -> list[dict[str, str]]:
        """In one photo on both faces, in the other on none."""
        return [row | ({"label": PEOPLE[1]} if row["image"] == two else {}) for row in rows if row["image"] in {two, group}][:3]

    edit(workspace.root / "mine.csv", decide)
    result = convert_detect(replace(spec, boxes=workspace.root / "mine.csv"))
    assert [problem.reason.partition(":")[0] for problem in result.problems] == ["2 suggestions in 1 photo not taken for drawn"]
    assert (result.converted.suggested, result.converted.boxes) == ({group: 2}, {"centerface": 36, "drawn": 1})


def test_what_a_spreadsheet_makes_of_a_table_changes_nothing(workspace: Workspace) -> None:
    """Sorted, in the encoding and with the commas of a Korean or German Windows, the class 0003 as the number 3, blank rows at its end."""
    made = convert_detect(ConvertDetectSpec(data="KoIn", workspace=workspace.root, review=0)).converted.root
    table = list(csv.reader((made / TABLE).read_text(encoding="utf-8").splitlines()))
    head, rows = table[0], sorted(table[1:], key=lambda row: row[2], reverse=True)
    lines = [
        ";".join([row[0], str(int(row[1])) if row[1].isdigit() else row[1], *(cell.replace(".", ",") for cell in row[2:7]), *row[7:]])
        for row in rows
    ]
    saved = workspace.root / "saved.csv"
    saved.write_bytes("\r\n".join([";".join(head), *lines, ";" * (len(head) - 1), ""]).encode("cp949"))
    dataset = open_dataset("KoIn", workspace)
    assert read_boxes(saved, dataset) == read_boxes(made / TABLE, dataset)
    assert len(read_boxes(saved, dataset).boxes) == 36


def test_pages_show_what_is_still_to_be_drawn_first(workspace: Workspace, group: str, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn_last, unsure = f"hard_cases/test/{PEOPLE[1]}/8.png", f"normal_cases/test/{PEOPLE[3]}/7.png"
    for part in ("train", "test"):
        Image.effect_noise((92, 112), 40).save(workspace.root / f"KoIn/normal_cases/{part}/{PEOPLE[0]}/noise.png")
    (workspace.root / f"KoIn/normal_cases/test/{PEOPLE[0]}/broken.png").write_bytes(b"no photo")
    bring(workspace, drawn(workspace.root, "1.csv", f"{drawn_last},,9,9,60,60,,", f"{unsure},,9,9,60,60,0.1,mine", f"{NO_FACE},,,,,,,"))
    seen: list[tuple[str, str, list[ReviewPhoto]]] = []

    def record(photos: Iterator[ReviewPhoto], plan: Plan, title: str) -> Image.Image:
        seen.append((title, "draw" if plan == TO_DRAW else "check", list(photos)))
        return Image.new("RGB", (1, 1))

    monkeypatch.setattr("yolo_koin.verbs.review.review_page", record)
    result = convert_detect(ConvertDetectSpec(data="KoIn", workspace=workspace.root))
    assert [kind for _, kind, _ in seen] == ["draw", "check", "check"]
    assert [photo.image for photo in seen[0][2]] == [group, *(f"normal_cases/{part}/{PEOPLE[0]}/noise.png" for part in ("test", "train"))]
    assert seen[0][2][0].reason == "not known who is who"
    shown = [photo.image for _, _, photos in seen for photo in photos]
    assert (shown[3], shown[-1]) == (unsure, drawn_last)
    table = read_boxes_table(result.converted.root)
    assert set(shown) == set(table["image"]) - {NO_FACE, f"normal_cases/test/{PEOPLE[0]}/broken.png"}
    assert result.photos == (len(shown), len(shown))
    lines = (result.converted.root / TABLE).read_text(encoding="utf-8").splitlines()
    for photo in (photo for _, _, photos in seen for photo in photos):
        for line in range(photo.line, photo.line + max(1, len(photo.faces))):
            assert lines[line - 1].startswith(f"{photo.image},")
    assert convert_detect(ConvertDetectSpec(data="KoIn", workspace=workspace.root, review=1)).photos == (3, len(shown))


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
