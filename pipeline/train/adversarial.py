"""Adversarial examples: pictures moved towards a wrong answer.

A network that stays right on them looks at what people see, and its gradients draw it: *Adversarial Robustness as a
Prior for Learned Representations* (Engstrom et al. 2019).
"""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Generator, Tensor


def attack(
    logits: Callable[[Tensor], Tensor],
    x: Tensor,
    labels: Tensor,
    epsilon: float,
    steps: int,
    generator: Generator,
    stride: float | None = None,
) -> Tensor:
    """Move ``x`` ``(N, 3, H, W)`` by at most ``epsilon`` in L2, staying in [0, 1].

    Projected gradient ascent of the loss from a random point of the ball (Madry et al. 2018), in steps of ``stride``
    times epsilon.
    """
    if stride is None:
        stride = 1.25 if steps == 1 else 2 / steps + 0.1
    start = torch.randn(x.shape, generator=generator, device=generator.device).to(x.device)
    length = torch.rand(len(x), 1, 1, 1, generator=generator, device=generator.device).to(x.device) * epsilon
    delta = start * (length / _norms(start))
    for _ in range(steps):
        moved = (x + delta).clamp(0, 1).requires_grad_(True)
        (gradient,) = torch.autograd.grad(F.cross_entropy(logits(moved), labels), moved)
        delta = moved.detach() - x + gradient * (stride * epsilon / _norms(gradient))
        delta = delta * (epsilon / _norms(delta)).clamp(max=1)
    return (x + delta).clamp(0, 1).detach()


def _norms(x: Tensor) -> Tensor:
    norms: Tensor = torch.linalg.vector_norm(x, dim=(1, 2, 3), keepdim=True)
    return norms.clamp(min=1e-12)
