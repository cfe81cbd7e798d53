"""The score of a shot: everything that varies, as a pure function of time in seconds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from math import isfinite

from pipeline.errors import ConfigError
from pipeline.score.channel_sampling import Neighbours
from pipeline.score.curve import Curve, parse_curve
from pipeline.score.octave_delay import LONGEST, Births
from pipeline.score.schedule import Round, Schedule
from pipeline.score.schedule_kinds import Channels, Options, plan
from pipeline.score.target_weights import strongest
from pipeline.targets.target import Target, TargetWeights
from pipeline.timing.signals import Signals

LONGEST_RETURN = 1.5  # seconds in which a loop goes back to what it began with

Limits = tuple[float | None, float | None]
"""The least and the greatest value, None where there is no limit."""


@dataclass(frozen=True)
class Cue:
    """One moment: ``time`` in seconds, ``numbers`` by the dotted name of their setting."""

    time: float
    numbers: Mapping[str, float]
    _score: "Score" = field(repr=False, compare=False)

    def targets(self, scale: float) -> TargetWeights:
        """Target → weight for the octave of ``scale`` (1 = full size), without octave bindings.

        Empty where nothing is to be seen there; that octave then has nothing to dream.
        """
        return self._score.seen(self.time, scale)

    def label(self) -> str:
        """What is seen, in a few words: ``class:owl``, or ``class:owl → class:eye`` in a fade."""
        now, coming, share = self._score.schedule.turn(self.time)
        first, second = strongest(now), strongest(coming)
        return first if share <= 0.0 or first == second else f"{first} → {second}"


class Score:
    """``at`` gives the cue of any second. ``births`` delays the octaves; without it none is.

    Of a loop the schedule is a ``Round``.

    ``curves`` are by the dotted name of their setting, ``scales`` are the octaves' (1 = full size).
    """

    def __init__(
        self,
        *,
        curves: Mapping[str, Curve],
        schedule: Schedule,
        scales: Sequence[float],
        births: Births | None = None,
    ) -> None:
        self.curves, self.schedule, self.births = dict(curves), schedule, births
        self._coarsest = min(scales)

    def at(self, t: float) -> Cue:
        """The cue at ``t`` seconds. Raises ConfigError if a number leaves its range there."""
        return Cue(t, {name: curve.at(t) for name, curve in self.curves.items()}, self)

    def targets(self) -> list[Target]:
        """Every target that may come up, without octave bindings, for the network to check."""
        targets = [target.on_all_octaves() for sight in self.schedule.sights() for target in sight]
        return list(dict.fromkeys(targets))

    def seen(self, t: float, scale: float) -> TargetWeights:
        """Target → weight at ``t`` seconds for the octave of ``scale``; see Cue.targets."""
        born = t if self.births is None else self.births.born(t, scale)
        if not isinstance(self.schedule, Round):
            # What would have been born before the film began is of its first kind: the film opens as one thing.
            born = max(0.0, born)
        weights: TargetWeights = {}
        for target, weight in self.schedule.weights(born).items():
            if target.octaves is None or target.octaves.covers(scale, self._coarsest):
                everywhere = target.on_all_octaves()
                weights[everywhere] = weights.get(everywhere, 0.0) + weight
        return weights


def build(
    *,
    kind: str,
    fps: Fraction,
    duration: float,
    loops: bool = False,
    scales: Sequence[float],
    targets: Sequence[object] | Mapping[str, float] = (),
    layers: Sequence[str] = (),
    draw: int = 0,
    hold: str | float = "2s",
    every: str | float = "4b",
    fade: str | float = "0.5s",
    keys: Sequence[Mapping[str, object]] = (),
    seed: int = 0,
    shot: int = 0,
    channels: Channels | None = None,
    neighbours: Neighbours | None = None,
    curves: Mapping[str, str | float] | None = None,
    limits: Mapping[str, Limits] | None = None,
    longest: float = LONGEST,
    signals: Signals | None = None,
) -> Score:
    """The score of one shot of ``duration`` seconds at ``fps`` frames per second; ``loops``: it goes round.

    ``kind`` is one of plan.KINDS; ``curves`` and ``limits`` are by the dotted name of their
    setting. A fractal score follows the curve ``camera.zoom`` (× per second; without it there is no
    delay), and delays no octave by more than ``longest`` seconds. Curves and weights may name the
    ``signals``, and times count in their beats. Raises ConfigError naming the setting.
    """
    _check_shot(duration, scales, seed, shot)
    options = Options(
        targets=[targets] if isinstance(targets, str | Mapping) else targets,
        layers=[layers] if isinstance(layers, str) else layers,
        keys=keys,
        draw=draw,
        hold=hold,
        every=every,
        fade=fade,
        seed=seed,
        shot=shot,
        fps=fps,
        duration=duration,
        channels=channels,
        neighbours=neighbours,
        signals=signals,
    )
    schedule = plan(kind, options)
    if loops:
        schedule = Round(schedule, duration, min(LONGEST_RETURN, duration / 4))
    parsed = {
        name: _curve(name, value, (limits or {}).get(name, (None, None)), options)
        for name, value in (curves or {}).items()
    }
    births = None
    if kind == "fractal" and "camera.zoom" in parsed:
        births = Births(parsed["camera.zoom"].at, scales, duration, longest)
    return Score(curves=parsed, schedule=schedule, scales=scales, births=births)


def _curve(name: str, value: str | float, limits: Limits, options: Options) -> Curve:
    return parse_curve(
        value,
        key=name,
        fps=options.fps,
        duration=options.duration,
        seed=options.seed * 65_537 + options.shot,
        low=limits[0],
        high=limits[1],
        signals=options.signals,
    )


def _check_shot(duration: float, scales: Sequence[float], seed: int, shot: int) -> None:
    if not (isfinite(duration) and duration > 0):
        raise ConfigError("duration", duration, "a shot lasts longer than 0 seconds")
    if not scales or not all(isfinite(scale) and scale > 0 for scale in scales):
        raise ConfigError("score.scales", list(scales), "the octaves' scales are above 0")
    if seed < 0 or shot < 0:
        raise ConfigError("seed", min(seed, shot), "a seed is a whole number from 0 on")
