"""Fused convolutions, sums and zero padding from the frame on, as one step of autograd.

Autograd and Python need longer for a small map than its convolution. So the start of a cut, as far as it consists of
these operations, becomes a ``Chain``. For each size it makes a plan once: padding becomes the convolution's own, sizes
are computed, weights are prepared. Then a pass is a list of calls.
"""

import operator
from collections.abc import Container, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, fx, nn

from pipeline.dream.chain_plan import Operation, Plan
from pipeline.dream.fused_convolution import MAX_SIZES, NO_PADDING, FusedConvolution
from pipeline.dream.sized_convolution import Pair
from pipeline.dream.stochastic_depth import SUMS, ResidualSum

ON_SIZES = (operator.getitem, operator.add, operator.sub, operator.mod, operator.floordiv)


class Chain(nn.Module):
    """A frame ``(N, 3, H, W)`` → the maps that ``graph`` returns, in the weights' precision."""

    def __init__(self, graph: fx.GraphModule) -> None:
        super().__init__()
        self.graph = graph
        self._depth = next((part.depth for part in graph.children() if isinstance(part, ResidualSum)), None)
        self._plans: dict[torch.Size, Plan | None] = {}

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        if x.shape not in self._plans:
            if len(self._plans) == MAX_SIZES:
                del self._plans[next(iter(self._plans))]
            self._plans[x.shape] = self._plan(x.shape)
        plan = self._plans[x.shape]
        if plan is not None and self._depth is not None:
            plan = plan.without(self._depth.left_out)
        result: tuple[Tensor, ...] = self.graph(x) if plan is None else _Function.apply(x, plan, self._dtype)
        return result

    @property
    def _dtype(self) -> torch.dtype:
        return next(self.graph.buffers()).dtype

    def _plan(self, shape: torch.Size) -> Plan | None:
        """The plan for frames of ``shape``; None where padding or shapes are such that it has none."""
        known: dict[fx.Node, Any] = {}  # the shape of a map, the value of a size
        paddings: dict[fx.Node, tuple[Pair, Pair]] = {}
        numbers: dict[fx.Node, int] = {}
        operations = list[Operation]()
        for node in self.graph.graph.nodes:
            arguments = fx.map_arg(node.args, known.get)
            module = self.graph.get_submodule(str(node.target)) if node.op == "call_module" else None
            if node.op == "placeholder":
                known[node], numbers[node] = shape, 0
            elif isinstance(module, FusedConvolution):
                source, padding = node.args[0], NO_PADDING
                if source in paddings:
                    source, padding = source.args[0], paddings[source]
                if not _fits(module, known[source], padding):
                    return None
                convolution = module.sized(known[source], padding)
                known[node], numbers[node] = convolution.output_shape, len(operations) + 1
                operations.append(Operation(convolution, (numbers[source],)))
            elif isinstance(module, ResidualSum) or (node.target in SUMS and node.args[0] in numbers):
                if arguments[0] != arguments[1]:
                    return None
                block = module.number if isinstance(module, ResidualSum) else None
                known[node], numbers[node] = arguments[0], len(operations) + 1
                operations.append(Operation(None, tuple(numbers[each] for each in node.args), block))
            elif node.target is F.pad:
                sides = _sides(*fx.map_arg(node.args, known.get), **fx.map_arg(node.kwargs, known.get))
                assert sides is not None
                paddings[node] = sides
            elif node.op == "call_function":
                known[node] = arguments[0] if node.target is getattr else node.target(*arguments)
            else:
                return Plan(operations, [numbers[each] for each in node.args[0]])
        raise AssertionError("a graph ends with its output")


