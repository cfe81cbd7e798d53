from pathlib import Path

import pytest
import torch

from pipeline.build import build_shot
from pipeline.cli.compose import make_config, typed_config
from pipeline.config import NetworkConfig
from pipeline.dream import model_zoo
from pipeline.dream.ensemble import Ensemble
from pipeline.dream.gradient import TiledGradient, whole_gradient
from pipeline.dream.network import Network
from pipeline.dream.weighted_objective import Objective
from pipeline.errors import ConfigError, RenderError
from pipeline.plan.other_networks import companion_config
from pipeline.plan.planner import plan_film
from pipeline.segments.record import Computation, as_text, shot_record
from pipeline.targets.target import Target, parse_target


def target(text: str) -> Target:
    return parse_target(text, "score.targets")


@pytest.fixture
def objective(tiny: Network) -> Objective:
    """``tiny`` with MotifNet next to it."""
    return Objective(Ensemble(tiny, lambda name: model_zoo.build(NetworkConfig(name=name))))


def noise(height: int = 64, width: int = 96) -> torch.Tensor:
    return 0.45 + 0.1 * torch.randn(1, 3, height, width, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(
    ("text", "network", "bare"),
    [
        ("block10@efficientnet_lite0", "efficientnet_lite0", "block10"),
        ("class:owl@motifnet{left}[coarse]", "motifnet", "class:owl"),
        ("layer3:7@0.5x0.3@timm/resnet18.a1_in1k", "timm/resnet18.a1_in1k", "layer3:7@0.5x0.3"),
        ("guide:stage4:photo.jpg@motifnet", "motifnet", "guide:stage4:photo.jpg"),
        ("guide:my.photo.jpg@dinov2", "dinov2", "guide:my.photo.jpg"),
        ("guide:photo.at@home.jpg", "", "guide:photo.at@home.jpg"),
        ("guide:me@home.jpg", "", "guide:me@home.jpg"),
        ("layer3:7@0.5x0.3", "", "layer3:7@0.5x0.3"),
    ],
)
def test_targets_name_their_network(text: str, network: str, bare: str) -> None:
    parsed = target(text)
    assert parsed.network == network and str(parsed) == text
    assert parsed.bare().removesuffix(f"@{network}") == bare


def test_both_networks_pull_equally(objective: Objective) -> None:
    frame = noise()
    gradients = [
        whole_gradient(objective, frame, {target(text): 1.0}, (0, 0)) for text in ("three:3", "class:owl@motifnet")
    ]
    both = whole_gradient(objective, frame, {target("three:3"): 1.0, target("class:owl@motifnet"): 1.0}, (0, 0))
    assert torch.allclose(both, gradients[0] + gradients[1], atol=1e-6 * float(both.abs().max()) + 1e-9)
    ratio = float(gradients[0].std() / gradients[1].std())
    assert 0.2 < ratio < 5  # without gains they are orders of magnitude apart


def test_a_step_raises_targets_of_both(objective: Objective) -> None:
    weights, frame = {target("three:3"): 0.5, target("stage4:7@motifnet"): 0.5}, noise()
    gradient = whole_gradient(objective, frame, weights, (0, 0))
    step = frame + 0.01 * gradient / gradient.std()
    assert all(objective.activation(step, each) > objective.activation(frame, each) for each in weights)


def test_tiles_serve_both_networks(objective: Objective) -> None:
    frame, weights = noise(128, 192), {target("two:3"): 0.5, target("stage2:7@motifnet"): 0.5}
    whole = whole_gradient(objective, frame, weights, (0, 0))
    tiled = TiledGradient(objective).tiled_gradient(frame, weights, (0, 0), 96, torch.Generator().manual_seed(0))
    assert float((whole - tiled).std() / whole.std()) < 0.01


def test_settings_of_other_networks() -> None:
    others = {"places": {"name": "resnet50", "weights": "places.pth"}}
    network = NetworkConfig(others=others)
    assert companion_config(network, "places").weights == "places.pth"
    assert companion_config(network, "efficientnet_lite0").class_support
    assert companion_config(network, "timm/vit_tiny").library == companion_config(network, "dinov2").library == "timm"
    assert companion_config(network, "torchvision").name == "torchvision"  # no such network, as the build will say
    assert companion_config(network, "resnet18").name == "resnet18"


def test_a_film_of_two_networks_builds(tmp_path: Path) -> None:
    settings = ["network=motifnet", "score=constant", "frame.width=96", "frame.height=64", "duration=4f"]
    targets = "score.targets=['class:owl', 'class:lion@efficientnet_lite0{left}']"
    config = make_config([*settings, targets])
    plan = plan_film(config, tmp_path, "film").shots[0]
    network = model_zoo.build(config.network)
    shot = build_shot(plan, network)
    assert set(network.companions) == {"efficientnet_lite0"}
    assert [each.network for each in shot.score.targets()] == ["", "efficientnet_lite0"]


@pytest.mark.parametrize(
    ("targets", "words"),
    [
        ("[class:owwl@motifnet]", "motifnet knows no such class.*owl"),
        ("[stage9@motifnet]", "motifnet has no such layer"),
        ("[stage4@motifnett]", r"^score\.targets=@motifnett: no such network .did you mean motifnet"),
    ],
)
def test_wrong_targets_of_other_networks_are_named(tmp_path: Path, targets: str, words: str) -> None:
    config = make_config(["score=constant", f"score.targets={targets}", "duration=4f"])
    with pytest.raises(ConfigError, match=words):
        plan = plan_film(config, tmp_path, "film").shots[0]
        build_shot(plan, model_zoo.build(config.network))


@pytest.mark.parametrize("others", ["{places: resnet50}", "{places: {name: resnet50, weight: x}}", "[resnet50]"])
def test_wrong_tables_of_networks_are_named(tmp_path: Path, others: str) -> None:
    with pytest.raises(RenderError, match=r"network.others.*a table such as"):
        plan_film(make_config([f"network.others={others}", "duration=4f"]), tmp_path, "film")


def test_missing_weights_of_another_network_are_named(tmp_path: Path) -> None:
    others = "network.others={places: {name: resnet50, weights: nowhere.pth}}"
    with pytest.raises(RenderError, match=r"network\.others\.places\.weights=nowhere\.pth: there is no such file"):
        plan_film(make_config([others, "duration=4f"]), tmp_path, "film")


def test_names_of_files_of_other_networks_are_letters(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "${names}.txt").write_text("cliff\ncave\n")
    others = "network.others={places: {name: resnet50, class_names: '~/${names}.txt'}}"
    config = make_config([others, "duration=4f", "network=motifnet", "frame.width=96", "frame.height=64"])
    assert config.network.others["places"]["class_names"] == f"{tmp_path}/${{names}}.txt"
    assert typed_config([others]).network.others == config.network.others
    plan = plan_film(config, tmp_path, "film").shots[0]
    computation = Computation("", "", "", torch.float32, False)
    digests = []
    for text in ("cliff\ncave\n", "cave\ncliff\n"):
        (tmp_path / "${names}.txt").write_text(text)
        record = shot_record(plan, computation)
        assert str(tmp_path) not in as_text(record)
        digests.append(record["inputs"]["network.others.places.class_names"]["sha256"])
    assert digests[0] != digests[1]
