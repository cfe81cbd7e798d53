"""What is shown of a canvas, where that is not the canvas itself: a dome, two eyes. Nothing of it is fed back."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from pipeline.config import CameraRates, FrameConfig
from pipeline.image import resize
from pipeline.motion.camera import bent_grid
from pipeline.motion.relief import nearness
from pipeline.projection.sphere import sample


@dataclass(frozen=True)
class DomeView:
    """The upper half of a sphere as a fulldome master: the zenith in the middle, what is ahead at the lower edge of the
    circle, angles in proportion to the distance from the middle.
    """

    side: int

    def __call__(self, frame: Tensor, rates: CameraRates) -> Tensor:
        """An equirectangular frame ``(1, 3, H, W)`` → ``(1, 3, side, side)``, black around the circle."""
        places = torch.arange(self.side, device=frame.device, dtype=frame.dtype) * 2 + (1 - self.side)
        across = (places / self.side).expand(self.side, self.side)
        down = across.T
        radius = torch.hypot(across, down)
        angle = radius * (math.pi / 2)
        outward = angle.sin() / radius.clamp(min=1e-6)
        dome = sample(frame, (across * outward, -angle.cos(), down * outward))
        edge = ((1 - radius) * (self.side / 2)).clamp(0, 1)  # one pixel soft
        return dome.clamp(0, 1) * edge


@dataclass(frozen=True)
class StereoView:
    """The frame as two eyes see its relief, half as wide side by side or half as high one above the other.

    ``eyes`` is their distance in frame widths at the middle distance, where the screen is.
    """

    layout: str
    eyes: float
    depth: Callable[[Tensor], Tensor] = nearness

    def __call__(self, frame: Tensor, rates: CameraRates) -> Tensor:
        """A frame ``(1, 3, H, W)`` → one of the same size with both views, the left eye's first."""
        height, width = frame.shape[2:]
        near = (rates.relief * self.depth(frame)).exp()
        half = (height, width // 2) if self.layout == "side_by_side" else (height // 2, width)
        views = []
        for side in (-0.5, 0.5):
            shift = side * self.eyes
            # The eye moves aside and the picture back, so that the middle distance stays in place.
            move = CameraRates(truck=shift, pan=(-shift, 0.0))
            grid = bent_grid(frame, move, 1.0, near=near)
            eye = F.grid_sample(frame, grid, mode="bicubic", padding_mode="reflection", align_corners=False)
            views.append(resize(eye.clamp(0, 1), half))
        return torch.cat(views, 3 if self.layout == "side_by_side" else 2)


View = DomeView | StereoView


def view_of(frame: FrameConfig, height: int, depth: Callable[[Tensor], Tensor] = nearness) -> View | None:
    """What is shown instead of the canvas, if anything, in ``height`` pixels; ``depth`` as of a ``Camera``."""
    if frame.projection == "dome":
        return DomeView(height)
    return StereoView(frame.stereo, frame.eyes, depth) if frame.stereo != "none" else None
