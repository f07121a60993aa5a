"""Specs of the verbs that name photos, score what was named, and report it."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated, get_args

from yolo_koin.errors import UsageError
from yolo_koin.options import Option
from yolo_koin.specs.shared import (
    DetectorOption,
    DeviceOption,
    Engine,
    FoldsOption,
    Format,
    LanguageOption,
    NameOption,
    OfData,
    RunKind,
    Spec,
    StrangersOption,
    Swept,
    Task,
    folds_for,
)


@dataclass(frozen=True, kw_only=True)
class Asks(Spec):
    """Which model is asked."""

    weights: Annotated[
        str | Path | None,
        Option("Checkpoint, or a training run's name. [default: of the newest finished training run, a benchmark's last]"),
    ] = None
    data: Annotated[str | None, Option("Dataset folder or 'sample'. [default: what the model was trained on]")] = None
    detector: DetectorOption = None
    device: DeviceOption = ""
    engine: Annotated[Engine, Option("What runs classifiers: onnx (ONNX Runtime, on processors), torch, or the faster one.")] = "auto"
    trust_weights: Annotated[bool, Option("Load a checkpoint that safe loading refuses. It can run any code.")] = False

    def __post_init__(self) -> None:
        """Refuse an exported network on a GPU."""
        super().__post_init__()
        if self.engine == "onnx" and self.device not in {"", "cpu"}:
            raise UsageError("ONNX Runtime runs on the processor", f"engine=onnx device={self.device}", "Drop one of the two.")


@dataclass(frozen=True, kw_only=True)
class Names(Asks):
    """What names photos."""

    faces: Annotated[bool, Option("Find every face and name each, in place of the photo as a whole.")] = False


@dataclass(frozen=True, kw_only=True)
class EvaluateSpec(Names):
    """What to score."""

    name: NameOption = None
    task: Annotated[Task | None, Option("Which newest model: classify or detect. [default: what the weights are, else classify]")] = None
    boxes: Annotated[Path | None, Option("Face boxes that people drew: boxes.csv, COCO, Pascal VOC or LabelMe, a file or a folder.")] = None
    leaks: Annotated[Path | None, Option("findings.csv of an audit: top-1 is told without the test photos that it calls leaks, too.")] = (
        None
    )
    segments: Annotated[bool, Option("Tell where the model fails, too: by brightness, sharpness, size and number of faces.")] = False
    strangers: StrangersOption = None
    folds: FoldsOption = None

    def __post_init__(self) -> None:
        """Boxes and face detectors are about faces; a detector finds them by itself. Strangers are whole photos of a dataset's people."""
        super().__post_init__()
        object.__setattr__(self, "folds", folds_for(self.strangers, self.folds))
        if self.strangers is not None:
            given = {"task": "detect", "faces": True, "data": self.data, "engine": "onnx", "leaks": self.leaks, "segments": True}
            if wrong := [f"{key}={value}" for key, value in given.items() if value and getattr(self, key) == value]:
                what = "strangers are held out of a classifier of whole photos, trained anew on its own dataset"
                raise UsageError(what, f"strangers={self.strangers:g} {wrong[0]}", "Drop one of the two.")
        if self.faces and self.task == "detect":
            raise UsageError("a detector finds and names faces by itself", "task=detect faces=True", "Drop one of the two.")
        if self.leaks and (self.faces or self.task == "detect"):
            raise UsageError("leaks are told of whole photos", f"leaks={self.leaks}", "Drop it, or faces and task.")
        if self.segments and (self.faces or self.task == "detect"):
            raise UsageError("segments are told of whole photos", "segments=True", "Drop it, or faces and task.")
        for option in ("detector", "boxes"):
            if not self.faces and getattr(self, option):
                where = f"{option}={getattr(self, option)}"
                raise UsageError(f"{option} is about faces", where, "Say faces=True; for a detector give it to convert detect.")


@dataclass(frozen=True, kw_only=True)
class StressSpec(Asks):
    """What to do to the normal test photos, and how far."""

    name: NameOption = None
    kinds: Annotated[tuple[Swept, ...], Option(f"{', '.join(get_args(Swept))}, with commas. [default: all]", flag="kind")] = ()
    severities: Annotated[tuple[int, ...], Option("How far, with commas.", least=1, most=5)] = (1, 2, 3, 4, 5)
    seed: Annotated[int, Option("Of what is drawn; photos are the same for every model.", least=0)] = 0
    reference: Annotated[str | None, Option("A finished stress run of another model, by name, that errors are measured in.")] = None

    def __post_init__(self) -> None:
        """None named means all; each once."""
        super().__post_init__()
        object.__setattr__(self, "kinds", tuple(dict.fromkeys(self.kinds)) or get_args(Swept))
        object.__setattr__(self, "severities", tuple(sorted(set(self.severities))) or StressSpec.severities)


@dataclass(frozen=True, kw_only=True)
class ControlSpec(Asks):
    """Which model is shown photos without their faces."""

    name: NameOption = None
    seed: Annotated[int, Option("Chooses whose background a face is set before.", least=0)] = 0


