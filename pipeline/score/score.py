"""The score of a shot: everything that changes in time, as pure functions of seconds."""

import math
from dataclasses import fields, replace
from functools import partial
from typing import Any

from pipeline.config import CameraRates, ScoreConfig
from pipeline.cue import Cue
from pipeline.score.curve import Curve
from pipeline.score.octave_delay import OctaveDelays
from pipeline.score.schedule import Loop, Schedule
from pipeline.score.schedule_kinds import make_schedule
from pipeline.score.shake import Shake
from pipeline.score.shot_context import ShotContext
from pipeline.targets.target import Target, TargetWeights

MAX_RETURN_SECONDS = 1.5  # in which a loop fades back to its first targets


class Score:
    """``at`` gives the cue of any second. In a fractal score each octave follows ``schedule`` with its own delay.

    ``is_endless``: the score goes on after the context's seconds, with a zoom that is not known before it plays.
    """

    def __init__(
        self, context: ShotContext, schedule: Schedule, *, is_fractal: bool = False, is_endless: bool = False
    ) -> None:
        self._context, self._schedule = context, schedule
        self._flow = _curves("flow", context.flow, context)
        self._camera = _curves("camera", context.camera, context)
        self._dream = _curves("dream", context.dream, context)
        self._color = _curves("color", context.color, context)
        period = context.seconds if context.is_loop else None
        noise_seed = context.seed * 65_537 + context.shot
        self._shake = Shake(self._camera["shake"].at, self._camera["shake_rate"].at, noise_seed, period)
        self._delays: OctaveDelays | None = None
        if is_fractal:
            seconds = 0.0 if is_endless else context.seconds
            self._delays = OctaveDelays(self._growth, context.scales, seconds, grows=is_endless)

    def at(self, seconds: float) -> Cue:
        """The cue at this second. Raises ConfigError if a number leaves its range there."""
        return Cue(
            seconds,
            camera=self.camera(seconds),
            dream=replace(self._context.dream, **_values(self._dream, seconds)),
            flow=replace(self._context.flow, **_values(self._flow, seconds)),
            targets=partial(self.octave_weights, seconds),
            label=self._schedule.turn(seconds).label(),
            color=replace(self._context.color, **_values(self._color, seconds)),
        )

    def camera(self, seconds: float) -> CameraRates:
        """The camera at this second."""
        value = _values(self._camera, seconds)
        pairs = {name: (value.pop(f"{name}.x"), value.pop(f"{name}.y")) for name in ("pan", "center", "shear")}
        value.pop("shake_rate")
        return CameraRates(**{**value, **pairs, "shake": self._shake.pose(seconds)})

    def _growth(self, seconds: float) -> float:
        """How much the camera magnifies the picture per second, by zoom and flight."""
        return self._camera["zoom"].at(seconds) * math.exp(self._camera["dolly"].at(seconds))

    def numbers(self, seconds: float) -> dict[str, float]:
        """Every setting that may change in time by its full name, such as ``camera.pan.x``."""
        groups = (self._flow, self._camera, self._dream, self._color)
        return {curve.key: curve.at(seconds) for group in groups for curve in group.values()}

    def weights(self, seconds: float) -> TargetWeights:
        """The targets at this second, for the octaves that they are bound to."""
        return self._schedule.weights(seconds)

    def octave_weights(self, seconds: float, scale: float) -> TargetWeights:
        """The targets of the octave of ``scale`` (1 = full size) at this second, without octave bindings."""
        if self._delays is not None:
            seconds -= self._delays.delay(seconds, scale)
        if not self._context.is_loop:
            seconds = max(0.0, seconds)  # motifs born before the film belong to its first targets
        weights: TargetWeights = {}
        for target, weight in self._schedule.weights(seconds).items():
            if target.octaves is None or target.octaves.covers(scale, min(self._context.scales)):
                target = target.on_all_octaves()
                weights[target] = weights.get(target, 0.0) + weight
        return weights

    def targets(self) -> list[Target]:
        """Every target that may come up, without octave bindings; of an endless walk its start."""
        return list(dict.fromkeys(target.on_all_octaves() for entry in self._schedule.entries() for target in entry))


def build(config: ScoreConfig, context: ShotContext) -> Score:
    """The score of one shot. Raises ConfigError naming the setting."""
    schedule = make_schedule(config, context)
    if context.is_loop:
        schedule = Loop(schedule, context.seconds, min(MAX_RETURN_SECONDS, context.seconds / 4))
    return Score(context, schedule, is_fractal=config.kind == "fractal")


def _curves(section: str, config: Any, context: ShotContext) -> dict[str, Curve]:
    """Curves of the settings in a section that may change in time, by field: ``zoom``, ``pan.x``, ``pan.y``."""
    curves = {}
    for item in fields(config):
        value, low, high = getattr(config, item.name), item.metadata["low"], item.metadata["high"]
        if item.metadata["curve"]:
            axes = zip((".x", ".y"), value, strict=True) if isinstance(value, list) else [("", value)]
            for axis, number in axes:
                curves[item.name + axis] = context.curve(number, f"{section}.{item.name}{axis}", low, high)
    return curves


def _values(curves: dict[str, Curve], seconds: float) -> dict[str, Any]:
    return {name: curve.at(seconds) for name, curve in curves.items()}
