"""Reading KoIn folders: both layouts, all the ways in which people pack them, and what they write wrongly into the tables."""

from __future__ import annotations

import hashlib
import os
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.dataset.conftest import put, tree
from yolo_koin.dataset.koin import Dataset, find_root, nfc, read_lines, read_table, scan
from yolo_koin.dataset.walk import LITTER
from yolo_koin.errors import DatasetError
from yolo_koin.splits import HARD, Split

HANGUL = "김민준"
NFC, NFD = (unicodedata.normalize(form, HANGUL) for form in ("NFC", "NFD"))


def images(dataset: Dataset) -> list[str]:
    return [s.image for s in dataset.samples]


# ------------------------------------------------------------------------------------------------------------- layouts
def test_layout_a(root: Path) -> None:
    put(root, *(f"{case}/{part}/{label}/1.jpg" for case in ("normal_cases", "hard_cases") for part in ("train", "test") for label in "ab"))
    dataset = scan(root)
    assert tuple(map(str, dataset.splits)) == ("normal_cases/train", "normal_cases/test", "hard_cases/train", "hard_cases/test")
    assert len(dataset.samples) == 8
    assert [s.label for s in dataset.of(Split.parse("hard_cases/test"))] == ["a", "b"]
    assert dataset.names == {"a": "a", "b": "b"}
    assert (dataset.excluded, dataset.unsupported, dataset.empty, dataset.groups) == ((), (), (), {})


def test_layout_b(root: Path) -> None:
    put(
        root / "Dataset",
        "normal_cases/train/0000/0.jpg",
        "normal_cases/test/0000/0.jpg",
        "hard_cases/test/0099/0.jpg",
        "Group_cases/test/0000/0.jpg",
    )
    dataset = scan(root)
    assert dataset.root == root / "Dataset"
    assert tuple(map(str, dataset.splits)) == ("normal_cases/train", "normal_cases/test", "hard_cases/test", "group_cases/test")
    assert "Group_cases/test/0000/0.jpg" in images(dataset), "an image id is a path that can be opened"
    assert all((dataset.root / s.image).samefile(s.path) for s in dataset.samples)


@pytest.mark.parametrize("spelling", ["normal_cases/train", "Normal_Cases/Train", "NORMAL_CASES/TRAIN"])
def test_any_letter_case_of_the_splits(root: Path, spelling: str) -> None:
    put(root, f"{spelling}/a/1.jpg")
    assert tuple(map(str, scan(root).splits)) == ("normal_cases/train",)


def test_splits_that_differ_in_letter_case_only_are_one(root: Path) -> None:
    put(root, "normal_cases/train/a/1.jpg", "Normal_Cases/Train/a/1.jpg")
    dataset = scan(root)
    assert len(dataset.of(Split.parse("normal_cases/train"))) == 2
    assert len(set(images(dataset))) == 2


def test_a_person_in_nfd_and_in_nfc_is_one_class(root: Path) -> None:
    put(root, f"normal_cases/train/{NFD}/1.jpg", f"normal_cases/test/{NFC}/1.jpg")
    dataset = scan(root)
    assert NFC != NFD
    assert {s.label for s in dataset.samples} == {NFC}
    assert images(dataset) == [f"normal_cases/test/{NFC}/1.jpg", f"normal_cases/train/{NFC}/1.jpg"]
    assert all(s.path.is_file() for s in dataset.samples)
    assert list(dataset.names) == [NFC]


def test_one_split_with_both_spellings_of_a_person(root: Path) -> None:
    put(root, f"normal_cases/train/{NFD}/1.jpg", f"normal_cases/train/{NFC}/2.jpg")
    assert images(scan(root)) == [f"normal_cases/train/{NFC}/{i}.jpg" for i in (1, 2)]


def test_two_files_with_one_image_id_are_refused(root: Path) -> None:
    put(root, f"normal_cases/train/{NFD}/1.jpg", f"normal_cases/train/{NFC}/1.jpg")
    with pytest.raises(DatasetError, match=r"two Unicode forms.*1\.jpg.*Rename"):
        scan(root)


@pytest.mark.parametrize(
    "name", ["1.JPG", "1.jpeg", "1.Webp", "1.bmp", "1.PNG", "with space.jpg", "a,b\"c'.jpg", "사진.jpg", "1.tar.jpg", "#1.jpg"]
)
def test_names_of_photos(root: Path, name: str) -> None:
    put(root, f"normal_cases/train/Kim Min Jun/{name}")
    assert images(scan(root)) == [f"normal_cases/train/Kim Min Jun/{name}"]


