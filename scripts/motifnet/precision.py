"""Device and precision of training; the precision is chosen once per cache folder."""

import copy
import time
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from pipeline.errors import InputError

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}


@dataclass(frozen=True)
class Arithmetic:
    """Device and precision of training."""

    device: torch.device
    dtype: torch.dtype

    def logits(self, net: nn.Module, x: Tensor) -> Tensor:
        """The average of the class map: ``(N, 3, H, W) → (N, classes)``, float32."""
        with torch.autocast(self.device.type, self.dtype, enabled=self.dtype != torch.float32):
            dense = net(x)
        return dense.float().mean((2, 3))


def resolve_precision(cache: Path, choice: str = "auto") -> str | None:
    """``choice``, or for auto the precision in which this cache's training began; None before any training.

    Raises InputError if the cache's note of it is damaged.
    """
    if choice != "auto":
        return choice
    path = _note(cache)
    if not path.exists():
        return None
    name = path.read_text(encoding="utf-8").strip()
    if name not in DTYPES:
        raise InputError(f"{path}: holds {name[:40]!r}; allowed are {' and '.join(DTYPES)}")
    return name


def write_precision(name: str, cache: Path) -> None:
    """Notes the precision in the cache: another measurement could differ, but one training has one precision."""
    cache.mkdir(parents=True, exist_ok=True)
    _note(cache).write_text(f"{name}\n", encoding="utf-8")


def _note(cache: Path) -> Path:
    return cache / "precision.txt"


def fastest(net: nn.Module, device: torch.device, crop: int, batch: int) -> str:
    """The faster of float32 and bfloat16 for a training step, measured.

    bfloat16 is 17 times slower than float32 on processors without its instructions, and faster with them.
    """
    times: dict[str, float] = {}
    x = torch.rand(batch, 3, crop, crop, device=device).contiguous(memory_format=torch.channels_last)
    for name, dtype in DTYPES.items():
        trial, arithmetic = copy.deepcopy(net).to(device), Arithmetic(device, dtype)
        seconds = []
        for _ in range(3):
            start = time.perf_counter()
            arithmetic.logits(trial, x).square().mean().backward()
            seconds.append(_synchronised_time(device) - start)
        times[name] = min(seconds)
    best = min(times, key=lambda name: times[name])
    print("seconds a step: " + ", ".join(f"{name} {value:.3f}" for name, value in times.items()) + f"; {best}")
    return best


def _synchronised_time(device: torch.device) -> float:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()
