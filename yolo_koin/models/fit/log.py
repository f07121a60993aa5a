"""The training curve for TensorBoard, beside ``results.csv``."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

from yolo_koin.environment import needed
from yolo_koin.models.fit.state import Epoch
from yolo_koin.models.protocol import TrainJob

LOGS = "tensorboard"  # folder of a run


@contextlib.contextmanager
def curve_log(job: TrainJob, done: int) -> Iterator[Callable[[Epoch], None]]:
    """Give what writes an epoch down while the block runs; it does nothing where no log is asked for.

    Args:
        job: the training.
        done: epochs that are done; what an interrupted training logged beyond them is passed over.

    Raises:
        UsageError: TensorBoard is not installed.
    """
    if job.log is None:
        yield lambda row: None
        return
    needed(job.log, f"log={job.log}")
    from torch.utils.tensorboard import SummaryWriter

    with SummaryWriter(job.folder / LOGS, purge_step=done + 1 if done else None) as writer:

        def write(row: Epoch) -> None:
            for name, value in (("loss/train", row.train_loss), ("loss/val", row.val_loss), ("val", row.value), ("lr", row.lr)):
                writer.add_scalar(name, value, row.epoch)
            writer.flush()

        yield write
