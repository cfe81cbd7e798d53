"""The objective: one scalar that says how much of the wanted targets the network sees.

What each kind of target measures stands in ``kinds.py``. Targets answer with gradients of very different size, so the
deviation of each one's gradient, its *gain*, is measured once on a fixed picture and divided out: equal weights pull
equally, in every kind, layer and network.

A target's *figures* are means over the places of its layer's map (``figures.py``). Those of the parts of a map, each by
its share of the places, add up to those of the whole: so a large frame can be looked at part by part, and the objective
is still that of the whole.
"""

from collections.abc import Callable, Iterable, Mapping
from math import isfinite, sqrt

import torch
from torch import Tensor

from pipeline.dream import objectives
from pipeline.dream.network import Network
from pipeline.dream.target_measures import Found, View, measure
from pipeline.errors import ConfigError
from pipeline.targets.target import Target

REFERENCE_SIDE = 160  # pixels, of the picture on which gains are measured
LEAST_GAIN = 0.25  # of what a channel of its layer usually has; a rarer one must not run away when it wakes
DIVERSITY = 1.0  # pull of keeping channels apart, over the pull of the channels

Shares = Mapping[Target, float] | Mapping[Target, Tensor]
"""By target: what its measure is multiplied by, its weight over its gain. Numbers, or scalars on the device."""