class _Function(torch.autograd.Function):
    """A plan, differentiable in the frame."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, plan: Plan, dtype: torch.dtype) -> tuple[Tensor, ...]:
        ctx.plan, ctx.dtype = plan, x.dtype
        ctx.set_materialize_grads(False)
        values = plan.forward(x.to(dtype), with_gradient=ctx.needs_input_grad[0])
        if ctx.needs_input_grad[0]:
            ctx.save_for_backward(*(values[number] for number in plan.saved))
        return tuple(values[number] for number in plan.outputs)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor | None) -> tuple[Tensor | None, None, None]:
        gradient = ctx.plan.backward(ctx.saved_tensors, gradients)
        if gradient is not None:  # what follows divides it by each channel's deviation, slowly if channels were last
            gradient = gradient.to(ctx.dtype, memory_format=torch.contiguous_format)
        return gradient, None, None


def chain(module: fx.GraphModule) -> None:
    """Replace what a cut computes from its frame by fused convolutions, sums and padding alone by a ``Chain``."""
    frame, sizes, maps = _members(module)
    if sum(node.op == "call_module" for node in maps) < 2:
        return
    outside = set[fx.Node]()
    for node in reversed(module.graph.nodes):
        if node not in maps and (node not in sizes or any(user in outside for user in node.users)):
            outside.add(node)
    outputs = [node for node in maps if any(user in outside for user in node.users)]
    inner, copies = fx.Graph(), dict[fx.Node, fx.Node]()
    for node in module.graph.nodes:
        if node is frame or node in maps or node in sizes:
            copies[node] = inner.node_copy(node, copies.__getitem__)
    inner.output(tuple(copies[node] for node in outputs))
    module.add_submodule("chain", Chain(fx.GraphModule(module, inner)))
    with module.graph.inserting_after(frame):
        call = module.graph.call_module("chain", (frame,))
    with module.graph.inserting_after(call):
        for number, node in enumerate(outputs):
            node.replace_all_uses_with(module.graph.call_function(operator.getitem, (call, number)))
    module.graph.eliminate_dead_code()
    module.delete_all_unused_submodules()
    module.recompile()


def _members(module: fx.GraphModule) -> tuple[fx.Node, dict[fx.Node, None], dict[fx.Node, None]]:
    """The frame; what is computed of sizes alone; and the maps that a chain can compute, in their order."""
    frame, *others = module.graph.nodes
    sizes, maps = dict[fx.Node, None](), dict[fx.Node, None]()
    for node in others:
        inputs = node.all_input_nodes
        if not inputs or not all(each is frame or each in sizes or each in maps for each in inputs):
            continue
        of_sizes = all(each in sizes for each in inputs)
        if (node.target is getattr and node.args[1] == "shape") or (node.target in ON_SIZES and of_sizes):
            sizes[node] = None
        elif _is_fused(node, module) or _is_sum(node, module, maps) or _is_padding_of_fused(node, module):
            maps[node] = None
    return frame, sizes, maps


def _is_fused(node: fx.Node, module: fx.GraphModule) -> bool:
    return node.op == "call_module" and isinstance(module.get_submodule(str(node.target)), FusedConvolution)


def _is_sum(node: fx.Node, module: fx.GraphModule, maps: Container[object]) -> bool:
    part = module.get_submodule(str(node.target)) if node.op == "call_module" else None
    is_sum = isinstance(part, ResidualSum) or node.target in SUMS
    return is_sum and len(node.args) == 2 and not node.kwargs and all(each in maps for each in node.args)


def _is_padding_of_fused(node: fx.Node, module: fx.GraphModule) -> bool:
    arguments: Any = node.args
    is_padding = node.target is F.pad and _sides(*arguments, **node.kwargs) is not None  # type: ignore[arg-type]
    return is_padding and all(_is_fused(user, module) for user in node.users)


def _sides(map: object, pad: Any, mode: str = "constant", value: float | None = None) -> tuple[Pair, Pair] | None:
    """The padding of rows and columns by arguments of ``F.pad``; None where it is not of zeros around a map."""
    if mode != "constant" or value not in (None, 0) or not isinstance(pad, Sequence) or len(pad) != 4:
        return None
    return (pad[2], pad[3]), (pad[0], pad[1])


def _fits(module: FusedConvolution, shape: torch.Size, padding: tuple[Pair, Pair]) -> bool:
    """Whether a convolution of maps of ``shape`` can have this padding besides its own."""
    axes = zip(shape[2:], module.weight.shape[2:], module.padding, padding, strict=True)
    return len(shape) == 4 and all(
        min(sides) >= 0 and max(sides) + own < kernel <= length + sum(sides) + 2 * own
        for length, kernel, own, sides in axes
    )
