"""A picture sheet of a training: each class with one of its pictures and dreams of it, grown from noise."""

from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from pipeline.config import DreamConfig
from pipeline.dream.jitter import moved, moved_back
from pipeline.dream.preconditioner import step_direction
from pipeline.pictures.folder import Pictures
from pipeline.pictures.labelled_sheet import write_sheet
from pipeline.train.classifier import Classifier

SIDE = 112  # pixels
OCTAVES = (0.5, 0.71, 1.0)  # of the side
NOISE_SIDE = 14  # of the first noise, which is coarse: fine noise would stay
DREAMS, STEPS, AMOUNT = 2, 14, 0.02
MAX_CLASSES = 24
CONFIG = DreamConfig(exponent=1.0, fill=0.5, color_correlation=1.0)


def write_dreams(finished: Classifier, pictures: Pictures, path: Path) -> None:
    """Write the sheet as a PNG. Raises OutputError."""
    rows = []
    for label in range(min(MAX_CLASSES, len(pictures.classes))):
        own = pictures.images[pictures.labels == label][:1].float() / 255
        sample = F.interpolate(own, size=(SIDE, SIDE), mode="bilinear", antialias=True)
        rows.append(torch.cat([sample, *(dream(finished, label, seed) for seed in range(DREAMS))]))
    write_sheet((torch.stack(rows) * 255 + 0.5).to(torch.uint8), pictures.classes, path)


def dream(finished: Classifier, label: int, seed: int, side: int = SIDE) -> Tensor:
    """A picture ``(1, 3, side, side)`` in [0, 1] in which the evidence for a class has grown from noise."""
    generator = torch.Generator().manual_seed(seed * 1000 + label)
    device = finished.head.weight.device
    canvas = (0.45 + 0.1 * torch.randn(1, 3, NOISE_SIDE, NOISE_SIDE, generator=generator)).to(device)
    for scale in OCTAVES:
        small = round(side * scale)
        canvas = F.interpolate(canvas, size=(small, small), mode="bicubic", align_corners=False)
        for _ in range(STEPS):
            down, right = torch.randint(-small // 8, small // 8 + 1, (2,), generator=generator).tolist()
            leaf = moved(canvas, (down, right)).requires_grad_(True)
            evidence = finished.body((leaf - finished.mean) / finished.deviation)[:, label].mean()
            (gradient,) = torch.autograd.grad(evidence, leaf)
            canvas = _exposed(canvas + AMOUNT * step_direction(moved_back(gradient, (down, right)), CONFIG))
    return canvas.detach().cpu()


def _exposed(canvas: Tensor) -> Tensor:
    """The canvas with its mean and contrast drawn a little towards those of pictures."""
    mean = canvas.mean()
    gain = (1 + 0.14 * (0.22 / (canvas.std() + 1e-6) - 1)).clamp(max=1.1)
    return ((canvas - mean) * gain + mean + 0.14 * (0.45 - mean)).detach().clamp(0, 1)
