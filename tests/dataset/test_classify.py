"""The converter: what it lays out, what it does again, what it leaves alone, and what happens when it is stopped."""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
import sys
import threading
import time
import unicodedata
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from tests.dataset.conftest import picture, put, several, tree
from yolo_koin.dataset.classify import INDEX, INDEX_COLUMNS, Converted, convert, read_index
from yolo_koin.dataset.koin import scan
from yolo_koin.dataset.prepared import INCOMING, STATE
from yolo_koin.errors import DatasetError, KoinError, RunError
from yolo_koin.files import sha256
from yolo_koin.manifests import MANIFEST
from yolo_koin.parallel import Progress, Step, in_threads
from yolo_koin.runs import PreparedDataset

NFC, NFD = (unicodedata.normalize(form, "김민준") for form in ("NFC", "NFD"))
LABELS = ("a", "b", "c")


@pytest.fixture
def raw(root: Path) -> Path:
    """Three people, both training sets, and all test splits."""
    put(root, *several("normal_cases/train", LABELS, 10), *several("hard_cases/train", LABELS, 4))
    return put(root, *itertools.chain.from_iterable(several(f"{case}_cases/test", LABELS, 2) for case in ("normal", "hard", "group")))


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "cls"


def run(raw: Path, out: Path, **options: object) -> Converted:
    return convert(scan(raw), out, **({"side": 32} | options))  # type: ignore[arg-type]


def jpegs(out: Path) -> set[str]:
    return {p.relative_to(out).as_posix() for p in out.rglob("*.jpg")}


def photos(out: Path) -> dict[str, tuple[int, bytes]]:
    """State of every prepared photo."""
    return {name: state for name, state in tree(out).items() if name.endswith(".jpg")}


def changes(before: dict[str, tuple[int, bytes]], after: dict[str, tuple[int, bytes]]) -> set[str]:
    return {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}


def check_whole(raw: Path, out: Path, splits: set[str]) -> None:
    """The index has every photo of these splits exactly once, and is right about each; nothing else lies there."""
    index = read_index(out)
    dataset = scan(raw)
    assert list(index.columns) == list(INDEX_COLUMNS)
    assert Counter(index["source"]) == Counter(s.image for s in dataset.samples if str(s.split) in splits)
    usable = index[index["status"] == "ok"]
    assert set(usable["image"]) == jpegs(out)
    assert len(set(usable["image"])) == len(usable)
    for row in index.itertuples():
        assert row.sha256 == sha256(dataset.root / str(row.source))
        if row.status == "ok":
            folder = {"normal_cases/test": "test"}.get(str(row.split), str(row.split))
            folder = folder.split("/")[1] if folder.endswith(("/train", "/val")) else folder
            assert str(row.image).startswith(f"{folder}/{row.label}/")
    assert not (out / INCOMING).exists()
    assert not [p for p in out.rglob("*") if p.is_dir() and not any(p.iterdir())], "no empty folder, which would be a class without photos"


NORMAL = {"normal_cases/train", "normal_cases/test", "hard_cases/test", "group_cases/test"}


# --------------------------------------------------------------------------------------------------------------- layout
def test_layout(raw: Path, out: Path) -> None:
    result = run(raw, out)
    check_whole(raw, out, NORMAL)
    assert result.counts == {"train": 27, "val": 3, "test": 6, "hard_cases/test": 6, "group_cases/test": 6}
    assert (result.prepared, result.unusable, result.clusters, result.no_validation, result.untrained) == (48, {}, 0, (), ())
    assert result.leaks == {"val": 0, "test": 0, "hard_cases/test": 0, "group_cases/test": 0}
    assert (out / "test/a/normal_0.jpg").is_file()
    assert (out / "hard_cases/test/c/hard_1.jpg").is_file()
    index = read_index(out)
    assert set(index["split"]) == NORMAL | {"normal_cases/val"}
    assert set(zip(index["width"], index["height"], strict=True)) == {(45, 48)}
    with Image.open(out / index["image"][0]) as prepared:
        assert (prepared.size, prepared.mode) == ((32, 32), "RGB")
    made = PreparedDataset.read(out)
    assert made is not None
    assert made.train_on == "normal"


