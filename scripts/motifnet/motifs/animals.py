"""Motifs with bodies: things that fly, swim and crawl."""

import numpy as np

from scripts.motifnet.canvas import (
    Array,
    Canvas,
    circle,
    ellipse,
    mix,
    palette,
    petal,
    polygon,
    ramp,
    rotated,
    smoothstep,
    tube,
)
from scripts.motifnet.motifs.faces import INK, WHITE
from scripts.motifnet.registry import motif

AMBER = [np.float32([0.9, 0.6, 0.12]), np.float32([1.0, 0.8, 0.35]), np.float32([0.4, 0.2, 0.04])]


def plumage(c: Canvas, light: Array, dark: Array, rows: float = 7.0) -> Array:
    """Overlapping scallops, row upon row: a colour map ``(H, W, 3)``."""
    v = c.y * rows
    row = np.floor(v)
    u = (c.x * rows + 0.5 * (row % 2)) % 1 - 0.5
    edge = np.hypot(u * 1.3, v - row - 0.15)
    return mix(light, dark, smoothstep(0.45, 0.8, edge))


@motif(turn=20)
def bird(c: Canvas) -> None:
    """A perched songbird in profile: round head with a big eye and a bright beak, pale breast, folded wing, tail."""
    coat = palette(c, "c8452c f6c49c 4a1c14 2c1a14", "2f6fa8 f0b070 16304e 101c2c",
                   "e0b83c fbeab0 6a5a1c 221e10", "3f8a5c d8e0a0 1c4a34 0e2018",
                   "8a5c3c ecd4b0 4a2c1a 20120a")  # fmt: skip
    tail = polygon(c, [(0.3, 0.2), (1.06, 0.66), (0.9, 0.88), (0.15, 0.5)])
    c.paint(tail, mix(coat[2], coat[3], np.sin((c.y - 0.55 * c.x) * 22) * 0.5 + 0.5), dome=0.15, width=0.1)
    for x in (-0.14, 0.1):
        leg, _, _ = tube(c, np.float32([[x, 0.5], [x - 0.04, 0.92], [x - 0.2, 0.98]]), [0.045, 0.035, 0.03])
        c.paint(leg, (0.85, 0.5, 0.16), dome=0.03, width=0.03)
    body = ellipse(c, -0.06, 0.16, 0.64, 0.48, 0.5)
    c.paint(body, mix(coat[1], coat[0], smoothstep(-0.2, 0.2, -c.y - 0.5 * c.x + 0.05)), 0.5, 0.45)
    beak = polygon(c, [(-0.68, -0.6), (-1.12, -0.38), (-0.68, -0.24)])
    c.paint(beak, mix((1.0, 0.75, 0.2), (0.7, 0.35, 0.06), (c.y + 0.45) * 6), 0.2, 0.12, 0.2)
    c.line(np.maximum(np.abs(c.y + 0.39), np.abs(c.x + 0.9) - 0.17), 0.03, INK)
    head = circle(c, -0.4, -0.42, 0.42)
    c.paint(head, mix(coat[0], coat[2], smoothstep(0.0, 0.25, -c.y - 0.58)), 0.45, 0.4, 0.15)
    c.tint(np.clip(0.5 - ellipse(c, -0.52, -0.2, 0.24, 0.17) / 0.08, 0, 1) * (head < 0), coat[1])
    u, v = _swung(c, -0.3, 0.02, 0.5)
    wing = petal(u, v, 1.0, 0.3, 0.75)
    rows = np.sin(u * 16 - 12 * v * v) * 0.5 + 0.5
    c.paint(wing, mix(mix(coat[0], coat[2], 0.6), coat[3], smoothstep(0.4, 0.8, rows)), 0.22, 0.25, 0.45)
    c.tint(smoothstep(0.35, 0.1, rows) * (wing < -0.03) * 0.7, coat[1])
    c.line(wing, 0.03, coat[3])
    c.paint(circle(c, -0.5, -0.5, 0.17), WHITE, lift=0.5)
    c.paint(circle(c, -0.5, -0.5, 0.13), INK, dome=0.05, width=0.13, lift=0.5)
    c.tint(np.clip(0.5 - circle(c, -0.54, -0.55, 0.045) / c.px, 0, 1), WHITE)


def _swung(c: Canvas, x: float, y: float, turn: float) -> tuple[Array, Array]:
    return rotated(c.x - np.float32(x), c.y - np.float32(y), turn)


