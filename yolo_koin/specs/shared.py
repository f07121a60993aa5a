"""What all specs share: their words, their checks, and the options that several verbs have."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, TypeVar

from yolo_koin.options import Option, described

TrainingSet = Literal["normal", "hard", "both"]
Fit = Literal["pad", "crop", "face"]
Task = Literal["classify", "detect"]
Size = Literal["n", "s", "m", "l", "x"]
Way = Literal["whole", "faces", "detector"]  # to name: the photo, each face that is found, what an identity detector finds
Method = Literal["finetune", "probe", "ncm"]
Language = Literal["en", "ko"]
Log = Literal["tensorboard"]
RunKind = Literal["train", "evaluate", "predict", "stress", "control", "export", "benchmark", "audit"]
Format = Literal["onnx", "openvino"]
Engine = Literal["auto", "torch", "onnx"]
Precision = Literal["auto", "full"]
Kind = Literal["mask", "sunglasses", "hat", "hand", "light"]
Corruption = Literal["blur", "motion-blur", "noise", "jpeg", "brightness", "contrast", "low-resolution", "rotation"]
Swept = Literal[Kind, Corruption]

AUTO, SCRATCH, SAMPLE = "auto", "scratch", "sample"
MODEL_ENDING: Mapping[Task, str] = {"classify": "-cls", "detect": ""}  # of an Ultralytics model's name

# Options that several verbs have.
FitOption = Annotated[Fit, Option("pad: whole photo on a grey square; crop: its centre; face: around the face.")]
TrainOnOption = Annotated[TrainingSet, Option("Training photos: normal, hard or both.")]
DetectorOption = Annotated[Path | None, Option("Face detector: YuNet (.onnx) or an Ultralytics face model (.pt). [default: CenterFace]")]
DeviceOption = Annotated[str, Option("cpu, a GPU's number, or mps; of a benchmark several, with commas. [default: first GPU, else cpu]")]
NameOption = Annotated[str | None, Option("Name of the run. [default: after what it does]")]
ShotsOption = Option("Training photos of each person; 5 of them are among 10 of the same seed. [default: all]", least=1, nothing="all")
MethodWords = Option("finetune: the network learns. On its frozen features, probe: logistic regression, ncm: nearest class mean.")
WorkersOption = Annotated[int | None, Option("Threads. [default: all cores]", least=1)]

S = TypeVar("S", bound="Spec")


@dataclass(frozen=True, kw_only=True)
class Spec:
    """What all specs share."""

    HIDDEN: ClassVar[tuple[str, ...]] = ("workspace",)  # of no meaning for what a run computes

    workspace: Annotated[Path | None, Option("Folder with data/, weights/ and runs/. [default: YOLO_KOIN_HOME, or this folder]")] = None

    def __post_init__(self) -> None:
        """Bring each field to its type, and refuse what is out of bounds."""
        for one in described(type(self)):
            object.__setattr__(self, one.name, one.checked(getattr(self, one.name)))

    def settings(self) -> dict[str, Any]:
        """The fields as JSON keeps them, but for the workspace."""
        return {key: _told(value) for key, value in asdict(self).items() if key not in self.HIDDEN}

    @classmethod
    def of(cls: type[S], settings: Mapping[str, Any]) -> S:
        """The spec that a manifest keeps; what this version does not know is passed over."""
        known = {f.name for f in fields(cls)}
        return cls(**{key: value for key, value in settings.items() if key in known})


@dataclass(frozen=True, kw_only=True)
class OfData(Spec):
    """A spec that is about a dataset."""

    data: Annotated[str, Option("Dataset folder (it holds normal_cases/), or 'sample' for the built-in faces.")] = "data/KoIn"


@dataclass(frozen=True, kw_only=True)
class Prepares(OfData):
    """How photos are prepared for a classifier."""

    fit: FitOption = "pad"
    side: Annotated[int, Option("Side of the prepared square photos, in pixels.", least=32, most=2048)] = 256


def _told(value: Any) -> Any:
    if isinstance(value, tuple | list):
        return [_told(part) for part in value]
    return str(value) if isinstance(value, Path) else value
