"""What models cost: parameters and operations against sums by hand, and times that are somebody's."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import timm
from numpy.typing import NDArray

from tests.models.conftest import Squares
from tests.models.test_heads import job_of, trained
from yolo_koin.models import cost as costs
from yolo_koin.models.cost import QUARTILES, Cost, _flops, measured
from yolo_koin.models.protocol import Preparation
from yolo_koin.models.timm_network import Frozen

SIDE, CLASSES, FEATURES = 64, 3, 1280


class Shown(Frozen):
    """A frozen network whose features are taken for scores."""

    names, weights, side, title, train_on, preparation = (), Path(), 224, "", "", Preparation()
    task = "classify"

    def logits(self, photos: NDArray[np.uint8]) -> NDArray[np.float32]:
        return self.features(photos)


def test_attention_is_counted_as_its_formula_has_it() -> None:
    """ViT-Ti/16 (Touvron et al. 2021): multiply-adds of patches, of 12 blocks on 197 tokens of 192 numbers, and none of the head."""
    photo = np.zeros((1, 224, 224, 3), dtype=np.uint8)
    network = timm.create_model("vit_tiny_patch16_224")
    tokens, wide = 197, 192
    patches = 196 * 16 * 16 * 3 * wide
    block = tokens * wide * 3 * wide + 2 * tokens * tokens * wide + tokens * wide * wide + 2 * tokens * wide * 4 * wide
    shown = Shown(network, Preparation(), "cpu")
    assert _flops(shown, photo) == 2 * (patches + 12 * block)  # type: ignore[arg-type]
    assert shown.parameters == sum(one.numel() for name, one in network.named_parameters() if not name.startswith("head"))


def test_a_head_counts_with_the_network_under_it(squares: Squares, lite0: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(costs, "SECONDS", 0.05)
    model = trained(job_of(squares, lite0, tmp_path, method="ncm"))
    cost = measured(model, tmp_path, "w")
    backbone = timm.create_model("tf_efficientnet_lite0")
    under = sum(one.numel() for name, one in backbone.named_parameters() if not name.startswith("classifier"))
    assert cost.parameters == under + CLASSES * FEATURES + CLASSES
    noise = np.zeros((1, SIDE, SIDE, 3), dtype=np.uint8)
    assert cost.flops == _flops(Shown(backbone, Preparation(), "cpu"), noise) + 2 * CLASSES * FEATURES  # type: ignore[arg-type]
    for times in (cost.latency, cost.throughput):
        assert list(times) == list(QUARTILES)
        assert 0 < times["q1"] <= times["median"] <= times["q3"]
    assert cost.repeats >= 7
    cost.write()
    assert Cost.read(tmp_path) == cost


def test_measuring_looks_nothing_up_and_answers_as_ever(squares: Squares, lite0: Path, tmp_path: Path) -> None:
    """Kept features would make a second photo free."""
    model = trained(job_of(squares, lite0, tmp_path, method="ncm"))
    photos = np.random.default_rng(1).integers(0, 256, (3, SIDE, SIDE, 3), dtype=np.uint8)
    kept = tmp_path / "data/.features.sqlite"
    before = kept.read_bytes()
    answers = model.uncached().logits(photos)
    assert kept.read_bytes() == before
    np.testing.assert_allclose(answers, model.logits(photos), rtol=1e-3, atol=1e-3)
