"""Precision and memory layout by rule."""

import pytest
import torch

from pipeline.config import NetworkConfig
from pipeline.dream import precision
from pipeline.dream.precision import choose_arithmetic, recorded_arithmetic

CPU, CUDA, MPS = torch.device("cpu"), torch.device("cuda"), torch.device("mps")
DENSE = NetworkConfig(precision="bfloat16", channels_last=True)


@pytest.mark.parametrize("fast", [True, False])
def test_bfloat16_needs_a_processor_that_has_it(monkeypatch: pytest.MonkeyPatch, fast: bool) -> None:
    monkeypatch.setattr(precision, "has_bfloat16", lambda: fast)
    assert choose_arithmetic("auto", DENSE, CPU) == (torch.bfloat16 if fast else torch.float32, True)
    assert choose_arithmetic("auto", NetworkConfig(), CPU) == (torch.float32, False)


def test_a_gpu_runs_in_bfloat16_with_channels_last() -> None:
    assert choose_arithmetic("auto", NetworkConfig(), CUDA) == (torch.bfloat16, True)
    assert choose_arithmetic("float32", NetworkConfig(), CUDA) == (torch.float32, False)
    assert choose_arithmetic("auto", DENSE, MPS) == (torch.float32, True)


def test_a_given_precision_wins() -> None:
    assert choose_arithmetic("float16", DENSE, CPU) == (torch.float16, True)


def test_an_unfinished_film_keeps_its_arithmetic() -> None:
    spec = {"device.precision": "bfloat16", "device.channels_last": True}
    assert recorded_arithmetic(spec) == (torch.bfloat16, True)
    assert recorded_arithmetic({}) is None
    assert recorded_arithmetic({**spec, "device.precision": "float64"}) is None
