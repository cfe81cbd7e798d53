"""What trainings on pictures share: where they compute, the running mean of weights, states that resume bit for bit."""

import logging
import pickle
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from pipeline.errors import InputError
from pipeline.runtime.files import atomic_write

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Setting:
    """Where a training computes, and where its files go."""

    device: torch.device
    dtype: torch.dtype
    seed: int
    state: Path
    sheet: Path


class Trainer:
    """A training of ``net``; ``mean`` has the running mean of its weights. ``key`` tells one training from another."""

    def __init__(
        self, setting: Setting, net: nn.Module, mean: nn.Module, optimizer: torch.optim.Optimizer, key: str
    ) -> None:
        self.setting, self.key = setting, key
        self.parts: dict[str, Any] = {"net": net, "mean": mean, "optimizer": optimizer}

    def generator(self, step: int) -> torch.Generator:
        """The random generator of this step."""
        return torch.Generator().manual_seed(self.setting.seed * 1_000_003 + step)

    def average(self, step: int, slowest: float) -> None:
        """Move the mean toward the weights after this step: quickly at first, at last by 1 - ``slowest``."""
        keep = min(slowest, (step + 1) / (step + 10))
        tensors = (self.parts[name].state_dict().values() for name in ("mean", "net"))
        with torch.no_grad():
            for slow, fast in zip(*tensors, strict=True):
                slow.lerp_(fast, 1 - keep)

    def save(self, done: int, **extra: object) -> None:
        """Write the state after ``done`` steps."""
        states = {name: part.state_dict() for name, part in self.parts.items()}
        with atomic_write(self.setting.state) as part:
            torch.save({**states, "step": done, "key": self.key, **extra}, part)

    def restore(self) -> dict[str, Any]:
        """Load the state, if there is one; what was saved. Raises InputError for that of another training."""
        path = self.setting.state
        if not path.exists():
            return {"step": 0}
        try:
            saved: dict[str, Any] = torch.load(path, map_location=self.setting.device, weights_only=True)
            if saved["key"] != self.key:
                raise InputError(
                    f"{path}: a training with other settings or pictures stopped here; resume=false starts over"
                )
            for name, part in self.parts.items():
                part.load_state_dict(saved[name])
            saved["step"] = int(saved["step"])
        except (pickle.UnpicklingError, EOFError, RuntimeError, ValueError, KeyError, TypeError) as error:
            raise InputError(f"{path}: holds no state of a training; resume=false starts over") from error
        log.info(f"resumes after step {saved['step']}")
        return saved
