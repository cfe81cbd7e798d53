"""A convolution for one size has the values and the gradient of torch's."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from pipeline.dream.sized_convolution import Numbers, Pair, SizedConvolution

BOUNDS = 0.0, 1.0


def tensors(*shapes: tuple[int, ...]) -> list[Tensor]:
    rng = torch.Generator().manual_seed(1)
    return [torch.randn(shape, generator=rng) for shape in shapes]


def cases() -> list[tuple[int, int, Pair, Pair, tuple[Pair, Pair]]]:
    """Channels, groups, kernel, stride, padding: depthwise ones, pictures, and dense ones with many channels."""
    kinds = [(6, 6), (3, 1), (6, 1)]
    numbers = [
        ((3, 3), (1, 1), ((1, 1), (1, 1))),
        ((3, 3), (2, 2), ((0, 1), (1, 1))),
        ((5, 5), (2, 2), ((1, 2), (2, 1))),
        ((5, 3), (2, 1), ((4, 0), (0, 2))),
        ((4, 4), (3, 3), ((2, 3), (0, 0))),
        ((1, 2), (2, 2), ((0, 0), (1, 0))),
    ]
    return [(*kind, *each) for kind in kinds for each in numbers]


@pytest.mark.parametrize(("channels", "groups", "kernel", "stride", "padding"), cases())
@pytest.mark.parametrize("size", [(12, 13), (11, 16)])
def test_values_and_gradient_are_those_of_autograd(
    channels: int, groups: int, kernel: Pair, stride: Pair, padding: tuple[Pair, Pair], size: Pair
) -> None:
    outputs = channels if groups > 1 else 5
    x, weight, bias = tensors((2, channels, *size), (outputs, channels // groups, *kernel), (outputs,))
    source = x.clamp(*BOUNDS).contiguous(memory_format=torch.channels_last)
    leaf = x.requires_grad_(True)
    rows, columns = padding
    expected = F.conv2d(F.pad(leaf.clamp(*BOUNDS), (*columns, *rows)), weight, bias, stride, groups=groups)
    expected = expected.clamp(*BOUNDS)
    convolution = SizedConvolution(weight, bias, Numbers(stride, padding, groups), BOUNDS, source.shape)
    result = convolution.forward(source)
    assert result.shape == convolution.output_shape
    torch.testing.assert_close(result, expected.detach())
    (gradient,) = tensors(result.shape)
    (expected_gradient,) = torch.autograd.grad(expected, leaf, gradient)
    clipped = torch.where((result > 0) & (result < 1), gradient, 0)
    for start, clip in ((gradient, (result, BOUNDS)), (clipped, None)):
        before = start.clone()
        torch.testing.assert_close(convolution.backward(start, clip, (source, BOUNDS)), expected_gradient)
        assert torch.equal(start, before)
        unclipped = convolution.backward(start, clip, None)
        torch.testing.assert_close(torch.where((source > 0) & (source < 1), unclipped, 0), expected_gradient)
