"""Footage under the dream: hallucinations stick to things as they move.

From frame to frame the *residual* is carried on, what the dream added to the source. It is fetched along the optical
flow, left out where the flow is wrong or occluded, and added to the present source frame, which is then dreamed on:

    canvas = source + persistence · mask · warp(previous dream − previous source)

While one frame is dreamed, a thread reads the next one and estimates its flow.
"""

import math
from collections.abc import Callable
from types import TracebackType
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from pipeline.config import FlowConfig
from pipeline.cue import Cue
from pipeline.image import luma
from pipeline.motion.camera import Camera
from pipeline.motion.content_mask import movement
from pipeline.motion.optical_flow import trust, warp
from pipeline.motion.prefetch import SourceFrame
from pipeline.motion.stage import Stage

BROAD_LIGHT_WAVES = 4.0  # across the short side; at this frequency half of the light counts as broad
REFERENCE_FPS = 24.0  # that flow.persistence refers to

WarmUp = Callable[[Tensor, Cue, Tensor | None, int], Tensor]
"""(canvas, cue, mask, number) → the canvas after one hidden dream; every number has its own random stream."""
MAX_WARM_UPS = 1000  # per frame


class SourceFrames(Protocol):
    """Where source frames come from: a ``Prefetch``, or a camera."""

    next_index: int | None

    def is_cut(self, index: int) -> bool:
        """Whether a scene starts at frame ``index``, other than the first."""

    def start(self, index: int) -> None:
        """Start, so that ``take`` gives frame ``index``."""

    def take(self) -> SourceFrame:
        """The next frame."""

    def close(self) -> None:
        """End."""


class Footage(Stage):
    """The stage of a shot over footage. A context manager: entering it starts reading from frame ``first``.

    ``warm_up`` dreams ``flow.warmup`` times on the first frame of every scene.
    """

    moves_all_channels = False

    def __init__(
        self,
        frames: SourceFrames,
        config: FlowConfig,
        camera: Camera,
        warm_up: WarmUp,
        device: torch.device,
        first: int = 0,
    ) -> None:
        self._frames, self._config, self._camera, self._warm_up = frames, config, camera, warm_up
        self._device, self._first = device, first
        self._now: SourceFrame | None = None
        self._begin = -1  # begins a scene, whatever the footage shows

    def begin_scene(self, index: int) -> None:
        self._begin = index

    def __enter__(self) -> "Footage":
        self._frames.start(max(0, self._first - 1))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._now = None
        self._frames.close()

    def advance(self, canvas: Tensor, cue: Cue, index: int) -> Tensor:
        """Source frame ``index`` ``(1, 3, H, W)`` with the residual of the canvas before; a new scene is warmed up.

        The canvas before the first frame and before a cut does not matter.
        """
        before, now = self._next(index)
        source = now.source.to(self._device)
        if before is not None and index != self._begin and not self._frames.is_cut(index):
            return self._blend(canvas, cue, before, source)
        canvas = source
        for step in range(self._config.warmup):
            mask = self.mask(canvas, cue.dream.mask)
            canvas = self.finish(self._warm_up(canvas, cue, mask, index * MAX_WARM_UPS + step), index)
        return canvas

    def mask(self, canvas: Tensor, kind: str) -> Tensor | None:
        """Where the source frame moves (``motion``), stands still (``still``) or is bright (``luma``); with
        ``flow.still`` only where it has been still.
        """
        assert self._now is not None
        mask, still = self._content_mask(self._now, kind), self._still(self._now)
        return mask if still is None else still if mask is None else mask * still

    def _content_mask(self, now: SourceFrame, kind: str) -> Tensor | None:
        if kind == "none":
            return None
        if kind == "luma":
            return luma(now.source.to(self._device))
        size = (now.source.shape[2], now.source.shape[3])
        moving = movement(now.moving, size, self._camera.fps, self._device)
        return 1 - moving if kind == "still" else moving

    def finish(self, canvas: Tensor, index: int) -> Tensor:
        """The canvas with the broad light and colour of the source, before what the dream added there can flicker."""
        if self._now is None or self._config.style != "residual" or not self._config.keep_light:
            return canvas
        residual = canvas - self._now.source.to(self._device)
        return canvas - self._config.keep_light * _broad_light(residual)

    def added(self, canvas: Tensor) -> Tensor | None:
        return None if self._now is None else canvas - self._now.source.to(self._device)

    def _blend(self, canvas: Tensor, cue: Cue, before: SourceFrame, source: Tensor) -> Tensor:
        """The present source frame with what the canvas added to the one before."""
        assert self._now is not None
        fps, index = self._camera.fps, self._now.index
        persistence: Tensor | float = cue.flow.persistence ** (REFERENCE_FPS / fps) * math.exp(-cue.flow.reset / fps)
        earlier = before.source.to(self._device)
        is_residual = self._config.style == "residual"
        if is_residual:
            canvas = canvas - earlier
        still = self._still(self._now)
        if still is not None:
            persistence = persistence * still
        mask: Tensor | float = 1.0
        if self._now.motion is not None:
            motion = self._now.motion.to(self._device)
            canvas, mask = warp(canvas, motion.backward), _enlarge(trust(motion, earlier, source), source)
        if is_residual:
            return source + persistence * self._camera.move(mask * canvas, index)
        return source + persistence * mask * (self._camera.move(canvas, index) - source)

    def _still(self, now: SourceFrame) -> Tensor | None:
        return None if now.still is None else _enlarge(now.still.to(self._device), now.source)

    def _next(self, index: int) -> tuple[SourceFrame | None, SourceFrame]:
        """The source frames ``index`` − 1 and ``index``."""
        if self._now is None or self._now.index != index - 1:
            start = max(0, index - 1)
            if self._frames.next_index != start:
                self._frames.start(start)
            self._now = self._frames.take() if index > 0 else None
        before, self._now = self._now, self._frames.take()
        return before, self._now


def _broad_light(frame: Tensor) -> Tensor:
    """The low frequencies of ``(1, 3, H, W)``: a Gaussian low-pass, which leaves no rings and no grid."""
    height, width = frame.shape[2:]
    mirrored = F.pad(frame, (0, width - 1, 0, height - 1), mode="reflect")
    rows = torch.fft.fftfreq(mirrored.shape[2], device=frame.device)[:, None]
    columns = torch.fft.rfftfreq(mirrored.shape[3], device=frame.device)[None]
    waves = (rows.square() + columns.square()) * (min(height, width) / BROAD_LIGHT_WAVES) ** 2
    passed = torch.fft.rfft2(mirrored) * torch.exp2(-waves)
    blurred: Tensor = torch.fft.irfft2(passed, s=mirrored.shape[2:])[:, :, :height, :width]
    return blurred


def _enlarge(mask: Tensor, frame: Tensor) -> Tensor:
    size = (frame.shape[2], frame.shape[3])
    return F.interpolate(mask, size=size, mode="bilinear", align_corners=False)
