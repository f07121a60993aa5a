"""``yolo_koin convert classify``: lay a KoIn dataset out for YOLO classification."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from yolo_koin.dataset import classify
from yolo_koin.dataset.classify import Converted
from yolo_koin.dataset.images import FITS, RGB
from yolo_koin.dataset.koin import Dataset, scan
from yolo_koin.errors import UsageError
from yolo_koin.faces import dominant
from yolo_koin.faces.centerface import CenterFace
from yolo_koin.geometry import Box
from yolo_koin.parallel import Progress, silent
from yolo_koin.runs import read_manifest
from yolo_koin.splits import TRAINING_SETS
from yolo_koin.verbs.sample import SampleSpec, sample

SAMPLE = "sample"


@dataclass(frozen=True)
class ConvertSpec:
    """What to convert, and how.

    Attributes:
        data: dataset root, or ``sample`` for the built-in faces.
        out: folder to write; ``data/<name>-cls`` when None.
        train_on: ``normal``, ``hard`` or ``both``.
        val: share of the training photos that becomes the validation split.
        fit: ``pad`` (the whole photo on a grey square), ``crop`` (its centre) or ``face`` (around the dominant face).
        side: side of the square photos, in pixels.
        seed: of the validation split.
        workers: threads; all cores when None.
    """

    data: str = "data/KoIn"
    out: Path | None = None
    train_on: str = "normal"
    val: float = 0.1
    fit: str = "pad"
    side: int = 256
    seed: int = 0
    workers: int | None = None

    def __post_init__(self) -> None:
        one_of("--train-on", self.train_on, tuple(TRAINING_SETS))
        one_of("--fit", self.fit, FITS)
        if not 0 <= self.val < 1:
            raise UsageError("a share from 0 to below 1", f"--val {self.val}", "The protocol takes 0.1.")
        if not 32 <= self.side <= 2048:
            raise UsageError("a side from 32 to 2048 pixels", f"--side {self.side}", "The default is 256.")
        if self.workers is not None and self.workers < 1:
            raise UsageError("at least one worker", f"--workers {self.workers}", "Leave it out to use all cores.")


def convert(spec: ConvertSpec, progress: Progress = silent) -> Converted:
    """Convert a dataset; again does only what changed.

    Raises:
        DatasetError: there is no dataset, or it has nothing to train on.
        RunError: the output cannot be written.
    """
    dataset = open_dataset(spec.data)
    return classify.convert(
        dataset,
        spec.out or converted_root(dataset, spec),
        train_on=spec.train_on,
        val=spec.val,
        fit=spec.fit,
        side=spec.side,
        seed=spec.seed,
        workers=spec.workers,
        find_face=FaceBox() if spec.fit == "face" else None,
        progress=progress,
    )


def spec_of(root: Path) -> ConvertSpec | None:
    """How a converted dataset was made, to make it again; None when the folder does not say, or its raw dataset is gone."""
    made = read_manifest(root) or {}
    if not Path(str(made.get("data", ""))).is_dir() or "data" not in made:
        return None
    told = {key: made[key] for key in ("data", "train_on", "val", "fit", "side", "seed") if key in made}
    return ConvertSpec(**told, out=root)


def refresh(root: Path, progress: Progress = silent) -> Path:
    """Bring a converted dataset up to date with its raw one, so that photos added, changed or excluded since are heeded."""
    spec = spec_of(root)
    return convert(spec, progress).root if spec else root


def open_dataset(data: str) -> Dataset:
    """Read a dataset; the name ``sample`` builds the built-in faces on first use, and a converted dataset means the raw one it is of."""
    if data == SAMPLE:
        return scan(sample(SampleSpec()).root)
    made = (read_manifest(Path(data)) or {}) if Path(data).is_dir() else {}
    return scan(Path(made["data"]) if made.get("kind") in {"classify", "detect"} and "data" in made else Path(data))


def converted_root(dataset: Dataset, spec: ConvertSpec) -> Path:
    """Where a dataset is converted to when nothing is said: ``data/koin-cls``, followed by whatever is not the default.

    So two ways of preparing or splitting the same photos never share a folder.
    """
    usual = ConvertSpec()
    parts = {
        spec.train_on: spec.train_on != usual.train_on,
        spec.fit: spec.fit != usual.fit,
        f"{spec.side}px": spec.side != usual.side,
        f"val{spec.val:g}": spec.val != usual.val,
        f"seed{spec.seed}": spec.seed != usual.seed,
    }
    return Path("data") / "-".join([f"{dataset_name(dataset)}-cls", *(part for part, differs in parts.items() if differs)])


def dataset_name(dataset: Dataset) -> str:
    """What a dataset is called: its folder, or the one around it, in lower case."""
    root = dataset.root.resolve()
    return (root.parent.name if root.name.lower() == "dataset" else root.name).lower()


class FaceBox:
    """Finds the box of the face that a photo is about."""

    def __init__(self) -> None:
        self._detector = CenterFace()

    def __call__(self, photo: RGB) -> Box | None:
        """The box, or None without a face."""
        face = dominant(self._detector.detect(photo))
        return face.box if face else None


def one_of(option: str, value: str, allowed: tuple[str, ...]) -> None:
    """Raise a UsageError unless ``value`` is allowed."""
    if value not in allowed:
        raise UsageError("no such choice", f"{option} {value}", f"Choose from {', '.join(allowed)}.")
