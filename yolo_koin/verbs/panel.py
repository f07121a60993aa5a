"""Several models that are asked about one photo. It lies in memory, perhaps with a mask and sunglasses drawn on its faces."""

from __future__ import annotations

import hashlib
import io
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from yolo_koin.dataset.images import PhotoError, open_photo
from yolo_koin.dataset.koin import Sample
from yolo_koin.faces.finder import FaceFinder
from yolo_koin.faces.turned import usable
from yolo_koin.models.protocol import Model, scale_of
from yolo_koin.naming import Reader
from yolo_koin.naming.protocol import table_of
from yolo_koin.naming.sweeps import Located, Sweep
from yolo_koin.reporting.replies import Card, Reply
from yolo_koin.reporting.verdicts import Faces, Verdict, percent
from yolo_koin.specs import Kind
from yolo_koin.splits import Split
from yolo_koin.synthetic.variants import Variant
from yolo_koin.verbs.drawing import Drawing, rows_of
from yolo_koin.verbs.namers import namer_of
from yolo_koin.verbs.rejection import Rejection, as_shown

SHOWN = 1024  # px: longer side of a photo on the page

Worn = Mapping[Kind, int]  # what is drawn on faces → severity, 0 for none


@dataclass(frozen=True)
class Member:
    """A model of the panel.

    Attributes:
        name: of its run or file.
        about: what it is, for people.
        model: answers.
        faces: whether it is shown every face, in place of the photo as a whole.
        drawing: how what it says is drawn.
        rejection: what is answered with ``unknown``; None where everybody gets a name.
    """

    name: str
    about: str
    model: Model
    faces: bool
    drawing: Drawing
    rejection: Rejection | None = None

    def card(self, sample: Sample, reader: Reader, finder: FaceFinder, picture: Image.Image, scale: float) -> Card:
        """What the model says of a photo.

        Args:
            sample: the photo.
            reader: has its pixels.
            finder: finds faces.
            picture: the photo as it is shown, at ``scale`` of its full size.
            scale: see there.
        """
        namer, _ = namer_of(self.model, self.faces, reader, lambda: finder)
        frame = table_of(namer, [sample])
        if self.rejection:
            frame = as_shown(self.rejection.answered(frame, scale_of(self.model), len(self.model.names)))
        rows = rows_of(frame)
        if not self.drawing.shows(rows):
            return Card(self.name, self.about, None, f"{rows[0]['error']}.".capitalize())
        said = self.drawing.said(sample, rows, scale)
        return Card(self.name, self.about, self.drawing.annotated(picture, said), _in_words(said))


@dataclass(frozen=True)
class Panel:
    """Models side by side.

    Attributes:
        members: the models.
        finder: finds faces, and keeps nothing of them.
    """

    members: tuple[Member, ...]
    finder: FaceFinder

    def ask(self, photo: bytes, worn: Worn) -> Reply:
        """What each model says of a photo; of one that cannot be read, why.

        It is shown the photo as ``predict`` would show it. Where something is drawn on faces, that is done once, on the picture that the
        page shows, and this is the photo of which the models are asked: on a face of 12 megapixels drawing takes 20 seconds.
        """
        begun, name, note = time.perf_counter(), hashlib.sha256(photo).hexdigest(), ""
        try:
            picture, (width, _) = open_photo(photo, longest=SHOWN)
        except PhotoError as error:
            return Reply(note=f"This photo cannot be used: {error}.")
        picture.thumbnail((SHOWN, SHOWN))
        if any(worn.values()):
            drawn = self._drawn_on(picture, name, worn)
            if drawn is None:
                note = "Nothing was drawn: no face was found whose eyes and mouth are where they should be."
            else:
                picture, photo, width = drawn, _encoded(drawn), drawn.width
        sample, reader = Sample(name, Split(), "", Path(name)), Reader(content={name: photo})
        cards = tuple(one.card(sample, reader, self.finder, picture, picture.width / width) for one in self.members)
        return Reply(cards, note, time.perf_counter() - begun)

    def _drawn_on(self, picture: Image.Image, name: str, worn: Worn) -> Image.Image | None:
        """The picture with what is worn on each of its faces, drawn as ``stress`` draws it; None where there is no face for it."""
        found = [face for face in self.finder.look_at(picture) if usable(face)]
        faces = {f"{name}/{i}": Located(face, picture.size) for i, face in enumerate(found)}
        sweep = Sweep(faces)
        for face in faces:
            for kind, severity in worn.items():
                variant = str(Variant(kind, severity)) if severity else ""
                picture = sweep(Sample(face, Split(variant=variant), "", Path(name)), picture)
        return picture if faces else None


def _encoded(picture: Image.Image) -> bytes:
    """The picture as a file without loss, which is quick to write and to read."""
    stream = io.BytesIO()
    picture.save(stream, "BMP")
    return stream.getvalue()


def _in_words(said: Verdict | Faces) -> str:
    """What a drawing says, for whoever does not see it."""
    if isinstance(said, Verdict):
        pairs = list(zip(said.names, said.scores, strict=True))
    else:
        pairs = [(face.verdict.names[0], face.verdict.scores[0]) for face in said.ordered]
    return ", ".join(f"{name} {percent(score)}".strip() for name, score in pairs) or "no face found"
