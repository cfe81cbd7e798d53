"""Writes a trained generator with its model card and class names into one safetensors file."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save
from torch import Tensor, nn

from pipeline.networks.generator_header import FORMAT
from pipeline.networks.metadata import with_sorted_header
from pipeline.runtime.files import write_bytes

Weights = Mapping[str, Tensor]


def write_generator(
    net: nn.Module, kind: str, shape: dict[str, Any], card: dict[str, Any], path: Path, ages: Sequence[Weights] = ()
) -> None:
    """Write the weights in half precision, what they are made for, and the card; earlier ones as ``age0.NAME``, ….

    Raises OutputError.
    """
    weights = half(net.state_dict())
    for number, age in enumerate(ages):
        weights |= {f"age{number}.{name}": tensor for name, tensor in half(age).items()}
    metadata = {"format": FORMAT, "model": kind, "shape": json.dumps(shape), "card": json.dumps(card)}
    write_bytes(path, with_sorted_header(save(weights, metadata)))


def half(weights: Weights) -> dict[str, Tensor]:
    """Copies on the CPU in half precision."""
    return {name: tensor.detach().cpu().to(torch.float16, copy=True).contiguous() for name, tensor in weights.items()}
