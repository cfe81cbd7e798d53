"""Motifs that look back: eyes and faces."""

import numpy as np

from scripts.motifnet.canvas import (
    Array,
    Canvas,
    Colour,
    box,
    circle,
    ellipse,
    mix,
    palette,
    petal,
    polygon,
    ramp,
    rotated,
    smoothstep,
)
from scripts.motifnet.registry import motif

INK = (0.07, 0.05, 0.05)
WHITE = (0.97, 0.96, 0.92)


def iris(c: Canvas, cx: float, cy: float, r: float, colours: list[Array], slit: float = 0.0) -> None:
    """A round eye: fibrous iris, dark rim, pupil (a slit for ``slit`` near 1), two highlights."""
    radius, angle = c.polar(cx, cy)
    t = radius / r
    fibres = 0.5 + 0.5 * np.sin(angle * 34 + 4 * np.sin(angle * 5) + 9 * t)
    surface = ramp(t + 0.16 * (fibres - 0.5), colours[2], colours[1], colours[0], colours[1], INK)
    c.paint(radius - r, surface, dome=0.22 * r, width=r)
    pupil = ellipse(c, cx, cy, r * (0.45 - 0.3 * slit), r * (0.45 + 0.4 * slit))
    c.tint(np.clip(0.5 - pupil / c.px, 0, 1), INK)
    c.tint(np.clip(0.5 - circle(c, cx - 0.3 * r, cy - 0.33 * r, 0.2 * r) / c.px, 0, 1), WHITE)
    c.tint(np.clip(0.5 - circle(c, cx + 0.3 * r, cy + 0.3 * r, 0.09 * r) / c.px, 0, 1), WHITE)


def pelt(c: Canvas, cx: float, cy: float, base: Colour, dark: Colour, combs: float = 30) -> Array:
    """Hair or down that radiates from a point: a colour map ``(H, W, 3)``."""
    radius, angle = c.polar(cx, cy)
    strands = np.sin(angle * combs + 3 * c.noise(3, 2)) * 0.5 + 0.5
    rows = np.sin(radius * 26 + strands * 4) * 0.5 + 0.5
    return mix(base, dark, 0.55 * strands * rows + 0.12 * c.noise(2))


@motif(turn=40)
def eye(c: Canvas) -> None:
    """A human eye: lids with a fold, lashes, sclera, iris."""
    rng = c.rng
    skin = palette(c, "e8b894 b9785a 6b3a2e", "8a5a3c 5a3423 2c1812", "f3d2b8 c99a80 7a4a3a",
                   "9aa58c 5f7058 2c3a2a", "c7a0b5 7d5a78 3a2440")  # fmt: skip
    colours = palette(c, "3a7fa8 8fd0e0 1b3f5e", "5c8a3a b8c860 2a4a1c", "8a5420 d89a48 3f220c",
                      "b08a2a f0d070 5a3c0c", "4a8f88 a8e0cc 17423f")  # fmt: skip
    opening = rng.uniform(0.42, 0.6)
    lid = np.sqrt(np.maximum(1 - (c.x / 0.92) ** 2, 0))
    up, down = -c.y - opening * lid**1.1, c.y - opening * 0.75 * lid**1.2
    slit = np.maximum(np.maximum(up, down), np.abs(c.x) - 0.92) * np.float32(0.8)
    around = ellipse(c, 0, -0.05, 1.02, 0.82)
    c.paint(around, mix(skin[1], skin[0], 0.5 - c.y), dome=0.35, width=0.6)
    c.line(slit - 0.16 - 0.08 * c.y, 0.04, skin[2], 0.8 * (c.y < 0.1))
    c.paint(slit, mix(WHITE, (0.75, 0.6, 0.58), np.abs(c.x) * 0.9), dome=0.2, width=0.5, lift=0.2)
    mask, rgb, height = slit < 0, c.rgb.copy(), c.height.copy()
    gaze = rng.uniform(-0.2, 0.2)
    iris(c, gaze, -0.02, opening * rng.uniform(0.78, 0.95), colours)
    c.rgb = np.where(mask[..., None], c.rgb, rgb)
    c.height = np.where(mask, c.height, height)
    c.tint(np.exp(-np.maximum(opening * lid + c.y, 0) * 9) * mask * 0.7, INK)
    c.line(slit, 0.07, INK, 0.95 * (c.y < 0.06))
    c.line(slit, 0.025, skin[2])
    for x in np.linspace(-0.8, 0.8, 13):
        root = -opening * np.sqrt(1 - (x / 0.92) ** 2)
        u, v = rotated(c.x - np.float32(x), c.y - np.float32(root), -np.pi / 2 + x * 0.9)
        c.paint(petal(u, v - 0.5 * u * u * np.sign(x), 0.3, 0.026), INK)


