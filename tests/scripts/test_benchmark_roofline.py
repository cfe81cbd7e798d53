"""Work is counted as the operations do it: arithmetic by torch's own formulas, bytes by what goes in and comes out."""

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch.utils.flop_counter import FlopCounterMode

from pipeline.dream.fused_convolution import Convolution, FusedConvolution
from scripts.benchmarks import roofline
from scripts.benchmarks.roofline import Work

ONE, OTHER = torch.ones(100, 10), torch.ones(10, 40)


@pytest.mark.parametrize(
    ("job", "work"),
    [
        (lambda: ONE @ OTHER, Work(2 * 100 * 10 * 40, 4 * (1000 + 400 + 4000))),
        (lambda: ONE + ONE, Work(0, 4 * (1000 + 1000))),
        (lambda: ONE + ONE[:, :1], Work(0, 4 * (1000 + 100 + 1000))),
        (lambda: ONE[:5].exp(), Work(0, 4 * (50 + 50))),
        (lambda: ONE.view(10, 100).transpose(0, 1).detach()[3], Work(0, 0)),
        (lambda: ONE[:1].expand(50, 10).sum(), Work(0, 4 * (10 + 1))),
        (lambda: ONE.bfloat16(), Work(0, (4 + 2) * 1000)),
        (lambda: torch.empty(1000), Work(0, 0)),
        (lambda: torch.zeros(1000), Work(0, 4000)),
        (lambda: ONE.clone().add_(1), Work(0, 4 * (2000 + 2000))),
        (lambda: torch.empty_like(ONE).copy_(ONE), Work(0, 4 * (1000 + 1000))),
        (lambda: torch.mul(ONE, 2, out=torch.empty_like(ONE)), Work(0, 4 * (1000 + 1000))),
    ],
)
def test_operations_read_and_write_each_tensor_once(job: Callable[[], object], work: Work) -> None:
    assert roofline.count(job) == work


@pytest.mark.parametrize("groups", [1, 4])
def test_fused_convolutions_count_as_others_do(groups: int) -> None:
    weight = torch.ones(8, 8 // groups, 3, 3).bfloat16()
    x = torch.ones(1, 8, 10, 12).bfloat16().to(memory_format=torch.channels_last)
    fused = FusedConvolution(Convolution("filters", weight, None, (1, 1), (1, 1), groups), (0.0, 6.0))
    fused.convolve(x)
    assert roofline.count(lambda: fused.convolve(x)).flops == 2 * 8 * 10 * 12 * 9 * 8 // groups


def test_arithmetic_equals_torchs_own_count() -> None:
    dice = torch.Generator().manual_seed(0)
    picture = torch.randn(1, 3, 20, 30, generator=dice).requires_grad_(True)
    kernel = torch.randn(8, 3, 3, 3, generator=dice)
    with FlopCounterMode(display=False) as theirs:
        F.conv2d(picture, kernel).square().sum().backward()
    ours = roofline.count(lambda: torch.autograd.grad(F.conv2d(picture, kernel).square().sum(), picture))
    assert ours.flops == theirs.get_total_flops() == 2 * 2 * 8 * 3 * 9 * 18 * 28


def test_jobs_do_the_work_they_claim() -> None:
    multiply, flops = roofline.products(torch.device("cpu"), torch.float32)
    copy, moved = roofline.copies(torch.device("cpu"))
    assert roofline.count(multiply).flops == flops
    assert roofline.count(copy) == Work(0, moved)


def test_the_least_time_is_by_either_rate() -> None:
    assert Work(600, 50).least(200, 10) == (3, 5)
