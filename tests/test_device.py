"""The device that is asked for, or the best there is, set up so that the same frames come every time."""

from collections.abc import Iterator

import pytest
import torch

from pipeline.device import choose_device, choose_precision
from pipeline.errors import ConfigError


@pytest.fixture(autouse=True)
def settings_as_before() -> Iterator[None]:
    """What choosing a device sets is torch's own and shared by all tests."""
    cudnn, matmul = torch.backends.cudnn, torch.backends.cuda.matmul
    before = cudnn.deterministic, cudnn.benchmark, matmul.fp32_precision
    cudnn.deterministic, cudnn.benchmark, matmul.fp32_precision = False, True, "ieee"
    yield
    cudnn.deterministic, cudnn.benchmark, matmul.fp32_precision = before


def test_auto_takes_a_gpu_where_there_is_one() -> None:
    assert choose_device("auto", gpus=2).type == "cuda"
    assert choose_device("auto", gpus=0).type in ("mps", "cpu")
    assert choose_device("cuda:1", gpus=2) == torch.device("cuda:1")
    with pytest.raises(ConfigError, match=r"device=cuda:2: this machine has 2 CUDA devices"):
        choose_device("cuda:2", gpus=2)


def test_float32_runs_in_tf32_on_a_gpu_and_nowhere_else() -> None:
    choose_device("cpu")
    assert torch.backends.cuda.matmul.fp32_precision == "ieee"
    choose_device("cuda", gpus=1)
    assert torch.backends.cuda.matmul.fp32_precision == "tf32"
    assert torch.backends.cudnn.conv.fp32_precision == "tf32"  # type: ignore[attr-defined]


def test_the_same_algorithms_are_taken_every_time() -> None:
    choose_device("cuda", gpus=1)
    assert torch.backends.cudnn.deterministic and not torch.backends.cudnn.benchmark


def test_half_precision_is_for_cuda() -> None:
    assert choose_precision("auto", torch.device("cuda")) == torch.bfloat16
    assert choose_precision("auto", torch.device("cpu")) == torch.float32
    assert choose_precision("float16", torch.device("cpu")) == torch.float16