@pytest.mark.parametrize(
    ("train_on", "train", "val"),
    [("normal", 27, 3), ("hard", 9, 3), ("both", 39, 3)],
    ids=["normal", "hard", "both: 14 of a person, one is 10 %"],
)
def test_training_sets(raw: Path, out: Path, train_on: str, train: int, val: int) -> None:
    result = run(raw, out, train_on=train_on)
    assert (result.counts["train"], result.counts["val"]) == (train, val)
    wanted = {"normal": {"normal_cases/train"}, "hard": {"hard_cases/train"}, "both": {"normal_cases/train", "hard_cases/train"}}[train_on]
    check_whole(raw, out, wanted | {"normal_cases/test", "hard_cases/test", "group_cases/test"})


def test_without_validation(raw: Path, out: Path) -> None:
    result = run(raw, out, val=0.0)
    assert "val" not in result.counts
    assert (result.counts["train"], result.no_validation) == (30, ())
    assert not (out / "val").exists()


def test_one_person_in_nfd_and_nfc(root: Path, out: Path) -> None:
    put(root, *several("normal_cases/train", (NFD, "b c"), 3), *several("normal_cases/test", (NFC, "b c"), 2))
    result = run(root, out)
    assert sorted(p.name for p in (out / "train").iterdir()) == sorted(p.name for p in (out / "test").iterdir()) == sorted(["b c", NFC])
    assert result.untrained == ()


def test_photos_whose_names_differ_by_ending_or_case_only(root: Path, out: Path) -> None:
    put(root, *several("normal_cases/train", "b", 2))
    names = ["1.jpg", "1.JPG", "1.png", "1.jpeg", "x.png", "X.png", "2.jpg"]
    put(root, *(f"normal_cases/train/a/{name}" for name in names), "Normal_Cases/Train/a/1.jpg", "Normal_Cases/Train/a/2.jpg")
    run(root, out)
    check_whole(root, out, NORMAL)
    found = [Path(image).name.lower() for image in read_index(out).query("label == 'a'")["image"]]
    assert len(set(found)) == 9, "also on a disk that takes upper and lower case for one"


def test_long_and_strange_names(root: Path, out: Path) -> None:
    put(root, *several("normal_cases/train", "b", 2))
    put(
        root,
        *(
            f"normal_cases/train/a/{name}"
            for name in ("n" * 251 + ".jpg", "n" * 250 + "x.png", "사" * 80 + ".jpg", "a,b\"c'd;e.png", "#%20 .png")
        ),
    )
    run(root, out)
    check_whole(root, out, NORMAL)
    assert run(root, out).prepared == 0


def test_bad_photos_are_rows_of_the_index(raw: Path, out: Path) -> None:
    (raw / "normal_cases/train/a/0.png").write_bytes(b"")
    (raw / "normal_cases/test/a/0.png").write_text("text")
    (raw / "hard_cases/test/a/0.png").write_bytes((raw / "hard_cases/test/a/0.png").read_bytes()[:300])
    result = run(raw, out)
    check_whole(raw, out, NORMAL)
    expected = {"normal_cases/train": "empty file", "normal_cases/test": "not an image", "hard_cases/test": "truncated or damaged"}
    assert result.unusable == {f"{split}/a/0.png": reason for split, reason in expected.items()}
    bad = read_index(out).query("status != 'ok'")
    assert dict(zip(bad["split"], bad["status"], strict=True)) == expected
    assert set(bad["image"]) == {""}
    assert run(raw, out).unusable == result.unusable


def test_a_photo_that_nobody_can_read(raw: Path, out: Path) -> None:
    if not Path("/proc/self/mem").exists():
        pytest.skip("no file here that nobody can read")
    (raw / "normal_cases/test/a/9.jpg").symlink_to("/proc/self/mem")  # an input/output error, for root too
    result = run(raw, out)
    assert result.unusable == {"normal_cases/test/a/9.jpg": "cannot read (Input/output error)"}
    assert run(raw, out).prepared == 1, "it may be readable next time"


