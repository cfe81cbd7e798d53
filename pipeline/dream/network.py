"""A pretrained network that shows its layers: traced once, cut at the deepest layer wanted, frozen.

The only module that knows torchvision. Layers carry the names of the network's own modules
(``features.12``, ``inception4c.branch1``, ``layer3.5``), the field's short ones where it has them
(``fire9``, ``conv4_3``, ``mixed6b``), and ``logits`` for the classifier's output.
"""

import re
from collections.abc import Iterable
from copy import deepcopy
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, fx, nn
from torch.fx.passes.shape_prop import ShapeProp
from torchvision import models
from torchvision.models.feature_extraction import NodePathTracer

from pipeline.config import NetworkConfig
from pipeline.dream.weights import Weights, find_weights, fit
from pipeline.errors import ConfigError, RenderError, nearest
from pipeline.networks import motifnet

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
LOGITS = "logits"
PROBE_SIZES = (16, 24, 32, 48, 64, 80, 96, 128, 160, 224)


class Network:
    """A frozen network on one device.

    ``layers`` maps every layer that has a map of channels to its channel count, shallow to deep.
    ``classes`` are the names that ``class:`` targets may use. ``weights`` says what was loaded.
    """

    def __init__(self, name: str, model: nn.Module, classes: tuple[str, ...], weights: Weights, family: str) -> None:
        self.name, self.classes, self.weights = name, classes, weights
        self._model, self._cuts = (
            model.eval().requires_grad_(False),
            cast(dict[frozenset[str], fx.GraphModule], {}),
        )
        self._graph, self._nodes = _trace(self._model)
        self._channel_dim = 3 if family == "swin" else 1
        self.layers = self._count_channels()
        self.short_names = _short_names(self._model, family, self.layers)
        self.class_layer = {"squeezenet": "classifier.1", "motifnet": "head"}.get(family, LOGITS)
        mean, std = ((0.0,) * 3, (1.0,) * 3) if family == "motifnet" else (IMAGENET_MEAN, IMAGENET_STD)
        self._mean, self._std = (torch.tensor(c).view(1, 3, 1, 1) for c in (mean, std))
        self.device, self._dtype, self._format = (
            torch.device("cpu"),
            torch.float32,
            torch.contiguous_format,
        )

    def to(self, device: torch.device, dtype: torch.dtype, channels_last: bool = False) -> "Network":
        """Move to ``device``; convolutions run in ``dtype`` (autocast), activations in the given memory order."""
        self.device, self._dtype = device, dtype
        self._format = torch.channels_last if channels_last else torch.contiguous_format
        self._model.to(device=device, memory_format=self._format)  # type: ignore[call-overload]
        self._mean, self._std = self._mean.to(device), self._std.to(device)
        self._cuts.clear()
        return self

    def activations(self, frame: Tensor, layers: Iterable[str]) -> dict[str, Tensor]:
        """Frame ``(1, 3, H, W)`` in [0, 1] → ``{layer: (1, C, h, w)}`` (``logits``: ``(1, classes)``), float32.

        Only what these layers need is computed. ``layers`` are names as ``resolve`` returns them.
        """
        wanted = frozenset(layers)
        if wanted not in self._cuts:
            self._cuts[wanted] = _cut(self._model, self._graph, self._nodes, wanted)
        with torch.autocast(self.device.type, self._dtype, enabled=self._dtype != torch.float32):
            inputs = ((frame - self._mean) / self._std).contiguous(memory_format=self._format)
            maps: dict[str, Tensor] = self._cuts[wanted](inputs)
        maps = {name: map.float() for name, map in maps.items()}
        if self._channel_dim == 3:
            maps = {name: map.movedim(3, 1) if map.dim() == 4 else map for name, map in maps.items()}
        return maps

    def resolve(self, layer: str, key: str) -> str:
        """The layer's full name for a full or short one, underscores and capitals aside.

        Raises ConfigError with the nearest names.
        """
        if layer in self.layers:
            return layer
        names = {_plain(name): name for name in self.layers} | {_plain(k): v for k, v in self.short_names.items()}
        if _plain(layer) in names:
            return names[_plain(layer)]
        hint = nearest(layer, [*self.layers, *self.short_names])
        raise ConfigError(
            key,
            layer,
            f"{self.name} has no such layer{hint}; it has {', '.join(self.main_layers())}",
        )

    def channels(self, layer: str, key: str = "score.layers") -> int:
        """How many channels the layer has."""
        return self.layers[self.resolve(layer, key)]

    def class_index(self, name: str, key: str) -> int:
        """The index of a class by name (blanks and underscores alike) or number; ConfigError with the nearest names."""
        if name.isdecimal() and int(name) < len(self.classes):
            return int(name)
        plain = [_plain(known) for known in self.classes]
        if _plain(name) not in plain:
            shown = (
                nearest(name, self.classes) or f"; it knows {len(self.classes)}, such as {', '.join(self.classes[:6])}"
            )
            raise ConfigError(key, f"class:{name}", f"{self.name} knows no such class{shown}")
        return plain.index(_plain(name))

    def main_layers(self) -> list[str]:
        """The layers that a person would name, shallow to deep."""
        outer = [name for name in self.layers if "." not in name and name not in ("features", "classifier")]
        return list(self.short_names) or outer

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

    def _count_channels(self) -> dict[str, int]:
        """Channels of every layer whose output is a map, found without computing anything (meta tensors)."""
        try:
            shapes = self._shapes(None, (224, 224))
        except (RuntimeError, ValueError, AssertionError) as error:
            raise RenderError(f"network.name={self.name}: it cannot be taken apart ({error})") from error
        found = {}
        for name, node in self._nodes.items():
            shape = shapes.get(node.name, ())
            if len(shape) == 4 and min(shape[2:]) > 1 and shape[self._channel_dim] > 3:
                found[name] = shape[self._channel_dim]
        return found

    def _shapes(self, layers: frozenset[str] | None, size: tuple[int, int]) -> dict[str, tuple[int, ...]]:
        twin = _cut(_meta_copy(self._model), self._graph, self._nodes, layers or frozenset({LOGITS}))
        ShapeProp(twin).propagate(torch.zeros(1, 3, *size, device="meta"))
        metas = {node.name: node.meta.get("tensor_meta") for node in twin.graph.nodes}
        return {name: tuple(meta.shape) for name, meta in metas.items() if hasattr(meta, "shape")}


