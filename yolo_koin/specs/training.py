"""Specs of the verbs that train."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Annotated, Any, ClassVar, get_args

from yolo_koin.errors import UsageError
from yolo_koin.options import Option
from yolo_koin.specs.shared import (
    AUTO,
    MODEL_ENDING,
    SCRATCH,
    DeviceOption,
    FitOption,
    Kind,
    Log,
    Method,
    MethodWords,
    NameOption,
    OfData,
    Precision,
    ShotsOption,
    Size,
    Task,
    TrainingSet,
    TrainOnOption,
)


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
    precision: Annotated[
        Precision, Option("auto: bfloat16 where the device computes in it, twice as fast on a processor; full: 32 bits.")
    ] = "auto"
    lr: Annotated[
        float | None, Option("Peak of the learning rate. [default: 0.001 from scratch, else 0.0003; to detect 0.002 and 0.0005]", 1e-7, 1)
    ] = None
    augment: Annotated[float, Option("Strength of augmentation: 0 none, 1 the usual, 2 twice as much.", least=0, most=2)] = 1.0
    hardcases: Annotated[
        float, Option("Share of the training photos that get a mask, hat, … drawn, others each time.", least=0, most=1)
    ] = 0.0
    hardcase_kinds: Annotated[tuple[Kind, ...], Option("What is drawn, with commas.")] = get_args(Kind)
    hardcase_severities: Annotated[tuple[int, ...], Option("How far, with commas.", least=1, most=5)] = (1, 2, 3, 4, 5)
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


# What only a network that learns has, and what it usually is. (The one epoch of a head stands in its manifest.)
TUNES = {key: getattr(Trains, key) for key in ("epochs", "lr", "augment", "hardcases", "label_smoothing", "patience", "log", "precision")}


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
            if told := [key for key, usual in TUNES.items() if getattr(self, key) not in (usual, *((1,) if key == "epochs" else ()))]:
                where = f"{told[0]}={getattr(self, told[0])} method={self.method}"
                raise UsageError("this is of a network that learns, and this one stays as it is", where, "Drop one of the two.")
            given = {"task": "detect", "freeze": self.freeze, "weights": SCRATCH}
            if wrong := [f"{key}={value}" for key, value in given.items() if value and getattr(self, key) == value]:
                what = "on frozen features of a network that knows something, photos are named"
                raise UsageError(what, f"method={self.method} {wrong[0]}", "Drop one of the two.")
        if self.C is not None and self.method != "probe":
            raise UsageError("C is of a probe", f"C={self.C:g} method={self.method}", "Say method=probe.")
        if self.task == "detect" and self.hardcases:
            raise UsageError("hard cases are drawn for classifiers", f"task=detect hardcases={self.hardcases}", "Drop one of the two.")
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
    trust: Annotated[
        bool, Option("Audit the dataset too, and put the best model to stress and control; the report shows what they say.")
    ] = False
    name: Annotated[str | None, Option("Name of the benchmark; the same name goes on where it stopped. [default: the dataset's]")] = None
    matrices: Annotated[tuple[dict[str, Any], ...], Option("Several matrices in one benchmark: what each says otherwise.")] = ()

    SHARED: ClassVar[tuple[str, ...]] = (
        "workspace",
        "data",
        "device",
        "log",
        "ray",
        "dry_run",
        "trust",
        "name",
        "matrices",
    )  # by all matrices

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
