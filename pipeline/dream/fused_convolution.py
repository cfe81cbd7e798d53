"""Frozen convolutions in half precision on a CPU: fused with what follows, and with their own backward pass.

Batch normalisation is folded into the weights. Of an activation that clips, only the result is stored.
"""

from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, fx, nn
from torch.nn.utils.fusion import fuse_conv_bn_weights

from pipeline.dream.sized_convolution import Bounds, Numbers, Pair, SizedConvolution

MAX_SIZES = 24  # of maps for which a convolution is prepared: of a dozen octaves
NO_PADDING = (0, 0), (0, 0)
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
        self._by_size: dict[object, SizedConvolution] = {}

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = _Function.apply(x.to(self.weight.dtype), self)
        return result

    def convolve(self, x: Tensor) -> Tensor:
        """The result, without a gradient."""
        return self.sized(x.shape).forward(x)

    def gradient(self, gradient: Tensor, size: Pair) -> Tensor:
        """The gradient of the convolution's output, before clipping → that of its input of ``size`` (h, w)."""
        channels = self.weight.shape[1] * self.groups
        sized = self.sized(torch.Size((len(gradient), channels, *size)))
        return sized.backward(gradient, None, None)

    def sized(self, shape: torch.Size, padding: tuple[Pair, Pair] = NO_PADDING) -> SizedConvolution:
        """The convolution of maps of ``shape``, with more ``padding`` of rows and columns, before and after each."""
        key = shape, padding
        if key not in self._by_size:
            if len(self._by_size) == MAX_SIZES:
                del self._by_size[next(iter(self._by_size))]
            rows, columns = (
                (own + before, own + after) for own, (before, after) in zip(self.padding, padding, strict=True)
            )
            numbers = Numbers(self.stride, (rows, columns), self.groups)
            self._by_size[key] = SizedConvolution(self.weight, self.bias, numbers, self.bounds, shape)
        return self._by_size[key]


class _Function(torch.autograd.Function):
    """A fused convolution, differentiable in its input."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, convolution: FusedConvolution) -> Tensor:
        ctx.sized = sized = convolution.sized(x.shape)
        y = sized.forward(x)
        if convolution.bounds is not None:
            ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        clip = (*ctx.saved_tensors, ctx.sized.bounds) if ctx.saved_tensors else None
        gradient: Tensor = ctx.sized.backward(*gradients, clip, None)
        return gradient, None


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
