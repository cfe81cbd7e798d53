"""A generative adversarial network's generator: noise and classes to pictures, small enough for a CPU.

After FastGAN (Liu et al. 2021): maps double from 4×4, and small maps say which channels of large ones count (skip-layer
excitation). As in the autoencoder, a style vector scales and shifts every map, each class has maps of its own, and the
last doubling is a pixel shuffle. An encoder, which learns from the generator's own pictures, finds their noise.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pipeline.networks.generator import Generator
from pipeline.networks.generator_header import Shape
from pipeline.networks.vae import Encoder

WIDTHS = {4: 128, 8: 96, 16: 64, 32: 40, 64: 24, 128: 16}
"""Channels of the maps of each side."""
CLASS_MAPS = {4: 32, 8: 24, 32: 4}
"""Learned maps of each class, by their side."""
STYLE = 128
EXCITING = 8  # a map this many times smaller decides which channels count


class Block(nn.Module):
    """Doubles a map: ``(N, i, H, W) → (N, o, 2H, 2W)``, with unit length at each place before the style."""

    def __init__(self, side: int, classes: int) -> None:
        super().__init__()
        width, count = WIDTHS[side], CLASS_MAPS.get(side, 0)
        self.conv = nn.Conv2d(WIDTHS[side // 2], width, 3, padding=1)
        self.style = nn.Linear(STYLE, 2 * width)
        self.maps = nn.Parameter(torch.randn(classes, count, side, side)) if count else None
        self.mix = nn.Conv2d(count, width, 1) if count else None

    def forward(self, x: Tensor, style: Tensor, weights: Tensor) -> Tensor:
        x = self.conv(F.interpolate(x, scale_factor=2, mode="nearest"))
        if self.maps is not None and self.mix is not None:
            x = x + self.mix((weights @ self.maps.flatten(1)).view(-1, *self.maps.shape[1:]))
        x = x * torch.rsqrt(x.square().mean(1, keepdim=True) + 1e-6)
        scale, shift = self.style(style)[..., None, None].chunk(2, dim=1)
        return F.silu(x * (1 + scale) + shift)


class Excitation(nn.Module):
    """Skip-layer excitation: a small map → a weight for each channel of a large one."""

    def __init__(self, small: int, large: int) -> None:
        super().__init__()
        self.squeeze = nn.Conv2d(small, large, 4)
        self.excite = nn.Conv2d(large, large, 1)

    def forward(self, small: Tensor, large: Tensor) -> Tensor:
        gate = self.excite(F.silu(self.squeeze(F.adaptive_avg_pool2d(small, 4))))
        excited: Tensor = large * (2 * torch.sigmoid(gate))
        return excited


class Gan(Generator):
    """The generator and its encoder."""

    encoding = "encoder."

    def __init__(self, shape: Shape) -> None:
        super().__init__(shape)
        self.classes = nn.Linear(shape.classes, STYLE, bias=False)
        self.point = nn.Linear(shape.latent, STYLE)
        self.style = nn.Linear(STYLE, STYLE)
        self.base = nn.Linear(shape.latent, WIDTHS[4] * 16)
        self.maps = nn.Parameter(torch.randn(shape.classes, WIDTHS[4], 4, 4))
        sides = [8 << n for n in range(int(math.log2(shape.size)) - 3)]
        self.blocks = nn.ModuleList(Block(side, shape.classes) for side in sides)
        pairs = {side: side // EXCITING for side in sides if side // EXCITING >= 4}
        self.excitations = nn.ModuleDict({str(o): Excitation(WIDTHS[i], WIDTHS[o]) for o, i in pairs.items()})
        self.last = nn.Conv2d(WIDTHS[shape.size // 2], 12, 3, padding=1)
        with torch.no_grad():  # four equal pixels at first: no checkerboard
            self.last.weight.copy_(self.last.weight[::4].repeat_interleave(4, dim=0))
        self.encoder = Encoder(shape)
        nn.init.normal_(self.classes.weight, std=1.0)

    def forward(self, noise: Tensor, weights: Tensor) -> Tensor:
        style = F.silu(self.style(F.silu(self.point(noise) + self.classes(weights))))
        own = (weights @ self.maps.flatten(1)).view(-1, *self.maps.shape[1:])
        x = F.silu(self.base(noise).view(own.shape) + own)
        maps = {4: x}
        for block in self.blocks:
            x, side = block(x, style, weights), 2 * x.shape[-1]
            if str(side) in self.excitations:
                x = self.excitations[str(side)](maps[side // EXCITING], x)
            maps[side] = x
        return torch.sigmoid(F.pixel_shuffle(self.last(x), 2).float())

    def invert(self, picture: Tensor, weights: Tensor) -> Tensor:
        noise: Tensor = self.encoder(picture, weights)[0].clamp(-3, 3)
        return noise
