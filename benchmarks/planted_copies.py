"""How many planted copies, wrong labels and damaged files ``yolo_koin audit`` finds, and how many pairs it names that are none.

    python -m benchmarks.planted_copies [--seeds 5] [--labels]

In a copy of the built-in faces, whose people were photographed again and again in one pose, photos of one side are copied to the
other: as they are; scaled to 0.7 to 1.5 of their size and compressed with quality 50 to 90; mirrored, or cut by 5 % of each side. Others
are copied to another person, or are cut off in their middle. A pair is false where none of its photos was planted and both do not come
from one photograph. With --labels ten photos are moved to another person instead, and the probe of ``audit --labels`` is to doubt them.
"""

from __future__ import annotations

import argparse
import io
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from yolo_koin.dataset.findings import Finding
from yolo_koin.dataset.koin import Sample, read_table, scan
from yolo_koin.synthetic.att import HARDCASES
from yolo_koin.verbs.audit import audit
from yolo_koin.verbs.sample import built_in

EACH = {"exact": 20, "recompressed": 20, "mirrored": 10, "cut": 10, "swapped": 10, "unreadable": 10}
EXPECTED = {"swapped": "label-conflict", "unreadable": "unreadable"}  # the other kinds are leaks
PAIRED = {"leak", "label-conflict", "exact-copy", "near-copy"}
KEPT = 0.95  # of each side of a photo that is cut


@dataclass(frozen=True)
class Planted:
    """A file that was put into a dataset.

    Attributes:
        kind: how it was made.
        image: its image id; source: that of the photo that it was made of.
    """

    kind: str
    image: str
    source: str


@dataclass(frozen=True)
class Recall:
    """What an audit made of them.

    Attributes:
        found: of the planted ones by kind, with how many there were.
        false: pairs of untouched photos that are no copies.
        untouched: photos that were there before.
    """

    found: dict[str, tuple[int, int]]
    false: tuple[Finding, ...]
    untouched: int


def plant(root: Path, each: dict[str, int], seed: int) -> list[Planted]:
    """Put copies into a dataset, each of another one of its normal photos."""
    rng = np.random.default_rng(seed)
    normal = [s for s in scan(root).samples if s.split.case == "normal_cases"]
    chosen = [normal[i] for i in rng.permutation(len(normal))[: sum(each.values())]]
    kinds = [kind for kind, n in each.items() for _ in range(n)]
    return [_plant(root, kind, sample, normal, rng) for kind, sample in zip(kinds, chosen, strict=True)]


def _plant(root: Path, kind: str, sample: Sample, normal: Sequence[Sample], rng: np.random.Generator) -> Planted:
    part, label = ("test" if sample.split.is_train else "train"), sample.label
    if kind == "swapped":
        label = str(rng.choice(sorted({s.label for s in normal} - {label})))
    if kind in EXPECTED:
        part = sample.split.part
    copy = root / sample.split.case / part / label / f"planted-{sample.label}-{sample.path.stem}{'.png' if kind == 'exact' else '.jpg'}"
    copy.write_bytes(MADE[kind](sample.path, rng))
    return Planted(kind, copy.relative_to(root).as_posix(), sample.image)


def _jpeg(photo: Image.Image, rng: np.random.Generator) -> bytes:
    stream = io.BytesIO()
    photo.convert("RGB").save(stream, "JPEG", quality=int(rng.integers(50, 91)))
    return stream.getvalue()


def _recompressed(path: Path, rng: np.random.Generator) -> bytes:
    with Image.open(path) as photo:
        scale = rng.uniform(0.7, 1.5)
        return _jpeg(photo.resize((round(scale * photo.width), round(scale * photo.height)), Image.Resampling.BICUBIC), rng)


def _mirrored(path: Path, rng: np.random.Generator) -> bytes:
    with Image.open(path) as photo:
        return _jpeg(ImageOps.mirror(photo), rng)


def _cut(path: Path, rng: np.random.Generator) -> bytes:
    with Image.open(path) as photo:
        width, height = round(KEPT * photo.width), round(KEPT * photo.height)
        left, top = int(rng.integers(photo.width - width + 1)), int(rng.integers(photo.height - height + 1))
        return _jpeg(photo.crop((left, top, left + width, top + height)), rng)


