"""Motifs that are made by hand: stained window, gear, sun face."""

import numpy as np

from scripts.motifnet.canvas import Canvas, circle, ellipse, mix, palette, polygon, ramp, rotated, smoothstep
from scripts.motifnet.motifs_faces import INK, WHITE
from scripts.motifnet.registry import motif


@motif(bend=0.5)
def stained_window(c: Canvas) -> None:
    """A rose window: leaded panes of glowing glass in rings, inside a stone rim."""
    rng = c.rng
    hues = palette(
        c,
        "c82c38 2c58b0 f0b838 2c8a60 8a3c98 f8ecd0",
        "e07828 1c4c98 fbe078 9a2030 3c98b8 fff0d8",
        "3c78c8 8a2048 e8c860 34806c d86448 f4f0e4",
    )
    lead, stone = (0.08, 0.07, 0.09), np.float32([0.62, 0.56, 0.48]) * rng.uniform(0.7, 1.25)
    radius, angle = c.polar()
    count = int(rng.choice([8, 10, 12]))
    c.paint(radius - 1.0, mix(stone, stone * 0.6, np.sin(angle * count * 2) > 0), dome=0.2, width=0.1, lift=0.2)
    c.paint(radius - 0.88, lead, lift=0.1)
    rings = ((0.5, 0.84, count, 0.0), (0.22, 0.48, count, 0.5), (0.0, 0.2, 6, 0.0))
    for ring, (low, high, panes, shift) in enumerate(rings):
        cell = angle / (2 * np.pi) * panes + shift
        number = np.floor(cell) % panes
        u, v = (cell - np.floor(cell) - 0.5) * 2 * np.pi / panes * np.maximum(radius, 0.05), radius
        middle = 0.5 * (low + high)
        wide = 2 * np.pi / panes * middle * 0.5 - 0.03
        pane = np.hypot(u / wide, (v - middle) / (0.5 * (high - low) - 0.02)) - 1
        d = pane * 0.12
        between = np.maximum(low + 0.02 - radius, radius - high)
        for where, shade in ((between, 2), (d, 0)):
            tone = np.sin(number * 2.4 + ring * 1.7 + shade)
            colour = np.asarray(hues)[((number * 2 + ring + shade) % 5).astype(int)]
            glow = mix(colour, hues[5], 0.4 * np.exp(-((pane + 1) ** 2) * 2) + 0.12 * tone)
            c.paint(where, glow, dome=0.03, width=0.1, lift=0.05)
            c.line(
                where if shade == 0 else np.abs(u) - np.pi / panes * radius + 0.01, 0.035, lead, (between < 0.02) * 1.0
            )


@motif(bend=0.4)
def gear(c: Canvas) -> None:
    """A clockwork wheel: squared teeth, spokes or round holes, hub with bolt, brushed metal."""
    rng = c.rng
    hues = palette(c, "d8a848 fbe8a8 5c3c10", "b8bcc4 f0f4f8 3c4048", "c8784c f8c8a0 4c2010", "8a9a90 d8e4d8 28342c")
    radius, angle = c.polar()
    teeth, spokes = int(rng.integers(10, 18)), int(rng.integers(4, 7))
    wave = np.cos(angle * teeth)
    rim = radius - (0.87 + 0.11 * np.clip(wave * 3.2, -1, 1))
    brushed = np.sin(radius * 90) * 0.15 + 0.5 + 0.4 * np.cos(angle * 2 + 1)
    steel = ramp(np.clip(brushed, 0, 1), hues[2], hues[0], hues[1])
    steel = mix(hues[0], steel, 0.6)
    hole = np.maximum(radius - 0.62, 0.3 - radius)
    if rng.random() < 0.6:
        sector = 2 * np.pi / spokes
        bar = np.abs((angle % sector) - sector / 2) * radius - 0.085
        hole = np.maximum(hole, -bar)
    else:
        sector = 2 * np.pi / (spokes + 1)
        folded = angle % sector - sector / 2
        hole = np.hypot(radius * np.cos(folded) - 0.47, radius * np.sin(folded)) - 0.155
    d = np.maximum(rim, -hole)
    c.paint(d, steel, dome=0.22, width=0.09, lift=0.1)
    for ring in (0.7, 0.26):
        c.line(radius - ring, 0.03, hues[2], 0.7 * (d < 0))
    c.paint(radius - 0.2, mix(hues[0], hues[1], 0.6), dome=0.2, width=0.15, lift=0.25)
    c.paint(radius - 0.085, mix(hues[2], INK, 0.5), dome=-0.1, width=0.06, lift=0.2)


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
