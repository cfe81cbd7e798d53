"""Where footage is divided into chunks that render independently (``farm.chunk``)."""

from pipeline.errors import ConfigError
from pipeline.plan.shot_plan import ShotPlan
from pipeline.timing.timecode import parse_time

Chunks = tuple[tuple[int, int], ...]
"""(first frame of a chunk, frame from which it is dreamed), for every chunk but the first."""


def plan_chunks(plan: ShotPlan) -> Chunks:
    """The chunks of a shot; none unless it is footage and ``farm.chunk`` is given. Raises ConfigError.

    A chunk begins with a segment. It is dreamed from the scene that begins near there, where the canvas before does not
    matter; without such a scene from ``farm.pre_roll`` before. What is dreamed before the chunk
    is thrown away, and the end of the chunk before is led to it.
    """
    config, fps, grid = plan.config.farm, plan.fps, plan.config.segment
    if plan.footage is None or config.chunk is None:
        return ()
    seconds = plan.frames / float(fps)
    length = round(fps * parse_time(config.chunk, fps=fps, key="farm.chunk", duration=seconds))
    pre_roll = round(fps * parse_time(config.pre_roll, fps=fps, key="farm.pre_roll", duration=seconds))
    if length < grid:
        raise ConfigError("farm.chunk", config.chunk, f"a chunk has at least one segment, {grid} frames (segment)")
    cuts = sorted(plan.footage.cuts(plan.frames))
    chunks = list[tuple[int, int]]()
    for middle in range(length, plan.frames, length):
        near = [cut for cut in cuts if abs(cut - middle) < length / 2]
        scene = min(near, key=lambda cut: abs(cut - middle), default=None)
        first = -(-scene // grid) * grid if scene is not None else round(middle / grid) * grid
        if first >= plan.frames or (chunks and first <= chunks[-1][0]) or not first:
            continue
        chunks.append((first, scene if scene is not None else max(0, first - pre_roll)))
    return tuple(chunks)