def test_a_photo_that_went_away_after_the_scan(raw: Path, out: Path) -> None:
    dataset = scan(raw)
    convert(dataset, out, side=32)
    (raw / "normal_cases/train/a/0.png").unlink()
    assert list(convert(dataset, out, side=32).unusable.values()) == ["cannot read (No such file or directory)"]


def test_near_duplicates_and_groups_stay_together_and_leaks_are_named(root: Path, out: Path) -> None:
    put(root, *several("normal_cases/train", ("a", "b"), 6), *several("normal_cases/test", ("a", "b"), 2))
    first = Image.open(root / "normal_cases/train/a/0.png")
    for i in range(10):  # one shot ten times: half of the photos, in one cluster with the first
        first.save(root / f"normal_cases/train/a/again {i}.jpg", quality=60 + i)
    first.save(root / "normal_cases/test/a/leak.jpg", quality=50)
    first.save(root / "normal_cases/test/b/other person.jpg")
    (root / "groups.csv").write_text("image,group\n" + "".join(f"normal_cases/train/b/{i}.png,x\n" for i in range(6)))
    result = run(root, out, val=0.2)
    index = read_index(out)
    assert len(set(index[index["source"].str.contains("/again ") | (index["source"] == "normal_cases/train/a/0.png")]["split"])) == 1
    assert result.clusters == 2
    assert result.no_validation == ("b",)
    assert result.leaks == {"val": 0, "test": 1}
    assert result.duplicates == out / "near_duplicates.csv"
    told = pd.read_csv(result.duplicates).to_dict("records")
    assert told[0]["image"] == "normal_cases/test/a/leak.jpg"
    assert told[0]["near_duplicate_of"].startswith("normal_cases/train/a/")
    assert Counter(row["why"] for row in told) == {"test and train": 1, "two people": 12}
    (root / "exclude.txt").write_text("".join(f"{row['image']}\n" for row in told) + "normal_cases/test/b/other person.jpg\n")
    assert run(root, out, val=0.2).duplicates is None
    assert not (out / "near_duplicates.csv").exists()
    assert result.counts["val"] == 3, "0.2 of the 16 photos of one person"


def test_a_class_of_the_test_split_only(raw: Path, out: Path) -> None:
    put(raw, "normal_cases/test/stranger/1.png")
    assert run(raw, out).untrained == ("stranger",)
    assert (out / "test/stranger/normal_1.jpg").is_file()


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    counts=st.lists(st.integers(1, 5), min_size=2, max_size=3),
    copies=st.integers(0, 3),
    options=st.fixed_dictionaries({"val": st.sampled_from([0.1, 0.4]), "seed": st.integers(0, 3)}),
)
def test_any_dataset(tmp_path_factory: pytest.TempPathFactory, counts: list[int], copies: int, options: dict[str, float]) -> None:
    """Whatever the numbers: the index is whole, each class keeps and gives photos, and an own order of the files changes nothing."""
    raw, out = tmp_path_factory.mktemp("raw"), tmp_path_factory.mktemp("out")
    for label, count in enumerate(counts):
        put(raw, *several("normal_cases/train", str(label), count), f"normal_cases/test/{label}/t.png")
    for i in range(copies):
        shutil.copy(raw / "normal_cases/train/0/0.png", raw / f"normal_cases/train/0/copy {i}.png")
    run(raw, out / "one", **options)
    check_whole(raw, out / "one", NORMAL)
    index = read_index(out / "one")
    for label, count in enumerate(counts):
        splits = Counter(index[index["label"] == str(label)]["split"])
        assert splits["normal_cases/train"] >= 1
        assert (splits["normal_cases/val"] >= 1) == (count >= 2)
    dataset = scan(raw)
    convert(replace(dataset, samples=dataset.samples[::-1]), out / "two", side=32, workers=1, **options)  # type: ignore[arg-type]
    assert {name: data for name, (_, data) in photos(out / "one").items()} == {
        name: data for name, (_, data) in photos(out / "two").items()
    }


# ----------------------------------------------------------------------------------------------------------------- again
def test_the_users_photos_are_left_as_they_are(raw: Path, out: Path) -> None:
    (raw / "normal_cases/train/a/cut.jpg").write_bytes(b"\xff\xd8\xff\xe0 no end")
    before = tree(raw)
    run(raw, out, train_on="both")
    run(raw, out, fit="crop")
    assert tree(raw) == before