class Objective:
    """Weighted sums of targets on one network, each target brought to the same pull.

    ``pictures`` are the guides by file, ``(1, 3, h, w)`` in [0, 1]; ``guide_layer`` is where guides are compared that
    do not name a layer (empty: deep in the network).
    """

    def __init__(self, network: Network, pictures: Mapping[str, Tensor] | None = None, guide_layer: str = "") -> None:
        self.network, self._pictures, self._guide_layer = network, dict(pictures or {}), guide_layer
        self._found: dict[Target, Found] = {}
        self._gains: dict[str, float] = {}
        self._features: dict[tuple[str, str], Tensor] = {}
        self._smallest: dict[frozenset[str], int] = {}

    def check(self, target: Target, key: str = "score.targets") -> None:
        """Raise ConfigError unless the network has this target."""
        self._find(target, key)

    def layers(self, targets: Iterable[Target]) -> frozenset[str]:
        """The layers that these targets are read from."""
        return frozenset(self._find(target).layer for target in targets)

    def value(self, frame: Tensor, targets: Mapping[Target, float], shift: tuple[int, int] = (0, 0)) -> Tensor:
        """Frame ``(1, 3, H, W)`` → scalar. ``shift`` (down, right; pixels) is how far the frame was moved."""
        size = (frame.shape[2], frame.shape[3])
        return self.total(self.figures(frame, targets, size, shift), targets, size)

    def figures(
        self,
        picture: Tensor,
        targets: Iterable[Target],
        size: tuple[int, int],
        shift: tuple[int, int] = (0, 0),
        views: Mapping[str, View] | None = None,
        indices: Mapping[Target, Tensor] | None = None,
    ) -> dict[Target, Tensor]:
        """What each target measures in the picture ``(1, 3, h, w)``, a frame of ``size`` (h, w) or a part of it.

        ``views`` say of a part, by layer, which places of its maps count, ``indices`` ``(1,)`` of targets that are one
        channel, which one it is instead.
        """
        maps = self.network.activations(picture, self.layers(targets))
        if views is not None:
            maps = {layer: views[layer].crop(seen) for layer, seen in maps.items()}
        measured = {}
        for target in targets:
            found = self._find(target)
            view = views[found.layer] if views is not None else None
            index = indices[target] if indices is not None else None
            measured[target] = self._figures(found, maps[found.layer], size, shift, view, index)
        return measured

    def total(self, figures: Mapping[Target, Tensor], targets: Mapping[Target, float], size: tuple[int, int]) -> Tensor:
        """The figures of a whole frame of this size (h, w) → the objective, a scalar."""
        return self.sum(figures, self.shares(targets), size)

    def sum(self, figures: Mapping[Target, Tensor], shares: Shares, size: tuple[int, int]) -> Tensor:
        """As ``total``, of targets with their shares."""
        total = torch.zeros((), device=self.network.device)
        for target, share in shares.items():
            total = total + self._pull(self._find(target), figures[target], size) * share
        return total

    def shares(self, targets: Mapping[Target, float]) -> dict[Target, float]:
        """What each target's measure is multiplied by."""
        return {target: weight / self._gain(self._find(target)) for target, weight in targets.items()}

    def steady(self, targets: Iterable[Target]) -> bool:
        """Whether the same operations measure these targets wherever the frame was moved to, without a look from
        the host at what they find: all but neurons at places, and channels kept apart.
        """
        return not {"place", "diverse"} & {self._find(target).kind for target in targets}

    def form(self, target: Target) -> tuple[str, int]:
        """What operations measure the target, and the index that goes into them: all channels of a layer have one form,
        all classes another.
        """
        found = self._find(target)
        return (f"channel of {found.layer}", found.channels[0]) if found.kind == "channel" else (str(target), 0)

    def even(self, targets: Mapping[Target, float]) -> bool:
        """Whether figures can be weighed against each other before they are known: all but sums with roots can."""
        of_kinds = [self._find(target).kind for target in targets]
        return of_kinds == ["layer"] or not {"layer", "diverse"} & set(of_kinds)

    def activation(self, frame: Tensor, target: Target) -> float:
        """How strongly the target is seen in ``(1, 3, H, W)``, unscaled."""
        found = self._find(target)
        with torch.no_grad():
            seen = self.network.activations(frame, [found.layer])[found.layer]
            size = (frame.shape[2], frame.shape[3])
            return float(self._raw(found, self._figures(found, seen, size)))

    def smallest(self, targets: Mapping[Target, float]) -> int:
        """The least side in pixels at which these targets can be seen; looked up once per set of layers."""
        return self._smallest_side(self.layers(targets))

    def _smallest_side(self, layers: frozenset[str]) -> int:
        if layers not in self._smallest:
            self._smallest[layers] = self.network.smallest(layers)
        return self._smallest[layers]

    def _find(self, target: Target, key: str = "score.targets") -> Found:
        """The target, looked up once."""
        if target not in self._found:
            if target.kind == "class":
                index = self.network.class_index(target.name, key)
                self._found[target] = Found(target, self.network.class_layer, (index,))
            elif target.kind == "guide":
                layer = target.layer or self._guide_layer or self._deep_layer()
                self._found[target] = Found(target, self.network.resolve(layer, key))
            else:
                layer = self.network.resolve(target.layer, key)
                channels = target.channels if target.channel is None else (target.channel,)
                count = self.network.layers[layer]
                if max(channels, default=0) >= count:
                    raise ConfigError(key, target, f"{target.layer} has channels 0 to {count - 1}")
                self._found[target] = Found(target, layer, channels)
        return self._found[target]

    def _deep_layer(self) -> str:
        """Two thirds of the way down, where motifs are parts of things and not yet things."""
        named = self.network.main_layers()
        return named[2 * len(named) // 3]

    def _figures(
        self,
        found: Found,
        seen: Tensor,
        size: tuple[int, int],
        shift: tuple[int, int] = (0, 0),
        view: View | None = None,
        index: Tensor | None = None,
    ) -> Tensor:
        """What the target measures in its layer's map, or in a part of it, of a frame of this size."""
        features = self._guide(found) if found.kind == "guide" else None
        return measure(found, seen, (shift[0] / size[0], shift[1] / size[1]), features, view, index)

    def _raw(self, found: Found, figures: Tensor) -> Tensor:
        """The target's own measure, from its figures, before gains."""
        if found.kind == "layer":
            return objectives.root(figures)
        if found.kind in ("dir", "diverse"):
            means = zip(found.channels, figures, strict=False)
            parts = [mean / self._channel_gain(found.layer, index) for index, mean in means]
            if found.kind == "dir":
                return torch.stack([parts[1], -parts[0]]).sum()
            met = figures[len(parts) :].view(len(parts), len(parts))
            return torch.stack(parts).sum() - objectives.overlap(met) * (DIVERSITY / self._overlap_gain(found))
        return figures

    def _pull(self, found: Found, figures: Tensor, size: tuple[int, int]) -> Tensor:
        """``_raw``, scaled so that its gradient falls with the frame's size as that of all other kinds does."""
        raw = self._raw(found, figures)
        if found.kind != "place":
            return raw  # a mean over places: a pixel's gradient is inverse to their number
        return raw * (REFERENCE_SIDE / sqrt(size[0] * size[1]))

    def _guide(self, found: Found) -> Tensor:
        """The guide's features at the layer, computed once."""
        name = (found.target.name, found.layer)
        if name not in self._features:
            with torch.no_grad():
                picture = self._pictures[found.target.name].to(self.network.device)
                seen = self.network.activations(picture, [found.layer])[found.layer]
                self._features[name] = objectives.features(seen)
        return self._features[name]

    def _gain(self, found: Found) -> float:
        """What the target's pull is divided by; 1 where it has no gradient at all."""
        name = f"{found.layer} {found.target.bare()}"
        if name not in self._gains:
            gain = self._deviation(
                found.layer, lambda seen, size: self._pull(found, self._figures(found, seen, size), size)
            )
            least = LEAST_GAIN * self._usual_gain(found.layer) if len(found.channels) == 1 else 0.0
            self._gains[name] = max(gain, least) or 1.0
        return self._gains[name]

    def _channel_gain(self, layer: str, index: int) -> float:
        return self._gain(Found(Target("layer", layer, index), layer, (index,)))

    def _overlap_gain(self, found: Found) -> float:
        name = f"overlap of {found.target.bare()}"
        if name not in self._gains:
            gain = self._deviation(
                found.layer, lambda seen, size: objectives.overlap(objectives.meetings(seen, found.channels))
            )
            self._gains[name] = gain or 1.0
        return self._gains[name]

    def _usual_gain(self, layer: str) -> float:
        """The root of the mean square of the gains of the layer's channels."""
        name = f"channels of {layer}"
        if name not in self._gains:
            self._gains[name] = self._deviation(layer, lambda seen, size: objectives.mixture(seen))
        return self._gains[name]

    def _deviation(self, layer: str, measure: Callable[[Tensor, tuple[int, int]], Tensor]) -> float:
        """Deviation of the gradient that a measure of this layer has on the reference picture."""
        side = max(REFERENCE_SIDE, self._smallest_side(frozenset({layer})))
        noise = torch.randn(1, 3, side, side, generator=torch.Generator().manual_seed(0))
        with torch.enable_grad():
            picture = (0.45 + 0.2 * noise).to(self.network.device).requires_grad_(True)
            # In half precision so small a gradient would lose its digits.
            seen = self.network.activations(picture, [layer], exact=True)[layer]
            (gradient,) = torch.autograd.grad(measure(seen, (side, side)), picture)
        deviation = float(gradient.std())
        return deviation if isfinite(deviation) else 0.0
