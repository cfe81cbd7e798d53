"""How the channels of a layer lie in its output: as a map, with channels last, or as tokens of a transformer."""

from dataclasses import dataclass
from math import ceil

from torch import Tensor

PROBE_SIZE = (224, 288)  # pixels (h, w) of the frame on which layouts are told apart; not square
MIN_CHANNELS = 4
ROUNDING = 1.5  # places by which a map may be larger or smaller than its frame's shape
LAST = "channels last"


@dataclass(frozen=True)
class Tokens:
    """The tokens of a transformer: first ``prefix`` that belong to no place, then one for each patch, row by row."""

    patch: tuple[int, int]
    prefix: int

    def grid(self, size: tuple[int, int]) -> tuple[int, int]:
        """Patches (down, right) in a frame of ``size`` (h, w)."""
        return ceil(size[0] / self.patch[0]), ceil(size[1] / self.patch[1])


Layout = Tokens | str


def find_layout(shape: tuple[int, ...], tokens: Tokens | None) -> Layout | None:
    """The layout of an output of this shape for a frame of ``PROBE_SIZE``; "" for a map; None if it has no places."""
    if tokens is not None and len(shape) == 3:
        rows, columns = tokens.grid(PROBE_SIZE)
        return tokens if shape[1] == rows * columns + tokens.prefix else None
    if len(shape) != 4 or shape[0] != 1:
        return None
    for layout, (height, width), channels in (("", shape[2:], shape[1]), (LAST, shape[1:3], shape[3])):
        in_shape = abs(height - width * PROBE_SIZE[0] / PROBE_SIZE[1]) <= ROUNDING
        if in_shape and min(height, width) > 1 and channels >= MIN_CHANNELS:
            return layout
    return None


def as_map(activation: Tensor, layout: Layout, size: tuple[int, int]) -> Tensor:
    """The output of a layer for a frame of ``size`` (h, w) as ``(N, C, h', w')``."""
    if isinstance(layout, Tokens):
        return activation[:, layout.prefix :].mT.reshape(len(activation), -1, *layout.grid(size))
    return activation.movedim(3, 1) if layout == LAST else activation
