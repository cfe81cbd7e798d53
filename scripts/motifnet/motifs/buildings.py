"""Motifs that are built: arches, pagoda, castle, dome."""

import numpy as np

from scripts.motifnet.canvas import (
    Array,
    Canvas,
    box,
    circle,
    mix,
    palette,
    polygon,
    smoothstep,
)
from scripts.motifnet.motifs.faces import INK, WHITE
from scripts.motifnet.registry import motif


def bricks(c: Canvas, stone: Array, joint: Array, rows: float) -> Array:
    """Courses of staggered blocks, each a little lighter or darker: a colour map ``(H, W, 3)``."""
    v = c.y * rows
    row = np.floor(v)
    u = c.x * rows * 0.55 + 0.5 * (row % 2)
    tone = np.sin(row * 12.9 + np.floor(u) * 78.2) * 0.5 + 0.5
    gap = np.minimum(np.abs(v - row - 0.5), 0.5) > 0.42
    side = np.abs(u - np.floor(u) - 0.5) > 0.45
    return mix(mix(stone, joint, 0.35 * tone), joint, 0.9 * np.maximum(gap, side).astype(np.float32))


def arch(c: Canvas, cx: float, foot: float, half: float, tall: float, pointed: bool = False) -> Array:
    """Signed distance, nearly, to a doorway: a box under a half circle or a pointed arch."""
    spring = foot - tall
    shaft = np.maximum(np.abs(c.x - cx) - half, np.maximum(spring - c.y, c.y - foot))
    if pointed:
        crown = np.hypot(np.abs(c.x - cx) + half, c.y - spring) - 2 * half
    else:
        crown = np.hypot(c.x - cx, c.y - spring) - half
    return np.minimum(shaft, np.maximum(crown, c.y - spring))


@motif(turn=25, field=True)
def arches(c: Canvas) -> None:
    """An arcade in several storeys: rounded openings, voussoirs, brick, shade inside."""
    rng = c.rng
    hues = palette(c, "d8a878 8a5434 28140c f4dcb0", "b8b0a0 6c645c 181820 e4dccc", "c87850 78341c 1c0c10 f0c090",
                   "e8dcc0 a8906c 3a2418 fff4dc")  # fmt: skip
    pitch_x, pitch_y = 0.62, rng.uniform(0.85, 1.05)
    row = np.floor(c.y / pitch_y)
    x = (c.x + 0.31 * (row % 2) * (rng.random() < 0.3)) % pitch_x - pitch_x / 2
    y = c.y - row * pitch_y
    cell = Canvas(x.astype(np.float32), y.astype(np.float32), c.px, rng)
    pointed = rng.random() < 0.35
    c.paint(c.x * 0 - 1, bricks(c, hues[0], hues[1], 9), lift=0.1)
    door = arch(cell, 0, pitch_y * 0.93, 0.2, pitch_y * 0.5, pointed)
    fan = np.arctan2(y - pitch_y * 0.43, x)
    blocks = np.sin(fan * 14) > 0
    ring = np.abs(door - 0.045) - 0.045
    c.paint(ring, mix(hues[3], hues[0], blocks * 0.6), dome=0.06, width=0.04, lift=0.14)
    depth = np.clip((pitch_y * 0.93 - y) / (0.6 * pitch_y), 0, 1)
    c.paint(door, mix(mix(hues[1], hues[2], 0.6), hues[2], depth), lift=-0.1)
    ledge = np.abs(y - pitch_y * 0.97) - 0.035
    c.paint(ledge.astype(np.float32), hues[3], dome=0.05, width=0.03, lift=0.16)


