"""Stages of the frame loop: what happens to the canvas between two frames, before and after the dream."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from torch import Tensor

from pipeline.cue import Cue
from pipeline.image import luma, resize
from pipeline.motion.camera import Camera


class Stage(Protocol):
    """The stage of one shot, chosen in ``build.py``."""

    def advance(self, canvas: Tensor, cue: Cue, index: int) -> Tensor:
        """The canvas of frame ``index`` − 1 → the canvas that frame ``index`` is dreamed on."""

    def mask(self, canvas: Tensor, kind: str) -> Tensor | None:
        """Where this canvas is dreamed on, ``(1, 1, H, W)`` in [0, 1]: ``dream.mask`` is ``kind``; None: everywhere."""

    def finish(self, canvas: Tensor, index: int) -> Tensor:
        """The dreamed canvas of frame ``index`` → the finished one."""


@dataclass(frozen=True)
class Zoom:
    """The camera moves the canvas of ``size`` (H, W). ``continues``: also before frame 0, from another shot."""

    camera: Camera
    size: tuple[int, int]
    continues: bool = False

    def advance(self, canvas: Tensor, cue: Cue, index: int) -> Tensor:
        """The canvas of the frame before, seen by the camera."""
        return self.camera.move(resize(canvas, self.size), index) if index > 0 or self.continues else canvas

    def mask(self, canvas: Tensor, kind: str) -> Tensor | None:
        """The canvas decides: its bright parts."""
        return None if kind == "none" else luma(canvas)

    def finish(self, canvas: Tensor, index: int) -> Tensor:
        """The canvas as it is."""
        return canvas


@dataclass(frozen=True)
class Opening:
    """The canvas grows through ``sizes`` (h, w), one per frame; ``then`` takes over."""

    sizes: Sequence[tuple[int, int]]
    then: Stage

    def advance(self, canvas: Tensor, cue: Cue, index: int) -> Tensor:
        """The canvas of the frame before, enlarged."""
        return resize(canvas, self.sizes[index]) if index < len(self.sizes) else self.then.advance(canvas, cue, index)

    def mask(self, canvas: Tensor, kind: str) -> Tensor | None:
        """As in the stage that takes over."""
        return self.then.mask(canvas, kind)

    def finish(self, canvas: Tensor, index: int) -> Tensor:
        """As in the stage that takes over."""
        return self.then.finish(canvas, index)
