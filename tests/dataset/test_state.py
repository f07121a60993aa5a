"""What a conversion remembers: a file is the same one only when nothing could have put another in its place."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from yolo_koin.dataset.state import COLUMNS, EARLIER, Record, file_identity, read_state, still_holds, write_state
from yolo_koin.errors import DatasetError
from yolo_koin.files import sha256


def noted(path: Path, **others: object) -> Record:
    stat = path.stat()
    record = Record(path.name, stat.st_size, stat.st_mtime_ns, sha256(path), 1, 1, "0" * 16, "ok", "", **file_identity(stat))
    return replace(record, **others)  # type: ignore[arg-type]


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    """Two photos of one size and time, as an archive of uncompressed ones unpacks them."""
    paths = tmp_path / "a.bmp", tmp_path / "b.bmp"
    for number, path in enumerate(paths):
        path.write_bytes(bytes([number]) * 1000)
        os.utime(path, (1_700_000_000, 1_700_000_000))
    return paths


@pytest.mark.parametrize("identity", [{}, {"inode": 0, "ctime_ns": 0}], ids=["inode and ctime", "of a caller that noted neither"])
def test_two_photos_that_were_swapped_are_seen(pair: tuple[Path, Path], tmp_path: Path, identity: dict[str, int]) -> None:
    """Moved between two people's folders, each would keep the other's prepared photo, under the wrong name."""
    a, b = pair
    record = noted(a, **identity)
    assert still_holds(record, a, tmp_path)
    a.rename(tmp_path / "x")
    b.rename(a)
    (tmp_path / "x").rename(b)
    assert not still_holds(record, a, tmp_path)


def test_a_copy_of_the_same_bytes_still_holds(pair: tuple[Path, Path], tmp_path: Path) -> None:
    """A dataset restored from a backup with its times need not be decoded again."""
    a, _ = pair
    record = noted(a)
    (tmp_path / "copy").write_bytes(a.read_bytes())
    os.utime(tmp_path / "copy", ns=(record.mtime_ns, record.mtime_ns))
    (tmp_path / "copy").replace(a)
    assert still_holds(record, a, tmp_path)


def test_bytes_changed_in_place_with_the_time_set_back_are_seen(pair: tuple[Path, Path], tmp_path: Path) -> None:
    a, _ = pair
    record = noted(a)
    a.write_bytes(b"x" * 1000)
    os.utime(a, ns=(record.mtime_ns, record.mtime_ns))
    assert not still_holds(record, a, tmp_path)


def test_a_photo_that_is_gone_or_whose_prepared_one_is(pair: tuple[Path, Path], tmp_path: Path) -> None:
    a, _ = pair
    record = noted(a)
    assert not still_holds(record, tmp_path / "gone", tmp_path)
    assert not still_holds(replace(record, image="train/a.jpg"), a, tmp_path)


def test_what_is_written_is_read(pair: tuple[Path, Path], tmp_path: Path) -> None:
    records = [noted(path, source=source) for path, source in zip(pair, ("NA", "0007"), strict=True)]
    write_state(tmp_path / "s.csv", records)
    assert list(read_state(tmp_path / "s.csv").values()) == records


def test_a_state_of_an_earlier_version_is_stale_and_one_of_a_later_version_is_read(pair: tuple[Path, Path], tmp_path: Path) -> None:
    earlier = [",".join(EARLIER), "a,1000,1,x,1,1,0,ok,"]
    (tmp_path / "s.csv").write_text("\n".join(earlier))
    assert read_state(tmp_path / "s.csv") == {}
    (tmp_path / "s.csv").write_text("\n".join([",".join((*COLUMNS, "more")), "a,1000,1,x,1,1,0,ok,,7,8,?"]))
    assert read_state(tmp_path / "s.csv")["a"].inode == 7


@pytest.mark.parametrize(
    "text",
    [
        "",
        "source,size\n",
        ",".join(COLUMNS) + "\na,b\n",
        ",".join(COLUMNS) + "\na,1000,1,x,1,1,../../4c4e,ok,,7,8\n",
        ",".join(COLUMNS) + "\na,1000,1,x,1,1,,ok,,7,8\n",
        ",".join(COLUMNS) + "\na,1000,1,x,0,1,0,ok,,7,8\n",
        ",".join(COLUMNS) + "\na,1000,1,x,1,1,0,ok,../KoIn/a.jpg,7,8\n",  # a conversion moves that file
    ],
)
def test_a_damaged_state_is_one_line(tmp_path: Path, text: str) -> None:
    (tmp_path / "s.csv").write_text(text)
    with pytest.raises(DatasetError, match="damaged"):
        read_state(tmp_path / "s.csv")
