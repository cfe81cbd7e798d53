"""Reflection padding whose gradient has the same bits every time.

torch's own runs backward with atomic additions on a GPU, in any order. Here borders are slices, flips and a
concatenation, whose gradients autograd adds in a fixed order; forward gives the same values.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, fx, nn


def reflect_pad(picture: Tensor, sides: tuple[int, ...], mode: str = "reflect", value: float | None = None) -> Tensor:
    """As ``torch.nn.functional.pad`` with ``mode="reflect"`` on both axes of ``(N, C, H, W)``."""
    left, right, top, bottom = sides
    return _extend(_extend(picture, 3, left, right), 2, top, bottom)


class ReflectConv2d(nn.Conv2d):
    """A convolution with reflected borders."""

    def forward(self, input: Tensor) -> Tensor:
        padded = reflect_pad(input, tuple(self._reversed_padding_repeated_twice))
        return F.conv2d(padded, self.weight, self.bias, self.stride, 0, self.dilation, self.groups)


def use_deterministic_padding(model: nn.Module, graph: fx.Graph) -> None:
    """Replace the reflection padding of a traced model, in its convolutions and in its graph."""
    for module in model.modules():
        if type(module) is nn.Conv2d and module.padding_mode == "reflect":
            module.__class__ = ReflectConv2d
    for node in graph.nodes:
        if node.op == "call_function" and node.target is F.pad and "reflect" in (*node.args, *node.kwargs.values()):
            node.target = reflect_pad


def _extend(picture: Tensor, axis: int, before: int, after: int) -> Tensor:
    length = picture.shape[axis]
    first = [picture.narrow(axis, 1, before).flip(axis)] if before else []
    last = [picture.narrow(axis, length - 1 - after, after).flip(axis)] if after else []
    return torch.cat([*first, picture, *last], axis)
