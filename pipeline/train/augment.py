"""Batches for training: pictures turned, cropped and recoloured at random, some of them scrambled."""

import math

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

MAX_TURN = math.radians(20)
TILES = 4  # on a side of a scrambled picture


def augment(x: Tensor, side: int, amount: float, generator: Generator) -> Tensor:
    """Pictures ``(N, 3, S, S)`` in [0, 1] → ``(N, 3, side, side)``, half of them mirrored."""
    count = len(x)

    def draw(low: float, high: float) -> Tensor:
        return low + (high - low) * torch.rand(count, generator=generator)

    turn, zoom = draw(-MAX_TURN, MAX_TURN) * amount, 1 / (1 + 0.4 * amount * draw(0, 1))
    mirror = torch.where(draw(0, 1) < 0.5, -1.0, 1.0)
    rows = torch.stack([zoom * turn.cos() * mirror, -zoom * turn.sin(), (1 - zoom) * draw(-1, 1)], 1)
    columns = torch.stack([zoom * turn.sin() * mirror, zoom * turn.cos(), (1 - zoom) * draw(-1, 1)], 1)
    grid = F.affine_grid(torch.stack([rows, columns], 1), [count, 3, side, side], align_corners=False)
    x = F.grid_sample(x, grid, padding_mode="reflection", align_corners=False)
    grey = x.mean(1, keepdim=True)
    x = grey + (x - grey) * (1 + amount * draw(-0.3, 0.3)).view(-1, 1, 1, 1)
    middle = x.mean((1, 2, 3), keepdim=True)
    x = middle + (x - middle) * (1 + amount * draw(-0.25, 0.25)).view(-1, 1, 1, 1)
    return (x + amount * draw(-0.12, 0.12).view(-1, 1, 1, 1)).clamp(0, 1)


def spoil(x: Tensor, generator: Generator) -> Tensor:
    """A picture ``(3, S, S)`` → its tiles in another order, one part again and again, or its colours alone.

    A network that separates these from the pictures needs how parts lie together, and dreams of whole motifs.
    """
    kind, side = int(torch.randint(3, (1,), generator=generator)), x.shape[-1]
    if kind == 0:
        tile = side // TILES
        tiles = x.view(3, TILES, tile, TILES, tile).permute(1, 3, 0, 2, 4).flatten(0, 1)
        tiles = tiles[torch.randperm(TILES**2, generator=generator)]
        return tiles.view(TILES, TILES, 3, tile, tile).permute(2, 0, 3, 1, 4).reshape(3, side, side)
    if kind == 1:
        part = int(side * (0.18 + 0.14 * float(torch.rand(1, generator=generator))))
        for axis in (1, 2):
            start, shift = (int(torch.randint(n, (1,), generator=generator)) for n in (side - part + 1, 2 * part))
            folded = ((torch.arange(side) + shift) % (2 * part) - part).abs().clamp(max=part - 1)
            x = x.index_select(axis, start + folded)
        return x
    small = F.adaptive_avg_pool2d(x[None], int(torch.randint(3, 6, (1,), generator=generator)))
    return F.interpolate(small, size=(side, side), mode="bicubic", align_corners=False)[0].clamp(0, 1)
