"""What a prepared dataset is: a typed record of what it was made of, and how. This is the one module that knows what stands in it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args

from yolo_koin.errors import RunError
from yolo_koin.files import write_json
from yolo_koin.manifests import Manifest
from yolo_koin.specs import Fit, Task, TrainingSet


@dataclass(frozen=True, kw_only=True)
class PreparedDataset(Manifest):
    """A dataset that a converter laid out.

    Attributes:
        kind: the task that it is laid out for.
        version: of what prepared its pixels.
        data: the raw dataset that it was made of.
        fit: how photos were made square; None for detection.
        side: of the prepared photos, in pixels.
        train_on, val, seed: how it was split.
        synthetic: splits whose photos are synthetic.
        boxes, detector: files that its face boxes came from; None for the dataset's own and the usual detector.
        provenance: boxes by where they came from.
        boxes_sha256: of the table of boxes, as it was written.
    """

    kind: Task
    version: int = 0
    data: Path
    fit: Fit | None = None
    side: int
    train_on: TrainingSet = "normal"
    val: float = 0.1
    seed: int = 0
    synthetic: tuple[str, ...] = ()
    boxes: Path | None = None
    detector: Path | None = None
    provenance: dict[str, int] = field(default_factory=dict)
    boxes_sha256: str = ""

    @classmethod
    def older(cls, content: dict[str, Any], folder: Path) -> dict[str, Any]:
        """A folder that was claimed and not filled yet says less."""
        return {"side": 0, **content} if content.get("kind") in get_args(Task) else content

    def write(self) -> None:
        """Write the manifest."""
        write_json(self.folder / self.FILE, self.content())


def prepared_at(folder: Path) -> PreparedDataset | None:
    """The prepared dataset in a folder, or None where none is; a manifest of somebody else's is none of ours."""
    try:
        return PreparedDataset.read(folder)
    except RunError:
        return None
