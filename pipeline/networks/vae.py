"""Class-conditional variational autoencoder: pictures to latent points and back.

The decoder starts from a 4×4 map and doubles it with 3×3 convolutions; the last doubling is a pixel shuffle. A style
vector, made from the latent point and the class, scales and shifts every map, and every class has maps of its own at
two sizes, which are learned (as StyleGAN's constant is, but one for each class). Classes come as weights that sum to 1,
so the generator also has what lies between an owl and a rose.
"""

import math
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pipeline.networks.generator import Generator
from pipeline.networks.generator_header import Shape

WIDTHS = {4: 160, 8: 128, 16: 64, 32: 40, 64: 24, 128: 16}
"""Channels of the maps of each side."""
CLASS_MAPS = {8: 48, 32: 6}
"""Learned maps of each class, by their side; small generators have the largest that fits."""
STYLE = 128


class Stage(nn.Module):
    """Doubles a map: ``(N, i, H, W) → (N, o, 2H, 2W)``, styled."""

    def __init__(self, side: int, classes: int) -> None:
        super().__init__()
        width = WIDTHS[side]
        self.conv = nn.Conv2d(WIDTHS[side // 2], width, 3, padding=1, padding_mode="reflect")
        self.style = nn.Linear(STYLE, 2 * width)
        count = CLASS_MAPS.get(side, 0)
        self.maps = nn.Parameter(torch.randn(classes, count, side, side) * 0.5) if count else None
        self.mix = nn.Conv2d(count, width, 1) if count else None

    def forward(self, x: Tensor, style: Tensor, weights: Tensor) -> Tensor:
        x = self.conv(F.interpolate(x, scale_factor=2, mode="nearest"))
        if self.maps is not None and self.mix is not None:
            x = x + self.mix((weights @ self.maps.flatten(1)).view(-1, *self.maps.shape[1:]))
        scale, shift = self.style(style)[..., None, None].chunk(2, dim=1)
        return F.silu(x * (1 + scale) + shift)


class Decoder(nn.Module):
    """Latent points ``(N, latent)`` and class weights ``(N, classes)`` → RGB ``(N, 3, size, size)`` in [0, 1]."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.classes = nn.Linear(shape.classes, STYLE, bias=False)
        self.point = nn.Linear(shape.latent, STYLE)
        self.base = nn.Linear(STYLE, WIDTHS[4] * 16)
        sides = [8 << n for n in range(int(math.log2(shape.size)) - 3)]
        self.stages = nn.ModuleList(Stage(side, shape.classes) for side in sides)
        self.last = nn.Conv2d(WIDTHS[shape.size // 2], 12, 3, padding=1, padding_mode="reflect")
        nn.init.normal_(self.classes.weight, std=1.0)

    def forward(self, z: Tensor, weights: Tensor) -> Tensor:
        style = F.silu(self.point(z) + self.classes(weights))
        x = F.silu(self.base(style)).view(-1, WIDTHS[4], 4, 4)
        for stage in self.stages:
            x = stage(x, style, weights)
        return torch.sigmoid(F.pixel_shuffle(self.last(x), 2).float())


class Encoder(nn.Module):
    """RGB ``(N, 3, size, size)`` in [0, 1] and class weights → mean and log variance ``(N, latent)``."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        widths = [3, *(WIDTHS[4] >> n for n in reversed(range(int(math.log2(shape.size)) - 2)))]
        self.convs = nn.ModuleList(nn.Conv2d(i, o, 3, stride=2, padding=1) for i, o in pairwise(widths))
        self.head = nn.Linear(widths[-1] * 16, 2 * shape.latent)
        self.classes = nn.Linear(shape.classes, 2 * shape.latent, bias=False)

    def forward(self, x: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
        x = (x - 0.5) * 4
        for conv in self.convs:
            x = F.silu(conv(x))
        mean, log_variance = (self.head(x.flatten(1)) + self.classes(weights)).float().chunk(2, dim=1)
        return mean, log_variance.clamp(-10, 4)


class Autoencoder(Generator):
    """Encoder and decoder, with the mean and deviation of each class's latent points.

    ``noise`` is standard normal: ``point`` moves it to where the pictures of a class lie. Samples from there look like
    pictures; the prior's own also fall between them (ex-post density estimation, Ghosh et al. 2020).
    """

    encoding = "encoder."
    centre: Tensor
    spread: Tensor
    error: Tensor

    def __init__(self, shape: Shape) -> None:
        super().__init__(shape)
        self.encoder, self.decoder = Encoder(shape), Decoder(shape)
        self.register_buffer("centre", torch.zeros(shape.classes, shape.latent))
        self.register_buffer("spread", torch.ones(shape.classes, shape.latent))
        self.register_buffer("error", torch.ones(()))  # mean absolute error of a pixel: the Laplace likelihood's scale

    def point(self, noise: Tensor, weights: Tensor) -> Tensor:
        """The latent point ``(N, latent)`` of standard normal noise and class weights."""
        return weights @ self.centre + weights @ self.spread * noise

    def forward(self, noise: Tensor, weights: Tensor) -> Tensor:
        picture: Tensor = self.decoder(self.point(noise, weights), weights)
        return picture

    def invert(self, picture: Tensor, weights: Tensor) -> Tensor:
        mean, _ = self.encoder(picture, weights)
        noise: Tensor = (mean - weights @ self.centre) / (weights @ self.spread)
        return noise
