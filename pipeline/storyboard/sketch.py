"""A film in small: few frames, small ones, each grown out of the one before as in the film itself.

Rates are per second and targets follow the clock, so a film of few frames a second has the same motion and the same
score as the film of many: it only moves in larger steps. A long film is not followed all the way: before each moment
that is shown the camera and the dream run up to it for a few frames.
"""

import math
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace

from torch import Tensor

from pipeline.build import build_shot, open_footage
from pipeline.dream.network import Network
from pipeline.errors import Interrupted
from pipeline.motion.footage import Footage
from pipeline.motion.stage import Opening
from pipeline.plan.shot_plan import ShotPlan
from pipeline.runtime.progress import Progress
from pipeline.shot import Shot

SHORT_SIDE = 144  # pixels of a sketched frame
RATE = 4.0  # sketched frames per second
RUN_UP = 5  # frames dreamed before one that is shown, at most
MOST_SHOWN = 20
WARM_UPS = 24  # dreams of the first canvas, at most
_EVERY = (0.25, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800)  # seconds between frames that are shown


@dataclass(frozen=True)
class Moment:
    """What is seen at a second of the film: ``frame`` ``(1, 3, H, W)`` in [0, 1]."""

    seconds: float
    frame: Tensor


def moments(seconds: float) -> list[float]:
    """The seconds that are shown of a film of this length: at most MOST_SHOWN, evenly spread."""
    every = next((step for step in _EVERY if seconds / step <= MOST_SHOWN), seconds / MOST_SHOWN)
    count = max(1, math.ceil(seconds / every - 1e-9))
    return [number * every for number in range(count)]


def draft(plan: ShotPlan) -> ShotPlan:
    """The same film, small. Over footage it keeps the frame rate, without it dreams more in each of fewer frames."""
    config = plan.config
    factor = min(1.0, SHORT_SIDE / min(plan.width, plan.height))
    width, height = (2 * max(8, round(side * factor / 2)) for side in (plan.width, plan.height))
    octaves = max(1, plan.octaves + round(math.log(factor) / math.log(config.dream.octave_ratio)))
    steps = config.dream.steps
    if plan.footage is None:
        steps = max(1, round(steps * float(plan.fps) / RATE / 2))
    start = replace(config.start, steps=min(config.start.steps, WARM_UPS), size=min(config.start.size, height, width))
    dream, flow = replace(config.dream, steps=steps), replace(config.flow, warmup=min(config.flow.warmup, WARM_UPS))
    config = replace(config, start=start, dream=dream, flow=flow)
    return replace(plan, config=config, width=width, height=height, octaves=octaves)


def sketch(plan: ShotPlan, seeing: Network, stopped: Callable[[], bool]) -> list[Moment]:
    """The moments of the film, which the draft ``plan`` describes. Raises Interrupted, RenderError kinds."""
    shot = build_shot(plan, seeing, fps=RATE if plan.footage is None else None)
    seconds, rate = plan.frames / float(plan.fps), shot.clock.fps
    with ExitStack() as stack:
        shot = open_footage(plan, shot, stack)
        shown = {min(round(at * rate), shot.frames - 1): at for at in moments(seconds)}
        found = []
        with Progress(_effort(shot, shown), "storyboard") as progress:
            for index, frame in _frames(shot, shown):
                progress.step()
                if stopped():
                    raise Interrupted("stopped; nothing was written")
                if index in shown:
                    found.append(Moment(shown[index], frame.cpu()))
    return found


def _frames(shot: Shot, shown: dict[int, float]) -> Iterator[tuple[int, Tensor]]:
    """(frame's number, frame) for all that are dreamed; the warm-up's number is −1."""
    canvas = shot.canvas
    for canvas in shot.begin():
        yield -1, canvas
    last = -1
    for index in shown:
        first = last + 1 if _whole(shot) else max(last + 1, index - RUN_UP)
        for step in shot.render(canvas, first):
            canvas = step.frame
            yield step.index, canvas
            if step.index == index:
                break
        last = index


def _whole(shot: Shot) -> bool:
    """Whether every frame has to be dreamed: footage and an unfolding opening are followed all the way."""
    return isinstance(shot.stage, Footage | Opening)


def _effort(shot: Shot, shown: dict[int, float]) -> int:
    """How many frames will be dreamed."""
    if _whole(shot):
        return max(shown) + 1
    gaps = [b - a for a, b in zip([-1, *shown], shown, strict=False)]
    return len(shot.warm_up) + sum(min(gap, RUN_UP + 1) for gap in gaps)
