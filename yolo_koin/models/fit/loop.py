"""The training loop of all networks.

Every epoch draws from its own seed and every step depends on nothing but the state, so a training that is killed and resumed gives, on a
processor, the weights of one that was not.
"""

from __future__ import annotations

import contextlib
import copy
import math
import os
import shutil
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from yolo_koin.environment import cores
from yolo_koin.errors import RunError
from yolo_koin.files import writing
from yolo_koin.models.fit.lesson import Lesson, on_device
from yolo_koin.models.fit.log import LOGS, curve_log
from yolo_koin.models.fit.optimizer import MOST_GRADIENT, Average, build_optimizer, freeze, learning_rate, training_mode
from yolo_koin.models.fit.state import Epoch, State, load_state, read_curve, save_state, write_curve
from yolo_koin.models.protocol import CALLED, Trained, TrainJob
from yolo_koin.parallel import Progress, Step

TIE = 1e-6  # weight of the loss in the fitness: far below what one photo adds to the metric
SAVE_EVERY = 10.0  # seconds between two states on the disk, so that short epochs are not spent on writing
ATTEMPTS = 3  # at an epoch whose loss is not finite, each with other draws

# Some kernels of CUDA have no fixed order; nobody can act on it. Set once, because warnings.catch_warnings() is not safe in threads.
warnings.filterwarnings("ignore", message=".*does not have a deterministic implementation.*")

Write = Callable[[Path, nn.Module, Sequence[Epoch]], None]  # checkpoint file, network, the curve up to its epoch


class Fit:
    """One training.

    Args:
        job: what is asked for.
        network: on its device, in its memory layout, with the weights to start from.
        lesson: what the task puts in.
        write: writes a finished checkpoint of the network's family.
        frozen: whether the parameter of a name stays as it is.
        progress: is told of each epoch.
        ending: of the family's checkpoints.
    """

    def __init__(
        self,
        job: TrainJob,
        network: nn.Module,
        lesson: Lesson,
        write: Write,
        frozen: Callable[[str], bool],
        progress: Progress,
        ending: str = ".pt",
    ) -> None:
        self.job, self.network, self.lesson, self.write, self.frozen, self.progress = job, network, lesson, write, frozen, progress
        self.ending = ending
        self.device = next(network.parameters()).device
        self.weights = job.folder / "weights"
        freeze(network, frozen)
        self.optimizer = build_optimizer(network, job.lr)
        self.average = Average(network)
        self.curve: list[Epoch] = []
        self.best, self.fitness = 0, -math.inf
        self.chosen: nn.Module | None = None  # the best network, while it is better than the one on the disk
        self.attempts: dict[int, int] = {}
        self.saved = self.begun = time.monotonic()

    def run(self) -> Trained:
        """Train from the state on the disk, or from the beginning when there is none.

        Raises:
            RunError: the loss of an epoch stayed infinite, the state is of another training, or the folder cannot be written.
        """
        torch.set_num_threads(cores())
        for left in self.weights.glob(".*"):  # what a killed process was writing
            left.unlink(missing_ok=True)
        with _deterministic():
            if self._state.is_file():
                self._restore(load_state(self._state, self.job, self.device))
                if self.curve:
                    self.progress(Step("continuing", len(self.curve) + 1, self.job.epochs))
            else:
                self._save()  # so that a first epoch that goes wrong can be tried again
            with curve_log(self.job, len(self.curve)) as log:
                while len(self.curve) < self.job.epochs and not self._in_vain:
                    row = self._epoch(len(self.curve))
                    if math.isfinite(row.train_loss) and math.isfinite(row.val_loss):
                        self._keep(row)
                        log(row)
                    else:
                        self._again(row)
        self._finish()
        return outcome(self.job, self.lesson.metric, self.curve, self.ending)

    @property
    def _in_vain(self) -> bool:
        """Whether as many epochs as there is patience for have gone by since the best one."""
        return self.job.patience is not None and len(self.curve) - self.best >= self.job.patience

    # ------------------------------------------------------------------------------------------------------------ epochs
    def _epoch(self, number: int) -> Epoch:
        torch.manual_seed((self.job.seed + 1) * 100_003 + number * 101 + self.attempts.get(number, 0))
        order = torch.randperm(len(self.lesson.train)).tolist()
        size = min(self.job.batch, len(order))
        if len(order) % size == 1 < len(order):
            order.pop()  # batch normalisation needs two photos
        steps = math.ceil(len(order) / size)
        training_mode(self.network, self.frozen)
        told = torch.zeros((), device=self.device)
        rate = 0.0
        for i, batch in enumerate(on_device(self.lesson.train.batches(order, size), self.device)):
            rate = learning_rate(number * steps + i, steps, self.job.epochs, self.job.lr)
            told += self._step(batch, rate)
        with torch.no_grad():
            value, loss = self.lesson.validate(self.average.network)
        earlier = self.curve[-1].time if self.curve else 0.0
        took = time.monotonic() - self.begun
        self.begun = time.monotonic()
        return Epoch(number + 1, earlier + took, float(told) / steps, loss, value, rate)

    def _step(self, batch: dict[str, Tensor], rate: float) -> Tensor:
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.job.bits == 16):
            loss, told = self.lesson.loss(self.network, batch)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), MOST_GRADIENT)
        self.optimizer.step()
        self.optimizer.zero_grad()
        self.average.update(self.network)
        return told

    def _keep(self, row: Epoch) -> None:
        """Note an epoch; choose it when it is the best, ties by the lower loss."""
        self.curve.append(row)
        fitness = row.value - TIE * min(row.val_loss, 9.0)
        if fitness > self.fitness:
            self.best, self.fitness, self.chosen = row.epoch, fitness, copy.deepcopy(self.average.network)
        write_curve(self.job.folder / "results.csv", self.curve, self.lesson.metric)
        if row.epoch == 1 or time.monotonic() - self.saved >= SAVE_EVERY:
            self._save()
        note = f"loss {row.train_loss:.3f}  val {CALLED[self.lesson.metric]} {100 * row.value:.1f} %"
        self.progress(Step("epoch", row.epoch, self.job.epochs, note))

    def _again(self, row: Epoch) -> None:
        """Go back to before an epoch whose loss is not finite, to try it with other draws."""
        number = row.epoch - 1
        self.attempts[number] = self.attempts.get(number, 0) + 1
        if self.attempts[number] >= ATTEMPTS:
            what = f"training lost its way in epoch {row.epoch}" if self.curve else "training never had a finite loss"
            raise RunError(what, self.job.folder, "Start again with other photos or a smaller --batch.")
        self._restore(load_state(self._state, self.job, self.device))

    # ------------------------------------------------------------------------------------------------------------- files
    @property
    def _state(self) -> Path:
        return self.weights / "state.pt"

    def _save(self) -> None:
        """Write the checkpoints, then the state: a run that is killed between the two comes to the same checkpoints once more."""
        self._write_checkpoints()
        parts = (self.network.state_dict(), self.average.network.state_dict(), self.optimizer.state_dict())
        save_state(self._state, State(*parts, self.average.updates, tuple(self.curve), self.best, self.fitness), self.job)
        self.saved = time.monotonic()

    def _restore(self, state: State) -> None:
        self.network.load_state_dict(state.network)
        self.average.network.load_state_dict(state.average)
        self.optimizer.load_state_dict(state.optimizer)
        self.average.updates, self.curve = state.updates, list(state.curve)
        self.best, self.fitness, self.chosen = state.best, state.fitness, None
        self.begun = time.monotonic()

    def _write_checkpoints(self) -> None:
        if self.chosen is not None:
            self.write(self.weights / f"best{self.ending}", self.chosen, self.curve[: self.best])
            self.chosen = None
        if self.curve:
            self.write(self.weights / f"last{self.ending}", self.average.network, self.curve)

    def _finish(self) -> None:
        """Write what is not on the disk yet; the state goes last, since a run without it is finished."""
        self._write_checkpoints()
        self._state.unlink(missing_ok=True)


