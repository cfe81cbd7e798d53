"""Trains one phase with checkpoints; measures accuracy, clean and under attack."""

import copy
import sys
from contextlib import closing
from functools import partial
from pathlib import Path

import torch
from torch import nn
from tqdm import tqdm

from pipeline.networks.motifnet import MotifNet
from pipeline.runtime.interrupt import Stop
from pipeline.train.adversarial import attack
from scripts.motifnet.checkpoint import Checkpoint
from scripts.motifnet.dataset import Pictures
from scripts.motifnet.precision import Arithmetic
from scripts.motifnet.prefetch import prefetch
from scripts.motifnet.step import Phase, average, cut, optimiser, update


def train(
    net: MotifNet, pictures: Pictures, phase: Phase, arithmetic: Arithmetic, path: Path, every: int = 50
) -> MotifNet:
    """Trains ``net`` through ``phase`` and returns the running average of its weights.

    Resumes from the checkpoint at ``path`` of an interrupted training, and ends with the same weights as without
    the break; writes one there at every ``every``-th step and at the end. The first Ctrl-C or SIGTERM finishes and
    saves the step, then raises KeyboardInterrupt.
    """
    device = arithmetic.device
    net.to(device, memory_format=torch.channels_last).train()
    mean = copy.deepcopy(net).eval()
    optimizer = optimiser(net, phase)
    checkpoint = Checkpoint(path, net, mean, optimizer)
    first = _begin(checkpoint, phase, device)
    steps = range(first, phase.steps)
    bar = tqdm(steps, phase.name, phase.steps, initial=first, mininterval=5)
    with Stop("step") as stop, closing(prefetch(partial(cut, pictures, phase), steps)) as batches, bar:
        for step, batch in zip(bar, batches, strict=True):
            loss, right = update(net, batch, phase, arithmetic, optimizer, step)
            average(mean, net, phase, step)
            if step % 50 == 0:
                bar.set_postfix(loss=f"{loss:.3f}", right=f"{right:.2f}", epsilon=f"{phase.reach(step):.1f}")
            if stop.requested or step + 1 == phase.steps or (step + 1) % every == 0:
                checkpoint.save(step + 1)
            if stop.requested:
                raise KeyboardInterrupt
    return mean


def _begin(checkpoint: Checkpoint, phase: Phase, device: torch.device) -> int:
    """The first step; prints a note if the cache only holds other trainings."""
    first = checkpoint.restore(device)
    others = sorted(checkpoint.path.parent.glob(f"{phase.name}*.pt"))
    if not first and others:
        print(
            f"{phase.name}: starts again as {checkpoint.path.name}; with other options, drawings, precision "
            f"or code: {', '.join(path.name for path in others)}",
            file=sys.stderr,
        )
    return first


def accuracy(
    net: nn.Module, pictures: Pictures, arithmetic: Arithmetic, crop: int, epsilon: float = 0.0, steps: int = 0
) -> float:
    """Fraction of pictures whose centre is classified correctly, after ``steps`` of attack within ``epsilon``."""
    net.eval().requires_grad_(False)
    generator = torch.Generator(arithmetic.device).manual_seed(0)
    right = 0
    images = pictures.centre(crop)
    for start in range(0, len(images), 64):
        x = images[start : start + 64].to(arithmetic.device, memory_format=torch.channels_last).float() / 255
        labels = pictures.labels[start : start + 64].to(arithmetic.device)
        if steps:
            x = attack(lambda moved: arithmetic.logits(net, moved), x, labels, epsilon, steps, generator, 0.5)
        right += int((arithmetic.logits(net, x).argmax(1) == labels).sum())
    return right / len(images)
