"""The small files beside a dataset: each line finds what it means however a tool spelled it, or is reported."""

from __future__ import annotations

import hashlib
import os
import unicodedata
from pathlib import Path

import pytest

from tests.dataset.conftest import put, several
from yolo_koin.dataset.ids import ImageIds, Labels
from yolo_koin.dataset.koin import Dataset, scan
from yolo_koin.dataset.side_tables import read_table
from yolo_koin.errors import DatasetError

TRAIN = "normal_cases/train"
HANGUL = unicodedata.normalize("NFC", "아이유")


@pytest.fixture
def raw(root: Path) -> Path:
    put(root, *several(TRAIN, ("0000", "0001", HANGUL), 3), *several("Hard_cases/test", ("0000", "0012"), 2))
    return root


def gone(dataset: Dataset) -> list[str]:
    return sorted(image.removeprefix(f"{TRAIN}/") for image in dataset.excluded)


ALL_OF_0 = ["0000/0.png", "0000/1.png", "0000/2.png", "Hard_cases/test/0000/0.png", "Hard_cases/test/0000/1.png"]


@pytest.mark.parametrize(
    ("line", "excluded"),
    [
        (f"{TRAIN}/0001/1.png", ["0001/1.png"]),
        (f"{TRAIN}\\0001\\1.png".replace("/", "\\"), ["0001/1.png"]),
        (f"./{TRAIN}/0001/1.png", ["0001/1.png"]),
        (f"/{TRAIN}/0001/1.png/", ["0001/1.png"]),
        (f"C:\\Users\\me\\KoIn\\{TRAIN}\\0001\\1.png", ["0001/1.png"]),
        (f'"{TRAIN}/0001/1.png"', ["0001/1.png"]),
        (f"{TRAIN}/0001/1.png  # asked on 3 May", ["0001/1.png"]),
        ("Normal_Cases/Train/0001/1.PNG", ["0001/1.png"]),
        ("hard_cases/test/0012/1.png", ["Hard_cases/test/0012/1.png"]),
        (unicodedata.normalize("NFD", f"{TRAIN}/{HANGUL}/1.png"), [f"{HANGUL}/1.png"]),
        ("0000", ALL_OF_0),
        ("0000/", ALL_OF_0),
        ("0000\\", ALL_OF_0),
        ("0", ALL_OF_0),
        ("0.0", ALL_OF_0),
        ("00", ALL_OF_0),
        ("Jane Doe", ALL_OF_0),
        ("12", ["Hard_cases/test/0012/0.png", "Hard_cases/test/0012/1.png"]),
        (f"{TRAIN}/0000", ALL_OF_0[:3]),
        (f"KoIn\\{TRAIN}\\0000\\", ALL_OF_0[:3]),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "cp949"])
def test_a_line_of_exclude_finds_whom_it_means(raw: Path, line: str, excluded: list[str], encoding: str) -> None:
    """A person who asked to be left out and is learnt after all is the worst fault that this package could have."""
    (raw / "classes.csv").write_text("folder,name\n0,Jane Doe\n")
    (raw / "exclude.txt").write_bytes(unicodedata.normalize("NFC", line).encode(encoding))
    if encoding == "utf-8":
        (raw / "exclude.txt").write_text(line, encoding="utf-8")
    dataset = scan(raw)
    assert gone(dataset) == excluded
    assert (dataset.unmatched, dataset.notes) == ((), ())


@pytest.mark.parametrize(
    ("line", "note"),
    [
        ("0002", "exclude.txt: '0002' is no image id, label or sha256 of this dataset"),
        ("train/0001/1.pgn", "'train/0001/1.pgn' is no image id"),
        ("Jahne Doe", "nothing is left out for it; did you mean Jane Doe?"),
        ("00O0", "so nothing is left out for it"),
        ("1.png", "is no image id"),
        ("f" * 64, "is no image id"),
    ],
    ids=["nobody", "a wrong ending", "a typing mistake", "a letter for a number, which could be any", "a file name alone", "no such file"],
)
def test_a_line_of_exclude_that_means_nobody_is_reported(raw: Path, line: str, note: str) -> None:
    put(raw, "normal_cases/train/Jane Doe/1.png")
    (raw / "exclude.txt").write_text(f"{line}\n")
    dataset = scan(raw)
    assert dataset.unmatched == (line,)
    (said,) = dataset.notes
    assert note in said


def test_a_number_that_two_people_have_is_nobody(root: Path) -> None:
    put(root, *several(TRAIN, ("1", "0001", "2"), 1))
    (root / "exclude.txt").write_text("01\n")
    assert scan(root).unmatched == ("01",)
    (root / "exclude.txt").write_text("1\n")
    assert gone(scan(root)) == ["1/0.png"], "what is spelled as it is there comes first"