def _cut(root: nn.Module, whole: fx.Graph, ends: dict[str, fx.Node], layers: frozenset[str]) -> fx.GraphModule:
    """A module of ``root``'s weights that returns these layers and computes only what they need."""
    graph, copies = fx.Graph(), cast(dict[fx.Node, fx.Node], {})
    graph.graph_copy(whole, copies)
    graph.output({layer: copies[ends[layer]] for layer in sorted(layers)})
    module = fx.GraphModule(root, graph)
    module.graph.eliminate_dead_code()
    module.delete_all_unused_submodules()
    module.recompile()
    return module


def build(config: NetworkConfig) -> Network:
    """The network that ``config`` names, on the CPU, weights loaded and verified.

    Raises ConfigError for an unknown name, InputError for weights that are missing, damaged or of another network.
    """
    if config.name == "motifnet":
        path = Path(config.weights) if config.weights else motifnet.WEIGHTS
        weights = find_weights("motifnet", str(path), None)
        model: nn.Module = fit(motifnet.MotifNet(), weights, "motifnet")
        return Network("motifnet", model, motifnet.CLASSES, weights, "motifnet")
    known = models.list_models(module=models)
    if config.name not in known:
        raise ConfigError(
            "network.name",
            config.name,
            f"no such network{nearest(config.name, ['motifnet', *known])}",
        )
    published = _published(config.name)
    weights = find_weights(config.name, config.weights, published.url)
    model = fit(_architecture(config.name), weights, config.name)
    classes = tuple(published.meta["categories"])
    return Network(config.name, model, classes, weights, re.split(r"[_\d]", config.name)[0])


