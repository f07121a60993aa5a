"""Training augmentation for face photos, on whole batches of tensors: one warp, one colour change and one erased rectangle per photo.

Measured to matter on small sets of faces: the stock recipe for ImageNet (RandAugment, crops down to half the photo) cuts and bends faces
beyond what tells two people apart, and works photo by photo on the processor.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn import functional

from yolo_koin.dataset.images import FACE_SHARE

HEAD_WIDTH = 0.8  # of a face, as a share of its height


@dataclass(frozen=True)
class Strength:
    """How far each photo may be changed; every amount is drawn uniformly.

    Attributes:
        flip: probability of mirroring.
        degrees: rotation, to each side.
        scale: largest relative enlargement or reduction.
        stretch: largest relative change of the aspect ratio.
        shift: translation, as a share of the side.
        brightness, contrast: largest relative change.
        tint: largest relative gain or loss of each colour channel: stage light.
        grey: probability of losing all colour.
        erase: probability of an erased rectangle: a hand, a microphone, a mask.
        erase_area: smallest and largest share of the photo that is erased.
        surroundings: probability that all around the head is replaced, in photos that were cut around the face.
        head: smallest and largest reach of what is kept then, as multiples of the face's half height.
    """

    flip: float = 0.5
    degrees: float = 5.0
    scale: float = 0.06
    stretch: float = 0.03
    shift: float = 0.03
    brightness: float = 0.1
    contrast: float = 0.1
    tint: float = 0.1
    grey: float = 0.05
    erase: float = 0.1
    erase_area: tuple[float, float] = (0.02, 0.15)
    surroundings: float = 0.0
    head: tuple[float, float] = (1.0, 1.6)

    def times(self, factor: float) -> Strength:
        """Every amount and probability times a factor; no photo is mirrored more often than not."""
        amounts = ("degrees", "scale", "stretch", "shift", "brightness", "contrast", "tint")
        chances = {"flip": 0.5, "grey": 1.0, "erase": 1.0, "surroundings": 1.0}
        scaled = {name: getattr(self, name) * factor for name in amounts}
        return replace(self, **scaled, **{name: min(most, getattr(self, name) * factor) for name, most in chances.items()})


def augment(photos: Tensor, strength: Strength = Strength()) -> Tensor:  # frozen
    """Change each photo of a batch in its own way. Drawn from torch's global generator.

    Args:
        photos: n × 3 × side × side, uint8 or float in 0 to 1.
        strength: how far.

    Returns:
        n × 3 × side × side, float in 0 to 1.
    """
    floats = photos.float().div_(255) if photos.dtype == torch.uint8 else photos
    if strength.surroundings:
        floats = _surround(floats, strength)
    return erase(recolour(_warp(floats, strength), strength), strength)


def _surround(photos: Tensor, s: Strength) -> Tensor:
    """Put another photo's edge, or a plain grey, around some heads: who stands beside a face, and before what, tells nothing of it."""
    n, _, height, width = photos.shape
    device = photos.device
    reach = torch.empty((n, 1, 1), device=device).uniform_(*s.head) / FACE_SHARE
    y = torch.linspace(-1, 1, height, device=device)[None, :, None] / reach
    x = torch.linspace(-1, 1, width, device=device)[None, None, :] / (HEAD_WIDTH * reach)
    keep = ((1.08 - (x.square() + y.square()).sqrt()) / 0.16).clamp(0, 1)[:, None]  # an ellipse with a soft edge
    grey = torch.rand((n, 1, 1, 1), device=device).expand_as(photos)
    other = torch.where(torch.rand((n, 1, 1, 1), device=device) < 0.5, photos[torch.randperm(n, device=device)], grey)
    chosen = torch.rand((n, 1, 1, 1), device=device) < s.surroundings
    return torch.where(chosen, torch.lerp(other, photos, keep), photos)


def _warp(photos: Tensor, s: Strength) -> Tensor:
    n, device = len(photos), photos.device
    angle = _between(n, math.radians(s.degrees), device)
    zoom = 1 + _between(n, s.scale, device)
    aspect = (1 + _between(n, s.stretch, device)).sqrt()
    mirror = torch.where(torch.rand(n, device=device) < s.flip, -1.0, 1.0)
    cos, sin = angle.cos(), angle.sin()
    rows = [
        torch.stack([mirror * cos * aspect / zoom, -sin / zoom, 2 * _between(n, s.shift, device)], dim=1),
        torch.stack([mirror * sin / zoom, cos / aspect / zoom, 2 * _between(n, s.shift, device)], dim=1),
    ]
    grid = functional.affine_grid(torch.stack(rows, dim=1), list(photos.shape), align_corners=False)
    return functional.grid_sample(photos, grid, mode="bilinear", padding_mode="reflection", align_corners=False)


def recolour(photos: Tensor, s: Strength) -> Tensor:
    """Change brightness, contrast and tint of each photo, n × 3 × height × width floats in 0 to 1; some lose their colour."""
    n, device = len(photos), photos.device
    shape = (n, 1, 1, 1)
    grey = photos.mean(dim=1, keepdim=True)
    photos = torch.where(torch.rand(shape, device=device) < s.grey, grey.expand_as(photos), photos)
    gain = (1 + _between(n, s.brightness, device)).view(shape) * (1 + _between((n, 3, 1, 1), s.tint, device))
    contrast = (1 + _between(n, s.contrast, device)).view(shape)
    middle = grey.mean(dim=(2, 3), keepdim=True)
    return ((photos - middle) * contrast + middle).mul_(gain).clamp_(0, 1)


def erase(photos: Tensor, s: Strength) -> Tensor:
    """Fill a rectangle of some photos with one colour."""
    n, _, height, width = photos.shape
    device = photos.device
    area = torch.empty(n, device=device).uniform_(*s.erase_area)
    ratio = torch.empty(n, device=device).uniform_(-1, 1).mul_(math.log(2)).exp_()
    half_height, half_width = (area * ratio).sqrt() / 2, (area / ratio).sqrt() / 2
    y, x = torch.rand(n, device=device), torch.rand(n, device=device)
    rows = torch.arange(height, device=device).add(0.5).div(height)
    columns = torch.arange(width, device=device).add(0.5).div(width)
    inside_y = (rows[None] - y[:, None]).abs() < half_height[:, None]
    inside_x = (columns[None] - x[:, None]).abs() < half_width[:, None]
    chosen = torch.rand(n, device=device) < s.erase
    hole = (inside_y[:, :, None] & inside_x[:, None, :] & chosen[:, None, None])[:, None]
    return torch.where(hole, torch.rand((n, 3, 1, 1), device=device), photos)


def _between(shape: int | tuple[int, ...], limit: float, device: torch.device) -> Tensor:
    return torch.empty(shape, device=device).uniform_(-limit, limit)
