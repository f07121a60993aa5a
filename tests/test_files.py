"""Files that are whole or not there."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pandas as pd
import pytest

from yolo_koin.errors import DatasetError, KoinError, RunError
from yolo_koin.files import atomic_folder, atomic_path, free_bytes, sha256, unfinished, write_csv, write_json, write_sheet, write_text
from yolo_koin.parallel import stopwatch


def listing(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir())


# ---------------------------------------------------------------------------------------------------------- whole files
def test_half_a_letter_is_spelled_out(tmp_path: Path) -> None:
    """The JSON of a manifest that somebody changed may hold one, and a report tells what stands there."""
    write_text(tmp_path / "report.md", "version \ud800 of 가")
    assert (tmp_path / "report.md").read_bytes() == "version \\ud800 of 가".encode()


def test_a_file_is_there_when_the_block_is_done(tmp_path: Path) -> None:
    path = tmp_path / "new" / "a.csv"
    with atomic_path(path) as temporary:
        assert temporary.suffix == ".csv"
        assert temporary.parent == path.parent
        temporary.write_text("x")
        assert not path.exists()
    assert (path.read_text(), listing(path.parent)) == ("x", ["a.csv"])


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, RunError])
def test_the_old_file_stays_when_the_block_fails(tmp_path: Path, error: type[BaseException]) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")

    def fail(temporary: Path) -> None:
        temporary.write_text("new")
        raise error("no")

    with pytest.raises(error), atomic_path(path) as temporary:
        fail(temporary)
    assert (path.read_text(), listing(tmp_path)) == ("old", ["a.txt"])


def test_what_the_file_system_refuses_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    for path, reason in ((tmp_path / "file/a.txt", "Not a directory|File exists"), (tmp_path / "folder", "Is a directory")):
        with pytest.raises(RunError, match=rf"^cannot write \(({reason})\): .*{path.name}\. Free some space"):
            write_text(path, "x")
    assert listing(tmp_path) == ["file", "folder"]
    assert listing(tmp_path / "folder") == []


def test_a_file_name_as_long_as_the_file_system_takes(tmp_path: Path) -> None:
    path = tmp_path / ("n" * 251 + ".txt")
    write_text(path, "x")
    assert path.read_text() == "x"
    with pytest.raises(RunError, match="File name too long"):
        write_text(tmp_path / ("n" * 300), "x")


def test_files_are_as_readable_as_any_other(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        write_text(tmp_path / "a.txt", "x")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a.txt").stat().st_mode) == 0o640


def test_many_threads_write_one_file(tmp_path: Path) -> None:
    """The last one wins, nobody sees half a file, and the process' permission mask is as it was."""
    before = os.umask(0o022)
    try:
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda i: write_text(tmp_path / "a.txt", str(i) * 1000), range(200)))
        assert os.umask(0o022) == 0o022
    finally:
        os.umask(before)
    assert len(set((tmp_path / "a.txt").read_text())) <= 3
    assert listing(tmp_path) == ["a.txt"]


def test_a_full_disk_leaves_no_half_file(tmp_path: Path) -> None:
    """A limit on the size of files makes writing fail in the middle, as a full disk does."""
    pytest.importorskip("resource", reason="sizes are limited on POSIX systems only")
    (tmp_path / "old.csv").write_text("old\n")
    code = """
import resource, signal, sys
from pathlib import Path
import pandas as pd
from yolo_koin.errors import RunError
from yolo_koin.files import write_csv
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
try:
    write_csv(Path(sys.argv[1]) / "old.csv", pd.DataFrame({"a": range(10_000)}))
except RunError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True)
    assert done.stdout == f"cannot write (File too large): {tmp_path}/old.csv. Free some space, or choose a folder you may write to.\n"
    assert (tmp_path / "old.csv").read_text() == "old\n"
    assert listing(tmp_path) == ["old.csv"]


def can_write_anywhere(folder: Path) -> bool:
    folder.chmod(0o500)
    try:
        (folder / "try").touch()
    except OSError:
        return False
    (folder / "try").unlink()
    return True


def test_a_folder_that_may_not_be_written_to(tmp_path: Path) -> None:
    folder = tmp_path / "read-only"
    folder.mkdir()
    if can_write_anywhere(folder):
        pytest.skip("this user may write everywhere (root)")
    with pytest.raises(RunError, match=r"cannot write \(Permission denied\)"):
        write_text(folder / "a.txt", "x")
    folder.chmod(0o700)


def test_csv_and_json(tmp_path: Path) -> None:
    write_csv(tmp_path / "a.csv", pd.DataFrame({"a": [1, 10**17 + 1], "b": [0.1234567, 2.0], "c": ["김", 'x,"y"']}))
    assert (tmp_path / "a.csv").read_bytes() == 'a,b,c\n1,0.123457,김\n100000000000000001,2,"x,""y"""\n'.encode()
    write_json(tmp_path / "a.json", {"path": Path("x/y"), "name": "김"})
    assert json.loads((tmp_path / "a.json").read_text(encoding="utf-8")) == {"path": "x/y", "name": "김"}
    assert "김" in (tmp_path / "a.json").read_text(encoding="utf-8")