def test_litter_of_archives_and_desktops_is_not_there(root: Path) -> None:
    put(root, "normal_cases/train/a/1.jpg")
    for litter in ("a/._1.jpg", "a/.DS_Store", "a/Thumbs.db", "a/desktop.ini", ".hidden/1.jpg", "__MACOSX/1.jpg"):
        path = root / "normal_cases/train" / litter
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"litter")
    put(root, "__MACOSX/normal_cases/train/b/1.jpg")
    dataset = scan(root)
    assert images(dataset) == ["normal_cases/train/a/1.jpg"]
    assert (dataset.unsupported, dataset.empty) == ((), ())


def test_what_is_no_photo_is_named(root: Path) -> None:
    put(root, "normal_cases/train/a/1.jpg", "normal_cases/train/a/folder.jpg/1.jpg", "normal_cases/train/a/b.gif")
    (root / "normal_cases/train/a/notes.txt").write_text("hello")
    (root / "normal_cases/train/a/gone.jpg").symlink_to(root / "nowhere.jpg")
    (root / "hard_cases/test/a").mkdir(parents=True)
    (root / "hard_cases/validation/a").mkdir(parents=True)
    dataset = scan(root)
    assert images(dataset) == ["normal_cases/train/a/1.jpg", "normal_cases/train/a/gone.jpg"], "a link to nowhere is a photo to be mourned"
    assert dataset.unsupported == tuple(f"normal_cases/train/a/{name}" for name in ("b.gif", "notes.txt"))
    assert dataset.empty == ((HARD, "a"),)
    assert dataset.notes == (
        "hard_cases/validation: a folder that is no split (train, val, test), not used",
        "normal_cases/train/a/folder.jpg: a folder with 1 photo, not used; move them up into a/ to use them",
        f"{root}: 1 file not read as a photo, by its ending (.gif); save a picture of it as PNG",
    )


def test_scanning_changes_nothing_and_opens_no_photo(root: Path) -> None:
    put(root, "normal_cases/train/a/1.jpg")
    (root / "normal_cases/train/a/broken.jpg").write_bytes(b"")
    before = tree(root)
    assert len(scan(root).samples) == 2
    assert tree(root) == before


# ------------------------------------------------------------------------------------------------------- no such dataset
def test_a_missing_dataset_names_both_ways_out(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"no dataset: .*KoIn.*--data.*sample"):
        scan(tmp_path / "KoIn")


def test_a_file_is_no_dataset(tmp_path: Path) -> None:
    (tmp_path / "KoIn.zip").write_bytes(b"PK")
    with pytest.raises(DatasetError, match=r"a file, not a folder"):
        scan(tmp_path / "KoIn.zip")


@pytest.mark.parametrize("inside", ["normal/train/a/1.jpg", "a/b/normal_cases/train/a/1.jpg"], ids=["other names", "too deep"])
def test_a_folder_without_cases(root: Path, inside: str) -> None:
    put(root, inside)
    with pytest.raises(DatasetError, match="no normal_cases/ or hard_cases/ folder"):
        find_root(root)


def test_a_file_called_normal_cases_is_no_case(root: Path) -> None:
    root.mkdir()
    (root / "normal_cases").write_text("")
    with pytest.raises(DatasetError, match="no normal_cases/"):
        find_root(root)


def test_two_datasets_in_one_folder_are_not_guessed_between(tmp_path: Path) -> None:
    put(tmp_path, "KoIn10/normal_cases/train/a/1.jpg", "KoIn50/normal_cases/train/a/1.jpg", "notes/a/1.jpg")
    with pytest.raises(DatasetError, match=r"more than one dataset \(KoIn10, KoIn50\)"):
        find_root(tmp_path)


@pytest.mark.parametrize("folder", ["normal_cases/train/a", "normal_cases"], ids=["empty class", "empty case"])
def test_a_dataset_without_photos(root: Path, folder: str) -> None:
    (root / folder).mkdir(parents=True)
    with pytest.raises(DatasetError, match="no photo in the dataset"):
        scan(root)


@pytest.mark.skipif(os.sep != "/", reason="file names are bytes on POSIX systems only")
@pytest.mark.parametrize("where", ["normal_cases/train/{}/1.jpg", "normal_cases/train/a/{}.jpg"], ids=["class", "photo"])
def test_names_in_cp949_are_told_of(root: Path, where: str) -> None:
    put(root, "normal_cases/train/a/1.jpg")
    path = os.fsencode(root / where.replace("{}", "\0")).replace(b"\0", HANGUL.encode("cp949"))
    try:
        os.makedirs(os.path.dirname(path), exist_ok=True)  # noqa: PTH103, PTH120  # a Path cannot hold these bytes
        Path(os.fsdecode(path)).write_bytes(b"")
    except OSError:
        pytest.skip("this file system takes UTF-8 names only")
    with pytest.raises(DatasetError, match="not UTF-8") as caught:
        scan(root)
    str(caught.value).encode()  # can be printed