@motif(turn=20, bend=0.7)
def pagoda(c: Canvas) -> None:
    """A pagoda: storeys with lit windows under wide upturned tiled roofs, a spire."""
    rng = c.rng
    hues = palette(c, "a83028 3c4448 f4dca8 e8b040", "7a4a2c 345848 f4e4c0 e8c058", "c84c38 2c3c5c f8e8c8 f4c860",
                   "8a2c34 5a3424 f0d0a0 d8a038")  # fmt: skip
    storeys = int(rng.integers(3, 6))
    spire = np.maximum(np.abs(c.x) - 0.025 - 0.03 * np.abs(np.sin(c.y * 30)), np.maximum(-1.04 - c.y, c.y + 0.7))
    c.paint(spire, hues[3], dome=0.06, width=0.04)
    pitch = 1.62 / storeys
    for k in range(storeys):
        top = 0.9 - (k + 1) * pitch
        half = 0.46 - 0.27 * k / storeys
        wall = box(c, 0, top + 0.66 * pitch, half, 0.42 * pitch)
        posts = np.abs(np.sin(c.x / half * np.pi * 1.5))
        colour = mix(mix(hues[2], hues[3], 0.4 + 0.5 * np.cos(c.x * 9)), hues[0], smoothstep(0.35, 0.2, posts))
        shade = smoothstep(top + 0.75 * pitch, top + 0.3 * pitch, c.y)
        c.paint(wall, mix(colour, INK, 0.5 * shade), dome=0.08, width=0.1)
        rail = box(c, 0, top + 1.0 * pitch, half * 1.1, 0.05 * pitch)
        c.paint(rail, hues[0], dome=0.04, width=0.03, lift=0.06)
    for k in range(storeys):
        top = 0.9 - (k + 1) * pitch
        reach = 0.92 - 0.46 * k / storeys
        x = np.abs(c.x) / reach
        eave = top + 0.36 * pitch - 0.26 * pitch * x**4 - 0.05 * (x > 0.9)
        ridge = top - 0.2 * pitch + 0.52 * pitch * np.minimum(x, 1) ** 0.6
        roof = np.maximum(np.maximum(ridge - 0.24 * pitch * x**4 - c.y, c.y - eave), np.abs(c.x) - reach) * 0.8
        tiles = np.sin(c.x * 44 / (0.5 + 0.9 * np.abs(c.y - ridge) / pitch + 0.4)) * 0.5 + 0.5
        c.paint(roof, mix(hues[1], mix(hues[1], WHITE, 0.45), tiles * 0.7), dome=0.16, width=0.1, lift=0.12)
        c.tint(np.clip(0.5 - (np.abs(c.y - eave + 0.02) - 0.03) / c.px, 0, 1) * (roof < 0.01), hues[3])
    c.paint(box(c, 0, 0.95, 0.62, 0.06), mix(hues[2], INK, 0.45), dome=0.05, width=0.05)


@motif(turn=20, bend=0.7)
def castle(c: Canvas) -> None:
    """A castle: stone towers with pointed roofs and banners, battlements, gate."""
    rng = c.rng
    hues = palette(c, "c8b898 7c6a50 a83c30 3c2418", "b8b4b0 6c6868 3a5c8a 22222c", "d8a880 8c5434 4a6c5c 2c1810",
                   "e4dcd0 a08c80 7a4a88 302434")  # fmt: skip
    towers = [(-0.62, 0.0, 0.2), (0.62, 0.0, 0.2), (-0.28, -0.25, 0.17), (0.3, -0.3, 0.17), (0.0, -0.45, 0.19)]
    for x, y, half in sorted(towers, key=lambda tower: tower[1]):
        y += rng.uniform(-0.08, 0.08)
        tower = box(c, x, 0.45 + y / 2, half, 0.5 - y / 2)
        round_ = (c.x - x) / half
        c.paint(tower, mix(bricks(c, hues[0], hues[1], 12), hues[1], 0.6 * round_**2), dome=0.3, width=half)
        teeth = box(c, x, y, half * 1.15, 0.07) + 0.05 * ((np.sin((c.x - x) * 40) > 0) & (c.y < y))
        c.paint(teeth, hues[0], dome=0.08, width=0.06, lift=0.25)
        roof = polygon(c, [(x - half * 1.2, y - 0.05), (x, y - 0.58), (x + half * 1.2, y - 0.05)])
        rows = np.sin(c.y * 55) * 0.5 + 0.5
        c.paint(roof, mix(hues[2], mix(hues[2], INK, 0.6), 0.4 * rows + 0.5 * np.clip(round_, 0, 1)), 0.25, half, 0.2)
        flag = polygon(c, [(x, y - 0.72), (x + 0.18, y - 0.65), (x, y - 0.58)])
        c.paint(flag, mix(hues[2], (1, 0.8, 0.3), 0.5))
        for k in range(2):
            window = arch(c, x, y + 0.3 + 0.3 * k, 0.04, 0.08)
            c.paint(window, mix(hues[3], (1.0, 0.75, 0.3), 0.5 * (k == 0)), lift=0.1)
    wall = box(c, 0, 0.72, 0.66, 0.26)
    crown = wall + 0.06 * ((np.sin(c.x * 26) > 0) & (c.y < 0.54))
    c.paint(crown, bricks(c, hues[0], hues[1], 12), dome=0.1, width=0.06, lift=0.2)
    gate = arch(c, 0, 0.99, 0.2, 0.2, True)
    c.paint(np.abs(gate) - 0.035, hues[1], dome=0.05, width=0.03, lift=0.3)
    bars = (np.abs(np.sin(c.x * 36)) < 0.35) | (np.abs(np.sin(c.y * 36)) < 0.35)
    c.paint(gate, mix(hues[3], hues[1], 0.7 * bars), lift=0.05)


