"""What was found is kept, by several processes at once, and never stands in the way."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from yolo_koin.errors import RunError
from yolo_koin.faces import Face, Found
from yolo_koin.faces.cache import BATCH, FaceCache

POINTS = ((1.5, 2.0), (3.0, 2.0), (2.0, 3.0), (1.0, 4.0), (3.0, 1 / 3))
FOUND = Found((Face((0.1, 0.2, 30.0, 40.0), 0.9, POINTS), Face((-3.0, 0.0, 1e-3, 7.0), 1 / 3)), 92, 112, "ab" * 32)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "faces.sqlite"


@pytest.fixture
def cache(path: Path) -> Iterator[FaceCache]:
    with FaceCache(path) as cache:
        yield cache


def test_what_was_found_comes_back_as_it_was(path: Path) -> None:
    nobody = Found((), 5, 6, "cd" * 32)
    with FaceCache(path) as cache:
        cache.put("centerface", FOUND)
        cache.put("centerface", nobody)
        assert cache.get(FOUND.sha256, "centerface") == FOUND, "before it is written"
    with FaceCache(path) as cache:
        assert cache.get(FOUND.sha256, "centerface") == FOUND
        assert cache.get(nobody.sha256, "centerface") == nobody, "no face is an answer too"


numbers = st.floats(-1e6, 1e6)
points = st.tuples(*[st.tuples(numbers, numbers)] * 5)
faces = st.builds(Face, st.tuples(*[numbers] * 4), st.floats(0, 1), st.none() | points)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(st.lists(faces, max_size=3))
def test_no_digit_is_lost(cache: FaceCache, drawn: list[Face]) -> None:
    found = Found(tuple(drawn), 10, 20, "ef" * 32)
    cache.put("d", found)
    cache.flush()
    assert cache.get(found.sha256, "d") == found


def test_another_photo_or_detector_is_unknown(cache: FaceCache) -> None:
    cache.put("centerface", FOUND)
    cache.flush()
    assert cache.get("00" * 32, "centerface") is None
    assert cache.get(FOUND.sha256, "centerface with another threshold") is None


def test_a_batch_is_written_without_being_asked(path: Path) -> None:
    cache = FaceCache(path)
    for number in range(BATCH):
        cache.put("d", Found((), 1, 1, f"{number:064x}"))
    with FaceCache(path) as other:
        assert other.get(f"{BATCH - 1:064x}", "d") is not None
    cache.close()


def test_two_processes_fill_one_file(path: Path) -> None:
    code = """
import sys
from pathlib import Path
from yolo_koin.faces import Found
from yolo_koin.faces.cache import FaceCache
with FaceCache(Path(sys.argv[1])) as cache:
    for number in range(int(sys.argv[2]), 120, 2):
        cache.put("d", Found((), 1, number, f"{number // 4:064x}"))
        cache.flush()
"""
    both = [subprocess.Popen([sys.executable, "-c", code, str(path), str(first)], stderr=subprocess.PIPE) for first in (0, 1)]
    assert [process.communicate()[1] for process in both] == [b"", b""]
    with FaceCache(path) as cache:
        assert all(cache.get(f"{number:064x}", "d") for number in range(30))


@pytest.mark.parametrize(
    "content",
    [b"no database", b"SQLite format 3\0" + bytes(4096), b"x" * 10_000],
    ids=["a text", "a damaged head", "noise"],
)
def test_a_damaged_file_is_one_line_that_says_what_to_do(path: Path, content: bytes) -> None:
    path.parent.mkdir()
    path.write_bytes(content)
    with pytest.raises(RunError, match=r"cannot be used \(.*\): .*faces.sqlite. Remove it"):
        FaceCache(path)
    assert path.read_bytes() == content, "it may be somebody's"


def test_a_page_damaged_later(path: Path) -> None:
    with FaceCache(path) as cache:
        for number in range(500):
            cache.put("d", Found(FOUND.faces, 1, 1, f"{number:064x}"))
    content = bytearray(path.read_bytes())
    content[5000:] = b"\xff" * (len(content) - 5000)
    path.write_bytes(content)
    with pytest.raises(RunError, match="Remove it"), FaceCache(path) as cache:
        assert [cache.get(f"{number:064x}", "d") for number in range(500)]


@pytest.mark.parametrize("text", ["{", "[[1]]", "7", '[["a", 1, null]]'])
def test_faces_that_are_none(path: Path, text: str) -> None:
    FaceCache(path).close()
    with sqlite3.connect(path) as file:
        file.execute("INSERT INTO found VALUES ('a', 'd', 1, 1, ?)", (text,))
    file.close()
    with FaceCache(path) as cache, pytest.raises(RunError, match="Remove it"):
        cache.get("a", "d")


def test_a_database_of_another_program(path: Path) -> None:
    path.parent.mkdir()
    with sqlite3.connect(path) as file:
        file.execute("CREATE TABLE found (lost TEXT)")
    file.close()
    with FaceCache(path) as cache, pytest.raises(RunError, match="no such column"):
        cache.get("a", "d")


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match="cannot write"):
        FaceCache(tmp_path / "file" / "faces.sqlite")
    with pytest.raises(RunError, match="unable to open"):
        FaceCache(tmp_path)
