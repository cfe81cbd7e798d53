"""Motifs that bloom: flowers, roses, sunflowers, succulents."""

import numpy as np

from scripts.motifnet.canvas import Array, Canvas, circle, ellipse, mix, palette, petal, ramp, rotated, smoothstep
from scripts.motifnet.registry import motif

GOLDEN = np.pi * (3 - np.sqrt(5))


def _along(c: Canvas, angle: float, start: float = 0.0) -> tuple[Array, Array]:
    """Coordinates along and across a ray from the origin, from ``start`` outwards."""
    u, v = rotated(c.x, c.y, float(angle))
    return u - np.float32(start), v


def _dot(c: Canvas, near: Array, cx: float, cy: float, r: float, colour: Array) -> None:
    """A small bead, computed only inside the bounding box of ``near`` (hundreds of them cost little)."""
    rows, columns = np.flatnonzero(near.any(1)), np.flatnonzero(near.any(0))
    box = (slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1))
    part = Canvas(c.x[box], c.y[box], c.px, c.rng)
    part.rgb, part.alpha, part.height = c.rgb[box], c.alpha[box], c.height[box]
    part.paint(circle(part, cx, cy, r), colour, dome=0.06, width=r, lift=0.45)


@motif(bend=1.2)
def flower(c: Canvas) -> None:
    """An open flower from above: two whorls of veined petals around a heart of stamens."""
    rng = c.rng
    hues = palette(
        c,
        "f4a6c0 fbe4ec c84878 f0c030",
        "fdf8ec ffffff d8c8a0 f0b820",
        "f0b428 fbe490 c86a14 6a3410",
        "d84838 f8b0a0 801820 f4d060",
        "8f78c8 e0d4f4 4a3484 f4d858",
        "5f9ad8 dcecfa 28508f fbe898",
    )
    count = int(rng.integers(5, 12))
    width, tip, spin = 0.95 / count + 0.11, rng.uniform(1.2, 2.0), rng.uniform(0, 6)
    for whorl, length in ((0, 1.0), (1, 0.74)):
        for k in range(count):
            u, v = _along(c, spin + (k + 0.5 * whorl) * 2 * np.pi / count, 0.02)
            d = petal(u, v, length, width, tip)
            veins = np.sin(v / (0.08 + u) * 16) * 0.5 + 0.5
            colour = mix(ramp(u / length, hues[2], hues[0], hues[1]), hues[2], 0.25 * veins)
            c.paint(d, colour, dome=0.2, width=0.16, lift=0.16 * whorl)
            c.line(d, 0.015, hues[2], 0.7)
    radius, _ = c.polar()
    heart = rng.uniform(0.17, 0.27)
    c.paint(radius - heart, mix(hues[3], mix(hues[3], (0.2, 0.08, 0), 0.7), (radius / heart) ** 3), 0.25, 0.2, 0.3)
    for k in range(34):
        r, a = heart * 1.15 * np.sqrt((k + 0.5) / 34), k * GOLDEN
        c.paint(circle(c, r * np.cos(a), r * np.sin(a), 0.034), mix(hues[3], (1, 1, 0.85), 0.5), 0.06, 0.03, 0.5)


@motif(bend=1.2)
def rose(c: Canvas) -> None:
    """A full rose from above: wrapped petals that spiral into the heart."""
    rng = c.rng
    hues = palette(c, "c8283c f4849a 4a0a18", "f0a890 fdeadc a04a3c", "f4d070 fff6d0 a8701c",
                   "f6e4dc ffffff b09084", "d8589a f8c4dc 701c48")  # fmt: skip
    count, spin = 24, rng.uniform(0, 6)
    for k in range(count):
        t = 1 - k / count
        reach, size = 0.62 * t, 0.14 + 0.36 * t
        angle = spin + k * GOLDEN
        px, py = reach * np.cos(angle), reach * np.sin(angle)
        d = ellipse(c, px, py, size * 0.85, size * 1.05, angle)
        u = ((c.x - px) * np.cos(angle) + (c.y - py) * np.sin(angle)) / size
        c.paint(d, ramp(np.clip(0.5 + 0.55 * u, 0, 1), hues[2], hues[0], hues[0], hues[1]), 0.16, 0.14, 0.5 * (1 - t))
        c.line(d, 0.02, hues[1], smoothstep(0.1, 0.6, u))
    radius, angle = c.polar()
    whorl = np.sin(angle + radius * 40)
    c.tint(smoothstep(0.3, 0.9, whorl) * (radius < 0.17) * 0.8, hues[2])


@motif()
def sunflower(c: Canvas) -> None:
    """A sunflower: pointed yellow rays around a great spiral seed head."""
    rng = c.rng
    hues = palette(c, "f4b820 fbe070 b86a0c 4a2810 a87838", "e8901c f8c860 90400c 2c180c 8a6034",
                   "f8d848 fff4a8 c08c14 3c3410 98903c")  # fmt: skip
    count, spin = int(rng.integers(14, 20)), rng.uniform(0, 6)
    for whorl in (0, 1):
        for k in range(count):
            u, v = _along(c, spin + (k + 0.5 * whorl) * 2 * np.pi / count, 0.3)
            d = petal(u, v, 0.7 - 0.08 * whorl, 0.135, 0.9)
            c.paint(
                d,
                mix(ramp(u / 0.7, hues[2], hues[0], hues[1]), hues[2], 0.6 * smoothstep(0.03, 0.0, np.abs(v))),
                0.14,
                0.1,
                0.08 * whorl,
            )
            c.line(d, 0.015, hues[2])
    radius, _ = c.polar()
    head = 0.52
    c.paint(radius - head, mix(hues[3], (0.05, 0.03, 0.02), 0.5), 0.3, 0.4, 0.15)
    for k in range(150):
        r, a = head * 0.97 * np.sqrt((k + 0.5) / 150), k * GOLDEN
        cx, cy, size = r * np.cos(a), r * np.sin(a), 0.03 + 0.016 * r / head
        near = (np.abs(c.x - cx) < 0.08) & (np.abs(c.y - cy) < 0.08)
        if near.any():
            colour = mix(hues[4], hues[2], r / head) if r > 0.5 * head else mix(hues[3], hues[4], r * 2)
            _dot(c, near, cx, cy, size, colour)


@motif()
def succulent(c: Canvas) -> None:
    """A succulent's rosette: thick pointed leaves in a golden spiral."""
    rng = c.rng
    hues = palette(c, "7fb0a0 d0e8d8 2c5048 d87888", "8fa860 dce8a8 3c4c1c d8704c", "9a90b0 dcd4e8 443c5c e0a0b0",
                   "5f9a70 b8e0b0 1c4430 f0d890")  # fmt: skip
    spin, count = rng.uniform(0, 6), 30
    for k in range(count):
        t = 1 - k / count
        u, v = _along(c, spin + k * GOLDEN, 0.12 * t)
        length, width = 0.16 + 0.74 * t, 0.07 + 0.17 * t
        d = petal(u, v, length, width, 1.7)
        along = u / length
        c.paint(
            d,
            mix(ramp(along, hues[2], hues[0], hues[1]), hues[3], smoothstep(0.86, 1.0, along)),
            0.2,
            width,
            0.6 * (1 - t),
        )
        c.line(d, 0.018, mix(hues[3], hues[2], 0.4), 0.9)
