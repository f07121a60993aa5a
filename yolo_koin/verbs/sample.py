"""``yolo_koin sample``: build the stand-in dataset of real faces, once."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

from yolo_koin.dataset.images import RGB
from yolo_koin.errors import DatasetError
from yolo_koin.faces import FaceDetector, dominant
from yolo_koin.faces.centerface import CenterFace
from yolo_koin.locks import locked, tidy
from yolo_koin.parallel import Progress, silent
from yolo_koin.runs import prepared_at
from yolo_koin.specs import SAMPLE, SampleSpec
from yolo_koin.synthetic.att import MARKER, VERSION, Located, build
from yolo_koin.verbs.verb import verb
from yolo_koin.workspace import Workspace


@dataclass(frozen=True)
class SampleResult:
    """What is there now.

    Attributes:
        root: the dataset root.
        photos: number of photos in each split.
        built: False when it was there already.
        usual_place: photographs in which no face was found, so that its usual place was taken; None when nothing was built.
    """

    root: Path
    photos: dict[str, int] = field(default_factory=dict)
    built: bool = True
    usual_place: int | None = None


@verb(SampleSpec)
def sample(spec: SampleSpec, progress: Progress) -> SampleResult:
    """Build the stand-in dataset, unless it is there already with the same seed.

    Raises:
        DatasetError: something else is there, or a stand-in of another seed or version, or one that lost photos. Nothing is
            removed.
        WeightsError: the face detector's network is missing.
    """
    return built_in(spec.out or Workspace.of(spec).data / SAMPLE, spec.seed, progress)


def built_in(root: Path, seed: int = 0, progress: Progress = silent) -> SampleResult:
    """The stand-in dataset in a folder, built on first use; two that want it at once build it once."""
    if _is_something(root):
        tidy(root)
        return SampleResult(root, _check(root, seed), built=False)
    with locked(root):
        if _is_something(root):
            return SampleResult(root, _check(root, seed), built=False)
        detector = CenterFace()
        counts = build(root, lambda photo: locate(detector, photo), seed, progress)
    missed = counts.pop("usual_place")
    return SampleResult(root, counts, built=True, usual_place=missed)


def is_sample(data: str, folder: Path) -> bool:
    """Whether a dataset's name or folder means the built-in faces, raw or converted."""
    made = prepared_at(folder) if folder.is_dir() else None
    return data == SAMPLE or (folder / MARKER).is_file() or (made is not None and (made.data / MARKER).is_file())


def locate(detector: FaceDetector, photo: RGB) -> Located | None:
    """Landmarks and box of the dominant face of a photo, or None."""
    face = dominant(detector.detect(photo))
    return None if face is None else (face.points(), face.box)


def _is_something(root: Path) -> bool:
    return root.exists() and not (root.is_dir() and not any(root.iterdir()))


def _check(root: Path, wanted: int) -> dict[str, int]:
    """The photo counts of the stand-in that is there, once it is clear that it is the one asked for."""
    again = "Remove that folder yourself, or choose another one."
    if not root.is_dir():
        raise DatasetError("a file is where the built-in faces would go", root, again)
    try:
        marker = json.loads((root / MARKER).read_text(encoding="utf-8"))
        version, seed, photos = marker["version"], marker["seed"], {str(k): int(v) for k, v in marker["photos"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise DatasetError("another folder is where the built-in faces would go", root, again) from error
    if (version, seed) != (VERSION, wanted):
        raise DatasetError(f"the built-in faces are there with seed {seed} and layout {version}", root, again)
    if any(sum(1 for _ in (root / split).rglob("*.png")) < count for split, count in photos.items()):
        raise DatasetError("the built-in faces are incomplete", root, "Remove that folder yourself; it is then built again.")
    return photos
