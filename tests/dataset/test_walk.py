"""Looking for photos: links, hidden folders, our own results, and what must never be opened."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.dataset.conftest import put, tree
from yolo_koin.dataset.images import PhotoError, header_of, open_photo, read_photo
from yolo_koin.dataset.koin import scan
from yolo_koin.dataset.walk import IMAGE_SUFFIXES, is_ours, photos_below
from yolo_koin.errors import DatasetError

posix = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")


def names(folder: Path) -> list[str]:
    return [p.relative_to(folder).as_posix() for p in photos_below(folder).photos]


@pytest.mark.parametrize(
    "hidden",
    [".thumbnails", ".Trash-1000/files", "@eaDir", "@eadir", "__MACOSX", "#recycle", "$RECYCLE.BIN", ".git", "a/.hidden", "lost+found"],
)
def test_folders_of_the_system_hold_no_photos(tmp_path: Path, hidden: str) -> None:
    put(tmp_path, "a/1.jpg", f"{hidden}/2.jpg", "._1.jpg")
    assert names(tmp_path) == ["a/1.jpg"]
    assert names(tmp_path / hidden) == ["2.jpg"], "named by hand, it is meant"


def test_the_thumbnails_of_a_storage_box_are_no_class(root: Path) -> None:
    put(root, "normal_cases/train/a/1.jpg", "normal_cases/train/@eaDir/1.jpg", "normal_cases/train/a/@eaDir/1.jpg")
    dataset = scan(root)
    assert ([s.image for s in dataset.samples], dataset.notes) == (["normal_cases/train/a/1.jpg"], ())


@pytest.mark.parametrize("kind", ["train", "evaluate", "predict", "benchmark"])
def test_our_own_results_are_no_photos_of_the_user(tmp_path: Path, kind: str) -> None:
    put(tmp_path, "me.jpg", f"runs/{kind}/one/annotated/me.jpg", "koin-cls/train/a/1.jpg", "runs of 2019/5.jpg")
    (tmp_path / f"runs/{kind}/one/manifest.json").write_text("{}")
    (tmp_path / "koin-cls/manifest.json").write_text('{"kind": "classify"}')
    assert names(tmp_path) == ["me.jpg", "runs of 2019/5.jpg"]
    assert names(tmp_path / "runs") == [f"{kind}/one/annotated/me.jpg"], "named by hand, they are meant"


@pytest.mark.parametrize("manifest", ["", "[]", "{}", '{"name": "web app"}', "\\xff"])
def test_a_manifest_of_somebody_else_is_not_ours(tmp_path: Path, manifest: str) -> None:
    put(tmp_path, "runs/berlin/1.jpg")
    (tmp_path / "runs/manifest.json").write_text(manifest)
    assert not is_ours(tmp_path / "runs")
    (tmp_path / "runs").rename(tmp_path / "trip")
    assert not is_ours(tmp_path / "trip")


def test_links_are_followed_once(tmp_path: Path) -> None:
    put(tmp_path / "store", "b/2.jpg", "1.jpg")
    folder = tmp_path / "photos"
    put(folder, "own/3.jpg", "own/deep/4.jpg")
    (folder / "a link").symlink_to(tmp_path / "store")
    (folder / "own/up").symlink_to(folder)
    (folder / "another").symlink_to(folder / "own")
    (folder / "own/self").symlink_to(folder / "own/self")
    (folder / "linked.jpg").symlink_to(tmp_path / "store/1.jpg")
    assert names(folder) == ["a link/1.jpg", "a link/b/2.jpg", "linked.jpg", "own/3.jpg", "own/deep/4.jpg"]


def test_many_links_to_each_other_end(tmp_path: Path) -> None:
    for here in range(6):
        put(tmp_path, f"{here}/{here}.jpg")
        for there in range(6):
            (tmp_path / f"{here}/to {there}").symlink_to(tmp_path / str(there))
    assert names(tmp_path) == [f"{n}/{n}.jpg" for n in range(6)]


def test_a_class_folder_may_be_a_link_and_one_to_nowhere_is_reported(root: Path, tmp_path: Path) -> None:
    put(root, "normal_cases/train/a/1.jpg")
    put(tmp_path / "store", "1.jpg")
    (root / "normal_cases/train/b").symlink_to(tmp_path / "store")
    (root / "normal_cases/train/c").symlink_to(tmp_path / "not mounted")
    dataset = scan(root)
    assert [s.image for s in dataset.samples] == ["normal_cases/train/a/1.jpg", "normal_cases/train/b/1.jpg"]
    assert dataset.notes == ("normal_cases/train/c: a link to a folder that is not there, not used",)


@pytest.mark.parametrize("target", ["/mnt/nowhere/9.jpg", "9.jpg"], ids=["an unmounted drive", "itself"])
def test_a_photo_that_is_a_link_to_nowhere_is_one_that_cannot_be_read(root: Path, target: str) -> None:
    """DVC, git-annex, a container without the mount: left out in silence, a test split would shrink without a word."""
    put(root, "normal_cases/test/a/1.jpg")
    (root / "normal_cases/test/a/9.jpg").symlink_to(target)
    samples = scan(root).samples
    assert [s.path.name for s in samples] == ["1.jpg", "9.jpg"]
    assert names(root) == ["normal_cases/test/a/1.jpg", "normal_cases/test/a/9.jpg"]
    for look in (open_photo, read_photo, header_of):
        with pytest.raises(PhotoError, match="cannot read"):
            look(samples[1].path)


@posix
def test_a_pipe_among_photos_is_named_and_never_opened(root: Path) -> None:
    put(root, "normal_cases/train/a/1.jpg")
    pipe = root / "normal_cases/train/a/2.jpg"
    os.mkfifo(pipe)
    dataset = scan(root)
    assert [s.path.name for s in dataset.samples] == ["1.jpg"]
    assert dataset.notes == photos_below(root).notes == (f"{pipe}: a pipe, a socket or a device, not a photo",)
    for look in (open_photo, read_photo, header_of):
        with pytest.raises(PhotoError, match="a pipe"):
            look(pipe)


def test_what_is_left_out_is_counted_by_ending(root: Path) -> None:
    """25 lines about 25 videos hide the one line that matters; annotations beside photos are nobody's lost photos."""
    put(root, "normal_cases/train/a/1.jpg")
    for n in range(25):
        (root / f"normal_cases/train/a/{n}.MP4").touch()
    for name in ("1.json", "1.xml", "notes.txt", "b.gif", "README"):
        (root / f"normal_cases/train/a/{name}").touch()
    assert scan(root).notes == (
        f"{root}: 1 file not read as a photo, by its ending (.gif); save a picture of it as PNG",
        f"{root}: 25 files not read as photos, by their ending (.mp4)",
        f"{root}: 1 file not read as a photo, by its ending (no ending)",
    )


