"""The state of a training on disk; a training that resumes from it ends with the same bits."""

import pickle
from pathlib import Path
from typing import Any

import torch
from torch import nn

from pipeline.errors import InputError


class Checkpoint:
    """The state of a phase's training at ``path``, written atomically."""

    def __init__(self, path: Path, net: nn.Module, mean: nn.Module, optimizer: torch.optim.Optimizer) -> None:
        self.path = path
        self._parts: dict[str, Any] = {"net": net, "mean": mean, "optimizer": optimizer}

    def restore(self, device: torch.device) -> int:
        """Loads the state if the file exists; returns the next step. Raises InputError."""
        if not self.path.exists():
            return 0
        saved = read(self.path, device)
        try:
            for name, part in self._parts.items():
                part.load_state_dict(saved[name])
            return int(saved["step"])
        except (KeyError, TypeError, ValueError, RuntimeError) as error:
            raise _damaged(self.path) from error

    def save(self, step: int) -> None:
        """Saves the state before ``step``, replacing an earlier one."""
        write({name: part.state_dict() for name, part in self._parts.items()} | {"step": step}, self.path)


def write(state: dict[str, Any], path: Path) -> None:
    """Writes ``state`` to ``path`` atomically."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    torch.save(state, partial)
    partial.replace(path)


def read(path: Path, device: torch.device) -> dict[str, Any]:
    """The state that ``write`` wrote; runs no code from the file. Raises InputError if it is something else."""
    try:
        saved = torch.load(path, map_location=device, weights_only=True)
    except (pickle.UnpicklingError, EOFError, RuntimeError, ValueError, KeyError) as error:
        raise _damaged(path) from error
    if not isinstance(saved, dict):
        raise _damaged(path)
    return saved


def _damaged(path: Path) -> InputError:
    return InputError(f"{path}: holds no state of this training; delete it to start again")
