"""The kinds of targets: one class each, listed in ``OBJECTIVES``.

All scalars grow in proportion to the activations (so a layer's is a root mean square, not a mean square): in a sum,
none outgrows the others as a dream ripens.
"""

from functools import cached_property
from math import sqrt

import torch
import torch.nn.functional as F
from torch import Tensor

from pipeline.dream.feature_extractor import LOGITS
from pipeline.dream.gain_normalization import REFERENCE_SIDE, Context
from pipeline.dream.target_objective import Shift, TargetObjective
from pipeline.dream.tiling import View
from pipeline.targets.target import Target

TINY = 1e-12
DIVERSITY = 1.0  # pull of keeping channels apart, over the pull of the channels
MAX_FEATURES = 1024  # of a guide
PLACES_AT_ONCE = 4096  # of the frame that are compared with a guide


class Layer(TargetObjective):
    """The root mean square of a layer: the direction of the mean square (Mordvintsev, Olah and Tyka 2015)."""

    separable = False

    def means(self, activation: Tensor, index: Tensor | None = None) -> Tensor:
        return activation.square().mean()

    def combine(self, measures: Tensor) -> Tensor:
        return (measures + TINY).sqrt()


class Channel(TargetObjective):
    """The mean activation of one channel."""

    def means(self, activation: Tensor, index: Tensor | None = None) -> Tensor:
        channel = activation[:, self.channels[0]] if index is None else activation.index_select(1, index)
        return channel.mean()

    def graph_key(self) -> tuple[object, int]:
        """All channels of a layer have the same operations."""
        return f"channel of {self.layer}", self.channels[0]


class Class(Channel):
    """The mean of one class's map, or its logit."""

    def locate(self, key: str) -> tuple[str, tuple[int, ...]]:
        network = self.network
        return network.class_layer, (network.class_index(self.target.name, key),)


class Neuron(TargetObjective):
    """One channel at one place of the frame."""

    graph_safe = False

    def measure(
        self, activation: Tensor, shift: Shift = (0.0, 0.0), view: View | None = None, index: Tensor | None = None
    ) -> Tensor:
        assert self.target.place is not None
        x, y = self.target.place
        whole, corner = (activation.shape[2:], (0, 0)) if view is None else (view.whole, view.corner)
        row, column = _place((whole[0], whole[1]), (x + shift[1], y + shift[0]))
        row, column = row - corner[0], column - corner[1]
        inside = 0 <= row < activation.shape[2] and 0 <= column < activation.shape[3]
        return activation[0, self.channels[0], row, column] if inside else activation.new_zeros(())

    def pull(self, measures: Tensor, size: tuple[int, int]) -> Tensor:
        return measures * (REFERENCE_SIDE / sqrt(size[0] * size[1]))


class Direction(TargetObjective):
    """More of a second channel, less of a first."""

    one_measure = False

    def means(self, activation: Tensor, index: Tensor | None = None) -> Tensor:
        return torch.stack([activation[:, channel].mean() for channel in self.channels])

    def combine(self, measures: Tensor) -> Tensor:
        first, second = self._per_gain(measures)
        return torch.stack([second, -first]).sum()

    def _per_gain(self, measures: Tensor) -> list[Tensor]:
        """Each channel's mean over its gain."""
        gain = self.context.gains.of_channel
        return [mean / gain(self.layer, index) for index, mean in zip(self.channels, measures, strict=False)]


class Diverse(Direction):
    """Several channels, each at places of its own: their means less the overlap of their maps.

    The diversity term of Olah, Mordvintsev and Schubert 2017, between channels instead of pictures.
    """

    separable = graph_safe = False

    def means(self, activation: Tensor, index: Tensor | None = None) -> Tensor:
        return torch.cat([super().means(activation), coactivation(activation, self.channels).flatten()])

    def combine(self, measures: Tensor) -> Tensor:
        parts = self._per_gain(measures)
        products = measures[len(parts) :].view(len(parts), len(parts))
        gain = self.context.gains.of(
            f"overlap of {self.target.bare()}",
            self.layer,
            lambda activation, size: overlap(coactivation(activation, self.channels)),
        )
        return torch.stack(parts).sum() - overlap(products) * (DIVERSITY / gain)


