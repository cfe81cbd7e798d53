"""Activation maximisation from noise, many pictures at once, each for its own channel.

Uses the film's preconditioned steps (see ``dream/gradient.py``), from coarse to fine. Several pictures of one channel
differ by the diversity term of *Feature Visualization* (Olah, Mordvintsev, Schubert, Distill 2017): the cosine between
the Gram matrices of the layer's activations.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from pipeline.atlas.selection import PictureTarget
from pipeline.config import DreamConfig
from pipeline.dream import jitter, tone
from pipeline.dream.network import Network
from pipeline.dream.preconditioner import step_direction
from pipeline.image import resize

STEP_SIZE = 0.05  # standard deviation of a step, of a range 0..1
TONE_SECONDS = 0.04  # of pull toward the set tone per step
NOISE_MEAN, NOISE_DEVIATION = 0.45, 0.06
DIVERSITY_WEIGHT = 0.5  # relative to the channel's activation
EPSILON = 1e-12


@dataclass(frozen=True)
class PictureSettings:
    """``sides`` in pixels from coarse to fine, ``steps`` on each, shifts of at most ``jitter`` pixels before a step,
    ``diversity`` pictures of each target.
    """

    sides: tuple[int, ...]
    steps: int
    jitter: int
    diversity: int
    seed: int


def generate(
    network: Network,
    targets: Sequence[PictureTarget],
    settings: PictureSettings,
    config: DreamConfig,
    stop: Callable[[], bool] = lambda: False,
) -> Tensor | None:
    """Targets of the same layers → ``(targets, diversity, 3, side, side)`` in [0, 1] on the CPU.

    Each picture depends only on its own target, the seed and the settings, not on the batch. None when ``stop()``,
    called before every step, is true.
    """
    copies = [copy for _ in targets for copy in range(settings.diversity)]
    # Seeded without the target: all channels begin with the same noise, so that only the channel makes a difference.
    generators = [torch.Generator().manual_seed(settings.seed * 1000 + copy) for copy in copies]
    pictures = torch.cat([_noise(settings.sides[-1], each) for each in generators]).to(network.device)
    for side in settings.sides:
        before = resize(pictures, (side, side))
        after = before
        for _ in range(settings.steps):
            if stop():
                return None
            reach = min(settings.jitter, (side - 1) // 2)
            drawn = [torch.randint(-reach, reach + 1, (2,), generator=each) for each in generators]
            shifts = [(int(shift[0]), int(shift[1])) for shift in drawn]
            directions = _directions(network, after, targets, settings, config, shifts)
            after = torch.cat([_step(*pair, config) for pair in zip(torch.split(after, 1), directions, strict=True)])
        # Only the change is resized, so that the picture keeps detail that a small size cannot hold.
        full = (settings.sides[-1], settings.sides[-1])
        pictures = tone.soften(pictures, pictures + resize(after - before, full))
    return pictures.view(len(targets), settings.diversity, *pictures.shape[1:]).cpu()


def channel_means(network: Network, layer: str, pictures: Tensor) -> Tensor:
    """``(n, 3, h, w)`` → ``(n, C)``: the mean activation of every channel (or class) of the layer on each picture."""
    with torch.no_grad():
        maps = network.activations(pictures.to(network.device), [layer])[layer]
        return (maps.mean(dim=(2, 3)) if maps.dim() == 4 else maps).cpu()


def _noise(side: int, generator: torch.Generator) -> Tensor:
    """Grey ``(1, 3, side, side)`` with mostly coarse noise."""
    noise = torch.randn(1, 3, side, side, generator=generator)
    coarse = resize(resize(noise, (side // 4, side // 4)), (side, side))
    return NOISE_MEAN + NOISE_DEVIATION * (0.7 * coarse + 0.3 * noise)


def _directions(
    network: Network,
    pictures: Tensor,
    targets: Sequence[PictureTarget],
    settings: PictureSettings,
    config: DreamConfig,
    shifts: Sequence[tuple[int, int]],
) -> list[Tensor]:
    """For each picture ``(1, 3, h, w)`` the ascent direction of its target, with standard deviation 1."""
    shifted = [jitter.moved(each, by) for each, by in zip(torch.split(pictures, 1), shifts, strict=True)]
    with torch.enable_grad():
        leaf = torch.cat(shifted).requires_grad_(True)
        maps = network.activations(leaf, dict.fromkeys(targets[0].layers))
        terms = [_part_sum(maps, targets, part, settings.diversity) for part in range(len(targets[0].parts))]
        if settings.diversity > 1:
            similarity = _gram_similarity(maps[targets[0].layers[0]], settings.diversity)
            terms.append((-similarity, [DIVERSITY_WEIGHT] * len(shifted)))
        total: list[Tensor] | None = None
        for number, (value, weights) in enumerate(terms):
            (gradient,) = torch.autograd.grad(value, leaf, retain_graph=number + 1 < len(terms))
            gradients = map(jitter.moved_back, torch.split(gradient, 1), shifts)
            each = [w * step_direction(g, config) for g, w in zip(gradients, weights, strict=True)]
            total = each if total is None else [a + b for a, b in zip(total, each, strict=True)]
    assert total is not None
    return [t / (t.std() + EPSILON) for t in total]


def _part_sum(
    maps: dict[str, Tensor], targets: Sequence[PictureTarget], part: int, copies: int
) -> tuple[Tensor, list[float]]:
    """The activation of this part of each picture's target, summed over pictures, and the part's weight in each."""
    maps_of_layer = maps[targets[0].layers[part]]
    channels = [target.parts[part][1] for target in targets for _ in range(copies)]
    chosen = maps_of_layer[torch.arange(len(channels)), torch.tensor(channels)]
    value = chosen.flatten(1).mean(dim=1).sum() if chosen.dim() > 1 else chosen.sum()
    return value, [target.parts[part][2] for target in targets for _ in range(copies)]


def _gram_similarity(maps: Tensor, copies: int) -> Tensor:
    """The cosines between the Gram matrices of each target's copies, summed."""
    features = maps.flatten(2) if maps.dim() == 4 else maps[:, :, None]
    grams = F.normalize((features @ features.mT).flatten(1), dim=1)
    grams = grams.view(-1, copies, grams.shape[1])
    cosines = grams @ grams.mT
    off_diagonal: Tensor = cosines.sum() - cosines.diagonal(dim1=1, dim2=2).sum()
    return off_diagonal


def _step(picture: Tensor, direction: Tensor, config: DreamConfig) -> Tensor:
    return tone.soften(picture, tone.hold(picture + STEP_SIZE * direction, config, TONE_SECONDS))