@motif(turn=25)
def fish(c: Canvas) -> None:
    """A reef fish in profile: oval body with two or three pale bands, scales, forked tail, spiny fin, round eye."""
    rng = c.rng
    coat = palette(c, "f07820 fff4e0 2a1410", "f0c83c 2f6fb0 142850", "3f78c8 f8e060 101c44",
                   "d83c34 f8d0b0 3c1014", "3fa89a e8f0d0 12443f")  # fmt: skip
    rays = np.sin(np.arctan2(c.y, c.x - 0.3) * 30) * 0.5 + 0.5
    fork = 1.02 - 0.3 * np.exp(-((c.y / 0.2) ** 2))
    tail = np.maximum(np.maximum(np.abs(c.y) - (c.x - 0.36) * 0.95, c.x - fork), np.abs(c.y) - 0.52)
    c.paint(tail, mix(coat[0], coat[2], 0.5 * rays), dome=0.12, width=0.1)
    c.line(tail, 0.035, coat[2])
    spines = np.abs(np.sin(c.x * 13))
    crest = np.maximum(ellipse(c, -0.08, -0.3, 0.5, 0.46), -0.2 - 0.09 * spines - c.y - 0.4)
    keel = polygon(c, [(-0.1, 0.3), (0.3, 0.78), (0.36, 0.2)])
    for fin in (crest, keel):
        c.paint(fin, mix(coat[0], coat[2], 0.7 * smoothstep(0.5, 0.1, spines)), dome=0.12, width=0.1)
        c.line(fin, 0.035, coat[2])
    body = ellipse(c, -0.18, 0, 0.76, rng.uniform(0.44, 0.52))
    scales = plumage(c, np.float32([0, 0, 0]), np.float32([1, 1, 1]), 8)[..., 0]
    skin = mix(coat[0], coat[2], 0.35 * scales + 0.25 * smoothstep(0.1, 0.5, -c.y))
    c.paint(body, skin, dome=0.5, width=0.45, lift=0.05)
    bow = c.x - 0.25 * c.y * c.y
    for x in (-0.42, 0.0, 0.36)[: int(rng.integers(2, 4))]:
        band = np.abs(bow - x) - 0.085
        c.tint(np.clip(0.5 - band / c.px, 0, 1) * (body < 0), coat[1])
        c.line(band, 0.03, coat[2], (body < 0) * 1.0)
    c.line(body, 0.035, coat[2])
    u, v = _swung(c, -0.22, 0.12, 0.35)
    flap = petal(u, v, 0.4, 0.17, 0.6)
    c.paint(flap, mix(coat[0], coat[2], 0.4 + 0.4 * np.sin(v * 40)), 0.12, 0.1, 0.45)
    c.line(flap, 0.03, coat[2])
    c.line(np.maximum(np.abs(c.y - 0.12 - 0.25 * (c.x + 0.85)), np.abs(c.x + 0.85) - 0.09), 0.04, INK)
    c.paint(circle(c, -0.66, -0.1, 0.16), WHITE, dome=0.1, width=0.1, lift=0.35)
    c.paint(circle(c, -0.67, -0.1, 0.105), INK, dome=0.05, width=0.1, lift=0.4)
    c.tint(np.clip(0.5 - circle(c, -0.7, -0.14, 0.035) / c.px, 0, 1), WHITE)


@motif(turn=70, bend=0.7)
def butterfly(c: Canvas) -> None:
    """A butterfly from above: broad fore and hind wings, veins, dark rims with pearls, eyespots."""
    rng = c.rng
    wing = palette(c, "e8801c ffc860 2a140c f8f0e0", "2f78c8 8fd4f4 0e1834 f4f8ff",
                   "e8c83c fff4b0 2a2410 ffffff", "3f9a6a c8e8a0 0e2c22 f8fae0",
                   "b8342c f09070 240a0c fbe8d8")  # fmt: skip
    x = np.abs(c.x)
    radius, around = np.hypot(x, c.y), np.arctan2(x, -c.y)
    turns = (0.0, 0.25, 0.55, 0.8, 1.1, 1.35, 1.56, 1.75, 2.05, 2.35, 2.65, 2.9, 3.15)
    reach = (0.1, 0.35, 0.98, 1.1, 1.0, 0.85, 0.62, 0.74, 0.9, 0.92, 0.78, 0.45, 0.1)
    shape = np.interp(around, turns, np.asarray(reach) * rng.uniform(0.93, 1.04, 13))
    shape = shape + 0.02 * np.cos(around * 16)
    d = ((radius - shape) * 0.75).astype(np.float32)
    t = np.clip(radius / shape, 0, 1)
    c.paint(d, ramp(t, wing[2], wing[0], wing[1], wing[0]), dome=0.16, width=0.3)
    veins = np.abs(np.sin(around * 9))
    c.tint((1 - smoothstep(0.04, 0.2, veins)) * (d < 0) * smoothstep(0.25, 0.4, t), wing[2])
    c.tint(smoothstep(0.78, 0.86, t) * (d < 0), wing[2])
    c.tint(smoothstep(0.3, 0.6, np.sin(around * 18 + 1.5)) * (np.abs(t - 0.92) < 0.045), wing[3])
    c.tint(smoothstep(0.09, 0.03, np.abs(around - 1.58)) * (d < 0) * smoothstep(0.05, 0.2, t), wing[2])
    c.height -= 0.12 * smoothstep(0.15, 0.0, np.abs(around - 1.58)) * (d < 0)
    for angle, size in ((0.95, rng.uniform(0.13, 0.18)), (2.2, rng.uniform(0.1, 0.16))):
        far = 0.62 if angle < 1.5 else 0.55
        spot = np.hypot(x - far * np.sin(angle), c.y + far * np.cos(angle)) / size
        for part, colour in ((1.0, wing[2]), (0.78, wing[3]), (0.55, wing[0]), (0.32, wing[2])):
            c.tint(np.clip(0.5 - (spot - part) * size / c.px, 0, 1) * (d < 0), colour)
    body = ellipse(c, 0, 0.08, 0.085, 0.48)
    rings = np.sin(c.y * 40) * 0.5 + 0.5
    c.paint(body, mix(wing[2], mix(wing[2], wing[0], 0.6), rings), 0.2, 0.08, 0.2)
    c.paint(circle(c, 0, -0.44, 0.1), wing[2], dome=0.15, width=0.09, lift=0.2)
    for side in (-1, 1):
        line = np.float32([[0.02 * side, -0.5], [0.1 * side, -0.78], [0.26 * side, -0.98]])
        c.paint(tube(c, line, [0.02, 0.016, 0.035])[0], wing[2], dome=0.03, width=0.03)