def outcome(job: TrainJob, metric: str, curve: Sequence[Epoch], ending: str = ".pt") -> Trained:
    """What a curve says of a finished training; figures as they stand in ``results.csv``."""
    best = max(curve, key=lambda row: row.value - TIE * min(row.val_loss, 9.0))
    value = float(f"{best.value:.6g}")
    weights = job.folder / "weights" / f"best{ending}"
    return Trained(weights=weights, metric=metric, best_epoch=best.epoch, value=value, epochs=len(curve))


def finished(job: TrainJob, metric: str, ending: str = ".pt") -> Trained | None:
    """The outcome of a training that wrote all of its files already; None when it did not."""
    weights = job.folder / "weights"
    if (weights / "state.pt").is_file() or not all((weights / name).is_file() for name in (f"best{ending}", f"last{ending}")):
        return None
    curve = read_curve(job.folder / "results.csv")
    whole = job.patience is not None or len(curve) == job.epochs  # else of a version that wrote last.pt all along
    return outcome(job, metric, curve, ending) if whole else None


def clear(folder: Path, ending: str = ".pt") -> None:
    """Remove what an earlier training left in a run's folder."""
    with writing(folder):
        for name in ("weights/state.pt", f"weights/last{ending}", f"weights/best{ending}", "results.csv"):
            (folder / name).unlink(missing_ok=True)
        shutil.rmtree(folder / LOGS, ignore_errors=True)


@contextlib.contextmanager
def _deterministic() -> Iterator[None]:
    """Kernels that give the same bits each time, as far as the device has them; new tensors are not filled, which would only cost time."""
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # read by CUDA, which sums in a fixed order then
    before = torch.get_deterministic_debug_mode()
    settings: Any = torch.utils.deterministic
    filled = settings.fill_uninitialized_memory
    torch.set_deterministic_debug_mode("warn")  # use_deterministic_algorithms() says the same, and loads the compiler
    settings.fill_uninitialized_memory = False
    try:
        yield
    finally:
        torch.set_deterministic_debug_mode(before)
        settings.fill_uninitialized_memory = filled
