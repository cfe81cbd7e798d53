"""The score of a live shot: a film's score whose numbers and weights are tracks that grow while they play."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields

from pipeline.config import RenderConfig, ScoreConfig
from pipeline.errors import ConfigError
from pipeline.live.controls import Control, written_values
from pipeline.live.track import Source, Track, constant
from pipeline.score.curve import Curve
from pipeline.score.schedule import Schedule, Turn
from pipeline.score.score import Score
from pipeline.score.shot_context import ShotContext
from pipeline.score.target_weights import TimedWeights
from pipeline.targets.target import Target

NOT_PORTABLE = re.compile(r"\bduration\b|:")  # means something else in a film of another length
NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?", re.IGNORECASE)


@dataclass(frozen=True)
class PlayedSchedule(Schedule):
    """All targets of the ``tracks`` at once, as they are played."""

    tracks: Mapping[Target, Track]

    def turn(self, t: float) -> Turn:
        now = {target: track(max(t, 0.0)) for target, track in self.tracks.items()}
        weights = {target: weight for target, weight in now.items() if weight}
        return Turn(weights, weights, 0.0)

    def entries(self) -> tuple[TimedWeights, ...]:
        return (dict(self.tracks),)


@dataclass(frozen=True)
class PlayedContext(ShotContext):
    """The context of a shot whose numbers are tracks."""

    tracks: Mapping[str, Track] | None = None

    def curve(self, value: str | float, key: str, low: float | None = None, high: float | None = None) -> Curve:
        """The track of ``key``, kept in its range; what cannot be played is as it is written."""
        track = (self.tracks or {}).get(key)
        if track is None:
            return super().curve(value, key, low, high)
        control = Control(key, "", low, high, (0.0, 1.0))
        return Curve(key, lambda t: control.clip(track(t)), low, high, str(value))


def played_score(
    context: ShotContext, numbers: Mapping[str, Track], weights: Mapping[Target, Track], *, is_fractal: bool
) -> Score:
    """The score that plays these tracks in the place of what ``context`` says."""
    values = {item.name: getattr(context, item.name) for item in fields(context)}
    played = PlayedContext(**values, tracks=numbers)
    return Score(played, PlayedSchedule(weights), is_fractal=is_fractal, is_endless=True)


def sources(config: RenderConfig, controls: Mapping[str, Control], context: ShotContext) -> dict[str, Source]:
    """Where the number of every control comes from, as ``config`` says. Raises ConfigError."""
    written = written_values(config)
    return {key: source(written[key], control, context) for key, control in controls.items()}


def source(written: object, control: Control, context: ShotContext) -> Source:
    """The source of a number that is written as in a film: it may be keyframes or an expression. Raises ConfigError."""
    text = str(written).strip()
    if NUMBER.fullmatch(text):
        return constant(control.clip(float(text)))
    if isinstance(written, bool) or not isinstance(written, str):
        raise ConfigError(control.key, written, "write a number, keyframes or an expression in t")
    curve = context.curve(text, control.key)
    if NOT_PORTABLE.search(text):
        return Source(lambda t: control.clip(curve.value(t)))
    low, high = control.low, control.high
    clipped = f"({text})" if low is None or high is None else f"(clip({text}, {low:g}, {high:g}))"
    return Source(lambda t: control.clip(curve.value(t)), clipped)


def settled(config: ScoreConfig, context: ShotContext) -> tuple[float, float]:
    """(hold, fade) of a score in seconds, for kinds that have none of their own. Raises ConfigError."""
    hold, fade = context.length(config.hold, "score.hold")(0.0), context.length(config.fade, "score.fade")(0.0)
    return max(hold, 0.1), min(fade, hold)
