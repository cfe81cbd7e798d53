"""The camera: a move of the canvas between two frames, in one resample.

Zoom, rotation, pan, flight and what bends the picture are rates, integrated exactly: two moves of half the time equal
one move. A change of frame rate only changes smoothness.
"""

import cmath
import math
from collections.abc import Callable
from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor

from pipeline.config import CameraRates
from pipeline.motion.folds import fold, pixels
from pipeline.motion.rates import mean_rates, similarity
from pipeline.motion.relief import nearness
from pipeline.motion.sampling_grid import displaced, middles, mirror_onward, sample_mirrored
from pipeline.motion.velocity import STEADY, bends, field, flies, focal_length, rate_bound, sources

MIN_SAMPLES_PER_SECOND = 24.0
ROUNDS = 3  # in which the distance of the point that comes to a pixel is found: far below a tenth of a pixel


@dataclass(frozen=True)
class Camera:
    """Moves the canvas from frame to frame. ``rates`` are those at a frame number, which may be fractional.

    ``depth`` says how near the parts of a canvas are, in (-1, 1).
    """

    rates: Callable[[float], CameraRates]
    fps: float
    depth: Callable[[Tensor], Tensor] = nearness

    def move(self, canvas: Tensor, index: int) -> Tensor:
        """The canvas of frame ``index`` − 1 as the camera sees it in frame ``index``."""
        steps = max(1, round(MIN_SAMPLES_PER_SECOND / self.fps))  # frames of a sketch are far apart
        samples = [self.rates(max(index - 1 + step / steps, 0)) for step in range(steps + 1)]
        return self.moved(canvas, mean_rates(samples), samples[0], index)

    def moved(self, canvas: Tensor, rates: CameraRates, before: CameraRates, index: int) -> Tensor:
        """The canvas one frame later, at these mean rates."""
        return move(canvas, rates, 1 / self.fps, before, self.depth, index)

    def fold(self, canvas: Tensor, mirror: str, index: int) -> Tensor:
        """The canvas of frame ``index`` in its mirrors."""
        return fold(canvas, mirror, self.rates(index).symmetry)


def move(
    canvas: Tensor,
    rates: CameraRates,
    seconds: float,
    before: CameraRates = STEADY,
    depth: Callable[[Tensor], Tensor] = nearness,
    index: int = 1,
) -> Tensor:
    """Canvas ``(1, C, H, W)`` → the canvas that the camera sees ``seconds`` later, in one bicubic resample.

    The camera's hand and lens were as in ``before`` and are as in ``rates``. Outside the canvas is its mirror image,
    which goes on from frame to frame. ``index`` is that of the later one. The first three channels are its colours.
    """
    if bends(rates) or rates.fov != before.fov or {rates.shake, before.shake} != {STEADY.shake}:
        near = (rates.relief * depth(canvas[:, :3])).exp() if rates.relief and flies(rates) else None
        grid = bent_grid(canvas, rates, seconds, before, near)
    else:
        turn, shift = similarity(rates, (canvas.shape[3], canvas.shape[2]), seconds)
        if turn == 1 and shift == 0:
            return canvas
        grid = sampling_grid(turn, shift, rates.center, canvas)
    return sample_mirrored(canvas, mirror_onward(grid, index - 1))


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


def bent_grid(
    canvas: Tensor, rates: CameraRates, seconds: float, before: CameraRates = STEADY, near: Tensor | None = None
) -> Tensor:
    """Where each pixel is sampled from, as ``sampling_grid``, in a move that bends the picture, flies or shakes.

    Backward: out of the hand's place now, along the flow, into the hand's place before. ``near`` ``(1, 1, h, w)`` is
    1 / distance of the canvas; the distance of a point is that of where it comes from, which a few rounds find.
    """
    size, side = (canvas.shape[3], canvas.shape[2]), min(canvas.shape[2:])
    narrowing = math.log(focal_length(rates.fov) / focal_length(before.fov)) / seconds
    x, y = pixels(canvas)
    now, held = (cmath.exp(1j * math.radians(turn)) for turn in (-rates.shake[2], before.shake[2]))
    steady = _turned(x, y, now, -complex(*rates.shake[:2]) * side * now)

    def grid_of(near_there: Tensor | float) -> Tensor:
        velocity = field(rates, size, narrowing, near_there)
        way = sources(x + steady[0], y + steady[1], velocity, seconds, rate_bound(rates) + abs(narrowing))
        right, down = steady[0] + way[0], steady[1] + way[1]
        back = _turned(x + right, y + down, held, complex(*before.shake[:2]) * side)
        return displaced(canvas, (right + back[0]) * (2 / size[0]), (down + back[1]) * (2 / size[1]))

    grid = grid_of(1.0)
    for _ in range(ROUNDS if near is not None else 0):
        assert near is not None
        there = F.grid_sample(near, grid, mode="bilinear", padding_mode="reflection", align_corners=False)
        grid = grid_of(there[0, 0])
    return grid


def _turned(x: Tensor, y: Tensor, turn: complex, shift: complex) -> tuple[Tensor, Tensor]:
    """(right, down) from points at (x, y), as complex numbers p, to ``turn · p + shift``."""
    more = turn - 1
    return more.real * x - more.imag * y + shift.real, more.imag * x + more.real * y + shift.imag
