"""Networks of Ultralytics to train: built from a plan, begun from a checkpoint, and written so that stock ``yolo`` loads them."""

from __future__ import annotations

import copy
import datetime
from collections.abc import Callable, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import torch
from torch import nn
from ultralytics import __version__
from ultralytics.cfg import get_cfg
from ultralytics.nn.tasks import ClassificationModel, DetectionModel
from ultralytics.utils.torch_utils import intersect_dicts

from yolo_koin.files import atomic_path
from yolo_koin.models.checkpoints import NOTE, load_checkpoint, network_of, task_of
from yolo_koin.models.devices import choose_device, layout
from yolo_koin.models.fit.classify import ClassLesson
from yolo_koin.models.fit.lesson import Lesson
from yolo_koin.models.fit.loop import Fit
from yolo_koin.models.fit.optimizer import LAST, WARM, WEIGHT_DECAY
from yolo_koin.models.fit.state import Epoch
from yolo_koin.models.protocol import Trained, TrainJob
from yolo_koin.models.zoo import BACKBONE as BACKBONE
from yolo_koin.models.zoo import Plan
from yolo_koin.parallel import Progress, Step

BUILDS: dict[str, Any] = {"classify": ClassificationModel, "detect": DetectionModel}


def fit(job: TrainJob, plan: Plan, progress: Progress) -> Trained:
    """Train a network from the state in the run's folder, or from the beginning; errors as of :class:`yolo_koin.models.fit.loop.Fit`."""
    device = choose_device(job.device)
    network = build(job, plan, progress).to(device, memory_format=layout(device))
    lesson = lesson_of(plan, job, device, network)

    def write(path: Path, trained: nn.Module, curve: Sequence[Epoch]) -> None:
        write_checkpoint(path, trained, curve, job, plan)

    return Fit(job, network, lesson, write, frozen_by(job, network), progress).run()


def lesson_of(plan: Plan, job: TrainJob, device: torch.device, network: Any) -> Lesson:
    """What the network learns in an epoch, by its task."""
    if plan.task == "classify":
        return ClassLesson(job, device)
    from yolo_koin.models.fit.detect import FaceLesson  # here, since torchvision's operators take a while to load

    return FaceLesson(job, device, network.init_criterion())


def build(job: TrainJob, plan: Plan, progress: Progress) -> Any:
    """The network of a plan, with the weights to start from; what the checkpoint has not is drawn from the job's seed."""
    torch.manual_seed(job.seed)
    network = BUILDS[plan.task](plan.layers(), ch=3, nc=len(job.names), verbose=False)
    network.names, network.nc = dict(enumerate(job.names)), len(job.names)
    network.args = get_cfg(overrides=arguments(job, plan))
    if job.start is not None:
        begin_from(network, load_checkpoint(job.start, ""), plan, progress)
    return network


def begin_from(network: Any, checkpoint: dict[str, Any], plan: Plan, progress: Progress) -> None:
    """Take weights over: all that fit of a network of the same task, the backbone of a classifier for a detector."""
    start = network_of(checkpoint)
    if task_of(checkpoint) == plan.task:
        names = network.names
        network.load(start, verbose=False)
        network.names = names  # a network of as many classes would take over whose they were
        return
    own = network.state_dict()
    taken = intersect_dicts({key: value for key, value in start.float().state_dict().items() if layer_of(key) < BACKBONE}, own)
    network.load_state_dict(taken, strict=False)
    progress(Step("taking layers over", len(taken), sum(layer_of(key) < BACKBONE for key in own), "tensors of the backbone"))


def frozen_by(job: TrainJob, network: nn.Module) -> Callable[[str], bool]:
    """Whether a parameter stays as it is: the first layers as asked, and the fixed weights that turn distributions into lengths."""
    return lambda name: layer_of(name) < job.freeze or ".dfl." in name


def layer_of(name: str) -> int:
    """The number of the layer that a parameter or buffer such as ``model.4.conv.weight`` belongs to."""
    return int(name.split(".")[1])


def arguments(job: TrainJob, plan: Plan) -> dict[str, Any]:
    """What Ultralytics calls the settings of a training, as far as they are told in its words."""
    return {
        "task": plan.task,
        "mode": "train",
        "model": f"{plan.name}.yaml" if job.start is None else job.start.name,
        "pretrained": job.start is not None,
        "epochs": job.epochs,
        "imgsz": job.imgsz,
        "batch": job.batch,
        "nbs": job.batch,
        "seed": job.seed,
        "freeze": job.freeze or None,
        "optimizer": "AdamW",
        "lr0": job.lr,
        "lrf": LAST,
        "cos_lr": True,
        "momentum": 0.9,
        "weight_decay": WEIGHT_DECAY,
        "warmup_epochs": WARM * job.epochs,
        "warmup_bias_lr": 0.0,
        "patience": job.patience or 0,
        "plots": False,
    }


def write_checkpoint(path: Path, network: nn.Module, curve: Sequence[Epoch], job: TrainJob, plan: Plan) -> None:
    """Write a checkpoint as Ultralytics leaves it after a training: half precision, without the optimizer; and our note.

    Args:
        path: the file; it appears whole or not at all.
        network: the averaged one.
        curve: up to the epoch of these weights.
        job, plan: what was trained.
    """
    # Channels first, since released versions of Ultralytics cannot fuse the other layout.
    model: Any = copy.deepcopy(network).cpu().half().to(memory_format=torch.contiguous_format).eval().requires_grad_(False)
    model.args = dict(vars(network.args))
    model.criterion = None
    metric = "val_top1" if plan.task == "classify" else "val_map50"
    columns = {field.name if field.name != "value" else metric: [getattr(row, field.name) for row in curve] for field in fields(Epoch)}
    last = asdict(curve[-1])
    absent = dict.fromkeys(("best_fitness", "stopper", "ema", "updates", "modelopt", "optimizer", "scaler"))
    checkpoint = {
        **absent,
        "date": datetime.datetime.now().astimezone().isoformat(),
        "version": __version__,
        "license": "AGPL-3.0 License (https://ultralytics.com/license)",
        "docs": "https://docs.ultralytics.com",
        "epoch": -1,
        "model": model,
        "train_args": vars(get_cfg(overrides=arguments(job, plan))),
        "train_metrics": {metric: last["value"], "val_loss": last["val_loss"]},
        "train_results": columns,
        NOTE: {"fit": job.preparation.fit, "side": job.preparation.side, "train_on": job.train_on, "model": job.model},
    }
    with atomic_path(path) as temporary:
        torch.save(checkpoint, temporary)
