"""The camera: a move of the canvas between two frames, in one resample.

Zoom, rotation, pan and what bends the picture are rates, integrated exactly: two moves of half the time equal one move.
A change of frame rate only changes smoothness.
"""

import cmath
import math
from collections.abc import Callable
from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor

from pipeline.cue import CameraRates
from pipeline.motion.folds import fold, pixels
from pipeline.motion.rates import mean_rates, similarity
from pipeline.motion.sampling_grid import displaced, middles
from pipeline.motion.velocity import bends, field, rate_bound, sources

MIN_SAMPLES_PER_SECOND = 24.0
Shake = tuple[float, float, float]
STEADY = (0.0, 0.0, 0.0)


@dataclass(frozen=True)
class Camera:
    """Moves the canvas from frame to frame. ``rates`` are those at a frame number, which may be fractional."""

    rates: Callable[[float], CameraRates]
    fps: float

    def move(self, canvas: Tensor, index: int) -> Tensor:
        """The canvas of frame ``index`` − 1 as the camera sees it in frame ``index``."""
        steps = max(1, round(MIN_SAMPLES_PER_SECOND / self.fps))  # frames of a sketch are far apart
        samples = [self.rates(max(index - 1 + step / steps, 0)) for step in range(steps + 1)]
        return move(canvas, mean_rates(samples), 1 / self.fps, samples[0].shake)

    def fold(self, canvas: Tensor, mirror: str, index: int) -> Tensor:
        """The canvas of frame ``index`` in its mirrors."""
        return fold(canvas, mirror, self.rates(index).symmetry)


def move(canvas: Tensor, rates: CameraRates, seconds: float, shake_before: Shake = STEADY) -> Tensor:
    """Canvas ``(1, 3, H, W)`` → the canvas that the camera sees ``seconds`` later, in one bicubic resample.

    The hand was at ``shake_before`` and is at ``rates.shake``. Outside the canvas is its mirror image.
    """
    if bends(rates) or {rates.shake, shake_before} != {STEADY}:
        grid = bent_grid(canvas, rates, seconds, shake_before)
    else:
        turn, shift = similarity(rates, (canvas.shape[3], canvas.shape[2]), seconds)
        if turn == 1 and shift == 0:
            return canvas
        grid = sampling_grid(turn, shift, rates.center, canvas)
    return F.grid_sample(canvas, grid, mode="bicubic", padding_mode="reflection", align_corners=False)


def sampling_grid(turn: complex, shift: complex, center: tuple[float, float], canvas: Tensor) -> Tensor:
    """Where each pixel is sampled from: ``(1, H, W, 2)`` in [-1, 1] as in ``grid_sample``."""
    height, width = canvas.shape[2:]
    fixed = complex((center[0] - 0.5) * width, (center[1] - 0.5) * height)
    # A point at p from the middle of the frame comes from p + more·p + offset; complex x + iy in pixels.
    more = 1 / turn - 1
    offset = fixed - (fixed + shift) / turn
    columns, rows = middles(canvas)
    # In halves of the frame. Scalars go with the kernel launch, in float64 until there.
    right = columns * more.real + (rows * (-more.imag * height / width) + offset.real * 2 / width)
    down = columns * (more.imag * width / height) + (rows * more.real + offset.imag * 2 / height)
    return displaced(canvas, right, down)


def bent_grid(canvas: Tensor, rates: CameraRates, seconds: float, shake_before: Shake = STEADY) -> Tensor:
    """Where each pixel is sampled from, as ``sampling_grid``, in a move that bends the picture or shakes.

    Backward: out of the hand's place now, along the flow, into the hand's place before.
    """
    height, width = canvas.shape[2:]
    x, y = pixels(canvas)
    now = cmath.exp(-1j * math.radians(rates.shake[2]))
    right, down = _turned(x, y, now, -complex(*rates.shake[:2]) * min(width, height) * now)
    way = sources(x + right, y + down, field(rates, (width, height)), seconds, rate_bound(rates))
    right, down = right + way[0], down + way[1]
    before = cmath.exp(1j * math.radians(shake_before[2]))
    back = _turned(x + right, y + down, before, complex(*shake_before[:2]) * min(width, height))
    return displaced(canvas, (right + back[0]) * (2 / width), (down + back[1]) * (2 / height))


def _turned(x: Tensor, y: Tensor, turn: complex, shift: complex) -> tuple[Tensor, Tensor]:
    """(right, down) from points at (x, y), as complex numbers p, to ``turn · p + shift``."""
    more = turn - 1
    return more.real * x - more.imag * y + shift.real, more.imag * x + more.real * y + shift.imag
