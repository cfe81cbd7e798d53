"""Training, plain and then robust, with checkpoints; and accuracy, clean and under attack."""

import copy
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from tqdm import tqdm

from pipeline.networks.motifnet import MotifNet
from scripts.motifnet.dataset import Pictures


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
    """Pixels to which that is shrunk. Small pictures first: a step on 64 pixels costs less than half of one on 96."""
    epsilon: float = 0.0
    """On a crop of 64 pixels; in proportion to the side on others, which keeps the change per pixel."""
    ramp: float = 0.25
    """Share of the steps in which epsilon rises; from plain weights the full attack breaks training down."""
    floor: float = 0.02
    """Share of ``rate`` that the cosine ends at."""
    attack_steps: int = 1
    scrambled: float = 0.18
    """Share of pictures of objects that are scrambled and belong to the further class *nothing*."""
    melted: float = 0.0
    """Share of all pictures that are blurred until only their colours are left, and belong to *nothing* too."""
    weight_decay: float = 0.02
    average: float = 0.998
    seed: int = 0

    def reach(self, step: int) -> float:
        """Epsilon at a step, in the pixels that the network sees."""
        risen = min(1.0, step / (self.ramp * self.steps) + 0.1) if self.ramp else 1.0
        return self.epsilon * self.side / 64 * risen


@dataclass(frozen=True)
class Arithmetic:
    """Where and in which precision training runs."""

    device: torch.device
    dtype: torch.dtype

    def logits(self, net: nn.Module, x: Tensor) -> Tensor:
        """The average of the class map: ``(N, 3, H, W) → (N, classes)``, float32."""
        with torch.autocast(self.device.type, self.dtype, enabled=self.dtype != torch.float32):
            dense = net(x)
        return dense.float().mean((2, 3))


def fastest(net: nn.Module, device: torch.device, crop: int, batch: int) -> Arithmetic:
    """Times a training step in float32 and bfloat16, and takes the faster.

    bfloat16 is 17 times slower than float32 on processors without its instructions, and faster with them.
    """
    times: dict[torch.dtype, float] = {}
    x = torch.rand(batch, 3, crop, crop, device=device).contiguous(memory_format=torch.channels_last)
    for dtype in (torch.float32, torch.bfloat16):
        trial, arithmetic = copy.deepcopy(net).to(device), Arithmetic(device, dtype)
        took = []
        for _ in range(3):
            start = time.perf_counter()
            arithmetic.logits(trial, x).square().mean().backward()
            took.append(_synchronised(device) - start)
        times[dtype] = min(took)
    best = min(times, key=lambda dtype: times[dtype])
    print("seconds a step: " + ", ".join(f"{str(d)[6:]} {t:.3f}" for d, t in times.items()) + f"; {best}")
    return Arithmetic(device, best)


def _synchronised(device: torch.device) -> float:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()


def attack(
    logits: Callable[[Tensor], Tensor], x: Tensor, labels: Tensor, epsilon: float, steps: int, stride: float,
    generator: torch.Generator,
) -> Tensor:  # fmt: skip
    """Moves ``x`` ``(N, 3, H, W)`` by at most ``epsilon`` in L2 towards a wrong answer, staying in [0, 1].

    Projected gradient ascent of the loss from a random point of the ball (Madry et al. 2018);
    each step is ``stride`` × epsilon long.
    """
    start = torch.randn(x.shape, generator=generator, device=x.device)
    length = torch.rand(len(x), 1, 1, 1, generator=generator, device=x.device) * epsilon
    delta = start * (length / _norms(start))
    for _ in range(steps):
        moved = (x + delta).clamp(0, 1).requires_grad_(True)
        (gradient,) = torch.autograd.grad(F.cross_entropy(logits(moved), labels), moved)
        delta = moved.detach() - x + gradient * (stride * epsilon / _norms(gradient))
        delta = delta * (epsilon / _norms(delta)).clamp(max=1)
    return (x + delta).clamp(0, 1).detach().contiguous(memory_format=torch.channels_last)


def _norms(x: Tensor) -> Tensor:
    return x.flatten(1).norm(dim=1).clamp(min=1e-12)[:, None, None, None]


