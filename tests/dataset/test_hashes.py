"""Photos are the same where their names and bytes are, wherever they lie; of a prepared dataset as of the raw one."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.dataset.conftest import put, several
from yolo_koin.dataset.classify import convert, read_index
from yolo_koin.dataset.hashes import photo_hashes
from yolo_koin.dataset.koin import scan
from yolo_koin.verbs.scoring import hashes_of


def test_a_hash_is_of_the_photos_of_a_split(root: Path, tmp_path: Path) -> None:
    put(root, *several("normal_cases/train", "ab", 3), *several("normal_cases/test", "ab", 2), *several("hard_cases/test", "ab", 1))
    before = photo_hashes(scan(root).samples)
    assert set(before) == {"normal_cases/train", "normal_cases/test", "hard_cases/test"}
    moved = Path(shutil.copytree(root, tmp_path / "elsewhere"))
    assert photo_hashes(reversed(scan(moved).samples)) == before
    (moved / "normal_cases/test/a/0.png").rename(moved / "normal_cases/test/b/7.png")
    put(moved, "hard_cases/test/a/0.png", seed=1)
    after = photo_hashes(scan(moved).samples)
    assert {split for split in before if after[split] != before[split]} == {"normal_cases/test", "hard_cases/test"}


def test_a_prepared_dataset_has_the_hashes_of_the_raw_one(root: Path, tmp_path: Path) -> None:
    """Validation photos and damaged ones too; of training splits it has those that it was made to learn from."""
    put(root, *several("normal_cases/train", "ab", 3), *several("hard_cases/train", "ab", 1), *several("normal_cases/test", "ab", 2))
    (root / "normal_cases/test/a/0.png").write_text("no photo")
    dataset = scan(root)
    convert(dataset, tmp_path / "made", val=0.4, side=32)
    index = read_index(tmp_path / "made")
    assert {"normal_cases/val", "normal_cases/train"} <= set(index["split"])
    raw = photo_hashes(dataset.samples)
    assert hashes_of(index) == {split: raw[split] for split in ("normal_cases/test", "normal_cases/train")}
