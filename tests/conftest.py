"""Shared fixtures: a tiny network, real weights and pictures if present, a guard on the global random state."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch import nn

from pipeline.dream.network import Network
from pipeline.dream.weights import Weights
from tests.forked import Program

SHARED = Path(__file__).resolve().parent.parent.parent / "shared"


@pytest.fixture(autouse=True)
def global_random_state_is_unchanged() -> Iterator[None]:
    """Everything random has its own generator: no test may use the global one."""
    before = torch.get_rng_state()
    yield
    assert torch.equal(before, torch.get_rng_state()), "the global random state changed"


@pytest.fixture(autouse=True)
def signals_are_not_ignored() -> Iterator[None]:
    """The program ignores signals as it ends; what a test starts after it in this process would inherit that."""
    for number in (signal.SIGINT, signal.SIGTERM):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
    yield


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real weights and pictures; tests that need it are skipped without it."""
    if not (SHARED / "weights").is_dir():
        pytest.skip("no real weights and pictures in ../shared")
    return SHARED


@pytest.fixture(scope="session")
def program(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    """The program, imported once and run many times."""
    with Program(tmp_path_factory.mktemp("output")) as running:
        yield running


@pytest.fixture(scope="session")
def tiny() -> Network:
    """Three convolutions with fixed random weights; the output is ten logits."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(7)
        model = nn.Sequential()
        model.add_module("one", nn.Sequential(nn.Conv2d(3, 8, 5, padding=2), nn.ReLU(inplace=True)))
        model.add_module("two", nn.Sequential(nn.Conv2d(8, 12, 3, stride=2, padding=1), nn.ReLU(inplace=True)))
        model.add_module("three", nn.Sequential(nn.Conv2d(12, 16, 3, stride=2, padding=1), nn.SiLU()))
        model.add_module("pool", nn.AdaptiveAvgPool2d(1))
        model.add_module("flat", nn.Flatten())
        model.add_module("head", nn.Linear(16, 10))
    names = (
        "owl",
        "great white shark",
        "eye",
        "tree",
        "leaf",
        "fish",
        "gear",
        "star",
        "moon",
        "cat",
    )
    return Network("tiny", model, names, Weights(Path("tiny.safetensors"), "0" * 64))
