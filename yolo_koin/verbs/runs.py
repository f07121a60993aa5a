"""``yolo_koin runs``: what was run, and what came of it."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass

from yolo_koin.errors import KoinError
from yolo_koin.locks import is_held
from yolo_koin.parallel import Progress
from yolo_koin.runs import KINDS, Run, ScoredRun, TrainRun
from yolo_koin.specs import RunsSpec
from yolo_koin.splits import NORMAL
from yolo_koin.verbs.verb import verb
from yolo_koin.words import CALLED
from yolo_koin.workspace import Workspace


@dataclass(frozen=True)
class Listed:
    """A run in a list.

    Attributes:
        kind, name, status: of the run.
        figure: its key figure, as people read it; empty where there is none yet.
        updated: when it was last written to, in UTC, to the minute.
    """

    kind: str
    name: str
    status: str
    figure: str
    updated: str


@verb(RunsSpec)
def list_runs(spec: RunsSpec, progress: Progress) -> tuple[Listed, ...]:
    """List the runs of a workspace, the oldest first."""
    workspace = Workspace.of(spec)
    found = [run for kind in ([spec.kind] if spec.kind else KINDS) for run in workspace.all_runs(kind)]
    shown = [Listed(run.KIND, run.full_name, _status(run), _figure(run), run.updated[:16].replace("T", " ")) for run in found]
    return tuple(sorted(shown, key=lambda one: one.updated))


def _status(run: Run) -> str:
    """What the manifest says, unless a killed process could not write it any more."""
    return "interrupted" if run.status == "running" and not is_held(run.folder) else run.status


def _figure(run: Run) -> str:
    if isinstance(run, TrainRun) and run.status == "finished":
        return f"val {CALLED.get(run.metric, run.metric)} {100 * run.val:.1f} %"
    if isinstance(run, ScoredRun):
        from yolo_koin.evaluation import scores  # here, since it loads pandas

        with contextlib.suppress(KoinError):
            table = scores.read(run.folder / "metrics.csv")
            top1 = table[(table["split"] == str(NORMAL)) & table["metric"].isin(["top1", "person_top1"])]
            return "".join(f"normal {100 * value:.1f} %" for value in top1["value"][:1])
    return ""