def test_a_folder_is_there_when_the_block_is_done(tmp_path: Path) -> None:
    path = tmp_path / "new" / "a"
    unfinished(path).mkdir(parents=True)
    (unfinished(path) / "of a call that was killed").touch()
    path.mkdir()
    with atomic_folder(path) as folder:
        (folder / "b").touch()
        assert listing(path) == []
    assert (listing(path), listing(path.parent)) == (["b"], ["a"])
    with pytest.raises(OSError, match="not empty"), atomic_folder(path) as folder:
        (folder / "c").touch()
    with pytest.raises(ValueError, match="no"), atomic_folder(path.with_name("z")):
        raise ValueError("no")
    assert (listing(path), listing(path.parent)) == (["b"], ["a"])


def test_sha256_of_more_than_one_block(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(data := bytes(range(256)) * 10_000)
    assert sha256(tmp_path / "a") == hashlib.sha256(data).hexdigest()
    (tmp_path / "b").write_bytes(b"abc")
    assert sha256(tmp_path / "b") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"  # FIPS 180-4


def test_free_bytes_of_a_folder_to_come(tmp_path: Path) -> None:
    assert free_bytes(tmp_path / "a" / "b") == pytest.approx(free_bytes(tmp_path), rel=0.05)
    assert free_bytes(Path("not") / "yet") > 0


def test_stopwatch_adds_up_and_counts_failures() -> None:
    seconds = {"a": 10.0}
    with pytest.raises(ValueError, match="no"), stopwatch(seconds, "a"):
        raise ValueError("no")
    assert 10 <= seconds["a"] < 11


# --------------------------------------------------------------------------------------------------------------- errors
def test_an_error_is_one_line() -> None:
    error = DatasetError("no\nphoto", Path("a/b"), "Put one\n there.")
    assert str(error) == "no photo: a/b. Put one there."
    assert (error.what, error.where, error.remedy) == ("no\nphoto", "a/b", "Put one\n there.")
    assert isinstance(error, KoinError)
    assert str(KoinError("no")) == "no"
    assert str(KoinError("no", "x")) == "no: x"


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("아이유", "아이유"),
        ("IU", "IU"),
        ("", ""),
        ("0007", '="0007"'),
        ("1월", '="1월"'),
        ("Mar1", '="Mar1"'),
        ("March", "March"),
        ("TRUE", '="TRUE"'),
        ("=1+1", '="=1+1"'),
        ('-"x"', '="-""x"""'),
    ],
    ids=["Hangul", "letters", "nothing", "zeros", "a day", "a gene's fate", "no day", "a truth value", "a formula", "quotes"],
)
def test_what_a_spreadsheet_would_take_for_something_else_stays_a_text(tmp_path: Path, text: str, cell: str) -> None:
    write_sheet(tmp_path / "t.csv", pd.DataFrame({"name": [text], "0000": [1], "share": [1 / 3]}))
    content = (tmp_path / "t.csv").read_bytes()
    assert content.startswith(b"\xef\xbb\xbf"), "Excel takes a file without it for one in the code page of its country"
    rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))
    assert rows == [["name", '="0000"', "share"], [cell, "1", "0.3333"]]