def _cut_off(path: Path, rng: np.random.Generator) -> bytes:
    with Image.open(path) as photo:
        content = _jpeg(photo, rng)
    return content[: int(rng.integers(len(content) // 2))]


MADE: dict[str, Callable[[Path, np.random.Generator], bytes]] = {
    "exact": lambda path, rng: path.read_bytes(),
    "recompressed": _recompressed,
    "mirrored": _mirrored,
    "cut": _cut,
    "swapped": _recompressed,
    "unreadable": _cut_off,
}


def recall(root: Path, planted: Sequence[Planted], findings: Sequence[Finding]) -> Recall:
    """Count what was found of the planted files, and pairs that are none."""
    named = {(one.kind, frozenset({one.image, one.other})) for one in findings}
    told = {
        one: (EXPECTED.get(one.kind, "leak"), frozenset({one.image, "" if one.kind == "unreadable" else one.source})) for one in planted
    }
    found, of = Counter(one.kind for one in planted if told[one] in named), Counter(one.kind for one in planted)
    ours = {one.image for one in planted}
    table = root / HARDCASES
    drawn = read_table(table, ("image", "source")) if table.is_file() else None
    original = dict(zip(drawn["image"], drawn["source"], strict=True)) if drawn is not None else {}
    false = [one for one in findings if one.kind in PAIRED and not {one.image, one.other} & ours]
    false = [one for one in false if original.get(one.image, one.image) != original.get(one.other, one.other)]
    return Recall({kind: (found[kind], n) for kind, n in of.items()}, tuple(false), len(scan(root).samples) - len(planted))


def move(root: Path, photos: int, seed: int) -> set[str]:
    """Move normal photos to other people; their new image ids."""
    rng = np.random.default_rng(seed)
    normal = [s for s in scan(root).samples if s.split.case == "normal_cases"]
    moved = set()
    for i in rng.permutation(len(normal))[:photos]:
        one, label = normal[i], str(rng.choice(sorted({s.label for s in normal} - {normal[i].label})))
        place = root / str(one.split) / label / f"moved-{one.label}-{one.path.name}"
        moved.add(one.path.rename(place).relative_to(root).as_posix())
    return moved


def doubted(root: Path, workspace: Path, seed: int) -> str:
    """How many of ten moved photos are doubted, and how many others."""
    moved = move(root, EACH["swapped"], seed)
    found = {one.image for one in audited(root, workspace, labels=True) if one.kind == "label-error"}
    return f"{len(found & moved)} of {len(moved)} moved photos doubted, {len(found - moved)} others"


def audited(root: Path, workspace: Path, labels: bool = False) -> list[Finding]:
    """The findings of a dataset, read back from the file that the audit wrote."""
    run = audit(data=str(root), workspace=workspace, labels=labels).run
    table = read_table(run / "findings.csv", ("kind", "image", "other", "score", "detail"))
    return [Finding(kind, image, other, float(score or "nan"), detail) for kind, image, other, score, detail in table.to_numpy().tolist()]


def main() -> None:
    """Plant, audit, and print a table."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--seeds", type=int, default=5)
    arguments.add_argument("--labels", action="store_true", help="move photos to other people instead")
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory() as name:
        sample = built_in(Path(name) / "sample").root
        if not given.labels:
            print(f"{'seed':6}" + "".join(f"{kind:>14}" for kind in EACH) + f"{'false pairs':>18}")
        for seed in range(given.seeds):
            root = Path(shutil.copytree(sample, Path(name) / f"planted-{seed}"))
            if given.labels:
                print(f"seed {seed}: {doubted(root, Path(name), seed)}", flush=True)
                continue
            planted = plant(root, EACH, seed)
            result = recall(root, planted, audited(root, Path(name)))
            cells = "".join(f"{f'{n} of {of}':>14}" for n, of in (result.found[kind] for kind in EACH))
            print(f"{seed:<6}{cells}{f'{len(result.false)}, {result.untouched} photos':>18}", flush=True)


if __name__ == "__main__":
    main()
