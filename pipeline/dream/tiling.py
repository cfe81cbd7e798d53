"""Tiles: a large frame cut into overlapping windows, so that memory follows the window's size and not the frame's.

The network processes one window after the other. Each place of a layer's map belongs to one window, which holds all, or
nearly all, of the place's receptive field; its gradient reaches into the margins and is added up there. So the sum is
the gradient of the whole frame's objective, and there are no edges to blend.
"""

from dataclasses import dataclass
from itertools import pairwise
from math import ceil

import torch
from torch import Tensor

MIN_SIDE = 64  # pixels of a window
AUTO_PIXELS = 6_000_000  # of a frame, from which auto uses tiles
AUTO_SIDE = {"cpu": 1024, "cuda": 2048, "mps": 1024}  # pixels of a window
BYTES_PER_PIXEL = 6144  # of a GPU's memory with which auto needs no tiles, whatever the network


@dataclass(frozen=True)
class View:
    """The places of a layer's map that a window stands for.

    ``inner`` are their rows and columns in the window's own map; ``corner`` is where the first of them lies in the
    whole map, ``whole`` that map's size (h, w), ``fraction`` their part of all its places. A layer without a map
    (logits) has only a fraction.
    """

    inner: tuple[slice, slice] | None
    corner: tuple[int, int]
    whole: tuple[int, int]
    fraction: float

    def crop(self, activation: Tensor) -> Tensor:
        """The window's map ``(1, C, h, w)`` → the places that count."""
        return activation if self.inner is None else activation[..., self.inner[0], self.inner[1]]


@dataclass(frozen=True)
class Span:
    """A window on one axis, from ``start`` to ``end``, and the pixels it stands for, from ``first`` to ``last``."""

    start: int
    end: int
    first: int
    last: int


@dataclass(frozen=True)
class Tile:
    """A window of a frame: its rows and its columns in pixels."""

    rows: Span
    columns: Span

    @property
    def window(self) -> tuple[slice, slice]:
        """Where it lies in the frame."""
        return slice(self.rows.start, self.rows.end), slice(self.columns.start, self.columns.end)

    def view(self, stride: int, whole: tuple[int, int] | None, size: tuple[int, int]) -> View:
        """The places of a layer's map that it stands for.

        ``stride`` is the pixels between two places, ``whole`` the size of the map (None: there is none) of a frame of
        ``size``, all (h, w).
        """
        if whole is None:
            pixels = (self.rows.last - self.rows.first) * (self.columns.last - self.columns.first)
            return View(None, (0, 0), (1, 1), pixels / (size[0] * size[1]))
        spans, inner, corner, places = (self.rows, self.columns), [], [], 1
        for span, length, pixels in zip(spans, whole, size, strict=True):
            first = min(span.first // stride, length)
            last = length if span.last == pixels else min(span.last // stride, length)
            inner.append(slice(first - span.start // stride, last - span.start // stride))
            corner.append(first)
            places *= last - first
        return View((inner[0], inner[1]), (corner[0], corner[1]), whole, places / (whole[0] * whole[1]))


def tile_side(setting: object, size: tuple[int, int], device: torch.device) -> int | None:
    """The side in pixels of the windows for a picture of ``size`` (h, w); None: no tiles.

    ``setting`` is ``dream.tile``. ``auto`` goes by the picture's size and the device, not by the memory that happens to
    be free: the same film is cut in the same way every time.
    """
    pixels = size[0] * size[1]
    if setting == "never":
        return None
    if setting == "auto":
        if device.type == "cuda" and pixels * BYTES_PER_PIXEL <= torch.cuda.get_device_properties(device).total_memory:
            return None
        return None if pixels <= AUTO_PIXELS else AUTO_SIDE.get(device.type, AUTO_SIDE["cpu"])
    assert isinstance(setting, int)
    return None if pixels <= setting * setting else setting


def smaller_side(setting: object, size: tuple[int, int], device: torch.device) -> int | None:
    """The side of windows half as wide, for a picture that ran out of memory; None when there are none smaller."""
    side = tile_side(setting, size, device) or max(MIN_SIDE, ceil((size[0] * size[1]) ** 0.5))
    half = side // 2 // MIN_SIDE * MIN_SIDE
    return half if half >= MIN_SIDE else None


def cut_tiles(
    size: tuple[int, int],
    max_side: int,
    *,
    field: tuple[int, int],
    stride: int,
    min_side: int,
    generator: torch.Generator,
) -> list[Tile]:
    """Windows of at most ``max_side`` pixels that together stand for every pixel of ``size`` (h, w) once.

    They begin at multiples of ``stride``, so that their maps lie on the places of the whole map, and have sides of at
    least ``min_side``. Their margins hold ``field`` (pixels before a place, and from it on), each up to three eighths
    of ``max_side``. ``generator`` moves the cuts, so that they differ from step to step.
    """
    widest = max(1, 3 * max_side // (8 * stride))
    # One place more: the padding of a window is no picture, and what little is seen of it counts.
    before, after = (min(ceil(pixels / stride) + 1, widest) * stride for pixels in field)
    rows, columns = (_spans(length, max_side, (before, after), stride, min_side, generator) for length in size)
    return [Tile(row, column) for row in rows for column in columns]


def _spans(
    length: int, max_side: int, margin: tuple[int, int], stride: int, min_side: int, generator: torch.Generator
) -> list[Span]:
    """The windows on one axis."""
    if length <= max_side:
        return [Span(0, length, 0, length)]
    inner = max(1, (max_side - sum(margin)) // stride) * stride
    # A quarter of a window more than needed, as room for the cuts to move in.
    count = ceil((length + inner / 4) / inner)
    step = ceil((length + inner / 4) / count / stride) * stride
    room = (count * step - length) // stride
    offset = int(torch.randint(0, room + 1, (), generator=generator)) * stride
    cuts = (n * step - offset for n in range(1, count))
    edges = [0, *(cut for cut in cuts if 0 < cut < length), length]
    spans = []
    for first, last in pairwise(edges):
        start, end = max(0, first - margin[0]), min(length, last + margin[1])
        if end - start < min_side:
            start, end = (
                max(0, min(start, (length - min_side) // stride * stride)),
                min(length, max(end, start + min_side)),
            )
        spans.append(Span(start, end, first, last))
    return spans
