"""Dreams that are judged: grown by the program's gradient or by the bare one."""

import pytest
import torch

from pipeline.networks import motifnet
from scripts.motifnet.dreams import Growth, grow, seen


@pytest.mark.parametrize("bare", [False, True])
def test_what_is_looked_for_rises_within_the_range_of_colours_and_repeats(bare: bool) -> None:
    value = seen(motifnet.load(), "head", motifnet.CLASSES.index("rose"))
    none, some = (Growth(size=64, octaves=2, steps=steps, bare=bare) for steps in (0, 6))
    start, dream = (grow(value, growth, seed=3) for growth in (none, some))
    assert float(value(dream)) > float(value(start)) + 0.5
    assert 0 <= float(dream.min()) and float(dream.max()) <= 1
    assert torch.equal(dream, grow(value, some, seed=3))


def test_a_bare_gradient_is_neither_weighed_nor_mixed_nor_evened_out() -> None:
    config = Growth(bare=True).config()
    assert (config.precondition, config.colour, config.equalize) == ("none", 0.0, 0.0)
    assert Growth().config().precondition == "fourier"
