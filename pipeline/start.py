"""Where a film begins: white noise that unfolds, or a photograph.

Noise is born small, dreamed, enlarged and dreamed again until it fills the frame: coarse forms come first and fine ones
grow in them, as in Øygard's and Osinga's recipes for dreams from nothing.
"""

from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor

from pipeline.config import StartConfig
from pipeline.dream.pyramid import fit
from pipeline.media.stills import load_still
from pipeline.randomness import START, generator

GROWING = 0.75  # share of the steps in which noise still grows; the rest ripens at full size


def first_canvas(config: StartConfig, size: tuple[int, int], seed: int, shot: int) -> Tensor:
    """The canvas ``(1, 3, h, w)`` before any dream, on the CPU: the photograph, or noise of the smallest size."""
    height, width = size
    if config.kind == "image":
        red, green, blue = config.background
        return load_still(Path(str(config.path)), width=width, height=height, background=(red, green, blue))
    small = fit(size, min(config.size, min(size)))
    noise = torch.randn(1, 3, *small, generator=generator(seed, shot, 0, START))
    grey: Tensor = 0.45 + config.noise * noise
    return grey.clamp(0, 1)


def sizes(config: StartConfig, size: tuple[int, int], steps: int) -> Iterator[tuple[int, int]]:
    """The canvas size (h, w) of every step of the unfolding: geometric growth, then the full size."""
    smallest = min(config.size, min(size)) if config.kind == "noise" else min(size)
    growing = max(1, round(steps * GROWING))
    for step in range(steps):
        share = min(1.0, (step + 1) / growing)
        yield fit(size, smallest * (min(size) / smallest) ** share)
