"""Opens a shot of footage whose chunks are led into each other."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace

from torch import Tensor

from pipeline.build import close_loop, open_footage
from pipeline.motion.chunk_closure import ChunkClosure
from pipeline.plan.chunks import plan_chunks
from pipeline.plan.shot_plan import ShotPlan
from pipeline.shot import Shot

OpenShot = Callable[[ExitStack, int], Shot]
"""(what closes it, first frame) → the shot over its footage."""


def open_shot(
    plan: ShotPlan, shot: Shot, pre_roll: Callable[[], Iterator[Tensor]], stack: ExitStack, first: int
) -> Shot:
    """The shot over its footage from frame ``first`` on, led to the ``pre_roll`` if it ends a loop."""
    return close_loop(plan, open_footage(plan, shot, stack, first=first), pre_roll)


def open_chunks(plan: ShotPlan, open_shot: OpenShot, stack: ExitStack, first: int) -> Shot:
    """The shot from frame ``first`` on. Where a chunk begins without a scene, the one before fades to its pre-roll."""
    shot = open_shot(stack, first)
    scenes = plan.footage.cuts(plan.frames) if plan.footage else ()
    spans = [range(begin, first) for first, begin in plan_chunks(plan) if begin not in scenes]
    if not spans:
        return shot

    def dream(begin: int) -> Iterator[Tensor]:
        with ExitStack() as own:
            next_chunk = open_shot(own, begin)
            next_chunk.stage.begin_scene(begin)
            for step in next_chunk.render(next_chunk.canvas, begin):
                yield step.canvas

    return replace(shot, stage=ChunkClosure(shot.stage, spans, dream))
