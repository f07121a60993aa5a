"""A report as one HTML file that opens anywhere: figures are in it, and nothing is fetched."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from functools import lru_cache
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from PIL import Image

from yolo_koin.dataset.images import PhotoError, open_photo
from yolo_koin.reporting.document import (
    Block,
    Failures,
    Figure,
    Gallery,
    Heading,
    Table,
    cell_text,
    in_korean,
    in_language,
    is_number,
)
from yolo_koin.specs import Language
from yolo_koin.words import Sentence

WORDS = {  # of the page itself
    "skip": Sentence("Skip to the results"),
    "contents": Sentence("Contents"),
    "split": Sentence("Split"),
    "person": Sentence("Person"),
    "model": Sentence("Model"),
    "every": Sentence("all"),
    "least": Sentence("Confidence at least"),
    "shown": Sentence("photos shown"),
    "more": Sentence("Show more"),
    "hidden": Sentence("Figures that show photos are left out of this page, since it may travel; report --photos puts them in."),
}
PIXELS, DENSITY = 1560, 2.5  # width of a figure, and how many of its pixels make one of a screen: two stand beside each other
THUMBNAIL = 200  # pixels: the longer side of a photo in the gallery
QUALITY = 80
LINE = 28  # characters of a cell


def html(blocks: Sequence[Block], lang: Language = "en", photos: bool = False) -> str:
    """The report as a page.

    Args:
        blocks: of the report.
        lang: of its words.
        photos: whether photos of people are shown; their file names are in any case.
    """
    told = [in_korean(block) for block in blocks] if lang == "ko" else list(blocks)
    seen = [block for block in told if photos or not _is_of_photos(block)]
    words = {name: in_language(sentence, lang) for name, sentence in WORDS.items()}
    title = next((block.text for block in told if isinstance(block, Heading)), "")
    page: str = _template().render(
        parts=_parts(seen, photos),
        title=title,
        lang=lang,
        words=words,
        hidden=len(seen) < len(told),
        rows=lambda block: in_language(block.rows, lang),
        told=lambda text: in_language(text, lang),
    )
    return page


@lru_cache(maxsize=1)
def _template() -> Any:
    """Autoescaped: what a run or a person is called is a text, whatever is in it."""
    environment = Environment(
        loader=PackageLoader("yolo_koin.reporting", "page"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["thumbnail"] = thumbnail
    return environment.get_template("report.html")


def _is_of_photos(block: Block) -> bool:
    return isinstance(block, Gallery) or (isinstance(block, Figure) and block.photos)


def _parts(blocks: Sequence[Block], photos: bool) -> list[dict[str, Any]]:
    """What the template walks over: the kind of each block, the block, a number for its id, and its pictures."""
    numbers = count(1)
    return [{"kind": type(block).__name__, "block": block, "id": f"p{next(numbers)}", **_more(block, photos)} for block in blocks]


def _more(block: Block, photos: bool) -> dict[str, Any]:
    if isinstance(block, Figure | Gallery):
        paths = (block.path,) if isinstance(block, Figure) else block.paths
        return {"pictures": [_picture(path, _is_of_photos(block)) for path in paths]}
    if isinstance(block, Table):
        return _table(block)
    return {"photos": photos} if isinstance(block, Failures) else {}


def _picture(path: Path, is_photo: bool) -> dict[str, Any]:
    """A figure as a data URI, with its size on a screen. Charts have fewer than 256 colours; photos become a JPEG."""
    with Image.open(path) as image:
        picture = image.convert("RGB")
    picture.thumbnail((PIXELS, 100_000))
    stream = io.BytesIO()
    if is_photo:
        picture.save(stream, "JPEG", quality=QUALITY)
    else:
        picture.quantize(256).save(stream, "PNG")
    return {
        "uri": _uri(stream, "jpeg" if is_photo else "png"),
        "width": round(picture.width / DENSITY),
        "height": round(picture.height / DENSITY),
    }


def thumbnail(path: Path | None) -> str:
    """A small copy of a photo as a data URI; empty where there is none, or it cannot be read."""
    if path is None:
        return ""
    try:
        photo, _ = open_photo(path, at_least=THUMBNAIL)
    except PhotoError:
        return ""
    photo.thumbnail((THUMBNAIL, THUMBNAIL))
    stream = io.BytesIO()
    photo.convert("RGB").save(stream, "JPEG", quality=QUALITY)
    return _uri(stream, "jpeg")


def _uri(stream: io.BytesIO, kind: str) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(stream.getvalue()).decode('ascii')}"


class Cell(NamedTuple):
    """A cell of a table: its value, the interval in brackets, which is set smaller, whether it stands out, and how it is set."""

    tag: str
    text: str
    limits: str
    best: bool
    look: str


ROLES = ("rowgroup", "row", "columnheader", "rowheader", "cell")


def _table(table: Table) -> dict[str, Any]:
    """The cells. The main table is set in blocks on a narrow screen, where only roles tell that it is a table."""
    numbers = [is_number(table.frame.iloc[:, place]) for place in range(table.frame.shape[1])]
    rows = [
        [_cell(value, place, numbers[place], (row, place) in table.marked) for place, value in enumerate(cells)]
        for row, cells in enumerate(table.frame.itertuples(index=False, name=None))
    ]
    role = {role: Markup("") if table.folds else Markup(f' role="{role}"') for role in ROLES}
    return {"heads": list(zip(map(str, table.frame), numbers, strict=True)), "rows": rows, "role": role}


def _cell(value: object, place: int, number: bool, best: bool) -> Cell:
    text = cell_text(value)
    head, bracket, end = text.partition(" [")
    head, limits = (head, f"[{end}") if bracket and end.endswith("]") else (text, "")
    looks = {"best": best, "value": limits, "number": number, "long": len(text) > LINE}
    return Cell("td" if place else "th", head, limits, best, " ".join(look for look, is_so in looks.items() if is_so))
