"""The training of the variational autoencoder: its loss, and its evidence lower bound (ELBO) in bits per dimension.

Kingma and Welling 2014; β of Higgins et al. 2017; free bits of Kingma et al. 2016. The likelihood is a Laplace
distribution whose scale is the best one for each batch (σ-VAE, Rybkin et al. 2021), so no weight has to balance errors
against bits. To it come the same logarithms of errors on smaller pictures and on the features of MotifNet: fog is cheap
in pixels and expensive in edges.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pipeline.imagine.config import TrainConfig
from pipeline.imagine.dream_film import DreamFilm
from pipeline.imagine.train import AVERAGE, Training
from pipeline.networks import motifnet
from pipeline.networks.vae import Autoencoder
from pipeline.pictures.folder import Pictures
from pipeline.pictures.trainer import Setting

FLOOR = 1e-3  # of a mean absolute error, in [0, 1]
SCALES = (2, 4)  # pictures are also compared at these fractions of their size
Features = Callable[[Tensor], list[Tensor]]


@dataclass(frozen=True)
class Weights:
    """Weights of the loss's parts. ``free_bits`` are per latent number."""

    beta: float = 2.0
    free_bits: float = 0.05
    perceptual: float = 1.0


class VaeTraining(Training[Autoencoder]):
    """The training of a variational autoencoder."""

    measured = "bits_per_dimension"
    unit = "bits per dimension on held-out pictures (ELBO)"

    def __init__(self, config: TrainConfig, pictures: Pictures, setting: Setting, film: DreamFilm | None) -> None:
        super().__init__(config, pictures, setting, film)
        has_features = config.perceptual > 0 and self.net.shape.size >= 32  # MotifNet's smallest picture
        self._features = drawn_features(setting.device) if has_features else None

    def measure(self) -> float:
        """Bits per dimension of the held-out pictures under the averaged weights: the negative ELBO."""
        net, totals, count = self.mean, torch.zeros(2, dtype=torch.float64), 0
        generator = torch.Generator().manual_seed(0)
        with torch.no_grad():
            for x, weights in self.measured_batches():
                _, error, divergence = loss(net, x, weights, self._draws(x, generator), Weights(perceptual=0), None)
                totals += torch.tensor([float(error), float(divergence)]) * len(x)
                count += len(x)
        error, divergence = (totals / count).tolist()
        return bits_per_dimension(error, float(net.error), divergence, 3 * net.shape.size**2)

    def finish(self) -> Autoencoder:
        """The averaged generator with each class's mean and deviation of latent points."""
        net, pictures = self.mean, self.learned
        sums = torch.zeros(3, net.shape.classes, net.shape.latent, dtype=torch.float64)
        with torch.no_grad():
            for start in range(0, len(pictures.labels), 64):
                x, labels = pictures.images[start : start + 64].float() / 255, pictures.labels[start : start + 64]
                encoded = net.encoder(x.to(self.setting.device), self.weights(labels))
                mean, log_variance = (part.double().cpu() for part in encoded)
                for number, part in enumerate((mean, mean.square() + log_variance.exp())):
                    sums[number].index_add_(0, labels, part)
        counts = torch.bincount(pictures.labels, minlength=net.shape.classes).clamp(min=1)[:, None]
        centre = sums[0] / counts
        net.centre.copy_(centre)
        net.spread.copy_((sums[1] / counts - centre.square()).clamp(min=1e-4).sqrt())
        return net

    def dreams(self, noise: Tensor, weights: Tensor) -> Tensor:
        """Pictures of the prior itself."""
        pictures: Tensor = self.mean.decoder(noise, weights)
        return pictures

    def step(self, step: int) -> None:
        """One step of Adam on the evidence lower bound and what it adds against fog."""
        config, generator = self.config, self.trainer.generator(step)
        x, weights = self.batch(generator)
        parts = Weights(config.beta, config.free_bits, config.perceptual)
        draws = self._draws(x, generator)
        with self.autocast():
            total, error, _ = loss(self.net, x, weights, draws, parts, self._features)
        self.optimizer.zero_grad(set_to_none=True)
        total.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.net.parameters(), 5.0)
        self.optimizer.step()
        self.net.error.lerp_(error, 0.02 if step else 1.0)
        self.trainer.average(step, AVERAGE)

    def _draws(self, x: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Uniform noise that makes bytes continuous, and noise of the latent points."""
        uniform, normal = (
            torch.rand(x.shape, generator=generator),
            torch.randn(len(x), self.net.shape.latent, generator=generator),
        )
        return uniform.to(x.device), normal.to(x.device)


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
    net: Autoencoder,
    x: Tensor,
    weights: Tensor,
    draws: tuple[Tensor, Tensor],
    parts: Weights,
    features: Features | None,
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
