"""Grows pictures from noise with the program's own gradient, for the judge and the contact sheets."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from pipeline.config import DreamConfig, octave_strengths
from pipeline.dream.jitter import moved, moved_back
from pipeline.dream.preconditioner import step_direction
from pipeline.image import fit, resize
from pipeline.networks.class_evidence import ClassEvidence

Value = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Growth:
    """Settings of a dream: octaves from coarse to fine, ``steps`` on each, a mean change of ``amount`` per step."""

    size: int = 192
    octaves: int = 3
    ratio: float = 1.5
    steps: int = 28
    amount: float = 0.016
    detail: float = 0.25
    """A step's amount on the last octave over that on the first."""
    jitter: float = 0.125
    """Largest shift, as a fraction of the side."""
    bare: bool = False
    """The raw gradient, without the program's preconditioning and equalizing."""
    exponent: float = 1.0
    fill: float = 0.5

    def config(self) -> DreamConfig:
        """The preconditioning of the gradient."""
        if self.bare:
            return DreamConfig(precondition="none", color_correlation=0.0, fill=0.0)
        return DreamConfig(exponent=self.exponent, fill=self.fill, color_correlation=1.0)


CPU = torch.device("cpu")


def grow(value: Value, growth: Growth, seed: int, count: int = 1, device: torch.device = CPU) -> Tensor:
    """Dreams ``(count, 3, size, size)`` in [0, 1] in which ``value`` (a scalar of a frame) has risen, on ``device``.

    ``value`` maps ``(1, 3, H, W)`` to a scalar, on ``device`` too. Random numbers come from the CPU: every device
    begins with the same noise.
    """
    return torch.cat([_grow_one(value, growth, seed * 1000 + k, device) for k in range(count)])


def _grow_one(value: Value, growth: Growth, seed: int, device: torch.device) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    size = (growth.size, growth.size)
    config = growth.config()
    canvas = 0.45 + 0.06 * torch.randn(1, 3, *size, generator=generator).to(device)
    canvas = resize(resize(canvas, (growth.size // 4, growth.size // 4)), size) * 0.7 + canvas * 0.3
    strength = DreamConfig(octaves=growth.octaves, octave_ratio=growth.ratio, detail=growth.detail)
    shares = octave_strengths(strength, [growth.ratio**-n for n in reversed(range(growth.octaves))])
    for octave in reversed(range(growth.octaves)):
        amount = growth.amount * shares[growth.octaves - 1 - octave]
        small = fit(size, growth.size / growth.ratio**octave)
        before = resize(canvas, small)
        after = before
        for _ in range(growth.steps):
            max_shift = int(growth.jitter * min(small))
            down, right = torch.randint(-max_shift, max_shift + 1, (2,), generator=generator).tolist()
            leaf = moved(after, (down, right)).requires_grad_(True)
            (gradient,) = torch.autograd.grad(value(leaf), leaf)
            step = step_direction(moved_back(gradient, (down, right)), config)
            after = _toned(after + amount * step).detach()
        canvas = _bounded(canvas + resize(after - before, size))
    return canvas


def _toned(frame: Tensor) -> Tensor:
    """Pulls mean and contrast by a seventh towards 0.45 and 0.22, so that every dream ends equally exposed."""
    mean = frame.mean()
    gain = (1 + 0.14 * (0.22 / (frame.std() + 1e-6) - 1)).clamp(max=1.14)
    return _bounded((frame - mean) * gain + mean + 0.14 * (0.45 - mean))


def _bounded(frame: Tensor) -> Tensor:
    """Soft clipping to (0, 1): the outer 0.06 at either end are compressed instead of cut."""
    inner = frame.clamp(0.06, 0.94)
    return inner + 0.06 * torch.tanh((frame - inner) / 0.06)


def activation_of(net: nn.Module, layer: str, index: int | None = None) -> Value:
    """The mean activation of a channel of a named child of ``net``, or the whole layer's energy.

    ``verdict`` is a layer after its last, the evidence for one class against the others.
    """
    children = {**dict(net.named_children()), "verdict": ClassEvidence()}
    stages = list(children.values())[: list(children).index(layer) + 1]

    def value(frame: Tensor) -> Tensor:
        x = (frame - 0.5) * 4
        for stage in stages:
            x = stage(x)
        return x.square().mean() / 2 if index is None else x[:, index].mean()

    return value
