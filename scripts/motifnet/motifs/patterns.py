"""Motifs that cover a plane: minerals, shells of cells, ornaments, water."""

import numpy as np

from scripts.motifnet.canvas import (
    Array,
    Canvas,
    mix,
    palette,
    petal,
    ramp,
    rotated,
    smoothstep,
)
from scripts.motifnet.motifs.faces import WHITE
from scripts.motifnet.registry import motif


def nearest(x: Array, y: Array, sites: Array) -> tuple[Array, Array, Array]:
    """Distances to the nearest and second nearest of ``sites`` ``(n, 2)``, and the nearest's number."""
    first = np.full(x.shape, np.inf, np.float32)
    second, number = first.copy(), np.zeros(x.shape, np.int32)
    for k, (sx, sy) in enumerate(np.asarray(sites, np.float32)):
        d = np.hypot(x - sx, y - sy)
        second = np.minimum(second, np.maximum(first, d))
        number = np.where(d < first, k, number)
        first = np.minimum(first, d)
    return first, second, number


@motif(turn=40)
def crystal(c: Canvas) -> None:
    """A cluster of crystals: six-sided points with lit and shaded facets, growing from one root."""
    rng = c.rng
    hues = palette(
        c,
        "b088d8 f0e4fc 442868",
        "88c0d8 f4fcff 285878",
        "e8b0a8 fff0ec 8c4450",
        "8cc8a0 ecfcf0 1c5c40",
        "e8c878 fffae0 8c5c1c",
    )
    count = int(rng.integers(7, 11))
    angles = -np.pi / 2 + np.linspace(-1.35, 1.35, count) + rng.normal(0, 0.08, count)
    lengths = 1.45 * np.cos((angles + np.pi / 2) * 0.62) * rng.uniform(0.72, 1.08, count)
    for k in np.argsort(-np.abs(angles + np.pi / 2) + rng.uniform(0, 0.7, count)):
        u, v = rotated(c.x, c.y - np.float32(0.62), angles[k])
        length, half = float(lengths[k]), float(rng.uniform(0.13, 0.19))
        taper = half * (1 + 0.15 * u / length)
        tip = (length - u) * 0.55
        ridge = half * rng.uniform(-0.3, 0.3)
        d = np.maximum(np.maximum(np.abs(v) - taper, np.abs(v - ridge * 0.3) - tip), -u - 0.15)
        facet = np.where(v < ridge - half * 0.35, 0, np.where(v < ridge + half * 0.4, 1, 2))
        capped = np.abs(v) > tip - half * 0.75
        shade = np.asarray([0.45, 0.95, 0.15])[facet] + capped * np.asarray([0.2, -0.25, 0.25])[facet]
        glow = np.clip(shade + 0.2 * (u / length - 0.5) + 0.07 * c.noise(3, 1), 0, 1)
        c.paint(d, ramp(glow, hues[2], hues[0], hues[1]), lift=0.1)
        for edge in (v - ridge + half * 0.35, v - ridge - half * 0.4):
            c.line(edge, 0.018, WHITE, (d < 0) * 0.6)
        c.line(d, 0.02, hues[2], 0.8)
    base = np.hypot(c.x * 0.8, (c.y - 0.75) * 2.2) - 0.5 + 0.07 * c.noise(4)
    c.paint(base, mix(hues[2], (0.3, 0.26, 0.24), 0.6 + 0.15 * c.noise(6)), dome=0.2, width=0.2, lift=0.1)


@motif(bend=1.3)
def agate(c: Canvas) -> None:
    """A slice of agate: dark rind, broad and fine bands that follow the outline, a sparkling heart."""
    rng = c.rng
    hues = palette(
        c,
        "d8742c fbe4b4 8c2c14 fff8ec",
        "4a90c0 e0f0f8 1c3c74 ffffff",
        "b85880 f8dce0 582048 fff4f4",
        "6c9870 e8f0d8 24482c fffff4",
    )
    _, angle = c.polar()
    outline = 0.9 + 0.07 * np.cos(2 * angle + rng.uniform(0, 6)) + 0.05 * np.cos(3 * angle + rng.uniform(0, 6))
    t = np.hypot(c.x, c.y) / (outline + 0.03 * np.cos(7 * angle + rng.uniform(0, 6)))
    c.paint((t - 1).astype(np.float32), (0.2, 0.13, 0.09), dome=0.1, width=0.1)
    order, count = (3, 0, 1, 2, 3, 0, 2, 1), int(rng.integers(4, 7))
    start, inner = int(rng.integers(len(order))), rng.uniform(0.24, 0.36)
    for k in range(count):
        edge = 0.93 - (0.93 - inner) * (k / count) ** 0.9
        d = (t - edge).astype(np.float32) * 0.9
        colour = hues[order[(start + k) % len(order)]]
        hair = np.sin(t * 85) * 0.5 + 0.5
        c.paint(d, mix(colour, hues[2], 0.3 * hair), dome=0.03, width=0.05, lift=0.05)
        c.line(d, 0.025, hues[2], 0.8)
    heart = (t - inner).astype(np.float32)
    sparkle = np.clip(c.noise(6, 1) * 0.7 + 0.6, 0, 1)
    c.paint(heart, ramp(sparkle, mix(hues[0], hues[2], 0.5), hues[1], WHITE), lift=0.0)
    c.line(heart, 0.05, hues[3])
    c.height += (heart < 0) * 0.15 * sparkle


