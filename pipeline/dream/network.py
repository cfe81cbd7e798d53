"""A pretrained, frozen network that returns the activations of its layers.

Layers have the names of the network's own modules (``features.12``, ``inception4c.branch1``, ``layer3.5``), the field's
short ones (``fire9``, ``conv4_3``, ``mixed6b``), and ``logits`` for the classifier's output.
"""

from collections.abc import Iterable, Mapping, Sequence

import torch
from torch import Tensor, fx, nn

from pipeline.dream.deterministic_padding import use_deterministic_padding
from pipeline.dream.feature_extractor import LOGITS, cast_weights, cut, infer_shapes, meta_copy, trace
from pipeline.dream.weights import Weights
from pipeline.errors import ConfigError, RenderError, nearest
from pipeline.targets.layer_names import Layers, plain

IMAGENET = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # mean and deviation of red, green and blue
PROBE_SIDES = (16, 24, 32, 48, 64, 80, 96, 128, 160, 224)  # pixels


class Network:
    """A frozen network on one device.

    ``layers`` maps every layer that has a map of channels to its channel count, shallow to deep; ``named`` resolves
    their names. ``model`` is the bare module, ``classes`` are the names that ``class:`` targets may use, ``weights``
    says what was loaded.
    """

    def __init__(
        self,
        name: str,
        model: nn.Module,
        classes: tuple[str, ...],
        weights: Weights,
        *,
        short_names: Mapping[str, str] | None = None,
        class_layer: str = LOGITS,
        channel_dim: int = 1,
        normalisation: tuple[Sequence[float], Sequence[float]] = IMAGENET,
    ) -> None:
        self.name, self.classes, self.weights = name, classes, weights
        self.short_names, self.class_layer = dict(short_names or {}), class_layer
        self.model = model.eval().requires_grad_(False)
        self._graph, self._nodes = trace(self.model)
        self._cuts: dict[tuple[frozenset[str], bool], fx.GraphModule] = {}
        self._cast: dict[nn.Module, nn.Module] = {}
        self._channel_dim = channel_dim
        self.layers = self._count_channels()
        self.named = Layers(name, self.layers, self.short_names)
        self._mean, self._std = (torch.tensor(each).view(1, 3, 1, 1) for each in normalisation)
        self.device, self.precision, self.channels_last = torch.device("cpu"), torch.float32, False

    def to(
        self, device: torch.device, precision: torch.dtype, channels_last: bool = False, deterministic: bool = True
    ) -> "Network":
        """Move to ``device``. Convolutions run in ``precision`` (autocast), activations in the given memory layout.

        ``deterministic`` replaces reflection padding on CUDA, whose gradient torch adds up in any order.
        """
        self.device, self.precision, self.channels_last = device, precision, channels_last
        if device.type == "cuda" and deterministic:
            use_deterministic_padding(self.model, self._graph)
        self.model.to(device=device, memory_format=self.memory_format)  # type: ignore[call-overload]
        self._mean, self._std = self._mean.to(device), self._std.to(device)
        self._cuts.clear()
        self._cast.clear()
        return self

    def activations(self, frame: Tensor, layers: Iterable[str], *, exact: bool = False) -> dict[str, Tensor]:
        """Frame ``(1, 3, H, W)`` in [0, 1] → ``{layer: (1, C, h, w)}`` (``logits``: ``(1, classes)``), float32.

        Computes only what these layers need. ``layers`` are names as ``resolve`` returns them. ``exact`` computes in
        float32 whatever the network's precision.
        """
        half = self.precision != torch.float32 and not exact
        extractor = self.extractor(frozenset(layers), half)
        with torch.autocast(self.device.type, self.precision, enabled=half):
            maps: dict[str, Tensor] = extractor(self.normalise(frame))
        maps = {name: map.float() for name, map in maps.items()}
        if self._channel_dim == 3:
            maps = {name: map.movedim(3, 1) if map.dim() == 4 else map for name, map in maps.items()}
        return maps

    def normalise(self, frame: Tensor) -> Tensor:
        """The network's input for a frame in [0, 1]."""
        return ((frame - self._mean) / self._std).contiguous(memory_format=self.memory_format)

    def resolve(self, layer: str, key: str) -> str:
        """The layer's full name for a full or short one. Raises ConfigError with the nearest names."""
        return self.named.resolve(layer, key)

    def channels(self, layer: str, key: str = "score.layers") -> int:
        """The number of channels of the layer."""
        return self.named.count(layer, key)

    def class_index(self, name: str, key: str) -> int:
        """The index of a class by number, by name (blanks and underscores alike), or by a word that one name has.

        Raises ConfigError with the nearest names.
        """
        if name.isdecimal() and int(name) < len(self.classes):
            return int(name)
        known = [plain(each) for each in self.classes]
        if plain(name) in known:
            return known.index(plain(name))
        word = name.replace("_", " ").lower()
        matches = [index for index, each in enumerate(self.classes) if word in each.lower().split()]
        if len(matches) == 1:
            return matches[0]
        several = ", ".join(self.classes[index] for index in matches[:12])
        near = nearest(name, self.classes) or nearest(name, self.classes, cutoff=0.0)
        hint = f" by that name alone; it knows {several}" if several else near
        every = f"python -m pipeline.atlas network={self.name} layers=[classes] draws all {len(self.classes)}"
        raise ConfigError(key, f"class:{name}", f"{self.name} knows no such class{hint}; {every}")

    def main_layers(self) -> list[str]:
        """The layers that a person would name, shallow to deep."""
        return self.named.main()

    def min_side(self, layers: Iterable[str]) -> int:
        """The smallest side in pixels, of a few tried, at which these layers can be computed."""
        names = frozenset(layers)
        for side in PROBE_SIDES:
            try:
                self._shapes(names, (side, side + 17))
            except (RuntimeError, ValueError, AssertionError):
                continue
            return side
        reason = "it cannot look at pictures of free size; choose a convolutional one"
        raise ConfigError("network.name", self.name, reason)

    def map_size(self, layer: str, size: tuple[int, int]) -> tuple[int, int] | None:
        """The size (h, w) of the layer's map of a frame of ``size``; None where it has no map (logits)."""
        shape = self._shapes(frozenset({layer}), size)[self._nodes[layer].name]
        if len(shape) != 4:
            return None
        return (shape[1], shape[2]) if self._channel_dim == 3 else (shape[2], shape[3])

    @property
    def memory_format(self) -> torch.memory_format:
        """The memory layout of activations."""
        return torch.channels_last if self.channels_last else torch.contiguous_format

    def _count_channels(self) -> dict[str, int]:
        """Channels of every layer whose output is a map, inferred on meta tensors."""
        try:
            shapes = self._shapes(frozenset({LOGITS}), (224, 224))
        except (RuntimeError, ValueError, AssertionError) as error:
            raise RenderError(f"network.name={self.name}: it cannot be taken apart ({error})") from error
        counts = {}
        for name, node in self._nodes.items():
            shape = shapes.get(node.name, ())
            if len(shape) == 4 and min(shape[2:]) > 1 and shape[self._channel_dim] > 3:
                counts[name] = shape[self._channel_dim]
        return counts

    def extractor(self, layers: frozenset[str], half: bool) -> fx.GraphModule:
        """What computes these layers; ``half``: with weights in half precision where autocast would cast them."""
        if (layers, half) not in self._cuts:
            extractor = cut(self.model, self._graph, self._nodes, layers)
            if half:
                cast_weights(extractor, self.precision, self._cast)
            self._cuts[layers, half] = extractor
        return self._cuts[layers, half]

    def _shapes(self, layers: frozenset[str], size: tuple[int, int]) -> dict[str, tuple[int, ...]]:
        return infer_shapes(cut(meta_copy(self.model), self._graph, self._nodes, layers), size)
