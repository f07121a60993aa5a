"""Name photos with an exported classifier: ``python use.py PHOTO...``. Needs numpy, pillow and onnxruntime, and ``model.json`` beside it.

It is copied into what ``yolo_koin export`` writes, and imports nothing of the package.
"""

from __future__ import annotations

import io
import json
import os
import sys
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

HERE = Path(__file__).parent
ABOUT = json.loads((HERE / "model.json").read_text(encoding="utf-8"))


def square(path: Path) -> Image.Image:
    """A photo as the network learnt to see it: upright, and a square, whole on grey (pad) or its centre (crop)."""
    side, photo = ABOUT["prepared_side"], ImageOps.exif_transpose(Image.open(path)).convert("RGB")
    if ABOUT["fit"] == "crop":
        return ImageOps.fit(photo, (side, side), Image.Resampling.BILINEAR)
    scale = side / max(photo.size)
    size = (max(round(photo.width * scale), 1), max(round(photo.height * scale), 1))
    ground = Image.new("RGB", (side, side), tuple(ABOUT["grey"]))
    ground.paste(photo.resize(size, Image.Resampling.BILINEAR), ((side - size[0]) // 2, (side - size[1]) // 2))
    return ground


def as_jpeg(photo: Image.Image) -> Image.Image:
    """The network learnt from JPEGs."""
    stream = io.BytesIO()
    photo.save(stream, "JPEG", quality=95, subsampling=0)
    return Image.open(stream).convert("RGB")


def probabilities(paths: list[Path]) -> np.ndarray:
    """Of each class, n × classes, in the order of ``names`` in ``model.json``."""
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # before the import, which would look for a host of Microsoft's
    import onnxruntime

    size, way = (ABOUT["input_side"],) * 2, Image.Resampling[ABOUT["interpolation"].upper()]
    photos = np.stack([np.asarray(as_jpeg(square(path)).resize(size, way)) for path in paths])
    session = onnxruntime.InferenceSession(HERE / "model.onnx", providers=["CPUExecutionProvider"])
    logits = session.run(["logits"], {"photos": photos})[0].astype(np.float64)
    odds = np.exp(logits - logits.max(axis=1, keepdims=True))
    shares: np.ndarray = odds / odds.sum(axis=1, keepdims=True)
    return shares


def main(words: list[str]) -> None:
    """Print each photo's name and how sure the network is."""
    paths = [Path(word) for word in words]
    if missing := [str(path) for path in paths if not path.is_file()]:
        sys.exit(f"no such photo: {missing[0]}")
    if not paths:
        sys.exit("Say python use.py PHOTO...")
    for path, row in zip(paths, probabilities(paths), strict=True):
        print(f"{path}\t{ABOUT['names'][int(row.argmax())]}\t{row.max():.4f}")


if __name__ == "__main__":
    main(sys.argv[1:])
