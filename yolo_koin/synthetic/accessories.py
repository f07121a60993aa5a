"""Masks, sunglasses, hats, hands and microphones, drawn on a board in face coordinates (see :mod:`yolo_koin.dataset.placement`).

Each function paints one thing. ``severity`` (1 to 5) sets how much of the face it covers, ``rng`` its model and colour.
"""

from __future__ import annotations

import numpy as np

from yolo_koin.synthetic.placement import Board, Floats, Points, curve

RGBColour = tuple[float, float, float]
Skin = RGBColour

CLOTH: tuple[RGBColour, ...] = ((0.62, 0.78, 0.86), (0.60, 0.80, 0.74), (0.86, 0.87, 0.88), (0.55, 0.72, 0.88))
CAPS: tuple[RGBColour, ...] = ((0.10, 0.10, 0.11), (0.10, 0.14, 0.28), (0.42, 0.09, 0.10), (0.55, 0.48, 0.36), (0.80, 0.79, 0.76))
FRAMES: tuple[RGBColour, ...] = ((0.04, 0.04, 0.04), (0.16, 0.09, 0.05), (0.07, 0.07, 0.10))


# ---------------------------------------------------------------------------------------------------------------- mask
MASK_TOP = (0.78, 0.62, 0.45, 0.30, 0.16)  # v of the upper edge on the nose: from under the nose to just under the eyes


def mask(board: Board, severity: int, rng: np.random.Generator, chin: float) -> None:
    """A pleated surgical mask with ear loops; severity pulls its upper edge from the upper lip to just below the eyes."""
    top, bottom = MASK_TOP[severity - 1], chin + 0.08
    corner, lower = top + 0.16, chin - 0.42
    cloth = np.array(CLOTH[int(rng.integers(len(CLOTH)))], np.float32)
    upper_edge = [
        (-0.98, corner),
        (-0.62, top + 0.13),
        (-0.22, top + 0.03),
        (0, top),
        (0.22, top + 0.03),
        (0.62, top + 0.13),
        (0.98, corner),
    ]
    lower_edge = [
        (0.95, lower),
        (0.72, bottom - 0.24),
        (0.36, bottom - 0.03),
        (0, bottom),
        (-0.36, bottom - 0.03),
        (-0.72, bottom - 0.24),
        (-0.95, lower),
    ]
    for side in (-1, 1):
        for start, ear in ((corner + 0.05, min(0.05, top - 0.1)), (lower - 0.04, 0.55)):
            loop = curve([(side * 0.95, start), (side * 1.08, (start + ear) / 2 + 0.02), (side * 1.2, ear)])
            board.paint(board.soft(board.stroke(loop, 0.055), 0.006), (0.86, 0.87, 0.88), 0.92)
    whole = board.fill(curve(upper_edge) + curve(lower_edge))
    board.paint(whole, cloth, _mask_shade(board, top, bottom))
    # The bound edge: a lighter strip with a seam along its inner side.
    rim = curve(upper_edge)
    board.paint(whole * board.soft(board.stroke([(u, v + 0.035) for u, v in rim], 0.07), 0.01) * 0.55, cloth * 1.12)
    board.paint(whole * board.soft(board.stroke([(u, v + 0.085) for u, v in rim], 0.014), 0.008) * 0.45, cloth * 0.55)