def test_what_sha256sum_writes(raw: Path) -> None:
    path = raw / TRAIN / "0001/2.png"
    (raw / "exclude.txt").write_text(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  ./train/0001/2.png\n")
    assert gone(scan(raw)) == ["0001/2.png"]


def test_many_lines_that_match_nothing_are_summarised(raw: Path) -> None:
    (raw / "exclude.txt").write_text("\n".join(f"nobody {n}" for n in range(40)))
    dataset = scan(raw)
    assert len(dataset.unmatched) == 40
    assert len(dataset.notes) == 6
    assert dataset.notes[-1] == "and 35 more lines of exclude.txt without a match"


@pytest.mark.parametrize("prefix", ["", "./", "KoIn/", "D:\\data\\KoIn\\"])
@pytest.mark.parametrize("slash", ["/", "\\"])
def test_groups_find_their_photos(raw: Path, prefix: str, slash: str) -> None:
    """A group that is not found puts near-duplicates on both sides of the validation line."""
    ids = [f"{TRAIN}/0001/{n}.png".replace("/", slash) for n in range(2)]
    (raw / "groups.csv").write_text("image,group\n" + "".join(f"{prefix}{image},a\n" for image in ids))
    dataset = scan(raw)
    assert dataset.groups == {f"{TRAIN}/0001/{n}.png": "a" for n in range(2)}
    assert dataset.notes == ()


@pytest.mark.parametrize(
    ("table", "text", "note"),
    [
        ("groups.csv", "image,group\ntrain/0001/1.jpg,a\n", "groups.csv: 'train/0001/1.jpg' is no photo of this dataset"),
        ("synthetic.txt", "hard_case\n", "synthetic.txt: 'hard_case' is no case and no split; did you mean hard_cases?"),
        ("classes.csv", "folder,name\n00O0,IU\n", "classes.csv: '00O0' is no class of this dataset: its row names nobody, and can go"),
    ],
    ids=["groups", "synthetic", "classes"],
)
def test_a_line_of_another_table_that_matches_nothing_is_reported(raw: Path, table: str, text: str, note: str) -> None:
    (raw / table).write_text(text)
    assert scan(raw).notes == (note,)


def test_lines_about_excluded_people_are_no_mistakes(raw: Path) -> None:
    (raw / "exclude.txt").write_text("0001\n")
    (raw / "classes.csv").write_text("folder,name\n1,Jane\n")
    (raw / "groups.csv").write_text(f"image,group\n{TRAIN}/0001/1.png,a\n")
    dataset = scan(raw)
    assert dataset.notes == ()
    assert "0001" not in dataset.names


ROWS = (("folder", "name"), ("0000", HANGUL), ("0001", "NA"), ("0002", "null"))


@pytest.mark.parametrize(
    ("separator", "end", "encoding", "head"),
    [
        (",", "\n", "utf-8", ""),
        (";", "\r\n", "utf-8-sig", ""),
        (";", "\r\n", "utf-8-sig", "sep=;\r\n"),
        (";", "\n", "cp949", ""),
        ("\t", "\r\n", "utf-16", ""),
        ("\t", "\r\n", "utf-16-le", ""),
        (",", "\r", "utf-8", ""),
        ("|", "\n", "utf-16-be", "sep=|\n"),
    ],
    ids=["plain", "semicolons", "Excel's sep line", "a Korean spreadsheet", "Unicode text", "without a mark", "old Mac", "bars"],
)
@pytest.mark.parametrize("quote", ["", '"'])
def test_dialects_of_spreadsheets(tmp_path: Path, separator: str, end: str, encoding: str, head: str, quote: str) -> None:
    """What people get from "save as": and names such as NA stay texts."""
    text = head + end.join(separator.join(f"{quote}{cell}{quote}" for cell in line) for line in ROWS)
    (tmp_path / "t.csv").write_bytes(text.encode(encoding))
    assert read_table(tmp_path / "t.csv", ("folder", "name")).to_numpy().tolist() == [list(line) for line in ROWS[1:]]


def test_a_semicolon_in_a_name_is_no_delimiter(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("folder,name;note\n0,a;b\n")
    with pytest.raises(DatasetError, match="no column name"):
        read_table(tmp_path / "t.csv", ("folder", "name"))
    (tmp_path / "t.csv").write_text("folder,name\n0,a;b\n")
    assert read_table(tmp_path / "t.csv", ("folder", "name"))["name"].tolist() == ["a;b"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
@pytest.mark.parametrize("table", ["classes.csv", "exclude.txt", "groups.csv", "synthetic.txt"])
@pytest.mark.parametrize(
    ("kind", "reason"), [("pipe", "a pipe, a socket or a device"), ("loop", "a broken link"), ("gone", "a broken link")]
)
def test_something_else_in_place_of_a_table(raw: Path, table: str, kind: str, reason: str) -> None:
    """Opening a pipe would wait for ever, and a link to nowhere must not pass for a table that is not there."""
    if kind == "pipe":
        os.mkfifo(raw / table)
    else:
        (raw / table).symlink_to(raw / table if kind == "loop" else "/mnt/nowhere/x")
    with pytest.raises(DatasetError, match=rf"cannot read \({reason}.*{table}"):
        scan(raw)


@pytest.mark.parametrize("labels", [["Kim ", "Lee"], [" Kim", "Lee"]])
def test_a_label_with_a_space_is_found_without(labels: list[str]) -> None:
    assert Labels(labels).find("Kim") == labels[0]


@pytest.mark.parametrize("label", ["²", "٣", "1e3", "0x10", "inf", "-1", "1.5", "1,0"])
def test_only_plain_whole_numbers_are_numbers(label: str) -> None:
    known = Labels(["0000", "0001", "0002", "0003", "1000", "0016"])
    assert known.find(label) is None
    assert Labels([label]).find(label) == label


def test_ids_that_windows_could_not_tell_apart_need_their_own_spelling() -> None:
    ids = ImageIds(["train/a/1.jpg", "train/a/1.JPG"])
    assert ids.find("train\\a\\1.JPG") == "train/a/1.JPG"
    assert ids.find("Train/a/1.JPG") is None
