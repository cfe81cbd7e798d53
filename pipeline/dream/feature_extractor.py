"""A network as a graph: traced once, cut at the deepest layer in use, its shapes inferred on meta tensors.

torchvision's ``create_feature_extractor`` would trace again for every set of layers and leaves in-place operations in,
which overwrite a layer with what follows it.
"""

from collections.abc import Callable, Sequence
from copy import deepcopy
from typing import Any, cast

import torch
from torch import Tensor, fx, nn
from torchvision.models.feature_extraction import NodePathTracer

from pipeline.errors import RenderError

LOGITS = "logits"


def trace(model: nn.Module, leaves: Sequence[Callable[..., Any]] = ()) -> tuple[fx.Graph, dict[str, fx.Node]]:
    """The computation as a graph without in-place operations, and for each layer's name the node that ends it.

    Modules of the types, and calls of the functions, in ``leaves`` stay whole; so do types of which tracing fails.
    Raises RenderError if it fails outside of them.
    """
    for module in model.modules():
        if getattr(module, "inplace", False):
            module.inplace = False  # type: ignore[assignment]
    tracer = _Tracer(
        leaf_modules=[each for each in leaves if isinstance(each, type)],
        autowrap_functions=tuple(each for each in leaves if not isinstance(each, type)),
    )
    try:
        graph = tracer.trace(model)
    except Exception as error:  # what Python cannot do with proxies fails in many ways
        if tracer.failed is None:
            raise RenderError(f"{type(model).__name__} cannot be taken apart into layers ({error})") from error
        return trace(model, [*leaves, tracer.failed])
    for name in [name for name in vars(model) if name.startswith("_tensor_constant")]:
        constant = vars(model).pop(name)  # a table that the trace has computed: it moves between devices as weights do
        model.register_buffer(name, constant, persistent=False)
    ends: dict[str, fx.Node] = {}
    for node, name in tracer.node_to_qualname.items():
        if node.kwargs.get("inplace"):
            node.kwargs = {**node.kwargs, "inplace": False}
        parts = name.split(".")
        for depth in range(1, len(parts) + 1):
            ends.pop(".".join(parts[:depth]), None)  # inserted again: the order is that of the ends
            ends[".".join(parts[:depth])] = node
    output = next(node for node in graph.nodes if node.op == "output")
    ends[LOGITS] = cast(fx.Node, output.args[0])
    graph.erase_node(output)
    return graph, ends


class _Tracer(NodePathTracer):  # type: ignore[misc]
    """Remembers in ``failed`` the type of the innermost module that could not be traced."""

    failed: type[nn.Module] | None = None

    def call_module(self, m: nn.Module, forward: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        try:
            return super().call_module(m, forward, args, kwargs)
        except Exception:
            self.failed = self.failed or type(m)
            raise


def meta_copy(model: nn.Module) -> nn.Module:
    """The same modules with meta tensors for weights, to infer shapes at no cost."""
    return _map_tensors(model, lambda tensor: tensor.to("meta"))


def cut(root: nn.Module, whole: fx.Graph, ends: dict[str, fx.Node], layers: frozenset[str]) -> fx.GraphModule:
    """A module with ``root``'s weights that returns these layers and computes only what they need."""
    graph, copies = fx.Graph(), cast(dict[fx.Node, fx.Node], {})
    graph.graph_copy(whole, copies)
    graph.output({layer: copies[ends[layer]] for layer in sorted(layers)})
    for node in graph.nodes:
        if isinstance(node.kwargs.get("device"), torch.device):  # that of the trace
            node.kwargs = {**node.kwargs, "device": next(root.parameters()).device}
    module = fx.GraphModule(root, graph)
    module.graph.eliminate_dead_code()
    module.delete_all_unused_submodules()
    module.recompile()
    return module


def cast_weights(module: fx.GraphModule, dtype: torch.dtype, copies: dict[nn.Module, nn.Module]) -> None:
    """Replace a cut's convolutions and linear layers by copies in ``dtype``, each made once and stored in ``copies``.

    Autocast runs them in ``dtype`` anyway, but casts weights without gradient in every pass. What it leaves in float32,
    such as norms, stays so.
    """
    for name, part in list(module.named_modules()):
        if isinstance(part, nn.Conv2d | nn.Linear) and any(node.target == name for node in module.graph.nodes):
            if part not in copies:
                copies[part] = _map_tensors(part, lambda tensor: tensor.to(dtype))
            module.set_submodule(name, copies[part])


def infer_shapes(module: fx.GraphModule, size: tuple[int, int]) -> dict[str, tuple[int, ...]]:
    """The shape of every node's output, by the node's name, for a frame of ``size`` (h, w).

    ``module`` has meta tensors. Raises RuntimeError, ValueError or AssertionError for a size it cannot take.
    """
    interpreter = _ShapeInterpreter(module)
    interpreter.run(torch.zeros(1, 3, *size, device="meta"))
    return interpreter.shapes


def _map_tensors(model: nn.Module, change: Callable[[Tensor], Tensor]) -> nn.Module:
    """A copy of the modules with changed weights and buffers; the original ones are not copied."""
    memo: dict[int, Any] = {
        **{id(weight): nn.Parameter(change(weight), False) for weight in model.parameters()},
        **{id(buffer): change(buffer) for buffer in model.buffers()},
    }
    return deepcopy(model, memo)


class _ShapeInterpreter(fx.Interpreter):
    """As ``fx.passes.shape_prop.ShapeProp``, which prints a traceback for every size that does not fit."""

    def __init__(self, module: fx.GraphModule) -> None:
        super().__init__(module)
        self.extra_traceback = False
        self.shapes: dict[str, tuple[int, ...]] = {}

    def run_node(self, n: fx.Node) -> Any:
        result = super().run_node(n)
        if isinstance(result, Tensor):
            self.shapes[n.name] = tuple(result.shape)
        return result