@motif(turn=25)
def owl(c: Canvas) -> None:
    """An owl from the front: ear tufts, two facial discs, great eyes, beak, scalloped breast, wings."""
    rng = c.rng
    down = palette(c, "a8713c e6c391 4a2a14", "8a6a4a d9c4a0 35241a", "b5622a f0b070 4f200e",
                   "8c8a86 dcd8cc 3a3836", "e6dfcf fbf7ea 8c7a5e")  # fmt: skip
    gold = palette(c, "e8961c ffd24a 6a3404", "d8b020 fff080 5a4404", "d86a18 ffb050 5a2404")
    breast = ellipse(c, 0, 0.42, 0.62, 0.62)
    rows = np.sin((c.y * 9 + 1.2 * np.abs(np.sin(c.x * 11 + np.pi * np.floor(c.y * 9 / np.pi)))) * 2)
    c.paint(breast, mix(down[1], down[0], 0.5 + 0.5 * rows), dome=0.4, width=0.5)
    for side in (-1, 1):
        wing = ellipse(c, side * 0.52, 0.45, 0.22, 0.58, side * 0.22)
        streak = np.sin(c.y * 24 + np.abs(c.x) * 20)
        c.paint(wing, mix(down[0], down[2], 0.5 + 0.5 * streak), dome=0.25, width=0.2, lift=0.15)
        ear = polygon(c, [(side * 0.3, -0.7), (side * 0.72, -1.02), (side * 0.66, -0.45)])
        c.paint(ear, mix(down[0], down[2], 0.3 - c.y * 0.5), dome=0.15, width=0.15, lift=0.1)
    head = ellipse(c, 0, -0.32, 0.75, 0.56)
    c.paint(head, pelt(c, 0, -0.1, down[0], down[2], 24), dome=0.35, width=0.5, lift=0.2)
    size = rng.uniform(0.19, 0.25)
    for side in (-1, 1):
        disc = circle(c, side * 0.33, -0.3, 0.36)
        c.paint(disc, pelt(c, side * 0.33, -0.3, down[1], down[0], 20), dome=0.12, width=0.3, lift=0.5)
        c.line(disc, 0.05, down[2])
        c.paint(circle(c, side * 0.32, -0.3, size + 0.035), INK, lift=0.6)
        iris(c, side * 0.32, -0.3, size, gold)
    beak = np.maximum(np.abs(c.x) - 0.12 * (0.12 - c.y) / 0.3, np.maximum(-0.22 - c.y, c.y - 0.12))
    c.paint(beak, mix(gold[1], gold[2], c.y * 2 + 0.5), dome=0.3, width=0.12, lift=0.55)
    c.line(beak, 0.02, INK)


