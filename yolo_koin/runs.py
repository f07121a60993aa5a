"""What a run is: a typed record of what was asked, with which versions, and what came of it.

A run is one folder ``runs/<kind>/<name>`` with a ``manifest.json``. This is the one module that knows what stands in it.
"""

from __future__ import annotations

import contextlib
import platform
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from yolo_koin.errors import RunError
from yolo_koin.files import write_json
from yolo_koin.manifests import MANIFEST as MANIFEST
from yolo_koin.manifests import Manifest, kind_of, placed
from yolo_koin.prepared import PreparedDataset as PreparedDataset
from yolo_koin.prepared import prepared_at as prepared_at
from yolo_koin.program import git_commit, versions
from yolo_koin.specs import (
    SCRATCH,
    AuditSpec,
    BenchmarkSpec,
    ControlSpec,
    EvaluateSpec,
    ExportSpec,
    PredictSpec,
    ScoreSpec,
    StressSpec,
    TrainSpec,
)

CELL, CELLS = "cell.json", "cells"
STRANGERS = "strangers"  # the folder of a benchmark that its runs with people held out lie in

R = TypeVar("R", bound="Run")


def is_ours(folder: Path) -> bool:
    """Whether this package wrote a folder: ``runs/``, or a dataset that it prepared. Its photos are results."""
    if folder.name == "runs":
        return any((run / MANIFEST).exists() for kind in KINDS if (folder / kind).is_dir() for run in (folder / kind).iterdir())
    return kind_of(folder) is not None


@dataclass(frozen=True, kw_only=True)
class Run(Manifest):
    """A run of a verb.

    Attributes:
        status: ``running``, ``finished``, ``interrupted`` or ``failed``.
        reason: why it failed.
        started, updated: when, in UTC.
        versions, platform, git_commit: of the program and the machine, which :meth:`written` looks up.
        photos_sha256: split → hash of the photos that a run was about (:mod:`yolo_koin.dataset.hashes`), of runs that say how far numbers
            can be trusted; empty in others, and in those of an older version.
    """

    KIND: ClassVar[str]
    status: str = "running"
    reason: str = ""
    started: str = ""
    updated: str = ""
    versions: dict[str, str] = field(default_factory=dict)
    platform: str = ""
    git_commit: str | None = None
    photos_sha256: dict[str, str] = field(default_factory=dict)

    @property
    def full_name(self) -> str:
        """Of the folder; of a part of a benchmark after the benchmark's."""
        return f"{self.folder.parents[1].name}/{self.name}" if self.folder.parent.name in {CELLS, STRANGERS} else self.name

    def written(self: R, **changes: Any) -> R:
        """The run with these changes, written down."""
        now = datetime.now(timezone.utc).isoformat(timespec="milliseconds")
        where: dict[str, Any] = {"versions": versions(), "platform": platform.platform(), "git_commit": git_commit()}
        run = replace(self, started=self.started or now, updated=now, **where, **changes)
        write_json(run.folder / run.FILE, {"kind": run.KIND, "name": run.name, **run.content()})
        return run

    @contextlib.contextmanager
    def failing(self) -> Iterator[None]:
        """Write down that the run failed, and why, when the block does; whatever is raised goes on."""
        try:
            yield
        except KeyboardInterrupt:
            (self.read(self.folder) or self).written(status="interrupted")
            raise
        except BaseException as error:
            with contextlib.suppress(RunError):  # a full disk: what went wrong first is the news
                (self.read(self.folder) or self).written(status="failed", reason=f"{type(error).__name__}: {error}")
            raise


