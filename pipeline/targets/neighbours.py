"""Similar channels of a layer: compared once per network and layer, then cached in the user's cache folder."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from pipeline.runtime.cache import cache_folder, load_arrays, save_arrays
from pipeline.targets.layer_names import Layers

Order = NDArray[np.int32]
"""``(C, C - 1)``: row c lists the other channels, those most similar to c first."""

VERSION = 1  # of the comparison; another one has its own cache files


class Neighbours:
    """Similar channels in a network whose weights have this SHA-256.

    ``compare`` gives the order of a layer (its full name) that is not in the cache.
    """

    def __init__(self, sha256: str, layers: Layers, compare: Callable[[str], Order]) -> None:
        self._sha256, self._layers, self._compare = sha256, layers, compare
        self._orders: dict[str, Order] = {}

    def neighbours(self, layer: str, channel: int) -> Sequence[int]:
        """The other channels of the layer, most similar first. Raises ConfigError for an unknown layer."""
        name = self._layers.resolve(layer, "score.targets")
        if name not in self._orders:
            self._orders[name] = self._order(name, self._layers.channels[name])
        order = self._orders[name]
        # A channel that does not exist is an error later, with all other targets; until then it has no neighbours.
        return [int(n) for n in order[channel]] if channel < len(order) else []

    def _order(self, layer: str, count: int) -> Order:
        path = cache_folder("neighbours") / f"{self._sha256[:32]}-{layer}.v{VERSION}.npz"
        order = (load_arrays(path) or {}).get("order")
        if order is None or order.shape != (count, count - 1):
            order = self._compare(layer).astype(np.int32)
            save_arrays(path, order=order)
        return order
