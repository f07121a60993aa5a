"""Which photos are copies of each other: scaled, recompressed, brightened, cut at the border, mirrored.

Two photographs of one person in one pose are no copies, and look the same to a perceptual hash. So candidates, which differ little in
coarse structure, are laid over each other, and are copies where their fine structure agrees as well.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from yolo_koin.parallel import Progress, counted, in_threads, silent

# Chosen on the training photos of the built-in faces: of 600 pairs of photographs of one person one (stills of one moment) comes to SAME;
# of 840 copies (recompressed, enlarged, reduced, brightened, mirrored, cut by 5 or 10 %) 99.3 % do.
SAME = 0.975  # correlation of fine structure from which two photos are copies
DETAIL = (0.5, 1.5)  # px of a thumbnail: standard deviations of the Gaussians between which fine structure is
ALIKE = 0.85  # correlation of coarse structure from which two photos are candidates
FREQUENCIES = 8  # of coarse structure, in each direction
CUT = 0.07  # share of each side that is cut away in the second descriptor, for copies that are cut
MOST = 6  # candidates of a photo, the most alike first: where everybody looks the same, all would be compared with all
ROWS = 128  # photos that are compared with all others at once: 100,000 photos then take 100 MB
CHUNK = 64  # candidates that a thread takes at once
FLAT = 2.0  # grey values: standard deviation below which a photo has no structure to compare
TURNS, TOLERANCE = 40, 1e-4  # of the alignment
OVERLAP = 0.5  # of a photo that has to lie on the other

Values = NDArray[np.floating[Any]]


@dataclass(frozen=True, slots=True)
class Pair:
    """Two photos that are copies.

    Attributes:
        one, other: their numbers, the lower one first.
        score: correlation of their fine structure, :data:`SAME` to 1.
        mirrored: whether one is the mirror image of the other.
    """

    one: int
    other: int
    score: float
    mirrored: bool


def near_pairs(thumbnails: NDArray[np.uint8], workers: int | None = None, progress: Progress = silent) -> list[Pair]:
    """The pairs of photos that are copies of each other.

    Args:
        thumbnails: n × side × side grey values, distinct photos.
        workers: threads; all cores when None.
        progress: is told of each block of comparisons.

    Returns:
        Each pair once, in order.
    """
    found: dict[tuple[int, int], Pair] = {}
    candidates = list(_candidates(thumbnails, progress))
    chunks = [candidates[start : start + CHUNK] for start in range(0, len(candidates), CHUNK)]
    with contextlib.closing(in_threads(lambda chunk: [_compared(thumbnails, *one) for one in chunk], chunks, workers)) as compared:
        for pairs in counted(compared, len(chunks), "laying photos over each other", progress):
            for pair in pairs:
                known = found.get((pair.one, pair.other))
                if pair.score >= SAME and (known is None or known.score < pair.score):
                    found[pair.one, pair.other] = pair
    return [found[key] for key in sorted(found)]


def likeness(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> float:
    """How well the fine structure of two thumbnails agrees when one is laid over the other: a correlation, 0 where that fails.

    The second is warped onto the first by the affine map that makes them correlate most (Evangelidis and Psarakis, IEEE TPAMI 30 (2008)
    1858, in OpenCV); what lies outside of it counts for nothing, in the filters too.
    """
    first, second = one.astype(np.float32), other.astype(np.float32)
    criteria = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, TURNS, TOLERANCE)
    try:
        # OpenCV's own annotations lack the form with the size of the filter.
        _, warp = cv2.findTransformECC(  # type: ignore[call-overload]
            first, second, np.eye(2, 3, dtype=np.float32), cv2.MOTION_AFFINE, criteria, None, 3
        )
    except cv2.error:  # no overlap, or nothing to hold on to
        return 0.0
    if np.linalg.det(warp[:, :2]) < 1:  # the second would be enlarged, and lose details: lay the first onto it
        first, second, warp = second, first, cv2.invertAffineTransform(warp)
    size = first.shape[::-1]
    laid = cv2.warpAffine(second, warp, size, flags=cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP, borderMode=cv2.BORDER_REPLICATE)
    there = cv2.warpAffine(np.ones_like(second), warp, size, flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
    inside = (there > 0.99).astype(np.float32)
    if inside.mean() < OVERLAP:
        return 0.0
    core = cv2.erode(inside, np.ones((3, 3)), borderType=cv2.BORDER_CONSTANT, borderValue=0) > 0
    return _correlation(_detail(first, inside)[core], _detail(laid.astype(np.float32), inside)[core])


def _compared(thumbnails: NDArray[np.uint8], one: int, other: int, mirrored: bool) -> Pair:
    laid = np.ascontiguousarray(thumbnails[other][:, ::-1]) if mirrored else thumbnails[other]
    return Pair(one, other, likeness(thumbnails[one], laid), mirrored)


def _detail(values: Values, inside: Values) -> Values:
    fine, coarse = (
        cv2.GaussianBlur(values * inside, (0, 0), sigma) / np.maximum(cv2.GaussianBlur(inside, (0, 0), sigma), 1e-3) for sigma in DETAIL
    )
    detail: Values = fine - coarse
    return detail


def _correlation(a: Values, b: Values) -> float:
    a, b = a - a.mean(), b - b.mean()
    spread = float(np.sqrt((a * a).sum() * (b * b).sum()))
    return float((a * b).sum()) / spread if spread else 0.0


# ------------------------------------------------------------------------------------------------------------ candidates
def _candidates(thumbnails: NDArray[np.uint8], progress: Progress) -> Iterator[tuple[int, int, bool]]:
    """Pairs of photos of like coarse structure, and whether one is mirrored; blocks of matrix products, each pair once."""
    whole, cut = (_coarse(thumbnails, share) for share in (0.0, CUT))
    backward = np.where(np.arange(FREQUENCIES) % 2, -1, 1).astype(np.float32)  # what a mirror makes of horizontal frequencies
    signs = np.broadcast_to(backward, (FREQUENCIES, FREQUENCIES)).ravel()[1:]
    seen: set[tuple[int, int, bool]] = set()
    starts = range(0, len(thumbnails), ROWS)
    for start in counted(starts, len(starts), "comparing photos", progress):
        block = whole[start : start + ROWS]
        for mirrored, asked in ((False, block), (True, block * signs)):
            alike = asked @ whole.T
            np.maximum(alike, asked @ cut.T, out=alike)
            np.fill_diagonal(alike[:, start:], 0)
            seen |= {(min(a, b), max(a, b), mirrored) for a, b in _best(alike, start)}
    yield from sorted(seen)


def _best(alike: Values, start: int) -> Iterator[tuple[int, int]]:
    """Of each row the :data:`MOST` columns that are most alike, and alike enough; rows are numbered from ``start``."""
    rows, columns = np.nonzero(alike >= ALIKE)
    order = np.lexsort((-alike[rows, columns], rows))
    rows, columns = rows[order], columns[order]
    rank = np.arange(len(rows)) - np.searchsorted(rows, rows)
    yield from zip((rows[rank < MOST] + start).tolist(), columns[rank < MOST].tolist(), strict=True)


def _coarse(thumbnails: NDArray[np.uint8], cut: float) -> Values:
    """Low frequencies of the photos, n × 63, each of length 1; zero for photos without structure.

    Args:
        thumbnails: n × side × side.
        cut: share of each side that is left out, half at each end: the frequencies are those of what remains.
    """
    basis = _basis(thumbnails.shape[1], cut)
    parts = [np.asarray(basis @ part.astype(np.float32) @ basis.T) for part in _blocks(thumbnails)]
    coarse = np.concatenate([np.zeros((0, FREQUENCIES, FREQUENCIES), np.float32), *parts]).reshape(-1, FREQUENCIES**2)[:, 1:]
    spread = np.concatenate([np.zeros(0), *(part.std(axis=(1, 2)) for part in _blocks(thumbnails))])
    coarse[spread < FLAT] = 0
    return np.ascontiguousarray(coarse / np.maximum(np.linalg.norm(coarse, axis=1, keepdims=True), 1e-6))


def _basis(side: int, cut: float) -> Values:
    """The cosines of a discrete cosine transform of the middle of ``side`` pixels, :data:`FREQUENCIES` × side."""
    edges = np.arange(side + 1) / side
    covered = np.clip(np.minimum(edges[1:], 1 - cut / 2) - np.maximum(edges[:-1], cut / 2), 0, None)
    at = ((edges[1:] + edges[:-1]) / 2 - cut / 2) / (1 - cut)
    waves: Values = np.cos(np.pi * np.arange(FREQUENCIES)[:, None] * at) * covered
    waves[1:] -= covered * waves[1:].sum(axis=1, keepdims=True) / covered.sum()  # blind to brightness, where a pixel is cut too
    waves[0] /= np.sqrt(2)
    return waves.astype(np.float32)


def _blocks(thumbnails: NDArray[np.uint8]) -> Sequence[NDArray[np.uint8]]:
    return [thumbnails[start : start + 4096] for start in range(0, len(thumbnails), 4096)]