# ------------------------------------------------------------------------------------------------------------- classes.csv
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp949"], ids=["plain", "Excel's UTF-8", "a Korean spreadsheet"])
def test_display_names(root: Path, encoding: str) -> None:
    put(root, "normal_cases/train/0000/1.jpg", "normal_cases/train/0001/1.jpg", "normal_cases/train/b/1.jpg")
    (root / "normal_cases/train/0010").mkdir()
    (root / "classes.csv").write_text(f"folder,name\r\n0, {HANGUL} \r\n0001,IU\r\n10,Ten\r\n\r\n99,nobody\r\nb,\r\n", encoding=encoding)
    assert scan(root).names == {"0000": NFC, "0001": "IU", "0010": "Ten", "b": "b"}


def test_the_folder_itself_comes_before_its_number(root: Path) -> None:
    put(root, "normal_cases/train/0001/1.jpg", "normal_cases/train/1/1.jpg")
    (root / "classes.csv").write_text("folder,name\n1,one\n0001,long one\n")
    assert scan(root).names == {"0001": "long one", "1": "one"}


def test_a_folder_name_in_nfd(root: Path) -> None:
    put(root, f"normal_cases/train/{NFC}/1.jpg")
    (root / "classes.csv").write_text(f"folder,name\n{NFD},Min\n", encoding="utf-8")
    assert scan(root).names == {NFC: "Min"}


def test_tables_may_lie_beside_the_wrapped_folder_in_any_letter_case(root: Path) -> None:
    put(root, *(f"Dataset/normal_cases/train/{label}/1.jpg" for label in "abc"))
    (root / "Exclude.txt").write_text("a\n")
    (root / "Dataset/exclude.txt").write_text("b\n")
    (root / "CLASSES.CSV").write_text("Name,Folder\nSea,c\n")
    dataset = scan(root)
    assert dataset.names == {"c": "Sea"}
    assert len(dataset.excluded) == 2


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('folder,name\n0,"Kim, Min"\n', [["0", "Kim, Min"]]),
        ("folder,name\n0,IU,\n1,Kim,,\n", [["0", "IU"], ["1", "Kim"]]),
        ("folder,name\n0\n\n1,Kim\n", [["0", ""], ["1", "Kim"]]),
        ("note,NAME , Folder\nx,IU,0\n", [["0", "IU"]]),
        ("folder,name\r0,IU\r", [["0", "IU"]]),
        ("folder,name\nNA,nan\n007,1.0\n", [["NA", "nan"], ["007", "1.0"]]),
        ("\n\nfolder,name\n", []),
    ],
    ids=[
        "comma in quotes",
        "trailing commas",
        "short line",
        "other order and columns",
        "old Mac",
        "texts that look like something",
        "empty",
    ],
)
def test_tables_that_people_write(tmp_path: Path, text: str, expected: list[list[str]]) -> None:
    (tmp_path / "t.csv").write_bytes(text.encode())
    assert read_table(tmp_path / "t.csv", ("folder", "name")).to_numpy().tolist() == expected


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("classes.csv", b"", r"no column folder, name.*has to be folder,name"),
        ("classes.csv", b"id;name\n0;IU\n", r"no column folder: .*classes\.csv"),
        ("classes.csv", b"folder\n0\n", r"no column name: .*classes\.csv"),
        ("classes.csv", b"folder,name\n0,Kim,Min\n", r"more cells than columns in '0,Kim,Min': .*quotation marks"),
        ("classes.csv", b'folder,name\n0,"Kim\n', r"not a table"),
        ("classes.csv", b"\xff\xfef\0o\0l\0d\0e\0r", r"no text in UTF-8, UTF-16 or CP949.*Save it as UTF-8"),
        ("groups.csv", b"image\nx\n", r"no column group: .*groups\.csv"),
        ("exclude.txt", b"\xff\xfea", r"no text in UTF-8.*exclude\.txt"),
    ],
)
def test_malformed_tables(root: Path, name: str, data: bytes, message: str) -> None:
    put(root, "normal_cases/train/a/1.jpg")
    (root / name).write_bytes(data)
    with pytest.raises(DatasetError, match=message) as caught:
        scan(root)
    assert "\n" not in str(caught.value)
    assert name in str(caught.value)


@pytest.mark.parametrize("name", ["classes.csv", "exclude.txt", "groups.csv"])
def test_a_folder_in_place_of_a_table(root: Path, name: str) -> None:
    put(root, "normal_cases/train/a/1.jpg")
    (root / name).mkdir()
    with pytest.raises(DatasetError, match=rf"cannot read .*{name}"):
        scan(root)


