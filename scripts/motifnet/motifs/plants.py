"""Motifs that grow: fern, leaf, tree, mushroom."""

import numpy as np

from scripts.motifnet.canvas import (
    Canvas,
    circle,
    ellipse,
    mix,
    palette,
    petal,
    ramp,
    rotated,
    smoothstep,
    tube,
)
from scripts.motifnet.registry import motif


@motif(turn=60)
def fern(c: Canvas) -> None:
    """A fern frond: paired leaflets, each toothed, shrinking to a curled tip."""
    rng = c.rng
    hues = palette(c, "4f8a34 b4d878 1c3c14", "6f9a4a d8e8a0 2a441c", "2f7a58 9ad8a8 0e3424", "a8842c ecd088 4c3410")
    curve = rng.uniform(-0.35, 0.35)
    t = np.linspace(0, 1, 14)
    mid = np.stack([curve * np.sin(2.2 * t) * t, 0.98 - 1.9 * t], -1)
    for k, s in enumerate(np.linspace(0.08, 0.97, 14)):
        x, y = np.interp(s, t, mid[:, 0]), np.interp(s, t, mid[:, 1])
        length = 0.72 * (1 - s) ** 0.8 * min(1.0, s * 5 + 0.45) + 0.05
        for side in (-1, 1):
            angle = -np.pi / 2 + side * (1.15 - 0.35 * s) + curve * 0.8
            u, v = rotated(c.x - np.float32(x), c.y - np.float32(y), angle)
            v = v + 0.25 * side * u * u
            teeth = 0.012 * np.abs(np.sin(u * 34))
            d = petal(u, v, length, 0.058, 0.8) + teeth
            c.paint(
                d,
                mix(mix(hues[0], hues[1], u / length + 0.1 * (k % 2)), hues[2], 0.8 * smoothstep(0.02, 0, np.abs(v))),
                0.12,
                0.06,
            )
            c.line(d, 0.012, hues[2], 0.6)
    d, _, _ = tube(c, mid.astype(np.float32), 0.035 * (1 - 0.75 * t))
    c.paint(d, mix(hues[2], hues[0], 0.5), dome=0.06, width=0.03, lift=0.08)


@motif(turn=90)
def leaf(c: Canvas) -> None:
    """A broad leaf with a midrib, side veins and a stalk; green, or in autumn colours."""
    rng = c.rng
    hues = palette(c, "4f8f2c b0d860 1c3c10", "2f7a4a 90d098 0c3420", "d8642c f8c060 702010",
                   "c8a02c f8e890 6a4410", "a83030 f09060 400c10")  # fmt: skip
    u, v = (0.9 - c.y) / 1.8, c.x + 0.12 * np.sin((c.y + 0.3) * 2.2)
    belly, lobes = rng.uniform(0.42, 0.62), rng.random() < 0.35
    half = belly * np.maximum(np.sin(np.pi * np.clip(u, 0, 1) ** rng.uniform(0.75, 1.0)), 0) ** 0.85
    rib = u * 15 - np.abs(v) * rng.uniform(5, 8)
    if lobes:
        half = half * (0.84 + 0.2 * np.sin(u * 25))
    else:
        half = half - 0.02 * np.abs(np.sin(u * 40))
    d = np.maximum(np.abs(v) - half, np.maximum(-u, u - 1)) * 0.8
    stalk, _, _ = tube(c, np.float32([[0.1, 1.15], [0.06, 0.98], [-0.02, 0.8]]), [0.04, 0.035, 0.03])
    c.paint(stalk, mix(hues[2], hues[0], 0.4), dome=0.05, width=0.04)
    veins = np.abs(rib % 2 - 1)
    flesh = mix(mix(hues[0], hues[1], 0.6 * veins + 0.15 * c.noise(2)), hues[2], 0.4 * smoothstep(-0.2, 0, d))
    c.paint(d, flesh, dome=0.15, width=0.3)
    c.height += 0.07 * veins * (d < 0)
    c.tint(smoothstep(0.14, 0.03, veins) * (d < 0) * 0.9, hues[1])
    c.tint(np.clip(0.5 - (np.abs(v) - 0.03 * (1 - u)) / c.px, 0, 1) * (d < 0), mix(hues[1], (1, 1, 0.9), 0.3))
    c.line(d, 0.02, hues[2], 0.8)


