"""Puts drawn motifs into pictures: pose, bending, relief light, shadow, background, occlusion, lens."""

from dataclasses import dataclass

import cv2
import numpy as np

from scripts.motifnet.canvas import Array, Canvas
from scripts.motifnet.motifs import MOTIFS
from scripts.motifnet.registry import Motif


@dataclass(frozen=True)
class Style:
    """How pictures vary. The judge's pictures use another Style than the network's."""

    radius: tuple[float, float] = (0.27, 0.62)
    """Radius of the largest object, in picture sides."""
    bend: float = 0.07
    """Deviation of the smooth displacement, in motif units."""
    light: float = 1.0
    """Strength of the relief."""
    flat_backgrounds: float = 0.35
    """Share of pictures before a plain gradient instead of 1/f clouds."""
    grain: float = 0.03
    """Largest deviation of the sensor noise."""
    loyalty: float = 0.8
    """Share of pictures in which a motif wears its own colours, and stands before its own ground."""


BACKGROUNDS = (
    "1d2b3a 3f5a6b 93a7a8", "efe6d2 d8c7a3 a68a5b", "20301d 4d6b35 a3b07a", "3a2418 7d5233 c99b63",
    "0d1020 26315c 5f78a8", "e9eef0 b8c9d3 7d93a3", "2b1a24 70404c c08a7c", "1a1a1c 4a4a50 a9a6a0",
    "f3ead9 e2b98a b0713f", "123a40 2f7f80 a5d1c0", "55402f 8c7a5e d6cba6", "384a2b 8a8f4a dccf8e",
)  # fmt: skip


GROUNDS = {
    "06283d 12678a 5fc0c8": "fish jellyfish octopus starfish nautilus coral bubbles waves",
    "0a1030 283878 7868a8": "owl galaxy sun_face crystal peacock_eye julia",
    "3c78b8 8fc0e4 f0f0e4": "bird tree castle pagoda arches feather",
    "0e2a18 2f6a38 98b858": "flower rose butterfly beetle mushroom snake fern cat",
    "5a1e3c d0643c f8c878": "lion dome sunflower dog leaf agate eye",
    "2a1208 7a3c18 d0904c": "gear knot mandala scales honeycomb stained_window succulent",
}
"""Grounds in three colours, dark to light, and whose they are."""


def picture(index: int, size: int, rng: np.random.Generator, style: Style) -> Array:
    """A picture ``(size, size, 3)`` in [0, 1] of the motif with this class index."""
    motif = list(MOTIFS.values())[index]
    loyal = style.loyalty > 0 and bool(rng.random() < style.loyalty)
    own = next(colours for colours, names in GROUNDS.items() if motif.name in names.split())
    scene = background(size, rng, style, own if loyal else None)
    light = _light(rng)
    if motif.field:
        _place_field(scene, motif, rng, style, light, loyal)
    else:
        for cx, cy, radius in _places(rng, style):
            _place(scene, motif, cx * size, cy * size, radius * size, rng, style, light, loyal)
    return _lens(scene, rng, style)


def background(size: int, rng: np.random.Generator, style: Style, own: str | None = None) -> Array:
    """A ground ``(size, size, 3)`` without a motif: a gradient or soft clouds in natural colours."""
    axis = np.linspace(-1, 1, size, dtype=np.float32)
    x, y = np.meshgrid(axis, axis)
    c = Canvas(x, y, 2 / size, rng)
    if rng.random() < style.flat_backgrounds:
        turn = rng.uniform(0, 2 * np.pi)
        t = 0.5 + 0.4 * (x * np.cos(turn) + y * np.sin(turn))
    else:
        t = 0.5 + rng.uniform(0.15, 0.3) * c.noise(rng.uniform(0.6, 2.0), 4)
    text = own or BACKGROUNDS[int(rng.integers(len(BACKGROUNDS)))]
    colours = np.asarray([[int(h[i : i + 2], 16) / 255 for i in (0, 2, 4)] for h in text.split()])
    colours = np.clip(colours * rng.uniform(0.7, 1.1) + rng.normal(0, 0.03, 3), 0, 1)
    if rng.random() < 0.5:
        colours = colours[::-1]
    t = np.clip(t, 0, 1)
    ground = np.stack([np.interp(t, (0, 0.5, 1), colours[:, k]) for k in range(3)], -1)
    return ground.astype(np.float32)


