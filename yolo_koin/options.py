"""The options that several commands share. Imports nothing heavy."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

RAW = {"rich_markup_mode": None, "no_args_is_help": True, "add_completion": False}  # of each group of commands

Data = Annotated[str, typer.Option("--data", help="Dataset folder (it holds normal_cases/), or 'sample' for the built-in faces.")]
ModelData = Annotated[str | None, typer.Option("--data", help="Dataset folder or 'sample'. [default: what the model was trained on]")]
TrainOn = Annotated[str, typer.Option(help="Training photos: normal, hard or both.")]
Fit = Annotated[str, typer.Option(help="pad: whole photo on a grey square; crop: its centre; face: around the face.")]
Side = Annotated[int, typer.Option(help="Side of the prepared square photos, in pixels.")]
Val = Annotated[float, typer.Option(help="Share of the training photos that becomes the validation split.")]
Workers = Annotated[int | None, typer.Option(help="Threads. [default: all cores]")]
Device = Annotated[str, typer.Option(help="cpu, a GPU's number, or mps. [default: first GPU, else cpu]")]
Weights = Annotated[Path | None, typer.Option(help="Checkpoint. [default: the newest finished training run's best.pt]")]
Trust = Annotated[bool, typer.Option("--trust-weights", help="Load a checkpoint that safe loading refuses. It can run any code.")]
Name = Annotated[str | None, typer.Option(help="Name of the run. [default: after what it does]")]
Epochs = Annotated[int | None, typer.Option(help="Epochs. [default: 80 from scratch (64 to detect), 30 from pretrained weights]")]
Imgsz = Annotated[int | None, typer.Option(help="Network input in pixels. [default: by the photos' size, at most 224, or 640 to detect]")]
Batch = Annotated[int | None, typer.Option(help="Photos per training step. [default: 32, or 16 to detect]")]
Freeze = Annotated[int, typer.Option(help="Layers to keep as they are; 9 is the whole backbone.")]
Start = Annotated[
    str,
    typer.Option("--weights", help="auto: official weights from weights/ or downloaded (scratch on the sample); scratch; or a path."),
]
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
Task = Annotated[str, typer.Option(help="classify: name a photo; detect: find the faces in it and name each.")]
Boxes = Annotated[
    Path | None, typer.Option(help="Face boxes that people drew: boxes.csv, COCO, Pascal VOC or LabelMe, a file or a folder.")
]
FaceFinder = Annotated[
    Path | None, typer.Option("--detector", help="Face detector: YuNet (.onnx) or an Ultralytics face model (.pt). [default: CenterFace]")
]