def _published(name: str) -> Any:
    """The first ImageNet weights published: recipes since then classify better and dream worse."""
    known = models.get_model_weights(name)
    return known["IMAGENET1K_V1"] if "IMAGENET1K_V1" in known.__members__ else next(iter(known))


def _architecture(name: str) -> nn.Module:
    """The bare network on the meta device; auxiliary heads, which only training uses, are left out."""
    extra: dict[str, Any] = {}
    if name in ("googlenet", "inception_v3"):
        extra = {"aux_logits": False, "transform_input": True, "init_weights": False}
    model: nn.Module
    try:
        with torch.device("meta"):
            model = models.get_model(name, weights=None, **extra)
    except NotImplementedError:  # a few compute their widths with tensors; theirs are drawn for nothing
        with torch.random.fork_rng(devices=[]):
            model = models.get_model(name, weights=None, **extra)
    return model


def _trace(model: nn.Module) -> tuple[fx.Graph, dict[str, fx.Node]]:
    """The computation as a graph without in-place operations, and for each name the node that ends it.

    In-place ones would overwrite a layer that is wanted with what follows it.
    """
    for module in model.modules():
        if getattr(module, "inplace", False):
            module.inplace = False  # type: ignore[assignment]
    tracer = NodePathTracer(leaf_modules=[])
    graph = tracer.trace(model)
    ends: dict[str, fx.Node] = {}
    for node, name in tracer.node_to_qualname.items():
        if node.kwargs.get("inplace"):
            node.kwargs = {**node.kwargs, "inplace": False}
        parts = name.split(".")
        for depth in range(1, len(parts) + 1):
            ends.pop(".".join(parts[:depth]), None)  # re-inserted, so that the order is that of the ends
            ends[".".join(parts[:depth])] = node
    output = next(node for node in graph.nodes if node.op == "output")
    ends[LOGITS] = cast(fx.Node, output.args[0])
    graph.erase_node(output)
    return graph, ends


def _meta_copy(model: nn.Module) -> nn.Module:
    """The same modules with meta tensors in place of weights, so that shapes cost nothing."""
    tensors = [*model.parameters(), *model.buffers()]
    memo: dict[int, Any] = {
        id(t): nn.Parameter(t.to("meta"), False) if isinstance(t, nn.Parameter) else t.to("meta") for t in tensors
    }
    return deepcopy(model, memo)


def _plain(name: str) -> str:
    return re.sub(r"[\s_\-']", "", name).lower()


def _short_names(model: nn.Module, family: str, layers: Iterable[str]) -> dict[str, str]:
    """The field's own names for some layers: ``fire9``, ``conv4_3``, ``dense3``, ``stage5``; shallow to deep."""
    if family == "vgg":
        return _vgg_names(cast(nn.Sequential, model.features))
    if family == "squeezenet":
        features = cast(nn.Sequential, model.features).named_children()
        fires = [f"features.{index}" for index, module in features if type(module).__name__ == "Fire"]
        return {f"fire{n}": name for n, name in enumerate(fires, start=2)} | {"conv10": "classifier.1"}
    pattern = {
        "densenet": (r"features\.denseblock(\d+)", "dense"),
        "convnext": (r"features\.(\d+)", "stage"),
        "efficientnet": (r"features\.(\d+)", "stage"),
        "mobilenet": (r"features\.(\d+)", "stage"),
        "regnet": (r"trunk_output\.block(\d+)", "stage"),
    }.get(family)
    if pattern is None:
        return {}
    found = ((re.fullmatch(pattern[0], name), name) for name in layers)
    return {f"{pattern[1]}{match.group(1)}": name for match, name in found if match}


def _vgg_names(features: nn.Sequential) -> dict[str, str]:
    found, block, number = {}, 1, 0
    for index, module in enumerate(features):
        if isinstance(module, nn.Conv2d):
            number += 1
            found[f"conv{block}_{number}"] = f"features.{index}"
        elif isinstance(module, nn.ReLU):
            found[f"relu{block}_{number}"] = f"features.{index}"
        elif isinstance(module, nn.MaxPool2d):
            found[f"pool{block}"] = f"features.{index}"
            block, number = block + 1, 0
    return found