def _onion(c: Canvas, hues: list[Array], x: float, y: float, r: float) -> None:
    """A ribbed onion dome of radius ``r`` that stands on (x, y), with a golden ball."""
    t = np.clip((y - c.y) / (1.75 * r), 0, 1)
    profile = (0.82, 0.98, 1.06, 0.93, 0.6, 0.25, 0.07, 0.03)
    half = r * np.interp(t, (0, 0.12, 0.3, 0.5, 0.68, 0.82, 0.92, 1), profile)
    d = np.maximum(np.abs(c.x - x) - half, np.maximum(y - 1.95 * r - c.y, c.y - y)) * 0.8
    turn = np.arcsin(np.clip((c.x - x) / np.maximum(half, 0.01), -1, 1))
    ribbed = mix(hues[0], hues[1], 0.5 + 0.5 * np.cos(turn * 9))
    c.paint(d.astype(np.float32), mix(ribbed, hues[1], 0.25 * turn**2), 0.6, r * 0.9, 0.2)
    c.paint(circle(c, x, y - 1.98 * r, 0.06 * r + 0.015), (1, 0.85, 0.4), 0.05, 0.05, 0.2)


@motif(turn=20, bend=0.8)
def dome(c: Canvas) -> None:
    """An onion-domed palace: ribbed domes on drums, slender minarets, pointed doors."""
    hues = palette(c, "e8b848 a86c1c fbf0d8 3a2c4c", "4a9aa8 1c5468 f8ecd4 2c2438", "d86c58 8c2c34 fdeedd 40242c",
                   "6a8ac8 2c4484 f4f0e8 241c30", "7ab08a 2c6448 fbf4e0 2a2c24")  # fmt: skip
    for side in (-1, 1):
        c.paint(box(c, side * 0.86, 0.35, 0.085, 0.64), mix(hues[2], hues[1], 0.4 + 0.4 * np.sin(c.y * 22)), 0.2, 0.09)
        _onion(c, hues, side * 0.86, -0.28, 0.13)
        c.paint(box(c, side * 0.48, 0.5, 0.27, 0.49), mix(hues[2], hues[1], 0.25), dome=0.1, width=0.1)
        _onion(c, hues, side * 0.48, 0.04, 0.27)
    c.paint(box(c, 0, 0.45, 0.4, 0.54), hues[2], dome=0.15, width=0.12, lift=0.1)
    c.paint(box(c, 0, -0.05, 0.36, 0.1), mix(hues[2], hues[1], 0.7 * (np.sin(c.x * 40) > 0)), 0.1, 0.1, 0.2)
    _onion(c, hues, 0, -0.12, 0.44)
    for x, foot, half, tall in (
        (0, 0.99, 0.19, 0.3),
        (-0.52, 0.85, 0.1, 0.2),
        (0.52, 0.85, 0.1, 0.2),
        (-0.28, 0.3, 0.06, 0.1),
        (0.28, 0.3, 0.06, 0.1),
    ):
        door = arch(c, x, foot, half, tall, True)
        c.paint(door - 0.04, hues[0], dome=0.05, width=0.04, lift=0.25)
        c.paint(door, mix(hues[3], (1.0, 0.7, 0.3), smoothstep(0.2, -0.1, c.y - foot + tall) * 0.5), lift=0.1)
    c.paint(box(c, 0, 1.0, 0.98, 0.05), mix(hues[2], hues[1], 0.5), 0.05, 0.04, 0.1)
