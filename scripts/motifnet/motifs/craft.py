"""Motifs that are made by hand: stained window, gear, sun face."""

import numpy as np

from scripts.motifnet.canvas import Canvas, circle, ellipse, mix, palette, petal, polygon, ramp, rotated, smoothstep
from scripts.motifnet.motifs.faces import INK, WHITE
from scripts.motifnet.registry import motif


@motif(bend=0.4)
def stained_window(c: Canvas) -> None:
    """A rose window: petals of glowing glass around a golden heart, round panes outside, lead and a stone rim."""
    rng = c.rng
    hues = palette(
        c,
        "c82c38 2c58b0 f0b838 2c8a60 fff0c8",
        "e07828 1c4c98 fbe078 9a2030 fff0d8",
        "3c78c8 8a2048 e8c860 34806c f4f0e4",
    )
    lead, stone = (0.06, 0.05, 0.07), np.float32([0.66, 0.6, 0.52]) * rng.uniform(0.8, 1.2)
    radius, angle = c.polar()
    count = int(rng.choice([6, 8]))
    c.paint(radius - 1.0, mix(stone, stone * 0.7, np.sin(angle * count * 2) > 0), dome=0.2, width=0.1, lift=0.2)
    c.paint(radius - 0.88, lead, lift=0.1)
    sector = 2 * np.pi / count
    number = np.floor(angle / sector)
    folded = angle - (number + 0.5) * sector
    u, v = radius * np.cos(folded), radius * np.sin(folded)
    first, second = (hues[0], hues[2]) if rng.random() < 0.6 else (hues[2], hues[3])
    odd = (number % 2 == 0) * 1.0
    offset = np.abs(folded) - sector / 2
    panes = (
        (radius - 0.84, mix(hues[1], mix(hues[1], hues[4], 0.3), (np.abs(offset) < 0.12) * 1.0)),
        (petal(u - np.float32(0.12), v, 0.73, 0.95 * np.sin(sector / 2) * 0.55, 1.25), mix(first, second, odd)),
        (petal(u - np.float32(0.2), v, 0.4, 0.4 * np.sin(sector / 2) * 0.5, 1.2), hues[4]),
        (np.hypot(radius * np.cos(offset) - 0.74, radius * np.sin(offset)) - 0.085, hues[0]),
        (radius - 0.17, hues[2]),
        (radius - 0.08, hues[0]),
    )
    for d, colour in panes:
        c.paint(d, mix(colour, hues[4], 0.45 * smoothstep(-0.02, -0.16, d)), lift=0.05)
        c.line(d, 0.045, lead)


@motif(bend=0.3)
def gear(c: Canvas) -> None:
    """A clockwork wheel: a thick plate with a few square teeth, round holes or spokes, a hub with a dark bore."""
    rng = c.rng
    hues = palette(c, "d8a848 fbe8a8 5c3c10", "b8bcc4 f0f4f8 3c4048", "c8784c f8c8a0 4c2010", "8a9a90 d8e4d8 28342c")
    radius, angle = c.polar()
    teeth, spokes = int(rng.integers(8, 13)), int(rng.integers(4, 7))
    flank = np.cos(angle * teeth) + 0.5 * (0.88 - radius)
    rim = np.maximum(radius - 0.99, np.minimum(radius - 0.76, (-flank * radius / teeth).astype(np.float32)))
    brushed = 0.5 + 0.35 * np.cos(angle * 2 + 1) + 0.1 * np.sin(radius * 70)
    steel = mix(hues[0], ramp(np.clip(brushed, 0, 1), hues[2], hues[0], hues[1]), 0.55)
    sector = 2 * np.pi / spokes
    folded = angle % sector - sector / 2
    if rng.random() < 0.4:
        bar = np.abs(radius * np.sin(folded)) - 0.11 + 9 * (np.cos(folded) < 0)
        hole = np.maximum(np.maximum(radius - 0.57, 0.3 - radius), -bar)
    else:
        hole = np.hypot(radius * np.cos(folded) - 0.45, radius * np.sin(folded)) - 0.13
    d = np.maximum(rim, -hole)
    c.paint(d, steel, dome=0.2, width=0.08, lift=0.1)
    c.line(d, 0.035, hues[2], 0.9)
    c.line(radius - 0.68, 0.03, hues[2], 0.7)
    c.paint(radius - 0.25, mix(hues[0], hues[1], 0.7), dome=0.2, width=0.12, lift=0.25)
    c.line(radius - 0.25, 0.03, hues[2])
    c.paint(radius - 0.11, mix(hues[2], INK, 0.8), dome=-0.1, width=0.06, lift=0.2)


@motif(turn=30)
def sun_face(c: Canvas) -> None:
    """A golden sun with a face: straight and wavy rays, almond eyes, long nose, full cheeks and lips."""
    rng = c.rng
    hues = palette(
        c,
        "f0b030 fce8a0 a8540c c83c28",
        "e89428 fbd890 8c3c10 a82c34",
        "d8c078 fff4d0 7c5c28 b8503c",
        "f0c458 fff4c0 b06818 3c5c98",
    )
    count = int(rng.integers(8, 13))
    for k in range(2 * count):
        u, v = rotated(c.x, c.y, k * np.pi / count)
        if k % 2:
            v = v + 0.05 * np.sin(u * 14) * smoothstep(0.5, 0.8, u)
        width = np.clip((1.02 - 0.06 * (k % 2) - u) / 0.5, 0, 1) * 0.17
        d = np.maximum(np.abs(v) - width, np.maximum(0.4 - u, u - 0.96)) * np.float32(0.9)
        c.paint(d, mix(mix(hues[0], hues[3], 0.8 * (k % 2)), hues[2], (v > 0) * 0.45), dome=0.1, width=0.1)
        c.line(d, 0.015, hues[2], 0.7)
    face = circle(c, 0, 0, 0.6)
    c.paint(face, mix(hues[0], hues[1], 0.45 - 0.5 * c.y + 0.1 * c.noise(2)), dome=0.4, width=0.5, lift=0.1)
    c.line(face, 0.03, hues[2])
    for side in (-1, 1):
        brow = np.abs(ellipse(c, side * 0.23, -0.1, 0.24, 0.2)) - 0.03 + 9 * (c.y > -0.14)
        c.paint(brow, hues[2], dome=0.1, width=0.04, lift=0.45)
        c.paint(ellipse(c, side * 0.23, -0.1, 0.17, 0.1, side * 0.1), hues[2], lift=0.45)
        c.paint(ellipse(c, side * 0.23, -0.1, 0.14, 0.075, side * 0.1), WHITE, dome=0.05, width=0.08, lift=0.45)
        c.paint(circle(c, side * 0.23, -0.1, 0.07), mix(hues[2], INK, 0.6), dome=0.05, width=0.07, lift=0.48)
        cheek = circle(c, side * 0.34, 0.18, 0.16)
        c.paint(cheek, mix(hues[0], hues[3], 0.35), dome=0.14, width=0.15, lift=0.42, opacity=0.75, soft=4)
    nose = polygon(c, [(-0.04, -0.16), (0.04, -0.16), (0.11, 0.19), (-0.11, 0.19)]) - 0.02
    c.paint(nose, mix(hues[0], hues[1], 0.6), dome=0.2, width=0.09, lift=0.45)
    mouth = ellipse(c, 0, 0.35, 0.2, 0.075)
    c.paint(mouth, hues[3], dome=0.12, width=0.06, lift=0.45)
    c.line(np.maximum(np.abs(c.y - 0.35 + 0.3 * c.x**2), np.abs(c.x) - 0.18), 0.025, hues[2])