def test_again_changes_nothing(raw: Path, out: Path) -> None:
    (raw / "normal_cases/train/a/empty.jpg").touch()
    first = run(raw, out)
    before = tree(out)
    seen: list[Step] = []
    again = run(raw, out, progress=seen.append)
    assert again == replace(first, prepared=0)
    assert tree(out) == before, "not one byte, not one time"
    assert seen == []


def test_again_by_another_way_to_the_same_place(raw: Path, out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run(raw, out)
    monkeypatch.chdir(raw.parent)
    assert run(Path(raw.name), Path(out.name)).prepared == 0


def edit(raw: Path) -> None:
    picture(12345).save(raw / "normal_cases/train/b/3.png")


def add(raw: Path) -> None:
    put(raw, "hard_cases/test/b/new.png")


def test_a_new_training_photo_moves_one_other_at_most(raw: Path, out: Path) -> None:
    run(raw, out)
    before = photos(out)
    put(raw, "normal_cases/train/a/new.png")
    assert run(raw, out).prepared == 1
    changed = changes(before, photos(out))
    assert len(changed) in {1, 3}
    assert {name.split("/")[1] for name in changed} == {"a"}


def remove(raw: Path) -> None:
    (raw / "hard_cases/test/b/1.png").unlink()


def exclude(raw: Path) -> None:
    (raw / "exclude.txt").write_text("group_cases/test/b/1.png\n")


def exclude_by_hash(raw: Path) -> None:
    (raw / "exclude.txt").write_text(sha256(raw / "group_cases/test/b/1.png"))


def spoil(raw: Path) -> None:
    (raw / "normal_cases/test/b/1.png").write_bytes(b"spoilt")


@pytest.mark.parametrize(
    ("change", "photo", "prepared"),
    [
        (edit, "/b/normal_3.jpg", 1),
        (add, "hard_cases/test/b/hard_new.jpg", 1),
        (remove, "hard_cases/test/b/hard_1.jpg", 0),
        (exclude, "group_cases/test/b/group_1.jpg", 0),
        (exclude_by_hash, "group_cases/test/b/group_1.jpg", 0),
        (spoil, "test/b/normal_1.jpg", 1),
    ],
)
def test_a_change_concerns_one_photo(raw: Path, out: Path, change: Callable[[Path], None], photo: str, prepared: int) -> None:
    run(raw, out)
    before = photos(out)
    change(raw)
    result = run(raw, out)
    changed = changes(before, photos(out))
    assert len(changed) == 1
    assert changed.pop().endswith(photo)
    assert result.prepared == prepared
    check_whole(raw, out, NORMAL)
    assert tree(out) == (run(raw, out), tree(out))[1]


def test_a_new_photo_takes_the_name_of_another_one_away(raw: Path, out: Path) -> None:
    run(raw, out)
    put(raw, "hard_cases/test/b/1.jpg")
    assert run(raw, out).prepared == 1, "the photo whose name changes is moved, not made again"
    check_whole(raw, out, NORMAL)
    (raw / "hard_cases/test/b/1.png").unlink()
    assert run(raw, out).prepared == 0
    check_whole(raw, out, NORMAL)
    assert (out / "hard_cases/test/b/hard_1.jpg").is_file()


def test_a_person_taken_out_leaves_nothing_behind(raw: Path, out: Path) -> None:
    run(raw, out, train_on="both")
    (raw / "exclude.txt").write_text("b\n")
    run(raw, out, train_on="both")
    assert not [p for p in out.rglob("*") if p.name == "b"]
    assert not [p for p in out.rglob("*") if p.is_file() and b"/b/" in p.read_bytes()]


def test_a_deleted_prepared_photo_comes_back(raw: Path, out: Path) -> None:
    run(raw, out)
    (out / "test/a/normal_0.jpg").unlink()
    assert run(raw, out).prepared == 1
    check_whole(raw, out, NORMAL)


@pytest.mark.parametrize("options", [{"fit": "crop"}, {"side": 48}])
def test_other_pixels_are_prepared_again(raw: Path, out: Path, options: dict[str, object]) -> None:
    run(raw, out)
    before = photos(out)
    assert run(raw, out, **options).prepared == 48
    check_whole(raw, out, NORMAL)
    assert before.keys() == photos(out).keys()
    assert changes(before, photos(out)) == set(before)


@pytest.mark.parametrize("options", [{"seed": 5}, {"val": 0.3}, {"train_on": "both"}])
def test_another_split_moves_photos_and_makes_none_again(raw: Path, out: Path, options: dict[str, object]) -> None:
    run(raw, out)
    before = photos(out)
    result = run(raw, out, **options)
    assert result.prepared == (12 if "train_on" in options else 0)
    splits = NORMAL | ({"hard_cases/train"} if "train_on" in options else set())
    check_whole(raw, out, splits)
    assert {state for _, state in before.items()} <= set(photos(out).values())
    assert before.keys() != photos(out).keys()
    run(raw, out)
    assert photos(out).keys() == before.keys(), "and back"


def test_new_groups_move_photos(raw: Path, out: Path) -> None:
    run(raw, out)
    before = photos(out)
    (raw / "groups.csv").write_text("image,group\n" + "".join(f"normal_cases/train/b/{i}.png,x\n" for i in range(10)))
    result = run(raw, out)
    assert (result.prepared, result.no_validation, result.clusters) == (0, ("b",), 1)
    assert len(changes(before, photos(out))) == 2, "the validation photo of b went back"
    check_whole(raw, out, NORMAL)


def test_another_dataset_replaces_the_first(raw: Path, out: Path, tmp_path: Path) -> None:
    run(raw, out)
    other = put(tmp_path / "Other", *several("normal_cases/train", "xy", 3))
    assert run(other, out).prepared == 6
    check_whole(other, out, NORMAL)


# ------------------------------------------------------------------------------------------------------------ interrupted
def stop_at(photo: int) -> Progress:
    def progress(step: Step) -> None:
        if step.done == photo:
            raise KeyboardInterrupt

    return progress


def test_an_interrupted_conversion_goes_on(raw: Path, out: Path, tmp_path: Path) -> None:
    threads = threading.active_count()
    with pytest.raises(KeyboardInterrupt) as caught:
        run(raw, out, progress=stop_at(20))
    assert threading.active_count() == threads, "nobody goes on writing, even while somebody holds on to the traceback"
    del caught
    with pytest.raises(DatasetError, match="not a converted dataset"):
        read_index(out)
    stopped = max(time for time, _ in photos(out).values())
    seen: list[Step] = []
    assert run(raw, out, progress=seen.append).prepared == 28
    assert seen == [Step("preparing photos", done, 48) for done in range(21, 49)]
    check_whole(raw, out, NORMAL)
    assert sum(time <= stopped for time, _ in photos(out).values()) >= 20, "what the first attempt made is used"
    run(raw, tmp_path / "at once")
    assert {n: d for n, (_, d) in photos(out).items()} == {n: d for n, (_, d) in photos(tmp_path / "at once").items()}


def test_nothing_of_an_excluded_person_survives_an_interruption(raw: Path, out: Path) -> None:
    run(raw, out)
    (raw / "exclude.txt").write_text("b\n")
    for photo in (raw / "normal_cases/train/a").iterdir():
        os.utime(photo)
    with pytest.raises(KeyboardInterrupt):
        run(raw, out, progress=stop_at(25))
    run(raw, out)
    check_whole(raw, out, NORMAL)
    assert not [name for name in jpegs(out) if "/b/" in name]


def test_photos_that_the_state_does_not_know_are_no_training_photos(raw: Path, out: Path) -> None:
    """As when the process was killed between moving the photos and writing that down, and the next split is another."""
    run(raw, out)
    state = pd.read_csv(out / STATE, dtype=str, keep_default_na=False)
    state[state["source"].str.contains("hard")].to_csv(out / STATE, index=False)
    (out / INDEX).unlink()
    run(raw, out, seed=3)
    check_whole(raw, out, NORMAL)


def test_killed_in_the_middle(raw: Path, out: Path) -> None:
    code = """
import os, sys
from pathlib import Path
from yolo_koin.dataset.classify import convert
from yolo_koin.dataset.koin import scan
convert(scan(Path(sys.argv[1])), Path(sys.argv[2]), side=32, progress=lambda step: os.kill(os.getpid(), 9) if step.done == 30 else None)
"""
    assert subprocess.run([sys.executable, "-c", code, str(raw), str(out)], check=False).returncode == -9
    run(raw, out)
    check_whole(raw, out, NORMAL)


def test_a_full_disk(raw: Path, out: Path) -> None:
    """A limit on the size of files makes writing fail as a full disk does; when there is room again, it goes on."""
    pytest.importorskip("resource", reason="sizes are limited on POSIX systems only")
    code = """
import resource, signal, sys
from pathlib import Path
from yolo_koin.dataset.classify import convert
from yolo_koin.dataset.koin import scan
from yolo_koin.errors import RunError
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1500, 1500))
try:
    convert(scan(Path(sys.argv[1])), Path(sys.argv[2]), side=32)
except RunError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code, str(raw), str(out)], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("cannot write (File too large): ")
    assert done.stdout.count("\n") == 1
    assert not [p for p in out.rglob("*") if p.is_file() and p.name.startswith(".") and p.name != STATE]
    run(raw, out)
    check_whole(raw, out, NORMAL)


# -------------------------------------------------------------------------------------------------------------- refused
def test_out_may_not_lie_in_the_data_nor_around_it(raw: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(raw / "normal_cases", target_is_directory=True)
    before = tree(tmp_path)
    for out in (raw, raw / "cls", raw / "normal_cases/train", raw.parent, tmp_path / "link/cls", raw / "x/../cls"):
        with pytest.raises(DatasetError, match="may not lie in the raw one"):
            run(raw, out)
    assert tree(tmp_path) == before
    assert not (raw / "cls").exists()


@pytest.mark.parametrize("inside", ["thesis.txt", "train/a/mine.jpg", "manifest.json"])
def test_a_folder_with_something_else(raw: Path, out: Path, inside: str) -> None:
    (out / inside).parent.mkdir(parents=True)
    (out / inside).write_text('{"kind": "train", "name": "of another program"}')
    before = tree(out)
    with pytest.raises(DatasetError, match=r"holds something else: .*cls\. Give --out a new or empty folder"):
        run(raw, out)
    assert tree(out) == before


def test_a_file_in_place_of_the_folder(raw: Path, out: Path) -> None:
    out.write_text("precious")
    with pytest.raises(DatasetError, match="a file, not a folder"):
        run(raw, out)
    with pytest.raises(RunError, match=r"cannot write \("):
        run(raw, out / "below")
    assert out.read_text() == "precious"


def test_an_empty_folder_and_files_that_the_user_adds_are_fine(raw: Path, out: Path) -> None:
    out.mkdir()
    run(raw, out)
    (out / "notes.txt").write_text("mine")
    (out / "train.cache").write_text("Ultralytics'")
    run(raw, out, fit="crop")
    assert (out / "notes.txt").read_text() == "mine"
    assert (out / "train.cache").exists()


def test_a_folder_of_a_conversion_that_was_killed_at_its_first_file_is_free(raw: Path, out: Path) -> None:
    out.mkdir()
    (out / ".0123456789abcdef.json").touch()
    out.with_name(f".{out.name}.lock").touch()
    run(raw, out)
    assert not (out / ".0123456789abcdef.json").exists()


@pytest.mark.parametrize("column", ["image", "split", "label", "source", "status", "width"])
def test_an_index_with_an_empty_cell_is_damaged(raw: Path, out: Path, column: str) -> None:
    run(raw, out)
    table = pd.read_csv(out / INDEX, dtype=str, keep_default_na=False)
    table.loc[3, column] = ""
    table.to_csv(out / INDEX, index=False)
    with pytest.raises(DatasetError, match=r"(an empty cell|damaged): .*index\.csv\. Remove it"):
        read_index(out)


@pytest.mark.parametrize("name", [STATE, MANIFEST, INDEX])
@pytest.mark.parametrize("damage", [b"", b"a,b\n1,2\n", b'"', b"\xff\xfe\x00"], ids=["empty", "other columns", "cut off", "binary"])
def test_a_damaged_file_of_ours_is_one_line(raw: Path, out: Path, name: str, damage: bytes) -> None:
    run(raw, out)
    (out / name).write_bytes(damage)
    with pytest.raises(KoinError, match=rf": .*{name}\. (Remove|Run)") as caught:
        read_index(out) if name == INDEX else run(raw, out)
    assert "\n" not in str(caught.value)


def test_too_little_to_train_on(root: Path, out: Path) -> None:
    put(root, *several("normal_cases/train", "a", 3), *several("normal_cases/test", "ab", 3))
    with pytest.raises(DatasetError, match="fewer than two classes to learn"):
        run(root, out)
    with pytest.raises(DatasetError, match="no photos in hard_cases/train, which --train-on hard needs"):
        run(root, out, train_on="hard")
    with pytest.raises(DatasetError, match="no photos in hard_cases/train, which --train-on both needs"):
        run(root, out, train_on="both")
    assert not out.exists()
    put(root, "normal_cases/train/b/0.png").joinpath("normal_cases/train/b/0.png").write_bytes(b"")
    with pytest.raises(DatasetError, match="fewer than two classes with readable training photos"):
        run(root, out)


def test_an_index_of_another_shape(out: Path) -> None:
    with pytest.raises(DatasetError, match=r"no index\.csv"):
        read_index(out)


def test_labels_that_look_like_numbers_stay_texts(root: Path, out: Path) -> None:
    put(root, *several("normal_cases/train", ("0007", "1e5", "nan", "NA"), 2))
    run(root, out)
    assert set(read_index(out)["label"]) == {"0007", "1e5", "nan", "NA"}


# -------------------------------------------------------------------------------------------------------------- threads
def test_in_threads_keeps_the_order_and_runs_side_by_side() -> None:
    barrier = threading.Barrier(3, timeout=10)  # broken, unless three are at work at once

    def work(i: int) -> int:
        barrier.wait()
        return i * i

    assert list(in_threads(work, range(30), 3)) == [i * i for i in range(30)]


def test_in_threads_runs_a_bounded_number_ahead_and_drops_it_when_closed() -> None:
    begun: list[int] = []

    def work(i: int) -> None:
        begun.append(i)
        time.sleep(0.01)

    results = in_threads(work, range(1000), 1)
    next(results)
    results.close()
    assert len(begun) <= 4, "what had not begun was dropped"
    begun.clear()
    results = in_threads(work, range(1000), 2)
    next(results)
    time.sleep(0.3)
    assert len(begun) == 16
    results.close()


def test_in_threads_hands_errors_on() -> None:
    def work(i: int) -> int:
        return 1 // (3 - i)

    results = in_threads(work, range(10), 2)
    assert [next(results) for _ in range(3)] == [0, 0, 1]
    with pytest.raises(ZeroDivisionError):
        next(results)


def test_memory_does_not_grow_with_the_number_of_photos(tmp_path: Path) -> None:
    pytest.importorskip("resource", reason="memory is measured on POSIX systems")
    blocks = np.random.default_rng(0).integers(0, 256, (1350, 1080, 3), dtype=np.uint8)
    Image.fromarray(blocks).resize((540, 675)).save(tmp_path / "photo.png", compress_level=1)  # 1.1 MB decoded
    code = """
import resource, sys
from pathlib import Path
from yolo_koin.dataset.classify import convert
from yolo_koin.dataset.koin import scan
convert(scan(Path(sys.argv[1])), Path(sys.argv[2]), side=64, workers=2)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 if sys.platform == "linux" else 1024**2))
"""
    peaks = []
    for count in (10, 150):
        raw = tmp_path / str(count)
        for label in "ab":
            folder = raw / "normal_cases/train" / label
            folder.mkdir(parents=True)
            for i in range(count // 2):
                (folder / f"{i}.png").hardlink_to(tmp_path / "photo.png")
        done = subprocess.run([sys.executable, "-c", code, str(raw), f"{raw}-cls"], capture_output=True, text=True, check=True)
        peaks.append(float(done.stdout))
    assert peaks[1] - peaks[0] < 40, f"MB at the peak: {peaks}; 140 decoded photos are 150 MB"
