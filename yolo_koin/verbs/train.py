"""``yolo_koin train``: train one YOLOv8 classifier, or one detector that tells people apart."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from yolo_koin.dataset.images import FITS
from yolo_koin.dataset.koin import find_root
from yolo_koin.errors import KoinError, RunError, UsageError
from yolo_koin.files import sha256
from yolo_koin.models import registry
from yolo_koin.models.devices import choose_device
from yolo_koin.models.protocol import Preparation, Trained, TrainJob
from yolo_koin.parallel import Progress, silent, stopwatch
from yolo_koin.runs import RUNS, create_run, locked, read_manifest, write_manifest
from yolo_koin.splits import TRAINING_SETS
from yolo_koin.verbs.convert import SAMPLE, one_of
from yolo_koin.verbs.sample import is_sample
from yolo_koin.verbs.tasks import TASKS, Task, is_converted

AUTO, SCRATCH = "auto", "scratch"
SIZES = ("n", "s", "m", "l", "x")
WEIGHTS = Path("weights")  # where official weights are


@dataclass(frozen=True)
class TrainSpec:
    """What to train.

    Attributes:
        task: ``classify`` (name a photo), or ``detect`` (find the faces in it and name each).
        data: dataset root, ``sample``, or a dataset that ``convert`` wrote for the task.
        size: YOLOv8 size: n, s, m, l, x.
        train_on: ``normal``, ``hard`` or ``both``.
        epochs: when None 80 from scratch (64 to detect) and 30 from pretrained weights.
        imgsz: network input in pixels, a multiple of 32; when None 224 (640 to detect), or less where the photos are smaller.
        batch: photos per step; 32, or 16 to detect, when None.
        device: ``cpu``, ``0``, ``mps``; the best there is when empty.
        seed: of weights, order and augmentation. The validation split has its own.
        freeze: how many first layers stay as they are; 9 is the whole backbone.
        weights: ``auto`` (the official weights; from scratch on the built-in faces), ``scratch``, or a checkpoint.
        name: of the run.
        fit, side, val: of the conversion, see :class:`yolo_koin.verbs.convert.ConvertSpec`; a side of None is 256, or 640 to detect.
    """

    data: str = "data/KoIn"
    size: str = "n"
    train_on: str = "normal"
    epochs: int | None = None
    imgsz: int | None = None
    batch: int | None = None
    device: str = ""
    seed: int = 0
    freeze: int = 0
    weights: str = AUTO
    name: str | None = None
    fit: str = "pad"
    side: int | None = None
    val: float = 0.1
    task: str = "classify"

    def __post_init__(self) -> None:
        one_of("--task", self.task, tuple(TASKS))
        one_of("--size", self.size, SIZES)
        one_of("--train-on", self.train_on, tuple(TRAINING_SETS))
        one_of("--fit", self.fit, FITS)
        if self.task == "detect" and self.fit != "pad":
            raise UsageError("a detector learns from whole photos", f"--task detect --fit {self.fit}", "Drop one of the two.")
        for option, value, low in (
            ("--epochs", self.epochs, 1),
            ("--batch", self.batch, 2),
            ("--seed", self.seed, 0),
            ("--freeze", self.freeze, 0),
        ):
            if value is not None and value < low:
                raise UsageError(f"at least {low}", f"{option} {value}", "Give a larger number.")
        if self.freeze > 9:
            raise UsageError(
                "the backbone has 9 layers, and freezing more leaves nothing to train",
                f"--freeze {self.freeze}",
                "Take 9 or less.",
            )
        if self.freeze and self.weights == SCRATCH:
            raise UsageError("freezing layers that know nothing yet", f"--freeze {self.freeze} --weights scratch", "Drop one of the two.")
        if self.imgsz is not None and (self.imgsz < 32 or self.imgsz % 32):
            raise UsageError("a multiple of 32", f"--imgsz {self.imgsz}", "Usual sizes are 96, 160 and 224.")
        if not 0 < self.val < 1:
            raise UsageError("training needs validation photos", f"--val {self.val}", "The protocol takes 0.1.")


@dataclass(frozen=True)
class TrainResult:
    """A finished training.

    Attributes:
        run: its folder.
        weights: the best checkpoint.
        best_epoch: its epoch, from 1.
        metric: what it was chosen by: ``top1``, or ``map50`` of a detector.
        val: that, on the validation photos, 0 to 1.
        epochs: how many were trained.
        seconds: training time, of this call.
        data: the converted dataset.
    """

    run: Path
    weights: Path
    best_epoch: int
    metric: str
    val: float
    epochs: int
    seconds: float
    data: Path


def train(
    spec: TrainSpec,
    progress: Progress = silent,
    folder: Path | None = None,
) -> TrainResult:
    """Convert if need be, train, and keep the best epoch by validation top-1 (a detector's: by mAP@0.5 over identities).

    Args:
        spec: what to train.
        progress: is told of each photo that is converted, and of each epoch.
        folder: of the run, in place of ``runs/train/<name>``: a cell of a benchmark.

    Raises:
        DatasetError, WeightsError, RunError, UsageError: what the user can mend.
    """
    choose_device(spec.device)
    task = TASKS[spec.task]
    if spec.data != SAMPLE and not is_converted(spec.data, spec.task):
        find_root(Path(spec.data))  # a mistyped folder is told before anything is downloaded
    start = starting_weights(spec)
    root, spec = _prepare(spec, task, progress)
    assert spec.side is not None
    spec = replace(
        spec,
        epochs=spec.epochs or task.epochs[start is None],
        batch=spec.batch or task.batch,
        imgsz=spec.imgsz or task.input_size(root, spec.side),
    )
    run = folder or create_run("train", spec.name, f"{spec.size}-{spec.train_on}{task.suffix}")
    with locked(run):
        hashes = {"index_sha256": sha256(root / task.table), "start_sha256": sha256(start) if start else None}
        write_manifest(
            run, "running", asdict(spec), converted=str(root.resolve()), start=str(start.resolve() if start else SCRATCH), **hashes
        )
        return _train(spec, run, root, start, progress)


def resume(name: str | None = None, device: str | None = None, progress: Progress = silent, folder: Path | None = None) -> TrainResult:
    """Finish a run that was interrupted: the named one, or the one that was begun last.

    Args:
        name: of the run.
        device: to go on on another device than it began on.
        progress: is told of each epoch.
        folder: of the run, when it is a cell of a benchmark.

    Raises:
        RunError: there is no unfinished run, another process is at it, or the photos that it was trained on have changed.
    """
    run = folder or unfinished(name)
    manifest = read_manifest(run)
    if manifest is None or manifest.get("status") == "finished":
        raise RunError("this run is finished" if manifest else "no such run", run, "There is nothing to resume.")
    with locked(run):
        spec, root = TrainSpec(**manifest["spec"]), Path(manifest["converted"])
        task = TASKS[spec.task]
        if device is not None:
            spec = replace(spec, device=device)
        task.refresh(root, silent)
        made = read_manifest(root) or {}
        pixels = [key for key in ("fit", "side") if key in task.settings]
        same = all(made.get(key) == getattr(spec, key) for key in pixels)
        if not same or sha256(root / task.table) != manifest["index_sha256"]:
            raise RunError("the photos have changed since this run began", root, "Start a new run with another --name.")
        start = None if manifest["start"] == SCRATCH else Path(manifest["start"])
        return _train(spec, run, root, start, progress)


def unfinished(name: str | None) -> Path:
    """The folder of the interrupted run to go on with."""
    if name is not None:
        return RUNS / "train" / name
    found = [
        (m.get("updated", ""), path) for path in (RUNS / "train").glob("*") if (m := read_manifest(path)) and m.get("status") != "finished"
    ]
    if not found:
        raise RunError("no interrupted training run", RUNS / "train", "Start one with yolo_koin train.")
    return max(found)[1]


def _prepare(spec: TrainSpec, task: Task, progress: Progress) -> tuple[Path, TrainSpec]:
    """The converted dataset for a training, and the spec with what that dataset says of itself."""
    given = spec.data != SAMPLE and is_converted(spec.data, spec.task)
    root = task.refresh(Path(spec.data), progress) if given else task.prepare(spec, progress)
    made = read_manifest(root) or {}
    return root, replace(spec, **{"side": task.side, **{key: made[key] for key in task.settings if key in made}})


def starting_weights(spec: TrainSpec) -> Path | None:
    """The checkpoint that a training starts from, downloaded if need be; None for scratch.

    Raises:
        WeightsError: it is not there, or no YOLOv8 model of this task.
        UsageError: it is of another size.
    """
    if spec.weights == SCRATCH or (spec.weights == AUTO and is_sample(spec.data)):
        return None
    model = model_of(spec)
    family = registry.family_of(model)
    path = family.pretrained(model, WEIGHTS) if spec.weights == AUTO else Path(spec.weights)
    family.check(model, path)
    return path


def model_of(spec: TrainSpec) -> str:
    """The name of the model in the registry."""
    return f"yolov8{spec.size}{TASKS[spec.task].model}"


def _train(spec: TrainSpec, run: Path, root: Path, start: Path | None, progress: Progress) -> TrainResult:
    facts: dict[str, Any] = {}
    seconds: dict[str, float] = {}
    try:
        with stopwatch(seconds, "training"):
            done = _fit(_job(spec, run, root, start), progress)
    except KoinError:
        write_manifest(run, "failed", asdict(spec), **facts)
        raise
    except KeyboardInterrupt:
        write_manifest(run, "interrupted", asdict(spec), **facts)
        raise
    facts.update(seconds=seconds, weights_sha256=sha256(done.weights), best_epoch=done.best_epoch, **{f"val_{done.metric}": done.value})
    write_manifest(run, "finished", asdict(spec), **facts)
    return TrainResult(run, done.weights, done.best_epoch, done.metric, done.value, done.epochs, seconds["training"], root)


def _fit(job: TrainJob, progress: Progress) -> Trained:
    """Train, from where an earlier call stopped if there is one: a new run's folder is empty."""
    return registry.family_of(job.model).resume(job, progress)


def _job(spec: TrainSpec, run: Path, root: Path, start: Path | None) -> TrainJob:
    assert spec.epochs is not None
    assert spec.imgsz is not None
    assert spec.side is not None
    assert spec.batch is not None  # all were settled before the manifest was written
    task = TASKS[spec.task]
    train, val, names = task.photos(root)
    return TrainJob(
        model=model_of(spec),
        train=train,
        val=val,
        names=names,
        folder=run,
        start=start,
        preparation=Preparation(fit=spec.fit, side=spec.side),
        train_on=spec.train_on,
        epochs=spec.epochs,
        imgsz=spec.imgsz,
        batch=spec.batch,
        device=spec.device,
        seed=spec.seed,
        freeze=spec.freeze,
        lr=task.learning_rate[start is None],
    )
