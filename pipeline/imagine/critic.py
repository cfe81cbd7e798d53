"""A GAN's critic, and the differentiable changes of pictures that keep it from learning few pictures by heart.

It looks at pixels and at the frozen features of MotifNet (a projected GAN, Sauer et al. 2021): features that know edges
and eyes from the start make few steps and few pictures enough.
"""

import math
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from pipeline.imagine.vae import drawn_features
from pipeline.networks.generator_header import Shape
from pipeline.networks.motifnet import WIDTHS

SLOPE = 0.2  # of the rectifiers below zero
WIDTH = 64  # channels of a head
MIN_SIDE = 32  # pixels that MotifNet needs
MAX_SHIFT = 1 / 8  # of the side
HOLE = 0.4  # of the side


class Head(nn.Module):
    """Maps ``(N, channels, s, s)`` and class weights → how real they look ``(N,)``, by place and by class."""

    def __init__(self, channels: int, side: int, classes: int) -> None:
        super().__init__()
        widths = [channels, *[WIDTH] * max(1, round(math.log2(side / 4)))]
        size, stride = (4, 2) if side > 4 else (3, 1)
        convs = [nn.Conv2d(i, o, size, stride, padding=1) for i, o in pairwise(widths)]
        self.convs = nn.ModuleList(map(spectral_norm, convs))
        self.real = spectral_norm(nn.Linear(WIDTH * 16, 1))
        self.classes = nn.Linear(classes, WIDTH * 16, bias=False)
        nn.init.normal_(self.classes.weight, std=0.02)

    def forward(self, x: Tensor, weights: Tensor) -> Tensor:
        for conv in self.convs:
            x = F.leaky_relu(conv(x), SLOPE)
        x = x.flatten(1)
        real: Tensor = self.real(x).squeeze(1) + (x * self.classes(weights)).sum(1)
        return real.float()


class Critic(nn.Module):
    """RGB ``(N, 3, S, S)`` in [0, 1] and class weights → how real each head finds them ``(heads, N)``.

    Classes count by projection (Miyato and Koyama 2018); weights have a spectral norm of 1.
    """

    def __init__(self, shape: Shape, device: torch.device) -> None:
        super().__init__()
        self._features, self._side = drawn_features(device), max(MIN_SIDE, shape.size)
        sides = [self._side // 2 ** (n + 1) for n in range(3)]
        heads = [Head(12, self._side // 2, shape.classes)]
        heads += [Head(width, side, shape.classes) for width, side in zip(WIDTHS, sides, strict=False)]
        self.heads = nn.ModuleList(heads)

    def look(self, x: Tensor) -> list[Tensor]:
        """The pixels, two by two, and MotifNet's maps."""
        if x.shape[-1] < self._side:
            x = F.interpolate(x, size=(self._side, self._side), mode="bilinear", align_corners=False)
        return [F.pixel_unshuffle(x * 2 - 1, 2), *self._features(x)]

    def forward(self, maps: list[Tensor], weights: Tensor) -> Tensor:
        return torch.stack([head(x, weights) for head, x in zip(self.heads, maps, strict=True)])


def augment(x: Tensor, generator: torch.Generator) -> Tensor:
    """DiffAugment (Zhao et al. 2020): brightness, saturation, contrast, a shift and a hole for each picture."""
    count, side = len(x), x.shape[-1]
    light, saturation, contrast = (
        torch.rand(3, count, 1, 1, 1, generator=generator) * torch.tensor([0.6, 1.6, 0.8]).view(3, 1, 1, 1, 1)
    ).to(x.device)
    x = x + light - 0.3
    grey = x.mean(1, keepdim=True)
    x = (x - grey) * (saturation + 0.2) + grey
    middle = x.mean(dim=(1, 2, 3), keepdim=True)
    x = (x - middle) * (contrast + 0.6) + middle
    reach = max(1, round(side * MAX_SHIFT))
    shifts = torch.randint(0, 2 * reach + 1, (count, 2), generator=generator).tolist()
    padded = F.pad(x, (reach,) * 4)
    x = torch.stack([p[:, top : top + side, left : left + side] for p, (top, left) in zip(padded, shifts, strict=True)])
    hole = round(side * HOLE)
    corners = torch.randint(-hole // 2, side - hole // 2, (count, 2, 1), generator=generator)
    inside = (torch.arange(side) >= corners) & (torch.arange(side) < corners + hole)
    cut = (inside[:, 0, :, None] & inside[:, 1, None, :])[:, None].to(x.device)
    return x.masked_fill(cut, 0.0)