@dataclass(frozen=True, kw_only=True)
class ScoreSpec(OfData):
    """Whose predictions to score."""

    file: Annotated[
        Path, Option("CSV: image,pred[,score], or image and a column of probabilities per class, or a predictions.csv.", position=True)
    ]
    name: NameOption = None


@dataclass(frozen=True, kw_only=True)
class Answers(Names):
    """What is answered of each photo, or of each face in it."""

    top: Annotated[int, Option("Names drawn on each photo.", least=1, most=5)] = 3
    reject: Annotated[
        str | None, Option("Answer unknown: an FPIR such as 10%, of evaluate --strangers, or a threshold of its score such as 7.3.")
    ] = None

    def __post_init__(self) -> None:
        """Refuse a rejection that cannot be."""
        super().__post_init__()
        if self.reject is not None:
            _ = self.rejection  # what cannot be is told here

    @property
    def rejection(self) -> tuple[float, bool]:
        """What ``reject`` says: a share of strangers' photos, and True; or a threshold, and False."""
        text = (self.reject or "").strip()
        try:
            value = float(text.removesuffix("%"))
        except ValueError:
            value = math.nan
        is_share = text.endswith("%")
        if not math.isfinite(value) or (is_share and not 0 < value < 100):
            raise UsageError("neither an FPIR such as 10% nor a threshold such as 7.3", f"reject={self.reject}", "Correct it.")
        return (value / 100, True) if is_share else (value, False)


@dataclass(frozen=True, kw_only=True)
class PredictSpec(Answers):
    """Which photos to name."""

    source: Annotated[str | tuple[str, ...], Option("Splits (hard_cases/test), folders, photos or globs.", position=True)]
    name: NameOption = None
    explain: Annotated[
        bool, Option("Show beside each photo where a classifier looks, and say how much of that lies on the face; --engine torch.")
    ] = False

    def __post_init__(self) -> None:
        """A face detector needs faces."""
        super().__post_init__()
        if not self.sources:
            raise UsageError("nothing to predict", "", "Name a split such as hard_cases/test, a folder, a photo or a glob.")
        if self.detector and not (self.faces or self.explain):
            raise UsageError("detector is about faces", f"detector={self.detector}", "Say faces=True.")
        if self.explain and (self.faces or self.engine == "onnx"):
            other = "faces=True" if self.faces else "engine=onnx"
            raise UsageError("where a model looks is shown of whole photos, by torch", f"explain=True {other}", "Drop one of the two.")

    @property
    def sources(self) -> tuple[str, ...]:
        """The sources, of which there may be one."""
        return (self.source,) if isinstance(self.source, str) else self.source


@dataclass(frozen=True, kw_only=True)
class DemoSpec(Answers):
    """Which models answer on a page of this computer."""

    weights: Annotated[
        str | Path | None, Option("Training runs or checkpoints, with commas: side by side. [default: the newest finished training run]")
    ] = None
    port: Annotated[int, Option("Port of the page; when it is taken, a free one is.", least=1, most=65535)] = 7860
    open: Annotated[bool, Option("Open the page in the browser.")] = False

    @property
    def models(self) -> tuple[Answers, ...]:
        """What each of the models is asked."""
        shared = {one.name: getattr(self, one.name) for one in fields(Answers)}
        named = dict.fromkeys(one.strip() for one in str(self.weights or "").split(",") if one.strip())
        return tuple(Answers(**{**shared, "weights": one}) for one in named or [None])


@dataclass(frozen=True, kw_only=True)
class ExportSpec(Spec):
    """What to hand on to other programs."""

    weights: Annotated[
        str | Path | None, Option("A training run's name, or a checkpoint. [default: the newest classifier]", position=True)
    ] = None
    format: Annotated[Format, Option("onnx; openvino needs pip install openvino.")] = "onnx"
    name: NameOption = None
    trust_weights: Annotated[bool, Option("Load a checkpoint that safe loading refuses. It can run any code.")] = False


@dataclass(frozen=True, kw_only=True)
class ReportSpec(Spec):
    """Which runs to report."""

    runs: Annotated[tuple[str, ...], Option("Runs under runs/evaluate or runs/benchmark, by name or folder.", position=True)]
    out: Annotated[Path | None, Option("Folder for the figures. [default: figures/ of the run; of several runs/report/]")] = None
    lang: LanguageOption = "en"
    photos: Annotated[bool, Option("Show photos of people in report.html; file names are there in any case.")] = False
    cost: Annotated[bool, Option("Measure first, on this machine, what the models cost: parameters, FLOPs, latency.")] = False
    device: DeviceOption = ""
    published: Annotated[bool, Option("Add the published results on KoIn50, marked so; for runs on its real photos only.")] = False

    def __post_init__(self) -> None:
        """A device is for measuring."""
        super().__post_init__()
        if self.device and not self.cost:
            raise UsageError("a report is drawn from files", f"device={self.device}", "Say cost=True too, or drop it.")


@dataclass(frozen=True, kw_only=True)
class RunsSpec(Spec):
    """Which runs to list."""

    kind: Annotated[RunKind | None, Option("Which kind only. [default: all]")] = None
