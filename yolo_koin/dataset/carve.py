"""Carving a validation split out of the training photos so that near-duplicates never stand on both sides."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise, product
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

NEAR = 4  # of 64 bits: the same shot, scaled, recompressed or slightly recut
ASKED = 8  # training photos of like fingerprint that a test photo is compared with
BLOCK = 256  # photos compared with a whole class at a time: a class of 20,000 would otherwise need gigabytes


@dataclass(frozen=True, slots=True)
class Item:
    """A training photo, as far as carving is concerned."""

    image: str
    label: str
    fingerprint: int


def carve(items: Sequence[Item], groups: Mapping[str, str], fraction: float, seed: int) -> frozenset[str]:
    """Choose the validation photos: stratified by class, whole clusters only, seeded.

    Each class gives ``fraction`` of its photos, rounded, and at least one where it has two or more clusters of its own. A class is never
    emptied: one whose photos are all near-duplicates of each other gives none.

    Args:
        items: the training photos.
        groups: image id → group, for photos that are known to belong together; others stand alone.
        fraction: share of each class, 0 to below 1.
        seed: of the choice. Same items and seed, same choice, whatever the order of ``items``.

    Returns:
        Image ids of the validation photos.
    """
    if fraction == 0:
        return frozenset()
    label_of = {item.image: item.label for item in items}
    remaining = Counter(label_of.values())
    clusters = sorted(sorted(cluster) for cluster in cluster_photos(items, groups))
    by_label = _gather((label, i) for i, cluster in enumerate(clusters) for label in {label_of[image] for image in cluster})
    wanted = {label: max(1, round(fraction * count)) for label, count in remaining.items()}
    chosen: set[int] = set()
    taken: Counter[str] = Counter()
    for label in sorted(by_label):
        # Clusters that fit come first, in random order; when none does, the smallest gives the one photo that a class should have.
        order = sorted(by_label[label], key=lambda i: (max(len(clusters[i]), wanted[label]), _draw(seed, clusters[i][0])))
        for index in order:
            counts = Counter(label_of[image] for image in clusters[index])
            fits = taken[label] + counts[label] <= wanted[label] or taken[label] == 0
            if index in chosen or not fits or any(remaining[name] - n < 1 for name, n in counts.items()):
                continue
            chosen.add(index)
            taken.update(counts)
            remaining.subtract(counts)
    return frozenset(image for index in chosen for image in clusters[index])


def few_shots(labels: Mapping[str, str], shots: int, seed: int) -> frozenset[str]:
    """Choose training photos: so many of each class, or all where it has fewer.

    Args:
        labels: photo → label.
        shots: photos of each class.
        seed: of the choice. With one seed fewer shots are among more, whatever other photos there are.

    Returns:
        The chosen photos.
    """
    of_class = _gather((label, photo) for photo, label in labels.items())
    return frozenset(photo for photos in of_class.values() for photo in sorted(photos, key=lambda photo: _draw(seed, photo))[:shots])


def cluster_photos(items: Sequence[Item], groups: Mapping[str, str]) -> list[list[str]]:
    """Clusters of image ids that have to stay on one side: near-duplicates within a class, and the groups that are given."""
    from scipy.sparse import coo_array  # here, since loading them takes a while, and help does not need it
    from scipy.sparse.csgraph import connected_components

    place = {item.image: i for i, item in enumerate(items)}
    links = np.array([(place[one], place[other]) for one, other in _linked(items, groups)], dtype=np.intp).reshape(-1, 2)
    graph = coo_array((np.ones(len(links), dtype=bool), (links[:, 0], links[:, 1])), shape=(len(items), len(items)))
    _, cluster = connected_components(graph, directed=False)
    return [sorted(images) for images in _gather(zip(cluster.tolist(), place, strict=True)).values()]


def near_duplicates(left: Sequence[int], right: Sequence[int]) -> NDArray[np.bool_]:
    """Which fingerprints differ in at most :data:`NEAR` bits. Shape ``len(left)`` × ``len(right)``."""
    # With bits as ±1, a scalar product is 64 less twice the number of different bits: exact in 32 bits, and as fast as a matrix product.
    near: NDArray[np.bool_] = _signs(left) @ _signs(right).T >= 64 - 2 * NEAR
    return near


def leaked(training: Sequence[Item], testing: Sequence[Item], confirmed: Callable[[str, str], bool] = lambda *_: True) -> dict[str, str]:
    """Test photos that are near-duplicates of a training photo of the same class, and of which: what a reviewer calls a leak.

    Args:
        training, testing: photos.
        confirmed: whether two photos of like fingerprints, by their image ids, are copies indeed.
    """
    learnt = _gather((item.label, item) for item in training)
    found: dict[str, str] = {}
    for label, items in _gather((item.label, item) for item in testing).items():
        known = learnt.get(label, [])
        for start in range(0, len(items) if known else 0, BLOCK):
            block = items[start : start + BLOCK]
            near = near_duplicates([item.fingerprint for item in block], [item.fingerprint for item in known])
            for row in np.flatnonzero(near.any(axis=1)).tolist():
                alike = (known[column].image for column in np.flatnonzero(near[row])[:ASKED].tolist())
                if twin := next((image for image in alike if confirmed(block[row].image, image)), None):
                    found[block[row].image] = twin
    return found


def doubly_labelled(items: Sequence[Item]) -> tuple[tuple[Item, Item], ...]:
    """Photos that are near-duplicates and have different labels: one of the two is wrong.

    Args:
        items: photos of any splits in which a photo shows one person: leave those of group photos out.

    Returns:
        Pairs, each once, by image id. Of a photo that resembles many under other labels, every pair.
    """
    ordered = sorted(items, key=lambda item: item.image)
    distinct = list(dict.fromkeys(item.fingerprint for item in ordered))
    under = _gather((item.fingerprint, item) for item in ordered)
    pairs: set[tuple[Item, Item]] = set()
    for a, b in _near_pairs(distinct):
        for one, other in product(under[a], under[b]):
            if one.label != other.label:
                pairs.add((one, other) if one.image < other.image else (other, one))
    return tuple(sorted(pairs, key=lambda pair: (pair[0].image, pair[1].image)))


def _near_pairs(prints: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Pairs of near fingerprints, each with itself too.

    Two that differ in at most :data:`NEAR` of 64 bits agree in one of :data:`NEAR` + 1 parts of them: only those that share a part are
    compared, so 100,000 photos take seconds where all with all would take hours.
    """
    values, signs = np.array(prints, dtype=np.uint64), _signs(prints)
    yield from zip(prints, prints, strict=True)
    seen: set[tuple[int, int]] = set()
    for part in np.array_split(np.arange(64, dtype=np.uint64), NEAR + 1):
        keys = (values >> part[0]) & np.uint64((1 << len(part)) - 1)
        order = np.argsort(keys, kind="stable")
        edges = np.flatnonzero(np.diff(keys[order])) + 1
        for bucket in np.split(order, edges):
            for start in range(0, len(bucket) if len(bucket) > 1 else 0, BLOCK):
                rows, columns = np.nonzero(signs[bucket[start : start + BLOCK]] @ signs[bucket].T >= 64 - 2 * NEAR)
                left, right = bucket[rows + start], bucket[columns]
                seen.update((prints[a], prints[b]) for a, b in zip(left.tolist(), right.tolist(), strict=True) if a < b)
    yield from seen


