"""``yolo_koin train``: train one YOLOv8 classifier."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from yolo_koin.dataset.classify import INDEX, Converted, Progress, read_index
from yolo_koin.dataset.koin import find_root
from yolo_koin.errors import KoinError, RunError, UsageError
from yolo_koin.models import yolo
from yolo_koin.models.yolo import Epoch
from yolo_koin.runs import RUNS, create_run, locked, read_manifest, sha256, stopwatch, write_manifest
from yolo_koin.verbs.convert import SAMPLE, ConvertSpec, convert, one_of, refresh
from yolo_koin.verbs.sample import is_sample

AUTO, SCRATCH = "auto", "scratch"
EPOCHS = {True: 80, False: 30}  # from scratch, from pretrained weights
LEARNING_RATE = {True: 1e-3, False: 3e-4}
SMALLEST, LARGEST = 64, 224  # network input when it is chosen by the photos' size


@dataclass(frozen=True)
class TrainSpec:
    """What to train.

    Attributes:
        data: dataset root, ``sample``, or a dataset that ``convert classify`` wrote.
        size: YOLOv8 size: n, s, m, l, x.
        train_on: ``normal``, ``hard`` or ``both``.
        epochs: 80 from scratch and 30 from pretrained weights when None.
        imgsz: network input in pixels, a multiple of 32; when None 224, or less where the photos themselves are smaller.
        batch: photos per step.
        device: ``cpu``, ``0``, ``mps``; the best there is when empty.
        seed: of weights, order and augmentation. The validation split has its own.
        freeze: how many first layers stay as they are; 9 is the whole backbone.
        weights: ``auto`` (ImageNet weights; from scratch on the built-in faces), ``scratch``, or a checkpoint.
        name: of the run.
        fit, side, val: of the conversion, see :class:`yolo_koin.verbs.convert.ConvertSpec`.
    """

    data: str = "data/KoIn"
    size: str = "n"
    train_on: str = "normal"
    epochs: int | None = None
    imgsz: int | None = None
    batch: int = 32
    device: str = ""
    seed: int = 0
    freeze: int = 0
    weights: str = AUTO
    name: str | None = None
    fit: str = "pad"
    side: int = 256
    val: float = 0.1

    def __post_init__(self) -> None:
        one_of("--size", self.size, yolo.SIZES)
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

    def conversion(self) -> ConvertSpec:
        """How the photos are prepared for this training."""
        return ConvertSpec(data=self.data, train_on=self.train_on, val=self.val, fit=self.fit, side=self.side)


@dataclass(frozen=True)
class TrainResult:
    """A finished training.

    Attributes:
        run: its folder.
        weights: the best checkpoint.
        best_epoch: its epoch, from 1.
        val_top1: its validation accuracy, 0 to 1.
        epochs: how many were trained.
        seconds: training time, of this call.
        data: the converted dataset.
    """

    run: Path
    weights: Path
    best_epoch: int
    val_top1: float
    epochs: int
    seconds: float
    data: Path


def train(
    spec: TrainSpec,
    on_epoch: Callable[[Epoch], None] | None = None,
    on_photo: Progress | None = None,
    folder: Path | None = None,
) -> TrainResult:
    """Convert if need be, train, and keep the best epoch by validation top-1.

    Args:
        spec: what to train.
        on_epoch: called after each epoch.
        on_photo: called while photos are converted.
        folder: of the run, in place of ``runs/train/<name>``: a cell of a benchmark.

    Raises:
        DatasetError, WeightsError, RunError, UsageError: what the user can mend.
    """
    yolo.choose_device(spec.device)
    if spec.data != SAMPLE and not (Path(spec.data) / INDEX).is_file():
        find_root(Path(spec.data))  # a mistyped folder is told before anything is downloaded
    start = starting_weights(spec)
    root, spec = _prepare(spec, on_photo)
    scratch = start is None
    spec = replace(spec, epochs=spec.epochs or EPOCHS[scratch], imgsz=spec.imgsz or input_size(root, spec.side))
    run = folder or create_run("train", spec.name, f"{spec.size}-{spec.train_on}")
    with locked(run):
        hashes = {"index_sha256": sha256(root / INDEX), "start_sha256": sha256(start) if start else None}
        write_manifest(
            run, "running", asdict(spec), converted=str(root.resolve()), start=str(start.resolve() if start else SCRATCH), **hashes
        )
        return _train(spec, run, root, start, on_epoch)


def resume(
    name: str | None = None, device: str | None = None, on_epoch: Callable[[Epoch], None] | None = None, folder: Path | None = None
) -> TrainResult:
    """Finish a run that was interrupted: the named one, or the one that was begun last.

    Args:
        name: of the run.
        device: to go on on another device than it began on.
        on_epoch: called after each epoch.
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
        if device is not None:
            spec = replace(spec, device=device)
        refresh(root)
        made = read_manifest(root) or {}
        if (sha256(root / INDEX), made.get("fit"), made.get("side")) != (manifest["index_sha256"], spec.fit, spec.side):
            raise RunError("the photos have changed since this run began", root, "Start a new run with another --name.")
        start = None if manifest["start"] == SCRATCH else Path(manifest["start"])
        return _train(spec, run, root, start, on_epoch)


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