@motif(bend=0.6)
def mandala(c: Canvas) -> None:
    """A mandala: rings of petals, beads and arcs in strict symmetry."""
    rng = c.rng
    hues = palette(
        c,
        "c83c34 f0b840 2c5c8c fbecd0 3c1420",
        "2c7c80 f0d890 c8582c fff8e0 142c3c",
        "8a3c80 f4c8a0 3c88a0 fdf0e4 2c1434",
        "d88430 fbe8b0 8a2c34 fff8e8 2c2438",
        "3c6cb0 e4ecf4 c89040 fffaf0 141c44",
    )
    radius, angle = c.polar()
    folds = int(rng.choice([8, 10, 12]))
    c.paint(radius - 1.0, hues[4], dome=0.1, width=0.1)
    edges = (1.0, 0.9, 0.66, 0.44, 0.24, 0.0)
    for ring in range(5):
        high, low = edges[ring], edges[ring + 1]
        count = folds * (2 if ring == 0 else 1)
        sector = 2 * np.pi / count
        folded = (angle + 0.5 * sector * (ring % 2)) % sector - sector / 2
        u, v = radius * np.cos(folded), radius * np.sin(folded)
        c.paint(radius - high, hues[(ring * 2 + 4) % 5], dome=0.05, width=0.05, lift=0.05 * ring)
        if ring == 0:
            c.paint(np.hypot(u - 0.95, v) - 0.04, hues[3], dome=0.06, width=0.04, lift=0.1)
            continue
        length, width = (high - low) * 1.02, np.tan(sector / 2) * (low + 0.6 * (high - low)) * 0.98
        for shrink, shade in ((1.0, ring), (0.72, ring + 3), (0.4, ring + 1)):
            d = petal(u - np.float32(low + 0.02), v, length * (0.5 + 0.5 * shrink), width * shrink, 0.9)
            c.paint(d, mix(hues[shade % 4], hues[3], 0.3 * (u - low) / length), dome=0.1, width=0.1, lift=0.05 * ring)
        c.line(petal(u - np.float32(low + 0.02), v, length, width, 0.9), 0.02, hues[3])
        dot = np.hypot(radius * np.cos(folded) - low - 0.72 * length, v) - 0.03
        c.paint(dot, hues[3], dome=0.04, width=0.03, lift=0.1)
    c.paint(radius - 0.1, hues[1], dome=0.12, width=0.1, lift=0.3)


@motif(field=True, turn=30, bend=0.7)
def scales(c: Canvas) -> None:
    """Dragon scales: rows of rounded shields that overlap like tiles, each with a keel, a light edge, a deep gap."""
    rng = c.rng
    hues = palette(
        c,
        "3c9a5c c8f8a8 08281c",
        "b8342c fca868 2c080c",
        "2c6c98 a0e0f0 081c38",
        "c8903c fce8a0 4c2408",
    )
    rows = rng.uniform(1.5, 2.4)
    x, y = c.x * rows, c.y * rows * 1.5
    for behind in (0, 1):
        # a shield hangs down over two rows; the lower half of the row above lies over its upper half
        row = np.floor(y) - behind
        u, v = (x + 0.5 * (row % 2)) % 1 - 0.5, y - row
        d = np.hypot(u, np.maximum(v - 1, 0) * 0.5) - 0.5
        tone = mix(hues[2], hues[0], np.clip(1.1 * v - 0.35, 0, 1))
        tone = mix(tone, hues[1], 0.6 * smoothstep(0.12, 0.03, np.abs(u)) * smoothstep(1.9, 1.3, v))
        tone = mix(tone, hues[1], smoothstep(-0.17, -0.1, d) * smoothstep(0.7, 1.2, v))
        tone = mix(tone, hues[2], smoothstep(-0.06, -0.02, d))
        c.paint((d / rows - (1 - behind)).astype(np.float32), tone)
        bulge = (0.3 * v - 0.35 * np.abs(u) + 0.3 * behind * smoothstep(0.0, -0.15, d)) / rows
        c.height = np.where((d < 0) | (behind == 0), bulge, c.height).astype(np.float32)


