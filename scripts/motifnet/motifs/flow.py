"""Motifs of flow and growth rules: feathers, waves, spirals, knots, fractals."""

import numpy as np

from scripts.motifnet.canvas import (
    Canvas,
    mix,
    palette,
    petal,
    ramp,
    rotated,
    smoothstep,
    tube,
)
from scripts.motifnet.motifs.faces import WHITE
from scripts.motifnet.registry import motif


@motif(turn=45)
def feather(c: Canvas) -> None:
    """A broad feather: pale bent quill, two vanes of slanting barbs with bold bands and splits, down at the foot."""
    rng = c.rng
    hues = palette(
        c,
        "4c80a8 e4f2f8 142c4c",
        "c87c44 fbe4b8 4c2410",
        "b83c3c f8b088 380c14",
        "5c8c50 d8e8a0 1c3414",
        "8c6c9c e4d0ec 301c40",
    )
    curve = rng.uniform(-0.22, 0.22)
    t = np.clip((0.74 - c.y) / 1.74, 0, 1)
    v = c.x - curve * np.sin(np.pi * t)
    half = rng.uniform(0.38, 0.48) * np.maximum(np.sin(np.pi * np.clip(t * 0.96 + 0.04, 0, 1) ** 0.8), 0) ** 0.55
    half = half * np.where(v > 0, 1.0, rng.uniform(0.75, 0.95))
    slant = c.y + 0.8 * np.abs(v)
    split = 0.12 * smoothstep(0.9, 1.0, np.sin(slant * 11 + 2 * np.sign(v) + rng.uniform(0, 6)))
    d = np.maximum(np.abs(v) - half + split * (np.abs(v) > 0.12), np.maximum(c.y - 0.76, -1.0 - c.y)) * 0.75
    bands = smoothstep(-0.15, 0.3, np.sin(slant * rng.uniform(9, 13)))
    tone = mix(hues[0], hues[1], bands if rng.random() < 0.6 else smoothstep(0.75, 0.4, t))
    hair = np.sin(slant * 55) * 0.5 + 0.5
    c.paint(d, mix(tone, hues[2], 0.45 * hair), dome=0.16, width=0.25)
    c.height += 0.025 * hair * (d < 0)
    c.line(d, 0.025, hues[2], 0.8)
    for k in range(8):
        u, w = rotated(c.x, c.y - np.float32(0.6 + 0.03 * k), -np.pi / 2 + (2 * (k % 2) - 1) * rng.uniform(0.7, 1.3))
        c.paint(petal(u, w, rng.uniform(0.2, 0.32), 0.03), hues[1], 0.03, 0.02)
    s = np.linspace(0, 1, 9)
    quill = np.stack([curve * np.sin(np.pi * s), 0.74 - 1.68 * s], -1)
    quill = np.concatenate([[[-0.05, 1.08]], quill]).astype(np.float32)
    stem = tube(c, quill, np.linspace(0.055, 0.015, 10))[0]
    c.paint(stem, mix(hues[1], WHITE, 0.6), dome=0.06, width=0.03, lift=0.12)
    c.line(stem, 0.02, hues[2], 0.8)


@motif(turn=25, field=True)
def waves(c: Canvas) -> None:
    """A woodcut sea: rows of curling breakers with striped backs and foam fingers."""
    rng = c.rng
    hues = palette(
        c,
        "2c5c8c 88b8d0 fbf4e4 142c50 e8d8b8",
        "2c7c80 98d0c0 fdf8ec 103c44 f0dcb8",
        "3c4878 98a4d0 fff8f0 181c40 f0c8b0",
    )
    c.paint(c.x * 0 - 1, mix(hues[4], hues[1], 0.25 + 0.2 * c.y))
    pitch = rng.uniform(1.0, 1.3)
    for row in range(-4, 6):
        base, shift = row * 0.42, rng.uniform(0, pitch)
        x = (c.x + shift) % pitch - pitch / 2
        y = c.y - base
        crest = 0.34 * np.exp(-((x / 0.24) ** 2)) + 0.05 * np.sin(x * 9)
        lean = x - 0.25 * np.clip(-y, 0, 1)
        d = (-crest - y).astype(np.float32) * 0.7
        stripe = np.sin((np.hypot(lean - 0.28, y + 0.16)) * 46) * 0.5 + 0.5
        c.paint(
            d,
            mix(mix(hues[0], hues[3], smoothstep(0.0, 0.5, y)), hues[1], smoothstep(0.55, 0.85, stripe)),
            dome=0.2,
            width=0.25,
        )
        radius, angle = np.hypot(x - 0.2, y + 0.26), np.arctan2(y + 0.26, x - 0.2)
        hook = np.abs(radius - 0.13 - 0.025 * angle) - 0.045 * np.clip(1.6 - np.abs(angle + 1.1) * 0.6, 0, 1)
        hook = hook + 9 * (np.abs(angle + 1.1) > 2.1)
        c.paint(hook, mix(hues[2], hues[1], smoothstep(-0.04, 0.0, hook) * 0.4), dome=0.1, width=0.04, lift=0.12)
        c.line(hook, 0.018, hues[3])
        for k in range(5):
            a = -0.1 - k * 0.45
            tip = np.hypot(x - 0.2 - 0.2 * np.cos(a) * 0.9, y + 0.26 - 0.2 * np.sin(a) * 0.9) - 0.035
            c.paint(tip, hues[2], dome=0.06, width=0.03, lift=0.14)
        c.line(d, 0.03, hues[2], 0.9)


