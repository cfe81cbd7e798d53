import pytest
import torch

from pipeline.dream.jitter import moved
from pipeline.dream.network import Network
from pipeline.dream.weighted_objective import Objective
from pipeline.errors import ConfigError
from tests.targets.notation import target_of, weights_of


def noise(height: int = 64, width: int = 80) -> torch.Tensor:
    return 0.45 + 0.1 * torch.randn(1, 3, height, width, generator=torch.Generator().manual_seed(3))


@pytest.mark.parametrize("target", ["three", "two:5", "three:3@0.25x0.75", "class:owl", "class:great_white shark"])
def test_the_objective_rises_along_its_gradient(tiny: Network, target: str) -> None:
    objective, frame = Objective(tiny), noise().requires_grad_(True)
    value = objective.value(frame, weights_of({target: 1.0}))
    (gradient,) = torch.autograd.grad(value, frame)
    after = objective.value((frame + 0.05 * gradient / gradient.std()).detach(), weights_of({target: 1.0}))
    assert float(after) > float(value.detach())


def test_a_negative_weight_means_less_of_it(tiny: Network) -> None:
    objective, frame = Objective(tiny), noise()
    assert float(objective.value(frame, weights_of({"three": -1.0}))) == pytest.approx(
        -float(objective.value(frame, weights_of({"three": 1.0})))
    )


def test_equal_weights_pull_equally_in_any_layer(tiny: Network) -> None:
    objective = Objective(tiny)
    strengths = []
    for target in ("one", "three", "two:5", "class:eye"):
        frame = noise(160, 160).requires_grad_(True)
        (gradient,) = torch.autograd.grad(objective.value(frame, weights_of({target: 1.0})), frame)
        strengths.append(float(gradient.std()))
    assert max(strengths) < 4 * min(strengths)


def test_a_neuron_stays_at_its_place_under_jitter(tiny: Network) -> None:
    objective, frame = Objective(tiny), noise(64, 64).requires_grad_(True)
    value = objective.value(moved(frame, (8, -16)), weights_of({"three:2@0.75x0.25": 1.0}), (8, -16))
    (gradient,) = torch.autograd.grad(value, frame)
    rows, columns = gradient.abs().sum(dim=(0, 1)).nonzero(as_tuple=True)
    assert abs(float(rows.float().mean()) - 16) < 5
    assert abs(float(columns.float().mean()) - 48) < 5


@pytest.mark.parametrize(
    ("target", "message"),
    [
        (
            "thre",
            r"score\.targets=thre: tiny has no such layer \(did you mean three, three.1 or three.0\?\); it has one",
        ),
        ("three:16", r"score\.targets=three:16: three has channels 0 to 15"),
        (
            "class:owls",
            r"score\.targets=class:owls: tiny knows no such class \(did you mean owl\?\)",
        ),
    ],
)
def test_an_unknown_target_suggests_the_nearest(tiny: Network, target: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Objective(tiny).resolve(target_of(target))