def input_size(root: Path, side: int) -> int:
    """Network input for a converted dataset: the largest multiple of 32 that enlarges at most half of its photos, within 64 and 224.

    Args:
        root: the converted dataset.
        side: of its photos, in pixels.
    """
    index = read_index(root)
    usable = index[index["status"] == "ok"]
    shorter = min(usable[["width", "height"]].min(axis=1).median(), side)
    return int(min(max(shorter // 32 * 32, SMALLEST), LARGEST))


def _prepare(spec: TrainSpec, on_photo: Progress | None) -> tuple[Path, TrainSpec]:
    """The converted dataset for a training, and the spec with what that dataset says of itself."""
    root = Path(spec.data)
    if spec.data == SAMPLE or not (root / INDEX).is_file():
        converted: Converted = convert(spec.conversion(), on_photo)
        return converted.root, spec
    made = read_manifest(refresh(root, on_photo)) or {}
    told = {key: made[key] for key in ("train_on", "fit", "side", "val") if key in made}
    return root, replace(spec, **told)


def starting_weights(spec: TrainSpec) -> Path | None:
    """The checkpoint that a training starts from, downloaded if need be; None for scratch.

    Raises:
        WeightsError: it is not there, or no YOLOv8 classifier.
        UsageError: it is of another size.
    """
    if spec.weights == SCRATCH or (spec.weights == AUTO and is_sample(spec.data)):
        return None
    path = yolo.pretrained(spec.size) if spec.weights == AUTO else Path(spec.weights)
    size = yolo.size_of(path)
    if size not in {"", spec.size}:
        raise UsageError(f"these weights are of size {size}, not {spec.size}", path, f"Say --size {size}.")
    return path


def _train(spec: TrainSpec, run: Path, root: Path, start: Path | None, on_epoch: Callable[[Epoch], None] | None) -> TrainResult:
    # What prediction has to know to prepare photos the way this model saw them.
    note = {"fit": spec.fit, "side": spec.side, "train_on": spec.train_on}
    facts: dict[str, Any] = {}
    seconds: dict[str, float] = {}
    try:
        with stopwatch(seconds, "training"):
            if (run / "weights" / "last.pt").is_file():
                yolo.resume(run, root, spec.device, note, on_epoch)
            else:
                _start(spec, run, root, start, note, on_epoch)
    except KoinError:
        write_manifest(run, "failed", asdict(spec), **facts)
        raise
    except KeyboardInterrupt:
        write_manifest(run, "interrupted", asdict(spec), **facts)
        raise
    best = run / "weights" / "best.pt"
    curve = pd.read_csv(run / "results.csv")
    chosen = curve.sort_values(["val_top1", "val_loss"], ascending=[False, True]).iloc[0]
    facts.update(seconds=seconds, weights_sha256=sha256(best), best_epoch=int(chosen["epoch"]), val_top1=float(chosen["val_top1"]))
    write_manifest(run, "finished", asdict(spec), **facts)
    return TrainResult(run, best, facts["best_epoch"], facts["val_top1"], len(curve), seconds["training"], root)


def _start(
    spec: TrainSpec, run: Path, root: Path, start: Path | None, note: dict[str, Any], on_epoch: Callable[[Epoch], None] | None
) -> None:
    assert spec.epochs is not None
    assert spec.imgsz is not None  # both were settled before the manifest was written
    yolo.train(
        data=root,
        size=spec.size,
        weights=start,
        folder=run,
        epochs=spec.epochs,
        imgsz=spec.imgsz,
        batch=spec.batch,
        device=spec.device,
        seed=spec.seed,
        freeze=spec.freeze,
        lr=LEARNING_RATE[start is None],
        note=note,
        on_epoch=on_epoch,
    )
