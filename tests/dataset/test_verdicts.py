"""What was found of two photos is asked once for the same files, whatever they are called."""

from __future__ import annotations

from pathlib import Path

import pytest

from yolo_koin.dataset.verdicts import FILE, Verdicts

HASHES = {"a.jpg": "0a", "b.jpg": "0b", "c.jpg": "0c", "moved/a.jpg": "0a"}


class Asked:
    """Says that only a and b are copies, and counts."""

    def __init__(self) -> None:
        self.pairs: list[tuple[str, str]] = []

    def __call__(self, one: str, other: str) -> bool:
        self.pairs.append((one, other))
        return {HASHES[one], HASHES[other]} == {"0a", "0b"}


def found(root: Path, asked: Asked, *pairs: tuple[str, str]) -> list[bool]:
    verdicts = Verdicts(root, HASHES, asked)
    told = [verdicts(*pair) for pair in pairs]
    verdicts.keep()
    return told


def test_a_pair_is_looked_at_once(tmp_path: Path) -> None:
    asked = Asked()
    assert found(tmp_path, asked, ("a.jpg", "b.jpg"), ("a.jpg", "c.jpg"), ("a.jpg", "b.jpg")) == [True, False, True]
    assert found(tmp_path, asked, ("moved/a.jpg", "b.jpg"), ("a.jpg", "c.jpg")) == [True, False]
    assert asked.pairs == [("a.jpg", "b.jpg"), ("a.jpg", "c.jpg")]
    before = (tmp_path / FILE).stat().st_mtime_ns
    found(tmp_path, asked, ("a.jpg", "b.jpg"), ("a.jpg", "c.jpg"))
    assert (tmp_path / FILE).stat().st_mtime_ns == before, "nothing new, nothing written"
    found(tmp_path, asked, ("a.jpg", "c.jpg"))
    assert len((tmp_path / FILE).read_text().splitlines()) == 2, "pairs that nobody asks for any more are gone"


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00", b"one,other\n0a,0b\n", b"one,other,same\n0a,0b,perhaps\n"])
def test_a_damaged_file_is_made_again(tmp_path: Path, content: bytes) -> None:
    (tmp_path / FILE).write_bytes(content)
    asked = Asked()
    assert found(tmp_path, asked, ("a.jpg", "b.jpg")) == [True]
    assert len(asked.pairs) == 1
    assert found(tmp_path, asked, ("a.jpg", "b.jpg")) == [True]
    assert len(asked.pairs) == 1