@dataclass(frozen=True, kw_only=True)
class TrainRun(Run):
    """A training.

    Attributes:
        spec: what was asked for, with all that it left open settled.
        converted: the prepared dataset that it learns from.
        start: the checkpoint that it started from; None for scratch.
        index_sha256: of the table of that dataset's photos; start_sha256: of the checkpoint.
        weights: the best checkpoint; weights_sha256: its hash, when the training is finished.
        metric: what the best epoch was chosen by: ``top1`` or ``map50``; val: that, on the validation photos; best_epoch: from 1.
        epochs: how many were trained; photos: that were learnt from, 0 in runs of an older version.
        bits: of the numbers that most layers compute in: 16 of bfloat16, or 32.
        lr: peak of the learning rate; None in runs of an older version.
        seconds: by stage.
        without: people of the dataset whose photos it is not shown, and does not know: strangers to it.
    """

    KIND = "train"
    spec: TrainSpec
    converted: Path
    start: Path | None = None
    index_sha256: str = ""
    start_sha256: str | None = None
    weights: Path
    weights_sha256: str = ""
    metric: str = "top1"
    val: float = float("nan")
    best_epoch: int = 0
    epochs: int = 0
    photos: int = 0
    bits: int = 32
    lr: float | None = None
    seconds: dict[str, float] = field(default_factory=dict)
    without: tuple[str, ...] = ()

    @property
    def curve(self) -> Path:
        """``results.csv``: a line per epoch."""
        return self.folder / "results.csv"

    @property
    def settings(self) -> dict[str, Any]:
        """All that decides what this training comes to, but for its seed: runs that agree in it may be averaged."""
        left_out = {"seed", "name", "device", "data", "weights", "size", "log", "precision"}
        spec = {key: value for key, value in self.spec.settings().items() if key not in left_out}
        told = {**spec, "model": self.spec.model_name, "photos": self.index_sha256, "start": self.start_sha256, "bits": self.bits}
        return {**told, "without": list(self.without)} if self.without else told

    @classmethod
    def older(cls, content: dict[str, Any], folder: Path) -> dict[str, Any]:
        """Before schema 2: a start of "scratch", one key per metric, and weights that need not be told."""
        told = {"weights": "weights/best.pt", **content}
        if told.get("start") == SCRATCH:
            told["start"] = None
        for metric in ("top1", "map50"):
            if f"val_{metric}" in told:
                told |= {"metric": metric, "val": told[f"val_{metric}"]}
        return told


@dataclass(frozen=True, kw_only=True)
class ScoredRun(Run):
    """An evaluation, with ``predictions.csv`` and ``metrics.csv``.

    Attributes:
        spec: what was asked for.
        weights: what named the photos: the checkpoint, or a file of predictions of another program; weights_sha256: its hash.
        trained: the training run that it is of, where that is known.
        converted: the prepared dataset that was scored, where one was; index_sha256: the hash of its table.
        data: the raw dataset.
        classes: of the model.
        way: what was named: the whole photo, faces, or what a detector finds.
        synthetic: splits whose photos are synthetic.
        agreement: split → face detector, where boxes that are taken for true come from one.
        score: where people were held out, the score that tells strangers (:data:`yolo_koin.evaluation.strangers.SCORES`); else empty.
        engine: what ran the model, of which the spec may say ``auto``; empty in runs of an older version.
    """

    KIND = "evaluate"
    spec: EvaluateSpec | ScoreSpec | StressSpec | ControlSpec
    weights: Path
    weights_sha256: str = ""
    trained: Path | None = None
    converted: Path | None = None
    index_sha256: str = ""
    data: Path | None = None
    classes: int = 0
    way: str = "whole"
    synthetic: tuple[str, ...] = ()
    agreement: dict[str, str] = field(default_factory=dict)
    score: str = ""
    engine: str = ""

    @classmethod
    def older(cls, content: dict[str, Any], folder: Path) -> dict[str, Any]:
        """Before schema 2 the weights stood in the spec, and what is synthetic with the prepared dataset."""
        if "schema" in content:
            return content
        weights = placed(content["spec"]["weights"], folder)
        told = {**content, "weights": str(weights), "trained": str(weights.parent.parent)}
        made = PreparedDataset.read(placed(content["converted"], folder)) if content.get("converted") else None
        return {"synthetic": made.synthetic if made else (), **told}


