"""A hand over the mouth, or one that holds a microphone in front of it, drawn on a board in face coordinates."""

from __future__ import annotations

import math

import numpy as np

from yolo_koin.synthetic.placement import Board, Floats, Points, curve

REACH = (0.42, 0.12, -0.18, -0.46, -0.74)  # u of the fingertips: from beside the mouth to the far cheek
RAISE = (1.46, 1.30, 1.12, 0.96, 0.80)  # v of the microphone's centre: from the chin to the nose
SLANT = complex(math.cos(0.38), math.sin(0.38))  # the hand points up across the face
FINGER = 0.29  # thickness; 18 mm where the eyes are 63 mm apart


def hand(board: Board, severity: int, rng: np.random.Generator, skin: tuple[float, float, float]) -> None:
    """Fingers over the mouth, or a microphone in a fist; a higher severity brings it further over the face."""
    side = 1 if rng.integers(2) else -1
    tone = np.array(skin, np.float32) * np.float32(rng.uniform(0.92, 1.04))
    (_microphone if rng.integers(2) else _palm)(board, severity, side, tone)


def _finger(board: Board, start: tuple[float, float], end: tuple[float, float], width: float, skin: Floats, nail: bool) -> None:
    """One finger from its knuckle to its tip: a shaded cylinder with creases, dark along its lower edge."""
    (u0, v0), (u1, v1) = start, end
    margin = 0.75 * width + 0.1
    board = board.window((min(u0, u1) - margin, max(u0, u1) + margin), (min(v0, v1) - margin, max(v0, v1) + margin))
    if not board.layer.size:
        return
    length = math.hypot(u1 - u0, v1 - v0)
    du, dv = (u1 - u0) / length, (v1 - v0) / length
    along = (board.u - u0) * du + (board.v - v0) * dv
    across = -(board.u - u0) * dv + (board.v - v0) * du
    if du < 0:
        across = -across  # positive is down in the photo, whichever way the finger points
    half = width / 2 * (1.0 - 0.16 * np.clip(along / length, 0, 1))
    beyond = np.clip(along - (length - width / 2), 0, None) + np.clip(-along, 0, None)
    distance = np.hypot(across, beyond) / half
    edge = 1.6 / board.resolution / (width / 2)
    body = np.asarray(np.clip((1 - distance) / edge + 0.5, 0, 1), np.float32)
    shadow = board.soft(body, 0.035)
    board.paint(board.lower(shadow, 0.04) * 0.5, (0, 0, 0))
    t = np.clip(across / half, -1, 1)
    shade = 0.66 + 0.42 * np.sqrt(np.clip(1 - (t * 0.9 + 0.22) ** 2, 0, 1)) - 0.16 * np.clip(distance - 0.72, 0, 1) / 0.28
    for position in (0.36, 0.70):
        for shift in (-0.012, 0.018):
            bend = (along / length - position) * length + shift - 0.02 * t**2
            shade = shade - 0.11 * np.exp(-((bend / 0.014) ** 2)) * np.clip(1 - t**2, 0, 1)
        shade = shade + 0.05 * np.exp(-(((along / length - position) * length / 0.09) ** 2))
    board.paint(body, skin, np.asarray(np.clip(shade, 0.25, 1.25), np.float32))
    if nail:
        plate = np.hypot((along - length + width * 0.36) / (width * 0.30), (across + 0.02) / (half * 0.58))
        board.paint(np.asarray(np.clip((1 - plate) * 5, 0, 1) * 0.5, np.float32), np.minimum(skin * 1.22 + 0.04, 1), 1.0)
        rim = np.exp(-(((plate - 1) / 0.10) ** 2)) * (along < length - width * 0.30)
        board.paint(np.asarray(rim * 0.22 * body, np.float32), skin * 0.5)


def _fleshy(board: Board, outline: Points, skin: Floats, light: tuple[float, float]) -> None:
    """A rounded lump of hand: lighter towards ``light``, darker at its edge."""
    body = board.fill(curve([*outline, outline[0]]))
    inner = board.soft(body, 0.13)
    glow = np.exp(-(((board.u - light[0]) / 0.5) ** 2 + ((board.v - light[1]) / 0.45) ** 2))
    board.paint(board.lower(board.soft(body, 0.05), 0.05) * 0.4, (0, 0, 0))
    board.paint(body, skin, np.asarray(np.clip(0.46 + 0.48 * inner + 0.14 * glow, 0.3, 1.2), np.float32))


