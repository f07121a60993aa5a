"""What can be told of a spec's paths and names at once, before a verb with its heavy libraries is imported. Imports none of them."""

from __future__ import annotations

from yolo_koin.dataset.layout import find_root
from yolo_koin.dataset.walk import check_file
from yolo_koin.environment import needed
from yolo_koin.runs import prepared_at
from yolo_koin.specs import AUTO, SAMPLE, SCRATCH, Answers, Asks, DemoSpec, EvaluateSpec, OfData, ReportSpec, ScoreSpec, Spec, Trains
from yolo_koin.verbs.resolve import USUAL_DATA, learnt_from, weights_file
from yolo_koin.workspace import Workspace


def check(spec: Spec) -> None:
    """Refuse what names a dataset, weights or a run that is not there. The verb itself looks again, and closer.

    Raises:
        DatasetError, WeightsError, RunError, UsageError: what the user can mend.
    """
    workspace = Workspace.of(spec)
    if isinstance(spec, DemoSpec):
        needed("gradio", "demo")
    if isinstance(spec, Asks):
        for one in spec.models if isinstance(spec, DemoSpec) else (spec,):
            _check_names(one, workspace)
    if isinstance(spec, OfData):
        dataset_there(spec.data, workspace)
    if isinstance(spec, Trains) and str(spec.weights) not in {AUTO, SCRATCH}:
        weights_file(spec.weights, workspace)
    if isinstance(spec, ScoreSpec):
        check_file(spec.file)
    if isinstance(spec, ReportSpec):
        for run in spec.runs:
            workspace.scored_run(run)


def dataset_there(data: str, workspace: Workspace) -> None:
    """Refuse a dataset that is not there; the built-in faces are there always.

    Raises:
        DatasetError: there is none.
    """
    folder = workspace.find(data)
    if data != SAMPLE and not (folder.is_dir() and prepared_at(folder)):
        find_root(folder)


def _check_names(spec: Asks, workspace: Workspace) -> None:
    if isinstance(spec, EvaluateSpec):
        weights = weights_file(spec.weights, workspace, spec.task or "classify", spec.faces)
    elif isinstance(spec, Answers):
        weights = weights_file(spec.weights, workspace, "classify" if spec.faces else "", spec.faces)
    else:
        weights = weights_file(spec.weights, workspace, "classify")
    if isinstance(spec, EvaluateSpec) and spec.strangers is not None:  # the dataset is the training's
        return
    if spec.data is not None:
        dataset_there(spec.data, workspace)
    elif not isinstance(spec, Answers) and learnt_from(weights) is None:  # photos can be named without a dataset
        dataset_there(USUAL_DATA, workspace)
