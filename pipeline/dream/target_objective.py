"""What the objective of a target is: measures of its layer's activation map, and the scalar made of them.

The *measures* are means over the places of the map. Measures of the parts of a map, each weighted by its fraction of
the places, add up to those of the whole map, so large frames can be measured tile by tile.
"""

from torch import Tensor

from pipeline.dream.ensemble import qualified
from pipeline.dream.gain_normalization import Context
from pipeline.dream.tiling import View
from pipeline.errors import ConfigError
from pipeline.targets.target import Target

Shift = tuple[float, float]
"""How far the frame was moved (down, right), in frame sizes."""


class TargetObjective:
    """The objective of one target.

    ``network`` is the one that it is read from, ``layer`` the full name of its layer in ``context.network``, the
    ensemble; ``channels`` are the ones there it is about.
    """

    separable = True  # the gradient of ``combine`` is the same whatever the measures are
    graph_safe = True  # the same operations run whatever the jitter, and no value goes to the host
    one_measure = True  # a scalar, not a vector of several measures

    def __init__(self, target: Target, context: Context, key: str) -> None:
        self.target, self.context = target, context
        self.network = context.network.of(target.network)
        layer, self.channels = self.locate(key)
        self.layer = qualified(layer, target.network)

    def locate(self, key: str) -> tuple[str, tuple[int, ...]]:
        """The layer and the channels. Raises ConfigError naming ``key`` unless the network has them."""
        target, network = self.target, self.network
        layer = network.resolve(target.layer, key)
        channels = target.channels if target.channel is None else (target.channel,)
        if max(channels, default=0) >= network.layers[layer]:
            raise ConfigError(key, target, f"{target.layer} has channels 0 to {network.layers[layer] - 1}")
        return layer, channels

    def measure(
        self, activation: Tensor, shift: Shift = (0.0, 0.0), view: View | None = None, index: Tensor | None = None
    ) -> Tensor:
        """The measures in a map ``(1, C, h, w)``, or in the part of one that is ``view``: a scalar or a vector.

        ``index`` ``(1,)`` replaces the channel.
        """
        if activation.numel() == 0:  # too near the frame's end for a place of its own
            activation, view = activation.new_zeros(1, activation.shape[1], 1, 1), None
        means = self.means(activation, index)
        return means if view is None else means * view.fraction

    def means(self, activation: Tensor, index: Tensor | None = None) -> Tensor:
        """The measures that are means over all places of ``(1, C, h, w)``."""
        raise NotImplementedError

    def combine(self, measures: Tensor) -> Tensor:
        """Measures → the target's own scalar."""
        return measures

    def pull(self, measures: Tensor, size: tuple[int, int]) -> Tensor:
        """``combine``, scaled so that a pixel's gradient is inverse to the number of pixels of the frame (h, w)."""
        return self.combine(measures)

    def gain(self) -> float:
        """What the pull is divided by."""
        return self.context.gains.of(
            self.target.bare(),
            self.layer,
            lambda activation, size: self.pull(self.measure(activation), size),
            one_channel=len(self.channels) == 1,
        )

    def graph_key(self) -> tuple[object, int]:
        """What decides the operations, and the index that is data for them."""
        return self.target, 0
