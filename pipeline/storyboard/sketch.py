"""Sketches a film: few and small frames, each fed back as in the film itself.

Rates are per second and targets follow the clock, so at a low frame rate motion and score are the same, in larger
steps. Of a long film only the moments in question are rendered, each after a few frames of pre-roll.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace

from torch import Tensor

from pipeline.build import build_shot, open_footage
from pipeline.config import HIDDEN_SECONDS
from pipeline.dream.network import Network
from pipeline.errors import Interrupted
from pipeline.motion.footage import Footage
from pipeline.motion.stage import Opening
from pipeline.plan.shot_plan import ShotPlan
from pipeline.runtime.progress import Progress
from pipeline.shot import Shot

SHORT_SIDE_PIXELS = 144
SKETCH_FPS = 4.0
MAX_PRE_ROLL_FRAMES = 5
MAX_MOMENTS = 20
MIN_START_STEPS, MAX_START_STEPS = 6, 24
_INTERVALS = (0.25, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800)  # seconds between two moments


@dataclass(frozen=True)
class Moment:
    """The ``frame`` ``(1, 3, H, W)`` in [0, 1] at a second of the film, and the ``canvas`` that is dreamed on."""

    seconds: float
    frame: Tensor
    canvas: Tensor


def moments(seconds: float) -> list[float]:
    """The seconds to show of a film of this length: at most ``MAX_MOMENTS``, evenly spaced."""
    every = next((step for step in _INTERVALS if seconds / step <= MAX_MOMENTS), seconds / MAX_MOMENTS)
    count = max(1, math.ceil(seconds / every - 1e-9))
    return [number * every for number in range(count)]


def draft(plan: ShotPlan, short_side: int = SHORT_SIDE_PIXELS, effort: float = 0.5) -> ShotPlan:
    """The same film, small. Over footage it keeps the frame rate; without, it takes more steps in fewer frames:
    ``effort`` of those that the film takes in the same time.
    """
    config = plan.config
    factor = min(1.0, short_side / min(plan.width, plan.height))
    width, height = (2 * max(8, round(side * factor / 2)) for side in (plan.width, plan.height))
    steps = config.dream.steps
    if plan.footage is None:
        steps = max(1, round(steps * float(plan.fps) / SKETCH_FPS * effort))
    start, hidden_seconds = replace(config.start, size=min(config.start.size, height, width)), plan.hidden_seconds
    if not plan.opening and config.source.kind == "none":
        # Each hidden dream counts as much as a sketched frame, or less: a few are needed to grow.
        enough = max(MIN_START_STEPS, math.ceil(start.steps * HIDDEN_SECONDS * SKETCH_FPS))
        hidden = min(MAX_START_STEPS, start.steps, enough)
        longer = min(start.steps / max(1, hidden), 1 / (HIDDEN_SECONDS * SKETCH_FPS))
        start, hidden_seconds = replace(start, steps=hidden), HIDDEN_SECONDS * max(1.0, longer)
    dream, flow = (
        replace(config.dream, steps=steps),
        replace(config.flow, warmup=min(config.flow.warmup, MAX_START_STEPS)),
    )
    config = replace(config, start=start, dream=dream, flow=flow, encode=replace(config.encode, alpha="none"))
    return replace(plan, config=config, width=width, height=height, hidden_seconds=hidden_seconds)


def sketch(
    plan: ShotPlan,
    network: Network,
    should_stop: Callable[[], bool],
    times: Sequence[tuple[float, float]] | None = None,
) -> list[Moment]:
    """Render the moments of a draft ``plan``. Raises Interrupted, RenderError kinds.

    ``times`` are the seconds of moments in the film as it is shown, and those at which they are dreamed.
    """
    times = [(at, at) for at in moments(plan.frames / float(plan.fps))] if times is None else times
    with ExitStack() as stack:
        shot, by_frame = _open(plan, network, sorted(dreamed for _, dreamed in times), stack)
        with Progress(_frame_count(shot, by_frame), "storyboard") as progress:
            rendered = zip(by_frame, _moments(shot, by_frame, should_stop, progress.step), strict=True)
            by_number = dict(rendered)
    return [replace(by_number[_frame_at(shot, dreamed)], seconds=shown) for shown, dreamed in times]


def still(plan: ShotPlan, network: Network, seconds: float, should_stop: Callable[[], bool]) -> Moment:
    """Render one moment of a draft ``plan``. Raises Interrupted, RenderError kinds."""
    with ExitStack() as stack:
        return next(_moments(*_open(plan, network, [seconds], stack), should_stop))


def _open(plan: ShotPlan, network: Network, seconds: list[float], stack: ExitStack) -> tuple[Shot, dict[int, float]]:
    """The shot that renders the sketch, until ``stack`` closes it, and the seconds to show by frame."""
    shot = build_shot(plan, network, fps=SKETCH_FPS if plan.footage is None else None)
    shot = open_footage(plan, shot, stack)
    return shot, {_frame_at(shot, at): at for at in seconds}


def _frame_at(shot: Shot, seconds: float) -> int:
    return min(round(seconds * shot.clock.fps), shot.frames - 1)


def _moments(
    shot: Shot, by_frame: dict[int, float], should_stop: Callable[[], bool], on_frame: Callable[[], None] = lambda: None
) -> Iterator[Moment]:
    for index, frame, canvas in _frames(shot, by_frame):
        on_frame()
        if should_stop():
            raise Interrupted("stopped; nothing was written")
        if index in by_frame:
            yield Moment(by_frame[index], frame.cpu(), canvas.cpu())


def _frames(shot: Shot, by_frame: dict[int, float]) -> Iterator[tuple[int, Tensor, Tensor]]:
    """(frame number, frame, canvas) of all rendered frames; −1 for the start's steps."""
    canvas = shot.canvas
    for canvas in shot.begin():
        yield -1, canvas[:, :3], canvas
    last = -1
    for index in by_frame:
        first = last + 1 if _needs_every_frame(shot) else max(last + 1, index - MAX_PRE_ROLL_FRAMES)
        for step in shot.render(canvas, first):
            canvas = step.canvas
            yield step.index, step.frame, canvas
            if step.index == index:
                break
        last = index


def _needs_every_frame(shot: Shot) -> bool:
    """Whether every frame must be rendered: over footage and in an unfolding opening."""
    return isinstance(shot.stage, Footage | Opening)


def _frame_count(shot: Shot, by_frame: dict[int, float]) -> int:
    """The number of frames to render."""
    if _needs_every_frame(shot):
        return max(by_frame) + 1
    gaps = [b - a for a, b in zip([-1, *by_frame], by_frame, strict=False)]
    return len(shot.warm_up) + sum(min(gap, MAX_PRE_ROLL_FRAMES + 1) for gap in gaps)
