"""The objective: one scalar for how strongly a frame shows a weighted sum of targets.

What each kind of target measures is in ``target_kinds.py``, how targets are brought to the same pull in ``gains.py``.
"""

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor

from pipeline.dream.ensemble import Ensemble
from pipeline.dream.gain_normalization import Context, Gains
from pipeline.dream.network import Network
from pipeline.dream.target_kinds import objective_of
from pipeline.dream.target_objective import TargetObjective
from pipeline.dream.tiling import View
from pipeline.targets.target import Target

Factors = Mapping[Target, float] | Mapping[Target, Tensor]
"""Target → factor of its pull, the weight over the gain: numbers, or scalars on the device."""


class Objective:
    """Weighted sums of targets on one network or several.

    ``pictures`` are the guides by file, ``(1, 3, h, w)`` in [0, 1]; ``guide_layer`` is the layer of guides that do not
    name one (empty: deep in the network).
    """

    def __init__(
        self, network: Network | Ensemble, pictures: Mapping[str, Tensor] | None = None, guide_layer: str = ""
    ) -> None:
        self.network = network if isinstance(network, Ensemble) else Ensemble(network)
        self._gains = Gains(self.network)
        self._context = Context(self.network, self._gains, dict(pictures or {}), guide_layer)
        self._targets: dict[Target, TargetObjective] = {}

    def resolve(self, target: Target, key: str = "score.targets") -> TargetObjective:
        """The target's own objective, made once. Raises ConfigError naming ``key`` unless the network has it."""
        if target not in self._targets:
            self._targets[target] = objective_of(target, self._context, key)
        return self._targets[target]

    def layers(self, targets: Iterable[Target]) -> frozenset[str]:
        """The layers that these targets are read from."""
        return frozenset(self.resolve(target).layer for target in targets)

    def value(self, frame: Tensor, targets: Mapping[Target, float], shift: tuple[int, int] = (0, 0)) -> Tensor:
        """Frame ``(1, 3, H, W)`` → scalar. ``shift`` (down, right; pixels) is how far the frame was moved."""
        size = (frame.shape[2], frame.shape[3])
        return self.combine(self.measure(frame, targets, size, shift, whole=True), self.factors(targets), size)

    def measure(
        self,
        picture: Tensor,
        targets: Iterable[Target],
        size: tuple[int, int],
        shift: tuple[int, int] = (0, 0),
        views: Mapping[str, View] | None = None,
        indices: Mapping[Target, Tensor] | None = None,
        whole: bool = False,
    ) -> dict[Target, Tensor]:
        """The measures of each target in the picture ``(1, 3, h, w)``, a frame of ``size`` (h, w) or a part of it.

        For a part, ``views`` has the places that count in the map of each layer. ``indices`` ``(1,)`` replace the
        channel of targets that are one channel. Networks of class targets leave out the blocks that were drawn, unless
        they shall be ``whole``.
        """
        drawn = frozenset[str]() if whole else self.networks_of_classes(targets)
        maps = self.network.activations(picture, self.layers(targets), drawn=drawn)
        if views is not None:
            maps = {layer: views[layer].crop(activation) for layer, activation in maps.items()}
        moved = (shift[0] / size[0], shift[1] / size[1])
        measures = {}
        for target in targets:
            objective = self.resolve(target)
            view = views[objective.layer] if views is not None else None
            index = indices[target] if indices is not None else None
            measures[target] = objective.measure(maps[objective.layer], moved, view, index)
        return measures

    def combine(self, measures: Mapping[Target, Tensor], factors: Factors, size: tuple[int, int]) -> Tensor:
        """The measures of a whole frame of this size (h, w) → the objective, a scalar."""
        total = torch.zeros((), device=self.network.device)
        for target, factor in factors.items():
            total = total + self.resolve(target).pull(measures[target], size) * factor
        return total

    def factors(self, targets: Mapping[Target, float]) -> dict[Target, float]:
        """What each target's pull is multiplied by."""
        return {target: weight / self.resolve(target).gain() for target, weight in targets.items()}

    def draw(self, targets: Iterable[Target], generator: torch.Generator) -> None:
        """Draw what the next step for these targets looks at; ``generator`` itself stays as it is."""
        self.network.draw(generator, self.networks_of_classes(targets))

    def networks_of_classes(self, targets: Iterable[Target]) -> frozenset[str]:
        """The names of the networks that have class targets among these."""
        return frozenset(target.network for target in targets if target.kind == "class")

    def is_graph_safe(self, targets: Iterable[Target]) -> bool:
        """Whether the gradient of these targets can be recorded as a CUDA graph."""
        return all(self.resolve(target).graph_safe for target in targets)

    def is_separable(self, targets: Iterable[Target]) -> bool:
        """Whether parts of a frame can be differentiated before the measures of the whole are known.

        Of a single target with one measure, only the length of the gradient depends on it.
        """
        objectives = [self.resolve(target) for target in targets]
        return all(each.separable for each in objectives) or (len(objectives) == 1 and objectives[0].one_measure)

    def activation(self, frame: Tensor, target: Target) -> float:
        """How strongly ``(1, 3, H, W)`` shows the target, without its gain."""
        objective = self.resolve(target)
        with torch.no_grad():
            activation = self.network.activations(frame, [objective.layer])[objective.layer]
            return float(objective.combine(objective.measure(activation)))

    def min_side(self, targets: Iterable[Target]) -> int:
        """The smallest side in pixels of a frame in which the network can compute these targets."""
        return self._gains.min_side(self.layers(targets))
