"""The published results on KoIn50 (arXiv:2310.09756, tables of accuracies), as rows that can stand beside ours.

Each is of one seed and comes without an interval. Test sizes are inferred: they are the numbers of photos whose shares the published
percentages are. Those of CLIP on normal photos are shares of 5,000; a few of its shares of hard and group photos fit no size that fits the
others, and stand with theirs. The CNNs are of the last epoch; CLIP is a logistic regression on frozen features; BiT's checkpoints were
chosen by test accuracy.
"""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from yolo_koin.evaluation.scores import COLUMNS, Row, row
from yolo_koin.evaluation.statistics import wilson
from yolo_koin.splits import GROUP, HARD, NORMAL, Split

CLASSES = 50
SIZES = {NORMAL: 5034, HARD: 746, GROUP: 290}  # inferred
CLIP_NORMAL = 5000
CNN_SHOTS, FEW_SHOTS = ("10", "100", "500", "about 1000"), ("5", "10", "50")
# Percent, top-1 and top-3: on normal photos by photos per class; then on hard and on group photos, of the last of those.
CNNS = {
    "ResNet101": ((12.51, 27.93), (30.79, 50.58), (52.34, 71.08), (69.41, 83.97), (54.56, 73.06), (19.31, 38.62)),
    "DenseNet121": ((12.34, 26.58), (31.78, 52.22), (58.18, 75.51), (71.81, 85.68), (53.22, 72.25), (20.34, 39.66)),
    "EfficientNetB2": ((8.80, 21.28), (29.96, 51.13), (52.52, 72.11), (68.30, 83.95), (52.82, 69.71), (21.03, 39.66)),
}
# Percent, top-1 by photos per class: on normal, hard and group photos, as far as they were published.
FEW = {
    "BiT-M-R50, fine-tuned (chosen by test accuracy)": ((8.78, 11.28, 24.97),),
    "BiT-M-R101, fine-tuned (chosen by test accuracy)": ((9.14, 13.59, 27.55),),
    "CLIP-RN50, probe": ((39.40, 45.34, 61.82),),
    "CLIP-RN101, probe": ((45.84, 53.62, 68.70),),
    "CLIP-ViT-B/32, probe": ((39.82, 48.18, 64.52), (18.63, 26.27, 35.79), (11.72, 15.86, 23.79)),
    "CLIP-ViT-L/14, probe": ((71.34, 79.24, 88.40), (42.49, 52.94, 59.51), (22.75, 29.65, 37.93)),
    "CLIP-ViT-L/14@336px, probe": ((78.50, 84.86, 91.70), (52.68, 60.72, 68.23), (26.20, 37.24, 43.79)),
}


def table() -> pd.DataFrame:
    """The published numbers as rows of ``metrics.csv``, with Wilson's intervals for the inferred sizes."""
    return pd.DataFrame([*_of_cnns(), *_few_shots()], columns=list(COLUMNS))


def _of_cnns() -> Iterator[Row]:
    splits = (*[NORMAL] * len(CNN_SHOTS), HARD, GROUP)
    for model, pairs in CNNS.items():
        for shots, split, (top1, top3) in zip((*CNN_SHOTS, *CNN_SHOTS[-1:] * 2), splits, pairs, strict=True):
            run = f"{model}, fine-tuned, {shots} per class"
            yield from (_row(run, split, "top1", top1), _row(run, split, "top3", top3))


def _few_shots() -> Iterator[Row]:
    for model, by_split in FEW.items():
        for split, values in zip((NORMAL, HARD, GROUP), by_split, strict=False):
            yield from (_row(f"{model}, {shots} per class", split, "top1", value) for shots, value in zip(FEW_SHOTS, values, strict=True))


def _row(run: str, split: Split, metric: str, percent: float) -> Row:
    n = CLIP_NORMAL if run.startswith("CLIP") and split == NORMAL else SIZES[split]
    low, high = wilson(percent / 100 * n, n)
    return {"run": run, "split": str(split), **row(metric, percent / 100, (float(low), float(high)), n)}
