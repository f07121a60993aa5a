"""Networks of timm to train, by the loop of all networks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn

from yolo_koin.models.devices import choose_device, layout
from yolo_koin.models.fit.classify import ClassLesson
from yolo_koin.models.fit.loop import Fit
from yolo_koin.models.fit.state import Epoch
from yolo_koin.models.protocol import Trained, TrainJob
from yolo_koin.models.tensors import note_of, note_of_job, write_tensors
from yolo_koin.models.timm_network import create, from_file
from yolo_koin.models.timm_zoo import ENDING
from yolo_koin.parallel import Progress


def fit(job: TrainJob, progress: Progress) -> Trained:
    """Train a network from the state in the run's folder, or from the beginning; errors as of :class:`yolo_koin.models.fit.loop.Fit`."""
    device = choose_device(job.device)
    network = build(job).to(device, memory_format=layout(device))
    note = note_of_job(job)

    def write(path: Path, trained: nn.Module, curve: Sequence[Epoch]) -> None:
        write_tensors(path, trained.state_dict(), note)

    return Fit(job, network, ClassLesson(job, device), write, lambda name: False, progress, ENDING).run()


def build(job: TrainJob) -> Any:
    """The network, with the weights to start from; what these have not is drawn from the job's seed."""
    torch.manual_seed(job.seed)
    if job.start is None:
        return create(job.model, job.imgsz, num_classes=len(job.names))
    network = from_file(job.model, job.start, job.imgsz)
    note = note_of(job.start)
    if note is None or tuple(note["names"]) != job.names:  # what it knew were other classes
        network.reset_classifier(len(job.names))
    return network
