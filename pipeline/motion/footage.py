"""Footage under the dream: hallucinations stick to things as they move.

What is carried from frame to frame is the *residual*, what the dream added to the source. It is fetched along the flow,
left out where nothing was there to fetch, and added to the present source; then a light dream goes on from there:

    canvas = source + persistence · mask · warp(previous dream − previous source)

While one frame is dreamed, the next is read and its flow estimated in a thread.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from types import TracebackType

import torch
import torch.nn.functional as F
from torch import Tensor

from pipeline.config import FlowConfig
from pipeline.motion.content import luma, movement
from pipeline.motion.flow import Estimate, Motion, trust, warp

WAVES = 4.0  # across the short side, of which half counts as broad light
REFERENCE = 24.0  # frames per second that flow.persistence is meant for

Frames = Callable[[int], Iterator[Tensor]]
Move = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class _Next:
    """A source frame ``(1, 3, H, W)`` on the CPU and the motion that led to it; None where there is none to follow."""

    index: int
    source: Tensor
    motion: Motion | None


class Footage:
    """One stage of the frame loop. ``frames`` gives source frames ``(1, 3, H, W)`` from a number on, on the CPU.

    ``estimate`` finds motion, None for none; ``cuts`` are the frames at which the dream begins anew. As a context:
    leaving it ends the thread and the reading.
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
    ) -> None:
        self._frames, self._config, self._estimate = frames, config, estimate
        self._cuts, self._fps, self._device = cuts, fps, device
        self._pool = ThreadPoolExecutor(1, "footage")
        self._reading: Iterator[Tensor] | None = None
        self._before: _Next | None = None
        self._coming: Future[_Next | None] | None = None

    def __enter__(self) -> "Footage":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()
        self._pool.shutdown()

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
        if self._before is None or self._config.style != "residual" or not self._config.light:
            return canvas
        residual = canvas - self._before.source.to(self._device)
        return canvas - self._config.light * _broad(residual)

    def content(self, kind: str, size: tuple[int, int]) -> Tensor:
        """Where the present frame calls for the dream, ``(1, 1, H, W)``: ``motion``, ``still`` or ``luma``."""
        assert self._before is not None
        if kind == "luma":
            return luma(self._before.source.to(self._device))
        motion = self._before.motion
        moving = movement(motion.backward if motion else None, size, self._fps, self._device)
        return 1 - moving if kind == "still" else moving

    def begins(self, index: int) -> bool:
        """Whether frame ``index`` is the first, or the first after a cut."""
        return index == 0 or index in self._cuts

    def _advance(self, index: int) -> tuple[_Next | None, _Next]:
        """The source before and at ``index``; sets off reading what follows."""
        if self._before is None or self._before.index != index - 1:
            self._stop()
            start = max(0, index - 1)
            self._reading = self._frames(start)
            self._coming = self._pool.submit(self._read, None, start)
            if start < index:
                self._before = self._arrived()
                self._coming = self._pool.submit(self._read, self._before, index)
        before, now = self._before, self._arrived()
        self._before = now
        self._coming = self._pool.submit(self._read, now, index + 1)
        return before, now

    def _arrived(self) -> _Next:
        assert self._coming is not None
        arrived = self._coming.result()
        if arrived is None:
            raise ValueError("the footage ended before the film")
        return arrived

    def _read(self, before: _Next | None, index: int) -> _Next | None:
        assert self._reading is not None
        source = next(self._reading, None)
        if source is None:
            return None
        follows = before is not None and source is not before.source and index not in self._cuts
        motion = self._estimate(before.source, source) if follows and before and self._estimate else None
        return _Next(index, source, motion)

    def _stop(self) -> None:
        if self._coming is not None:
            self._coming.exception()  # waits; what went wrong ahead of the film's end is no longer of interest
        closing = getattr(self._reading, "close", None)
        if closing is not None:
            closing()
        self._reading = self._before = self._coming = None


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