@motif(turn=25)
def tree(c: Canvas) -> None:
    """A great tree: forking trunk, boughs, and a crown of many lit leaf clusters."""
    rng = c.rng
    hues = palette(c, "4f8a34 b8dc70 18340f 5a3c24", "d87028 f8c858 6c2410 402818", "f0a8b8 fde4ea a04868 4a2c24",
                   "7f9a3c e8e890 34440f 6a4a30", "2f7a5c 98d8a0 0c3024 3c2c20")  # fmt: skip
    limbs = [(0.0, 1.0, -np.pi / 2, 0.68, 0.15)]
    tips: list[tuple[float, float]] = []
    bark, ruffle = np.sin(c.x * 60 + 2 * c.noise(3)) * 0.5 + 0.5, c.noise(7, 2)
    while limbs:
        x, y, angle, length, r = limbs.pop()
        bow = rng.normal(0, 0.12)
        ex, ey = x + length * np.cos(angle + bow), y + length * np.sin(angle + bow)
        mid = (x + 0.55 * length * np.cos(angle - bow), y + 0.55 * length * np.sin(angle - bow))
        d, _, _ = tube(c, np.float32([(x, y), mid, (ex, ey)]), [r, r * 0.75, r * 0.62])
        c.paint(d, mix(hues[3], mix(hues[3], (0.08, 0.05, 0.04), 0.7), 0.6 * bark), dome=0.15, width=r)
        if length > 0.25:
            for turn in rng.uniform(0.4, 0.75) * np.asarray([-1, 1]) + rng.normal(0, 0.1, 2):
                limbs.append((ex, ey, angle + turn, length * rng.uniform(0.58, 0.7), r * 0.6))
        else:
            tips.append((ex, ey))
    crown = list(tips)
    for _ in range(16):
        a, r = rng.uniform(0, 2 * np.pi), np.sqrt(rng.uniform(0, 1))
        crown.append((0.72 * r * np.cos(a), -0.42 + 0.42 * r * np.sin(a)))
    for x, y in sorted(crown, key=lambda tip: -tip[1] + rng.normal(0, 0.1)):
        r = rng.uniform(0.14, 0.24)
        ragged = circle(c, x, y, r) + 0.04 * ruffle
        light = np.clip(0.5 - (c.y - y + 0.4 * (c.x - x)) / (2 * r), 0, 1)
        c.paint(ragged, ramp(np.clip(light + 0.2 * ruffle, 0, 1), hues[2], hues[0], hues[1]), 0.2, r)


@motif(turn=35)
def mushroom(c: Canvas) -> None:
    """A toadstool: spotted cap, gills at its rim, ringed stem, grass at its foot."""
    rng = c.rng
    hues = palette(c, "c8302c f08050 5c0c10 fdf0dc", "b8763c ecc088 54300f f8ecd0", "8a5a9a d8b4dc 3c1c48 f4ecf4",
                   "e0a030 f8dc80 7c480c fdf8e0", "4a7a9a a8d0e0 183848 f0f4ec")  # fmt: skip
    stem = np.maximum(
        np.abs(c.x + 0.05 * np.sin(c.y * 3)) - 0.13 - 0.1 * np.maximum(c.y - 0.1, 0) ** 1.5,
        np.maximum(-0.1 - c.y, c.y - 0.98),
    )
    fibres = np.sin(c.x * 46) * 0.5 + 0.5
    c.paint(
        stem,
        mix(hues[3], mix(hues[3], (0.45, 0.32, 0.22), 0.6), 0.4 * fibres + 0.4 * np.abs(c.x) / 0.2),
        dome=0.25,
        width=0.16,
    )
    ring = ellipse(c, 0, 0.3, 0.25, 0.08)
    c.paint(ring, hues[3], dome=0.08, width=0.08, lift=0.25)
    gills = ellipse(c, 0, -0.02, 0.85, 0.17)
    fan = np.sin(np.arctan2(c.y + 0.6, c.x) * 60) * 0.5 + 0.5
    c.paint(gills, mix(hues[3], (0.42, 0.28, 0.2), 0.35 + 0.5 * fan), dome=0.05, width=0.1, lift=0.05)
    tall = rng.uniform(0.6, 0.95)
    arch = -0.02 - tall * np.sqrt(np.maximum(1 - (c.x / 0.92) ** 2, 0)) ** rng.uniform(0.8, 1.3)
    rim = -0.02 + 0.09 * np.cos(c.x * 1.6)
    cap = np.maximum(np.maximum(arch - c.y, c.y - rim), np.abs(c.x) - 0.92) * 0.8
    c.paint(cap, ramp(np.clip(-c.y / tall, 0, 1), hues[2], hues[0], hues[1]), dome=0.5, width=0.5, lift=0.15)
    if rng.random() < 0.75:
        for _ in range(16):
            x, h = rng.uniform(-0.75, 0.75), rng.uniform(0.12, 0.9)
            y = -0.02 - h * tall * np.sqrt(1 - (x / 0.92) ** 2)
            spot = ellipse(c, x, y, 0.085 * np.sqrt(1.05 - x * x), 0.07, rng.uniform(-0.4, 0.4)) + 0.01 * c.noise(6, 1)
            c.paint(np.maximum(spot, cap), hues[3], dome=0.06, width=0.06, lift=0.6)
    for x in rng.uniform(-0.4, 0.4, 7):
        u, v = rotated(c.x - np.float32(x), c.y - np.float32(1.02), -np.pi / 2 + x * 1.2)
        c.paint(petal(u, v, rng.uniform(0.18, 0.35), 0.03), (0.3, 0.45, 0.16), 0.03, 0.03, 0.2)
