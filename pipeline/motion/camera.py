"""The camera: an affine move of the canvas between two frames.

Zoom, rotation and pan are rates, integrated exactly: two moves of half the time equal one move. A change of frame rate
only changes smoothness.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor

from pipeline.cue import CameraRates
from pipeline.motion.rates import mean_rates, similarity
from pipeline.motion.sampling_grid import displaced, middles

MIN_SAMPLES_PER_SECOND = 24.0


@dataclass(frozen=True)
class Camera:
    """Moves the canvas from frame to frame. ``rates`` are those at a frame number, which may be fractional."""

    rates: Callable[[float], CameraRates]
    fps: float

    def move(self, canvas: Tensor, index: int) -> Tensor:
        """The canvas of frame ``index`` − 1 as the camera sees it in frame ``index``."""
        steps = max(1, round(MIN_SAMPLES_PER_SECOND / self.fps))  # frames of a sketch are far apart
        samples = [self.rates(max(index - 1 + step / steps, 0)) for step in range(steps + 1)]
        return move(canvas, mean_rates(samples), 1 / self.fps)


def move(canvas: Tensor, rates: CameraRates, seconds: float) -> Tensor:
    """Canvas ``(1, 3, H, W)`` → the canvas that the camera sees ``seconds`` later.

    One bicubic resample. Outside the canvas is its mirror image.
    """
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