def _mask_shade(board: Board, top: float, bottom: float) -> Floats:
    """Rounded cheeks, the nose's ridge, three pleats that hang deeper in the middle, and the dark underside of the chin."""
    u, v = board.u, board.v
    round_face = 1.06 - 0.34 * np.abs(u) ** 2.2
    ridge = 0.10 * np.exp(-((u / 0.16) ** 2)) * np.exp(-(((v - top - 0.2) / 0.3) ** 2)) - 0.10 * np.exp(
        -(((np.abs(u) - 0.34) / 0.13) ** 2)
    ) * np.exp(-(((v - top - 0.12) / 0.2) ** 2))
    height = bottom - top
    along = (v - top) / height + 0.10 * (u**2 - 0.25)
    pleats = np.zeros_like(along)
    for position in (0.36, 0.54, 0.72):
        below = (along - position) * height
        fold = np.exp(-((below / 0.016) ** 2)) * 0.34  # the line where the cloth folds under
        overhang = np.where(below > 0, np.exp(-below / 0.075), 0) * 0.13  # its shadow
        crest = np.exp(-(((below + 0.05) / 0.035) ** 2)) * 0.08  # the light edge above it
        pleats += crest - fold - overhang
    fade = np.clip(1.25 - np.abs(u) ** 4, 0, 1)
    underside = -0.26 * np.clip((along - 0.78) / 0.25, 0, 1) ** 1.5
    return np.asarray(np.clip(round_face + ridge + pleats * fade + underside, 0.3, 1.2), np.float32)


# ---------------------------------------------------------------------------------------------------------- sunglasses
LENS_HEIGHT = (0.17, 0.24, 0.31, 0.40, 0.50)  # half heights


def sunglasses(board: Board, severity: int, rng: np.random.Generator) -> None:
    """Dark lenses with a glint, in a frame with a bridge and temples; a higher severity takes larger lenses."""
    half = LENS_HEIGHT[severity - 1]
    width, drop = 0.40 + 0.012 * severity, 0.04 + 0.16 * (half - 0.17)
    frame = np.array(FRAMES[int(rng.integers(len(FRAMES)))], np.float32)
    aviator = bool(rng.integers(2))
    lean = float(rng.uniform(-0.2, 0.2))
    rim = 0.055 if not aviator else 0.035
    for side in (-1, 1):
        temple = curve(
            [
                (side * (0.5 + width - 0.04), drop - half * 0.62),
                (side * 1.12, drop - half * 0.5),
                (side * 1.22, drop - half * 0.38),
            ]
        )
        board.paint(board.soft(board.stroke(temple, 0.085), 0.006), frame, 1.5)
    for height, lift in ((0.05, 0.42),) if not aviator else ((0.035, 0.62), (0.035, 0.1)):
        bridge = curve([(-0.16, drop - half * lift + 0.03), (0, drop - half * lift - 0.03), (0.16, drop - half * lift + 0.03)])
        board.paint(board.stroke(bridge, height + 0.02), frame)
    for side in (-1, 1):
        shape = [(side * (0.5 + a * width), drop + b * half) for a, b in _lens(aviator)]
        outline = curve([*shape, shape[0]])
        lens = board.fill(outline)
        board.paint(lens * 0.955, (0.055, 0.055, 0.06), _lens_shade(board, drop, half))
        board.paint(lens * _glint(board, side, drop, half, lean), (0.95, 0.97, 1.0))
        board.paint(board.stroke(outline, rim), frame)
        brow = board.soft(board.stroke([(u, v - 0.008) for u, v in outline], rim * 0.3), 0.008) * (board.v < drop - 0.3 * half)
        board.paint(brow * 0.35, (0.8, 0.8, 0.8))


def _lens(aviator: bool) -> Points:
    """Outline of a lens in halves of its width and height; positive is away from the nose and down."""
    if aviator:
        return [
            (-0.72, -0.86),
            (0.1, -1.0),
            (0.85, -0.85),
            (1.0, -0.3),
            (0.8, 0.5),
            (0.3, 0.98),
            (-0.25, 0.9),
            (-0.7, 0.3),
            (-0.88, -0.4),
        ]
    return [
        (-0.86, -0.8),
        (0, -0.92),
        (0.92, -1.0),
        (1.02, -0.6),
        (0.86, 0.45),
        (0.5, 0.92),
        (-0.1, 1.0),
        (-0.66, 0.82),
        (-0.88, 0.2),
    ]


