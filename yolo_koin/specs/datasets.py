"""Specs of the verbs that look at a dataset or make one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, get_args

from yolo_koin.options import Option
from yolo_koin.specs.shared import DetectorOption, Kind, NameOption, OfData, Prepares, Spec, TrainOnOption, WorkersOption


@dataclass(frozen=True, kw_only=True)
class SampleSpec(Spec):
    """Where to build the built-in faces."""

    out: Annotated[Path | None, Option("Folder to build them in. [default: data/sample]")] = None
    seed: Annotated[int, Option("Chooses severities, models of the hard cases, and the scenes.", least=0)] = 0


@dataclass(frozen=True, kw_only=True)
class AuditSpec(OfData):
    """What to look through."""

    name: NameOption = None
    faces: Annotated[bool, Option("Look for faces too: photos without any, and with several. Those found before are looked up anyway.")] = (
        False
    )
    labels: Annotated[bool, Option("Doubt labels by a probe on frozen features that did not learn from them; needs the extra [peers].")] = (
        False
    )
    write_exclude: Annotated[Path | None, Option("Propose an exclude.txt in this new file; the dataset's own is never touched.")] = None
    strict: Annotated[bool, Option("Exit with code 1 where something makes numbers wrong: leaks, label conflicts, unreadable photos.")] = (
        False
    )
    workers: WorkersOption = None


@dataclass(frozen=True, kw_only=True)
class SplitSpec(Spec):
    """What to divide into training and test photos, and how."""

    source: Annotated[Path, Option("A folder with a folder of photos for each person; only read.", position=True)]
    destination: Annotated[Path, Option("A new or empty folder outside of the source; it gets train/ and test/.", position=True)]
    test: Annotated[float, Option("Share of each person's photos that is for testing.", least=0.001, most=0.999)] = 0.2
    seed: Annotated[int, Option("Of the choice.", least=0)] = 0
    workers: WorkersOption = None


@dataclass(frozen=True, kw_only=True)
class Converts(OfData):
    """What both conversions share."""

    out: Annotated[Path | None, Option("Folder to write. [default: data/<name>-cls, or -det]")] = None
    train_on: TrainOnOption = "normal"
    val: Annotated[float, Option("Share of the training photos that becomes the validation split.", least=0, most=0.999)] = 0.1
    seed: Annotated[int, Option("Seed of the validation split.", least=0)] = 0
    workers: WorkersOption = None


@dataclass(frozen=True, kw_only=True)
class ConvertSpec(Prepares, Converts):
    """What to lay out for classification."""


@dataclass(frozen=True, kw_only=True)
class ConvertDetectSpec(Converts):
    """What to lay out for detection."""

    side: Annotated[int, Option("Longer side of the prepared photos, in pixels; smaller ones stay as they are.", least=64, most=4096)] = 640
    boxes: Annotated[
        Path | None,
        Option("Face boxes that people drew: boxes.csv, COCO, Pascal VOC or LabelMe, a file or a folder. Kept until you say none."),
    ] = None
    detector: DetectorOption = None
    device: Annotated[str, Option("Where a .pt detector runs: cpu, a GPU's number, or mps.")] = ""
    trust_weights: Annotated[bool, Option("Load a detector that safe loading refuses. It can run any code.")] = False
    review: Annotated[int, Option("Pages to look through at most: photos without a box first, then boxes by their score.", least=0)] = 50


@dataclass(frozen=True, kw_only=True)
class HardcasesSpec(Spec):
    """Which photos to draw on, and what."""

    source: Annotated[Path, Option("A folder of photos; only read.", position=True)]
    destination: Annotated[Path, Option("Folder to write, outside of the source.", position=True)]
    kinds: Annotated[tuple[Kind, ...], Option("mask, sunglasses, hat, hand, light, with commas. [default: all]", flag="kind")] = ()
    severity: Annotated[int, Option("Share of the face that is covered.", least=1, most=5)] = 3
    seed: Annotated[int, Option("Chooses models, colours and grain.", least=0)] = 0
    workers: WorkersOption = None

    def __post_init__(self) -> None:
        """None named means all."""
        super().__post_init__()
        object.__setattr__(self, "kinds", tuple(dict.fromkeys(self.kinds)) or get_args(Kind))