def _light(rng: np.random.Generator) -> Array:
    """Direction to the light, mostly from above, ``(3,)``."""
    azimuth = rng.normal(-np.pi / 2, 0.7)
    low = rng.uniform(0.5, 0.95)
    return np.asarray([np.cos(azimuth) * low, np.sin(azimuth) * low, 0.8], np.float32)


def _places(rng: np.random.Generator, style: Style) -> list[tuple[float, float, float]]:
    """Where the objects go: ``(x, y, radius)`` in picture sides, the largest and last near the middle."""
    low, high = style.radius
    kind = rng.random()
    if kind < 0.62:
        radius = rng.uniform(low * 1.2, high)
        return [(*rng.normal(0.5, 0.06, 2), radius)]
    if kind < 0.92:
        count = int(rng.integers(2, 5))
        radii = np.sort(rng.uniform(low * 0.6, high * 0.7, count))
        return [(*rng.uniform(0.2, 0.8, 2), radius) for radius in radii]
    radius = rng.uniform(0.14, 0.24)
    pitch, start = radius * rng.uniform(1.9, 2.3), rng.uniform(-0.2, 0.1, 2)
    steps = np.arange(0, 1.4, pitch)
    return [(start[0] + u + (i % 2) * pitch / 2, start[1] + v, radius) for i, v in enumerate(steps) for u in steps]


def _place(
    scene: Array, motif: Motif, cx: float, cy: float, radius: float,
    rng: np.random.Generator, style: Style, light: Array, loyal: bool,
) -> None:  # fmt: skip
    """Draws one object into ``scene`` ``(size, size, 3)``, in place; centre and radius in pixels."""
    size = scene.shape[0]
    reach = radius * 1.35
    left, top = max(int(cx - reach), 0), max(int(cy - reach), 0)
    right, bottom = min(int(cx + reach) + 1, size), min(int(cy + reach) + 1, size)
    if right - left < 4 or bottom - top < 4:
        return
    turn = rng.uniform(-1, 1) * np.deg2rad(motif.turn)
    squeeze = np.exp(rng.normal(0, 0.08))
    mirror = -1 if motif.mirror and rng.random() < 0.5 else 1
    columns = (np.arange(left, right, dtype=np.float32) - np.float32(cx)) / np.float32(radius)
    rows = (np.arange(top, bottom, dtype=np.float32) - np.float32(cy)) / np.float32(radius)
    x, y = np.meshgrid(columns, rows)
    cos, sin = np.float32(np.cos(turn)), np.float32(np.sin(turn))
    x, y = (
        (x * cos + y * sin) * np.float32(mirror * squeeze),
        (y * cos - x * sin) / np.float32(squeeze),
    )
    x, y = _bent(x, y, rng, style.bend * motif.bend)
    c = Canvas(x, y, 1 / radius, rng, loyal)
    motif.draw(c)
    _blend(scene[top:bottom, left:right], c, light, style, rng)


