"""Similarity of a layer's channels: each dreams a small picture, and the layer's responses to them are compared.

The response to a picture is the vector of all channels' mean activations. Two channels are similar when the responses
to their pictures are, less the means and deviations over all pictures, since some channels respond to everything.
"""

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from pipeline.config import DreamConfig
from pipeline.dream.network import Network
from pipeline.dream.preconditioner import step_direction

SIDE = 64  # pixels of a picture
STEPS = 6
STRENGTH = 0.06  # deviations of 0..1 per step
BATCH = 16


def compare(network: Network, layer: str) -> NDArray[np.int32]:
    """For every channel of ``layer`` (its full name) the others, most similar first: ``(C, C − 1)``.

    Takes as long as ``C · STEPS`` steps on pictures of ``SIDE`` pixels.
    """
    count, side = network.layers[layer], max(SIDE, network.min_side([layer]))
    responses = torch.cat([_responses(network, layer, part, side) for part in torch.split(torch.arange(count), BATCH)])
    responses = F.normalize((responses - responses.mean(dim=0)) / (responses.std(dim=0) + 1e-6), dim=1)
    cosines = responses @ responses.T
    cosines.fill_diagonal_(torch.inf)  # each channel is first in its own row, and left out
    order: NDArray[np.int32] = cosines.argsort(dim=1, descending=True, stable=True)[:, 1:].numpy().astype(np.int32)
    return order


def _responses(network: Network, layer: str, channels: Tensor, side: int) -> Tensor:
    """``(n,)`` channels → ``(n, C)`` mean activations of the layer for the picture that each one dreams."""
    noise = torch.randn(1, 3, side, side, generator=torch.Generator().manual_seed(0))
    pictures = (0.45 + 0.1 * noise).expand(len(channels), -1, -1, -1).to(network.device)
    config, rows = DreamConfig(), torch.arange(len(channels))
    for _ in range(STEPS):
        with torch.enable_grad():
            leaf = pictures.detach().requires_grad_(True)
            activation = network.activations(leaf, [layer])[layer]
            (gradient,) = torch.autograd.grad(activation[rows, channels].mean(dim=(1, 2)).sum(), leaf)
        steps = [step_direction(each, config) for each in torch.split(gradient, 1)]
        pictures = (pictures + STRENGTH * torch.cat(steps)).clamp(0, 1)
    with torch.no_grad():
        return network.activations(pictures, [layer])[layer].mean(dim=(2, 3)).cpu()
