"""A film whose end meets its beginning: its last frames are led to those that came just before its first.

Frames are made for a while before the film begins, at the very seconds of the score at which it will end. Those of
the last ``overlap`` before the first frame are kept. When the film ends, each new frame is drawn toward the kept one
of the same second, a little more each time, and fed back: what is blended is dreamed over, so that no ghost of either
stays. The last frame is the kept one, and the film's first one has grown out of that.
"""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

Step = Callable[[Tensor, int], Tensor]
"""(the frame before, the number of the frame in the film) → the frame; all ``(1, 3, H, W)`` of one size."""

AHEAD = 0.35  # of a frame by which the last kept frames run ahead, so that the seam is a smaller step than others


def loop(step: Step, canvas: Tensor, *, frames: int, overlap: int, settle: int = 0) -> Iterator[Tensor]:
    """The ``frames`` frames of a film that loops, the first grown out of ``canvas`` by ``settle`` + ``overlap`` steps.

    Raises ValueError unless 1 ≤ overlap < frames.
    """
    if not 1 <= overlap < frames:
        raise ValueError(f"{overlap = } has to be at least 1 and less than {frames = }")
    kept: list[Tensor] = []
    for index in range(-settle - overlap, 0):
        canvas = step(canvas, index % frames)
        if index >= -overlap:
            kept.append(canvas)
    for index in range(frames):
        canvas = step(canvas, index)
        if index == 0:
            kept = hurried(kept, canvas)
        number = index - (frames - overlap)
        if number >= 0:
            canvas = torch.lerp(canvas, kept[number], share(number, overlap))
        yield canvas


def share(number: int, overlap: int) -> float:
    """How far frame ``number`` of the overlap is drawn to the kept one: smoothly up to 1 at the last."""
    x = (number + 1) / overlap
    return x * x * (3 - 2 * x)


def hurried(kept: list[Tensor], following: Tensor) -> list[Tensor]:
    """The ``kept`` frames, running ahead by up to ``AHEAD`` of a frame at the last, before the ``following`` one."""
    coming = [*kept[1:], following]
    count = len(kept)
    return [
        torch.lerp(here, after, AHEAD * (number + 1) / count)
        for number, (here, after) in enumerate(zip(kept, coming, strict=True))
    ]
