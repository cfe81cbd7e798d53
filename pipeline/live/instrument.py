"""What is played: a track for every number and every target, moved by gestures. One thread, the dream's, uses it."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from pipeline.config.camera import NO_RATES, CameraRates
from pipeline.errors import ConfigError, RenderError
from pipeline.live.autoplay import MAX_BEAT_SECONDS, Autoplay
from pipeline.live.controls import Control, find
from pipeline.live.track import Source, Track, constant
from pipeline.score.target_weights import TimedWeights, parse_weights, total_at_most_one, weights_at
from pipeline.targets.target import Target, TargetWeights

log = logging.getLogger(__name__)

RATES = {name: value for name, value in asdict(CameraRates()).items() if name not in (*NO_RATES, "center")}
STILL = {f"camera.{name}": value for name, value in RATES.items() if isinstance(value, float)}
STILL |= {f"camera.{name}.{axis}": 0.0 for name, value in RATES.items() if isinstance(value, tuple) for axis in "xy"}
STILL |= {"camera.shake_rate": 0.0, "dream.strength": 0.0, "dream.tone_rate": 0.0}  # a frozen picture
GLIDE_SECONDS = 0.08  # of a slider's move
QUICK_SECONDS = 0.3  # of freezing and undoing
MAX_UNDO = 200
GESTURE_SECONDS = 1.0  # moves of one control, closer than this, are undone together
WEIGHT_TOLERANCE = 0.0002
MAX_FADE_SECONDS = 600.0
MAX_EXPRESSION_CHARACTERS = 400


@dataclass(frozen=True)
class Snapshot:
    """What one gesture changes, before it: ``targets`` has weights and autoplay, or is None if it leaves them alone."""

    numbers: dict[str, Source]
    frozen: dict[str, Source] | None
    targets: tuple[TargetWeights, Autoplay] | None


@dataclass
class Instrument:
    """``start`` has the source of every control; ``check`` raises ConfigError for a target that cannot be dreamed.

    ``parse`` makes a source of an expression in time. ``fade`` is in seconds.
    ``scenes`` maps a name to what it sets: sources of controls, and the entries it plays.
    """

    controls: dict[str, Control]
    start: dict[str, Source]
    autoplay: Autoplay
    check: Callable[[Target], None]
    scenes: Mapping[str, Callable[[], tuple[dict[str, Source], Autoplay]]]
    fade: float = 1.5
    parse: Callable[[str, Control], Source] | None = None
    numbers: dict[str, Track] = field(default_factory=dict)
    weights: dict[Target, Track] = field(default_factory=dict)
    needs_noise: bool = False
    _goal: TargetWeights = field(default_factory=dict)
    _frozen: dict[str, Source] | None = None
    _undo: list[Snapshot] = field(default_factory=list)
    _last: tuple[str, float] = ("", -1e9)

    def __post_init__(self) -> None:
        self.numbers = {key: Track(self.start[key], each.tolerance) for key, each in self.controls.items()}
        self._goal = _sum_at_most_one(self.autoplay.entry(0))
        self.weights = {target: _weight_track(weight) for target, weight in self._goal.items()}
        self.autoplay.start(0.0)

    def restart(self) -> None:
        """Begin a new shot at second 0, with everything where it moves to."""
        self.numbers = {key: Track(track.goal, self.controls[key].tolerance) for key, track in self.numbers.items()}
        self.weights = {target: _weight_track(weight) for target, weight in self._goal.items()}
        self.autoplay.start(0.0)
        self.needs_noise, self._last = False, ("", -1e9)

    def tick(self, t: float) -> None:
        """The dream has reached second ``t``: play the next entry if it is time."""
        if self.autoplay.is_on and self._frozen is None and t >= self.autoplay.due:
            self._fade_to(self.autoplay.next(t), t, self.autoplay.fade)
        for track in self.numbers.values():
            track.sample(t)

    def apply(self, command: Mapping[str, Any], t: float) -> None:
        """Carry out one gesture at second ``t``. Raises RenderError for what cannot be; nothing has changed then."""
        if "control" in command:
            self._set(str(command["control"]), command.get("value"), command.get("seconds", GLIDE_SECONDS), t)
        elif "reset" in command:
            control = find(self.controls, str(command["reset"]))
            self._remember(f"reset {control.key}", t)
            self._glide(control.key, self.start[control.key], QUICK_SECONDS, t)
        elif "target" in command:
            self._target(command["target"], command.get("seconds", self.fade), t)
        elif "scene" in command:
            self._scene(str(command["scene"]), command.get("seconds", self.fade), t)
        elif "fade" in command:
            self.fade = _number(command["fade"], "fade", 0.0, MAX_FADE_SECONDS)
        else:
            self._do(str(command.get("do", "")), command, t)

    def state(self, t: float) -> dict[str, Any]:
        """What a page shows of it."""
        return {
            "values": {key: float(f"{self.controls[key].clip(track(t)):.4g}") for key, track in self.numbers.items()},
            "expressions": {key: track.goal.text for key, track in self.numbers.items() if track.goal.text},
            "targets": {str(target): round(weight, 3) for target, weight in self._goal.items()},
            "auto": self.autoplay.is_on,
            "frozen": self._frozen is not None,
            "fade": self.fade,
            "bpm": self.autoplay.bpm and round(self.autoplay.bpm, 1),
            "undo": len(self._undo),
        }

    def _do(self, name: str, command: Mapping[str, Any], t: float) -> None:
        actions: dict[str, Callable[[], None]] = {
            "freeze": lambda: self._freeze(command.get("on"), t),
            "noise": self._want_noise,
            "next": lambda: self._next(t),
            "tap": lambda: self._tap(_number(command.get("at", t), "tap", 0.0, 1e15), t),
            "undo": lambda: self._take_back(t),
            "auto": lambda: self._set_auto(command.get("on"), t),
        }
        if name not in actions:
            raise ConfigError("do", name[:80], f"allowed are {', '.join(actions)}")
        actions[name]()

    def _want_noise(self) -> None:
        self.needs_noise = True

    def _set(self, key: str, value: object, seconds: object, t: float) -> None:
        control = find(self.controls, key)
        if isinstance(value, str) and self.parse is not None:
            goal = self.parse(value[:MAX_EXPRESSION_CHARACTERS], control)
            goal.at(t)  # raises ConfigError for what cannot be computed
        else:
            goal = constant(control.clip(_number(value, key, -1e9, 1e9)))
        glide = _number(seconds, "seconds", 0.0, MAX_FADE_SECONDS)
        self._remember(f"set {key}", t)
        self._glide(key, goal, glide, t)

    def _glide(self, key: str, goal: Source, seconds: float, t: float) -> None:
        if self._frozen is not None and key in STILL:
            self._frozen[key] = goal  # once it thaws
        else:
            self.numbers[key].glide(t, goal, seconds)

    def _target(self, written: object, seconds: object, t: float) -> None:
        if not isinstance(written, str | dict | list):
            raise ConfigError("target", written, "write a target, such as class:owl")
        weights = weights_at(parse_weights(written, "target"), 0.0)
        for target in weights:
            self.check(target)
        fade = _number(seconds, "seconds", 0.0, MAX_FADE_SECONDS)
        self._remember("target", t, targets=True)
        self.autoplay.is_on = False
        self._fade_to(weights, t, fade)

    def _next(self, t: float) -> None:
        self._remember("next", t, targets=True)
        self._fade_to(self.autoplay.next(t), t, min(self.fade, self.autoplay.hold))

    def _tap(self, seconds: float, t: float) -> None:
        self._remember("tap", t, targets=True)
        self.autoplay.tap(seconds, t)

    def _set_auto(self, on: object, t: float) -> None:
        self._remember("auto", t, targets=True)
        self.autoplay.is_on = not self.autoplay.is_on if on is None else bool(on)
        self.autoplay.due = t

    def _scene(self, name: str, seconds: object, t: float) -> None:
        if name not in self.scenes:
            raise ConfigError("scene", name[:80], f"allowed are {', '.join(self.scenes)}")
        fade = _number(seconds, "seconds", 0.0, MAX_FADE_SECONDS)
        sources, played = self.scenes[name]()
        entry = played.entry(0)
        for target in entry:
            self.check(target)
        self._remember("scene", t, targets=True)
        for key, source in sources.items():
            self._glide(key, source, fade, t)
        self.autoplay = played
        self.autoplay.start(t)
        self._fade_to(entry, t, fade)

    def _freeze(self, on: object, t: float) -> None:
        if on is not None and bool(on) == (self._frozen is not None):
            return
        self._remember("freeze", t)
        if self._frozen is None:
            self._frozen = {key: self.numbers[key].goal for key in STILL}
            for key, value in STILL.items():
                self.numbers[key].glide(t, constant(value), QUICK_SECONDS)
        else:
            thawed, self._frozen = self._frozen, None
            for key, source in thawed.items():
                self.numbers[key].glide(t, source, QUICK_SECONDS)
            self.autoplay.due = max(self.autoplay.due, t)

    def _remember(self, gesture: str, t: float, targets: bool = False) -> None:
        """Keep what the gesture changes, to be able to return; moves of one slider, and taps, count as one gesture."""
        (name, at), self._last = self._last, (gesture, t)
        pause = GESTURE_SECONDS if gesture.startswith("set ") else MAX_BEAT_SECONDS if gesture == "tap" else 0.0
        if name == gesture and t - at < pause:
            return
        numbers = {key: track.goal for key, track in self.numbers.items()}
        played = (dict(self._goal), replace(self.autoplay)) if targets else None
        self._undo = [*self._undo, Snapshot(numbers, self._frozen and dict(self._frozen), played)][-MAX_UNDO:]

    def _take_back(self, t: float) -> None:
        if not self._undo:
            return
        before, self._last = self._undo.pop(), ("undo", t)
        self._frozen = before.frozen
        for key, source in before.numbers.items():
            if self.numbers[key].goal != source:
                self.numbers[key].glide(t, source, QUICK_SECONDS)
        if before.targets is not None:
            weights, self.autoplay = before.targets
            self.autoplay.start(t)  # a whole hold
            self._fade_to(weights, t, QUICK_SECONDS)

    def _fade_to(self, entry: TimedWeights, t: float, seconds: float) -> None:
        try:
            goal = _sum_at_most_one(entry)
            for target in goal:
                self.check(target)
        except RenderError as error:  # of an entry that autoplay chose
            log.warning(str(error), extra={"once": True})
            return
        for target in goal:
            self.weights.setdefault(target, _weight_track(0.0))
        for target, track in self.weights.items():
            weight = goal.get(target, 0.0)
            if track.goal.at(t) != weight:
                track.glide(t, constant(weight), seconds)
        self._goal = {target: track.goal.at(t) for target, track in self.weights.items() if target in goal}


def _weight_track(weight: float) -> Track:
    return Track(constant(weight), WEIGHT_TOLERANCE)


def _sum_at_most_one(entry: TimedWeights) -> TargetWeights:
    return total_at_most_one(weights_at(entry, 0.0))


def _number(value: object, key: str, low: float, high: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise ConfigError(key, str(value)[:40], "needs a number")
    return float(value)
