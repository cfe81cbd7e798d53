"""Texts as targets, on a small network in open_clip's own layout with random weights."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from pipeline.config import DreamConfig, NetworkConfig
from pipeline.dream import model_zoo
from pipeline.dream.dreamer import Dreamer
from pipeline.dream.ensemble import Ensemble
from pipeline.dream.gradient import TiledGradient, whole_gradient
from pipeline.dream.network import Network
from pipeline.dream.random_crops import random_crops
from pipeline.dream.weighted_objective import Objective
from pipeline.errors import ConfigError, InputError
from tests.targets.notation import target_of, weights_of

pytest.importorskip("open_clip", reason="the extra text is not installed")

import open_clip

MODEL = {
    "embed_dim": 16,
    "vision_cfg": {"image_size": 32, "layers": 1, "width": 32, "head_width": 16, "patch_size": 8},
    "text_cfg": {"context_length": 8, "vocab_size": 49408, "width": 16, "heads": 2, "layers": 1},
}
STRIPES, ANIMAL = 'text:"grey stripes"', 'text:"an animal"'


def write(folder: Path, model: dict[str, Any], **options: Any) -> Path:
    """A random network as open_clip writes it."""
    folder.mkdir(exist_ok=True)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        state = open_clip.CLIP(**MODEL).state_dict()
    path = folder / "open_clip_model.safetensors"
    save_file({f"module.{name}": tensor for name, tensor in state.items()}, path)
    (folder / "open_clip_config.json").write_text(json.dumps({"model_cfg": model, **options}))
    return path


def load(path: Path, **settings: Any) -> Network:
    return model_zoo.build(NetworkConfig(name="small", library="open_clip", weights=str(path), **settings))


@pytest.fixture(scope="module")
def text_network(tmp_path_factory: pytest.TempPathFactory) -> Network:
    return load(write(tmp_path_factory.mktemp("clip"), MODEL))


@pytest.fixture
def objective(tiny: Network, text_network: Network) -> Objective:
    """``tiny`` with a network of texts next to it."""
    picture = torch.linspace(0, 1, 60).expand(1, 3, 40, 60) * torch.tensor([1.0, 0.2, 0.0]).view(1, 3, 1, 1)
    return Objective(Ensemble(tiny, lambda name: text_network), {"photo.jpg": picture})


def noise(height: int = 48, width: int = 80) -> Tensor:
    return 0.45 + 0.1 * torch.randn(1, 3, height, width, generator=torch.Generator().manual_seed(0))


def dream(objective: Objective, weights: dict[str, float], count: int = 6, tile: object = "never") -> Tensor:
    dreamer = Dreamer(objective, DreamConfig(octaves=2, tile=tile))
    generator, canvas = torch.Generator().manual_seed(5), noise()
    for _ in range(count):
        canvas = dreamer.dream(canvas, lambda scale: weights_of(weights), dreamer.config, 1 / 4, generator)
    return canvas


def test_embeddings_are_those_of_open_clip(text_network: Network) -> None:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        twin = open_clip.CLIP(**MODEL).eval()
    tokens = open_clip.SimpleTokenizer(context_length=8)(["grey stripes"])
    mean, std = (
        torch.tensor(each).view(3, 1, 1) for each in (open_clip.OPENAI_DATASET_MEAN, open_clip.OPENAI_DATASET_STD)
    )
    with torch.no_grad():
        text = twin.encode_text(tokens, normalize=True)[0]
        crops = (random_crops(noise(), 4, 32, 0) - mean) / std
        picture = twin.encode_image(crops, normalize=True).mean(0, keepdim=True)
        assert torch.allclose(text_network.text_embedding("grey stripes", "score.targets"), text, atol=1e-5)
        assert torch.allclose(text_network.activations(noise(), ["logits"], exact=True)["logits"], picture, atol=1e-5)


def test_crops_show_the_frame_in_its_proportions() -> None:
    down, right = torch.meshgrid(torch.arange(90.0), torch.arange(160.0), indexing="ij")
    crops = random_crops(torch.stack([down, right, right])[None], 8, 32, 3)
    heights, widths = crops[:, 0, -1, 16] - crops[:, 0, 0, 16], crops[:, 1, 16, -1] - crops[:, 1, 16, 0]
    assert torch.allclose(heights, widths, atol=0.7)
    assert 0.35 * 90 < float(heights.min()) < 0.6 * 90 < 0.85 * 90 < float(heights.max()) < 90
    assert float(crops[:, 1, 16, 16].std()) > 5
    whole = random_crops(torch.stack([down, right, right])[None], 8, 32, 3, smallest=0.9)
    assert float((whole[:, 0, -1, 16] - whole[:, 0, 0, 16]).min()) > 0.85 * 90


@pytest.mark.parametrize(
    "weights",
    [
        {STRIPES: 1.0},
        {STRIPES: 0.5, "three:5": 0.5},
        {'text:"grey stripes"{left}': 1.0},
        {"guide:photo.jpg@clip": 1.0},
    ],
    ids=str,
)
def test_texts_rise_alone_and_with_channels(objective: Objective, weights: dict[str, float]) -> None:
    before, after = noise(), dream(objective, weights)
    for name in weights:
        bare = target_of(name.partition("{")[0])
        assert objective.activation(after, bare) > objective.activation(before, bare) + 1e-3
    if any("{left}" in name for name in weights):
        assert torch.equal(after[..., 60:], before[..., 60:])


def test_less_of_a_text_falls_and_pulls_equal_a_channel_s(objective: Objective) -> None:
    target = target_of(STRIPES)
    assert objective.activation(dream(objective, {STRIPES: -1.0}), target) < objective.activation(noise(), target)
    pulls = [
        float(whole_gradient(objective, noise(), weights_of({name: 1.0}), (0, 0)).std())
        for name in (STRIPES, "three:5")
    ]
    assert 0.2 < pulls[0] / pulls[1] < 5


def test_crops_come_from_the_frame_s_generator(objective: Objective, tiny: Network) -> None:
    assert torch.equal(dream(objective, {STRIPES: 1.0}, 2), dream(objective, {STRIPES: 1.0}, 2))
    alone, shared = dream(Objective(tiny), {"three:5": 1.0}, 2), dream(objective, {"three:5": 1.0}, 2)
    assert torch.equal(alone, shared)
    drawn = []
    for seed in (1, 2):
        objective.network.draw(torch.Generator().manual_seed(seed))
        drawn.append(whole_gradient(objective, noise(), weights_of({STRIPES: 1.0}), (0, 0)))
    assert not torch.allclose(drawn[0], drawn[1])


def test_tiles_follow_a_text_and_a_layer(objective: Objective) -> None:
    frame, weights = noise(160, 160), weights_of({STRIPES: 1.0, "three": 1.0})
    whole = whole_gradient(objective, frame, weights, (0, 0))
    tiled = TiledGradient(objective).tiled_gradient(frame, weights, (0, 0), 96, torch.Generator())
    assert tiled.isfinite().all() and 0.2 < float(tiled.std() / whole.std()) < 5


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"text_cfg": {"hf_tokenizer_name": "someone/tokenizer"}}, "transformers"),
        ({"text_cfg": {"tokenizer_kwargs": {"clean": "/etc/passwd"}}}, "clean=/etc/passwd"),
        ({"vision_cfg": {"timm_model_name": "hf-hub:someone/net"}}, "not the name of a network of timm"),
        ({"vision_cfg": {"depth": 3}}, "depth"),
        ({"vision_cfg": {"width": "wide"}}, "cannot build"),
        ({"embed_dim": 8}, "shape"),
    ],
)
def test_odd_descriptions_are_refused(tmp_path: Path, change: dict[str, Any], reason: str) -> None:
    model = {
        key: {**value, **change.get(key, {})} if isinstance(value, dict) else value for key, value in MODEL.items()
    }
    with pytest.raises(InputError, match=reason):
        load(write(tmp_path, model | {key: value for key, value in change.items() if not isinstance(value, dict)}))


def test_unknown_names_and_long_texts_are_refused(text_network: Network, tiny: Network) -> None:
    for name, reason in (("ViT-B-23", "ViT-B-32"), ("ViT-B-32/laion", "laion2b_s34b_b79k")):
        with pytest.raises(ConfigError, match=reason):
            model_zoo.build(NetworkConfig(name=name, library="open_clip"))
    with pytest.raises(ConfigError, match="it has 9 tokens"):
        text_network.text_embedding("one two three four five six seven eight nine", "score.targets")
    with pytest.raises(ConfigError, match="knows no texts"):
        Objective(Ensemble(tiny, lambda name: tiny)).resolve(target_of(f"{STRIPES}@plain"))
