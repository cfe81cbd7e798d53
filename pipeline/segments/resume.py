"""The steps of a shot from where its render resumes, or from where a chunk of footage begins."""

from collections.abc import Iterator

from torch import Tensor

from pipeline.errors import Interrupted
from pipeline.runtime.interrupt import Stop
from pipeline.runtime.progress import Progress
from pipeline.segments.checkpoint import Position
from pipeline.shot import Shot, Step


def resume(shot: Shot, position: Position, stop: Stop, progress: Progress) -> Iterator[Step]:
    """The steps of a shot from ``position`` on. Raises Interrupted during the warm-up."""
    shot.dreamer.restore(position.state)
    if position.pre_roll is not None:
        return _after_pre_roll(shot, position.pre_roll, position.first, stop)
    canvas = _warm_up(shot, stop, progress) if position.canvas is None else position.canvas
    return shot.render(canvas.to(shot.canvas.device), position.first)


def warm_up_frames(shot: Shot) -> float:
    """The work of the warm-up, in frames."""
    return sum(_fraction((step.size[0], step.size[1]), shot.size) for step in shot.warm_up)


def _after_pre_roll(shot: Shot, begin: int, first: int, stop: Stop) -> Iterator[Step]:
    """The steps from frame ``first`` on, dreamed as if a scene began with frame ``begin``."""
    shot.stage.begin_scene(begin)
    for step in shot.render(shot.canvas, begin):
        if step.index >= first:
            yield step
        elif stop.requested:
            raise Interrupted


def _warm_up(shot: Shot, stop: Stop, progress: Progress) -> Tensor:
    """The canvas that frame 0 starts from."""
    canvas = shot.canvas
    for canvas in shot.begin():
        progress.hidden(_fraction((canvas.shape[2], canvas.shape[3]), shot.size))
        if stop.requested:
            raise Interrupted("stopped before the first frame; nothing was written")
    return canvas


def _fraction(size: tuple[int, int], whole: tuple[int, int]) -> float:
    """The pixels of a size, relative to those of another."""
    return size[0] * size[1] / (whole[0] * whole[1])
