"""The variational autoencoder's loss, and its evidence lower bound (ELBO) in bits per dimension.

Kingma and Welling 2014; β of Higgins et al. 2017; free bits of Kingma et al. 2016. The likelihood is a Laplace
distribution whose scale is the best one for each batch (σ-VAE, Rybkin et al. 2021), so no weight has to balance errors
against bits. To it come the same logarithms of errors on smaller pictures and on the features of MotifNet: fog is cheap
in pixels and dear in edges.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from pipeline.networks import motifnet
from pipeline.networks.generator import Generator

FLOOR = 1e-3  # of a mean absolute error, in [0, 1]
SCALES = (2, 4)  # pictures are also compared at these fractions of their size
Features = Callable[[Tensor], list[Tensor]]


@dataclass(frozen=True)
class Weights:
    """Weights of the loss's parts. ``free_bits`` are per latent number."""

    beta: float = 2.0
    free_bits: float = 0.05
    perceptual: float = 1.0


def drawn_features(device: torch.device) -> Features:
    """RGB ``(N, 3, H, W)`` in [0, 1], 32 pixels or more → the maps of MotifNet's first three stages."""
    net = motifnet.load().to(device)

    def features(x: Tensor) -> list[Tensor]:
        maps = [net.stage1((x - 0.5) * 4)]
        maps.append(net.stage2(maps[0]))
        maps.append(net.stage3(maps[1]))
        return maps

    return features


def loss(
    net: Generator, x: Tensor, weights: Tensor, draws: tuple[Tensor, Tensor], parts: Weights, features: Features | None
) -> tuple[Tensor, Tensor, Tensor]:
    """Nats per dimension to minimise, the mean absolute error, and the KL divergence in nats per picture.

    ``x`` are bytes in [0, 255]; ``draws`` uniform noise of their shape, which makes bytes continuous, and standard
    normal noise ``(N, latent)``.
    """
    pixels = (x + draws[0]) / 256
    mean, log_variance = net.encoder(pixels, weights)
    picture = net.decoder(mean + draws[1] * torch.exp(0.5 * log_variance), weights)
    error = (picture - pixels).abs().mean()
    total = _log(error)
    coarse = [_log(F.avg_pool2d(picture - pixels, scale).abs().mean()) for scale in SCALES]
    total = total + sum(coarse) / len(coarse)
    if features is not None and parts.perceptual:
        with torch.no_grad():
            goal = features(pixels)
        maps = zip(features(picture), goal, strict=True)
        total = total + parts.perceptual * sum(_log((a - b).abs().mean()) for a, b in maps) / len(goal)
    divergence = 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance)
    free = parts.free_bits * math.log(2)
    charge = divergence.mean(0).clamp(min=free).sum()
    dimensions = pixels[0].numel()
    return total + parts.beta * charge / dimensions, error.detach(), divergence.sum(1).mean().detach()


def bits_per_dimension(error: float, scale: float, divergence: float, dimensions: int) -> float:
    """The negative ELBO in bits per dimension of bytes: a Laplace likelihood of ``scale``, and the divergence in nats.

    ``error`` and ``scale`` are on [0, 1], whose unit is 256 bytes.
    """
    nats = math.log(2 * max(scale, FLOOR)) + error / max(scale, FLOOR) + math.log(256) + divergence / dimensions
    return nats / math.log(2)


def _log(error: Tensor) -> Tensor:
    return torch.log(error.float() + FLOOR)
