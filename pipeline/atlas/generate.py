"""Pictures grown from noise, many at once, each so that a channel of its own answers to it.

Activation maximisation with the film's own preconditioned steps (see ``dream/gradient.py``), from coarse to fine. What
keeps several pictures of one channel apart is the diversity term of *Feature Visualization* (Olah, Mordvintsev,
Schubert, Distill 2017): the cosine between the Gram matrices of what the layer sees in them.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from pipeline.atlas.selection import Subject
from pipeline.config import DreamConfig
from pipeline.dream import jitter, tone
from pipeline.dream.network import Network
from pipeline.dream.preconditioner import step_direction
from pipeline.image import resize

AMOUNT = 0.05  # deviations of 0..1 that a step adds
TONE_SECONDS = 0.04  # of pull toward the set tone per step
GREY, NOISE = 0.45, 0.06  # mean and deviation of the first noise
APART = 0.5  # pull of keeping pictures of one channel apart, over the pull of the channel
TINY = 1e-12

Alive = Callable[[], bool]


@dataclass(frozen=True)
class Growth:
    """How pictures are grown: ``sides`` in pixels from coarse to fine, ``steps`` on each, at most ``jitter`` pixels
    of moving before a step, ``diversity`` pictures of each subject.
    """

    sides: tuple[int, ...]
    steps: int
    jitter: int
    diversity: int
    seed: int


def grow(
    network: Network, subjects: Sequence[Subject], growth: Growth, config: DreamConfig, alive: Alive = lambda: True
) -> Tensor | None:
    """Subjects that have their layers in common → ``(subjects, diversity, 3, side, side)`` in [0, 1] on the CPU.

    Each picture is a function of its own subject, ``growth.seed`` and the settings, whoever it is drawn with. None
    when ``alive`` says no: it is asked before every step.
    """
    copies = [(subject, copy) for subject in subjects for copy in range(growth.diversity)]
    generators = [_generator(growth.seed, subject, copy) for subject, copy in copies]
    drawn = torch.cat([_noise(growth.sides, each) for each in generators]).to(network.device)
    for side in growth.sides:
        before = resize(drawn, (side, side))
        after = before
        for _ in range(growth.steps):
            if not alive():
                return None
            reach = min(growth.jitter, (side - 1) // 2)
            shifts = [torch.randint(-reach, reach + 1, (2,), generator=each) for each in generators]
            ascent = _ascent(network, after, subjects, growth, config, [(int(r[0]), int(r[1])) for r in shifts])
            after = torch.cat([_step(*pair, config) for pair in zip(torch.split(after, 1), ascent, strict=True)])
        # Only the change travels between sizes: the picture keeps detail that a small one cannot hold.
        full = (growth.sides[-1], growth.sides[-1])
        drawn = tone.soften(drawn, drawn + resize(after - before, full))
    return drawn.view(len(subjects), growth.diversity, *drawn.shape[1:]).cpu()


def traces(network: Network, layer: str, pictures: Tensor) -> Tensor:
    """``(n, 3, h, w)`` → ``(n, C)``: the mean activation of every channel of the layer (or class) on each picture."""
    with torch.no_grad():
        seen = network.activations(pictures.to(network.device), [layer])[layer]
        return (seen.mean(dim=(2, 3)) if seen.dim() == 4 else seen).cpu()


def _generator(seed: int, subject: Subject, copy: int) -> torch.Generator:
    """Of the seed and the copy alone: all channels begin at the same noise, so what differs is theirs."""
    return torch.Generator().manual_seed(seed * 1000 + copy)


def _noise(sides: tuple[int, ...], generator: torch.Generator) -> Tensor:
    """Grey ``(1, 3, side, side)`` with noise of which most is coarse."""
    full = (sides[-1], sides[-1])
    noise = torch.randn(1, 3, *full, generator=generator)
    coarse = resize(resize(noise, (sides[-1] // 4, sides[-1] // 4)), full)
    return GREY + NOISE * (0.7 * coarse + 0.3 * noise)


def _ascent(
    network: Network,
    pictures: Tensor,
    subjects: Sequence[Subject],
    growth: Growth,
    config: DreamConfig,
    shifts: Sequence[tuple[int, int]],
) -> list[Tensor]:
    """For each picture ``(1, 3, h, w)`` the direction of unit deviation in which its subject rises."""
    there = [jitter.moved(each, by) for each, by in zip(torch.split(pictures, 1), shifts, strict=True)]
    with torch.enable_grad():
        leaf = torch.cat(there).requires_grad_(True)
        maps = network.activations(leaf, dict.fromkeys(subjects[0].layers))
        pulls = [_of_part(maps, subjects, part, growth.diversity) for part in range(len(subjects[0].parts))]
        if growth.diversity > 1:
            pulls.append((-_likeness(maps[subjects[0].layers[0]], growth.diversity), [APART] * len(there)))
        total: list[Tensor] | None = None
        for number, (value, weights) in enumerate(pulls):
            (gradient,) = torch.autograd.grad(value, leaf, retain_graph=number + 1 < len(pulls))
            back = map(jitter.moved_back, torch.split(gradient, 1), shifts)
            each = [w * step_direction(g, config) for g, w in zip(back, weights, strict=True)]
            total = each if total is None else [a + b for a, b in zip(total, each, strict=True)]
    assert total is not None
    return [t / (t.std() + TINY) for t in total]


def _of_part(
    maps: dict[str, Tensor], subjects: Sequence[Subject], part: int, copies: int
) -> tuple[Tensor, list[float]]:
    """The sum over all pictures of the activation of their subject's part, and the part's weight in each."""
    seen = maps[subjects[0].layers[part]]
    channels = [subject.parts[part][1] for subject in subjects for _ in range(copies)]
    own = seen[torch.arange(len(channels)), torch.tensor(channels)]
    value = own.flatten(1).mean(dim=1).sum() if own.dim() > 1 else own.sum()
    return value, [subject.parts[part][2] for subject in subjects for _ in range(copies)]


def _likeness(seen: Tensor, copies: int) -> Tensor:
    """How much the copies of each subject are alike: the cosines of their Gram matrices, added up."""
    features = seen.flatten(2) if seen.dim() == 4 else seen[:, :, None]
    grams = F.normalize((features @ features.mT).flatten(1), dim=1)
    grams = grams.view(-1, copies, grams.shape[1])
    together = grams @ grams.mT
    apart: Tensor = together.sum() - together.diagonal(dim1=1, dim2=2).sum()
    return apart


def _step(picture: Tensor, direction: Tensor, config: DreamConfig) -> Tensor:
    return tone.soften(picture, tone.hold(picture + AMOUNT * direction, config, TONE_SECONDS))
