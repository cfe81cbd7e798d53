"""Masks: which pixels of the frame a region lets dream, with soft edges."""

from collections.abc import Mapping, Sequence
from functools import lru_cache

import torch
import torch.nn.functional as F
from torch import Tensor

from pipeline.image import REC709
from pipeline.targets.region import Region
from pipeline.targets.target import Target, TargetWeights
from pipeline.timing.smoothstep import smoothstep

EDGE = 0.1  # of the frame's short side, over which a mask goes from all to nothing
FEATHER = 64  # pixels on the short side at which a drawn mask is read and blurred over three: its edges become soft
CENTER = 0.6  # of the frame's width and height


class Masks:
    """Draws regions at any size. ``pictures`` are the drawn masks by file, ``(1, 3, h, w)`` in [0, 1]."""

    def __init__(self, pictures: Mapping[str, Tensor]) -> None:
        self._drawn = {file: _grey(picture) for file, picture in pictures.items()}
        self._cached = lru_cache(maxsize=64)(self._draw)

    def at(self, region: Region, size: tuple[int, int], device: torch.device) -> Tensor:
        """``(1, 1, *size)`` in [0, 1]: 1 where the region dreams."""
        return self._cached(region, size, str(device))

    def cover(
        self, sights: Sequence[Mapping[Target, float]], size: tuple[int, int], device: torch.device
    ) -> Tensor | None:
        """What these sights, one per octave, may change: ``(1, 1, *size)`` in [0, 1], or None for everything.

        Everything also when they name no region: then nothing is held back.
        """
        if all(set(by_region(sight)) <= {None} for sight in sights):
            return None
        whole = torch.zeros(1, 1, *size, device=device)
        for sight in sights:
            reached = torch.zeros_like(whole)
            for region, targets in by_region(sight).items():
                drive = sum(abs(weight) for weight in targets.values())
                reached = reached + drive * (1.0 if region is None else self.at(region, size, device))
            whole = torch.maximum(whole, reached.clamp(max=1.0))
        return whole

    def _draw(self, region: Region, size: tuple[int, int], device: str) -> Tensor:
        if region.shape == "file":
            inside = F.interpolate(self._drawn[region.file], size=size, mode="bilinear", antialias=True)
        else:
            inside = smoothstep((_depth(region, size) / EDGE + 0.5).clamp(0, 1))[None, None]
        return (1 - inside if region.inverted else inside).to(device)


def by_region(targets: Mapping[Target, float]) -> dict[Region | None, TargetWeights]:
    """The weighted targets of each region; None is the whole frame."""
    groups: dict[Region | None, TargetWeights] = {}
    for target, weight in targets.items():
        groups.setdefault(target.region, {})[target] = weight
    return groups


def _depth(region: Region, size: tuple[int, int]) -> Tensor:
    """How deep each pixel ``(h, w)`` lies within the region, in short sides of the frame; negative outside."""
    height, width = size
    short = min(size)
    x = (torch.arange(width) + 0.5)[None, :] / width
    y = (torch.arange(height) + 0.5)[:, None] / height
    if region.shape == "circle":
        middle_x, middle_y, radius = region.circle
        return radius - torch.hypot((x - middle_x) * width / short, (y - middle_y) * height / short)
    if region.shape == "center":
        return (CENTER - torch.hypot(2 * x - 1, 2 * y - 1)) / 2
    depth = {"left": 0.5 - x, "right": x - 0.5, "top": 0.5 - y, "bottom": y - 0.5}[region.shape]
    side = width if region.shape in ("left", "right") else height
    return (depth * (side / short)).expand(height, width)


def _grey(picture: Tensor) -> Tensor:
    """A drawing ``(1, 3, h, w)`` → ``(1, 1, h', w')`` with a short side of at most ``FEATHER``."""
    grey = (picture * torch.tensor(REC709).view(1, 3, 1, 1)).sum(dim=1, keepdim=True)
    factor = min(1.0, FEATHER / min(grey.shape[2:]))
    size = [max(1, round(side * factor)) for side in grey.shape[2:]]
    small = F.interpolate(grey, size=size, mode="bilinear", antialias=True).clamp(0, 1)
    return F.avg_pool2d(F.pad(small, (1, 1, 1, 1), mode="replicate"), 3, stride=1)
