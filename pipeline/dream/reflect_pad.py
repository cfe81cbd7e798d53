"""Mirrored borders whose gradient has the same bits every time, for devices on which torch's own does not.

Torch's reflection padding runs backward with atomic additions on a GPU, in whatever order they come. Here each strip is
turned over and added in a fixed order; forward it is torch's own.
"""

from typing import Any

import torch.nn.functional as F
from torch import Tensor, autograd, fx, nn


class Mirror(autograd.Function):
    """``(N, C, H, W)`` → the same with so many mirrored pixels left, right, above and below."""

    @staticmethod
    def forward(ctx: Any, picture: Tensor, sides: tuple[int, int, int, int]) -> Tensor:
        ctx.sides = sides
        return F.pad(picture, sides, mode="reflect")

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        left, right, above, below = ctx.sides
        return _fold(_fold(gradient, 2, above, below), 3, left, right), None


def mirror(picture: Tensor, sides: tuple[int, ...], mode: str = "reflect", value: float | None = None) -> Tensor:
    """As ``torch.nn.functional.pad`` with ``mode="reflect"`` on both axes of ``(N, C, H, W)``."""
    assert mode == "reflect" and len(sides) == 4
    found: Tensor = Mirror.apply(picture, tuple(sides))
    return found


class MirrorConv(nn.Conv2d):
    """A convolution with mirrored borders."""

    def forward(self, input: Tensor) -> Tensor:
        padded = mirror(input, tuple(self._reversed_padding_repeated_twice))
        return F.conv2d(padded, self.weight, self.bias, self.stride, 0, self.dilation, self.groups)


def mirror_in_order(model: nn.Module, graph: fx.Graph) -> None:
    """Exchange the mirrored borders of a traced model, in its convolutions and in its graph."""
    for module in model.modules():
        if type(module) is nn.Conv2d and module.padding_mode == "reflect":
            module.__class__ = MirrorConv
    for node in graph.nodes:
        if node.op == "call_function" and node.target is F.pad and "reflect" in (*node.args, *node.kwargs.values()):
            node.target = mirror


def _fold(gradient: Tensor, axis: int, before: int, after: int) -> Tensor:
    """The gradient of a padded axis → that of the axis itself, the strips turned over and added."""
    length = gradient.shape[axis] - before - after
    inner = gradient.narrow(axis, before, length).clone()
    if before:
        inner.narrow(axis, 1, before).add_(gradient.narrow(axis, 0, before).flip(axis))
    if after:
        inner.narrow(axis, length - 1 - after, after).add_(gradient.narrow(axis, before + length, after).flip(axis))
    return inner
