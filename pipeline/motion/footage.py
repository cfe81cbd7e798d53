"""Footage under the dream: hallucinations stick to things as they move.

What is carried from frame to frame is the *residual*, what the dream added to the source. It is fetched along the flow,
left out where nothing was there to fetch, and added to the present source; then a light dream goes on from there:

    canvas = source + persistence · mask · warp(previous dream − previous source)

While one frame is dreamed, the next is read and its flow estimated in a thread.
"""

import math
from collections.abc import Callable, Mapping
from types import TracebackType

import torch
import torch.nn.functional as F
from torch import Tensor

from pipeline.config import FlowConfig
from pipeline.image import luma
from pipeline.motion.content_mask import movement
from pipeline.motion.optical_flow import Estimate, trust, warp
from pipeline.motion.prefetch import Ahead, Frames, Shown

WAVES = 4.0  # across the short side, of which half counts as broad light
REFERENCE = 24.0  # frames per second that flow.persistence is meant for

Move = Callable[[Tensor], Tensor]


class Footage:
    """One stage of the frame loop. ``frames`` gives source frames ``(1, 3, H, W)`` from a number on, on the CPU.

    ``estimate`` finds motion, None for none; ``cuts`` are the frames at which the dream begins anew, ``repeats`` those
    that show the picture before them once more, ``first`` the one that will be asked for first. As a context: entering
    it begins to read, leaving it ends the thread and the reading.
    """

    def __init__(
        self,
        frames: Frames,
        config: FlowConfig,
        *,
        estimate: Estimate | None,
        cuts: frozenset[int],
        fps: float,
        device: torch.device,
        repeats: frozenset[int] = frozenset(),
        first: int = 0,
    ) -> None:
        self._config, self._cuts, self._fps, self._device = config, cuts, fps, device
        self._ahead = Ahead(frames, estimate, cuts, repeats)
        self._first = first
        self._now: Shown | None = None

    def __enter__(self) -> "Footage":
        self._ahead.begin(max(0, self._first - 1))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._now = None
        self._ahead.close()

    def blend(self, canvas: Tensor, index: int, move: Move, numbers: Mapping[str, float]) -> Tensor:
        """Frame ``index − 1`` as dreamed → the canvas ``(1, 3, H, W)`` that frame ``index`` is dreamed from.

        ``move`` is the camera's, ``numbers`` holds ``flow.persistence`` and ``flow.reset`` of now. The canvas
        before the first frame and before a cut does not matter.
        """
        before, now = self._advance(index)
        source = now.source.to(self._device)
        if before is None or index in self._cuts:
            return source
        kept = numbers["flow.persistence"] ** (REFERENCE / self._fps) * math.exp(-numbers["flow.reset"] / self._fps)
        earlier = before.source.to(self._device)
        if self._config.style == "residual":
            canvas = canvas - earlier
        mask: Tensor | float = 1.0
        if now.motion is not None:
            motion = now.motion.to(self._device)
            canvas, mask = warp(canvas, motion.backward), _enlarged(trust(motion, earlier, source), source)
        if self._config.style == "residual":
            canvas = source + kept * move(mask * canvas)
        else:
            canvas = source + kept * mask * (move(canvas) - source)
        return canvas

    def anchor(self, canvas: Tensor) -> Tensor:
        """The canvas of the present frame as dreamed → the same with the source's own broad light and colour.

        What the dream would otherwise lay over everything; taken away at once, before it can be seen to flicker.
        """
        if self._now is None or self._config.style != "residual" or not self._config.light:
            return canvas
        residual = canvas - self._now.source.to(self._device)
        return canvas - self._config.light * _broad(residual)

    def content(self, kind: str, size: tuple[int, int]) -> Tensor:
        """Where the present frame calls for the dream, ``(1, 1, H, W)``: ``motion``, ``still`` or ``luma``."""
        assert self._now is not None
        if kind == "luma":
            return luma(self._now.source.to(self._device))
        moving = movement(self._now.moving, size, self._fps, self._device)
        return 1 - moving if kind == "still" else moving

    def begins(self, index: int) -> bool:
        """Whether frame ``index`` is the first, or the first after a cut."""
        return index == 0 or index in self._cuts

    def _advance(self, index: int) -> tuple[Shown | None, Shown]:
        """The source before and at ``index``."""
        if self._now is None or self._now.index != index - 1:
            start = max(0, index - 1)
            if self._ahead.coming != start:
                self._ahead.begin(start)
            self._now = self._ahead.take() if index > 0 else None
        before, self._now = self._now, self._ahead.take()
        return before, self._now


def _broad(picture: Tensor) -> Tensor:
    """What is left of ``(1, 3, H, W)`` seen from afar: a Gaussian, which leaves no rings and no grid."""
    height, width = picture.shape[2:]
    mirrored = F.pad(picture, (0, width - 1, 0, height - 1), mode="reflect")
    rows = torch.fft.fftfreq(mirrored.shape[2], device=picture.device)[:, None]
    columns = torch.fft.rfftfreq(mirrored.shape[3], device=picture.device)[None]
    waves = (rows.square() + columns.square()) * (min(height, width) / WAVES) ** 2
    passed = torch.fft.rfft2(mirrored) * torch.exp2(-waves)
    blurred: Tensor = torch.fft.irfft2(passed, s=mirrored.shape[2:])[:, :, :height, :width]
    return blurred


def _enlarged(mask: Tensor, frame: Tensor) -> Tensor:
    size = (frame.shape[2], frame.shape[3])
    return F.interpolate(mask, size=size, mode="bilinear", align_corners=False)
