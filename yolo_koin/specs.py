"""What each verb is asked for: one frozen spec a verb, every option written once, checked once. Imports nothing heavy.

A field's annotation holds its type, what it means and its bounds; the command line's options are made of it. A spec that exists is a spec
that makes sense: what does not is a :class:`~yolo_koin.errors.UsageError` that names the field (``epochs=0``), which the command line
shows as the option (``--epochs 0``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, TypeVar, get_args

from yolo_koin.errors import UsageError
from yolo_koin.options import Option, described

TrainingSet = Literal["normal", "hard", "both"]
Fit = Literal["pad", "crop", "face"]
Task = Literal["classify", "detect"]
Size = Literal["n", "s", "m", "l", "x"]
Way = Literal["whole", "faces", "detector"]  # to name: the photo, each face that is found, what an identity detector finds
Method = Literal["finetune", "probe", "ncm"]
Language = Literal["en", "ko"]
Log = Literal["tensorboard"]
RunKind = Literal["train", "evaluate", "predict", "benchmark"]
Engine = Literal["auto", "torch", "onnx"]
Kind = Literal["mask", "sunglasses", "hat", "hand", "light"]

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


# --------------------------------------------------------------------------------------------------------- shared fields
@dataclass(frozen=True, kw_only=True)
class OfData(Spec):
    """A spec that is about a dataset."""

    data: Annotated[str, Option("Dataset folder (it holds normal_cases/), or 'sample' for the built-in faces.")] = "data/KoIn"


@dataclass(frozen=True, kw_only=True)
class Prepares(OfData):
    """How photos are prepared for a classifier."""

    fit: FitOption = "pad"
    side: Annotated[int, Option("Side of the prepared square photos, in pixels.", least=32, most=2048)] = 256


@dataclass(frozen=True, kw_only=True)
class Trains(OfData):
    """How models are trained; the same for every cell of a benchmark."""

    fit: FitOption = "pad"
    side: Annotated[int | None, Option("Side of the prepared photos, in pixels. [default: 256, or 640 to detect]", least=32, most=4096)] = (
        None
    )
    val: Annotated[float, Option("Share of the training photos that becomes the validation split.", least=0.001, most=0.999)] = 0.1
    epochs: Annotated[int | None, Option("Epochs. [default: 80 from scratch (64 to detect), 30 from pretrained weights]", least=1)] = None
    imgsz: Annotated[
        int | None, Option("Network input in pixels. [default: the model's own; YOLO: as the photos, to 224 or 640]", least=32)
    ] = None
    batch: Annotated[int | None, Option("Photos per training step. [default: 32, or 16 to detect]", least=2)] = None
    device: DeviceOption = ""
    lr: Annotated[
        float | None, Option("Peak of the learning rate. [default: 0.001 from scratch, else 0.0003; to detect 0.002 and 0.0005]", 1e-7, 1)
    ] = None
    augment: Annotated[float, Option("Strength of augmentation: 0 none, 1 the usual, 2 twice as much.", least=0, most=2)] = 1.0
    label_smoothing: Annotated[float, Option("Share of a target that all classes get; a detector has none.", least=0, most=0.9)] = 0.1
    patience: Annotated[int | None, Option("Epochs without a better one that end the training. [default: none do]", least=1)] = None
    log: Annotated[Log | None, Option("Write the training curve for TensorBoard as well, into tensorboard/ of the run.")] = None
    freeze: Annotated[int, Option("First layers to keep as they are; 9 is the whole backbone of a YOLO.", least=0)] = 0
    weights: Annotated[
        str | Path,
        Option("auto: official weights from weights/ or downloaded (YOLO on the sample: scratch); scratch; a checkpoint; a run's name."),
    ] = AUTO
    C: Annotated[
        float | None, Option("Of a probe's logistic regression; 0 chooses it on validation. [default: 0.316, the paper's]", least=0)
    ] = None

    def __post_init__(self) -> None:
        """Refuse to freeze what knows nothing yet."""
        super().__post_init__()
        if self.freeze and self.weights == SCRATCH:
            raise UsageError(
                "an untrained network has no layers to freeze",
                f"freeze={self.freeze} weights=scratch",
                "Drop one of the two.",
            )


@dataclass(frozen=True, kw_only=True)
class Names(Spec):
    """What names photos."""

    weights: Annotated[
        str | Path | None, Option("Checkpoint, or a training run's name. [default: the newest finished training run's best checkpoint]")
    ] = None
    data: Annotated[str | None, Option("Dataset folder or 'sample'. [default: what the model was trained on]")] = None
    faces: Annotated[bool, Option("Find every face and name each, in place of the photo as a whole.")] = False
    detector: DetectorOption = None
    device: DeviceOption = ""
    engine: Annotated[Engine, Option("What runs classifiers: onnx (ONNX Runtime, on processors), torch, or the faster one.")] = "auto"
    name: NameOption = None
    trust_weights: Annotated[bool, Option("Load a checkpoint that safe loading refuses. It can run any code.")] = False

    def __post_init__(self) -> None:
        """Refuse an exported network on a GPU."""
        super().__post_init__()
        if self.engine == "onnx" and self.device not in {"", "cpu"}:
            raise UsageError("ONNX Runtime runs on the processor", f"engine=onnx device={self.device}", "Drop one of the two.")


# ----------------------------------------------------------------------------------------------------------------- verbs
@dataclass(frozen=True, kw_only=True)
class SampleSpec(Spec):
    """Where to build the built-in faces."""

    out: Annotated[Path | None, Option("Folder to build them in. [default: data/sample]")] = None
    seed: Annotated[int, Option("Chooses severities, models of the hard cases, and the scenes.", least=0)] = 0


@dataclass(frozen=True, kw_only=True)
class AuditSpec(OfData):
    """What to look through."""

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


@dataclass(frozen=True, kw_only=True)
class TrainSpec(Trains):
    """What to train."""

    size: Annotated[Size | None, Option("YOLOv8 size: the short form of a model. [default: n]")] = None
    model: Annotated[str | None, Option("Model, as yolov8m-cls or yolo11n-cls; size m means yolov8m-cls.")] = None
    task: Annotated[Task, Option("classify: name a photo; detect: find the faces in it and name each.")] = "classify"
    method: Annotated[Method, MethodWords] = "finetune"
    train_on: TrainOnOption = "normal"
    shots: Annotated[int | None, ShotsOption] = None
    seed: Annotated[int, Option("Of weights, order and augmentation; the validation split has its own.", least=0)] = 0
    name: NameOption = None

    def __post_init__(self) -> None:
        """A size is the short form of a model; a detector learns from whole photos."""
        super().__post_init__()
        if self.size and self.model and self.model != f"yolov8{self.size}{MODEL_ENDING[self.task]}":
            raise UsageError("two models", f"size={self.size} model={self.model}", "Drop one of the two.")
        if self.task == "detect" and self.fit != "pad":
            raise UsageError("a detector learns from whole photos", f"task=detect fit={self.fit}", "Drop one of the two.")
        if self.method != "finetune":
            given = {"task": "detect", "freeze": self.freeze, "weights": SCRATCH}
            if wrong := [f"{key}={value}" for key, value in given.items() if value and getattr(self, key) == value]:
                what = "on frozen features of a network that knows something, photos are named"
                raise UsageError(what, f"method={self.method} {wrong[0]}", "Drop one of the two.")
        if self.C is not None and self.method != "probe":
            raise UsageError("C is of a probe", f"C={self.C:g} method={self.method}", "Say method=probe.")
        if self.task == "detect" and self.label_smoothing != Trains.label_smoothing:
            where = f"task=detect label_smoothing={self.label_smoothing}"
            raise UsageError("a detector's loss has no label smoothing", where, "Drop one of the two.")

    @property
    def model_name(self) -> str:
        """The model in the registry's words."""
        return self.model or f"yolov8{self.size or 'n'}{MODEL_ENDING[self.task]}"

    @property
    def model_slug(self) -> str:
        """The model as a part of a folder's name: ``timm-resnet101``."""
        return "".join(letter if letter.isalnum() or letter in "._-" else "-" for letter in self.model_name)

    @property
    def method_slug(self) -> str:
        """The method as a part of a folder's name; empty of the usual one."""
        return "" if self.method == "finetune" else f"-{self.method}"

    @property
    def shots_slug(self) -> str:
        """The shots as a part of a folder's name; empty where there is no bound."""
        return "" if self.shots is None else f"-{self.shots}shots"

    @property
    def yolov8_size(self) -> str:
        """The size of a YOLOv8 model; empty of another family."""
        size = self.model_name.removeprefix("yolov8").removesuffix(MODEL_ENDING[self.task])
        return size if size in get_args(Size) else ""


