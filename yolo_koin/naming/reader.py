"""Where the pixels of a sample come from: a prepared file, a raw one or bytes in memory, perhaps changed on purpose."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from PIL import Image

from yolo_koin.dataset.images import Change, PhotoError
from yolo_koin.dataset.koin import Sample

Transform = Callable[[Sample, Image.Image], Image.Image]  # an upright photo → the same, changed; its size stays


@dataclass(frozen=True)
class Reader:
    """Where the pixels of samples come from; their own files when nothing is said.

    Attributes:
        prepared: image id → the file that a converter prepared of it, or why it could prepare none.
        content: image id → the bytes of its file, for photos that lie in memory.
        transform: is done to each upright photo before it is shown to a model: sweeps are variants of a split, and no copies on disk.
    """

    prepared: Mapping[str, Path | str] = field(default_factory=dict)
    content: Mapping[str, bytes] = field(default_factory=dict)
    transform: Transform | None = None

    def prepared_file(self, sample: Sample) -> Path | None:
        """The prepared file of a sample; None where it has to be prepared now.

        Raises:
            PhotoError: it could not be prepared.
        """
        found = self.prepared.get(sample.image)
        if isinstance(found, str):
            raise PhotoError(found)
        return None if self.transform else found

    def photo(self, sample: Sample) -> Path | bytes:
        """What is to be decoded."""
        return self.content.get(sample.image, sample.path)

    def change(self, sample: Sample) -> Change | None:
        """What is to be done to the upright photo."""
        return partial(self.transform, sample) if self.transform else None
