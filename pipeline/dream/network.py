"""A pretrained network that shows its layers, frozen.

Layers carry the names of the network's own modules (``features.12``, ``inception4c.branch1``, ``layer3.5``), the
field's short ones where it has them (``fire9``, ``conv4_3``, ``mixed6b``), and ``logits`` for the classifier's output.
"""

from collections.abc import Iterable, Mapping, Sequence

import torch
from torch import Tensor, fx, nn

from pipeline.dream.feature_extractor import LOGITS, cut, halve, meta_copy, shapes, trace
from pipeline.dream.reflect_pad import mirror_in_order
from pipeline.dream.weights import Weights
from pipeline.errors import ConfigError, RenderError, nearest
from pipeline.runtime.device import in_order
from pipeline.targets.layer_names import Layers, plain

IMAGENET = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # mean and deviation of red, green and blue
PROBE_SIZES = (16, 24, 32, 48, 64, 80, 96, 128, 160, 224)


class Network:
    """A frozen network on one device.

    ``layers`` maps every layer that has a map of channels to its channel count, shallow to deep.
    ``named`` finds them by every name they go by. ``classes`` are the names that ``class:`` targets may use.
    ``weights`` says what was loaded.
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
        self._model = model.eval().requires_grad_(False)
        self._graph, self._nodes = trace(self._model)
        self._cuts: dict[frozenset[str], fx.GraphModule] = {}  # in the network's precision
        self._exact: dict[frozenset[str], fx.GraphModule] = {}
        self._halves: dict[nn.Module, nn.Module] = {}
        self._channel_dim = channel_dim
        self.layers = self._count_channels()
        self.named = Layers(name, self.layers, self.short_names)
        self._mean, self._std = (torch.tensor(each).view(1, 3, 1, 1) for each in normalisation)
        self.device, self._dtype = torch.device("cpu"), torch.float32
        self._format = torch.contiguous_format

    def to(self, device: torch.device, dtype: torch.dtype, channels_last: bool = False) -> "Network":
        """Move to ``device``; convolutions run in ``dtype`` (autocast), activations in the given memory order.

        Mirrored borders, whose gradient a GPU adds up in any order, are exchanged for ones that give the same bits
        every time, where these are wanted.
        """
        self.device, self._dtype = device, dtype
        self._format = torch.channels_last if channels_last else torch.contiguous_format
        if device.type == "cuda" and in_order():
            mirror_in_order(self._model, self._graph)
        self._model.to(device=device, memory_format=self._format)  # type: ignore[call-overload]
        self._mean, self._std = self._mean.to(device), self._std.to(device)
        self._cuts.clear()
        self._exact.clear()
        self._halves.clear()
        return self

    @property
    def precision(self) -> torch.dtype:
        """In which convolutions run."""
        return self._dtype

    @property
    def channels_last(self) -> bool:
        """Whether activations lie in memory with their channels last."""
        return self._format == torch.channels_last

    def activations(self, frame: Tensor, layers: Iterable[str], *, exact: bool = False) -> dict[str, Tensor]:
        """Frame ``(1, 3, H, W)`` in [0, 1] → ``{layer: (1, C, h, w)}`` (``logits``: ``(1, classes)``), float32.

        Only what these layers need is computed. ``layers`` are names as ``resolve`` returns them. ``exact`` computes in
        float32 whatever the network's precision.
        """
        half = self._dtype != torch.float32 and not exact
        seeing = self._cut(frozenset(layers), half)
        with torch.autocast(self.device.type, self._dtype, enabled=half):
            inputs = ((frame - self._mean) / self._std).contiguous(memory_format=self._format)
            maps: dict[str, Tensor] = seeing(inputs)
        maps = {name: map.float() for name, map in maps.items()}
        if self._channel_dim == 3:
            maps = {name: map.movedim(3, 1) if map.dim() == 4 else map for name, map in maps.items()}
        return maps

    def resolve(self, layer: str, key: str) -> str:
        """The layer's full name for a full or short one. Raises ConfigError with the nearest names."""
        return self.named.resolve(layer, key)

    def channels(self, layer: str, key: str = "score.layers") -> int:
        """How many channels the layer has."""
        return self.named.count(layer, key)

    def class_index(self, name: str, key: str) -> int:
        """The index of a class by name (blanks and underscores alike) or number; ConfigError with the nearest names."""
        if name.isdecimal() and int(name) < len(self.classes):
            return int(name)
        known = [plain(each) for each in self.classes]
        if plain(name) not in known:
            shown = (
                nearest(name, self.classes) or f"; it knows {len(self.classes)}, such as {', '.join(self.classes[:6])}"
            )
            raise ConfigError(key, f"class:{name}", f"{self.name} knows no such class{shown}")
        return known.index(plain(name))

    def main_layers(self) -> list[str]:
        """The layers that a person would name, shallow to deep."""
        return self.named.main()

    def smallest(self, layers: Iterable[str]) -> int:
        """The least side in pixels, of a few tried, with which these layers can still be computed."""
        wanted = frozenset(layers)
        for size in PROBE_SIZES:
            try:
                self._shapes(wanted, (size, size + 17))
            except (RuntimeError, ValueError, AssertionError):
                continue
            return size
        raise ConfigError(
            "network.name",
            self.name,
            "it cannot look at pictures of free size; choose a convolutional one",
        )

    def map_size(self, layer: str, size: tuple[int, int]) -> tuple[int, int] | None:
        """The size (h, w) of the layer's map of a frame of ``size``; None where it has no map (logits)."""
        shape = self._shapes(frozenset({layer}), size)[self._nodes[layer].name]
        if len(shape) != 4:
            return None
        return (shape[1], shape[2]) if self._channel_dim == 3 else (shape[2], shape[3])

    def _count_channels(self) -> dict[str, int]:
        """Channels of every layer whose output is a map, found without computing anything (meta tensors)."""
        try:
            shapes_of = self._shapes(None, (224, 224))
        except (RuntimeError, ValueError, AssertionError) as error:
            raise RenderError(f"network.name={self.name}: it cannot be taken apart ({error})") from error
        found = {}
        for name, node in self._nodes.items():
            shape = shapes_of.get(node.name, ())
            if len(shape) == 4 and min(shape[2:]) > 1 and shape[self._channel_dim] > 3:
                found[name] = shape[self._channel_dim]
        return found

    def _cut(self, wanted: frozenset[str], half: bool) -> fx.GraphModule:
        """What computes these layers; ``half``: with weights in half precision where autocast would cast them."""
        cuts = self._cuts if half or self._dtype == torch.float32 else self._exact
        if wanted not in cuts:
            cuts[wanted] = cut(self._model, self._graph, self._nodes, wanted)
            if half:
                halve(cuts[wanted], self._dtype, self._halves)
        return cuts[wanted]

    def _shapes(self, layers: frozenset[str] | None, size: tuple[int, int]) -> dict[str, tuple[int, ...]]:
        twin = cut(meta_copy(self._model), self._graph, self._nodes, layers or frozenset({LOGITS}))
        return shapes(twin, size)
