"""Benchmark YOLOv8 face classifiers on KoIn. The command line's verbs as Python functions, imported when they are first used.

>>> import yolo_koin
>>> result = yolo_koin.train(data="sample", size="n")  # doctest: +SKIP
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from yolo_koin.dataset.koin import scan as scan
    from yolo_koin.specs import AuditSpec as AuditSpec
    from yolo_koin.specs import BenchmarkSpec as BenchmarkSpec
    from yolo_koin.specs import ControlSpec as ControlSpec
    from yolo_koin.specs import ConvertDetectSpec as ConvertDetectSpec
    from yolo_koin.specs import ConvertSpec as ConvertSpec
    from yolo_koin.specs import DemoSpec as DemoSpec
    from yolo_koin.specs import EvaluateSpec as EvaluateSpec
    from yolo_koin.specs import ExportSpec as ExportSpec
    from yolo_koin.specs import HardcasesSpec as HardcasesSpec
    from yolo_koin.specs import PredictSpec as PredictSpec
    from yolo_koin.specs import ReportSpec as ReportSpec
    from yolo_koin.specs import RunsSpec as RunsSpec
    from yolo_koin.specs import SampleSpec as SampleSpec
    from yolo_koin.specs import ScoreSpec as ScoreSpec
    from yolo_koin.specs import SplitSpec as SplitSpec
    from yolo_koin.specs import StressSpec as StressSpec
    from yolo_koin.specs import TrainSpec as TrainSpec
    from yolo_koin.verbs.audit import audit as audit
    from yolo_koin.verbs.benchmark import benchmark as benchmark
    from yolo_koin.verbs.control import control as control
    from yolo_koin.verbs.convert import convert as convert
    from yolo_koin.verbs.convert_detect import convert_detect as convert_detect
    from yolo_koin.verbs.demo import demo as demo
    from yolo_koin.verbs.evaluate import evaluate as evaluate
    from yolo_koin.verbs.export import export as export
    from yolo_koin.verbs.hardcases import hardcases as hardcases
    from yolo_koin.verbs.predict import predict as predict
    from yolo_koin.verbs.report import report as report
    from yolo_koin.verbs.runs import list_runs as list_runs
    from yolo_koin.verbs.sample import sample as sample
    from yolo_koin.verbs.score import score as score
    from yolo_koin.verbs.split import split as split
    from yolo_koin.verbs.stress import stress as stress
    from yolo_koin.verbs.train import resume as resume
    from yolo_koin.verbs.train import train as train
    from yolo_koin.workspace import Workspace as Workspace

_VERBS = (
    *("audit", "benchmark", "control", "convert", "convert_detect", "demo", "evaluate", "export", "hardcases", "predict", "report"),
    *("sample", "score", "split", "stress", "train"),
)
_HOMES = {
    "scan": "yolo_koin.dataset.koin",
    "resume": "yolo_koin.verbs.train",
    "list_runs": "yolo_koin.verbs.runs",  # yolo_koin.runs is the module of what runs are
    "RunsSpec": "yolo_koin.specs",
    "Workspace": "yolo_koin.workspace",
    **{verb: f"yolo_koin.verbs.{verb}" for verb in _VERBS},
    **{f"{''.join(map(str.capitalize, verb.split('_')))}Spec": "yolo_koin.specs" for verb in _VERBS},
}
__all__ = sorted(_HOMES)  # one table, not two lists to keep alike
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'yolo_koin' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
