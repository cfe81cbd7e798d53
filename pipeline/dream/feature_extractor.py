"""A network as a graph: traced once, cut at the deepest layer wanted, its shapes found without computing."""

from collections.abc import Callable
from copy import deepcopy
from typing import Any, cast

import torch
from torch import Tensor, fx, nn
from torchvision.models.feature_extraction import NodePathTracer

LOGITS = "logits"


def trace(model: nn.Module) -> tuple[fx.Graph, dict[str, fx.Node]]:
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


def meta_copy(model: nn.Module) -> nn.Module:
    """The same modules with meta tensors in place of weights, so that shapes cost nothing."""
    return _copy_with(model, lambda tensor: tensor.to("meta"))


def cut(root: nn.Module, whole: fx.Graph, ends: dict[str, fx.Node], layers: frozenset[str]) -> fx.GraphModule:
    """A module of ``root``'s weights that returns these layers and computes only what they need."""
    graph, copies = fx.Graph(), cast(dict[fx.Node, fx.Node], {})
    graph.graph_copy(whole, copies)
    graph.output({layer: copies[ends[layer]] for layer in sorted(layers)})
    module = fx.GraphModule(root, graph)
    module.graph.eliminate_dead_code()
    module.delete_all_unused_submodules()
    module.recompile()
    return module


def halve(module: fx.GraphModule, dtype: torch.dtype, known: dict[nn.Module, nn.Module]) -> None:
    """Exchange a cut's convolutions and linear layers for copies in ``dtype``, made once and kept in ``known``.

    Autocast computes them so anyway; of weights that take no gradient it keeps no copies, but casts them in every pass.
    It leaves float32 to what needs it, as norms do, so these stay as they are.
    """
    for name, part in list(module.named_modules()):
        if isinstance(part, nn.Conv2d | nn.Linear) and any(node.target == name for node in module.graph.nodes):
            if part not in known:
                known[part] = _copy_with(part, lambda tensor: tensor.to(dtype))
            module.set_submodule(name, known[part])


def shapes(module: fx.GraphModule, size: tuple[int, int]) -> dict[str, tuple[int, ...]]:
    """The shape of every node's output, by the node's name, for a frame of ``size`` (h, w); computes nothing.

    ``module`` holds meta tensors. Raises RuntimeError, ValueError or AssertionError for a size it cannot take.
    """
    runner = _Shapes(module)
    runner.run(torch.zeros(1, 3, *size, device="meta"))
    return runner.found


def _copy_with(model: nn.Module, change: Callable[[Tensor], Tensor]) -> nn.Module:
    """The same modules with changed weights and buffers, none of which is copied before."""
    memo: dict[int, Any] = {
        **{id(weight): nn.Parameter(change(weight), False) for weight in model.parameters()},
        **{id(buffer): change(buffer) for buffer in model.buffers()},
    }
    return deepcopy(model, memo)


class _Shapes(fx.Interpreter):
    """Runs a graph and notes the shape of every node's output by the node's name."""

    def __init__(self, module: fx.GraphModule) -> None:
        super().__init__(module)
        self.extra_traceback = False
        self.found: dict[str, tuple[int, ...]] = {}

    def run_node(self, n: fx.Node) -> Any:
        result = super().run_node(n)
        if isinstance(result, Tensor):
            self.found[n.name] = tuple(result.shape)
        return result
