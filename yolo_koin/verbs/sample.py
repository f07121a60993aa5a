"""``yolo_koin sample``: build the stand-in dataset of real faces, once."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

from yolo_koin.dataset.images import RGB
from yolo_koin.errors import DatasetError
from yolo_koin.faces import FaceDetector, dominant
from yolo_koin.faces.centerface import CenterFace
from yolo_koin.parallel import Progress, silent
from yolo_koin.runs import read_manifest
from yolo_koin.synthetic.att import MARKER, VERSION, Located, build


@dataclass(frozen=True, slots=True)
class SampleSpec:
    """What to build.

    Attributes:
        destination: the dataset root.
        seed: chooses severities, models of the hard cases, and the scenes.
    """

    destination: Path = Path("data/sample")
    seed: int = 0


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


def sample(spec: SampleSpec, progress: Progress = silent) -> SampleResult:
    """Build the stand-in dataset at ``spec.destination``, unless it is there already with the same seed.

    Raises:
        DatasetError: something else is there, or a stand-in of another seed or version, or one that lost photos. Nothing is
            removed.
        WeightsError: the face detector's network is missing.
    """
    root = spec.destination
    if root.exists() and not (root.is_dir() and not any(root.iterdir())):
        return SampleResult(root, _check(spec), built=False)
    detector = CenterFace()
    counts = build(root, lambda photo: locate(detector, photo), spec.seed, progress)
    missed = counts.pop("usual_place")
    return SampleResult(root, counts, built=True, usual_place=missed)


def is_sample(data: str) -> bool:
    """Whether a dataset name or folder means the built-in faces, raw or converted."""
    root = Path(data)
    converted_from = (read_manifest(root) or {}).get("data") if root.is_dir() else None
    return data == "sample" or (root / MARKER).is_file() or bool(converted_from and (Path(converted_from) / MARKER).is_file())


def locate(detector: FaceDetector, photo: RGB) -> Located | None:
    """Landmarks and box of the dominant face of a photo, or None."""
    face = dominant(detector.detect(photo))
    return None if face is None else (face.points(), face.box)


def _check(spec: SampleSpec) -> dict[str, int]:
    """The photo counts of the stand-in that is there, once it is clear that it is the one asked for."""
    root = spec.destination
    again = "Remove that folder yourself, or choose another one."
    if not root.is_dir():
        raise DatasetError("a file is where the built-in faces would go", root, again)
    try:
        marker = json.loads((root / MARKER).read_text(encoding="utf-8"))
        version, seed, photos = marker["version"], marker["seed"], {str(k): int(v) for k, v in marker["photos"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DatasetError("another folder is where the built-in faces would go", root, again) from error
    if (version, seed) != (VERSION, spec.seed):
        raise DatasetError(f"the built-in faces are there with seed {seed} and layout {version}", root, again)
    if any(sum(1 for _ in (root / split).rglob("*.png")) < count for split, count in photos.items()):
        raise DatasetError("the built-in faces are incomplete", root, "Remove that folder yourself; it is then built again.")
    return photos
