"""The objective: one scalar that says how much of the wanted targets the network sees.

What each kind of target measures stands in ``kinds.py``. Targets answer with gradients of very different size, so the
deviation of each one's gradient, its *gain*, is measured once on a fixed picture and divided out: equal weights pull
equally, in every kind, layer and network.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import isfinite, sqrt

import torch
from torch import Tensor

from pipeline.dream import kinds
from pipeline.dream.network import Network
from pipeline.errors import ConfigError
from pipeline.target import Target, parse_target

REFERENCE_SIDE = 160  # pixels, of the picture on which gains are measured
LEAST_GAIN = 0.25  # of what a channel of its layer usually has; a rarer one must not run away when it wakes
DIVERSITY = 1.0  # pull of keeping channels apart, over the pull of the channels


@dataclass(frozen=True)
class _Found:
    """A target in this network: its layer's full name and the channels there that it is about."""

    target: Target
    layer: str
    channels: tuple[int, ...] = ()


class Objective:
    """Weighted sums of targets on one network, each target brought to the same pull.

    ``pictures`` are the guides by file, ``(1, 3, h, w)`` in [0, 1]; ``guide_layer`` is where guides are compared that
    do not name a layer (empty: deep in the network).
    """

    def __init__(self, network: Network, pictures: Mapping[str, Tensor] | None = None, guide_layer: str = "") -> None:
        self.network, self._pictures, self._guide_layer = network, dict(pictures or {}), guide_layer
        self._found: dict[str, _Found] = {}
        self._gains: dict[str, float] = {}
        self._features: dict[tuple[str, str], Tensor] = {}
        self._smallest: dict[frozenset[str], int] = {}

    def check(self, target: str, key: str = "score.targets") -> None:
        """Raise ConfigError unless the network has this target."""
        self._find(target, key)

    def layers(self, targets: Mapping[str, float]) -> frozenset[str]:
        """The layers that these targets are read from."""
        return frozenset(self._find(target).layer for target in targets)

    def value(self, frame: Tensor, targets: Mapping[str, float], shift: tuple[int, int] = (0, 0)) -> Tensor:
        """Frame ``(1, 3, H, W)`` → scalar. ``shift`` (down, right; pixels) is how far the frame was rolled."""
        size = (frame.shape[2], frame.shape[3])
        maps = self.network.activations(frame, self.layers(targets))
        total = torch.zeros((), device=frame.device)
        for text, weight in targets.items():
            found = self._find(text)
            total = total + self._pull(found, maps[found.layer], size, shift) * (weight / self._gain(found))
        return total

    def activation(self, frame: Tensor, target: str) -> float:
        """How strongly the target is seen in ``(1, 3, H, W)``, unscaled."""
        found = self._find(target)
        with torch.no_grad():
            seen = self.network.activations(frame, [found.layer])[found.layer]
            return float(self._raw(found, seen, (frame.shape[2], frame.shape[3])))

    def smallest(self, targets: Mapping[str, float]) -> int:
        """The least side in pixels at which these targets can be seen; looked up once per set of layers."""
        return self._smallest_side(self.layers(targets))

    def _smallest_side(self, layers: frozenset[str]) -> int:
        if layers not in self._smallest:
            self._smallest[layers] = self.network.smallest(layers)
        return self._smallest[layers]

    def _find(self, text: str, key: str = "score.targets") -> _Found:
        """The target, looked up once."""
        if text not in self._found:
            target = parse_target(text, key)
            if target.kind == "class":
                index = self.network.class_index(target.name, key)
                self._found[text] = _Found(target, self.network.class_layer, (index,))
            elif target.kind == "guide":
                layer = target.layer or self._guide_layer or self._deep_layer()
                self._found[text] = _Found(target, self.network.resolve(layer, key))
            else:
                layer = self.network.resolve(target.layer, key)
                channels = target.channels if target.channel is None else (target.channel,)
                count = self.network.layers[layer]
                if max(channels, default=0) >= count:
                    raise ConfigError(key, text, f"{target.layer} has channels 0 to {count - 1}")
                self._found[text] = _Found(target, layer, channels)
        return self._found[text]

    def _deep_layer(self) -> str:
        """Two thirds of the way down, where motifs are parts of things and not yet things."""
        named = self.network.main_layers()
        return named[2 * len(named) // 3]

    def _raw(self, found: _Found, seen: Tensor, size: tuple[int, int], shift: tuple[int, int] = (0, 0)) -> Tensor:
        """The target's own measure of what its layer has seen in a frame of this size, before gains."""
        target, channels = found.target, found.channels
        if target.kind == "guide":
            return kinds.guide(seen, self._guide(found))
        if target.kind == "dir":
            less, more = (kinds.channel(seen, index) / self._channel_gain(found.layer, index) for index in channels)
            return torch.stack([more, -less]).sum()
        if target.kind == "diverse":
            parts = [kinds.channel(seen, index) / self._channel_gain(found.layer, index) for index in channels]
            return torch.stack(parts).sum() - kinds.overlap(seen, channels) * (DIVERSITY / self._overlap_gain(found))
        if not channels:
            return kinds.layer(seen)
        if target.place is None:
            return kinds.channel(seen, channels[0])
        (x, y), (height, width) = target.place, size
        return kinds.neuron(seen, channels[0], (x + shift[1] / width, y + shift[0] / height))

    def _pull(self, found: _Found, seen: Tensor, size: tuple[int, int], shift: tuple[int, int] = (0, 0)) -> Tensor:
        """``_raw``, scaled so that its gradient falls with the frame's size as that of all other kinds does."""
        raw = self._raw(found, seen, size, shift)
        if found.target.place is None:
            return raw  # a mean over places: a pixel's gradient is inverse to their number
        return raw * (REFERENCE_SIDE / sqrt(size[0] * size[1]))

    def _guide(self, found: _Found) -> Tensor:
        """The guide's features at the layer, computed once."""
        name = (found.target.name, found.layer)
        if name not in self._features:
            with torch.no_grad():
                picture = self._pictures[found.target.name].to(self.network.device)
                seen = self.network.activations(picture, [found.layer])[found.layer]
                self._features[name] = kinds.features(seen)
        return self._features[name]

    def _gain(self, found: _Found) -> float:
        """What the target's pull is divided by; 1 where it has no gradient at all."""
        name = f"{found.layer} {found.target.bare()}"
        if name not in self._gains:
            gain = self._deviation(found.layer, lambda seen, size: self._pull(found, seen, size))
            least = LEAST_GAIN * self._usual_gain(found.layer) if len(found.channels) == 1 else 0.0
            self._gains[name] = max(gain, least) or 1.0
        return self._gains[name]

    def _channel_gain(self, layer: str, index: int) -> float:
        return self._gain(_Found(Target("layer", layer, index), layer, (index,)))

    def _overlap_gain(self, found: _Found) -> float:
        name = f"overlap of {found.target.bare()}"
        if name not in self._gains:
            gain = self._deviation(found.layer, lambda seen, size: kinds.overlap(seen, found.channels))
            self._gains[name] = gain or 1.0
        return self._gains[name]

    def _usual_gain(self, layer: str) -> float:
        """The root of the mean square of the gains of the layer's channels."""
        name = f"channels of {layer}"
        if name not in self._gains:
            self._gains[name] = self._deviation(layer, lambda seen, size: kinds.mixture(seen))
        return self._gains[name]

    def _deviation(self, layer: str, measure: Callable[[Tensor, tuple[int, int]], Tensor]) -> float:
        """Deviation of the gradient that a measure of this layer has on the reference picture."""
        side = max(REFERENCE_SIDE, self._smallest_side(frozenset({layer})))
        noise = torch.randn(1, 3, side, side, generator=torch.Generator().manual_seed(0))
        with torch.enable_grad():
            picture = (0.45 + 0.2 * noise).to(self.network.device).requires_grad_(True)
            seen = self.network.activations(picture, [layer])[layer]
            (gradient,) = torch.autograd.grad(measure(seen, (side, side)), picture)
        deviation = float(gradient.std())
        return deviation if isfinite(deviation) else 0.0
