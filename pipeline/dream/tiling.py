"""Tiles: a large frame cut into windows that overlap, so that memory follows the window's size and not the frame's.

The network looks at windows one after the other. Each place of a layer's map belongs to one window, which holds all, or
nearly all, of what that place sees; its gradient reaches into the margins and is added up there. So what is added up is
the gradient of the whole frame's objective: windows leave no seam to be blended.
"""

from dataclasses import dataclass
from itertools import pairwise
from math import ceil

import torch

from pipeline.dream.target_measures import View

LEAST = 64  # pixels, the smallest side of a window
LARGE = 6_000_000  # pixels from which auto looks at a frame in tiles
AUTO = {"cpu": 1024, "cuda": 2048, "mps": 1024}  # pixels, the windows' side
BYTES = 6144  # of a GPU's memory per pixel with which auto needs no tiles, whatever the network


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

    def view(self, grain: int, whole: tuple[int, int] | None, size: tuple[int, int]) -> View:
        """Which places of a layer's map it stands for.

        ``grain`` is the pixels between two places, ``whole`` the size of the map (None: there is none) of a frame of
        ``size``, all (h, w).
        """
        if whole is None:
            pixels = (self.rows.last - self.rows.first) * (self.columns.last - self.columns.first)
            return View(None, (0, 0), (1, 1), pixels / (size[0] * size[1]))
        spans, inner, corner, places = (self.rows, self.columns), [], [], 1
        for span, length, pixels in zip(spans, whole, size, strict=True):
            first = min(span.first // grain, length)
            last = length if span.last == pixels else min(span.last // grain, length)
            inner.append(slice(first - span.start // grain, last - span.start // grain))
            corner.append(first)
            places *= last - first
        return View((inner[0], inner[1]), (corner[0], corner[1]), whole, places / (whole[0] * whole[1]))


def side(setting: object, size: tuple[int, int], device: torch.device) -> int | None:
    """The side in pixels of the windows in which a picture of ``size`` (h, w) is looked at; None: in one piece.

    ``setting`` is ``dream.tile``. ``auto`` goes by the picture's size and the kind of device, not by the memory that
    happens to be free: the same film is cut the same way every time.
    """
    pixels = size[0] * size[1]
    if setting == "never":
        return None
    if setting == "auto":
        roomy = device.type == "cuda" and pixels * BYTES <= torch.cuda.get_device_properties(device).total_memory
        return None if pixels <= LARGE or roomy else AUTO.get(device.type, AUTO["cpu"])
    assert isinstance(setting, int)
    return None if pixels <= setting * setting else setting


def smaller(setting: object, size: tuple[int, int], device: torch.device) -> int | None:
    """The next smaller windows for a picture that found no memory, half as wide; None when there are none."""
    now = side(setting, size, device) or max(LEAST, ceil((size[0] * size[1]) ** 0.5))
    half = now // 2 // LEAST * LEAST
    return half if half >= LEAST else None


def cut(
    size: tuple[int, int], window: int, *, reach: tuple[int, int], grain: int, least: int, dice: torch.Generator
) -> list[Tile]:
    """Windows of at most ``window`` pixels a side that together stand for every pixel of ``size`` (h, w) once.

    They begin at multiples of ``grain``, so that their maps lie on the whole map's places, have a side of at least
    ``least``, and take in ``reach`` (pixels before a place, and from it on), each up to three eighths of ``window``.
    ``dice`` moves the cuts, so that none stays where it is from step to step.
    """
    widest = max(1, 3 * window // (8 * grain))
    # One place more: what pads a window is no picture, and the little that is seen of it counts.
    before, after = (min(ceil(pixels / grain) + 1, widest) * grain for pixels in reach)
    rows, columns = (_spans(length, window, (before, after), grain, least, dice) for length in size)
    return [Tile(row, column) for row in rows for column in columns]


def _spans(
    length: int, window: int, margin: tuple[int, int], grain: int, least: int, dice: torch.Generator
) -> list[Span]:
    """The windows on one axis."""
    if length <= window:
        return [Span(0, length, 0, length)]
    most = max(1, (window - sum(margin)) // grain) * grain
    # A quarter of a window more than it takes: room for the cuts to move in.
    count = ceil((length + most / 4) / most)
    step = ceil((length + most / 4) / count / grain) * grain
    room = (count * step - length) // grain
    offset = int(torch.randint(0, room + 1, (), generator=dice)) * grain
    between = (n * step - offset for n in range(1, count))
    edges = [0, *(edge for edge in between if 0 < edge < length), length]
    found = []
    for first, last in pairwise(edges):
        start, end = max(0, first - margin[0]), min(length, last + margin[1])
        if end - start < least:
            start, end = max(0, min(start, (length - least) // grain * grain)), min(length, max(end, start + least))
        found.append(Span(start, end, first, last))
    return found
