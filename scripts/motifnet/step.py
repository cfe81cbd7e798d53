"""One training step. Everything in this file decides the weights."""

import math
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from pipeline.train.adversarial import attack
from scripts.motifnet.dataset import Batch, Pictures
from scripts.motifnet.precision import Arithmetic


@dataclass(frozen=True)
class Phase:
    """One training phase. Attacks move a picture by at most ``epsilon`` in L2, on [0, 1]."""

    name: str
    steps: int
    rate: float = 2e-3
    batch: int = 64
    crop: int = 96
    """Pixels cut from the pictures."""
    side: int = 96
    """Pixels to which the crop is shrunk. Small pictures first: a step on 64 costs less than half of one on 96."""
    epsilon: float = 0.0
    """On a crop of 64 pixels; on others in proportion to the side, for the same change per pixel."""
    ramp: float = 0.25
    """Fraction of the steps in which epsilon rises; from plain weights the full attack makes training collapse."""
    floor: float = 0.02
    """The cosine schedule ends at this fraction of ``rate``."""
    attack_steps: int = 1
    scrambled: float = 0.18
    """Fraction of the pictures of objects that are scrambled and belong to the extra class *nothing*."""
    melted: float = 0.0
    """Fraction of all pictures that are blurred to their colours, and belong to *nothing* too."""
    weight_decay: float = 0.02
    average: float = 0.998
    seed: int = 0

    def reach(self, step: int) -> float:
        """Epsilon at a step, for the network's input size."""
        risen = min(1.0, step / (self.ramp * self.steps) + 0.1) if self.ramp else 1.0
        return self.epsilon * self.side / 64 * risen


def optimiser(net: nn.Module, phase: Phase) -> torch.optim.Optimizer:
    """AdamW for the weights of ``net``."""
    return torch.optim.AdamW(net.parameters(), phase.rate, weight_decay=phase.weight_decay)


def cut(pictures: Pictures, phase: Phase, step: int) -> Batch:
    """The batch of a step, from its own random stream."""
    rng = np.random.default_rng([phase.seed, step])
    return pictures.cut(phase.batch, phase.crop, rng, phase.scrambled, phase.melted)


def update(
    net: nn.Module, batch: Batch, phase: Phase, arithmetic: Arithmetic, optimizer: torch.optim.Optimizer, step: int
) -> tuple[float, float]:
    """One update; returns the loss and the accuracy on the (attacked) batch."""
    warm = min(1.0, (step + 1) / (0.05 * phase.steps + 1))
    cosine = 0.5 + 0.5 * math.cos(math.pi * step / phase.steps)
    for group in optimizer.param_groups:
        group["lr"] = phase.rate * warm * (phase.floor + (1 - phase.floor) * cosine)
    x, labels = batch.on(arithmetic.device)
    if phase.side != phase.crop:
        x = F.interpolate(x, size=phase.side, mode="bilinear", antialias=True, align_corners=False)
        x = x.contiguous(memory_format=torch.channels_last)
    if phase.epsilon:
        generator = torch.Generator(arithmetic.device).manual_seed(phase.seed * 1_000_003 + step)
        stride = 1.25 if phase.attack_steps == 1 else 0.7
        net.requires_grad_(False)
        reach, steps = phase.reach(step), phase.attack_steps
        x = attack(lambda moved: arithmetic.logits(net, moved), x, labels, reach, steps, generator, stride)
        x = x.contiguous(memory_format=torch.channels_last)
        net.requires_grad_(True)
    logits = arithmetic.logits(net, x)
    loss = F.cross_entropy(logits, labels, label_smoothing=0.05)
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    nn.utils.clip_grad_norm_(net.parameters(), 2.0)
    optimizer.step()
    return float(loss.detach()), float((logits.argmax(1) == labels).float().mean())


@torch.no_grad()
def average(mean: nn.Module, net: nn.Module, phase: Phase, step: int) -> None:
    """Updates the running average of the weights after a step, in place."""
    keep = min(phase.average, (step + 1) / (step + 10))
    for slow, fast in zip(mean.state_dict().values(), net.state_dict().values(), strict=True):
        if slow.dtype.is_floating_point:
            slow.lerp_(fast, 1 - keep)
        else:
            slow.copy_(fast)
