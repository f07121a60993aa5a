"""What a model costs: parameters and operations, which are counted, and time, which is measured on the machine that we are on."""

from __future__ import annotations

import platform
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from yolo_koin.environment import cores
from yolo_koin.errors import RunError
from yolo_koin.files import write_json
from yolo_koin.manifests import Manifest
from yolo_koin.models.heads import HeadClassifier
from yolo_koin.models.protocol import Classifier, engine_of

BATCH = 16  # photos, where it is measured how many a second
SECONDS, LEAST, MOST = 2.0, 7, 200  # of measuring one thing, and repeats
WARM_UP = 3  # repeats before, which are not counted
QUARTILES = ("q1", "median", "q3")

Photos = NDArray[np.uint8]


@runtime_checkable
class Counted(Protocol):
    """A network of torch whose parameters are known; those of another library are not."""

    @property
    def parameters(self) -> int:
        """How many numbers the layers hold that a photo goes through, batch normalisation fused where it is."""
        ...


@dataclass(frozen=True, kw_only=True)
class Cost(Manifest):
    """What the model of a run costs, in ``cost.json`` beside it.

    Attributes:
        weights_sha256: of the run's checkpoint. What was measured is it, or one of the same network, input and number of people.
        side: of the network's input, in pixels.
        parameters, flops: of the model with the backbone under it, for one photo; a multiply-add is two operations, and only those of
            convolutions and matrix products are counted. None where the network is none of torch's.
        latency: of one photo, in milliseconds, by :data:`QUARTILES`: from pixels of the network's size in memory to scores.
        throughput: photos a second in batches, by :data:`QUARTILES`; batch: photos in one; repeats: of each of the two, the fewer.
        machine: what it was measured on: processor or GPU, and threads. Only times of one machine can be compared.
        engine: what ran it.
    """

    FILE = "cost.json"
    weights_sha256: str
    side: int
    parameters: int | None
    flops: int | None
    latency: dict[str, float] = field(default_factory=dict)
    throughput: dict[str, float] = field(default_factory=dict)
    batch: int = BATCH
    repeats: int = 0
    machine: str = ""
    engine: str = ""

    def write(self) -> None:
        """Write it beside the run."""
        write_json(self.folder / self.FILE, self.content())


def measured(model: Classifier, folder: Path, weights_sha256: str) -> Cost:
    """Count and time a model on noise: what a photo shows makes no difference to it.

    Raises:
        RunError: it answers with what is no number.
    """
    model = model.uncached() if isinstance(model, HeadClassifier) else model
    noise = np.random.default_rng(0).integers(0, 256, (BATCH, model.side, model.side, 3), dtype=np.uint8)
    if not np.isfinite(model.logits(noise)).all():
        raise RunError("a model that answers with what is no number", model.weights, "Train it again.")
    one, many = _seconds(lambda: model.logits(noise[:1])), _seconds(lambda: model.logits(noise))
    device = getattr(model, "device", None)
    return Cost(
        folder=folder,
        weights_sha256=weights_sha256,
        side=model.side,
        parameters=model.parameters if isinstance(model, Counted) else None,
        flops=_flops(model, noise[:1]) if isinstance(model, Counted) else None,
        latency=_quartiles(1000 * one),
        throughput=_quartiles(BATCH / many),
        repeats=min(len(one), len(many)),
        machine=machine(device),
        engine=_engine(engine_of(model)),
    )


def _seconds(work: Callable[[], object]) -> NDArray[np.float64]:
    """What each of several repeats took. Their answers are arrays in memory, so that a GPU has finished then."""
    for _ in range(WARM_UP):
        work()
    took: list[float] = []
    while len(took) < LEAST or (sum(took) < SECONDS and len(took) < MOST):
        begun = time.perf_counter()
        work()
        took.append(time.perf_counter() - begun)
    return np.array(took)


def _quartiles(values: NDArray[np.float64]) -> dict[str, float]:
    return {name: float(value) for name, value in zip(QUARTILES, np.percentile(values, [25, 50, 75]), strict=True)}


def _flops(model: Classifier, photo: Photos) -> int:
    """Operations for one photo: what torch's own counter sees, and the product of a head that is none of torch's.

    Attention is taken apart into matrix products meanwhile: of the fused one on processors the counter knows nothing.
    """
    from torch.nn.attention import SDPBackend, sdpa_kernel
    from torch.utils.flop_counter import FlopCounterMode

    with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        model.logits(photo)
    return int(counter.get_total_flops()) + (2 * model.size if isinstance(model, HeadClassifier) else 0)


def machine(device: Any = None) -> str:
    """What a model runs on, in words: a GPU by its name, else the processor and its threads."""
    if device is not None and device.type == "cuda":
        import torch

        return str(torch.cuda.get_device_name(device))
    if device is not None and device.type != "cpu":
        return f"{_processor()}, {device.type}"
    return f"{_processor()}, {cores()} thread{'s' if cores() > 1 else ''}"


def _processor() -> str:
    """Its name as Linux tells it, else as Python does."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return named[0] if named else platform.processor() or platform.machine()


def _engine(name: str) -> str:
    if name != "torch":
        return name
    import torch

    return f"PyTorch {torch.__version__.partition('+')[0]}"