class Guide(TargetObjective):
    """The mean match of each place with its nearest feature of a guide picture.

    Guided dreaming after Mordvintsev, Olah and Tyka 2015: the nearest is the one of the greatest dot product. Features
    have unit length; otherwise the strongest of them would win everywhere.
    """

    def locate(self, key: str) -> tuple[str, tuple[int, ...]]:
        network, layers = self.network, self.network.main_layers()
        usual = "" if self.target.network else self.context.guide_layer
        # Only a network without settings reaches the last one: two thirds down, motifs are parts of things.
        layer = self.target.layer or usual or layers[2 * len(layers) // 3]
        return network.resolve(layer, key), ()

    def means(self, activation: Tensor, index: Tensor | None = None) -> Tensor:
        places, features = activation[0].flatten(1).T, self.features
        with torch.no_grad():
            parts = torch.split(places, PLACES_AT_ONCE)
            nearest = torch.cat([(part @ features.T).argmax(dim=1) for part in parts])
        return (places * features[nearest]).sum(dim=1).mean()

    @cached_property
    def features(self) -> Tensor:
        """The guide's activations as ``(K, C)`` vectors of unit length, K spread over the places."""
        network = self.context.network
        with torch.no_grad():
            picture = self.context.pictures[self.target.name].to(network.device)
            places = network.activations(picture, [self.layer])[self.layer][0].flatten(1).T
            if len(places) > MAX_FEATURES:
                places = places[torch.linspace(0, len(places) - 1, MAX_FEATURES, device=places.device).long()]
            return F.normalize(places, dim=1, eps=TINY)


class Text(TargetObjective):
    """How alike the frame and a text are: the mean cosine between their embeddings, over random crops."""

    graph_safe = False

    def locate(self, key: str) -> tuple[str, tuple[int, ...]]:
        self.embedding = self.network.text_embedding(self.target.name, key)
        return LOGITS, ()

    def means(self, activation: Tensor, index: Tensor | None = None) -> Tensor:
        return activation[0] @ self.embedding


class Likeness(Text):
    """The same for a guide picture, on a network that compares frames with texts."""

    def locate(self, key: str) -> tuple[str, tuple[int, ...]]:
        picture = self.context.pictures[self.target.name].to(self.network.device)
        with torch.no_grad():
            embedding = self.network.activations(picture, [LOGITS], exact=True)[LOGITS][0]
        self.embedding = F.normalize(embedding, dim=0)
        return LOGITS, ()


OBJECTIVES: dict[str, type[TargetObjective]] = {
    "layer": Layer,
    "channel": Channel,
    "neuron": Neuron,
    "class": Class,
    "dir": Direction,
    "diverse": Diverse,
    "guide": Guide,
    "likeness": Likeness,
    "text": Text,
}


def objective_of(target: Target, context: Context, key: str) -> TargetObjective:
    """The objective of a target. Raises ConfigError naming ``key`` unless the network has the target."""
    kind: str = target.kind
    if target.channel is not None:
        kind = "channel" if target.place is None else "neuron"
    if kind == "guide" and context.network.of(target.network).embeds:
        kind = "likeness"
    return OBJECTIVES[kind](target, context, key)


def coactivation(activation: Tensor, channels: tuple[int, ...]) -> Tensor:
    """How much K channels fire at the same places: the mean product of their maps, pair by pair, ``(K, K)``."""
    maps = activation[0, list(channels)].flatten(1).relu() + TINY
    return maps @ maps.T / maps.shape[1]


def overlap(products: Tensor) -> Tensor:
    """The mean cosine between the maps of different channels, from their ``coactivation``."""
    length = products.diagonal().sqrt() + TINY
    cosines = products / (length[:, None] * length[None, :])
    mean: Tensor = (cosines.sum() - cosines.diagonal().sum()) / (len(products) * (len(products) - 1))
    return mean


def _place(size: tuple[int, int], at: tuple[float, float]) -> tuple[int, int]:
    """(row, column) of a map of this size (h, w) at (x, y), fractions of it; the nearest where they lie outside."""
    row, column = (int(min(max(part, 0.0), 1.0) * length) for part, length in zip((at[1], at[0]), size, strict=True))
    return min(row, size[0] - 1), min(column, size[1] - 1)
