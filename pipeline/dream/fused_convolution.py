"""Frozen convolutions in half precision on a CPU: fused with what follows, and with their own backward pass.

oneDNN has no fast code for the gradient of a depthwise convolution with a stride in bfloat16: it takes 25 times as long
as the convolution. Here it is one more depthwise convolution, of the gradient with zeros between its places and with
flipped kernels. Batch normalisation is folded into the weights. Of an activation that clips, only the result is stored.
"""

from functools import lru_cache
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, fx, nn
from torch.nn.utils.fusion import fuse_conv_bn_weights

MAX_PACKED = 24  # copies of a convolution's weights, for sizes of maps: of a dozen octaves
Bounds = tuple[float, float]
Pair = tuple[int, int]
"""Of rows and columns."""
CLIPPED_TO: dict[object, Bounds] = {
    **dict.fromkeys((nn.ReLU, F.relu, torch.relu), (0.0, float("inf"))),
    **dict.fromkeys((nn.ReLU6, F.relu6), (0.0, 6.0)),
}


class Convolution(NamedTuple):
    """A convolution of a graph: the name of its weights, the weights ``(o, i / groups, k, l)``, and its numbers."""

    name: str
    weight: Tensor
    bias: Tensor | None
    stride: Pair
    padding: Pair
    groups: int

    @property
    def strides_by_channel(self) -> bool:
        """Whether it is depthwise with a stride."""
        return self.groups > 1 and max(self.stride) > 1


class FusedConvolution(nn.Module):
    """``(N, i, H, W)`` → ``(N, o, h, w)``, then clipped to ``bounds``, in the weights' precision."""

    def __init__(self, convolution: Convolution, bounds: Bounds | None) -> None:
        super().__init__()
        _, weight, bias, self.stride, self.padding, self.groups = convolution
        self.bounds = bounds
        self.weight, self.bias = nn.Buffer(weight), None if bias is None else nn.Buffer(bias)
        self.weight_back = nn.Buffer(self._turned(weight))
        self._packed: dict[tuple[bool, torch.Size], Tensor] = {}

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = _Function.apply(x.to(self.weight.dtype), self)
        return result

    def convolve(self, x: Tensor) -> Tensor:
        """The result, without a gradient."""
        return self._convolve(x, self.stride, self.padding, self.bounds, is_backward=False)

    def _convolve(self, x: Tensor, stride: Pair, padding: Pair, bounds: Bounds | None, *, is_backward: bool) -> Tensor:
        """``x`` convolved with the weights, or with those of the backward pass."""
        weight, bias = (self.weight_back, None) if is_backward else (self.weight, self.bias)
        if weight.dtype == torch.bfloat16 and _has_onednn():
            numbers = (padding, stride, (1, 1), self.groups)
            key = (is_backward, x.shape)
            if key not in self._packed:
                # In the order in which oneDNN reads them, into which it would bring them in every call. On processors
                # with AMX the order depends on the size of the map.
                if len(self._packed) == MAX_PACKED:
                    del self._packed[next(iter(self._packed))]
                self._packed[key] = torch.ops.mkldnn._reorder_convolution_weight(weight, *numbers, x.shape)
            # oneDNN clips before it rounds and stores: the same bits, but NaN becomes a bound.
            after = ("none", [], "") if bounds is None else ("hardtanh", bounds, "")
            result: Tensor = torch.ops.mkldnn._convolution_pointwise(x, self._packed[key], bias, *numbers, *after)
            return result
        y = F.conv2d(x, weight, bias, stride, padding, 1, self.groups)
        return y if bounds is None else y.clamp_(*bounds)

    def gradient(self, gradient: Tensor, size: Pair) -> Tensor:
        """The gradient of the convolution's output → that of its input of ``size`` (h, w)."""
        weight, kernel = self.weight_back, self.weight.shape[2:]
        margin = [side - 1 - padding for side, padding in zip(kernel, self.padding, strict=True)]
        if max(self.stride) == 1:
            return self._convolve(gradient, (1, 1), (margin[0], margin[1]), None, is_backward=True)
        if self.groups == 1:
            like = gradient.new_empty(1).expand(len(gradient), weight.shape[1], *size)  # its values do not count
            numbers = (self.stride, self.padding, (1, 1), False, (0, 0), 1, (True, False, False))
            result: Tensor = torch.ops.aten.convolution_backward(gradient, like, weight, None, *numbers)[0]
            return result
        sides = [length + side - 1 for length, side in zip(size, kernel, strict=True)]
        shape = (*gradient.shape[:2], *sides)
        spread = torch.empty(shape, dtype=gradient.dtype, memory_format=torch.channels_last).zero_()
        rows, columns = (
            slice(start, start + step * (count - 1) + 1, step)
            for start, step, count in zip(margin, self.stride, gradient.shape[2:], strict=True)
        )
        spread[..., rows, columns] = gradient
        return self._convolve(spread, (1, 1), (0, 0), None, is_backward=True)

    def _turned(self, weight: Tensor) -> Tensor:
        """The weights with which ``gradient`` convolves."""
        if self.groups == 1 and max(self.stride) > 1:
            return weight
        turned = weight.flip(2, 3) if self.groups > 1 else weight.flip(2, 3).transpose(0, 1)
        return turned.contiguous(memory_format=torch.channels_last)


