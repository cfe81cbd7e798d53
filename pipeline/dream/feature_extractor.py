"""A network as a graph: traced once, cut at the deepest layer in use, its shapes inferred on meta tensors.

torchvision's ``create_feature_extractor`` would trace again for every set of layers and leaves in-place operations in,
which overwrite a layer with what follows it. Its names of operations are used here too; torchvision is slow to load.
"""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from copy import deepcopy
from typing import Any, cast

import torch
from torch import Tensor, fx, nn

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


class _Tracer(fx.Tracer):
    """Names every operation by the path of the module that calls it, and counts those of the same name: ``add``,
    ``add_1``. Remembers in ``failed`` the type of the innermost module that could not be traced.
    """

    failed: type[nn.Module] | None = None

    def __init__(self, leaf_modules: Sequence[type], autowrap_functions: tuple[Callable[..., Any], ...]) -> None:
        super().__init__(autowrap_functions=autowrap_functions)
        self.node_to_qualname: dict[fx.Node, str] = {}
        self._leaf_modules, self._path, self._counts = tuple(leaf_modules), "", Counter[str]()

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        return isinstance(m, self._leaf_modules) or super().is_leaf_module(m, module_qualified_name)

    def call_module(self, m: nn.Module, forward: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        outer, self._path = self._path, self.path_of_module(m)
        try:
            return super().call_module(m, forward, args, kwargs)
        except Exception:
            self.failed = self.failed or type(m)
            raise
        finally:
            self._path = outer

    def create_proxy(self, kind: str, *arguments: Any, **options: Any) -> fx.Proxy:
        proxy = super().create_proxy(kind, *arguments, **options)
        name = self._path if kind == "call_module" else f"{self._path}.{proxy.node}".removeprefix(".")
        name = re.sub(r"(?<=.)_\d+$", "", name)  # torch counts in the whole graph
        count = self._counts[name]
        self._counts[name] += 1
        self.node_to_qualname[proxy.node] = f"{name}_{count}" if count else name
        return proxy


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


def infer_shapes(
    model: nn.Module,
    whole: fx.Graph,
    ends: dict[str, fx.Node],
    layers: frozenset[str],
    size: tuple[int, int],
    *,
    without_frames: bool = False,
) -> tuple[dict[str, tuple[int, ...]], bool]:
    """The shape of every node's output that these layers need, by the node's name, for a frame of ``size`` (h, w).

    Of no frames at all where that tells it, else of one on meta tensors, for which torch loads its compiler; and if
    none were enough: a later call may say so (``without_frames``), and what fails does so because of its size.
    Raises RuntimeError, ValueError or AssertionError for a size that the model cannot take.
    """
    try:
        shapes = _run_shapes(cut(model, whole, ends, layers), 0, size, next(model.parameters()).device)
    except Exception:  # of no frames many operations cannot tell a shape: those of one decide
        if without_frames:
            raise
        shapes = {"": ()}
    if all(len(shape) in (2, 4) and shape[0] == 0 and all(shape[1:]) for shape in shapes.values()):
        return {name: (1, *shape[1:]) for name, shape in shapes.items()}, True
    meta = _map_tensors(model, lambda tensor: tensor.to("meta"))
    return _run_shapes(cut(meta, whole, ends, layers), 1, size, torch.device("meta")), False


def _run_shapes(
    module: fx.GraphModule, frames: int, size: tuple[int, int], device: torch.device
) -> dict[str, tuple[int, ...]]:
    interpreter = _ShapeInterpreter(module)
    with torch.no_grad():
        interpreter.run(torch.zeros(frames, 3, *size, device=device))
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
        if isinstance(result, Tensor) and n.op != "get_attr":  # a weight has a shape whatever the frame
            self.shapes[n.name] = tuple(result.shape)
        return result
