"""Counterexamples: pictures of a motif's parts without the whole.

A network that averages its evidence over the picture can recognise a dog by noses alone, and then dreams noses.
Scrambled pictures belong to an extra class, *nothing*, which training separates from the motifs. So the network
must use how parts lie together, and dreams whole objects.
"""

import cv2
import numpy as np
import torch
from torch import Tensor


def scramble(picture: Tensor, rng: np.random.Generator) -> Tensor:
    """A picture ``(3, S, S)`` of bytes → one of its parts repeated, or many of them scattered."""
    return _kaleidoscope(picture, rng) if rng.random() < 0.5 else _collage(picture, rng)


def melt(picture: Tensor, rng: np.random.Generator) -> Tensor:
    """A picture ``(3, S, S)`` of bytes → its colours alone: a typical background is not the motif."""
    size = picture.shape[-1]
    soft = cv2.GaussianBlur(picture.permute(1, 2, 0).numpy(), (0, 0), size * rng.uniform(0.12, 0.3))
    return torch.from_numpy(soft).permute(2, 0, 1)


def _kaleidoscope(picture: Tensor, rng: np.random.Generator) -> Tensor:
    """One small part, mirrored repeatedly at its edges, so there are no visible edges."""
    size = picture.shape[-1]
    part = int(size * rng.uniform(0.16, 0.3))
    y, x = _busiest(picture, part, rng)
    folds = []
    for start in (y, x):
        position = np.abs((np.arange(size) + int(rng.integers(2 * part))) % (2 * part) - part)
        folds.append(torch.from_numpy(start + np.clip(position, 0, part - 1)))
    return picture[:, folds[0]][:, :, folds[1]]


def _collage(picture: Tensor, rng: np.random.Generator) -> Tensor:
    """Parts with soft edges, mirrored at random, laid anywhere over the blurred picture."""
    size = picture.shape[-1]
    part = int(size * rng.uniform(0.2, 0.34))
    pixels = picture.permute(1, 2, 0).numpy()
    canvas = cv2.GaussianBlur(pixels, (0, 0), size / 8).astype(np.float32)
    axis = np.linspace(-1, 1, part, dtype=np.float32)
    far = np.hypot(axis[:, None], axis[None])
    cover = np.clip((1 - far) * 4, 0, 1)[..., None]
    for _ in range(18):
        y, x = _busiest(picture, part, rng)
        patch = pixels[y : y + part, x : x + part][:: int(rng.choice([-1, 1])), :: int(rng.choice([-1, 1]))]
        v, u = rng.integers(-part // 3, size - 2 * part // 3, 2)
        top, left, bottom, right = max(v, 0), max(u, 0), min(v + part, size), min(u + part, size)
        here, there = canvas[top:bottom, left:right], (slice(top - v, bottom - v), slice(left - u, right - u))
        here += cover[there] * (patch[there] - here)
    return torch.from_numpy(canvas.astype(np.uint8)).permute(2, 0, 1)


def _busiest(picture: Tensor, part: int, rng: np.random.Generator) -> tuple[int, int]:
    """The corner of a detailed part: the best of three, by standard deviation."""
    corners = rng.integers(picture.shape[-1] - part + 1, size=(3, 2))
    strength = [float(picture[:, y : y + part, x : x + part].float().std()) for y, x in corners]
    y, x = corners[int(np.argmax(strength))]
    return int(y), int(x)
