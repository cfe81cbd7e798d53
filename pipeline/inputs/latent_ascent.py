"""Gradient ascent on a generator's latent point, so that its picture fires a target: whole things, not their texture.

Nguyen et al., *Synthesizing the preferred inputs for neurons in neural networks via deep generator networks*, 2016. The
point starts at the class whose typical picture fires the target most, or at a given one, and stays within the sphere in
which the generator's pictures lie.
"""

from collections.abc import Callable
from math import sqrt

import torch
import torch.nn.functional as F
from torch import Tensor

from pipeline.networks.generator import Generator

STEPS = 48
RATE = 0.08  # of Adam, in deviations of the noise and in logits of the classes
START_LOGIT = 6.0  # of the first class: nine tenths among 42
SIDE = 128  # pixels of the picture that the network looks at
MAX_SHIFT = 8  # pixels by which it is moved in each step, so that no single pixel counts

Value = Callable[[Tensor], Tensor]
"""Picture ``(1, 3, H, W)`` → the scalar to raise."""


def ascend(
    net: Generator, value: Value, label: int | None, seed: int, truncation: float, steps: int = STEPS
) -> tuple[Tensor, Tensor]:
    """Noise ``(1, latent)`` and class weights ``(1, classes)`` whose picture raises ``value``.

    ``label`` is the class to start from; None: the one with the highest value.
    """
    rng = torch.Generator().manual_seed(seed)
    shape, limit = net.shape, truncation * sqrt(net.shape.latent)
    noise = torch.randn(1, shape.latent, generator=rng) * truncation
    start = _best_class(net, value, noise) if label is None else label
    logits = torch.zeros(1, shape.classes)
    logits[0, start] = START_LOGIT
    with torch.enable_grad():
        noise.requires_grad_(True)
        logits.requires_grad_(True)
        optimizer = torch.optim.Adam([noise, logits], RATE)
        for _ in range(steps):
            down, right = torch.randint(-MAX_SHIFT, MAX_SHIFT + 1, (2,), generator=rng).tolist()
            picture = _enlarge(net(noise, logits.softmax(1)))
            loss = -value(picture.roll((down, right), dims=(2, 3)))
            optimizer.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            with torch.no_grad():
                noise.mul_((limit / noise.norm().clamp(min=1e-6)).clamp(max=1))
    return noise.detach(), logits.detach().softmax(1)


@torch.no_grad()
def _best_class(net: Generator, value: Value, noise: Tensor) -> int:
    """The class whose picture has the highest value."""
    classes = torch.eye(net.shape.classes)
    values = [float(value(_enlarge(net(noise, weights[None])))) for weights in classes]
    return max(range(len(values)), key=values.__getitem__)


def _enlarge(picture: Tensor) -> Tensor:
    return F.interpolate(picture, size=(SIDE, SIDE), mode="bilinear", align_corners=False)
