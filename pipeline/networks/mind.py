"""Reads a *mind*: a trained generator with its model card and class names in one safetensors file."""

from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open

from pipeline.errors import InputError
from pipeline.networks.generator import Generator
from pipeline.networks.mind_header import EMBEDDED, Header, read_header


@dataclass(frozen=True)
class Mind:
    """A generator on the CPU in float32, frozen, and what its file says about it."""

    generator: Generator
    header: Header


def load_mind(path: Path | None = None) -> Mind:
    """The mind at ``path``, else the embedded one. Raises InputError."""
    path = path or EMBEDDED
    header = read_header(path)
    with torch.device("meta"):
        net = Generator(header.shape)
    try:
        with safe_open(str(path), "pt") as file:
            weights = {name: file.get_tensor(name).float() for name in file.keys()}  # noqa: SIM118
        net.load_state_dict(weights, assign=True)
    except (SafetensorError, RuntimeError, OSError) as error:
        raise InputError(f"imagine.weights={path}: its weights are damaged, or of another version") from error
    return Mind(net.eval().requires_grad_(False), header)
