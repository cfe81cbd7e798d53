"""Similarity of channels."""

import copy
from pathlib import Path

import torch
from torch import nn

from pipeline.dream.channel_similarity import compare
from pipeline.dream.network import Network
from pipeline.dream.weights import Weights


def test_a_copy_of_a_channel_is_the_most_similar(tiny: Network) -> None:
    """Channel 9 is made a copy of channel 4, slightly disturbed."""
    model = copy.deepcopy(tiny.model)
    layer = model.get_submodule("two.0")
    assert isinstance(layer, nn.Conv2d) and layer.bias is not None
    wobble = 0.02 * torch.randn(layer.weight[4].shape, generator=torch.Generator().manual_seed(0))
    layer.weight.data[9] = layer.weight.data[4] + wobble
    layer.bias.data[9] = layer.bias.data[4]
    twins = Network("twins", model, (), Weights(Path("x"), "0"))
    order = compare(twins, "two")
    assert order.shape == (12, 11)
    assert order[4][0] == 9 and order[9][0] == 4
    assert all(sorted([row, *others]) == list(range(12)) for row, others in enumerate(order.tolist()))


def test_it_is_the_same_every_time(tiny: Network) -> None:
    assert (compare(tiny, "three") == compare(tiny, "three")).all()