class _Function(torch.autograd.Function):
    """A fused convolution, differentiable in its input."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, convolution: FusedConvolution) -> Tensor:
        ctx.convolution, ctx.size, y = convolution, (x.shape[2], x.shape[3]), convolution.convolve(x)
        if convolution.bounds is not None:
            ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        (gradient,), convolution = gradients, ctx.convolution
        if convolution.bounds is not None:
            # The result lies between the bounds exactly where the value before clipping does.
            gradient = torch.ops.aten.hardtanh_backward(gradient, *ctx.saved_tensors, *convolution.bounds)
        return convolution.gradient(gradient, ctx.size), None


def fuse(module: fx.GraphModule, dtype: torch.dtype, fused: dict[object, nn.Module]) -> None:
    """Replace the convolutions of a cut by fused ones in ``dtype``, if any is depthwise with a stride.

    Without one there is nothing to gain. Each is made once and stored in ``fused``. Layers that the cut returns stay.
    """
    parts = dict(module.named_modules())
    convolutions = {node: _convolution(node, parts, module) for node in module.graph.nodes}
    if not any(each is not None and each.strides_by_channel for each in convolutions.values()):
        return
    for node, convolution in convolutions.items():
        if convolution is None:
            continue
        end, bounds, follower = node, None, _only_user(node)
        part = _part(follower, parts)
        norm = part if isinstance(part, nn.BatchNorm2d) else None
        if follower is not None and norm is not None:
            end, follower = follower, _only_user(follower)
        if follower is not None:
            part = _part(follower, parts)
            bounds = CLIPPED_TO.get(follower.target if part is None else type(part))
            end = end if bounds is None else follower
        key = (convolution.name, norm, bounds)
        if key not in fused:
            fused[key] = FusedConvolution(_folded(convolution, norm, dtype), bounds)
        name = f"fused_{node.name}"
        module.add_submodule(name, fused[key])
        with module.graph.inserting_before(node):
            end.replace_all_uses_with(module.graph.call_module(name, (node.args[0],)))
    module.graph.eliminate_dead_code()
    module.delete_all_unused_submodules()
    module.recompile()


def _convolution(node: fx.Node, parts: dict[str, nn.Module], root: nn.Module) -> Convolution | None:
    """The convolution that a node is; None for other nodes, and for kinds of convolutions that are not fused."""
    part, name = _part(node, parts), str(node.target)
    numbers: Any
    if type(part) is nn.Conv2d and part.padding_mode == "zeros" and len(node.all_input_nodes) == 1:
        weight, bias = part.weight, part.bias
        numbers = part.stride, part.padding, part.dilation, part.groups
    elif node.target is torch.conv2d and len(node.args) == 7:
        constants = [_constant(each, root) for each in node.args[1:3]]
        if constants[0] is None or (constants[1] is None and node.args[2] is not None):
            return None
        (name, weight), bias = constants[0], constants[1][1] if constants[1] else None
        numbers = node.args[3:]
    else:
        return None
    stride, padding, dilation, groups = numbers
    if isinstance(padding, str) or tuple(dilation) != (1, 1) or groups not in (1, len(weight)):
        return None
    fits = (groups == 1 or weight.shape[1] == 1) and all(p < k for p, k in zip(padding, weight.shape[2:], strict=True))
    return Convolution(name, weight, bias, tuple(stride), tuple(padding), groups) if fits else None


@lru_cache(maxsize=1)
def _has_onednn() -> bool:
    """Whether oneDNN computes in bfloat16 on this processor."""
    has_library: bool = torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
    return has_library and bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())


def _folded(convolution: Convolution, norm: nn.BatchNorm2d | None, dtype: torch.dtype) -> Convolution:
    """The convolution in ``dtype`` with the batch normalisation behind it, if there is one, in its weights."""
    weight, bias = convolution.weight, convolution.bias
    if norm is not None:
        assert norm.running_mean is not None and norm.running_var is not None
        moments = norm.running_mean, norm.running_var, norm.eps, norm.weight, norm.bias
        weight, bias = fuse_conv_bn_weights(weight, bias, *moments)
    bias = None if bias is None else bias.detach().to(dtype)
    return convolution._replace(weight=weight.detach().to(dtype), bias=bias)


def _part(node: fx.Node | None, parts: dict[str, nn.Module]) -> nn.Module | None:
    """The module that a node calls."""
    return parts.get(str(node.target)) if node is not None and node.op == "call_module" else None


def _only_user(node: fx.Node) -> fx.Node | None:
    """The node that uses this one; None if there are several, or if the cut returns it."""
    users = list(node.users)
    return users[0] if len(users) == 1 and users[0].op != "output" else None


def _constant(argument: Any, root: nn.Module) -> tuple[str, Tensor] | None:
    """The name and value of a weight that a node's argument is."""
    if not isinstance(argument, fx.Node) or argument.op != "get_attr":
        return None
    path = str(argument.target)
    module, _, name = path.rpartition(".")
    return path, getattr(root.get_submodule(module), name)
