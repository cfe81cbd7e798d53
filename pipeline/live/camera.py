"""A camera under the dream: the footage loop on the newest frame, and a recording for the session's film."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from pipeline.build import still_frames
from pipeline.cli.from_film import COMPANIONS
from pipeline.config import FlowConfig, RenderConfig, SourceConfig
from pipeline.cue import Cue
from pipeline.errors import ConfigError
from pipeline.image import resize
from pipeline.live.broadcast import Broadcast
from pipeline.media.decode.probe import probe
from pipeline.media.decode.video_input import VideoInput
from pipeline.motion.camera import Camera
from pipeline.motion.content_mask import Stillness
from pipeline.motion.footage import Footage, WarmUp
from pipeline.motion.optical_flow import Estimate, flow_estimator
from pipeline.motion.prefetch import SourceFrame
from pipeline.plan.shot_plan import ShotPlan
from pipeline.shot import Shot

LOSSLESS: Sequence[str] = (
    "-c:v",
    "libx264rgb",
    "-qp",
    "0",
    "-preset",
    "ultrafast",
    "-tune",
    "zerolatency",
    "-threads",
    "1",
)
AT_ONCE: Sequence[str] = ("-f", "matroska", "-cluster_time_limit", "200", "-flush_packets", "1")
WAITING_FRAMES = 400  # of the recording


class LiveFrames:
    """The newest frames of a camera as the source frames of a shot. ``count``: so many frames one stands for."""

    def __init__(self, camera: VideoInput, recorder: Broadcast, path: Path, fps: float) -> None:
        self._camera, self._recorder, self.path, self._fps = camera, recorder, path, fps
        self.size = (0, 0)
        self._estimate: Estimate | None = None
        self._stillness: Stillness | None = None
        self.now: SourceFrame | None = None
        self.next_index: int | None = None
        self.count = 1

    def over(self, plan: ShotPlan, shot: Shot) -> Shot:
        """The shot over the camera. Where only its size has changed it goes on from the frame before."""
        estimate = flow_estimator(plan.config.flow, shot.canvas.device)
        camera = Camera(lambda index: shot.score.camera(shot.clock.seconds(index)), shot.clock.fps)
        stage = LiveFootage(self, plan.config.flow, camera, shot.dreamer.warm_up, shot.canvas.device)
        self._use(shot.size, estimate, still_frames(plan))
        dreamer = replace(shot.dreamer, has_momentum=False)
        return replace(shot, stage=stage, dreamer=dreamer, warm_up=())

    def restart(self) -> None:
        """A shot begins: its first frame has none before it."""
        self.now = self._stillness = None

    def is_cut(self, index: int) -> bool:
        """Whether a scene starts at this frame: a camera has one."""
        return False

    def start(self, index: int) -> None:
        """Frames come as they are."""

    def close(self) -> None:
        """The camera stays open for the next shot."""

    def take(self) -> SourceFrame:
        """The newest frame, in the shot's size; it is recorded."""
        index = -1 if self.next_index is None else self.next_index
        newest, before = self._camera.newest(), self.now
        self._recorder.show(newest, self.count)
        source = resize(newest, self.size)
        motion = None if before is None or self._estimate is None else self._estimate(before.source, source)
        backward = None if motion is None else motion.backward
        still = None
        if self._stillness is not None:
            still = self._stillness.update(backward, self.size, self._fps / self.count, self.count)
        self.now = SourceFrame(index, source, motion, backward, still)
        return self.now

    def _use(self, size: tuple[int, int], estimate: Estimate | None, rest: int) -> None:
        self.size, self._estimate = size, estimate
        if self._stillness is None and rest:
            self._stillness = Stillness(rest)
        if self.now is not None and self.now.source.shape[2:] != size:
            self.now = replace(self.now, source=resize(self.now.source, size), motion=None)


class LiveFootage(Footage):
    """The stage of a shot over a camera."""

    def __init__(
        self, frames: LiveFrames, config: FlowConfig, camera: Camera, warm_up: WarmUp, device: torch.device
    ) -> None:
        super().__init__(frames, config, camera, warm_up, device)
        self._live, self._fps = frames, camera.fps

    def standing_for(self, count: int) -> "LiveFootage":
        """The stage, whose next frame stands for ``count`` frames."""
        self._camera, self._live.count = replace(self._camera, fps=self._fps / count, stride=count), count
        return self

    def advance(self, canvas: Tensor, cue: Cue, index: int) -> Tensor:
        return super().advance(resize(canvas, self._live.size), cue, index)

    def _next(self, index: int) -> tuple[SourceFrame | None, SourceFrame]:
        before, self._live.next_index = self._live.now, index
        self._now = self._live.take()
        return before, self._now


def without_camera(config: RenderConfig, still: Any) -> RenderConfig:
    """The settings of the shot itself: no footage, whose shape and length they might take, and motion that shows."""
    flow, source, frame = config.flow, config.source, config.frame
    if source.kind == "none":
        return config
    if source.kind == "camera" and flow.still is None and flow.kind != "none":
        flow = replace(flow, still=still)
    if not frame.width and not frame.height:
        clip = probe(Path(source.path)) if source.path and Path(source.path).is_file() else None
        frame = replace(frame, width=clip.width if clip else 640, height=clip.height if clip else 360)
    if source.kind == "video" and not source.path:
        raise ConfigError("source.path", "null", "source=video needs the footage: source.path=clip.mp4")
    duration = None if str(config.duration).endswith("%") else config.duration
    return replace(config, source=SourceConfig(), flow=flow, frame=frame, duration=duration)


def open_camera(
    source: SourceConfig, size: tuple[int, int], fps: Fraction, session: Path, stack: ExitStack
) -> LiveFrames:
    """Opens the camera or clip at ``size`` (width, height), and its recording next to the ``session``.

    Raises ConfigError, InputError.
    """
    path = session.with_name(f"{session.stem}{COMPANIONS['source.path']}")
    camera = stack.enter_context(VideoInput(source.path or "0", size))
    arguments = [*LOSSLESS, "-g", str(max(1, round(2 * fps))), *AT_ONCE, "-y", f"file:{path}"]
    recorder = stack.enter_context(Broadcast(str(path), size, fps, arguments=arguments, waiting=WAITING_FRAMES))
    return LiveFrames(camera, recorder, path, float(fps))


def recorded_source(config: dict[str, Any], path: Path) -> None:
    """Let the ``config`` of a record have the recording as its footage."""
    config["source"] = {**config["source"], "kind": "video", "path": path.name, "cut": 0.0}
