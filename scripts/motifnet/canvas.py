"""The canvas that motifs are drawn on: signed distances in, colour, cover and height out.

A motif is a function that paints on a Canvas in its own units: it fills about the disc of radius 1
around the origin, x to the right, y down. The canvas may lie rotated, scaled and bent in the
picture, so a motif is always drawn at the picture's resolution and never resampled.
"""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
Colour = Array | Sequence[float]


class Canvas:
    """One layer of a picture under construction.

    ``x``, ``y`` ``(H, W)`` are motif coordinates, ``px`` a pixel's side in them. ``rgb`` ``(H, W, 3)``
    in [0, 1], ``alpha`` ``(H, W)`` and ``height`` ``(H, W)`` (motif units, towards the viewer) are
    what painting changes.
    """

    def __init__(self, x: Array, y: Array, px: float, rng: np.random.Generator, loyal: bool = False) -> None:
        self.x, self.y, self.px, self.rng, self.loyal = x, y, px, rng, loyal
        self.rgb = np.zeros((*x.shape, 3), np.float32)
        self.alpha = np.zeros(x.shape, np.float32)
        self.height = np.zeros(x.shape, np.float32)

    def paint(
        self,
        d: Array,
        colour: Colour,
        dome: float = 0.0,
        width: float = 0.3,
        lift: float = 0.0,
        opacity: float | Array = 1.0,
        soft: float = 1.0,
    ) -> None:
        """Paints where the distance ``d`` is negative, over what is there.

        The surface rises from ``lift`` at the edge by ``dome`` within ``width`` inwards, like a
        cushion. ``soft`` is the edge's softness in pixels.
        """
        cover = np.clip(0.5 - d / (self.px * soft), 0, 1) * opacity
        rise = 1 - np.clip(-d / width, 0, 1)
        surface = lift + dome * np.sqrt(np.maximum(1 - rise * rise, 0))
        self.rgb += cover[..., None] * (np.asarray(colour, np.float32) - self.rgb)
        self.alpha += cover * (1 - self.alpha)
        self.height += cover * (surface - self.height)

    def tint(self, cover: Array, colour: Colour) -> None:
        """Mixes ``colour`` into what is painted, by ``cover`` in [0, 1], without changing its shape."""
        mixed = np.clip(cover, 0, 1)[..., None]
        self.rgb += mixed * (np.asarray(colour, np.float32) - self.rgb)

    def line(self, d: Array, width: float, colour: Colour, opacity: float | Array = 1.0) -> None:
        """A line of ``width`` where ``d`` crosses zero; it adds no height."""
        half = max(width, 1.2 * self.px) / 2
        self.tint(np.clip(0.5 - (np.abs(d) - half) / self.px, 0, 1) * opacity, colour)

    def polar(self, cx: float = 0.0, cy: float = 0.0) -> tuple[Array, Array]:
        """Radius and angle (clockwise from the right) around a point."""
        dx, dy = self.x - cx, self.y - cy
        return np.hypot(dx, dy), np.arctan2(dy, dx)

    def noise(self, frequency: float, octaves: int = 2, stretch: float = 1.0) -> Array:
        """Smooth noise of about unit deviation; ``frequency`` is in blobs per unit, x stretched."""
        total = np.zeros_like(self.x)
        for octave in range(octaves):
            f = float(frequency) * 2**octave
            tile = _noise_tile(self.rng)
            shift = self.rng.uniform(0, 256, 2)
            u = ((self.x * f / stretch * 4 + shift[0]) % 256).astype(np.float32)
            v = ((self.y * f * 4 + shift[1]) % 256).astype(np.float32)
            total += cv2.remap(tile, u, v, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP) / 2**octave
        return total / np.sqrt(sum(0.25**k for k in range(octaves)))


_TILES: list[Array] = []


def _noise_tile(rng: np.random.Generator) -> Array:
    """One of eight periodic 256×256 tiles of smooth noise, blobs four pixels wide."""
    if not _TILES:
        fixed = np.random.default_rng(1)
        for _ in range(8):
            white = np.tile(fixed.normal(size=(256, 256)).astype(np.float32), (3, 3))
            smooth = cv2.GaussianBlur(white, (0, 0), 2.0)[256:512, 256:512]
            _TILES.append(np.ascontiguousarray(smooth / smooth.std()))
    return _TILES[int(rng.integers(8))]


def circle(c: Canvas, cx: float, cy: float, r: float) -> Array:
    """Signed distance to a disc."""
    return np.hypot(c.x - cx, c.y - cy) - np.float32(r)


def ellipse(c: Canvas, cx: float, cy: float, rx: float, ry: float, turn: float = 0.0) -> Array:
    """Signed distance, nearly, to an ellipse turned by ``turn`` radians (after Quilez)."""
    u, v = rotated(c.x - cx, c.y - cy, turn)
    near = np.hypot(u / rx, v / ry)
    slope = np.hypot(u / rx**2, v / ry**2)
    return near * (near - 1) / np.maximum(slope, 1e-4)


def box(c: Canvas, cx: float, cy: float, rx: float, ry: float, round_: float = 0.0) -> Array:
    """Signed distance to a rectangle of half sides ``rx``, ``ry`` with rounded corners."""
    u, v = np.abs(c.x - cx) - (rx - round_), np.abs(c.y - cy) - (ry - round_)
    outside = np.hypot(np.maximum(u, 0), np.maximum(v, 0))
    return outside + np.minimum(np.maximum(u, v), 0) - np.float32(round_)


