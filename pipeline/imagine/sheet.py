"""Samples of a generator: a few pictures of each class."""

import torch
from torch import Tensor

from pipeline.networks.generator import Generator

SAMPLES = 4  # of each class
MAX_CLASSES = 60


@torch.no_grad()
def sample(net: Generator, per_class: int, seed: int, truncation: float = 1.0) -> Tensor:
    """``(classes, per_class, 3, size, size)`` bytes: pictures of every class, the same noise for each."""
    shape, rows = net.shape, []
    device = net.device
    noise = torch.randn(per_class, shape.latent, generator=torch.Generator().manual_seed(seed)).to(device)
    for label in range(min(shape.classes, MAX_CLASSES)):
        weights = torch.zeros(per_class, shape.classes, device=device)
        weights[:, label] = 1
        rows.append((net(noise * truncation, weights) * 255 + 0.5).to(torch.uint8).cpu())
    return torch.stack(rows)
