"""Small made-up photos that no two fingerprints confuse, and folders of them."""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image


def picture(seed: int, width: int = 45, height: int = 48) -> Image.Image:
    """Random blocks, so that pictures of two seeds are no near-duplicates."""
    blocks = np.random.default_rng(seed).integers(0, 256, (8, 9, 3), dtype=np.uint8)
    return Image.fromarray(blocks).resize((width, height), Image.Resampling.NEAREST)


def put(root: Path, *images: str, seed: int = 0) -> Path:
    """Save a photo at each path; the same path and seed always give the same photo."""
    for image in images:
        path = root / image
        path.parent.mkdir(parents=True, exist_ok=True)
        picture(zlib.crc32(f"{seed}{image}".encode())).save(path)
    return root


def tree(root: Path) -> dict[str, tuple[int, bytes]]:
    """Modification time and bytes of every file in a folder."""
    return {p.relative_to(root).as_posix(): (p.stat().st_mtime_ns, p.read_bytes()) for p in root.rglob("*") if p.is_file()}


def several(split: str, labels: Iterable[str], count: int) -> list[str]:
    """Paths of so many photos of each class of a split."""
    return [f"{split}/{label}/{i}.png" for label in labels for i in range(count)]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Where a test makes its dataset."""
    return tmp_path / "KoIn"
