from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from pipeline.config import NetworkConfig
from pipeline.dream import model_zoo
from pipeline.dream.network import Network
from pipeline.dream.weighted_objective import Objective
from pipeline.dream.weights import Weights
from pipeline.errors import ConfigError, InputError
from pipeline.targets.target import parse_target

pytest.importorskip("timm", reason="the extra timm is not installed")

from pipeline.dream import timm_models

VIT = "test_vit2"  # timm's own networks for tests have a few thousand weights


def bare(name: str) -> Network:
    """A network with random weights: enough for names and shapes."""
    return timm_models.dress(name, timm_models.architecture(name), Weights(Path(name), ""), ("a",) * 1000)


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Random weights of ``VIT``."""
    model = timm_models.architecture(VIT)
    generator = torch.Generator().manual_seed(0)
    state = {}
    for name, tensor in model.state_dict().items():
        norm = name.endswith("norm.weight") or "norm1.weight" in name or "norm2.weight" in name
        state[name] = torch.ones_like(tensor) if norm else torch.randn(tensor.shape, generator=generator) * 0.1
    path = tmp_path_factory.mktemp("timm") / "vit.safetensors"
    save_file(state, path)
    return path


def load(path: Path, **settings: str) -> Network:
    return model_zoo.build(NetworkConfig(name=VIT, library="timm", weights=str(path), **settings))


@pytest.mark.parametrize(
    ("name", "layer", "channels", "places"),
    [
        ("convnext_atto", "stage2", 160, (11, 20)),
        ("mobilenetv4_conv_small", "block2", 96, (12, 20)),
        ("regnety_002", "s3", 152, (12, 20)),
        ("vit_tiny_patch16_224", "block8", 192, (12, 20)),
        ("vit_small_patch14_reg4_dinov2", "block8", 384, (13, 23)),
        ("vit_small_patch16_dinov3", "block11", 384, (12, 20)),
        ("swin_tiny_patch4_window7_224", "layer2", 384, (12, 20)),
    ],
)
def test_families_give_maps_at_any_size(name: str, layer: str, channels: int, places: tuple[int, int]) -> None:
    network = bare(name)
    assert network.channels(layer) == channels
    assert network.map_size(network.resolve(layer, "key"), (180, 320)) == places
    assert network.min_side([network.resolve(layer, "key")]) <= 48


def test_tokens_become_a_map(saved: Path) -> None:
    network, frame = load(saved), torch.rand(1, 3, 72, 104, generator=torch.Generator().manual_seed(0))
    blocks = network.activations(frame, ["blocks.1"])["blocks.1"]
    padded = nn.functional.pad(network.normalise(frame), (0, -104 % 16, 0, -72 % 16))
    tokens = network.model.forward_features(padded)  # ends with a norm
    expected = tokens[:, network.model.num_prefix_tokens :].mT.reshape(1, 64, 5, 7)
    last = network.resolve("norm", "key")
    assert blocks.shape == (1, 64, 5, 7)
    assert torch.allclose(network.activations(frame, [last])[last], expected, atol=1e-5)


def test_targets_of_transformers_rise(saved: Path) -> None:
    objective, target = Objective(load(saved)), parse_target("block1:5", "key")
    frame = torch.rand(1, 3, 72, 104, generator=torch.Generator().manual_seed(0)).requires_grad_(True)
    (gradient,) = torch.autograd.grad(objective.value(frame, {target: 1.0}), frame)
    assert gradient.abs().amin(dim=(0, 1)).max() > 0
    assert gradient[..., -8:].any()  # the padded patch too
    step = (frame + 0.1 * gradient / gradient.std()).detach()
    assert objective.activation(step, target) > objective.activation(frame.detach(), target)


def test_position_embeddings_of_other_sizes_load(saved: Path, tmp_path: Path) -> None:
    state = load_file(saved)
    state["pos_embed"] = state["pos_embed"][:, :26].clone()  # 5 × 5 places and the prefix
    save_file(state, tmp_path / "small.safetensors")
    assert load(tmp_path / "small.safetensors").layers == load(saved).layers


def test_tables_that_no_file_has_are_filled() -> None:
    frame = torch.rand(1, 3, 54, 96, generator=torch.Generator().manual_seed(0))
    maps = [bare("swin_tiny_patch4_window7_224").activations(frame, ["layers.1"])["layers.1"] for _ in range(2)]
    assert all(each.isfinite().all() for each in maps)


def test_unknown_names_suggest_the_nearest() -> None:
    with pytest.raises(ConfigError, match=r"timm has no such network \(did you mean convnext_atto"):
        model_zoo.build(NetworkConfig(name="convnext_ato", library="timm"))


def test_missing_weights_are_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")  # nobody listens there
    with pytest.raises(InputError, match=rf"huggingface.co/.* and put it at {tmp_path}/checkpoints/{VIT}"):
        model_zoo.build(NetworkConfig(name=VIT, library="timm"))
