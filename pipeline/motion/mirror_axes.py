"""The axes in which the picture is mirrored, beyond which a camera uncovers what it has never shown.

An axis starts at a border and then moves along with the picture, as the camera says. So what comes in at the border
is one whole mirror image, whatever the speed. A mirror fixed at the border would repeat its pixel in every frame.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

MAX_DEPTH = 0.7  # of half the frame: deeper inside, an axis starts at the border again
MAX_SLANT = 0.4  # more would shear the picture
GOLDEN = (math.sqrt(5) - 1) / 2

Ways = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]
"""Places (x, y) in halves of the frame → how far right and down, in the same unit, the picture moves there."""


@dataclass(frozen=True)
class MirrorAxes:
    """How far inside the borders the axes lie, in halves of the frame: ``depths`` ``(4, 3)`` in float64, on the CPU.

    Sides are left, right, top, bottom; on each the axis has a place at the beginning, middle and end. ``starts``
    ``(4,)`` counts how often each has started at its border.
    """

    depths: Tensor
    starts: Tensor

    @classmethod
    def at_borders(cls, number: int = 0) -> "MirrorAxes":
        """All axes at their borders. ``number``: as if they had started so often."""
        return cls(torch.zeros(4, 3, dtype=torch.float64), torch.full((4,), number))

    def slant(self, side: int) -> float:
        """How far along the border this side mirrors, relative to across it: mirrors of mirrors do not line up."""
        return MAX_SLANT * (math.modf((int(self.starts[side]) + side / 2) * GOLDEN)[0] * 2 - 1)

    def moved(self, ways: Ways) -> "MirrorAxes":
        """The axes after one move of the camera."""
        inward, along = torch.tensor([[1.0], [-1.0]]).double(), torch.tensor([-1.0, 0.0, 1.0]).double().expand(2, 3)
        across = inward * (self.depths.view(2, 2, 3) - 1)
        right, down = ways(torch.cat([across[0], along]), torch.cat([along, across[1]]))
        step = inward.repeat(2, 1) * torch.cat([right[:2], down[2:]])
        step -= torch.gradient(self.depths, dim=1)[0] * torch.cat([down[:2], right[2:]])  # inclined axes slide along
        depths = (self.depths + step).clamp(min=0)
        deepest = depths.amax(1)
        starts = (deepest > MAX_DEPTH) | (deepest == 0) & (self.depths.amax(1) > 0)
        return MirrorAxes(depths.masked_fill(starts[:, None], 0), self.starts + starts)