@dataclass(frozen=True, kw_only=True)
class StressRun(ScoredRun):
    """An evaluation on test photos that were changed on purpose."""

    KIND = "stress"
    spec: StressSpec


@dataclass(frozen=True, kw_only=True)
class ControlRun(ScoredRun):
    """An evaluation on test photos without their faces, and on nothing but the faces."""

    KIND = "control"
    spec: ControlSpec


@dataclass(frozen=True, kw_only=True)
class CellRun(ScoredRun):
    """A cell of a benchmark: a training and its scores in one folder. Written last, so a folder that has it is finished.

    Attributes:
        cell: its id.
        took: seconds by stage.
        sha256: of its tables, as they were written; empty in cells of an older version.
    """

    FILE = CELL
    KIND = "cell"
    cell: str = ""
    took: dict[str, float] = field(default_factory=dict)
    sha256: dict[str, str] = field(default_factory=dict)

    @classmethod
    def older(cls, content: dict[str, Any], folder: Path) -> dict[str, Any]:
        """Before schema 2 the file had the times only; the rest is in the training's manifest."""
        if "schema" in content:
            return content
        trained = TrainRun.read(folder)
        made = PreparedDataset.read(trained.converted) if trained else None
        if trained is None:
            raise KeyError("no training beside it")
        about = {"data": str(made.data), "synthetic": made.synthetic} if made else {}
        facts = {
            "weights": "weights/best.pt",
            "trained": ".",
            "converted": str(trained.converted.absolute()),
            "cell": folder.name,
            "status": "finished",
        }
        return {**facts, **about, "spec": {}, "weights_sha256": trained.weights_sha256, "took": content.get("seconds", {})}


@dataclass(frozen=True, kw_only=True)
class PredictRun(Run):
    """A prediction.

    Attributes:
        spec: what was asked for.
        weights: the checkpoint; weights_sha256: its hash.
        photos: how many there were.
        way: what was named.
        score, threshold: what rejects a photo; empty and None where every photo gets a name.
        engine: what ran the model, of which the spec may say ``auto``; empty in runs of an older version.
        data: the raw dataset that tells names and labels; None where there is none.
    """

    KIND = "predict"
    spec: PredictSpec
    weights: Path
    weights_sha256: str = ""
    photos: int = 0
    way: str = "whole"
    score: str = ""
    threshold: float | None = None
    engine: str = ""
    data: Path | None = None

    @classmethod
    def older(cls, content: dict[str, Any], folder: Path) -> dict[str, Any]:
        """Before schema 2 the weights stood in the spec."""
        return content if "schema" in content else {**content, "weights": content["spec"]["weights"]}


@dataclass(frozen=True, kw_only=True)
class ExportRun(Run):
    """A model in a form that other programs take.

    Attributes:
        spec: what was asked for.
        weights: the checkpoint; weights_sha256: its hash.
    """

    KIND = "export"
    spec: ExportSpec
    weights: Path
    weights_sha256: str = ""


@dataclass(frozen=True, kw_only=True)
class BenchmarkRun(Run):
    """A benchmark.

    Attributes:
        spec: what was asked for last.
        cells: ids of the finished cells.
    """

    KIND = "benchmark"
    spec: BenchmarkSpec
    cells: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class AuditRun(Run):
    """An audit.

    Attributes:
        spec: what was asked for.
        data: the dataset.
        findings: how many there are, by kind.
        shortcuts: test split → what properties of its photos alone tell, where that can be tested: the fields of
            :class:`yolo_koin.evaluation.shortcuts.Shortcut`.
    """

    KIND = "audit"
    spec: AuditSpec
    data: Path
    findings: dict[str, int] = field(default_factory=dict)
    shortcuts: dict[str, dict[str, float]] = field(default_factory=dict)


KINDS: dict[str, type[Run]] = {
    kind.KIND: kind for kind in (TrainRun, ScoredRun, PredictRun, StressRun, ControlRun, ExportRun, BenchmarkRun, AuditRun)
}