def _palm(board: Board, severity: int, side: int, skin: Floats) -> None:
    """The back of a hand that comes from below at one side, its four fingers laid over the mouth."""
    shift = REACH[severity - 1] + 0.46  # a hand that covers more has come further in; it is not longer

    def at(u: float, v: float) -> tuple[float, float]:
        turned = complex(u + shift, v - 1.0) * SLANT
        return side * turned.real, 1.0 + turned.imag

    back = [
        (0.74, 0.50),
        (1.05, 0.42),
        (1.50, 0.62),
        (1.9, 1.0),
        (2.6, 1.3),
        (2.6, 2.2),
        (1.75, 1.95),
        (1.2, 1.78),
        (0.78, 1.62),
        (0.62, 1.1),
    ]
    _fleshy(board, [at(u, v) for u, v in back], skin, at(1.15, 0.9))
    fingers = [
        (0.90, 1.43, -0.02, 1.56, 0.92),
        (0.86, 1.19, -0.30, 1.26, 1.0),
        (0.86, 0.93, -0.40, 0.96, 1.04),
        (0.92, 0.67, -0.28, 0.66, 1.0),
    ]
    for u0, v0, u1, v1, thick in fingers:
        _finger(board, at(u0, v0), at(u1, v1), FINGER * thick, skin, nail=True)
    for _, v0, _, _, _ in fingers:  # the knuckles stand out of the back of the hand
        u, v = at(0.98, v0 - 0.02)
        lump = np.exp(-(((board.u - u) / 0.13) ** 2 + ((board.v - v) / 0.10) ** 2)) * 0.5
        board.paint(np.asarray(lump * (board.layer[..., 3] > 0.9), np.float32), np.minimum(skin * 1.1, 1))


def _microphone(board: Board, severity: int, side: int, skin: Floats) -> None:
    """A stage microphone: a wire ball, a collar, and a fist around its shaft."""
    centre, radius = (side * 0.06, RAISE[severity - 1]), 0.36 + 0.035 * severity
    lean = side * 0.24  # the shaft runs down and outwards
    u, v = board.u - centre[0], board.v - centre[1]
    along, across = v * math.cos(lean) + u * math.sin(lean), u * math.cos(lean) - v * math.sin(lean)
    shaft_half = radius * (0.50 - 0.06 * np.clip(along, 0, 2))
    edge = 1.6 / board.resolution
    shaft = np.clip((shaft_half - np.abs(across)) / edge + 0.5, 0, 1) * (along > 0)
    tube = 0.35 + 0.9 * np.exp(-(((across / shaft_half + 0.35) / 0.28) ** 2)) + 0.25 * np.exp(-(((across / shaft_half - 0.7) / 0.12) ** 2))
    board.paint(np.asarray(shaft, np.float32), (0.10, 0.10, 0.11), np.asarray(tube, np.float32))
    collar = np.clip((radius * 0.80 - np.abs(across)) / edge + 0.5, 0, 1) * (np.abs(along - radius * 0.82) < radius * 0.16)
    board.paint(np.asarray(collar, np.float32), (0.30, 0.30, 0.31), np.asarray(tube, np.float32))
    _ball(board, u, v, along, across, radius)
    grip = radius + 0.30
    for number in range(4):
        at = grip + 0.235 * number
        middle = (centre[0] + at * math.sin(lean), centre[1] + at * math.cos(lean))
        bulge = (0.40, 0.43, 0.41, 0.36)[number]
        start = (middle[0] + side * (bulge + 0.04), middle[1] + 0.02)
        _finger(board, start, (middle[0] - side * bulge, middle[1] + 0.04), FINGER, skin, nail=False)


def _ball(board: Board, u: Floats, v: Floats, along: Floats, across: Floats, radius: float) -> None:
    distance = np.hypot(u, v) / radius
    ball = np.asarray(np.clip((1 - distance) * radius * board.resolution / 1.6 + 0.5, 0, 1), np.float32)
    height = np.sqrt(np.clip(1 - distance**2, 0, 1))
    lit = np.clip(0.30 + 0.55 * height - 0.42 * u / radius - 0.42 * v / radius, 0.12, 1.3)
    # Two families of wires on the sphere; they crowd towards its edge as on a real ball.
    stretch = np.arcsin(np.clip(distance, 0, 0.999)) / np.maximum(distance, 1e-3)
    p, q = across / radius * stretch, along / radius * stretch
    wires = 0.5 + 0.25 * (np.cos((p + q) * 26) + np.cos((p - q) * 26))
    glint = 0.9 * np.exp(-(((u / radius + 0.38) / 0.20) ** 2 + ((v / radius + 0.42) / 0.20) ** 2))
    board.paint(ball, (0.42, 0.42, 0.43), np.asarray(lit * (0.55 + 0.62 * wires) + glint * wires, np.float32))
    ring = np.clip((0.05 - np.abs(along / radius - 0.12)) * radius * board.resolution / 1.6 + 0.5, 0, 1)
    board.paint(np.asarray(ball * ring, np.float32), (0.34, 0.34, 0.35), np.asarray(0.4 + 1.0 * height - 0.5 * u / radius, np.float32))
