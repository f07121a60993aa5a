"""The models of timm as one family. What imports torch or timm is imported where it is used, so that the names come without them."""

from __future__ import annotations

from pathlib import Path

from yolo_koin.models import timm_zoo as zoo
from yolo_koin.models.family import Usual
from yolo_koin.models.peers import check_installed
from yolo_koin.models.protocol import Backbone, Model, Preparation, Task, Trained, TrainJob
from yolo_koin.parallel import Progress


class Timm:
    """A :class:`yolo_koin.models.family.Family`: every image classifier of timm, called ``timm:`` and its name there."""

    ending = zoo.ENDING
    learns_from_little = False
    tunes = True

    def models(self) -> tuple[str, ...]:
        """See :class:`yolo_koin.models.family.Family`."""
        return zoo.offered()

    def knows(self, model: str) -> bool:
        """See :class:`yolo_koin.models.family.Family`."""
        return zoo.knows(model)

    def title(self, model: str) -> str:
        """See :class:`yolo_koin.models.family.Family`."""
        return zoo.title(model)

    def task(self, model: str) -> Task:
        """See :class:`yolo_koin.models.family.Family`."""
        return "classify"

    def layers(self, model: str) -> int:
        """See :class:`yolo_koin.models.family.Family`. None: ``--method probe`` keeps all of them."""
        return 0

    def usual(self, model: str, new: bool) -> Usual:
        """See :class:`yolo_koin.models.family.Family`. Transformers are tuned at a lower rate, or they forget what they know."""
        if new:
            return Usual(epochs=80, lr=1e-3, imgsz=zoo.input_side(model))
        return Usual(epochs=30, lr=5e-5 if zoo.is_attentive(model) else 3e-4, imgsz=zoo.input_side(model))

    def preparation(self, model: str, fit: str, side: int) -> Preparation:
        """See :class:`yolo_koin.models.family.Family`."""
        about = zoo.config(model)
        return Preparation(fit=fit, side=side, mean=about.mean, std=about.std, interpolation=about.interpolation)

    def pretrained(self, model: str, folder: Path) -> Path:
        """See :class:`yolo_koin.models.family.Family`."""
        from yolo_koin.models.timm_weights import pretrained

        return pretrained(model, folder)

    def check(self, model: str, weights: Path) -> bool:
        """See :class:`yolo_koin.models.family.Family`."""
        from yolo_koin.models.timm_network import from_file

        from_file(model, weights, zoo.input_side(model))
        return True

    def frozen(self, model: str, weights: Path, side: int, device: str = "", trust: bool = False) -> Backbone:
        """See :class:`yolo_koin.models.family.Family`."""
        from yolo_koin.models.timm_network import backbone

        return backbone(model, weights, side, self.preparation(model, "pad", side), device)

    def train(self, job: TrainJob, progress: Progress) -> Trained:
        """See :class:`yolo_koin.models.family.Family`."""
        from yolo_koin.models.fit.loop import clear
        from yolo_koin.models.fit.timm import fit

        clear(job.folder, self.ending)
        return fit(job, progress)

    def resume(self, job: TrainJob, progress: Progress) -> Trained:
        """See :class:`yolo_koin.models.family.Family`."""
        from yolo_koin.models.fit.loop import finished
        from yolo_koin.models.fit.timm import fit

        return finished(job, "top1", self.ending) or fit(job, progress)

    def owns(self, weights: Path) -> bool:
        """See :class:`yolo_koin.models.family.Family`."""
        return weights.suffix == self.ending

    def load(self, weights: Path, device: str = "", trust: bool = False) -> Model:
        """See :class:`yolo_koin.models.family.Family`. Nothing in these files can run code, so there is nothing to trust."""
        check_installed(weights, "timm")
        from yolo_koin.models.timm_network import TimmClassifier

        return TimmClassifier(weights, device)
