"""The frame loop: the whole program on one screen.

A shot is one continuous feedback loop. Its frames are a pure function of its settings: each follows from the canvas
before it, the score at its second, and a random generator of its own.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from pipeline.color.grade import Grade
from pipeline.config import HIDDEN_SECONDS
from pipeline.cue import Cue
from pipeline.dream import momentum
from pipeline.dream.dreamer import Dreamer
from pipeline.errors import DreamError
from pipeline.image import GrowthStep, Resize, resize
from pipeline.motion.dream_mask import DreamMask, change, fit_alpha
from pipeline.motion.stage import Stage
from pipeline.motion.views import View
from pipeline.runtime.seeding import FRAMES, START, generator
from pipeline.score.score import Score


@dataclass(frozen=True)
class Step:
    """One finished frame ``(1, 3, H, W)`` in [0, 1], its label, and what the next frame starts from: canvas, state."""

    index: int
    frame: Tensor
    label: str
    canvas: Tensor
    state: Mapping[str, str]


@dataclass(frozen=True)
class Clock:
    """Frame numbers → seconds of the score. It starts after ``pre_roll`` frames, and again every ``period`` frames."""

    fps: float
    pre_roll: int = 0
    period: int = 0

    def seconds(self, index: float) -> float:
        """The second of the score at frame ``index``."""
        frames = index - self.pre_roll
        return (frames % self.period if self.period else max(frames, 0)) / self.fps


@dataclass(frozen=True)
class SeededDreamer:
    """The dreamer with the random seed of a shot. ``seconds`` is the duration of a frame.

    With ``has_momentum`` the canvases that it returns have a velocity (``dream/momentum.py``), and ``dream.interval``
    leaves octaves out: by the number of the frame, or by ``turn`` where frames are left out. ``resize`` brings a
    picture to another size. The first ``opening`` frames grow. A hidden dream counts as ``hidden_seconds`` of
    the film.
    """

    dreamer: Dreamer
    seconds: float
    seed: int
    shot: int
    has_momentum: bool = False
    resize: Resize = resize
    opening: int = 0
    turn: int | None = None
    hidden_seconds: float = HIDDEN_SECONDS

    def frame(
        self, canvas: Tensor, cue: Cue, mask: Tensor | None, index: int, grown: float = 1.0, boost: float = 1.0
    ) -> Tensor:
        """The dream of frame ``index``, ``boost`` times as long as a frame. Raises DreamError naming the frame."""
        return self._dream(canvas, cue, mask, grown, index, FRAMES, self.seconds * boost)

    def warm_up(
        self, canvas: Tensor, cue: Cue, mask: Tensor | None, number: int, grown: float = 1.0, boost: float = 1.0
    ) -> Tensor:
        """One hidden dream before a frame; every ``number`` has its own random stream. Raises DreamError."""
        return self._dream(canvas, cue, mask, grown, number, START, self.hidden_seconds * boost)

    def state(self) -> Mapping[str, str]:
        """What the next frame depends on besides the canvas, as text."""
        return self.dreamer.state()

    def restore(self, state: Mapping[str, str]) -> None:
        """Resume from this state."""
        self.dreamer.restore(state)

    def close(self) -> None:
        """Free the GPU memory of recorded gradients."""
        self.dreamer.close()

    def _dream(
        self, canvas: Tensor, cue: Cue, mask: Tensor | None, grown: float, number: int, stream: int, seconds: float
    ) -> Tensor:
        rng, dream, turn = generator(self.seed, self.shot, number, stream), cue.dream, None
        before, velocity = momentum.split(canvas) if self.has_momentum else (canvas, None)
        if stream == START or number < self.opening:
            dream = replace(dream, momentum=0.0, coarse_momentum=0.0)  # motifs begin without delay
        elif self.has_momentum:
            dream = momentum.early(dream, (number - self.opening) * self.seconds)
            turn = number if self.turn is None else self.turn
        try:
            after = self.dreamer.dream(before, cue.targets, dream, seconds, rng, mask, grown, turn)
        except DreamError as error:
            raise DreamError(f"{'frame' if stream == FRAMES else 'warm-up'} {number}: {error}") from error
        if velocity is None:
            return after
        return momentum.carry_on(before, after, velocity, dream, seconds, self.resize)


@dataclass(frozen=True)
class Shot:
    """Everything that renders a shot of ``frames`` frames of ``size`` (H, W).

    ``canvas`` is the very first one. Before frame 0 it grows step by step (``warm_up``), with a hidden dream each.
    ``grade`` colours what is shown; the canvas keeps its own colours. ``view`` makes a dome or two eyes of it.
    ``dream_mask`` masks the dream. With ``alpha`` frames have a fourth channel: the ``mask``, or how much the ``dream``
    changed the footage.
    """

    canvas: Tensor
    score: Score
    clock: Clock
    stage: Stage
    dreamer: SeededDreamer
    size: tuple[int, int]
    frames: int
    warm_up: Sequence[GrowthStep] = ()
    grade: Grade | None = None
    dream_mask: DreamMask | None = None
    alpha: str = "none"
    view: View | None = None
    enlarge: Resize = resize

    def render(self, canvas: Tensor, first: int = 0) -> Iterator[Step]:
        """Frames ``first`` … from the canvas of the frame before (of frame 0: the last one of ``begin``).

        The dreamer has to have the state of that frame.
        """
        for index in range(first, self.frames):
            cue = self.score.at(self.clock.seconds(index))
            canvas = self.stage.advance(canvas, cue, index)
            mask, grown = self._mask(canvas, cue, index), self.stage.grown(index)
            canvas = self.dreamer.frame(canvas, cue, mask, index, grown, self.stage.boost(index))
            canvas = self.stage.finish(canvas, index)
            frame = self._show(canvas, cue, mask, index)
            yield Step(index, frame, cue.label, canvas, self.dreamer.state())

    def begin(self) -> Iterator[Tensor]:
        """The canvas after each hidden dream of the warm-up; frame 0 starts from the last one."""
        canvas, cue = self.canvas, self.score.at(0.0)
        for number, step in enumerate(self.warm_up, 1):
            canvas = self.enlarge(canvas, step.size)
            mask = self._mask(canvas, cue, 0)
            canvas = self.dreamer.warm_up(canvas, cue, mask, number, step.grown, step.boost)
            yield canvas

    def _show(self, canvas: Tensor, cue: Cue, mask: Tensor | None, index: int) -> Tensor:
        """The canvas as it is shown: reduced, graded, seen through the view, with its opacity."""
        frame = self.stage.shown(canvas, cue)[:, :3]
        frame = resize(frame, self.size) if self.view is None else frame
        if self.grade is not None and index >= self.clock.pre_roll:  # the pre-roll comes back as canvas
            frame = self.grade(frame, cue.color)
        frame = frame if self.view is None else self.view(frame, cue.camera)
        if self.alpha == "none":
            return frame
        added = self.stage.added(canvas) if self.alpha == "dream" else None
        alpha = change(added) if added is not None else mask if self.alpha == "mask" else None
        return torch.cat([frame, fit_alpha(alpha, frame)], 1)

    def _mask(self, canvas: Tensor, cue: Cue, index: int) -> Tensor | None:
        canvas = canvas[:, :3]
        drawn = self.stage.mask(canvas, cue.dream.mask)
        return drawn if self.dream_mask is None else self.dream_mask.mask(drawn, self.clock.seconds(index), canvas)