@dataclass(frozen=True, kw_only=True)
class EvaluateSpec(Names):
    """What to score."""

    task: Annotated[Task | None, Option("Which newest model: classify or detect. [default: what the weights are, else classify]")] = None
    boxes: Annotated[Path | None, Option("Face boxes that people drew: boxes.csv, COCO, Pascal VOC or LabelMe, a file or a folder.")] = None

    def __post_init__(self) -> None:
        """Boxes and face detectors are about faces; a detector finds them by itself."""
        super().__post_init__()
        if self.faces and self.task == "detect":
            raise UsageError("a detector finds and names faces by itself", "task=detect faces=True", "Drop one of the two.")
        for option in ("detector", "boxes"):
            if not self.faces and getattr(self, option):
                where = f"{option}={getattr(self, option)}"
                raise UsageError(f"{option} is about faces", where, "Say faces=True; for a detector give it to convert detect.")


@dataclass(frozen=True, kw_only=True)
class ScoreSpec(OfData):
    """Whose predictions to score."""

    file: Annotated[
        Path, Option("CSV: image,pred[,score], or image and a column of probabilities per class, or a predictions.csv.", position=True)
    ]
    name: NameOption = None


@dataclass(frozen=True, kw_only=True)
class PredictSpec(Names):
    """Which photos to name."""

    source: Annotated[str | tuple[str, ...], Option("Splits (hard_cases/test), folders, photos or globs.", position=True)]
    top: Annotated[int, Option("Names drawn on each photo.", least=1, most=5)] = 3

    def __post_init__(self) -> None:
        """A face detector needs faces."""
        super().__post_init__()
        if not self.sources:
            raise UsageError("nothing to predict", "", "Name a split such as hard_cases/test, a folder, a photo or a glob.")
        if self.detector and not self.faces:
            raise UsageError("detector is about faces", f"detector={self.detector}", "Say faces=True.")

    @property
    def sources(self) -> tuple[str, ...]:
        """The sources, of which there may be one."""
        return (self.source,) if isinstance(self.source, str) else self.source