@motif(bend=1.3)
def galaxy(c: Canvas) -> None:
    """A spiral galaxy: glowing core, two winding arms with dust lanes, knots of young stars."""
    rng = c.rng
    hues = palette(c, "0a0c20 4c6cb8 f8e8c0 e89090", "100818 8c5ca8 fdeccc f0b080", "04141c 3c8c98 fff4d8 d8a0c0")
    radius, angle = c.polar()
    arms, wind = int(rng.integers(2, 4)), rng.uniform(3.4, 4.6)
    phase = arms * angle + arms * wind * np.log(radius + 0.12) + 0.5 * c.noise(2, 2)
    arm = np.exp(3.2 * (np.cos(phase) - 1))
    dust = np.exp(5 * (np.cos(phase + 1.0) - 1))
    fall = np.exp(-((radius / 0.62) ** 2))
    c.paint(radius - 1.05, hues[0], soft=16.0)
    c.tint(arm * np.sqrt(fall) * 0.95, mix(hues[1], hues[2], 0.75 * fall + 0.15 * c.noise(5, 1)))
    c.tint(dust * fall * 0.5, mix(hues[0], (0.3, 0.12, 0.08), 0.6))
    c.tint(np.exp(-((radius / 0.2) ** 2)), hues[2])
    knots = smoothstep(1.1, 1.7, c.noise(8, 1)) * arm * (radius < 0.95)
    c.tint(knots * 0.8, hues[3])
    c.tint(smoothstep(2.0, 2.5, c.noise(11, 1)) * (radius < 1.0), WHITE)


@motif(bend=0.5)
def knot(c: Canvas) -> None:
    """An endless knot: a broad band with pale edges winds around twice, over and under itself in turn."""
    rng = c.rng
    hues = palette(
        c,
        "d8a040 fff0c0 4c2808",
        "3c8c70 d8f4d8 0c2c24",
        "b83c34 f8d0a8 340c10",
        "4c6ca8 d0e0f8 14204c",
    )
    radius, angle = c.polar()
    folds, sweep, half = int(rng.integers(3, 7)), rng.uniform(0.24, 0.29), 0.125
    phase = angle * folds / 2
    # a torus knot seen from above: its two passes lie half a turn apart, in distance and in height
    passes = [(0.58 + sign * sweep * np.cos(phase), sign * np.sin(phase)) for sign in (1.0, -1.0)]
    steep = np.hypot(1.0, 0.5 * folds * sweep * np.sin(phase) / np.maximum(radius, 0.2))
    distances = [np.abs(radius - middle) / steep - half for middle, _ in passes]
    for top in (False, True):
        for d, (_, height) in zip(distances, passes, strict=True):
            t = 1 + d / half
            braid = np.sin(angle * 26 + 5 * t) * 0.5 + 0.5
            tone = mix(hues[0], hues[2], 0.4 * smoothstep(0.5, 0.9, braid))
            tone = mix(tone, hues[1], smoothstep(0.2, 0.08, np.abs(t - 0.62)))
            here = np.where((height > 0) == top, d, 1.0).astype(np.float32)
            c.paint(here, mix(tone, hues[2], smoothstep(0.8, 0.95, t)), 0.2, 0.12, 0.1 + 0.1 * height)


@motif(field=True, bend=0.6)
def julia(c: Canvas) -> None:
    """A Julia set: a body of curling spirals edged with gold, in smooth bands of escape."""
    rng = c.rng
    hues = palette(c, "10245c 3c84b8 f4ecc8 e89c38", "4c1440 b84858 fce8c0 f0b848", "0c4030 3c9c74 f4f4d0 e0b840",
                   "2c1c54 8464b0 fbe8e0 f0a888")  # fmt: skip
    seeds = (-0.7454 + 0.1130j, -0.8 + 0.156j, -0.70176 - 0.3842j, -0.835 - 0.2321j, -0.75 + 0.11j)
    s = seeds[int(rng.integers(len(seeds)))]
    z = ((c.x + 1j * c.y) * rng.uniform(0.55, 0.85)).astype(np.complex64)
    t, alive = np.zeros(c.x.shape, np.float32), np.ones(c.x.shape, bool)
    trap = np.full(c.x.shape, 9.0, np.float32)
    for _ in range(70):
        z = np.where(alive, z * z + np.complex64(s), z)
        t += alive
        trap = np.where(alive, np.minimum(trap, np.abs(z)), trap)
        alive &= np.abs(z) < 8
    t = t - np.where(alive, 0, np.log2(np.log2(np.maximum(np.abs(z), 2.01))))
    tone = np.clip(np.log2(np.maximum(t, 0) + 1) / 5.2, 0, 1)
    inside = ramp(np.clip(trap * 2.2, 0, 1), hues[2], hues[3], hues[0])
    rings = smoothstep(0.2, 0.9, np.sin(t * 2.2)) * (tone < 0.75)
    outside = mix(ramp(tone, hues[0], hues[0], hues[1], hues[2], hues[3]), hues[2], 0.25 * rings)
    c.paint(c.x * 0 - 1, np.where(alive[..., None], inside, outside))
    c.height = (0.4 * tone).astype(np.float32)
