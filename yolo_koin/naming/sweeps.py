"""Photos that are changed on purpose before a model sees them: the transforms of a :class:`~yolo_koin.naming.reader.Reader`.

What is done to a photo is the variant of its sample's split, so a sweep is a list of samples. Each photo is decoded once for all of its
variants, and lies on no disk.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, get_args

import numpy as np
from PIL import Image

from yolo_koin.dataset.images import RGB, open_photo
from yolo_koin.dataset.koin import Sample
from yolo_koin.faces import Face
from yolo_koin.geometry import Box
from yolo_koin.parallel import Latest
from yolo_koin.splits import Split
from yolo_koin.synthetic import covering, hardcases
from yolo_koin.synthetic.corruptions import corrupt
from yolo_koin.synthetic.covering import Cover
from yolo_koin.synthetic.variants import OF_FACES, Variant

Size = tuple[int, int]  # width and height of an upright photo at its full size
Erased = Literal["no-face", "face-only", "other-scene"]
ERASED: tuple[Erased, ...] = get_args(Erased)


@dataclass(frozen=True, slots=True)
class Located:
    """Where the face that a photo is about lies.

    Attributes:
        face: in pixels of the photo at its full size.
        size: of that photo.
    """

    face: Face
    size: Size

    def on(self, photo: RGB) -> Face:
        """The face in pixels of the photo as it is decoded."""
        return self.face.scaled(photo.shape[1] / self.size[0], photo.shape[0] / self.size[1])


def samples_of(samples: Iterable[Sample], variants: Sequence[str], faces: Mapping[str, object], need_a_face: Sequence[str]) -> list[Sample]:
    """Each sample as it is, and then its variants, photo by photo; a photo without a face has only those that need none."""
    return [
        replace(sample, split=replace(sample.split, variant=variant))
        for sample in samples
        for variant in ("", *variants)
        if sample.image in faces or variant not in need_a_face
    ]


@dataclass(frozen=True)
class Sweep:
    """Hard cases and corruptions of rising severity (:class:`~yolo_koin.synthetic.variants.Variant`).

    What is drawn hangs on the seed, the image id, the kind and the severity alone: photos are the same for every model that is shown them
    at one size, in any process. The five severities of a kind are one mask, pulled up further.

    Attributes:
        faces: image id → where its face lies.
        seed: of what is drawn.
        covered: fills up: ``(image id, variant)`` → share of the face's box that is hidden.
    """

    faces: Mapping[str, Located]
    seed: int = 0
    covered: dict[tuple[str, str], float] = field(default_factory=dict)
    _drawn: Latest[tuple[RGB, Cover]] = field(default_factory=Latest, repr=False)

    def __call__(self, sample: Sample, image: Image.Image) -> Image.Image:
        """A :data:`~yolo_koin.naming.reader.Transform`."""
        if not sample.split.variant:
            return image
        photo, variant = np.asarray(image), Variant.parse(sample.split.variant)
        if variant.kind not in OF_FACES:
            return Image.fromarray(corrupt(photo, variant.kind, variant.severity, self._rng(sample, variant.kind)))
        face = self.faces[sample.image].on(photo)
        drawing = sample.image, photo.shape, variant.kind, variant.severity
        result, cover = self._drawn.of(drawing, lambda: self._draw(sample, photo, face, variant))
        if variant.elsewhere:
            result, cover = covering.moved(photo, result, cover, self._rng(sample, str(variant)))
        self.covered[sample.image, sample.split.variant] = covering.share(cover, face.box)
        return Image.fromarray(result)

    def _draw(self, sample: Sample, photo: RGB, face: Face, variant: Variant) -> tuple[RGB, Cover]:
        rng = self._rng(sample, variant.kind)
        return hardcases.drawn(photo, face.points(), face.box, variant.kind, variant.severity, rng)

    def _rng(self, sample: Sample, what: str) -> np.random.Generator:
        return _rng(self.seed, sample.image, what)


@dataclass(frozen=True)
class Erasure:
    """The erased-face control: a photo without its face (``no-face``), with nothing else (``face-only``), before another's background.

    Attributes:
        boxes: image id → the box of the labelled person's face, and the photo's size, both at full size.
        scenes: image id → the photo of another person of the same split that lends background and clothes (``other-scene``).
    """

    boxes: Mapping[str, tuple[Box, Size]]
    scenes: Mapping[str, Sample]

    def __call__(self, sample: Sample, image: Image.Image) -> Image.Image:
        """A :data:`~yolo_koin.naming.reader.Transform`."""
        variant, photo = sample.split.variant, np.asarray(image)
        if variant not in ERASED:
            return image
        box = self._box(sample, photo)
        if variant == "no-face":
            return Image.fromarray(covering.without_face(photo, box))
        if variant == "face-only":
            return Image.fromarray(covering.only_face(photo, box))
        other = self.scenes[sample.image]
        scene = np.asarray(open_photo(other.path, at_least=min(image.size))[0])
        return Image.fromarray(covering.in_scene(photo, box, scene, self._box(other, scene)))

    def _box(self, sample: Sample, photo: RGB) -> Box:
        (x, y, width, height), size = self.boxes[sample.image]
        across, down = photo.shape[1] / size[0], photo.shape[0] / size[1]
        return x * across, y * down, width * across, height * down


def scenes_for(samples: Sequence[Sample], boxes: Mapping[str, object], seed: int = 0) -> dict[str, Sample]:
    """Whose background each photo gets: a photo of another person in the same split, drawn at random; none where all are of one person."""
    usable: dict[Split, list[Sample]] = {}
    for sample in samples:
        if sample.image in boxes:
            usable.setdefault(sample.split, []).append(sample)
    scenes: dict[str, Sample] = {}
    for group in usable.values():
        for sample in group if len({one.label for one in group}) > 1 else ():
            rng, other = _rng(seed, sample.image, "scene"), sample
            while other.label == sample.label:
                other = group[int(rng.integers(len(group)))]
            scenes[sample.image] = other
    return scenes


def _rng(seed: int, image: str, what: str) -> np.random.Generator:
    return np.random.default_rng([seed, zlib.crc32(image.encode()), zlib.crc32(what.encode())])
