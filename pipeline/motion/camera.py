"""The camera: a move of the canvas between two frames, in one resample.

Zoom, rotation, pan, flight and what bends the picture are rates, integrated exactly: two moves of half the time equal
one move. A change of frame rate only changes smoothness.
"""

import cmath
import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from pipeline.config import CameraRates
from pipeline.image import separable
from pipeline.motion.folds import fold, pixels
from pipeline.motion.mirror_axes import MirrorAxes
from pipeline.motion.rates import mean_rates, similarity
from pipeline.motion.relief import nearness
from pipeline.motion.sampling_grid import displaced, middles, mirror_onward, sample_mirrored
from pipeline.motion.velocity import STEADY, bends, flies, focal_length, rate_bound, sources
from pipeline.motion.velocity import field as velocity_field

MIN_SAMPLES_PER_SECOND = 24.0
AXES_SECONDS = 10  # after which all mirror axes start at the borders again
ROUNDS = 3  # in which the distance of the point that comes to a pixel is found: far below a tenth of a pixel

Size = tuple[int, int]
"""Width and height in pixels."""


@dataclass(frozen=True)
class Camera:
    """Moves the canvas from frame to frame, ``fps`` times a second.

    ``rates`` are those at a frame number, which may be fractional. ``depth`` says how near the parts of a canvas are,
    in (-1, 1). A move covers ``stride`` frame numbers; the canvas of frame ``first`` is the first that moves. ``axes``
    holds the newest mirror axes by frame and size.
    """

    rates: Callable[[float], CameraRates]
    fps: float
    depth: Callable[[Tensor], Tensor] = nearness
    stride: int = 1
    first: int = 0
    axes: dict[tuple[int, Size], MirrorAxes] = field(default_factory=dict, compare=False, repr=False)

    def move(self, canvas: Tensor, index: int) -> Tensor:
        """The canvas of frame ``index`` − ``stride`` as the camera sees it in frame ``index``."""
        return self.moved(canvas, *self._rates(index), index)

    def moved(self, canvas: Tensor, rates: CameraRates, before: CameraRates, index: int) -> Tensor:
        """The canvas one move later, at these mean rates."""
        size = (canvas.shape[3], canvas.shape[2])
        earlier = index - self.stride
        axes = self._axes(earlier, size)
        later = _follow(axes, size, rates, before, 1 / self.fps)
        self.axes.clear()  # both are kept, since trails move once more
        self.axes.update({(earlier, size): axes, (index, size): later})
        return move(canvas, rates, 1 / self.fps, before, self.depth, axes)

    def _rates(self, index: int) -> tuple[CameraRates, CameraRates]:
        """The mean rates of the move to frame ``index``, and those where it begins."""
        steps = max(1, round(MIN_SAMPLES_PER_SECOND / self.fps))  # frames of a sketch are far apart
        samples = [self.rates(max(index - self.stride + self.stride * step / steps, 0)) for step in range(steps + 1)]
        return mean_rates(samples), samples[0]

    def _axes(self, index: int, size: Size) -> MirrorAxes:
        """The mirror axes of frame ``index``, whichever was the first that this process rendered.

        They start at the borders every ``AXES_SECONDS``, so a resumed film needs no more of its past.
        """
        period = max(1, round(AXES_SECONDS * self.fps * self.stride))
        start = max(self.first, index // period * period)
        known = max((frame for frame, of in self.axes if of == size and start < frame <= index), default=start)
        axes = self.axes[known, size] if known > start else MirrorAxes.at_borders(start)
        for frame in range(known + self.stride, index + 1, self.stride):
            axes = _follow(axes, size, *self._rates(frame), 1 / self.fps)
        return axes

    def fold(self, canvas: Tensor, mirror: str, index: int) -> Tensor:
        """The canvas of frame ``index`` in its mirrors."""
        return fold(canvas, mirror, self.rates(index).symmetry)


def move(
    canvas: Tensor,
    rates: CameraRates,
    seconds: float,
    before: CameraRates = STEADY,
    depth: Callable[[Tensor], Tensor] = nearness,
    axes: MirrorAxes | None = None,
) -> Tensor:
    """Canvas ``(1, C, H, W)`` → the canvas that the camera sees ``seconds`` later, in one bicubic resample.

    The camera's hand and lens were as in ``before`` and are as in ``rates``. Outside the canvas is its mirror image, in
    the ``axes`` or at its borders. The first three channels are its colours.
    """
    if _is_similarity(rates, before):
        turn, shift = similarity(rates, (canvas.shape[3], canvas.shape[2]), seconds)
        if turn == 1 and shift == 0:
            return canvas
        if turn.imag == 0 and separable.is_possible(canvas) and (axes is None or not axes.depths.any()):
            return _moved_straight(canvas, turn.real, shift, rates.center)
        grid = sampling_grid(turn, shift, rates.center, canvas)
    else:
        near = (rates.relief * depth(canvas[:, :3])).exp() if rates.relief and flies(rates) else None
        grid = bent_grid(canvas, rates, seconds, before, near)
    return sample_mirrored(canvas, grid if axes is None else mirror_onward(grid, axes))


def _moved_straight(canvas: Tensor, factor: float, shift: complex, center: tuple[float, float]) -> Tensor:
    """The canvas on a CPU after a similarity that does not turn it, as with ``sampling_grid``."""
    bands = []
    for side, middle, moved in zip(canvas.shape[2:], center[::-1], (shift.imag, shift.real), strict=True):
        fixed = middle * side - 0.5
        places = torch.arange(side, dtype=torch.float64)
        bands.append(separable.interpolated(fixed + (places - fixed - moved) / factor, side))
    return separable.resample(canvas, *bands)


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

    ``near`` ``(1, 1, h, w)`` is 1 / distance of the canvas; the distance of a point is that of where it comes from,
    which a few rounds find.
    """
    size = (canvas.shape[3], canvas.shape[2])

    def grid_of(near_there: Tensor | float) -> Tensor:
        right, down = bent_sources(*pixels(canvas), size, rates, seconds, before, near_there)
        return displaced(canvas, right * (2 / size[0]), down * (2 / size[1]))

    grid = grid_of(1.0)
    for _ in range(ROUNDS if near is not None else 0):
        assert near is not None
        there = F.grid_sample(near, grid, mode="bilinear", padding_mode="reflection", align_corners=False)
        grid = grid_of(there[0, 0])
    return grid


def bent_sources(
    x: Tensor,
    y: Tensor,
    size: Size,
    rates: CameraRates,
    seconds: float,
    before: CameraRates,
    near: Tensor | float = 1.0,
) -> tuple[Tensor, Tensor]:
    """(right, down) in pixels to where the points at (x, y) were before a move, in a frame of this size.

    Backward: out of the hand's place now, along the flow, into the hand's place before.
    """
    side, narrowing = min(size), math.log(focal_length(rates.fov) / focal_length(before.fov)) / seconds
    now, held = (cmath.exp(1j * math.radians(turn)) for turn in (-rates.shake[2], before.shake[2]))
    steady = _turned(x, y, now, -complex(*rates.shake[:2]) * side * now)
    velocity = velocity_field(rates, size, narrowing, near)
    way = sources(x + steady[0], y + steady[1], velocity, seconds, rate_bound(rates) + abs(narrowing))
    right, down = steady[0] + way[0], steady[1] + way[1]
    back = _turned(x + right, y + down, held, complex(*before.shake[:2]) * side)
    return right + back[0], down + back[1]


def _follow(axes: MirrorAxes, size: Size, rates: CameraRates, before: CameraRates, seconds: float) -> MirrorAxes:
    """The axes after a move of a frame of this size, as if all of it were at the middle distance."""
    width, height = size
    fixed = complex((rates.center[0] - 0.5) * width, (rates.center[1] - 0.5) * height)

    def ways(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        x, y = x * (width / 2), y * (height / 2)
        if _is_similarity(rates, before):
            turn, shift = similarity(rates, size, seconds)
            right, down = _turned(x, y, turn, fixed - turn * fixed + shift)
        else:  # back in time, from the hand and lens before
            start = replace(rates, shake=before.shake, fov=before.fov)
            right, down = bent_sources(x, y, size, start, -seconds, rates)
        return right * (2 / width), down * (2 / height)

    return axes.moved(ways)


def _is_similarity(rates: CameraRates, before: CameraRates) -> bool:
    return not bends(rates) and rates.fov == before.fov and rates.shake == before.shake == STEADY.shake


def _turned(x: Tensor, y: Tensor, turn: complex, shift: complex) -> tuple[Tensor, Tensor]:
    """(right, down) from points at (x, y), as complex numbers p, to ``turn · p + shift``."""
    more = turn - 1
    return more.real * x - more.imag * y + shift.real, more.imag * x + more.real * y + shift.imag
