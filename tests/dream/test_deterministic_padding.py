import pytest
import torch
import torch.nn.functional as F

from pipeline.config import NetworkConfig
from pipeline.dream import model_zoo
from pipeline.dream.deterministic_padding import reflect_pad, use_deterministic_padding
from pipeline.dream.feature_extractor import cut, trace


@pytest.mark.parametrize("sides", [(1, 1, 1, 1), (2, 0, 1, 3), (0, 0, 0, 0)])
def test_pad_and_gradient_are_those_of_torch(sides: tuple[int, ...]) -> None:
    generator = torch.Generator().manual_seed(0)
    picture = torch.randn(2, 3, 7, 9, generator=generator, requires_grad=True)
    ours, theirs = reflect_pad(picture, sides), F.pad(picture, sides, mode="reflect")
    grad = torch.randn(ours.shape, generator=generator)
    assert torch.equal(ours, theirs)
    (one,), (other,) = (torch.autograd.grad(padded, picture, grad) for padded in (ours, theirs))
    assert torch.allclose(one, other, atol=1e-6)


def test_a_network_with_replaced_padding_has_the_same_gradient() -> None:
    layers, gradients = frozenset({"stage5"}), []
    for replaced in (False, True):
        model = model_zoo.build(NetworkConfig(name="motifnet")).model
        graph, ends = trace(model)
        if replaced:
            use_deterministic_padding(model, graph)
        assert ("reflect_pad" in graph.python_code("self").src) == replaced
        frame = torch.rand(1, 3, 64, 80, generator=torch.Generator().manual_seed(1)).requires_grad_(True)
        activation = cut(model, graph, ends, layers)(frame)["stage5"]
        (gradient,) = torch.autograd.grad(activation.square().mean(), frame)
        gradients.append(gradient)
    assert torch.allclose(*gradients, rtol=1e-4, atol=1e-4 * float(gradients[0].std()))
