"""The whole sphere as an equirectangular picture: longitude across, latitude down, twice as wide as high.

Directions are (x right, y down, z ahead) of unit length; the middle of the picture is straight ahead. What leaves the
picture on the left comes in on the right, and over a pole it continues half a turn away.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from pipeline.image import resize

PAD = 3  # pixels around the picture that a bicubic sample may reach

Vector = tuple[Tensor, Tensor, Tensor]


def directions(canvas: Tensor) -> Vector:
    """The directions of all pixels of ``(1, C, H, W)``, each broadcasting to ``(H, W)``."""
    height, width = canvas.shape[2:]
    lon = _middles(width, canvas) * math.pi
    lat = _middles(height, canvas)[:, None] * (math.pi / 2)
    return lon.sin() * lat.cos(), lat.sin().expand(height, width), lon.cos() * lat.cos()


def latitudes(canvas: Tensor) -> Tensor:
    """Degrees from the equator of the rows, ``(H, 1)``; below it they are positive."""
    return _middles(canvas.shape[2], canvas)[:, None] * 90


def sample(canvas: Tensor, direction: Vector) -> Tensor:
    """The sphere ``(1, C, H, W)`` in these directions ``(h, w)``, which need not have unit length; bicubic."""
    x, y, z = direction
    height, width = canvas.shape[2:]
    across = torch.atan2(x, z) * (width / (width + 2 * PAD) / math.pi)
    down = torch.atan2(y, torch.hypot(x, z)) * (2 * height / (height + 2 * PAD) / math.pi)
    grid = torch.stack([across, down], dim=2)[None]
    return F.grid_sample(wrap(canvas, PAD, PAD), grid, mode="bicubic", padding_mode="border", align_corners=False)


def enlarge(canvas: Tensor, size: tuple[int, int]) -> Tensor:
    """The sphere at another size (H, W), continued at its sides and poles; bicubic, with antialiasing if smaller."""
    if (canvas.shape[2], canvas.shape[3]) == size:
        return canvas
    if size[0] < canvas.shape[2]:
        rows, columns = (round(PAD * old / new) for old, new in zip(canvas.shape[2:], size, strict=True))
        padded = resize(wrap(canvas, rows, columns), (size[0] + 2 * PAD, size[1] + 2 * PAD))
        return padded[:, :, PAD:-PAD, PAD:-PAD]
    return sample(canvas, directions(canvas.new_empty(1, 1, *size)))


def wrap(canvas: Tensor, rows: int, columns: int) -> Tensor:
    """The picture with as much of the sphere around it: ``(1, C, H + 2 rows, W + 2 columns)``."""
    half = canvas.shape[3] // 2
    above, below = (part.flip(2).roll(half, 3) for part in (canvas[:, :, :rows], canvas[:, :, -rows:]))
    tall = torch.cat([above, canvas, below], 2)
    return torch.cat([tall[..., -columns:], tall, tall[..., :columns]], 3)


def pole_view(canvas: Tensor, side: int, reach: float, pole: int) -> Tensor:
    """What a camera sees that looks straight at a pole (1: down, -1: up), ``(1, C, side, side)``.

    ``reach`` is the tangent of half its field of view.
    """
    across = (_middles(side, canvas) * reach).expand(side, side)
    ones = torch.ones_like(across)
    return sample(canvas, (across, pole * ones, -pole * across.T))


def from_pole_view(view: Tensor, like: Tensor, reach: float, pole: int) -> Tensor:
    """The picture ``(1, C, H, W)`` that a ``pole_view`` covers; 0 elsewhere."""
    x, y, z = directions(like)
    is_there = pole * y > 0.1
    depth = torch.where(is_there, pole * y, torch.ones_like(y))
    grid = torch.stack([x / depth / reach, -pole * z / depth / reach], dim=2)[None]
    picture = F.grid_sample(view, grid, mode="bicubic", padding_mode="zeros", align_corners=False)
    return picture * is_there


def _middles(count: int, like: Tensor) -> Tensor:
    """Middles of so many pixels in [-1, 1]."""
    return (torch.arange(count, device=like.device, dtype=like.dtype) * 2 + (1 - count)) / count
