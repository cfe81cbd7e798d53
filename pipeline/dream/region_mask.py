"""Masks of regions: the pixels of the frame that a target may change, with soft edges."""

from collections.abc import Mapping, Sequence
from functools import lru_cache

import torch
import torch.nn.functional as F
from torch import Tensor

from pipeline.image import REC709
from pipeline.targets.region import Region
from pipeline.targets.target import Target, TargetWeights
from pipeline.timing.smoothstep import smoothstep

EDGE = 0.1  # of the frame's short side, over which a mask goes from 1 to 0
DRAWN_SIDE = 64  # pixels of the short side at which a mask from a file is read and blurred: its edges become soft
CENTER_SIZE = 0.6  # of the frame's width and height


class RegionMasks:
    """Draws regions at any size. ``pictures`` are the drawn masks by file, ``(1, 3, h, w)`` in [0, 1]."""

    def __init__(self, pictures: Mapping[str, Tensor]) -> None:
        self._drawn = {file: _grey(picture) for file, picture in pictures.items()}
        self._cached = lru_cache(maxsize=64)(self._compute)

    def draw(self, region: Region, size: tuple[int, int], device: torch.device) -> Tensor:
        """The mask ``(1, 1, *size)`` in [0, 1]: 1 inside the region."""
        return self._cached(region, size, str(device))

    def cover(
        self, octaves: Sequence[Mapping[Target, float]], size: tuple[int, int], device: torch.device
    ) -> Tensor | None:
        """What the targets of these octaves may change: ``(1, 1, *size)`` in [0, 1], or None for everything."""
        if all(set(by_region(weights)) <= {None} for weights in octaves):
            return None
        whole = torch.zeros(1, 1, *size, device=device)
        for weights in octaves:
            covered = torch.zeros_like(whole)
            for region, targets in by_region(weights).items():
                total = sum(abs(weight) for weight in targets.values())
                covered = covered + total * (1.0 if region is None else self.draw(region, size, device))
            whole = torch.maximum(whole, covered.clamp(max=1.0))
        return whole

    def _compute(self, region: Region, size: tuple[int, int], device: str) -> Tensor:
        if region.shape == "file":
            inside = F.interpolate(self._drawn[region.file], size=size, mode="bilinear", antialias=True)
        else:
            inside = smoothstep((_distance(region, size) / EDGE + 0.5).clamp(0, 1))[None, None]
        return (1 - inside if region.inverted else inside).to(device)


def by_region(targets: Mapping[Target, float]) -> dict[Region | None, TargetWeights]:
    """The weighted targets of each region; None is the whole frame."""
    groups: dict[Region | None, TargetWeights] = {}
    for target, weight in targets.items():
        groups.setdefault(target.region, {})[target] = weight
    return groups


def _distance(region: Region, size: tuple[int, int]) -> Tensor:
    """The distance ``(h, w)`` of each pixel inside the region from its edge, in short sides; negative outside."""
    height, width = size
    short = min(size)
    x = (torch.arange(width) + 0.5)[None, :] / width
    y = (torch.arange(height) + 0.5)[:, None] / height
    if region.shape == "circle":
        middle_x, middle_y, radius = region.circle
        return radius - torch.hypot((x - middle_x) * width / short, (y - middle_y) * height / short)
    if region.shape == "center":
        return (CENTER_SIZE - torch.hypot(2 * x - 1, 2 * y - 1)) / 2
    distance = {"left": 0.5 - x, "right": x - 0.5, "top": 0.5 - y, "bottom": y - 0.5}[region.shape]
    side = width if region.shape in ("left", "right") else height
    return (distance * (side / short)).expand(height, width)


def _grey(picture: Tensor) -> Tensor:
    """A mask from a file, ``(1, 3, h, w)`` → ``(1, 1, h', w')`` with a short side of at most ``DRAWN_SIDE``."""
    grey = (picture * torch.tensor(REC709).view(1, 3, 1, 1)).sum(dim=1, keepdim=True)
    factor = min(1.0, DRAWN_SIDE / min(grey.shape[2:]))
    size = [max(1, round(side * factor)) for side in grey.shape[2:]]
    small = F.interpolate(grey, size=size, mode="bilinear", antialias=True).clamp(0, 1)
    return F.avg_pool2d(F.pad(small, (1, 1, 1, 1), mode="replicate"), 3, stride=1)