def rotated(x: Array, y: Array, turn: float) -> tuple[Array, Array]:
    """Coordinates seen from a frame turned by ``turn`` radians."""
    cos, sin = float(np.cos(turn)), float(np.sin(turn))
    return x * cos + y * sin, y * cos - x * sin


def petal(u: Array, v: Array, length: float, width: float, tip: float = 1.0) -> Array:
    """Distance, nearly, to a petal from the origin along u; ``tip`` above 1 moves its belly outwards."""
    t = np.clip(u / length, 0, 1)
    half = width * np.maximum(np.sin(np.pi * t**tip), 0) ** 0.75
    return np.maximum(np.abs(v) - half, np.maximum(-u, u - length)) * np.float32(0.8)


def tube(c: Canvas, points: Array, radii: Sequence[float] | Array) -> tuple[Array, Array, Array]:
    """Distance to a bent tube, position along it in [0, 1], and signed offset across it in radii.

    ``points`` ``(n, 2)`` is its middle line and ``radii`` ``(n,)`` its radius at them.
    """
    best = np.full(c.x.shape, np.inf, np.float32)
    along, across = np.zeros_like(best), np.zeros_like(best)
    count = len(points) - 1
    for i in range(count):
        (ax, ay), (bx, by) = points[i], points[i + 1]
        ex, ey = float(bx - ax), float(by - ay)
        qx, qy = c.x - np.float32(ax), c.y - np.float32(ay)
        t = np.clip((qx * ex + qy * ey) / (ex * ex + ey * ey + 1e-9), 0, 1)
        radius = radii[i] + t * np.float32(radii[i + 1] - radii[i])
        d = np.hypot(qx - t * ex, qy - t * ey) - radius
        closer = d < best
        best = np.where(closer, d, best)
        along = np.where(closer, (i + t) / count, along)
        side = (qy * ex - qx * ey) / (np.hypot(ex, ey) + 1e-9) / np.maximum(radius, 1e-3)
        across = np.where(closer, side, across)
    return best, along, across


def polygon(c: Canvas, points: Sequence[tuple[float, float]]) -> Array:
    """Signed distance to a polygon, negative inside."""
    corners = np.asarray(points, np.float32)
    best = np.full(c.x.shape, np.inf, np.float32)
    inside = np.zeros(c.x.shape, bool)
    for (ax, ay), (bx, by) in zip(corners, np.roll(corners, -1, 0), strict=True):
        ex, ey = bx - ax, by - ay
        qx, qy = c.x - ax, c.y - ay
        t = np.clip((qx * ex + qy * ey) / (ex * ex + ey * ey + 1e-9), 0, 1)
        best = np.minimum(best, (qx - t * ex) ** 2 + (qy - t * ey) ** 2)
        crosses = (ay > c.y) != (by > c.y)
        slope = ex / (ey if ey != 0 else np.float32(1e-9))
        inside ^= crosses & (qx < slope * (c.y - ay))
    return np.sqrt(best) * np.where(inside, np.float32(-1), np.float32(1))


def mix(a: Colour, b: Colour, t: float | Array) -> Array:
    """Colours between ``a`` (t = 0) and ``b`` (t = 1); t may be a map ``(H, W)``."""
    a, b = np.asarray(a, np.float32), np.asarray(b, np.float32)
    weight = np.clip(t, 0, 1)
    return a + (b - a) * (weight[..., None] if isinstance(weight, np.ndarray) and weight.ndim else weight)


def ramp(t: Array, *colours: Colour) -> Array:
    """A colour for every t in [0, 1] along evenly spaced colours: ``(H, W) → (H, W, 3)``."""
    stops = np.linspace(0, 1, len(colours))
    table = np.asarray(colours, np.float32)
    return np.stack([np.interp(t, stops, table[:, k]) for k in range(3)], -1).astype(np.float32)


def palette(c: Canvas, *choices: str) -> list[Array]:
    """One of several palettes written as hex colours, its hue, strength and brightness jittered.

    On a loyal canvas it is the first more often than not, and one of the first two nearly always: a
    network that met a motif in all colours alike would dream it in none.
    """
    rng = c.rng
    if c.loyal:
        likely = np.asarray([0.6, 0.28] + [0.12 / max(len(choices) - 2, 1)] * (len(choices) - 2))
        text = choices[int(rng.choice(len(choices), p=likely / likely.sum()))]
    else:
        text = choices[int(rng.integers(len(choices)))]
    colours = [tuple(int(code[i : i + 2], 16) / 255 for i in (0, 2, 4)) for code in text.split()]
    hsv = cv2.cvtColor(np.asarray([colours], np.float32), cv2.COLOR_RGB2HSV)[0]
    hsv[:, 0] = (hsv[:, 0] + rng.normal(0, 5)) % 360
    hsv[:, 1] = np.clip(hsv[:, 1] * rng.uniform(0.85, 1.1), 0, 1)
    hsv[:, 2] = np.clip(hsv[:, 2] * rng.uniform(0.88, 1.1), 0, 1)
    return list(cv2.cvtColor(hsv[None], cv2.COLOR_HSV2RGB)[0])


def smoothstep(low: float, high: float, t: Array) -> Array:
    """0 below ``low``, 1 above ``high``, smooth between."""
    s = np.clip((t - low) / (high - low), 0, 1)
    return s * s * (3 - 2 * s)