def _lens_shade(board: Board, drop: float, half: float) -> Floats:
    """Darker above, where the sky is filtered most."""
    return np.asarray(np.clip(1.1 + 1.9 * (board.v - drop) / half, 0.5, 3.2) + 0 * board.u, np.float32)


def _glint(board: Board, side: int, drop: float, half: float, lean: float) -> Floats:
    """A slanted reflection and a small bright one."""
    u = (board.u - side * 0.5) / 0.42
    v = (board.v - drop) / half
    streak = np.exp(-(((u + 0.42 * v + 0.28 + lean) / 0.17) ** 2)) * np.clip(0.75 - 0.55 * v, 0, 1) * 0.34
    second = np.exp(-(((u + 0.42 * v - 0.12 + lean) / 0.06) ** 2)) * np.clip(0.6 - 0.6 * v, 0, 1) * 0.26
    spot = np.exp(-(((u + 0.30 + lean) / 0.12) ** 2 + ((v + 0.52) / 0.16) ** 2)) * 0.5
    return np.asarray(np.clip(streak + second + spot, 0, 0.85), np.float32)


# ----------------------------------------------------------------------------------------------------------------- hat
BRIM = (-0.74, -0.57, -0.40, -0.24, -0.08)  # v of the lowest point of the brim: from the hairline to the eyes


def hat(board: Board, severity: int, rng: np.random.Generator) -> None:
    """A baseball cap or a bucket hat; a higher severity pulls it down from the hairline over the brows."""
    colour = np.array(CAPS[int(rng.integers(len(CAPS)))], np.float32)
    (_cap if rng.integers(2) else _bucket)(board, BRIM[severity - 1], colour)


def _crown(board: Board, line: float, width: float, top: float, colour: Floats, boxy: float) -> Floats:
    outline = curve(
        [
            (-width, line + 0.1),
            (-width * 0.99, line - 0.28),
            (-width * boxy, top + 0.26),
            (-width * 0.42, top + 0.03),
            (0, top),
            (width * 0.42, top + 0.03),
            (width * boxy, top + 0.26),
            (width * 0.99, line - 0.28),
            (width, line + 0.1),
        ]
    )
    crown = board.fill([*outline, (width * 0.5, line + 0.16), (-width * 0.5, line + 0.16)])
    across = board.u / width
    dome = 1.22 - 0.62 * np.abs(across) ** 2.4 + 0.22 * np.exp(-(((board.u + 0.35) / 0.38) ** 2 + ((board.v - top - 0.42) / 0.34) ** 2))
    tuck = -0.24 * np.exp(-(((board.v - line) / 0.16) ** 2))
    board.paint(crown, colour, np.asarray(np.clip(dome + tuck, 0.2, 1.6), np.float32))
    return crown


def _cap(board: Board, low: float, colour: Floats) -> None:
    line = low - 0.34  # where the peak meets the crown
    top = min(line - 0.98, -1.70)
    crown = _crown(board, line, 1.2, top, colour, 0.80)
    for end in (-0.62, 0.0, 0.62):  # seams between the panels run to the button
        seam = curve([(end * 0.08, top + 0.02), (end * 1.15, (top + line) / 2), (end * 1.25, line + 0.02)])
        _seam(board, crown, seam, colour)
    for side in (-0.34, 0.34):  # eyelets
        board.paint(board.soft(board.stroke([(side, top + 0.42), (side, top + 0.43)], 0.06), 0.01) * 0.6, colour * 0.4)
    board.paint(board.soft(board.stroke([(-0.05, top), (0.05, top)], 0.09), 0.01), colour, 0.9)
    upper = curve(
        [
            (-0.98, line + 0.22),
            (-0.74, line + 0.04),
            (-0.38, line - 0.07),
            (0, line - 0.10),
            (0.38, line - 0.07),
            (0.74, line + 0.04),
            (0.98, line + 0.22),
        ]
    )
    lower = curve(
        [
            (1.0, line + 0.30),
            (0.90, low + 0.0),
            (0.5, low - 0.01),
            (0, low - 0.03),
            (-0.5, low - 0.01),
            (-0.90, low + 0.0),
            (-1.0, line + 0.30),
        ]
    )
    peak = board.fill(upper + lower)
    board.paint(board.soft(board.stroke([(u, v - 0.05) for u, v in upper], 0.09), 0.03) * crown * 0.55, colour * 0.35)
    rise = np.clip((board.v - line) / 0.34, 0, 1)
    sheen = 0.25 * np.exp(-(((board.u + 0.3) / 0.3) ** 2 + ((rise - 0.35) / 0.35) ** 2))
    board.paint(peak, colour, np.asarray(1.34 - 0.36 * rise - 0.62 * np.abs(board.u) ** 3 + sheen, np.float32))
    for step in (0.25, 0.48, 0.71):  # rows of stitching follow the edge
        _stitch(board, peak, upper, lower, step, colour)
    board.paint(board.soft(board.stroke(lower, 0.04), 0.008), colour * 0.42)


