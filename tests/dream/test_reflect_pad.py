import pytest
import torch
import torch.nn.functional as F

from pipeline.config import NetworkConfig
from pipeline.dream import model_zoo
from pipeline.dream.reflect_pad import mirror, mirror_in_order


@pytest.mark.parametrize("sides", [(1, 1, 1, 1), (2, 0, 1, 3), (0, 0, 0, 0)])
def test_it_pads_and_runs_backward_as_torch_does(sides: tuple[int, ...]) -> None:
    dice = torch.Generator().manual_seed(0)
    picture = torch.randn(2, 3, 7, 9, generator=dice, requires_grad=True)
    ours, theirs = mirror(picture, sides), F.pad(picture, sides, mode="reflect")
    pull = torch.randn(ours.shape, generator=dice)
    assert torch.equal(ours, theirs)
    (one,), (other,) = (torch.autograd.grad(padded, picture, pull) for padded in (ours, theirs))
    assert torch.allclose(one, other, atol=1e-6)


def test_a_network_sees_the_same_with_borders_exchanged() -> None:
    network, exchanged = model_zoo.build(NetworkConfig()), model_zoo.build(NetworkConfig())
    mirror_in_order(exchanged._model, exchanged._graph)
    assert "mirror" in exchanged._graph.python_code("self").src
    gradients = []
    for each in (network, exchanged):
        frame = torch.rand(1, 3, 64, 80, generator=torch.Generator().manual_seed(1)).requires_grad_(True)
        seen = each.activations(frame, ["stage5"])["stage5"]
        (gradient,) = torch.autograd.grad(seen.square().mean(), frame)
        gradients.append(gradient)
    assert torch.allclose(*gradients, rtol=1e-4, atol=1e-4 * float(gradients[0].std()))
