"""A classifier in a form that other programs take, and what runs that form."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from yolo_koin.environment import cores
from yolo_koin.errors import UsageError
from yolo_koin.files import atomic_path
from yolo_koin.models.engine import Exportable
from yolo_koin.specs import Format

ONNX, OPENVINO = "model.onnx", "model.xml"
NEEDED = {"onnx": ("onnx", "onnxruntime"), "openvino": ("onnx", "openvino")}

Runner = Callable[[NDArray[np.uint8]], NDArray[np.float32]]  # n × side × side × 3 photos → n × classes logits


def check(form: Format) -> None:
    """Refuse a form whose packages are not installed.

    Raises:
        UsageError: one is not.
    """
    if missing := [package for package in NEEDED[form] if importlib.util.find_spec(package) is None]:
        raise UsageError(f"{' and '.join(missing)} not installed", f"format={form}", f"Say pip install {' '.join(missing)}.")


def write(model: Exportable, form: Format, folder: Path) -> Runner:
    """Write ``model.onnx``, and for OpenVINO ``model.xml`` and ``model.bin`` as well.

    Returns:
        What runs it, on all cores.
    """
    with atomic_path(folder / ONNX) as temporary:
        model.export(temporary)
    return _openvino(folder) if form == "openvino" else _onnx(folder)


def _onnx(folder: Path) -> Runner:
    import onnxruntime

    onnxruntime.disable_telemetry_events()  # beside the variable in environment.py
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = cores(), 3
    session = onnxruntime.InferenceSession(str(folder / ONNX), options, providers=["CPUExecutionProvider"])
    return lambda photos: np.asarray(session.run(["logits"], {"photos": photos})[0], dtype=np.float32)


def _openvino(folder: Path) -> Runner:
    """By the runtime alone: OpenVINO's converter would report to its makers.

    In 32 bits, as the network is: where the processor has bfloat16 OpenVINO would round to it.
    """
    import openvino

    core = openvino.Core()
    openvino.save_model(core.read_model(str(folder / ONNX)), str(folder / OPENVINO), compress_to_fp16=False)
    exact = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": cores()}
    compiled = core.compile_model(str(folder / OPENVINO), "CPU", exact)
    return lambda photos: np.asarray(compiled(photos)["logits"], dtype=np.float32)
