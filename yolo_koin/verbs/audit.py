"""``yolo_koin audit``: what is in a dataset, and what is wrong with it."""

from __future__ import annotations

from dataclasses import dataclass

from yolo_koin.dataset import audit as dataset_audit
from yolo_koin.dataset.audit import Audit
from yolo_koin.parallel import Progress, silent
from yolo_koin.verbs.convert import open_dataset


@dataclass(frozen=True)
class AuditSpec:
    """What to look at.

    Attributes:
        data: dataset root, or ``sample``.
        workers: threads; all cores when None.
    """

    data: str = "data/KoIn"
    workers: int | None = None


def audit(spec: AuditSpec, progress: Progress = silent) -> Audit:
    """Audit a dataset.

    Raises:
        DatasetError: there is none.
    """
    return dataset_audit.audit(open_dataset(spec.data), spec.workers, progress)
