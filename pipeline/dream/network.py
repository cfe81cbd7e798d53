"""A pretrained, frozen network that returns the activations of its layers.

Layers have the names of the network's own modules (``features.12``, ``inception4c.branch1``, ``layer3.5``), the field's
short ones (``fire9``, ``conv4_3``, ``mixed6b``), and ``logits`` for the classifier's output.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, fx, nn

from pipeline.dream.deterministic_padding import use_deterministic_padding
from pipeline.dream.feature_extractor import LOGITS, cast_weights, cut, infer_shapes, trace
from pipeline.dream.fused_chain import chain
from pipeline.dream.fused_convolution import fuse
from pipeline.dream.layout import PROBE_SIZE, Layout, Tokens, as_map, find_layout
from pipeline.dream.stochastic_depth import StochasticDepth, leave_out, residual_sums
from pipeline.dream.weights import Weights
from pipeline.errors import ConfigError, nearest
from pipeline.targets.layer_names import Layers, plain

Normalisation = tuple[Sequence[float], Sequence[float]]
"""Mean and deviation of red, green and blue."""
IMAGENET: Normalisation = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
FIXED_SIZE = "it cannot look at pictures of free size; choose a convolutional one"
PROBE_SIDES = (16, 24, 32, 48, 64, 80, 96, 128, 160, 224)  # pixels


@dataclass(frozen=True)
class Anatomy:
    """How a network is taken apart.

    ``short_names`` and ``aliases`` map names to full ones; people are told the short ones. ``class:`` targets are read
    from ``class_layer``. ``tokens`` is how those of a transformer lie; ``leaves`` are modules and functions that cannot
    be traced.
    """

    short_names: Mapping[str, str] = field(default_factory=dict)
    aliases: Mapping[str, str] = field(default_factory=dict)
    class_layer: str = LOGITS
    normalisation: Normalisation = IMAGENET
    tokens: Tokens | None = None
    leaves: tuple[Callable[..., Any], ...] = ()


class Network:
    """A frozen network on one device.

    ``layers`` maps every layer that has a map of channels to its channel count, shallow to deep; ``named`` resolves
    their names. ``model`` is the bare module, ``classes`` are the names that ``class:`` targets may use, ``weights``
    says what was loaded; ``depth`` draws which residual blocks steps for classes leave out.
    """

    embeds = False  # whether it compares frames with texts

    def __init__(
        self,
        name: str,
        model: nn.Module,
        classes: tuple[str, ...],
        weights: Weights,
        anatomy: Anatomy = Anatomy(),
    ) -> None:
        self.name, self.classes, self.weights = name, classes, weights
        self.class_layer, self._tokens = anatomy.class_layer, anatomy.tokens
        self.companions: dict[str, Network] = {}  # other networks of the same film, see ensemble.py
        self.depth: StochasticDepth | None = None
        self.model = model.eval().requires_grad_(False)
        self._graph, self._nodes = trace(self.model, anatomy.leaves)
        self._cuts: dict[tuple[frozenset[str], bool, bool], fx.GraphModule] = {}
        self._cast: dict[nn.Module, nn.Module] = {}
        self._fused: dict[object, nn.Module] = {}
        self._layouts = dict[str, Layout]()
        self._without_frames = False  # whether shapes follow without any
        self.layers = self._count_channels()
        short, aliases = (
            {name: full for name, full in names.items() if full in self.layers}
            for names in (anatomy.short_names, anatomy.aliases)
        )
        self.named = Layers(name, self.layers, short, aliases)
        self._mean, self._std = (torch.tensor(each).view(1, 3, 1, 1) for each in anatomy.normalisation)
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
        if self.depth is not None:
            self.depth.factors = self.depth.factors.to(device)
        self._cuts.clear()
        self._cast.clear()
        self._fused.clear()
        return self

    def activations(
        self, frame: Tensor, layers: Iterable[str], *, exact: bool = False, drawn: bool = False
    ) -> dict[str, Tensor]:
        """Frame ``(1, 3, H, W)`` in [0, 1] → ``{layer: (1, C, h, w)}`` (``logits``: ``(1, classes)``), float32.

        Computes only what these layers need. ``layers`` are names as ``resolve`` returns them. ``exact`` computes in
        float32 whatever the network's precision; ``drawn`` leaves out the residual blocks that were drawn.
        """
        half = self.precision != torch.float32 and not exact
        extractor = self.extractor(frozenset(layers), half, drawn)
        with torch.autocast(self.device.type, self.precision, enabled=half):
            maps: dict[str, Tensor] = extractor(self.normalise(frame))
        size = (frame.shape[2], frame.shape[3])
        return {name: as_map(map.float(), self._layouts.get(name, ""), size) for name, map in maps.items()}

    def normalise(self, frame: Tensor) -> Tensor:
        """The network's input for a frame in [0, 1]."""
        normalised = (frame - self._mean) / self._std
        if normalised.requires_grad and self.channels_last:
            # A gradient with channels last would be divided slowly, a pixel at a time.
            normalised.register_hook(torch.Tensor.contiguous)  # type: ignore[no-untyped-call]
        return normalised.contiguous(memory_format=self.memory_format)

    def use_stochastic_depth(self, probability: float) -> None:
        """Leave out residual blocks in steps for classes. Call it once, before ``to``. Raises ConfigError."""
        sums = residual_sums(self._graph)
        if not sums or not self.classes:
            lack = "classes" if sums else "residual blocks"
            raise ConfigError("network.stochastic_depth", probability, f"{self.name} has no {lack}; only 0 is allowed")
        self.depth = StochasticDepth(sums, probability)

    def draw(self, generator: torch.Generator) -> None:
        """Draw what the network looks at in the next steps; most look at the whole frame."""

    def text_embedding(self, words: str, key: str) -> Tensor:
        """The embedding of a text; see ``TextNetwork``. Raises ConfigError."""
        raise ConfigError(
            key, f"text:{words}", f"{self.name} knows no texts; leave out the network, or name one of open_clip"
        )

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
        if not self.classes:
            raise ConfigError(key, f"class:{name}", f"{self.name} has no classes; choose another network")
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
        if name.isdecimal():
            hint = f"; allowed are 0 to {len(self.classes) - 1}"
        elif all(each.isdecimal() for each in self.classes):
            hint = f", only 0 to {len(self.classes) - 1}; network.class_names=FILE gives names"
        choice = self.name.replace("/", " network.name=")
        every = f"python -m pipeline.atlas network={choice} layers=[classes] draws all {len(self.classes)}"
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
        raise ConfigError("network.name", self.name, FIXED_SIZE)

    def map_size(self, layer: str, size: tuple[int, int]) -> tuple[int, int] | None:
        """The size (h, w) of the layer's map of a frame of ``size``; None where it has no map (logits)."""
        if layer not in self._layouts:
            return None
        shape, layout = self._shapes(frozenset({layer}), size)[self._nodes[layer].name], self._layouts[layer]
        height, width = as_map(torch.empty(shape, device="meta"), layout, size).shape[2:]
        return height, width

    @property
    def memory_format(self) -> torch.memory_format:
        """The memory layout of activations."""
        return torch.channels_last if self.channels_last else torch.contiguous_format

    def _count_channels(self) -> dict[str, int]:
        """Channels of every layer that has places, inferred on meta tensors. Raises ConfigError."""
        try:
            shapes = self._shapes(frozenset({LOGITS}), PROBE_SIZE)
        except (RuntimeError, ValueError, AssertionError, AttributeError) as error:
            raise ConfigError("network.name", self.name, FIXED_SIZE) from error
        counts = {}
        for name, node in self._nodes.items():
            shape = shapes.get(node.name, ())
            layout = find_layout(shape, self._tokens)
            if layout is not None:
                counts[name] = shape[1] if layout == "" else shape[-1]
                self._layouts[name] = layout
        return counts

    def extractor(self, layers: frozenset[str], half: bool, drawn: bool = False) -> fx.GraphModule:
        """What computes these layers; ``half``: with weights in half precision where autocast would cast them.

        ``drawn``: without the residual blocks that were drawn.
        """
        key = layers, half, drawn and self.depth is not None
        if key not in self._cuts:
            extractor = cut(self.model, self._graph, self._nodes, layers)
            if drawn and self.depth is not None:
                leave_out(extractor, self.depth)
            if half and self.channels_last and self.device.type == "cpu":
                fuse(extractor, self.precision, self._fused)
                chain(extractor)
            if half:
                cast_weights(extractor, self.precision, self._cast)
            self._cuts[key] = extractor
        return self._cuts[key]

    def _shapes(self, layers: frozenset[str], size: tuple[int, int]) -> dict[str, tuple[int, ...]]:
        parts = self.model, self._graph, self._nodes
        shapes, without = infer_shapes(*parts, layers, size, without_frames=self._without_frames)
        if LOGITS in layers and size == PROBE_SIZE:
            self._without_frames = without
        return shapes
