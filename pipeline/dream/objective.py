"""The objective: one scalar that says how much of the wanted targets the network sees.

A *channel* counts by its mean activation, a *layer* by its energy (half the mean square, the objective of
Mordvintsev, Olah and Tyka 2015), a *neuron* by its activation at a place, a *class* by its logit before softmax
(as in Olah, Mordvintsev and Schubert 2017).
"""

from collections.abc import Mapping

import torch
from torch import Tensor

from pipeline.dream.network import Network
from pipeline.errors import ConfigError
from pipeline.target import Target, parse_target

REFERENCE_SIDE = 160


class Objective:
    """Weighted sums of targets on one network, each target brought to the same pull.

    Layers and channels answer with gradients of very different size. Every target's is measured once on a fixed noise
    picture and divided out, so that equal weights pull equally, in every layer and network.
    """

    def __init__(self, network: Network) -> None:
        self.network = network
        self._found: dict[str, tuple[Target, str, int]] = {}
        self._gains: dict[str, float] = {}
        self._smallest: dict[frozenset[str], int] = {}

    def check(self, target: str, key: str = "score.targets") -> None:
        """Raise ConfigError unless the network has this target."""
        self._find(target, key)

    def layers(self, targets: Mapping[str, float]) -> frozenset[str]:
        """The layers that these targets are read from."""
        return frozenset(self._find(target)[1] for target in targets)

    def value(self, frame: Tensor, targets: Mapping[str, float], shift: tuple[int, int] = (0, 0)) -> Tensor:
        """Frame ``(1, 3, H, W)`` → scalar. ``shift`` (down, right; pixels) is how far the frame was rolled."""
        maps = self.network.activations(frame, self.layers(targets))
        total = torch.zeros((), device=frame.device)
        for target, weight in targets.items():
            raw = self._raw(maps, target, shift, (frame.shape[2], frame.shape[3]))
            total = total + raw * (weight / self._gain(target))
        return total

    def activation(self, frame: Tensor, target: str) -> float:
        """How strongly the target is seen in ``(1, 3, H, W)``, unscaled."""
        with torch.no_grad():
            maps = self.network.activations(frame, self.layers({target: 1.0}))
            return float(self._raw(maps, target, (0, 0), (frame.shape[2], frame.shape[3])))

    def smallest(self, targets: Mapping[str, float]) -> int:
        """The least side in pixels at which these targets can be seen; looked up once per set of layers."""
        layers = self.layers(targets)
        if layers not in self._smallest:
            self._smallest[layers] = self.network.smallest(layers)
        return self._smallest[layers]

    def _find(self, text: str, key: str = "score.targets") -> tuple[Target, str, int]:
        """The target, its layer's full name and its index there, looked up once."""
        if text not in self._found:
            target = parse_target(text, key)
            if target.kind == "class":
                found = self.network.class_layer, self.network.class_index(target.name, key)
            elif target.kind == "layer":
                layer = self.network.resolve(target.layer, key)
                count = self.network.layers[layer]
                if target.channel is not None and target.channel >= count:
                    raise ConfigError(key, text, f"{target.layer} has channels 0 to {count - 1}")
                found = layer, -1 if target.channel is None else target.channel
            else:
                raise ConfigError(key, text, "a target is a layer, a channel, a neuron at a place or a class")
            self._found[text] = (target, *found)
        return self._found[text]

    def _raw(self, maps: Mapping[str, Tensor], text: str, shift: tuple[int, int], size: tuple[int, int]) -> Tensor:
        target, layer, index = self._find(text)
        seen = maps[layer]
        if index < 0:
            return seen.square().mean() / 2
        if target.place is None:
            return seen[:, index].mean()
        (x, y), (height, width) = target.place, size
        row = int((y * height + shift[0]) % height * seen.shape[2] / height)
        column = int((x * width + shift[1]) % width * seen.shape[3] / width)
        return seen[0, index, row, column]

    def _gain(self, target: str) -> float:
        """Deviation of the target's gradient on the reference picture; 1 where it has none there."""
        if target not in self._gains:
            noise = torch.Generator().manual_seed(0)
            side = max(REFERENCE_SIDE, self.smallest({target: 1.0}))
            picture = 0.45 + 0.2 * torch.randn(1, 3, side, side, generator=noise)
            with torch.enable_grad():
                picture = picture.to(self.network.device).requires_grad_(True)
                maps = self.network.activations(picture, self.layers({target: 1.0}))
                raw = self._raw(maps, target, (0, 0), (side, side))
                (gradient,) = torch.autograd.grad(raw, picture)
            gain = float(gradient.std())
            self._gains[target] = gain if 0 < gain < float("inf") else 1.0
        return self._gains[target]
