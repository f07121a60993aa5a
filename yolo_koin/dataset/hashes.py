"""Whether two runs saw the same photos: a hash for each split of a dataset, wherever it lies."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import replace

from yolo_koin.dataset.koin import Sample
from yolo_koin.files import sha256
from yolo_koin.splits import Split


def photo_hashes(samples: Iterable[Sample], known: Mapping[str, str] | None = None) -> dict[str, str]:
    """Split → the hash of its photos.

    Args:
        samples: photos; those that cannot be read count by their names.
        known: image id → SHA-256 of the file, where somebody has read it already.
    """
    return split_hashes((str(one.split), one.image, (known or {}).get(one.image) or _of_file(one)) for one in samples)


def split_hashes(photos: Iterable[tuple[str, str, str]]) -> dict[str, str]:
    """Split → the hash of its photos, whatever their order; validation photos are among the training photos, which they are taken from.

    Args:
        photos: split, image id, and SHA-256 of the file, empty where it cannot be read.
    """
    lines: dict[str, list[str]] = {}
    for text, image, digest in photos:
        split = Split.parse(text)
        lines.setdefault(str(replace(split, part="train") if split.part == "val" else split), []).append(f"{image} {digest}\n")
    return {split: hashlib.sha256("".join(sorted(some)).encode()).hexdigest() for split, some in sorted(lines.items())}


def _of_file(sample: Sample) -> str:
    with contextlib.suppress(OSError):
        return sha256(sample.path)
    return ""
