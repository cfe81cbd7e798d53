"""The frame loop: the whole program on one screen.

A shot is one continuous feedback loop. Its frames are a pure function of its settings: each follows from the canvas
before it, the score at its second, and a generator of its own.
"""

import itertools
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from torch import Tensor

from pipeline import image
from pipeline.config import StartConfig
from pipeline.dream.dreamer import Dreamer
from pipeline.errors import DreamError
from pipeline.image import luma, resize
from pipeline.motion import camera
from pipeline.motion.footage import Footage
from pipeline.motion.loop_closure import share
from pipeline.runtime.seeding import FRAMES, START, generator
from pipeline.score.score import Cue, Score

FINE = 24.0  # looks at the camera's rates per second, at least
WARMUP_STEP = 1 / 24  # seconds that one hidden dream before the first frame counts for
RIPEST = 1000  # generators set apart for the first frame of a scene


@dataclass(frozen=True)
class Step:
    """One finished frame ``(1, 3, H, W)`` in [0, 1], where the film stands, and the canvas to go on from.

    ``notes`` are the dreamer's at that canvas.
    """

    index: int
    frame: Tensor
    label: str
    canvas: Tensor
    notes: Mapping[str, str]


@dataclass(frozen=True)
class Shot:
    """Everything a shot needs: ``canvas`` is the very first one, ``size`` is (H, W) in pixels.

    The first ``opening`` frames show the noise unfolding. A shot that is ``carried`` on from another moves from its
    first frame on. The score begins after ``run_up`` frames and again after ``period`` more, if that is not 0, and the
    last ``back`` frames are drawn, one more than the other, to the pictures ``home``, ``(1, 3, H, W)``: after the last
    of them comes what came after these.
    """

    start: StartConfig
    canvas: Tensor
    score: Score
    dreamer: Dreamer
    size: tuple[int, int]
    fps: float
    frames: int
    opening: int
    seed: int
    index: int = 0
    footage: Footage | None = None
    ripen: int = 0
    mask: str = "none"
    carried: bool = False
    run_up: int = 0
    period: int = 0
    back: int = 0
    home: Callable[[int], Tensor] | None = None

    def cue(self, index: float) -> Cue:
        """What the score asks for in frame ``index``."""
        played = index - self.run_up
        return self.score.at((played % self.period if self.period else max(played, 0)) / self.fps)

    def render(self, canvas: Tensor, first: int = 0) -> Iterator[Step]:
        """Frames ``first`` … of the shot. ``canvas`` is that of the frame before, or for 0 what ``begin`` returned.

        The dreamer has to remember what it noted there.
        """
        growth = list(image.growth_sizes(self.start, self.size, self.opening))
        for index in range(first, self.frames):
            cue = self.cue(index)
            if self.footage is not None:
                canvas = self._over_footage(self.footage, canvas, cue, index)
            elif index < self.opening:
                canvas = resize(canvas, growth[index])
            elif index > 0 or self.carried:
                canvas = self._move(resize(canvas, self.size), index)
            canvas = self._dream(canvas, cue, 1 / self.fps, index)
            if self.footage is not None:
                canvas = self.footage.anchor(canvas)
            if self.home is not None and index >= self.frames - self.back:
                canvas = self._lead_home(self.home, canvas, index)
            yield Step(index, resize(canvas, self.size), cue.label(), canvas, self.dreamer.notes())

    def begin(self) -> Iterator[Tensor]:
        """The hidden warm-up: the canvas after each of its dreams; the last one is where frame 0 starts."""
        if self.opening or self.carried or self.footage is not None:
            return
        canvas, cue = self.canvas, self.score.at(0.0)
        for step, size in enumerate(image.growth_sizes(self.start, self.size, self.start.steps)):
            canvas = self._dream(resize(canvas, size), cue, WARMUP_STEP, step + 1, START)
            yield canvas

    def _move(self, canvas: Tensor, index: int) -> Tensor:
        """The canvas of the frame before, moved on at the mean of both frames' rates (of zoom, the geometric).

        Where frames are far apart, as in a sketch, rates are looked at in between as well.
        """
        steps = max(1, round(FINE / self.fps))
        rates = [self.cue(max(index - 1 + step / steps, 0)).numbers for step in range(steps + 1)]
        pairs = list(itertools.pairwise(rates))
        number = {name: sum((a[name] + b[name]) / 2 for a, b in pairs) / steps for name in rates[0]}
        zoom = math.prod(math.sqrt(a["camera.zoom"] * b["camera.zoom"]) for a, b in pairs) ** (1 / steps)
        return camera.move(
            canvas,
            zoom=zoom,
            rotate=number["camera.rotate"],
            pan=(number["camera.pan.x"], number["camera.pan.y"]),
            center=(number["camera.center.x"], number["camera.center.y"]),
            seconds=1 / self.fps,
        )

    def _lead_home(self, home: Callable[[int], Tensor], canvas: Tensor, index: int) -> Tensor:
        """The canvas drawn to its picture at home, with each frame more, in the end all the way.

        The dream goes on in the mixture, so that motifs turn into each other instead of showing through.
        """
        number = index - (self.frames - self.back)
        return image.crossfade(canvas, home(number).to(canvas.device, canvas.dtype), share(number, self.back))

    def _over_footage(self, footage: Footage, canvas: Tensor, cue: Cue, index: int) -> Tensor:
        """The source at ``index`` with what was dreamed before; a new scene ripens first, to begin as dreamed."""
        canvas = footage.blend(canvas, index, partial(self._move, index=index), cue.numbers)
        for step in range(self.ripen if footage.begins(index) else 0):
            canvas = footage.anchor(self._dream(canvas, cue, WARMUP_STEP, index * RIPEST + step, START))
        return canvas

    def _dream(self, canvas: Tensor, cue: Cue, seconds: float, step: int, stream: int = FRAMES) -> Tensor:
        look: dict[str, Any] = {
            name.removeprefix("dream."): value for name, value in cue.numbers.items() if name.startswith("dream.")
        }
        try:
            dreamed = self.dreamer.dream(
                canvas,
                cue.targets,
                strength=look.pop("strength"),
                seconds=seconds,
                generator=generator(self.seed, self.index, step, stream),
                look=look,
            )
        except DreamError as error:
            raise DreamError(f"{'frame' if stream == FRAMES else 'warm-up'} {step}: {error}") from error
        return dreamed if self.mask == "none" else canvas + self._content(canvas) * (dreamed - canvas)

    def _content(self, canvas: Tensor) -> Tensor:
        """Where the picture calls for the dream: the footage decides, or without any the canvas itself."""
        return luma(canvas) if self.footage is None else self.footage.content(self.mask, self.size)