@motif(turn=30)
def cat(c: Canvas) -> None:
    """A cat's face: pointed ears, striped brow, slit eyes, pink nose, muzzle, whiskers."""
    fur = palette(c, "d98a3c f7dcb0 8a4414", "8c8880 e6e2d8 3c3a38", "a88460 ecd8b8 553820",
                  "3c3836 8a847c 141212", "c8b49a f8f0e0 6a4c38")  # fmt: skip
    gold = palette(c, "7fa83a d8e870 2c4410", "d8a020 ffe070 5c3804", "4a9ac0 b0e4f0 123c58")
    for side in (-1, 1):
        ear = polygon(c, [(side * 0.12, -0.55), (side * 0.66, -1.05), (side * 0.82, -0.2)])
        c.paint(ear, fur[0], dome=0.15, width=0.2)
        inner = polygon(c, [(side * 0.3, -0.55), (side * 0.62, -0.9), (side * 0.7, -0.35)])
        c.paint(inner, mix((0.9, 0.62, 0.58), fur[2], -c.y - 0.3), lift=0.02)
    head = ellipse(c, 0, 0.05, 0.85, 0.72)
    c.paint(head, pelt(c, 0, 0.15, fur[0], mix(fur[0], fur[2], 0.5), 34), dome=0.45, width=0.6)
    radius, angle = c.polar(0, 0.25)
    bars = smoothstep(0.15, 0.6, np.sin(np.abs(angle + np.pi / 2) * 13 + 1.2))
    c.tint(bars * smoothstep(0.5, 0.72, radius) * 0.85 * (c.y < 0.25) * (head < 0), fur[2])
    flank = smoothstep(0.2, 0.7, np.sin(c.y * 17 + np.abs(c.x) * 5))
    c.tint(flank * smoothstep(0.5, 0.65, np.abs(c.x)) * (c.y > 0) * (head < 0) * 0.8, fur[2])
    for side in (-1, 1):
        puff = ellipse(c, side * 0.19, 0.42, 0.26, 0.2)
        c.paint(puff, pelt(c, side * 0.1, 0.3, fur[1], mix(fur[1], fur[0], 0.3), 16), 0.2, 0.2, 0.42)
        socket = ellipse(c, side * 0.36, -0.05, 0.245, 0.19, side * -0.25)
        c.paint(socket, INK, lift=0.45)
        shape = ellipse(c, side * 0.36, -0.05, 0.205, 0.155, side * -0.25)
        keep = shape < 0
        before = c.rgb.copy()
        iris(c, side * 0.36, -0.05, 0.2, gold, slit=0.9)
        c.rgb = np.where(keep[..., None], c.rgb, before)
    c.paint(ellipse(c, 0, 0.6, 0.14, 0.1), fur[1], dome=0.1, width=0.1, lift=0.35)
    nose = polygon(c, [(-0.12, 0.2), (0.12, 0.2), (0, 0.34)]) - 0.02
    c.paint(nose, (0.82, 0.45, 0.42), dome=0.1, width=0.08, lift=0.55)
    c.line(np.maximum(np.abs(c.x), np.abs(c.y - 0.41) - 0.07), 0.03, INK)
    for side in (-1, 1):
        for k in range(3):
            u, v = rotated(c.x - side * 0.25, c.y - 0.4, (side < 0) * np.pi + side * (k - 1) * 0.2)
            whisker = np.maximum(np.abs(v + 0.12 * u * u * side) - 0.012, np.maximum(-u, u - 0.85))
            c.tint(np.clip(0.5 - whisker / c.px, 0, 1) * (c.alpha > 0.5), WHITE)


@motif(turn=20)
def dog(c: Canvas) -> None:
    """A dog's face: hanging ears beside a round head, pale blaze and muzzle, wet black nose, eyes, tongue."""
    fur = palette(c, "c08448 f6e4c4 5f3418", "a86c3c fbead0 3a2014", "e8e0d4 ffffff 8c7460",
                  "2e2a2a c08850 0e0c0c", "c89a5c f8ecd0 7a4c20")  # fmt: skip
    head = ellipse(c, 0, -0.16, 0.62, 0.66)
    c.paint(head, pelt(c, 0, 0.1, fur[0], mix(fur[0], fur[2], 0.3), 24), dome=0.45, width=0.5)
    blaze = np.abs(c.x) - 0.09 - 0.12 * np.maximum(c.y + 0.3, 0)
    c.tint(np.clip(0.5 - blaze / 0.05, 0, 1) * (head < 0), fur[1])
    for side in (-1, 1):
        u, v = rotated(c.x - np.float32(side * 0.42), c.y + np.float32(0.66), np.pi / 2 - side * 0.32)
        ear = petal(u, v, 1.3, 0.3, 1.5)
        c.paint(ear, mix(fur[2], fur[0], 0.25 * (0.5 + 0.5 * np.sin(c.x * 24))), dome=0.3, width=0.22, lift=0.2)
        c.line(ear, 0.03, mix(fur[2], INK, 0.5))
    tongue = box(c, 0.0, 0.8, 0.15, 0.2, 0.14)
    c.paint(tongue, (0.9, 0.36, 0.4), dome=0.1, width=0.12, lift=0.2)
    c.line(np.maximum(np.abs(c.x), np.abs(c.y - 0.8) - 0.14), 0.03, (0.6, 0.2, 0.25))
    muzzle = np.minimum(ellipse(c, -0.17, 0.42, 0.27, 0.27), ellipse(c, 0.17, 0.42, 0.27, 0.27))
    c.paint(np.minimum(muzzle, ellipse(c, 0, 0.2, 0.26, 0.34)), fur[1], 0.4, 0.3, 0.35)
    smile = np.abs(np.hypot(np.abs(c.x) - 0.18, c.y - 0.42) - 0.18) + 9 * (c.y < 0.44)
    c.line(smile, 0.045, INK)
    c.line(np.maximum(np.abs(c.x), np.abs(c.y - 0.32) - 0.14), 0.04, INK)
    nose = ellipse(c, 0, 0.14, 0.23, 0.16)
    c.paint(nose, (0.07, 0.06, 0.07), dome=0.2, width=0.14, lift=0.75)
    c.tint(np.exp(-((c.x + 0.06) ** 2 + (c.y - 0.07) ** 2) * 300), WHITE)
    for side in (-1, 1):
        c.paint(ellipse(c, side * 0.29, -0.24, 0.17, 0.16), WHITE, lift=0.4)
        c.paint(circle(c, side * 0.27, -0.22, 0.135), (0.22, 0.1, 0.04), dome=0.08, width=0.13, lift=0.42)
        c.tint(np.clip(0.5 - circle(c, side * 0.27, -0.22, 0.075) / c.px, 0, 1), INK)
        c.tint(np.clip(0.5 - circle(c, side * 0.27 - 0.05, -0.28, 0.045) / c.px, 0, 1), WHITE)
        c.paint(ellipse(c, side * 0.3, -0.5, 0.14, 0.06, side * 0.3), mix(fur[1], fur[0], 0.3), 0.1, 0.06, 0.42)


