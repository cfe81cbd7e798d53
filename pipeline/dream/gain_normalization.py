"""Gains: how strongly objectives pull, measured once on a reference picture.

Targets answer with gradients of very different size. The *gain* of a target is the deviation of its gradient on the
reference picture. Divided by their gains, equal weights pull equally in every kind, layer and network.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import isfinite

import torch
from torch import Tensor

from pipeline.dream.ensemble import Ensemble

REFERENCE_SIDE = 160  # pixels of the reference picture
MIN_CHANNEL_GAIN = 0.25  # of the usual one; a channel that sleeps on the reference must not run away when it wakes

Value = Callable[[Tensor, tuple[int, int]], Tensor]
"""(activations of a layer, size (h, w) of the frame) → scalar."""


class Gains:
    """Gains on the networks of a film, each measured once."""

    def __init__(self, network: Ensemble) -> None:
        self._network = network
        self._deviations: dict[str, float] = {}
        self._min_sides: dict[frozenset[str], int] = {}

    def min_side(self, layers: frozenset[str]) -> int:
        """The smallest side in pixels at which the network can compute these layers."""
        if layers not in self._min_sides:
            self._min_sides[layers] = self._network.min_side(layers)
        return self._min_sides[layers]

    def of(self, name: str, layer: str, value: Value, *, one_channel: bool = False) -> float:
        """The gain of ``value``, kept under ``name``; 1 where its gradient is 0."""
        gain = self._deviation(f"{layer} {name}", layer, value)
        if one_channel:
            gain = max(gain, MIN_CHANNEL_GAIN * self.usual(layer))
        return gain or 1.0

    def of_channel(self, layer: str, channel: int) -> float:
        """The gain of one channel's mean activation."""
        return self.of(
            f"{layer}:{channel}", layer, lambda activation, size: activation[:, channel].mean(), one_channel=True
        )

    def usual(self, layer: str) -> float:
        """The root mean square of the gains of the layer's channels."""
        return self._deviation(f"channels of {layer}", layer, lambda activation, size: _random_mixture(activation))

    def _deviation(self, name: str, layer: str, value: Value) -> float:
        """Deviation of the gradient of ``value`` in the reference picture."""
        if name not in self._deviations:
            side = max(REFERENCE_SIDE, self.min_side(frozenset({layer})))
            noise = torch.randn(1, 3, side, side, generator=torch.Generator().manual_seed(0))
            with torch.enable_grad():
                picture = (0.45 + 0.2 * noise).to(self._network.device).requires_grad_(True)
                # float32: so small a gradient would lose its digits in half precision.
                activation = self._network.activations(picture, [layer], exact=True)[layer]
                (gradient,) = torch.autograd.grad(value(activation, (side, side)), picture)
            deviation = float(gradient.std())
            self._deviations[name] = deviation if isfinite(deviation) else 0.0
        return self._deviations[name]


@dataclass(frozen=True)
class Context:
    """What objectives share. ``pictures`` are the guides by file, ``guide_layer`` that of guides that name none."""

    network: Ensemble
    gains: Gains
    pictures: Mapping[str, Tensor]
    guide_layer: str


def _random_mixture(activation: Tensor) -> Tensor:
    """The channels' means summed with random but fixed signs, over the root of their count.

    Gradients summed so add up by their squares: this one has the deviation of a usual channel's gradient.
    """
    means = activation.flatten(2).mean(dim=2)[0] if activation.dim() == 4 else activation[0]
    signs = torch.randint(0, 2, means.shape, generator=torch.Generator().manual_seed(1)) * 2.0 - 1
    mixture: Tensor = (means * signs.to(means.device)).sum() / len(means) ** 0.5
    return mixture
