"""A Helmholtz machine: layers of stochastic binary units, a generative network down and a recognition network up.

Dayan, Hinton, Neal and Zemel, *The Helmholtz machine*, 1995. The top layer is a row of units; those below are maps that
double down to a quarter of the picture's side. Every layer is drawn from the one above (generative) or below
(recognition); classes bias each of them. Pictures are a Laplace distribution around what the lowest maps draw.
"""

import math
from functools import cache
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pipeline.networks.generator import Generator
from pipeline.networks.generator_header import Shape

UNITS = {16: 12, 8: 16, 4: 32}
"""Binary units at each place of a map, by the map's side."""
WIDTH = 64  # channels between two layers
CLASS_GAIN = 8.0  # of the classes' own weights: each class comes rarely, so its steps are large
TEMPERATURE = 0.3  # of the units in films: they turn from 0 to 1 in passing, where in training they jump


def map_sides(size: int) -> list[int]:
    """The sides of the maps below the top units, from 4 to a quarter of the picture's (8 to 64 pixels)."""
    return [side for side in sorted(UNITS) if side <= max(4, size // 4)]


class Conv(nn.Sequential):
    """3×3 convolutions between two layers, ``steps`` after the first ones to scale the map, and a 1×1 to ``out``."""

    def __init__(self, widths: list[int], steps: list[nn.Module], out: int) -> None:
        parts: list[nn.Module] = []
        for number, (i, o) in enumerate(pairwise(widths)):
            parts += [nn.Conv2d(i, o, 3, padding=1), nn.SiLU()]
            parts += steps[number : number + 1]
        super().__init__(*parts, nn.Conv2d(widths[-1], out, 1))


class Down(nn.Module):
    """The units of a layer and class weights → the logits of the layer below, ``(N, units, side, side)``."""

    def __init__(self, above: int | None, side: int, shape: Shape) -> None:
        super().__init__()
        units = UNITS[side]
        self.from_top = nn.Linear(shape.latent, WIDTH * side * side) if above is None else None
        doubling: list[nn.Module] = [nn.Upsample(scale_factor=2)] if above else []
        self.conv = Conv([above or WIDTH, *[WIDTH] * (1 + len(doubling))], doubling, units)
        self.maps = nn.Parameter(torch.zeros(shape.classes, units, side, side))

    def forward(self, x: Tensor, weights: Tensor) -> Tensor:
        if self.from_top is not None:
            side = self.maps.shape[-1]
            x = F.silu(self.from_top(x - 0.5)).view(-1, WIDTH, side, side)
        else:
            x = x - 0.5
        bias = CLASS_GAIN * (weights @ self.maps.flatten(1)).view(-1, *self.maps.shape[1:])
        logits: Tensor = self.conv(x) + bias
        return logits


class Up(nn.Module):
    """A layer (or the picture) and class weights → the logits of the layer above: maps, or a row of top units."""

    def __init__(self, below: int, side: int, above: int, halvings: int, shape: Shape) -> None:
        super().__init__()
        widths = [below, *[WIDTH // 2, WIDTH, WIDTH][-1 - halvings :]]
        self.conv = Conv(widths, [nn.AvgPool2d(2) for _ in range(halvings)], WIDTH if not halvings else above)
        self.head = None if halvings else nn.Linear(WIDTH * side * side, above)
        self.classes = nn.Linear(shape.classes, above, bias=False)
        nn.init.zeros_(self.classes.weight)

    def forward(self, x: Tensor, weights: Tensor) -> Tensor:
        x, bias = self.conv(x), CLASS_GAIN * self.classes(weights)
        logits: Tensor = x + bias[..., None, None] if self.head is None else self.head(F.silu(x).flatten(1)) + bias
        return logits


class HelmholtzMachine(Generator):
    """Layers are listed from the top units ``(N, latent)`` down to the lowest map."""

    encoding = "ups."
    error: Tensor

    def __init__(self, shape: Shape) -> None:
        super().__init__(shape)
        sides = map_sides(shape.size)
        self.layer_shapes = [(shape.latent,), *((UNITS[side], side, side) for side in sides)]
        self.top = nn.Linear(shape.classes, shape.latent, bias=False)
        above = [None, *(UNITS[side] for side in sides[:-1])]
        self.downs = nn.ModuleList(Down(units, side, shape) for units, side in zip(above, sides, strict=True))
        doublings = round(math.log2(shape.size / sides[-1]))
        widths = [UNITS[sides[-1]], *[WIDTH, WIDTH // 2, WIDTH // 2][-doublings - 1 :]]
        self.draw = Conv(widths, [nn.Upsample(scale_factor=2) for _ in range(doublings)], 3)
        self.paint = nn.Parameter(torch.zeros(shape.classes, 3, 8, 8))
        ups = [Up(3, sides[-1], UNITS[sides[-1]], doublings, shape)]
        ups += [Up(UNITS[low], high, UNITS[high], 1, shape) for high, low in pairwise(sides)][::-1]
        self.ups = nn.ModuleList([*ups, Up(UNITS[sides[0]], sides[0], shape.latent, 0, shape)])
        self.register_buffer("error", torch.ones(()))  # mean absolute error of a pixel: the Laplace likelihood's scale

    def _prior(self, weights: Tensor) -> Tensor:
        logits: Tensor = CLASS_GAIN * self.top(weights)
        return logits

    def picture(self, lowest: Tensor, weights: Tensor) -> Tensor:
        """The mean picture of the lowest map."""
        bias = CLASS_GAIN * (weights @ self.paint.flatten(1)).view(-1, *self.paint.shape[1:])
        bias = F.interpolate(bias, size=(self.shape.size,) * 2, mode="bilinear", align_corners=False)
        picture: Tensor = torch.sigmoid((self.draw(lowest - 0.5) + bias).float())
        return picture

    def dream(self, noise: list[Tensor], weights: Tensor) -> tuple[list[Tensor], Tensor]:
        """Sleep: units drawn from the top down by standard normal ``noise`` for each layer, and their mean picture."""
        layers = [_fire(self._prior(weights), noise[0])]
        for down, own in zip(self.downs, noise[1:], strict=True):
            layers.append(_fire(down(layers[-1], weights), own))
        return layers, self.picture(layers[-1], weights)

    def recognise(self, picture: Tensor, weights: Tensor, noise: list[Tensor]) -> list[Tensor]:
        """Wake: the units of all layers, drawn from the picture up."""
        layers: list[Tensor] = []
        x = _centred(picture)
        for up, own in zip(self.ups, reversed(noise), strict=True):
            layers.insert(0, _fire(up(x, weights), own))
            x = layers[0] - 0.5
        return layers

    def log_joint(self, picture: Tensor, layers: list[Tensor], weights: Tensor) -> tuple[Tensor, Tensor]:
        """log p(picture, layers) in nats ``(N,)`` under the generative network, and the mean absolute error."""
        total = _log_probability(self._prior(weights), layers[0])
        for down, above, own in zip(self.downs, layers, layers[1:], strict=False):
            total = total + _log_probability(down(above, weights), own)
        errors = (self.picture(layers[-1], weights) - picture).abs().flatten(1)
        nats = errors.sum(1) / self.error + errors.shape[1] * torch.log(2 * self.error)
        return total - nats, errors.mean().detach()

    def log_recognition(self, picture: Tensor, layers: list[Tensor], weights: Tensor) -> Tensor:
        """log q(layers | picture) in nats ``(N,)`` under the recognition network."""
        total = torch.zeros(len(picture), device=picture.device)
        x = _centred(picture)
        for up, own in zip(self.ups, reversed(layers), strict=True):
            total = total + _log_probability(up(x, weights), own)
            x = own - 0.5
        return total

    def forward(self, noise: Tensor, weights: Tensor) -> Tensor:
        """Units follow ``noise`` softly; maps get theirs from it by a fixed random projection. Zero: the likeliest."""
        layer = _soft(self._prior(weights), noise)
        for number, down in enumerate(self.downs):
            shape = self.layer_shapes[number + 1]
            projection = _projection(noise.shape[1], math.prod(shape), number).to(noise)
            layer = _soft(down(layer, weights), (noise @ projection).view(-1, *shape))
        return self.picture(layer, weights)

    def invert(self, picture: Tensor, weights: Tensor) -> Tensor:
        x = _centred(picture)
        for up in self.ups:
            logits = up(x, weights)
            x = torch.sigmoid(logits / TEMPERATURE) - 0.5
        noise: Tensor = (
            torch.special.ndtri(torch.sigmoid((logits - self._prior(weights)).double())).float().clamp(-3, 3)
        )
        return noise


def _centred(picture: Tensor) -> Tensor:
    return (picture - 0.5) * 4


def _logistic(noise: Tensor) -> Tensor:
    """Standard normal noise → logistic noise; a unit is on where logit + noise > 0."""
    logistic: Tensor = torch.special.log_ndtr(noise) - torch.special.log_ndtr(-noise)
    return logistic


def _fire(logits: Tensor, noise: Tensor) -> Tensor:
    return (logits.detach() + _logistic(noise) > 0).float()


def _soft(logits: Tensor, noise: Tensor) -> Tensor:
    """The concrete distribution (Maddison et al. 2017): the same units, turning smoothly with the noise."""
    return torch.sigmoid((logits + _logistic(noise)) / TEMPERATURE)


def _log_probability(logits: Tensor, units: Tensor) -> Tensor:
    return -F.binary_cross_entropy_with_logits(logits.float(), units, reduction="none").flatten(1).sum(1)


@cache
def _projection(latent: int, units: int, seed: int) -> Tensor:
    """``(latent, units)``: independent noise to noise that is nearly independent, of deviation 1."""
    matrix = torch.randn(latent, units, generator=torch.Generator().manual_seed(seed))
    return F.normalize(matrix, dim=0)