@motif()
def snake(c: Canvas) -> None:
    """A snake in coils: diamond back, pale belly edge, flat head, forked tongue."""
    rng = c.rng
    skin = palette(c, "7f9a3c d8d88a 2a3414", "c8842c f4d89c 4a200c", "b8382c f0e0c0 1a1412",
                   "3f8a7a c8e4b8 12302c", "8a7a5c dccfa8 30261a")  # fmt: skip
    t = np.linspace(0, 1, 26)
    kind = rng.random()
    if kind < 0.5:
        turns = rng.uniform(1.4, 2.0)
        reach = 0.25 + 0.62 * t
        points = np.stack([reach * np.cos(2 * np.pi * turns * t), reach * np.sin(2 * np.pi * turns * t)], -1)
        points = points[::-1]
    else:
        waves = rng.uniform(1.2, 1.9)
        points = np.stack([1.7 * t - 0.85, 0.5 * np.sin(2 * np.pi * waves * t + rng.uniform(0, 6))], -1)
    radii = 0.15 * (0.5 + 0.5 * np.sin(np.pi * np.clip(0.12 + 0.9 * t, 0, 1)) ** 0.6) * (1 - 0.7 * t**6)
    d, along, across = tube(c, points.astype(np.float32), radii.astype(np.float32))
    length = np.sum(np.hypot(*np.diff(points, axis=0).T))
    cell = along * length / 0.22
    diamond = np.abs(cell % 1 - 0.5) * 2 + np.abs(across) * 0.9
    scales = np.abs(np.sin(cell * 12 + across * 6) * np.sin(cell * 12 - across * 6))
    body = mix(skin[0], skin[1], smoothstep(0.55, 0.95, np.abs(across)))
    body = mix(body, skin[2], smoothstep(0.75, 0.6, diamond) if kind < 2 else 0)
    body = mix(body, skin[1], np.clip(1 - np.abs(diamond - 0.8) / 0.1, 0, 1))
    c.paint(d, mix(body, skin[2], 0.35 * (1 - scales)), dome=0.22, width=0.15)
    (hx, hy), (nx, ny) = points[0], points[1]
    ahead = float(np.arctan2(hy - ny, hx - nx))
    u, v = _swung(c, hx, hy, ahead)
    for side in (-1, 1):
        fork = np.maximum(np.abs(v - side * np.maximum(u - 0.34, 0) * 0.6) - 0.014, np.maximum(0.1 - u, u - 0.48))
        c.paint(fork, (0.75, 0.1, 0.12))
    head = np.hypot(np.maximum(np.abs(u - 0.06) - 0.1, 0) * 1.0, v * (1 + 0.9 * np.maximum(u, 0))) - 0.15
    c.paint(head, mix(skin[0], skin[2], smoothstep(0.1, 0.0, np.abs(np.abs(v) - 0.05))), 0.25, 0.15, 0.08)
    for side in (-1, 1):
        spot = np.hypot(u - 0.1, v - side * 0.08)
        c.tint(np.clip(0.5 - (spot - 0.045) / c.px, 0, 1), AMBER[1])
        c.tint(np.clip(0.5 - (spot - 0.022) / c.px, 0, 1), INK)
