"""Classifiers exported to ONNX and run by ONNX Runtime: on a processor faster than torch, and there without loading it.

An exported network is kept in a file of the workspace, one line of JSON (:class:`_Head`) and the ONNX model after it. It holds for the
checkpoint of one hash, and is made again when anything about it is not as it should be.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import json
import logging
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from yolo_koin.environment import cores
from yolo_koin.errors import RunError, UsageError
from yolo_koin.files import atomic_path, sha256
from yolo_koin.models import registry
from yolo_koin.models.protocol import Classifier, Model, Preparation
from yolo_koin.specs import Engine

VERSION = 1  # of the file: raise it when a network would be exported otherwise
KEPT = 8  # files, those used last
NEEDED = ("onnx", "onnxruntime")
GPU_TOOLS = ("nvidia-smi", "rocm-smi")
TRIED = 4  # photos of noise on which the exported network has to answer as the network does
CLOSE = 1e-3  # largest difference of a logit there, as a share of the largest logit


@runtime_checkable
class Exportable(Classifier, Protocol):
    """A classifier whose network can be exported."""

    def export(self, path: Path) -> None:
        """Write it as ONNX: ``photos``, n × side × side × 3 of 8 bits, in; ``logits``, n × classes, and ``features``, n × d, out."""
        ...


@dataclass(frozen=True, kw_only=True)
class _Head:
    """What the first line of the file says: whose network it is, of which version and content, and what the model tells of itself."""

    version: int
    weights_sha256: str
    content_sha256: str
    names: tuple[str, ...]
    side: int
    title: str
    preparation: Preparation
    train_on: str

    @classmethod
    def of(cls, line: bytes) -> _Head:
        told = json.loads(line)
        prepared: dict[str, Any] = {key: _tuple(value) for key, value in told.pop("preparation").items()}
        return cls(**{key: _tuple(value) for key, value in told.items()}, preparation=Preparation(**prepared))


def _tuple(value: Any) -> Any:
    """What JSON made a list of."""
    return tuple(value) if isinstance(value, list) else value


class OnnxClassifier:
    """An exported :class:`yolo_koin.models.protocol.Classifier`.

    Args:
        weights: the checkpoint that it was exported from.
        head: what the model tells of itself.
        content: the ONNX model.
    """

    task: ClassVar[Literal["classify"]] = "classify"
    engine: ClassVar[str] = "onnx"

    def __init__(self, weights: Path, head: _Head, content: bytes) -> None:
        import onnxruntime

        onnxruntime.disable_telemetry_events()  # beside the variable in environment.py
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.log_severity_level = cores(), 3
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # photos are decoded and drawn on the same cores
        self._session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
        self.weights, self.names, self.side, self.title = weights, head.names, head.side, head.title
        self.preparation, self.train_on = head.preparation, head.train_on

    def logits(self, photos: NDArray[np.uint8]) -> NDArray[np.float32]:
        """See :class:`yolo_koin.models.protocol.Classifier`."""
        return self._run("logits", photos)

    def features(self, photos: NDArray[np.uint8]) -> NDArray[np.float32]:
        """See :class:`yolo_koin.models.protocol.Classifier`."""
        return self._run("features", photos)

    def _run(self, output: str, photos: NDArray[np.uint8]) -> NDArray[np.float32]:
        result: NDArray[np.float32] = self._session.run([output], {"photos": photos})[0]
        return result


def load(weights: Path, device: str, trust: bool, engine: Engine, cache: Path) -> Model:
    """A trained model, exported where that is wanted and pays.

    Args:
        weights: the file.
        device: as of :meth:`yolo_koin.models.protocol.Family.load`.
        trust: as there.
        engine: ``torch``; ``onnx``; or ``auto``: ``onnx`` for classifiers where there is no GPU, as long as nothing goes wrong with it.
        cache: folder of exported networks.

    Raises:
        WeightsError: see :meth:`yolo_koin.models.protocol.Family.load`.
        UsageError: there is no such device, or ``onnx`` is wanted of what cannot be exported.
    """
    if engine == "torch" or (engine == "auto" and not _pays(device)):
        return registry.load(weights, device, trust)
    if engine == "onnx" and not _installed():
        raise UsageError("ONNX Runtime is not installed", "engine=onnx", "Say pip install onnx onnxruntime, or engine=torch.")
    registry.trainer_of_weights(weights)  # which tells what is no weights file
    digest = sha256(weights)
    file = cache / f"{digest}.engine"
    if kept := _read(file, weights, digest):
        return kept
    model = registry.load(weights, "cpu", trust)
    if not isinstance(model, Exportable):
        if engine == "onnx":
            raise UsageError(f"a model that cannot be exported ({model.title})", "engine=onnx", "Say engine=torch.")
        return model
    try:
        return _made(model, digest, file)
    except Exception as error:  # exporters fail in many ways, and the model is there
        if engine == "onnx":
            raise UsageError(f"this model cannot be exported ({error!s:.100})", "engine=onnx", "Say engine=torch.") from error
        logging.getLogger(__name__).info("not exported: %s", error)
        return model


def _pays(device: str) -> bool:
    return device in {"", "cpu"} and _installed() and (device == "cpu" or not any(map(shutil.which, GPU_TOOLS)))


def _installed() -> bool:
    return all(importlib.util.find_spec(package) for package in NEEDED)


def _read(file: Path, weights: Path, digest: str) -> OnnxClassifier | None:
    """The exported network in a file; None where there is none that holds for this checkpoint."""
    try:
        line, _, content = file.read_bytes().partition(b"\n")
        head = _Head.of(line)
        if (head.version, head.weights_sha256, head.content_sha256) != (VERSION, digest, hashlib.sha256(content).hexdigest()):
            return None
        file.touch()
        return OnnxClassifier(weights, head, content)
    except Exception:  # a damaged file can fail in any way at all
        return None


def _made(model: Exportable, digest: str, file: Path) -> OnnxClassifier:
    """Export a network, compare it with itself, and keep it.

    Raises:
        ValueError: it answers otherwise than before. The exporter raises what it likes.
    """
    with tempfile.TemporaryDirectory() as folder:
        model.export(Path(folder) / "network.onnx")
        content = (Path(folder) / "network.onnx").read_bytes()
    told: dict[str, Any] = {key: getattr(model, key) for key in ("names", "side", "title", "preparation", "train_on")}
    head = _Head(version=VERSION, weights_sha256=digest, content_sha256=hashlib.sha256(content).hexdigest(), **told)
    exported = OnnxClassifier(model.weights, head, content)
    noise = np.random.default_rng(0).integers(0, 256, (TRIED, model.side, model.side, 3), dtype=np.uint8)
    wanted = model.logits(noise)
    if not np.abs(exported.logits(noise) - wanted).max() <= CLOSE * np.abs(wanted).max():
        raise ValueError("the exported network answers otherwise")
    with contextlib.suppress(RunError), atomic_path(file) as temporary:  # a workspace that cannot be written to is no obstacle
        temporary.write_bytes(json.dumps(asdict(head)).encode() + b"\n" + content)
    for old in list(_by_use(file.parent))[KEPT:]:
        old.unlink(missing_ok=True)
    return exported


def _by_use(folder: Path) -> Iterator[Path]:
    """The files of exported networks, the one used last first."""
    yield from sorted(folder.glob("[!.]*.engine"), key=lambda file: file.stat().st_mtime, reverse=True)
