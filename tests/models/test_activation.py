"""Maps of where a classifier looks: the class-activation map where its head averages and is linear, against torchcam and by hand."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest
import timm
import torch

from yolo_koin.models.activation import activation_maps
from yolo_koin.models.protocol import NoMapError
from yolo_koin.models.yolo import YoloClassifier
from yolo_koin.models.zoo import plans

PHOTOS = torch.rand((3, 3, 64, 64), generator=torch.Generator().manual_seed(0))
ANSWERS = np.array([1, 0, 4])


@pytest.fixture(scope="module")
def yolo() -> YoloClassifier:
    """A network that learnt nothing: its map is what the formula says all the same."""
    from ultralytics.nn.tasks import ClassificationModel

    torch.manual_seed(0)
    network = ClassificationModel(plans()["yolov8n-cls"].layers(), nc=5, verbose=False).eval()
    made = YoloClassifier.__new__(YoloClassifier)
    made._model, made.device = network, torch.device("cpu")
    return made


def test_of_a_yolo_it_is_what_torchcam_says(yolo: YoloClassifier) -> None:
    methods = pytest.importorskip("torchcam.methods")
    photos = (255 * PHOTOS).permute(0, 2, 3, 1).numpy().astype(np.uint8)
    head = yolo._model.model[-1]
    with methods.CAM(yolo._model, head.conv, head.linear) as extractor:
        with torch.inference_mode():
            yolo._model(yolo._shown(photos))
        (wanted,) = extractor(ANSWERS.tolist(), normalized=False)
    found = yolo.maps(photos, ANSWERS)
    assert found.shape == (3, 2, 2)
    np.testing.assert_allclose(found * 4, wanted.relu().numpy(), rtol=1e-5, atol=1e-7)
    assert 0 < np.count_nonzero(found) < found.size, "some of it speaks for the class, some against"


def logits_of(weight: torch.Tensor, seen: torch.Tensor) -> torch.Tensor:
    return seen.mean(dim=(2, 3)) @ weight.T


def test_a_map_sums_to_the_logit() -> None:
    """Before what speaks against the class is dropped, the sum over places is the logit: here of the map's two signs."""
    seen = torch.rand((3, 7, 4, 4), generator=torch.Generator().manual_seed(1))
    weight = torch.randn((5, 7), generator=torch.Generator().manual_seed(2))
    speaks_for, against = (activation_maps(seen, partial(logits_of, sign * weight), ANSWERS) for sign in (1, -1))
    logits = logits_of(weight, seen)
    np.testing.assert_allclose((speaks_for - against).sum(axis=(1, 2)), logits[range(3), ANSWERS.tolist()], rtol=1e-4)


@pytest.mark.parametrize("name", ["resnet18", "tf_efficientnet_lite0", "resnetv2_50x1_bit.goog_in21k", "swin_tiny_patch4_window7_224"])
def test_of_timm_it_is_the_weight_times_what_is_averaged(name: str) -> None:
    torch.manual_seed(0)
    asked: dict[str, Any] = {"img_size": 64} if "swin" in name else {}
    network: Any = timm.create_model(name, num_classes=5, **asked).eval()
    with torch.no_grad():
        seen = network.forward_features(PHOTOS)
        places = seen.permute(0, 3, 1, 2) if "swin" in name else seen
        weight = network.get_classifier().weight.flatten(1)[ANSWERS]
        wanted = torch.einsum("nc,nchw->nhw", weight, places).relu() / places[0, 0].numel()
    np.testing.assert_allclose(activation_maps(seen, network.forward_head, ANSWERS), wanted, rtol=1e-4, atol=1e-7)


def test_a_transformer_has_none() -> None:
    network: Any = timm.create_model("vit_tiny_patch16_224", num_classes=5, img_size=64).eval()
    with torch.no_grad(), pytest.raises(NoMapError):
        activation_maps(network.forward_features(PHOTOS), network.forward_head, ANSWERS)


def test_the_places_of_a_network_average_to_its_features(yolo: YoloClassifier) -> None:
    """A head on frozen features so has a map."""
    photos = (255 * PHOTOS).permute(0, 2, 3, 1).numpy().astype(np.uint8)
    np.testing.assert_allclose(yolo.pooled(yolo.places(photos)), yolo.features(photos), rtol=1e-5, atol=1e-6)
