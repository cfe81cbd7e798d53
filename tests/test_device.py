"""Devices are set up so that the same frames come every time, as fast as that goes."""

from collections.abc import Iterator

import pytest
import torch

from pipeline.device import choose_device, ready


@pytest.fixture(autouse=True)
def settings_as_before() -> Iterator[None]:
    """What choosing a device sets is torch's own and shared by all tests."""
    cudnn, matmul = torch.backends.cudnn, torch.backends.cuda.matmul
    before = cudnn.deterministic, cudnn.benchmark, matmul.fp32_precision
    cudnn.deterministic, cudnn.benchmark, matmul.fp32_precision = False, True, "ieee"
    yield
    cudnn.deterministic, cudnn.benchmark, matmul.fp32_precision = before


def test_float32_runs_in_tf32_on_a_gpu_and_nowhere_else() -> None:
    choose_device("cpu")
    assert torch.backends.cuda.matmul.fp32_precision == "ieee"
    ready(torch.device("cuda:1"))
    assert torch.backends.cuda.matmul.fp32_precision == "tf32"
    assert torch.backends.cudnn.conv.fp32_precision == "tf32"  # type: ignore[attr-defined]


def test_the_same_algorithms_are_taken_every_time() -> None:
    choose_device("auto")
    assert torch.backends.cudnn.deterministic and not torch.backends.cudnn.benchmark