def _draw(seed: int, image: str) -> bytes:
    """A random number of a photo's own: unlike with a shuffled list, a new photo then leaves the choice among the others as it was."""
    return hashlib.sha256(f"{seed}/{image}".encode()).digest()


def _signs(fingerprints: Sequence[int]) -> NDArray[np.float32]:
    """Bits of fingerprints as ±1. Shape n × 64."""
    bits = np.unpackbits(np.array(fingerprints, dtype=np.uint64).view(np.uint8)).reshape(-1, 64)
    return bits.astype(np.float32) * 2 - 1


def _linked(items: Sequence[Item], groups: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for same_class in _gather((item.label, item) for item in items).values():
        prints = [item.fingerprint for item in same_class]
        for start in range(0, len(same_class), BLOCK):
            near = near_duplicates(prints[start : start + BLOCK], prints)
            rows, columns = np.nonzero(near)
            for row, column in zip((rows + start).tolist(), columns.tolist(), strict=True):
                if row < column:
                    yield same_class[row].image, same_class[column].image
    members = _gather((groups[item.image], item.image) for item in items if item.image in groups)
    for together in members.values():
        yield from pairwise(together)


def _gather(pairs: Iterable[tuple[K, V]]) -> dict[K, list[V]]:
    gathered: dict[K, list[V]] = defaultdict(list)
    for key, value in pairs:
        gathered[key].append(value)
    return dict(gathered)