@motif(turn=30)
def lion(c: Canvas) -> None:
    """A lion: a broad face inside a streaming mane."""
    rng = c.rng
    fur = palette(c, "d9a85a f4dcae 8a5420 4a240c", "c8924a f0cf98 a3521c 5c2408",
                  "e0b878 fbeccb 6a3c1c 2c160c")  # fmt: skip
    radius, angle = c.polar(0, 0.02)
    for ring, (reach, locks) in enumerate(((0.98, 26), (0.86, 22), (0.74, 18))):
        edge = reach * (0.93 + 0.07 * np.cos(angle * locks + rng.uniform(0, 6)))
        strands = 0.5 + 0.5 * np.sin(angle * locks * 3 + 5 * c.noise(1.5))
        shade = mix(fur[2], fur[3], np.abs(strands - ring * 0.2) * 0.8 + 0.25 * (radius > 0.85 * reach))
        c.paint(radius - edge, mix(shade, fur[0], 0.35 * strands), 0.3, 0.3, 0.12 * ring)
    for side in (-1, 1):
        c.paint(circle(c, side * 0.48, -0.5, 0.19), fur[0], dome=0.15, width=0.12, lift=0.5)
        c.paint(circle(c, side * 0.48, -0.48, 0.11), fur[3], lift=0.5)
    head = ellipse(c, 0, 0.05, 0.55, 0.62)
    c.paint(head, mix(fur[0], fur[1], 0.4 + 0.2 * c.noise(3)), dome=0.35, width=0.45, lift=0.5)
    bridge = np.maximum(np.abs(c.x) - 0.14 - 0.05 * c.y, np.abs(c.y + 0.02) - 0.32)
    c.paint(bridge - 0.03, mix(fur[1], fur[0], 0.5 - c.y), dome=0.18, width=0.16, lift=0.75)
    for side in (-1, 1):
        c.paint(ellipse(c, side * 0.28, -0.12, 0.145, 0.1, side * 0.25), INK, lift=0.8)
        iris(c, side * 0.27, -0.12, 0.09, [np.float32([0.85, 0.6, 0.15])] * 2 + [np.float32([0.5, 0.25, 0.05])])
        puff = ellipse(c, side * 0.17, 0.42, 0.23, 0.19)
        c.paint(puff, mix(fur[1], WHITE, 0.5), dome=0.22, width=0.19, lift=0.8)
        spots = np.sin(c.x * 50) * np.sin(c.y * 50) > 0.75
        c.tint((puff < -0.05) * spots * 0.8, INK)
    c.paint(ellipse(c, 0, 0.62, 0.17, 0.12), mix(fur[1], WHITE, 0.4), 0.12, 0.1, 0.7)
    nose = polygon(c, [(-0.17, 0.2), (0.17, 0.2), (0.05, 0.34), (-0.05, 0.34)]) - 0.02
    c.paint(nose, (0.42, 0.2, 0.17), dome=0.12, width=0.1, lift=0.95)
    c.line(np.maximum(np.abs(c.x), np.abs(c.y - 0.43) - 0.09), 0.035, INK)
    c.line(np.maximum(np.abs(c.y - 0.53 + 0.5 * np.abs(c.x) ** 1.5), np.abs(c.x) - 0.25), 0.035, INK)
