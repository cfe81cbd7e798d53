"""Looks colours up in a table: linear in one dimension, tetrahedral in three, which keeps greys grey."""

import torch
from torch import Tensor

from pipeline.color.cube import Cube


class Lut:
    """A look-up table on ``device``."""

    def __init__(self, cube: Cube, device: torch.device) -> None:
        self._dimensions, self._size = cube.dimensions, cube.size
        self._rows = torch.from_numpy(cube.rows).to(device)
        low, high = torch.from_numpy(cube.domain).to(device).view(2, 1, 3, 1, 1)
        self._low, self._scale = low, (cube.size - 1) / (high - low)
        powers = (1, cube.size, cube.size**2) if cube.dimensions == 3 else (1, 1, 1)
        self._strides = torch.tensor(powers, device=device)

    def __call__(self, frame: Tensor) -> Tensor:
        """``(1, 3, H, W)`` in [0, 1] → the same, looked up."""
        place = ((frame - self._low) * self._scale).clamp(0, self._size - 1)
        base = place.floor().clamp(max=self._size - 2)
        lookup = self._tetrahedral if self._dimensions == 3 else self._linear
        return lookup(base.long(), place - base).clamp(0, 1)

    def _linear(self, base: Tensor, rest: Tensor) -> Tensor:
        table = self._rows.T[None]
        below, above = (table.gather(2, (base + one).flatten(2)).view(rest.shape) for one in (0, 1))
        return torch.lerp(below, above, rest)

    def _tetrahedral(self, base: Tensor, rest: Tensor) -> Tensor:
        """From the lowest corner of the cell to the highest, one axis at a time, the largest remainder first."""
        rest, order = rest.sort(dim=1, descending=True)
        index = (base * self._strides.view(1, 3, 1, 1)).sum(dim=1)
        result = self._rows[index] * (1 - rest[:, 0])[..., None]
        for axis in range(3):
            index = index + self._strides[order[:, axis]]
            weight = rest[:, axis] - rest[:, axis + 1] if axis < 2 else rest[:, axis]
            result += self._rows[index] * weight[..., None]
        return result.permute(0, 3, 1, 2).contiguous()
