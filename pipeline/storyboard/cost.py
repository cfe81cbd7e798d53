"""Estimates time and size of the full render from two or three of its frames on this device."""

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
from pipeline.segments.resume import warm_up_frames
from pipeline.storyboard.sketch import Moment

MAX_SECONDS = 12.0  # of rendering; no frame starts after that
MAX_FRAMES = 3  # at full size; the first only warms up, if there is time
KEYFRAME_INTERVAL = 250  # frames, of the encoder


@dataclass(frozen=True)
class Estimate:
    """Seconds and bytes of the film; ``frame_seconds`` of one frame."""

    seconds: float
    frame_seconds: float
    bytes: int

    def words(self) -> str:
        """The estimate as a sentence."""
        return f"full render: about {_duration(self.seconds)} here, {format_bytes(self.bytes)} (estimated)"


def measure(plan: ShotPlan, network: Network, moment: Moment) -> Estimate:
    """Render and encode a few frames of the film, from the sketched ``moment`` on."""
    frames, each, growth = _render(plan, network, moment)
    extra = growth if plan.config.source.kind == "none" else plan.config.flow.warmup
    total = _estimate_bytes(frames, plan)
    return Estimate(each * (plan.frames + (0 if plan.opening else extra)), each, total)


def _render(plan: ShotPlan, network: Network, moment: Moment) -> tuple[list[Tensor], float, float]:
    """A few consecutive frames at full size, the seconds of one, and the work of the warm-up, in frames."""
    config = replace(plan.config, flow=replace(plan.config.flow, warmup=0))
    plan = replace(plan, config=config, opening=0)
    shot = build_shot(plan, network)
    canvas = resize(moment.canvas.to(network.device), shot.size)
    first = (
        max(0, min(round(moment.seconds * float(plan.fps)), plan.frames - MAX_FRAMES)) if plan.footage is None else 0
    )
    with ExitStack() as stack:
        shot = replace(open_footage(plan, shot, stack), frames=min(plan.frames, first + MAX_FRAMES))
        frames, times = [], [time.monotonic()]
        for step in shot.render(canvas, first):
            frames.append(step.frame.cpu())
            times.append(time.monotonic())
            if times[-1] - times[0] > MAX_SECONDS:
                break
    if len(frames) == 1:
        return frames, times[1] - times[0], warm_up_frames(shot)
    return frames, (times[-1] - times[1]) / (len(frames) - 1), warm_up_frames(shot)


def _estimate_bytes(frames: Sequence[Tensor], plan: ShotPlan) -> int:
    """Bytes of the film if its key frames and other frames are as large as these.

    For formats made from lossless segments, such as GIF, the size of a busy film.
    """
    if find_codec(plan.config.encode.codec).animation:
        return round(plan.frames * bytes_per_frame(plan.config.encode, plan.width, plan.height))
    with tempfile.TemporaryDirectory() as folder:
        key, total_bytes = (_encoded_bytes(frames[:count], plan, Path(folder)) for count in (1, len(frames)))
    delta = (total_bytes - key) / (len(frames) - 1) if len(frames) > 1 else key / 3
    key_frames = math.ceil(plan.frames / KEYFRAME_INTERVAL)
    return round(key_frames * key + (plan.frames - key_frames) * delta)


def _encoded_bytes(frames: Sequence[Tensor], plan: ShotPlan, folder: Path) -> int:
    encode = plan.config.encode
    path = folder / f"{len(frames)}{segment_suffix(encode.codec, encode.alpha)}"
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
