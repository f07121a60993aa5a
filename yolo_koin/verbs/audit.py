"""``yolo_koin audit``: what is in a dataset, and what is wrong with it."""

from __future__ import annotations

from yolo_koin.dataset import audit as dataset_audit
from yolo_koin.dataset.audit import Audit
from yolo_koin.parallel import Progress
from yolo_koin.specs import AuditSpec
from yolo_koin.verbs.resolve import open_dataset
from yolo_koin.verbs.verb import verb
from yolo_koin.workspace import Workspace


@verb(AuditSpec)
def audit(spec: AuditSpec, progress: Progress) -> Audit:
    """Audit a dataset.

    Raises:
        DatasetError: there is none.
    """
    return dataset_audit.audit(open_dataset(spec.data, Workspace.of(spec)), spec.workers, progress)
