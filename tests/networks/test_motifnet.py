"""The network that ships: small, quick to load, open to look into, and it knows its motifs."""

import time
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open
from torch.fx import symbolic_trace
from torchvision.models.feature_extraction import create_feature_extractor

from pipeline.networks import motifnet
from scripts.motifnet.compose import Style, picture
from scripts.motifnet.motifs import MOTIFS
from scripts.motifnet.scramble import scramble

SEED = 2025
"""A seed that drew neither the training pictures nor the judge's."""


@pytest.fixture(scope="module")
def net() -> motifnet.MotifNet:
    return motifnet.load()


@pytest.fixture(scope="module")
def drawings() -> torch.Tensor:
    """Two fresh pictures of every class: ``(2 · classes, 3, 128, 128)``, class after class."""
    drawn = [
        picture(k, 128, np.random.default_rng([SEED, k, n]), Style()) for k in range(len(MOTIFS)) for n in range(2)
    ]
    return torch.from_numpy(np.stack(drawn)).permute(0, 3, 1, 2)


def test_the_weights_are_small_and_load_in_a_second() -> None:
    assert motifnet.WEIGHTS.stat().st_size <= 4_000_000
    start = time.perf_counter()
    motifnet.load()
    assert time.perf_counter() - start < 1


def test_the_classes_are_the_motifs_that_are_drawn() -> None:
    assert len(motifnet.CLASSES) >= 32
    assert len(set(motifnet.CLASSES)) == len(motifnet.CLASSES)
    assert all(name.isidentifier() and name == name.lower() for name in motifnet.CLASSES)
    assert tuple(MOTIFS) == motifnet.CLASSES
    with safe_open(motifnet.WEIGHTS, "pt") as file:
        assert tuple(file.metadata()["classes"].split(",")) == motifnet.CLASSES


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    save_file({"stage1.0.weight": torch.zeros(24, 3, 5, 5)}, tmp_path / "part.safetensors")
    with pytest.raises(RuntimeError, match=r"stage1\.0\.bias"):
        motifnet.load(tmp_path / "part.safetensors")


@pytest.mark.parametrize("size", [(32, 32), (33, 47), (96, 128), (101, 255)])
def test_any_size_from_32_pixels_gives_a_map(net: motifnet.MotifNet, size: tuple[int, int]) -> None:
    answer = net(torch.full((1, 3, *size), 0.5))
    assert answer.shape[1] == len(motifnet.CLASSES)
    assert min(answer.shape[2:]) >= 2
    assert answer.isfinite().all()


def test_every_stage_can_be_extracted(net: motifnet.MotifNet) -> None:
    x = torch.rand(1, 3, 65, 90, generator=torch.Generator().manual_seed(0))
    taken = create_feature_extractor(net, [*motifnet.STAGES, "head"])(x)
    assert [taken[stage].shape[1] for stage in motifnet.STAGES] == list(motifnet.WIDTHS)
    assert torch.allclose(taken["head"], net(x))
    assert torch.allclose(symbolic_trace(net)(x[..., :40, :33]), net(x[..., :40, :33]), atol=1e-5)


def test_new_drawings_are_classified(net: motifnet.MotifNet, drawings: torch.Tensor) -> None:
    answers = net(drawings[..., 16:112, 16:112]).mean((2, 3)).argmax(1)
    labels = torch.arange(len(MOTIFS)).repeat_interleave(2)
    assert (answers == labels).float().mean() > 0.85


def test_deep_channels_separate_motifs(net: motifnet.MotifNet, drawings: torch.Tensor) -> None:
    """Whichever motif drives a channel most: the channels do not all choose the same few."""
    responses = create_feature_extractor(net, ["stage5"])(drawings)["stage5"].mean((2, 3))
    by_class = responses.view(len(MOTIFS), 2, -1).mean(1)
    favourites = by_class.argmax(0)
    assert len(favourites.unique()) > len(MOTIFS) // 2


def test_whole_motifs_score_above_scattered_parts(net: motifnet.MotifNet, drawings: torch.Tensor) -> None:
    objects = torch.tensor([k for k, motif in enumerate(MOTIFS.values()) for _ in range(2) if not motif.field])
    rows = torch.tensor([n for n in range(len(drawings)) if not list(MOTIFS.values())[n // 2].field])
    whole = drawings[rows][..., 16:112, 16:112]
    rng = np.random.default_rng(SEED)
    parts = torch.stack([scramble((image * 255).to(torch.uint8), rng) for image in whole]).float() / 255

    def evidence(pictures: torch.Tensor) -> torch.Tensor:
        return net(pictures).mean((2, 3)).gather(1, objects[:, None])[:, 0]

    assert (evidence(whole) > evidence(parts)).float().mean() > 0.85
    assert (evidence(whole) > 0).float().mean() > 0.85


def test_small_changes_keep_the_class(net: motifnet.MotifNet, drawings: torch.Tensor) -> None:
    """Robust training is what makes dreams: one gradient step of L2 length 1.5 leaves most names right."""
    x = drawings[..., 16:112, 16:112].clone().requires_grad_(True)
    labels = torch.arange(len(MOTIFS)).repeat_interleave(2)
    loss = torch.nn.functional.cross_entropy(net(x).mean((2, 3)), labels, reduction="sum")
    (gradient,) = torch.autograd.grad(loss, x)
    moved = x.detach() + 1.5 * gradient / gradient.flatten(1).norm(dim=1)[:, None, None, None]
    assert (net(moved).mean((2, 3)).argmax(1) == labels).float().mean() > 0.7
