"""Writes a trained generator with its model card and class names into one safetensors file."""

import json
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save
from torch import nn

from pipeline.networks.metadata import with_sorted_header
from pipeline.networks.mind_header import FORMAT
from pipeline.runtime.files import write_bytes


def write_mind(net: nn.Module, kind: str, shape: dict[str, Any], card: dict[str, Any], path: Path) -> None:
    """Write the weights in half precision, what they are made for, and the card. Raises OutputError."""
    weights = {name: tensor.detach().cpu().to(torch.float16).contiguous() for name, tensor in net.state_dict().items()}
    metadata = {"format": FORMAT, "model": kind, "shape": json.dumps(shape), "card": json.dumps(card)}
    write_bytes(path, with_sorted_header(save(weights, metadata)))
