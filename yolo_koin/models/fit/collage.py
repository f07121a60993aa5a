"""Training augmentation for the identity detector: photos set small, large, alone or four together on a plain ground.

Every training photo shows one person who fills it, so a network that saw only those would know one size of face in one place. Photos of
groups have several small ones.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn import functional

from yolo_koin.models.fit.augment import Strength, erase, recolour

SMALLEST = 0.2  # scale of a photo on its ground, however strong the augmentation


@dataclass(frozen=True)
class Arrangement:
    """How photos are set on the ground; every amount is drawn uniformly.

    Attributes:
        together: probability that four photos share a ground.
        alone_scale: smallest and largest scale of a photo that has the ground to itself, 1 being the whole ground.
        together_scale: the same for one of four.
        degrees: rotation, to each side.
        stretch: largest relative change of the aspect ratio.
        jitter: how far one of four is from the middle of its quarter, as a share of the ground.
        least_visible: share of a box that has to be on the ground for the box to count.
        mirror: probability of mirroring.
    """

    together: float = 0.5
    alone_scale: tuple[float, float] = (0.4, 1.15)
    together_scale: tuple[float, float] = (0.28, 0.6)
    degrees: float = 5.0
    stretch: float = 0.05
    jitter: float = 0.06
    least_visible: float = 0.6
    mirror: float = 0.5

    def times(self, factor: float) -> Arrangement:
        """Every amount and probability times a factor: at 0 each photo is alone, as it is."""
        low, high = (1 + (scale - 1) * factor for scale in self.alone_scale)
        together, mirror = min(1.0, self.together * factor), min(0.5, self.mirror * factor)
        amounts = {name: getattr(self, name) * factor for name in ("degrees", "stretch", "jitter")}
        return replace(self, together=together, mirror=mirror, alone_scale=(max(low, SMALLEST), high), **amounts)


USUAL, COLOURS = Arrangement(), Strength()


def collage(
    batch: dict[str, Tensor],
    arrangement: Arrangement = USUAL,
    strength: Strength = COLOURS,
) -> dict[str, Tensor]:
    """Arrange the photos of a batch anew. Drawn from torch's global generator.

    Args:
        batch: as :class:`yolo_koin.models.fit.boxed_photos.BoxedPhotos` gives it.
        arrangement: how they are set.
        strength: of the changes of colour and the erased rectangles; its warp is not used.

    Returns:
        ``img``: n × 3 × side × side float in 0 to 1; ``batch_idx``, ``cls``, ``bboxes`` as before.
    """
    photos = erase(recolour(batch["img"].float().div_(255), strength), strength)
    n, device = len(photos), photos.device
    together = torch.rand(n, device=device) < arrangement.together
    ground = _ground(photos)
    parts = [_set(ground, photos, batch, torch.arange(n, device=device), torch.randperm(n, device=device), ~together, None, arrangement)]
    for quarter in ((-0.5, -0.5), (0.5, -0.5), (-0.5, 0.5), (0.5, 0.5)):
        chosen = torch.nonzero(together).flatten()
        parts.append(_set(ground, photos, batch, chosen, torch.randperm(n, device=device), together, quarter, arrangement))
    owner, classes, boxes = (torch.cat(part) for part in zip(*parts, strict=True))
    order = owner.argsort(stable=True)  # the stock loss counts on it
    return {"img": ground, "batch_idx": owner[order], "cls": classes[order], "bboxes": boxes[order]}


def _ground(photos: Tensor) -> Tensor:
    """A soft backdrop for each photo: a few random greys, blended, with a breath of colour."""
    n, device = len(photos), photos.device
    greys = torch.rand((n, 1, 1, 1), device=device) * 0.7 + torch.rand((n, 1, 3, 3), device=device) * 0.3
    tint = 1 + (torch.rand((n, 3, 1, 1), device=device) - 0.5) * 0.2
    return functional.interpolate(greys, size=photos.shape[-2:], mode="bicubic", align_corners=False).mul(tint).clamp_(0, 1)


def _set(
    ground: Tensor,
    photos: Tensor,
    batch: dict[str, Tensor],
    grounds: Tensor,
    order: Tensor,
    where: Tensor,
    quarter: tuple[float, float] | None,
    a: Arrangement,
) -> tuple[Tensor, Tensor, Tensor]:
    """Set a photo on each of some grounds, in place; return the boxes that can be seen there."""
    grounds = grounds[where[grounds]]
    sources = order[: len(grounds)] if quarter else grounds
    n, device = len(grounds), photos.device
    low, high = a.together_scale if quarter else a.alone_scale
    zoom = torch.empty(n, device=device).uniform_(low, high)
    aspect = (1 + torch.empty(n, device=device).uniform_(-a.stretch, a.stretch)).sqrt()
    scale = torch.stack([zoom * aspect, zoom / aspect], dim=1)
    room = (1 - scale * batch["content"][sources]).clamp(min=0.1)
    middle = torch.empty((n, 2), device=device).uniform_(-1, 1)
    middle = torch.tensor(quarter, device=device) + middle * 2 * a.jitter if quarter else middle * room
    angle = torch.empty(n, device=device).uniform_(-math.radians(a.degrees), math.radians(a.degrees))
    mirror = torch.where(torch.rand(n, device=device) < a.mirror, -1.0, 1.0)
    cos, sin = angle.cos(), angle.sin()
    # From a point of the photo to one of the ground, both from -1 to 1: mirror, scale, turn, shift.
    turn = torch.stack([torch.stack([cos, -sin], 1), torch.stack([sin, cos], 1)], 1)
    forward = turn * torch.stack([mirror * scale[:, 0], scale[:, 1]], 1)[:, None, :]
    back = torch.linalg.inv(forward)
    theta = torch.cat([back, -back @ middle[..., None]], dim=2)
    if n:
        grid = functional.affine_grid(theta, [n, 3, *photos.shape[-2:]], align_corners=False)
        drawn = functional.grid_sample(photos[sources], grid, mode="bilinear", padding_mode="border", align_corners=False)
        inside = (grid.abs() <= batch["content"][sources][:, None, None, :]).all(dim=-1)[:, None]
        ground[grounds] = torch.where(inside, drawn, ground[grounds])
    return _boxes(batch, grounds, sources, forward, middle, scale, a.least_visible)


def _boxes(
    batch: dict[str, Tensor], grounds: Tensor, sources: Tensor, forward: Tensor, middle: Tensor, scale: Tensor, least: float
) -> tuple[Tensor, Tensor, Tensor]:
    """Ground, class and box of every box of the photos, where enough of it is on the ground."""
    pairs = torch.nonzero(sources[:, None] == batch["batch_idx"][None, :])  # placed photo, box
    placed, box = pairs[:, 0], pairs[:, 1]
    centre = (forward[placed] @ (batch["bboxes"][box, :2] * 2 - 1)[..., None])[..., 0] + middle[placed]
    half = batch["bboxes"][box, 2:] * scale[placed]
    low, high = (centre - half).clamp(-1, 1), (centre + half).clamp(-1, 1)
    seen = (high - low).prod(dim=1) / (2 * half).prod(dim=1).clamp(min=1e-9)
    keep = seen >= least
    boxes = torch.cat([(low + high) / 4 + 0.5, (high - low) / 2], dim=1)
    return grounds[placed][keep].float(), batch["cls"][box][keep], boxes[keep]
