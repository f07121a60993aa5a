"""Synthetic hard cases on training photos, other ones each time a photo is seen: a mask, sunglasses, a hat, a hand, stage light.

After MaskTheFace (Anwar and Raychowdhury, arXiv:2008.11104), which put masks on the training photos of a face recogniser.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from yolo_koin.faces import Face
from yolo_koin.parallel import in_threads
from yolo_koin.synthetic.hardcases import apply


@dataclass(frozen=True)
class Drawing:
    """What is drawn, and how often.

    Attributes:
        share: of the photos of a batch that get one hard case; those without a usable face stay as they are.
        kinds, severities: one of each is drawn, all as likely.
    """

    share: float
    kinds: tuple[str, ...]
    severities: tuple[int, ...]

    def on_batch(self, photos: Sequence[Tensor], faces: Sequence[Face | None]) -> list[Tensor]:
        """The photos of a batch, each side × side × 3 of 8 bits, some of them with a hard case. Drawn from torch's global generator.

        Args:
            photos: they stay as they are.
            faces: the face in each, in its pixels.
        """
        seeds = torch.randint(2**62, (len(photos),)).tolist()
        return list(in_threads(lambda one: self._on(*one), zip(photos, faces, seeds, strict=True)))

    def _on(self, photo: Tensor, face: Face | None, seed: int) -> Tensor:
        rng = np.random.default_rng(seed)
        if face is None or rng.random() >= self.share:
            return photo
        kind, severity = str(rng.choice(self.kinds)), int(rng.choice(self.severities))
        return torch.from_numpy(apply(photo.numpy(), face.points(), face.box, kind, severity, rng))
