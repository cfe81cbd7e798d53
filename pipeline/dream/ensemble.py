"""The networks that dream one shot together, used as if they were one.

A layer of the film's own network has its usual name; one of another network is written ``layer@network``.
"""

from collections.abc import Callable, Container, Iterable

import torch
from torch import Tensor

from pipeline.dream.network import Network

Load = Callable[[str], Network]
"""The name of another network → that network, on the device of the first. Raises RenderError kinds."""


class Ensemble:
    """The film's own network ``main``, and others that targets name, each loaded by ``load`` when first used.

    What is loaded stays with ``main``, for the next shot.
    """

    def __init__(self, main: Network, load: Load | None = None) -> None:
        self.main, self._load = main, load

    @property
    def device(self) -> torch.device:
        """The device of all networks."""
        return self.main.device

    def of(self, name: str) -> Network:
        """The network of this name; "" is the film's own."""
        if not name:
            return self.main
        if name not in self.main.companions:
            assert self._load is not None
            self.main.companions[name] = self._load(name)
        return self.main.companions[name]

    def draw(self, generator: torch.Generator, of_classes: Container[str] = ()) -> None:
        """Draw what networks look at in the next steps, from copies of ``generator``: its own draws stay the same.

        Networks of the names ``of_classes`` also draw the residual blocks that they leave out.
        """
        for name, network in {"": self.main, **self.main.companions}.items():
            network.draw(generator.clone_state())
            if name in of_classes and network.depth is not None:
                network.depth.draw(generator.clone_state())

    def activations(
        self, frame: Tensor, layers: Iterable[str], *, exact: bool = False, drawn: Container[str] = ()
    ) -> dict[str, Tensor]:
        """As ``Network.activations``, for layers of several networks; ``drawn`` are the names of some of them."""
        maps = dict[str, Tensor]()
        for name, group in _by_network(layers).items():
            computed = self.of(name).activations(frame, group, exact=exact, drawn=name in drawn)
            maps |= {qualified(layer, name): activation for layer, activation in computed.items()}
        return maps

    def min_side(self, layers: Iterable[str]) -> int:
        """The smallest side in pixels at which all of these layers can be computed."""
        return max((self.of(name).min_side(group) for name, group in _by_network(layers).items()), default=1)

    def map_size(self, layer: str, size: tuple[int, int]) -> tuple[int, int] | None:
        """As ``Network.map_size``."""
        own, _, name = layer.partition("@")
        return self.of(name).map_size(own, size)


def qualified(layer: str, network: str) -> str:
    """The layer's name in an ensemble."""
    return f"{layer}@{network}" if network else layer


def _by_network(layers: Iterable[str]) -> dict[str, list[str]]:
    groups = dict[str, list[str]]()
    for layer in layers:
        own, _, name = layer.partition("@")
        groups.setdefault(name, []).append(own)
    return groups