def test_a_folder_of_photos_in_a_class_folder_is_counted(root: Path) -> None:
    put(root, "normal_cases/train/a/1.jpg", *(f"normal_cases/train/a/2019-05/{day}/{n}.jpg" for day in (1, 2) for n in (1, 2)))
    (root / "normal_cases/train/a/empty").mkdir()
    assert scan(root).notes == ("normal_cases/train/a/2019-05: a folder with 4 photos, not used; move them up into a/ to use them",)


@pytest.mark.skipif(os.sep != "/", reason="file names are bytes on POSIX systems only")
@pytest.mark.parametrize("name", [b"p/\xbe\xc6.jpg", b"p/\xbe\xc6/1.jpg"], ids=["photo", "folder"])
def test_names_that_are_not_utf8_are_one_line(tmp_path: Path, name: bytes) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name))
    path.parent.mkdir(parents=True)
    path.touch()
    with pytest.raises(DatasetError, match=r"not UTF-8.*unzip -O cp949") as caught:
        photos_below(tmp_path)
    str(caught.value).encode()


def test_a_text_whose_name_is_not_utf8_hinders_nobody(tmp_path: Path) -> None:
    put(tmp_path, "1.jpg")
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xbe\xc6.doc")).touch()
    assert names(tmp_path) == ["1.jpg"]
    "".join(photos_below(tmp_path).notes).encode()


@pytest.mark.parametrize("ending", sorted(IMAGE_SUFFIXES | {".JFIF", ".Tiff"}))
def test_endings_of_phones_and_browsers(tmp_path: Path, ending: str) -> None:
    put(tmp_path, "1.jpg")
    shutil.move(tmp_path / "1.jpg", tmp_path / f"1{ending}")
    before = tree(tmp_path)
    assert names(tmp_path) == [f"1{ending}"]
    assert open_photo(tmp_path / f"1{ending}")[1] == (45, 48)
    assert tree(tmp_path) == before
