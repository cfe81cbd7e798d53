"""Reads a trained generator with its model card and class names from one safetensors file."""

from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from pipeline.errors import InputError
from pipeline.networks.gan import Gan
from pipeline.networks.generator import Generator
from pipeline.networks.generator_header import EMBEDDED, Header, read_header
from pipeline.networks.helmholtz import HelmholtzMachine
from pipeline.networks.vae import Autoencoder

MODELS: dict[str, type[Generator]] = {"vae": Autoencoder, "helmholtz": HelmholtzMachine, "gan": Gan}


@dataclass(frozen=True)
class TrainedGenerator:
    """A generator on the CPU in float32, frozen, and what its file says about it."""

    generator: Generator
    header: Header
    ages: tuple[dict[str, Tensor], ...] = ()


def load_generator(path: Path | None = None) -> TrainedGenerator:
    """The generator at ``path``, else the embedded one. Raises InputError."""
    path = path or EMBEDDED
    header = read_header(path)
    with torch.device("meta"):
        net = MODELS[header.model](header.shape)
    try:
        with safe_open(str(path), "pt") as file:
            weights = {name: file.get_tensor(name).float() for name in file.keys()}  # noqa: SIM118
        states = [_part(weights, f"age{number}.") for number in range(header.ages)]
        net.load_state_dict({name: each for name, each in weights.items() if not name.startswith("age")}, assign=True)
        shapes = {name: each.shape for name, each in net.drawing_state().items()}
        if any({name: each.shape for name, each in state.items()} != shapes for state in states):
            raise RuntimeError("earlier states of other shapes")
    except (SafetensorError, RuntimeError, OSError) as error:
        raise InputError(f"imagine.weights={path}: its weights are damaged, or of another version") from error
    return TrainedGenerator(net.eval().requires_grad_(False), header, tuple(states))


def _part(weights: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): each for name, each in weights.items() if name.startswith(prefix)}