def train(net: MotifNet, pictures: Pictures, phase: Phase, arithmetic: Arithmetic, folder: Path) -> MotifNet:
    """Trains ``net`` through ``phase`` and returns the running average of its weights.

    Continues from ``folder/{phase.name}.pt`` where an interrupted training left one.
    """
    device = arithmetic.device
    net.to(device, memory_format=torch.channels_last).train()
    mean = copy.deepcopy(net).eval()
    optimizer = torch.optim.AdamW(net.parameters(), phase.rate, weight_decay=phase.weight_decay)
    path, first = folder / f"{phase.name}.pt", 0
    if path.exists():
        saved = torch.load(path, map_location=device, weights_only=True)
        net.load_state_dict(saved["net"])
        mean.load_state_dict(saved["mean"])
        optimizer.load_state_dict(saved["optimizer"])
        first = saved["step"]
    bar = tqdm(range(first, phase.steps), phase.name, phase.steps, initial=first, mininterval=5)
    for step in bar:
        loss, right = _step(net, pictures, phase, arithmetic, optimizer, step)
        _average(mean, net, min(phase.average, (step + 1) / (step + 10)))
        if step % 50 == 0:
            bar.set_postfix(loss=f"{loss:.3f}", right=f"{right:.2f}", epsilon=f"{phase.reach(step):.1f}")
        if step + 1 == phase.steps or (step + 1) % 250 == 0:
            _save(path, net, mean, optimizer, step + 1)
    return mean


def _step(
    net: nn.Module, pictures: Pictures, phase: Phase, arithmetic: Arithmetic,
    optimizer: torch.optim.Optimizer, step: int,
) -> tuple[float, float]:  # fmt: skip
    """One update; returns the loss and the share of right answers on the (attacked) batch."""
    warm = min(1.0, (step + 1) / (0.05 * phase.steps + 1))
    cosine = 0.5 + 0.5 * math.cos(math.pi * step / phase.steps)
    for group in optimizer.param_groups:
        group["lr"] = phase.rate * warm * (phase.floor + (1 - phase.floor) * cosine)
    rng = np.random.default_rng([phase.seed, step])
    x, labels = pictures.batch(phase.batch, phase.crop, rng, arithmetic.device, phase.scrambled, phase.melted)
    if phase.side != phase.crop:
        x = F.interpolate(x, size=phase.side, mode="bilinear", antialias=True, align_corners=False)
        x = x.contiguous(memory_format=torch.channels_last)
    if phase.epsilon:
        generator = torch.Generator(arithmetic.device).manual_seed(phase.seed * 1_000_003 + step)
        stride = 1.25 if phase.attack_steps == 1 else 0.7
        net.requires_grad_(False)
        x = attack(lambda moved: arithmetic.logits(net, moved), x, labels, phase.reach(step),
                   phase.attack_steps, stride, generator)  # fmt: skip
        net.requires_grad_(True)
    logits = arithmetic.logits(net, x)
    loss = F.cross_entropy(logits, labels, label_smoothing=0.05)
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    nn.utils.clip_grad_norm_(net.parameters(), 2.0)
    optimizer.step()
    return float(loss.detach()), float((logits.argmax(1) == labels).float().mean())


@torch.no_grad()
def _average(mean: nn.Module, net: nn.Module, keep: float) -> None:
    for slow, fast in zip(mean.state_dict().values(), net.state_dict().values(), strict=True):
        if slow.dtype.is_floating_point:
            slow.lerp_(fast, 1 - keep)
        else:
            slow.copy_(fast)


def _save(path: Path, net: nn.Module, mean: nn.Module, optimizer: torch.optim.Optimizer, step: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    torch.save(
        {"net": net.state_dict(), "mean": mean.state_dict(), "optimizer": optimizer.state_dict(), "step": step}, partial
    )
    partial.replace(path)


def accuracy(
    net: nn.Module, pictures: Pictures, arithmetic: Arithmetic, crop: int, epsilon: float = 0.0, steps: int = 0
) -> float:
    """Share of pictures whose middle is named right, after ``steps`` of attack within ``epsilon``."""
    net.eval().requires_grad_(False)
    generator = torch.Generator(arithmetic.device).manual_seed(0)
    right = 0
    images = pictures.centre(crop)
    for start in range(0, len(images), 64):
        x = images[start : start + 64].to(arithmetic.device, memory_format=torch.channels_last).float() / 255
        labels = pictures.labels[start : start + 64].to(arithmetic.device)
        if steps:
            x = attack(lambda moved: arithmetic.logits(net, moved), x, labels, epsilon, steps, 0.5, generator)
        right += int((arithmetic.logits(net, x).argmax(1) == labels).sum())
    return right / len(images)