@motif(field=True)
def honeycomb(c: Canvas) -> None:
    """Honeycomb: hexagonal wax cells, some open and dark, some filled with amber honey, some capped."""
    rng = c.rng
    hues = palette(c, "f0b030 fbe8a0 6c3808 d87c14", "e89c28 f8d890 4c2408 c05c10", "d8a850 fff0c0 744818 e8b838")
    size = rng.uniform(0.22, 0.32)
    qx, qy = c.x / size, c.y / size
    sx, sy = 1.0, np.sqrt(3.0)
    ax, ay = np.floor(qx / sx + 0.5), np.floor(qy / sy + 0.5)
    bx, by = np.floor(qx / sx), np.floor(qy / sy)
    ux, uy = qx - ax * sx, qy - ay * sy
    wx, wy = qx - (bx + 0.5) * sx, qy - (by + 0.5) * sy
    first = ux * ux + uy * uy < wx * wx + wy * wy
    hx, hy = np.where(first, ux, wx), np.where(first, uy, wy)
    number = np.where(first, ax * 7.3 + ay * 3.1, bx * 5.7 + by * 9.2 + 0.5)
    edge = (0.5 - np.maximum(np.abs(hx), np.abs(hx) * 0.5 + np.abs(hy) * np.sqrt(3) / 2)) * size
    kind = np.sin(number * 12.9) * 0.5 + 0.5
    depth = smoothstep(0.02, 0.5 * size, edge)
    honey = ramp(np.clip(depth - 0.35 * (hx + hy), 0, 1), hues[3], hues[0], hues[1])
    open_ = ramp(depth, mix(hues[3], hues[2], 0.3), hues[2], mix(hues[2], (0, 0, 0), 0.5))
    filled = (kind < 0.6)[..., None]
    c.paint(c.x * 0 - 1, np.where(filled, honey, open_))
    c.height = 0.2 * size * smoothstep(0.1 * size, 0.03 * size, edge) + 0.25 * size * np.where(
        kind < 0.6, np.sqrt(np.clip(depth, 0, 1)), -depth
    )
    c.tint(smoothstep(0.1 * size, 0.05 * size, edge), mix(hues[1], hues[0], 0.4))


@motif(field=True, bend=0.5)
def bubbles(c: Canvas) -> None:
    """Soap bubbles: clear spheres with iridescent rims, a bright window and its reflection."""
    rng = c.rng
    hues = palette(
        c, "1c3c5c 3c80a0", "102840 2c5c70", "3c2c50 806090", "5c7c88 a8c8d0", "203c34 50907c", "6c4c38 c89870"
    )
    c.paint(c.x * 0 - 1, mix(hues[0], hues[1], 0.5 - 0.3 * c.y + 0.2 * c.noise(0.8, 2)))
    places = []
    for r in sorted(rng.uniform(0.14, 0.62, 26) ** 1.15, reverse=True):
        for _ in range(8):
            x, y = rng.uniform(-1.7, 1.7, 2)
            if all(np.hypot(x - px, y - py) > 0.9 * (r + pr) for px, py, pr in places):
                places.append((x, y, r))
                break
    film = ((1.0, 0.75, 0.6), (1, 0.95, 0.7), (0.65, 0.95, 0.85), (0.7, 0.8, 1.0), (0.95, 0.7, 0.95), (1.0, 0.75, 0.6))
    for x, y, r in places:
        radius, angle = c.polar(x, y)
        t = radius / r
        cover = smoothstep(1.0, 1.0 - 2 * c.px / r, t)
        swirl = ramp((angle / (2 * np.pi) + 1.6 * t + rng.uniform(0, 1)) % 1, *film)
        c.tint(cover * (0.1 + 0.85 * smoothstep(0.55, 1.0, t) ** 1.5), swirl)
        c.tint(np.exp(-(((t - 0.68) / 0.1) ** 2 + ((np.sin((angle + 2.3) / 2)) / 0.16) ** 2)) * cover, WHITE)
        c.tint(np.exp(-(((t - 0.75) / 0.06) ** 2 + ((np.sin((angle - 0.85) / 2)) / 0.12) ** 2)) * 0.7 * cover, WHITE)
        c.height += cover * 0.3 * r * np.sqrt(np.maximum(1 - t * t, 0))


@motif(field=True, bend=1.5)
def coral(c: Canvas) -> None:
    """Brain coral: a labyrinth of rounded ridges, each with a groove and fine teeth, over deep valleys."""
    rng = c.rng
    hues = palette(
        c,
        "e88a70 fde0c8 6c2030",
        "8ab06c e8f4b8 24482c",
        "c890b8 fce4f0 50204c",
        "e8b868 fff4cc 7c4814",
        "68a8b0 dcf8f0 104050",
    )
    pitch, labyrinth = rng.uniform(11, 15), np.zeros_like(c.x)
    # waves of one length in all directions: where they add up is a labyrinth without a direction
    for k in range(11):
        a = np.pi * (k + rng.uniform(-0.4, 0.4)) / 11
        labyrinth += np.cos(pitch * (c.x * np.cos(a) + c.y * np.sin(a)) + rng.uniform(0, 6)) / 2.3
    ridge = smoothstep(-0.35, 0.2, labyrinth)
    groove = smoothstep(0.55, 0.9, labyrinth)
    down, right = np.gradient(labyrinth)
    teeth = np.sin(np.arctan2(down, right) * 11) * 0.5 + 0.5
    rim = np.exp(-(((ridge - 0.5) / 0.3) ** 2))
    colour = ramp(ridge, hues[2], hues[0], hues[1])
    c.paint(c.x * 0 - 1, mix(mix(colour, hues[2], 0.3 * teeth * rim), hues[0], 0.85 * groove))
    c.height = (0.15 * ridge - 0.06 * groove).astype(np.float32)
