"""Where in a photo a classifier finds what speaks for an answer: class-activation maps, of what its head sees."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from yolo_koin.models.protocol import NoMapError


@runtime_checkable
class Placed(Protocol):
    """A network whose features are averages over places."""

    def places(self, photos: NDArray[np.uint8]) -> Tensor:
        """What its head sees of n × side × side × 3 photos, RGB."""
        ...

    def pooled(self, places: Tensor) -> Tensor:
        """The features, n × d, of what its head sees: those of :meth:`yolo_koin.models.protocol.Backbone.features`."""
        ...


def activation_maps(seen: Tensor, answer: Callable[[Tensor], Tensor], classes: NDArray[np.intp]) -> NDArray[np.float32]:
    """Grad-CAM (Selvaraju et al., arXiv:1610.02391) on what a head sees.

    Where a head averages and has one linear layer, as those of YOLO, ResNet, EfficientNet and BiT, this is the class-activation map (Zhou
    et al., arXiv:1512.04150) over the number of places: the gradient is then the layer's weight over that number, everywhere. Only what
    speaks for the class is kept, so a map may be 0 throughout.

    Args:
        seen: n × channels × height × width, or with the channels last; of square photos.
        answer: the head: logits, n × classes.
        classes: of each photo.

    Raises:
        NoMapError: it has another shape.
    """
    if seen.ndim != 4:
        raise NoMapError
    channels, places = (1, (2, 3)) if seen.shape[2] == seen.shape[3] else (3, (1, 2))
    with torch.inference_mode(False), torch.enable_grad():
        leaf = seen.detach().clone().requires_grad_()
        logits = answer(leaf.clone())  # a head may write into what it is given
        (gradient,) = torch.autograd.grad(logits[range(len(classes)), classes.tolist()].sum(), leaf)
    weighed = (gradient.mean(dim=places, keepdim=True) * leaf.detach()).sum(dim=channels)
    maps: NDArray[np.float32] = weighed.relu().float().cpu().numpy()
    return maps
