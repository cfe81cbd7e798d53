"""The latent point whose picture is nearest to a photograph: the encoder's estimate, then gradient descent."""

from math import inf, sqrt
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from pipeline.networks import motifnet
from pipeline.networks.generator import Generator

CLASSES_AT_ONCE = 64
STEPS = 120
RATE = 0.06  # of Adam, in deviations of the noise
REACH = 1.5  # times as far from the middle as pictures lie
MOTIFNET_PIXELS = 96  # side of the pictures that MotifNet compares
SCALES = (1, 2, 4, 8)  # pictures are compared at these fractions of their size


class Nearest(NamedTuple):
    """Noise ``(1, latent)`` and class weights ``(1, classes)`` with their picture ``(1, 3, S, S)``."""

    noise: Tensor
    weights: Tensor
    picture: Tensor


@torch.no_grad()
def nearest(net: Generator, square: Tensor, classes: Tensor, reach: float) -> Nearest:
    """The encoder's estimate for ``square`` ``(1, 3, S, S)`` among rows of class weights, within ``reach``."""
    best, error = Nearest(torch.zeros(1, net.shape.latent), classes[:1], square), inf
    for first in range(0, len(classes), CLASSES_AT_ONCE):
        part = classes[first : first + CLASSES_AT_ONCE]
        noise = _within(net.invert(square.expand(len(part), -1, -1, -1), part), reach)
        pictures = net(noise, part)
        errors = (pictures - square).abs().mean(dim=(1, 2, 3))
        index = int(errors.argmin())
        if float(errors[index]) < error:
            one = slice(index, index + 1)
            best, error = Nearest(noise[one], part[one], pictures[one]), float(errors[index])
    return best


def encode(net: Generator, square: Tensor, label: int | None = None, steps: int = STEPS) -> tuple[Tensor, Tensor]:
    """Noise ``(1, latent)`` and class weights ``(1, classes)`` whose picture is near to ``square`` ``(1, 3, S, S)``.

    It is of one class, ``label`` or the most similar one: mixtures that minimise errors of pixels are fog.
    """
    label = _most_similar_class(net, square) if label is None else label
    start = nearest(net, square, torch.eye(net.shape.classes)[[label]], REACH)
    noise, weights = start.noise.clone(), start.weights
    with torch.enable_grad():
        noise.requires_grad_(True)
        optimizer = torch.optim.Adam([noise], RATE)
        for _ in range(steps):
            difference = net(noise, weights) - square
            loss = torch.stack([F.avg_pool2d(difference, scale).abs().mean() for scale in SCALES]).sum()
            optimizer.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            with torch.no_grad():
                noise.copy_(_within(noise, REACH))
    return noise.detach(), weights


@torch.no_grad()
def _most_similar_class(net: Generator, square: Tensor) -> int:
    """The class as which the encoder's estimate of ``square`` is most like it to MotifNet, which knows shapes."""
    if net.shape.classes == 1:
        return 0
    network, distances = motifnet.load(), []

    def features(pictures: Tensor) -> Tensor:
        return network.features(F.interpolate(pictures, size=(MOTIFNET_PIXELS, MOTIFNET_PIXELS), mode="bilinear")).mean(
            dim=(2, 3)
        )

    for part in torch.split(torch.eye(net.shape.classes), CLASSES_AT_ONCE):
        noise = _within(net.invert(square.expand(len(part), -1, -1, -1), part), REACH)
        distances.append((features(net(noise, part)) - features(square)).abs().mean(dim=1))
    return int(torch.cat(distances).argmin())


def _within(noise: Tensor, reach: float) -> Tensor:
    """Noise no longer than ``reach`` times that of a typical sample."""
    limit = reach * sqrt(noise.shape[1])
    shorter: Tensor = noise * (limit / noise.norm(dim=1, keepdim=True).clamp(min=1e-6)).clamp(max=1)
    return shorter