def _place_field(scene: Array, motif: Motif, rng: np.random.Generator, style: Style, light: Array, loyal: bool) -> None:
    """Covers ``scene`` with a motif that has no outline, sometimes through a ragged or round window."""
    size = scene.shape[0]
    unit = size * rng.uniform(*style.radius) * 1.1
    axis = (np.arange(size, dtype=np.float32) - size / 2) / np.float32(unit)
    x, y = np.meshgrid(axis, axis)
    turn = rng.uniform(-1, 1) * np.deg2rad(motif.turn)
    x, y = _bent(
        (x * np.cos(turn) + y * np.sin(turn)).astype(np.float32),
        (y * np.cos(turn) - x * np.sin(turn)).astype(np.float32), rng, style.bend * motif.bend,
    )  # fmt: skip
    c = Canvas(x, y, 1 / unit, rng, loyal)
    motif.draw(c)
    kind = rng.random()
    if kind < 0.2:
        window = c.noise(0.5, 2)
        # of a random noise the upper part, so that at least half of the picture shows the motif
        window = window - np.quantile(window, rng.uniform(0.1, 0.5))
        c.alpha *= np.clip(window * 6, 0, 1)
    elif kind < 0.4:
        centre = rng.normal(0, 0.15, 2)
        window = rng.uniform(0.6, 1.0) - np.hypot(x - centre[0], y - centre[1])
        c.alpha *= np.clip(window / c.px, 0, 1)
        c.height += 0.3 * np.sqrt(np.maximum(window, 0))
    _blend(scene, c, light, style, rng)


def _bent(x: Array, y: Array, rng: np.random.Generator, amount: float) -> tuple[Array, Array]:
    """Coordinates displaced by a few slow waves of deviation ``amount``."""
    bent_x, bent_y = x.copy(), y.copy()
    for _ in range(3):
        fx, fy = rng.normal(0, 1.3, 2)
        phase, along = rng.uniform(0, 2 * np.pi, 2)
        wave = np.sin(fx * x + fy * y + np.float32(phase)) * np.float32(amount * 0.8)
        bent_x += wave * np.float32(np.cos(along))
        bent_y += wave * np.float32(np.sin(along))
    return bent_x, bent_y


def _blend(scene: Array, c: Canvas, light: Array, style: Style, rng: np.random.Generator) -> None:
    """Lights the canvas by its relief and lays it with its shadow over ``scene``, in place."""
    down, right = np.gradient(c.height, c.px)
    steep = rng.uniform(0.5, 0.9) * style.light
    nx, ny = np.clip(-right * steep, -3, 3), np.clip(-down * steep, -3, 3)
    length = np.sqrt(nx * nx + ny * ny + 1)
    unit = light / np.linalg.norm(light)
    diffuse = np.maximum((nx * unit[0] + ny * unit[1] + unit[2]) / length, 0)
    half = unit + np.asarray([0, 0, 1], np.float32)
    half /= np.linalg.norm(half)
    gloss = np.maximum((nx * half[0] + ny * half[1] + half[2]) / length, 0) ** 24
    flat = unit[2]
    lit = c.rgb * (0.42 + 0.58 * diffuse / flat)[..., None] + (gloss * 0.22 * (gloss > 0.01))[..., None]
    if rng.random() < 0.7:
        reach = max(1.0, 0.06 / c.px)
        moved = np.float32([[1, 0, -unit[0] * reach * 1.5], [0, 1, -unit[1] * reach * 1.5]])
        shadow = cv2.warpAffine(c.alpha, moved, c.alpha.shape[::-1])
        shadow = cv2.GaussianBlur(shadow, (0, 0), reach) * rng.uniform(0.2, 0.55)
        scene *= (1 - shadow)[..., None]
    scene += c.alpha[..., None] * (np.clip(lit, 0, 1) - scene)


def _lens(scene: Array, rng: np.random.Generator, style: Style) -> Array:
    """Exposure, contrast, focus and grain of the picture."""
    if rng.random() < 0.3:
        scene = cv2.GaussianBlur(scene, (0, 0), rng.uniform(0.4, 1.1))
    gain = np.exp(rng.normal(0, 0.12)) * np.exp(rng.normal(0, 0.03, 3))
    scene = (scene - 0.45) * gain.astype(np.float32) + 0.45 + np.float32(rng.normal(0, 0.04))
    grain = rng.uniform(0, style.grain)
    scene = scene + rng.normal(0, 1, scene.shape).astype(np.float32) * np.float32(grain)
    return np.clip(scene, 0, 1).astype(np.float32)
