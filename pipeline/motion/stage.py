"""Stages of the frame loop: what happens to the canvas between two frames, before and after the dream."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from pipeline.cue import Cue
from pipeline.image import GrowthStep, Resize, luma, resize
from pipeline.motion.camera import Camera


class Stage(ABC):
    """The stage of one shot, chosen in ``build.py``."""

    moves_all_channels = True
    """Whether ``advance`` does the same to each channel of a canvas, however many there are."""

    @abstractmethod
    def advance(self, canvas: Tensor, cue: Cue, index: int) -> Tensor:
        """The canvas of frame ``index`` − 1 → the canvas that frame ``index`` is dreamed on."""

    def begin_scene(self, index: int) -> None:  # noqa: B027 - nothing to do without footage
        """Let a scene begin at frame ``index``: the canvas before does not matter. For footage only."""

    def mask(self, canvas: Tensor, kind: str) -> Tensor | None:
        """Where to dream on this canvas, ``(1, 1, H, W)`` in [0, 1], if ``dream.mask`` is ``kind``; None: everywhere.

        Without footage, where the canvas is bright.
        """
        return None if kind == "none" else luma(canvas)

    def grown(self, index: int) -> float:
        """The fraction of a finished frame's detail that the canvas of frame ``index`` has."""
        return 1.0

    def boost(self, index: int) -> float:
        """Factor on how much frame ``index`` is dreamed."""
        return 1.0

    def finish(self, canvas: Tensor, index: int) -> Tensor:
        """The dreamed canvas of frame ``index`` → the finished one, with whatever else the next frame needs."""
        return canvas

    def added(self, canvas: Tensor) -> Tensor | None:
        """What the finished canvas has more than its source frame; None without footage."""
        return None

    def shown(self, canvas: Tensor, cue: Cue) -> Tensor:
        """The finished canvas → the picture ``(1, 3, H, W)`` that is shown."""
        return canvas


class Wrapper(Stage):
    """A stage around another, ``inner``: it passes on all that its subclass does not change."""

    def __init__(self, inner: Stage) -> None:
        self.inner = inner
        self.moves_all_channels = inner.moves_all_channels

    def advance(self, canvas: Tensor, cue: Cue, index: int) -> Tensor:
        return self.inner.advance(canvas, cue, index)

    def begin_scene(self, index: int) -> None:
        self.inner.begin_scene(index)

    def mask(self, canvas: Tensor, kind: str) -> Tensor | None:
        return self.inner.mask(canvas, kind)

    def grown(self, index: int) -> float:
        return self.inner.grown(index)

    def boost(self, index: int) -> float:
        return self.inner.boost(index)

    def finish(self, canvas: Tensor, index: int) -> Tensor:
        return self.inner.finish(canvas, index)

    def added(self, canvas: Tensor) -> Tensor | None:
        return self.inner.added(canvas)

    def shown(self, canvas: Tensor, cue: Cue) -> Tensor:
        return self.inner.shown(canvas, cue)


@dataclass(frozen=True)
class Zoom(Stage):
    """The camera moves the canvas of ``size`` (H, W). ``continues``: also before frame 0, from another shot.

    ``mirror`` makes every frame symmetric, as ``camera.mirror`` says. ``enlarge`` brings a canvas to a size.
    """

    camera: Camera
    size: tuple[int, int]
    continues: bool = False
    mirror: str = "none"
    enlarge: Resize = resize

    def advance(self, canvas: Tensor, cue: Cue, index: int) -> Tensor:
        return self.camera.move(self.enlarge(canvas, self.size), index) if index > 0 or self.continues else canvas

    def finish(self, canvas: Tensor, index: int) -> Tensor:
        return self.camera.fold(canvas, self.mirror, index)


@dataclass(frozen=True)
class Opening(Stage):
    """The canvas grows through ``steps``, one a frame; then ``zoom`` takes over."""

    steps: Sequence[GrowthStep]
    zoom: Zoom

    def advance(self, canvas: Tensor, cue: Cue, index: int) -> Tensor:
        is_growing = index < len(self.steps)
        return (
            self.zoom.enlarge(canvas, self.steps[index].size) if is_growing else self.zoom.advance(canvas, cue, index)
        )

    def grown(self, index: int) -> float:
        return self.steps[index].grown if index < len(self.steps) else 1.0

    def boost(self, index: int) -> float:
        return self.steps[index].boost if index < len(self.steps) else 1.0

    def finish(self, canvas: Tensor, index: int) -> Tensor:
        return self.zoom.finish(canvas, index)
