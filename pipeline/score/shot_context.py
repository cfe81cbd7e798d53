"""The shot that a score is for: its frame rate, length, octaves, random seed, beats and network."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from pipeline.config import CameraConfig, ColorConfig, DreamConfig, FlowConfig
from pipeline.score.curve import Curve, parse_curve
from pipeline.score.hold import Length, parse_length
from pipeline.timing.beat_grid import Grid
from pipeline.timing.signals import Signals
from pipeline.timing.timecode import parse_time

ChannelCount = Callable[[str], int]
"""Layer → number of its channels."""
SimilarChannels = Callable[[str, int], Sequence[int]]
"""(layer, channel) → the other channels of the layer, most similar first."""


@dataclass(frozen=True)
class ShotContext:
    """``scales`` are the sizes of the octaves relative to the frame. The settings that may change in time are in
    ``camera``, ``dream``, ``flow`` and ``color``. Without ``signals`` times cannot count in beats; without ``similar``
    channels nothing can walk.
    """

    fps: Fraction
    seconds: float
    scales: Sequence[float]
    channels: ChannelCount
    similar: SimilarChannels | None = None
    signals: Signals | None = None
    camera: CameraConfig = field(default_factory=CameraConfig)
    dream: DreamConfig = field(default_factory=DreamConfig)
    flow: FlowConfig = field(default_factory=FlowConfig)
    color: ColorConfig = field(default_factory=ColorConfig)
    seed: int = 0
    shot: int = 0
    is_loop: bool = False

    @property
    def grid(self) -> Grid | None:
        """The beats, if there are any."""
        return self.signals.grid if self.signals else None

    def curve(self, value: str | float, key: str, low: float | None = None, high: float | None = None) -> Curve:
        """A number that may change in time, evaluated at every frame. Raises ConfigError naming ``key``."""
        return parse_curve(
            value,
            key=key,
            fps=self.fps,
            duration=self.seconds,
            seed=self.seed * 65_537 + self.shot,
            limits=(low, high),
            signals=self.signals,
        )

    def time(self, value: object, key: str) -> float:
        """A time in seconds. Raises ConfigError naming ``key``."""
        text = value if isinstance(value, int | float) else str(value)
        return parse_time(text, fps=self.fps, key=key, duration=self.seconds, grid=self.grid)

    def length(self, value: object, key: str) -> Length:
        """The length of a hold or a fade. Raises ConfigError naming ``key``."""
        text = value if isinstance(value, int | float) else str(value)
        return parse_length(text, key=key, fps=self.fps, duration=self.seconds, grid=self.grid)
