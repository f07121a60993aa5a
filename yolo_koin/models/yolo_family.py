"""The models of Ultralytics as one family. What imports torch is imported where it is used, so that the names come without it."""

from __future__ import annotations

from pathlib import Path

from yolo_koin.errors import UsageError, WeightsError
from yolo_koin.models import zoo
from yolo_koin.models.family import Usual
from yolo_koin.models.protocol import Backbone, Model, Preparation, Task, Trained, TrainJob
from yolo_koin.parallel import Progress


class Ultralytics:
    """A :class:`yolo_koin.models.family.Family`: classifiers of every generation, and the detectors of YOLOv8."""

    ending = ".pt"
    learns_from_little = True
    tunes = True

    def models(self) -> tuple[str, ...]:
        """See :class:`yolo_koin.models.family.Family`."""
        return tuple(zoo.plans())

    def knows(self, model: str) -> bool:
        """See :class:`yolo_koin.models.family.Family`."""
        return model in zoo.plans()

    def usual(self, model: str, new: bool) -> Usual:
        """See :class:`yolo_koin.models.family.Family`."""
        if self.task(model) == "detect":
            return Usual(epochs=64, lr=2e-3, batch=16, multiple=32) if new else Usual(epochs=30, lr=5e-4, batch=16, multiple=32)
        return Usual(epochs=80, lr=1e-3, multiple=32) if new else Usual(epochs=30, lr=3e-4, multiple=32)

    def title(self, model: str) -> str:
        """See :class:`yolo_koin.models.family.Family`."""
        return zoo.title(model)

    def task(self, model: str) -> Task:
        """See :class:`yolo_koin.models.family.Family`."""
        return zoo.plans()[model].task

    def layers(self, model: str) -> int:
        """See :class:`yolo_koin.models.family.Family`."""
        return zoo.BACKBONE

    def pretrained(self, model: str, folder: Path) -> Path:
        """See :class:`yolo_koin.models.family.Family`."""
        from yolo_koin.models.checkpoints import pretrained

        return pretrained(model, folder)

    def check(self, model: str, weights: Path) -> bool:
        """See :class:`yolo_koin.models.family.Family`. A detector may start from a classifier of its size too."""
        from yolo_koin.models.checkpoints import load_checkpoint, network_of, task_of
        from yolo_koin.models.metadata import model_of, scale_of

        plan = zoo.plans()[model]
        checkpoint = load_checkpoint(weights, plan.task if plan.task == "classify" else "")
        kind = task_of(checkpoint)
        if kind not in {plan.task, "classify"}:
            raise WeightsError(f"a model for {kind}, not one for {plan.task}", weights, f"Take a {model}.pt or a {model}-cls.pt.")
        found, scale = model_of(network_of(checkpoint)), scale_of(network_of(checkpoint))
        wanted = model if kind == plan.task else f"{model}-cls"
        if found and found != wanted:
            remedy = f"Say model={found if kind == plan.task else found.removesuffix('-cls')}."
            raise UsageError(f"these weights are of {found}, not of {wanted}", weights, remedy)
        if scale not in {"", plan.scale}:
            raise UsageError(f"these weights are of size {scale}, not {plan.scale}", weights, f"Name a model of size {scale}.")
        return kind == plan.task

    def preparation(self, model: str, fit: str, side: int) -> Preparation:
        """See :class:`yolo_koin.models.family.Family`. Its networks take photos as they are."""
        return Preparation(fit=fit, side=side)

    def frozen(self, model: str, weights: Path, side: int, device: str = "", trust: bool = False) -> Backbone:
        """See :class:`yolo_koin.models.family.Family`."""
        from yolo_koin.models.yolo import YoloClassifier

        return YoloClassifier(weights, device, trust)

    def train(self, job: TrainJob, progress: Progress) -> Trained:
        """See :class:`yolo_koin.models.family.Family`."""
        from yolo_koin.models.fit.loop import clear

        clear(job.folder)
        return self._fit(job, progress)

    def resume(self, job: TrainJob, progress: Progress) -> Trained:
        """See :class:`yolo_koin.models.family.Family`."""
        from yolo_koin.models.fit.loop import finished

        metric = {"classify": "top1", "detect": "map50"}[self.task(job.model)]
        return finished(job, metric) or self._fit(job, progress)

    def owns(self, weights: Path) -> bool:
        """See :class:`yolo_koin.models.family.Family`."""
        return weights.suffix == self.ending

    def load(self, weights: Path, device: str = "", trust: bool = False) -> Model:
        """See :class:`yolo_koin.models.family.Family`."""
        from yolo_koin.models.checkpoints import load_checkpoint, task_of
        from yolo_koin.models.yolo import YoloClassifier
        from yolo_koin.models.yolo_detect import YoloDetector

        checkpoint = load_checkpoint(weights, "", trust)
        kind = task_of(checkpoint)
        if kind == "classify":
            return YoloClassifier(weights, device, trust, checkpoint)
        if kind == "detect":
            return YoloDetector(weights, device, trust, checkpoint)
        raise WeightsError(f"a model for {kind}, which names nobody", weights, "Take one that classifies or detects.")

    def _fit(self, job: TrainJob, progress: Progress) -> Trained:
        from yolo_koin.models.checkpoints import check_path
        from yolo_koin.models.fit.yolo import fit

        check_path(job.folder)  # its checkpoints could not be read
        return fit(job, zoo.plans()[job.model], progress)
