"""Dreams for the judge: with the program's gradient or the bare one, on the network's device."""

from typing import Any

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from pipeline.networks import motifnet
from scripts.motifnet import evaluate
from scripts.motifnet.dreams import Growth, activation_of, grow


@pytest.mark.parametrize("bare", [False, True])
def test_activation_rises_in_range_and_repeats(bare: bool) -> None:
    value = activation_of(motifnet.load(), "head", motifnet.CLASSES.index("rose"))
    none, some = (Growth(size=64, octaves=2, steps=steps, bare=bare) for steps in (0, 6))
    start, dream = (grow(value, growth, seed=3) for growth in (none, some))
    assert float(value(dream)) > float(value(start)) + 0.5
    assert 0 <= float(dream.min()) and float(dream.max()) <= 1
    assert torch.equal(dream, grow(value, some, seed=3))


def test_bare_gradient_is_not_preconditioned() -> None:
    config = Growth(bare=True).config()
    assert (config.precondition, config.color_correlation, config.fill) == ("none", 0.0, 0.0)
    assert Growth().config().precondition == "fourier"


class OneDevice(TorchDispatchMode):
    """Refuses arithmetic between tensors of two devices, as a GPU does."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Runs the operation."""
        tensors = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, torch.Tensor) and leaf.dim()]
        if len({tensor.device for tensor in tensors}) > 1:
            raise RuntimeError(f"{func} met tensors of two devices")
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize("bare", [False, True])
def test_judged_dreams_stay_on_their_device(bare: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """On the meta device, with two classes."""
    monkeypatch.setattr(evaluate, "MOTIFS", dict(list(evaluate.MOTIFS.items())[:2]))
    meta, recipe = torch.device("meta"), evaluate.Recipe(dreams=1, dream_steps=1, size=72)
    net = motifnet.load().to(meta)
    with torch.device(meta):
        judge = evaluate.Judge(43).eval()
    with OneDevice():
        dreams = evaluate.judged_dreams(net, recipe, bare, meta)
        features, logits = evaluate.classify(judge, evaluate.halved(dreams))
        with pytest.raises(RuntimeError, match="two devices"):
            evaluate.judged_dreams(net, recipe, bare, torch.device("cpu"))
    assert dreams.shape == (2, 3, 72, 72)
    assert dreams.device == features.device == logits.device == meta