@dataclass(frozen=True, kw_only=True)
class ReportSpec(Spec):
    """Which runs to report."""

    runs: Annotated[tuple[str, ...], Option("Runs under runs/evaluate or runs/benchmark, by name or folder.", position=True)]
    out: Annotated[Path | None, Option("Folder for the figures. [default: figures/ of the run; of several runs/report/]")] = None
    lang: Annotated[Language, Option("Language of the page: en or ko. Figures are in English.")] = "en"
    published: Annotated[bool, Option("Add the published results on KoIn50, marked so; for runs on its real photos only.")] = False


@dataclass(frozen=True, kw_only=True)
class BenchmarkSpec(Trains):
    """Which models to train on what, and to compare."""

    sizes: Annotated[tuple[Size, ...], Option("YOLOv8 sizes, with commas: n,s,m,l,x. [default: n]")] = ()
    models: Annotated[tuple[str, ...], Option("Models, with commas: yolov8n-cls,yolo11n-cls; beside the sizes.")] = ()
    methods: Annotated[tuple[Method, ...], MethodWords] = ("finetune",)
    train_on: Annotated[tuple[TrainingSet, ...], Option("Training sets, with commas: normal,hard,both.")] = ("normal",)
    shots: Annotated[tuple[int | None, ...], ShotsOption] = (None,)
    seeds: Annotated[tuple[int, ...], Option("Seeds, with commas; each is a training of its own.", least=0)] = (0,)
    ray: Annotated[str, Option("Run the cells on a Ray cluster: its address, or auto. [default: on this machine]")] = ""
    dry_run: Annotated[bool, Option("Say what would be run, what is there already, and how long it may take; write nothing.")] = False
    name: Annotated[str | None, Option("Name of the benchmark; the same name goes on where it stopped. [default: the dataset's]")] = None
    matrices: Annotated[tuple[dict[str, Any], ...], Option("Several matrices in one benchmark: what each says otherwise.")] = ()

    SHARED: ClassVar[tuple[str, ...]] = ("workspace", "data", "device", "log", "ray", "dry_run", "name", "matrices")  # by all matrices

    def __post_init__(self) -> None:
        """One checkpoint fits one model, and there has to be something to run."""
        super().__post_init__()
        if self.matrices:
            for one in self.matrices:
                if wrong := [key for key in one if key in self.SHARED or key not in {f.name for f in fields(self)}]:
                    raise UsageError("one of the matrices cannot say this by itself", ", ".join(wrong), "Say it of all.")
            _ = self.parts  # what cannot be is told here
            return
        if empty := [f"{key}=" for key in ("methods", "train_on", "shots", "seeds") if not getattr(self, key)]:
            raise UsageError("nothing to run", " ".join(empty), "Name at least one.")
        if self.weights not in {AUTO, SCRATCH} and len(self.model_names) > 1:
            raise UsageError(
                "one checkpoint fits one model", f"weights={self.weights}", "Benchmark one at a time, or take auto or scratch."
            )

    @property
    def parts(self) -> tuple[BenchmarkSpec, ...]:
        """The matrices that it is made of, each a benchmark of its own; most have one."""
        return tuple(replace(self, matrices=(), **one) for one in self.matrices) or (self,)

    @property
    def model_names(self) -> tuple[str, ...]:
        """The models in the registry's words, sizes first."""
        sizes = self.sizes or (() if self.models else ("n",))
        return tuple(dict.fromkeys([*(f"yolov8{size}-cls" for size in sizes), *self.models]))


@dataclass(frozen=True, kw_only=True)
class RunsSpec(Spec):
    """Which runs to list."""

    kind: Annotated[RunKind | None, Option("Which kind only. [default: all]")] = None


def _told(value: Any) -> Any:
    if isinstance(value, tuple | list):
        return [_told(part) for part in value]
    return str(value) if isinstance(value, Path) else value