def _bucket(board: Board, low: float, colour: Floats) -> None:
    line = low - 0.50
    top = min(line - 0.90, -1.78)
    crown = _crown(board, line, 1.14, top, colour, 0.84)
    for side in (-1, 1):
        _seam(board, crown, curve([(side * 0.40, top + 0.06), (side * 0.62, line - 0.02)]), colour)
    upper = curve([(-1.12, line - 0.10), (-0.6, line + 0.03), (0, line + 0.08), (0.6, line + 0.03), (1.12, line - 0.10)])
    lower = curve(
        [
            (1.66, low - 0.20),
            (1.34, low - 0.09),
            (0.7, low - 0.01),
            (0, low),
            (-0.7, low - 0.01),
            (-1.34, low - 0.09),
            (-1.66, low - 0.20),
        ]
    )
    brim = board.fill(upper + lower)
    board.paint(board.soft(board.stroke([(u, v - 0.03) for u, v in upper], 0.06), 0.02) * crown * 0.5, colour * 0.4)
    fall = np.clip((board.v - line) / 0.45, 0, 1)
    fold = 0.17 * np.sin(board.u * 4.4 + 0.8) * fall
    board.paint(brim, colour, np.asarray(1.36 - 0.42 * fall - 0.30 * np.abs(board.u / 1.5) ** 2 + fold, np.float32))
    for step in (0.16, 0.34, 0.52, 0.70, 0.88):
        _stitch(board, brim, upper, lower, step, colour)
    board.paint(board.soft(board.stroke(lower, 0.04), 0.008), colour * 0.45)


def _seam(board: Board, cloth: Floats, path: Points, colour: Floats) -> None:
    """A dark line with a light edge beside it."""
    board.paint(cloth * board.soft(board.stroke(path, 0.02), 0.01) * 0.5, colour * 0.45)
    light = board.stroke([(u + 0.03, v) for u, v in path], 0.016)
    board.paint(cloth * board.soft(light, 0.012) * 0.3, np.minimum(colour * 1.5 + 0.08, 1))


def _stitch(board: Board, cloth: Floats, upper: Points, lower: Points, step: float, colour: Floats) -> None:
    """A row of stitches between two edges, at a share of the way from the lower to the upper one."""
    pairs = zip(reversed(lower), _resample(upper, len(lower)), strict=True)
    row = [(a[0] * (1 - step) + b[0] * step, a[1] * (1 - step) + b[1] * step) for a, b in pairs]
    board.paint(cloth * board.soft(board.stroke(row, 0.012), 0.006) * 0.32, colour * 0.4)


def _resample(path: Points, count: int) -> Points:
    at = np.linspace(0, len(path) - 1, count)
    u, v = np.asarray(path).T
    where = np.arange(len(path))
    return [(float(a), float(b)) for a, b in zip(np.interp(at, where, u), np.interp(at, where, v), strict=True)]
