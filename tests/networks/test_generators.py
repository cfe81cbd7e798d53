"""Every model makes pictures by the same rules, so that films need not know which one it is."""

import pytest
import torch
from torch import Tensor

from pipeline.networks.generator import Generator
from pipeline.networks.generator_header import MAX_SIZES, Shape
from pipeline.networks.helmholtz import HelmholtzMachine, map_sides
from pipeline.networks.trained_generator import MODELS

EACH_SIZE = [(model, size) for model in MODELS for size in (8, 16, 32, 64, 128, 256) if size <= MAX_SIZES[model]]


def make(model: str, size: int = 16) -> Generator:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(2)
        return MODELS[model](Shape(size, 6, 3)).eval()


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize(("model", "size"), EACH_SIZE)
def test_pictures_have_their_size_and_come_back_as_noise(model: str, size: int) -> None:
    net, weights = make(model, size), torch.eye(3)[:2]
    with torch.no_grad():
        pictures = net(normal(2, 6), weights)
        assert pictures.shape == (2, 3, size, size) and 0 <= float(pictures.min()) and float(pictures.max()) <= 1
        assert net.invert(pictures, weights).shape == (2, 6)


@pytest.mark.parametrize("model", MODELS)
def test_near_noise_makes_near_pictures_and_gradients_reach_it(model: str) -> None:
    net, weights, noise = make(model), torch.eye(3)[:1], normal(1, 6).requires_grad_()
    picture = net(noise, weights)
    (picture * normal(*picture.shape)).sum().backward()  # type: ignore[no-untyped-call]
    assert noise.grad is not None and float(noise.grad.abs().min()) > 0
    with torch.no_grad():
        near, far = (
            float((net(noise + step * normal(1, 6, seed=1), weights) - picture).abs().mean()) for step in (0.01, 1)
        )
    assert 0 < near < far / 10


def test_helmholtz_machine_dreams_as_its_films_do() -> None:
    """Units so sure that no noise moves them: a film's soft units are those that sleep draws."""
    net = make("helmholtz", 32)
    assert isinstance(net, HelmholtzMachine) and map_sides(32) == [4, 8]
    with torch.no_grad():
        net.top.weight.copy_(4 * net.top.weight.sign())
        for down in net.downs:
            down.maps.copy_(4 * normal(*down.maps.shape).sign())
        weights = torch.eye(3)
        dream = net.dream([normal(3, *shape, seed=5) for shape in net.layer_shapes], weights)[1]
        film = net(normal(3, 6, seed=6), weights)
    assert torch.allclose(dream, film, atol=1e-5) and not torch.allclose(film[0], film[1], atol=1e-3)


def test_recognition_reads_the_units_that_made_a_dream() -> None:
    """Each unit's logits are listed in the order in which layers are drawn, top first, both ways."""
    net = make("helmholtz", 32)
    assert isinstance(net, HelmholtzMachine)
    weights, noise = torch.eye(3), [normal(3, *shape) for shape in net.layer_shapes]
    with torch.no_grad():
        layers, picture = net.dream(noise, weights)
        recognised = net.recognise(picture, weights, noise)
        assert [each.shape for each in layers] == [each.shape for each in recognised]
        assert set(torch.cat([each.flatten() for each in layers]).tolist()) == {0.0, 1.0}
        sure = net.log_recognition(picture, recognised, weights)
        flipped = net.log_recognition(picture, [1 - each for each in recognised], weights)
        assert bool((sure > flipped).all()) and bool((sure < 0).all())