def test_groups(root: Path) -> None:
    put(root, f"normal_cases/train/{NFC}/1.jpg")
    (root / "groups.csv").write_text(f"image,group\nnormal_cases/train/{NFD}/1.jpg,post 7\nx,\n", encoding="utf-8")
    assert scan(root).groups == {f"normal_cases/train/{NFC}/1.jpg": "post 7"}


# ------------------------------------------------------------------------------------------------------------- exclude.txt
def sha(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_exclude_by_id_label_and_sha256(root: Path) -> None:
    put(
        root,
        *(f"{split}/{label}/{i}.jpg" for split in ("normal_cases/train", "hard_cases/test") for label in ("a", NFD, "c") for i in (1, 2)),
    )
    twin = root / "normal_cases/test/c/copy of a photo.jpg"
    twin.parent.mkdir(parents=True)
    twin.write_bytes((root / "normal_cases/train/c/1.jpg").read_bytes())
    lines = ["\ufeff# taken out on request", "", "normal_cases/train/a/2.jpg ", NFD, sha(twin).upper(), "no such thing"]
    (root / "exclude.txt").write_text("\r\n".join(lines), encoding="utf-8")
    dataset = scan(root)
    assert images(dataset) == [
        "hard_cases/test/a/1.jpg",
        "hard_cases/test/a/2.jpg",
        "hard_cases/test/c/1.jpg",
        "hard_cases/test/c/2.jpg",
        "normal_cases/train/a/1.jpg",
        "normal_cases/train/c/2.jpg",
    ]
    assert len(dataset.excluded) == 7, "both copies of the file went, wherever they lay"
    assert list(dataset.names) == ["a", "c"], "the name of a person who was taken out does not live on"
    assert dataset.empty == ()


def test_an_excluded_class_without_photos_is_not_named_either(root: Path) -> None:
    put(root, "normal_cases/train/a/1.jpg")
    (root / "normal_cases/train/b").mkdir()
    (root / "exclude.txt").write_text("b\n")
    dataset = scan(root)
    assert (dataset.names, dataset.empty) == ({"a": "a"}, ())


def test_excluding_everything_says_so(root: Path) -> None:
    put(root, "normal_cases/train/a/1.jpg")
    (root / "exclude.txt").write_text("a\n")
    with pytest.raises(DatasetError, match=r"no photo.*exclude\.txt took 1 photo out"):
        scan(root)


def test_a_photo_that_cannot_be_read_does_not_stop_the_search_by_sha256(root: Path) -> None:
    put(root, "normal_cases/train/a/1.jpg")
    unreadable = Path("/proc/self/mem")  # reading its first bytes is an input/output error, for root too
    if not unreadable.exists():
        pytest.skip("no file here that nobody can read")
    (root / "normal_cases/train/a/2.jpg").symlink_to(unreadable)
    (root / "exclude.txt").write_text(f"{sha(root / 'normal_cases/train/a/1.jpg')}\n")
    assert images(scan(root)) == ["normal_cases/train/a/2.jpg"]


def test_no_exclude_file(tmp_path: Path) -> None:
    assert read_lines(tmp_path / "exclude.txt") == frozenset()


@pytest.mark.parametrize(
    ("text", "splits"),
    [
        ("hard_cases\n", {"hard_cases/train", "hard_cases/test"}),
        ("# composed\nGroup_cases/test/\n", {"group_cases/test"}),
        ("hard\nelsewhere/test\n", set()),
    ],
    ids=["a case", "a split, spelled as it lies there", "nothing that there is"],
)
def test_synthetic_splits(root: Path, text: str, splits: set[str]) -> None:
    put(root, "normal_cases/train/a/1.jpg")
    assert scan(root).synthetic == frozenset()
    (root / "synthetic.txt").write_text(text)
    assert set(map(str, scan(root).synthetic)) == splits


# --------------------------------------------------------------------------------------------------------------- properties
WORDS = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"], exclude_characters="/\\."), min_size=1, max_size=8)


@settings(max_examples=25)
@given(
    labels=st.sets(WORDS.map(nfc).filter(lambda label: label.casefold() not in LITTER), min_size=1, max_size=4),
    form=st.sampled_from(["NFC", "NFD"]),
)
def test_any_class_name_comes_back_as_it_is(tmp_path_factory: pytest.TempPathFactory, labels: set[str], form: str) -> None:
    root = tmp_path_factory.mktemp("any")
    for label in labels:
        folder = root / "normal_cases/train" / unicodedata.normalize(form, label)  # type: ignore[arg-type]
        folder.mkdir(parents=True)
        (folder / "1.png").touch()
    dataset = scan(root)
    assert {s.label for s in dataset.samples} == labels
    assert images(dataset) == sorted(f"normal_cases/train/{label}/1.png" for label in labels)
