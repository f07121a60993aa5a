"""The page of an audit: what was found, pairs of photos side by side. One file that loads nothing."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from itertools import groupby

from jinja2 import Environment
from PIL import Image

from yolo_koin.dataset.findings import KINDS, WRONG, Finding
from yolo_koin.dataset.images import PhotoError, open_photo
from yolo_koin.dataset.koin import Dataset, Sample
from yolo_koin.words import count

SHOWN = 60  # findings of a kind; all are in findings.csv
HEIGHT = 150  # px of a thumbnail
QUALITY = 80

TEMPLATE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Audit of {{ name }}</title>
<style>
body { font: 15px/1.5 system-ui, "Noto Sans CJK KR", "NanumGothic", sans-serif; color: #1d2329;
  max-width: 74rem; margin: 2.5rem auto; padding: 0 1.5rem }
h1 { font-size: 1.6rem; margin: 0 } h2 { font-size: 1.15rem; margin: 2.6rem 0 .1rem; border-top: 1px solid #d8dde2; padding-top: 1.2rem }
p { margin: .2rem 0 .8rem; color: #525c66 } .wrong { color: #b3361b }
table { border-collapse: collapse; margin: 1.2rem 0 } td, th { text-align: left; padding: .2rem 1.6rem .2rem 0; vertical-align: top }
td.n { text-align: right; font-variant-numeric: tabular-nums }
a { color: inherit }
.cards { display: grid; grid-template-columns: repeat(auto-fill, minmax(21rem, 1fr)); gap: 1rem }
figure { margin: 0; border: 1px solid #d8dde2; border-radius: 6px; padding: .7rem; background: #fff }
.photos { display: flex; gap: .7rem; align-items: flex-start }
.photo { flex: 0 0 calc(50% - .35rem); min-width: 0; font-size: .78rem; color: #525c66; overflow-wrap: anywhere; line-height: 1.35 }
.photo img { display: block; height: {{ height }}px; max-width: 100%; object-fit: contain;
  object-position: left; margin-bottom: .3rem; border-radius: 3px }
figcaption { font-size: .84rem; margin-top: .4rem; overflow-wrap: anywhere }
ul { margin: .2rem 0; padding-left: 1.2rem }
</style>
</head>
<body>
<h1>Audit of {{ name }}</h1>
<p>{{ photos }}. {% if wrong %}<span class="wrong">{{ wrong }} that may make numbers wrong.</span>
{% else %}Nothing that makes numbers wrong.{% endif %}</p>
{% if sections %}<table><tr><th>kind</th><th>found</th><th></th></tr>
{% for one in sections %}<tr><td><a href="#{{ one.kind }}" {% if one.wrong %}class="wrong"{% endif %}>{{ one.kind }}</a></td>
<td class="n">{{ "{:,}".format(one.total) }}</td><td>{{ one.meaning }}</td></tr>
{% endfor %}</table>{% endif %}
{% for one in sections %}
<h2 id="{{ one.kind }}" {% if one.wrong %}class="wrong"{% endif %}>{{ one.kind }}: {{ "{:,}".format(one.total) }}</h2>
<p>{{ one.meaning }}{% if one.total > one.cards|length %} The first {{ one.cards|length }} are shown;
all are in findings.csv.{% endif %}</p>
<div class="cards">
{% for card in one.cards %}<figure>{% if card.photos %}<div class="photos">
{% for image, picture in card.photos %}<div class="photo" title="{{ image }}">
{% if picture %}<img src="data:image/jpeg;base64,{{ picture }}" alt="">{% endif %}
{% for part in image.split("/") %}{{ part }}{% if not loop.last %}/<wbr>{% endif %}{% endfor %}</div>
{% endfor %}</div>{% endif %}
<figcaption>{{ card.words }}</figcaption></figure>
{% endfor %}</div>
{% endfor %}
</body>
</html>
"""


def page(dataset: Dataset, findings: Sequence[Finding]) -> str:
    """The findings as HTML, the worst kinds first; texts of files are escaped, photos are small copies in the page itself.

    Args:
        dataset: whose photos are shown.
        findings: in the order of their kinds.
    """
    samples = {s.image: s for s in dataset.samples}
    sections = []
    for kind, same in groupby(findings, key=lambda one: one.kind):
        every = list(same)
        cards = [_card(one, samples) for one in every[:SHOWN]]
        sections.append({"kind": kind, "meaning": KINDS[kind], "wrong": kind in WRONG, "total": len(every), "cards": cards})
    wrong = sum(one.kind in WRONG for one in findings)
    return (
        Environment(autoescape=True)
        .from_string(TEMPLATE)
        .render(
            name=dataset.root.name,
            photos=count(len(samples), "photo"),
            wrong=count(wrong, "finding") if wrong else "",
            sections=sections,
            height=HEIGHT,
        )
    )


def _card(one: Finding, samples: dict[str, Sample]) -> dict[str, object]:
    photos = [(image, _thumbnail(samples[image])) for image in (one.image, one.other) if image in samples]
    score = f" (likeness {one.score:.3f})" if one.other and one.score < 1 else ""
    return {"photos": photos, "words": f"{one.detail}{score}" if photos else f"{one.image}: {one.detail}"}


def _thumbnail(sample: Sample) -> str:
    """A small JPEG in base64; empty for a photo that cannot be read."""
    try:
        image, _ = open_photo(sample.path, longest=2 * HEIGHT)
    except PhotoError:
        return ""
    image.thumbnail((2 * HEIGHT, HEIGHT), Image.Resampling.LANCZOS)
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=QUALITY)
    return base64.b64encode(stream.getvalue()).decode()
