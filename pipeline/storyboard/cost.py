"""What the full render will take: measured on two or three of its frames on this device."""

import math
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from torch import Tensor

from pipeline.build import build_shot, open_footage
from pipeline.dream.network import Network
from pipeline.image import resize
from pipeline.media.encode.codecs import find_codec, segment_suffix
from pipeline.media.encode.encoder import Encoder
from pipeline.plan.shot_plan import ShotPlan
from pipeline.runtime.files import format_bytes
from pipeline.segments.disk_space import bytes_per_frame
from pipeline.storyboard.sketch import Moment

ENOUGH = 12.0  # seconds of dreaming after which no further frame is measured
FRAMES = 3  # that are dreamed at full size; the first one only warms up, if there is time
KEYFRAME_EVERY = 250  # frames, of the encoder
GROWING = 0.5  # a growing noise costs of a full frame, on average


@dataclass(frozen=True)
class Estimate:
    """Seconds and bytes that the film will take; ``frame_seconds`` is one frame's share."""

    seconds: float
    frame_seconds: float
    bytes: int

    def words(self) -> str:
        """For people."""
        return f"full render: about {_duration(self.seconds)} here, {format_bytes(self.bytes)} (estimated)"


def measure(plan: ShotPlan, seeing: Network, moment: Moment) -> Estimate:
    """Dream and encode a few frames of the film itself, from the sketched ``moment`` on."""
    frames, each = _dreamed(plan, seeing, moment)
    hidden = plan.config.start.steps * GROWING if plan.footage is None else plan.config.flow.warmup
    total = _encoded(frames, plan)
    return Estimate(each * (plan.frames + (0 if plan.opening else hidden)), each, total)


def _dreamed(plan: ShotPlan, seeing: Network, moment: Moment) -> tuple[list[Tensor], float]:
    """A few frames at full size that follow each other, and seconds for one."""
    config = replace(plan.config, flow=replace(plan.config.flow, warmup=0))
    plan = replace(plan, config=config, opening=0)
    shot = build_shot(plan, seeing)
    canvas = resize(moment.frame.to(seeing.device), shot.size)
    first = max(0, min(round(moment.seconds * float(plan.fps)), plan.frames - FRAMES)) if plan.footage is None else 0
    with ExitStack() as stack:
        shot = replace(open_footage(plan, shot, stack), frames=min(plan.frames, first + FRAMES))
        frames, times = [], [time.monotonic()]
        for step in shot.render(canvas, first):
            frames.append(step.frame.cpu())
            times.append(time.monotonic())
            if times[-1] - times[0] > ENOUGH:
                break
    if len(frames) == 1:
        return frames, times[1] - times[0]
    return frames, (times[-1] - times[1]) / (len(frames) - 1)


def _encoded(frames: Sequence[Tensor], plan: ShotPlan) -> int:
    """Bytes of the film if its keyframes and the frames between them are as large as these.

    Of what is only made from lossless segments at the end, such as a GIF, what a busy film would take.
    """
    if find_codec(plan.config.encode.codec).animation:
        return round(plan.frames * bytes_per_frame(plan.config.encode, plan.width, plan.height))
    with tempfile.TemporaryDirectory() as folder:
        key, whole = (_bytes(frames[:count], plan, Path(folder)) for count in (1, len(frames)))
    between = (whole - key) / (len(frames) - 1) if len(frames) > 1 else key / 3
    keys = math.ceil(plan.frames / KEYFRAME_EVERY)
    return round(keys * key + (plan.frames - keys) * between)


def _bytes(frames: Sequence[Tensor], plan: ShotPlan, folder: Path) -> int:
    encode = plan.config.encode
    path = folder / f"{len(frames)}{segment_suffix(encode.codec)}"
    with Encoder(path, width=plan.width, height=plan.height, fps=plan.fps, encode=encode) as encoder:
        for frame in frames:
            encoder.write(frame)
    size = encoder.part.stat().st_size
    encoder.part.unlink()
    return size


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{round(seconds / 60)} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
