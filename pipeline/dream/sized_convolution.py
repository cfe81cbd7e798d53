"""A frozen convolution for one size of maps, and its gradient, with as little work per call as there can be.

oneDNN has no fast code for the gradient of a convolution with a stride in bfloat16. Here it is made of convolutions
without one: every ``stride``-th place of the gradient is one convolution with every ``stride``-th weight.
"""

from collections.abc import Callable
from functools import cached_property, lru_cache
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

MAX_SHUFFLED = 4  # channels of a picture, whose gradient is computed in all phases at once

Bounds = tuple[float, float]
Pair = tuple[int, int]
"""Of rows and columns; or before and after a map."""
Operation = Callable[[Tensor], Tensor]
Clip = tuple[Tensor, Bounds] | None
"""A clipped map, which lets a gradient pass where it lies between the bounds."""
Backward = Callable[[Tensor, Clip, Clip], Tensor]
"""The gradient of the output → that of the input.

The first clip is that of the output; None where the gradient has passed it. The second one is that of the input, if the
result has to pass it.
"""


class Numbers(NamedTuple):
    """Stride, padding of rows and of columns (each before and after), groups."""

    stride: Pair
    padding: tuple[Pair, Pair]
    groups: int


class SizedConvolution:
    """``(N, i, H, W)`` = ``shape`` → ``(N, o, h, w)``, clipped to ``bounds``; all maps have channels last.

    ``padding`` is less than the kernel on each side. ``groups`` is 1 or the number of channels.
    """

    def __init__(
        self, weight: Tensor, bias: Tensor | None, numbers: Numbers, bounds: Bounds | None, shape: torch.Size
    ) -> None:
        self._weight, self._numbers, self.bounds, self._shape = weight, numbers, bounds, shape
        kernel = weight.shape[2:]
        sides = (
            (length + sum(margins) - side) // step + 1
            for length, margins, side, step in zip(shape[2:], numbers.padding, kernel, numbers.stride, strict=True)
        )
        self.output_shape = torch.Size((shape[0], len(weight), *sides))
        self.forward = _operation(weight, bias, numbers, bounds, shape)

    @property
    def strides_by_channel(self) -> bool:
        """Whether it is depthwise with a stride."""
        return self._numbers.groups > 1 and max(self._numbers.stride) > 1

    @cached_property
    def backward(self) -> Backward:
        """What computes the gradient."""
        if max(self._numbers.stride) == 1:
            return self._without_stride()
        if self.strides_by_channel:
            return self._by_channel()
        if self._weight.shape[1] <= MAX_SHUFFLED and len(set(self._numbers.stride)) == 1:
            return self._shuffled()
        return self._by_torch

    def _without_stride(self) -> Backward:
        margins = [
            (side - 1 - before, side - 1 - after)
            for side, (before, after) in zip(self._weight.shape[2:], self._numbers.padding, strict=True)
        ]
        turned = self._weight.flip(2, 3)
        turned = turned if self._numbers.groups > 1 else turned.transpose(0, 1)
        numbers = Numbers((1, 1), (margins[0], margins[1]), self._numbers.groups)
        convolve = _operation(turned, None, numbers, None, self.output_shape)

        def backward(gradient: Tensor, output: Clip, source: Clip) -> Tensor:
            result = convolve(_pass(gradient, output))
            return _pass(result, source, into=result)

        return backward

    def _by_channel(self) -> Backward:
        """Of a depthwise convolution: zeros between columns; the rows of each phase are a convolution of their own."""
        count, channels, height, width = self._shape
        (row_step, column_step), (row_padding, column_padding), groups = self._numbers
        side, rows = self._weight.shape[3], self.output_shape[2]
        spread_shape = torch.Size((count, channels, rows, width + side - 1))
        start = side - 1 - column_padding[0]
        columns = slice(start, start + column_step * (self.output_shape[3] - 1) + 1, column_step)
        phases = []
        for phase in range(min(row_step, height)):
            taps = Taps(self._weight.shape[2], row_step, row_padding[0], (phase,))
            kernel = taps.kernel(self._weight.flip(3), 2, phase)
            length = -(-(height - phase) // row_step)
            margin = max(taps.margins(length, rows))
            numbers = Numbers((1, 1), ((margin, margin), (0, 0)), groups)
            inner = slice(margin + taps.first, margin + taps.first + length)
            phases.append((_operation(kernel, None, numbers, None, spread_shape), inner, slice(phase, None, row_step)))

        def backward(gradient: Tensor, output: Clip, source: Clip) -> Tensor:
            spread = _empty(spread_shape, gradient).zero_()
            _pass(gradient, output, into=spread[..., columns])
            result = _empty(self._shape, gradient)
            for convolve, inner, places in phases:
                clip = None if source is None else (source[0][:, :, places], source[1])
                _pass(convolve(spread)[:, :, inner], clip, into=result[:, :, places])
            return result

        return backward

    def _shuffled(self) -> Backward:
        """Of a picture with few channels: all phases as channels of one convolution."""
        (step, _), padding, _ = self._numbers
        phases, kernel = range(step), self._weight.shape[2:]
        rows, columns = (Taps(side, step, before, phases) for side, (before, _) in zip(kernel, padding, strict=True))
        weights = torch.stack([columns.kernel(rows.kernel(self._weight, 2, a), 3, b) for a in phases for b in phases])
        weights = weights.permute(2, 0, 1, 3, 4).flatten(0, 1)  # inputs · phases, outputs, rows, columns
        lengths = [-(-side // step) for side in self._shape[2:]]
        margins = [
            taps.margins(length, side)
            for taps, length, side in zip((rows, columns), lengths, self.output_shape[2:], strict=True)
        ]
        numbers = Numbers((1, 1), (margins[0], margins[1]), 1)
        convolve = _operation(weights, None, numbers, None, self.output_shape)

        def backward(gradient: Tensor, output: Clip, source: Clip) -> Tensor:
            result = F.pixel_shuffle(convolve(_pass(gradient, output)), step)
            return _pass(result[:, :, : self._shape[2], : self._shape[3]], source)

        return backward

    def _by_torch(self, gradient: Tensor, output: Clip, source: Clip) -> Tensor:
        rows, columns = self._numbers.padding
        padded = (self._shape[2] + sum(rows), self._shape[3] + sum(columns))
        like = gradient.new_empty(1).expand(*self._shape[:2], *padded)  # its values do not count
        numbers = (self._numbers.stride, (0, 0), (1, 1), False, (0, 0), 1, (True, False, False))
        gradient = _pass(gradient, output)
        result = torch.ops.aten.convolution_backward(gradient, like, self._weight, None, *numbers)[0]
        return _pass(F.pad(result, (-columns[0], -columns[1], -rows[0], -rows[1])), source)


class Taps:
    """Which weights of one axis meet which place of a gradient.

    Input ``stride · t + phase`` meets output ``t + offset`` by one weight.

    ``first`` and ``last`` are the offsets between which those of all ``phases`` lie.
    """

    def __init__(self, side: int, stride: int, before: int, phases: range | tuple[int, ...]) -> None:
        self._by_phase = {
            phase: {
                (phase + before - tap) // stride: tap for tap in range(side) if (phase + before - tap) % stride == 0
            }
            for phase in phases
        }
        offsets = [0, *(offset for taps in self._by_phase.values() for offset in taps)]
        self.first, self.last = min(offsets), max(offsets)

    def kernel(self, weight: Tensor, axis: int, phase: int) -> Tensor:
        """The weights of a phase along ``axis``, in the order of offsets, with zeros where it has none."""
        taps, nothing = self._by_phase[phase], torch.zeros_like(weight.select(axis, 0))
        offsets = range(self.first, self.last + 1)
        return torch.stack([weight.select(axis, taps[at]) if at in taps else nothing for at in offsets], axis)

    def margins(self, length: int, gradients: int) -> Pair:
        """The padding before and after ``gradients`` places for ``length`` places of a phase."""
        return -self.first, max(0, length + self.last - gradients)


def _operation(
    weight: Tensor, bias: Tensor | None, numbers: Numbers, bounds: Bounds | None, shape: torch.Size
) -> Operation:
    """The convolution of maps of ``shape``, then clipped. Where padding is uneven, the kernel gets zeros instead."""
    (rows, columns), stride = numbers.padding, numbers.stride
    extra = [(max(0, after - before), max(0, before - after)) for before, after in (columns, rows)]
    weight = F.pad(weight, (*extra[0], *extra[1])).contiguous(memory_format=torch.channels_last)
    padding = (max(rows), max(columns))
    if weight.dtype == torch.bfloat16 and _has_onednn():
        # In the order in which oneDNN reads them, into which it would bring them in every call. On processors with AMX
        # the order depends on the size of the map.
        arguments = (padding, stride, (1, 1), numbers.groups)
        packed = torch.ops.mkldnn._reorder_convolution_weight(weight, *arguments, shape)
        # oneDNN clips before it rounds and stores: the same bits, but NaN becomes a bound.
        after = ("none", [], "") if bounds is None else ("hardtanh", bounds, "")
        convolve = torch.ops.mkldnn._convolution_pointwise.default
        return lambda x: convolve(x, packed, bias, *arguments, *after)

    def plain(x: Tensor) -> Tensor:
        y = F.conv2d(x, weight, bias, stride, padding, 1, numbers.groups)
        return y if bounds is None else y.clamp_(*bounds)

    return plain


def _pass(gradient: Tensor, clip: Clip, into: Tensor | None = None) -> Tensor:
    """The gradient behind a clip, in a new tensor or in ``into``."""
    if clip is None:
        return gradient if into is None or into is gradient else into.copy_(gradient)
    # A result lies between the bounds exactly where the value before clipping does.
    map, bounds = clip
    result: Tensor
    if into is None:
        result = torch.ops.aten.hardtanh_backward.default(gradient, map, *bounds)
    else:
        result = torch.ops.aten.hardtanh_backward.grad_input(gradient, map, *bounds, grad_input=into)
    return result


def _empty(shape: torch.Size, like: Tensor) -> Tensor:
    return torch.empty(shape, dtype=like.dtype, memory_format=torch.channels_last)


@lru_cache(maxsize=1)
def _has_onednn() -> bool:
    """Whether oneDNN computes in bfloat16 on this processor."""
    has_library: bool = torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
    return has_library and bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())
