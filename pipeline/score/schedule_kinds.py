"""From the options that a user writes to a schedule: one function and one line per kind."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from pipeline.errors import ConfigError, nearest
from pipeline.score.channel_sampling import Neighbours, Walk, draw_channels, draw_sights
from pipeline.score.curve import parse_curve
from pipeline.score.hold import Pace, Span, check_pace, parse_pace, parse_span
from pipeline.score.schedule import Constant, Key, Schedule, Turns, cycle, ping_pong, sort_keys
from pipeline.score.target_weights import HEAVIEST, TimedWeights, Weight, parse_sight, parse_weight, scaled
from pipeline.targets.target import Target, parse_target
from pipeline.timing.beat_grid import Grid
from pipeline.timing.signals import Signals
from pipeline.timing.timecode import parse_time

Channels = Callable[[str], int]
"""Layer → number of its channels."""


@dataclass(frozen=True)
class Options:
    """What one shot's schedule is made from. ``duration`` is seconds; other times are as they were written."""

    targets: Sequence[object]
    layers: Sequence[str]
    keys: Sequence[Mapping[str, object]]
    draw: int
    hold: str | float
    every: str | float
    fade: str | float
    seed: int
    shot: int
    fps: Fraction
    duration: float
    channels: Channels | None
    neighbours: Neighbours | None
    signals: Signals | None = None

    @property
    def grid(self) -> Grid | None:
        """The beats to count in, where there are some."""
        return self.signals.grid if self.signals else None

    def pace(self, key: str = "score.hold") -> Pace:
        """The pace that the setting ``key`` asks for. Raises ConfigError naming it."""
        hold = self.every if key == "score.every" else self.hold
        pace = parse_pace(hold, self.fade, fps=self.fps, duration=self.duration, grid=self.grid, key=key)
        check_pace(pace, key)
        return pace

    def span(self, value: object, key: str) -> Span:
        """A length, such as a fade's. Raises ConfigError naming ``key``."""
        written = value if isinstance(value, int | float) else str(value)
        return parse_span(written, key=key, fps=self.fps, duration=self.duration, grid=self.grid)

    def curve(self, text: str, key: str) -> Weight:
        """A weight that moves. Raises ConfigError naming ``key``."""
        seed = self.seed * 65_537 + self.shot
        limits = {"low": -HEAVIEST, "high": HEAVIEST}
        timing = {"fps": self.fps, "duration": self.duration, "signals": self.signals}
        return parse_curve(text, key=key, seed=seed, **timing, **limits).at  # type: ignore[arg-type]


def plan(kind: str, options: Options) -> Schedule:
    """The schedule of the given kind. Raises ConfigError naming the option that does not fit."""
    if kind not in KINDS:
        raise ConfigError("score.kind", kind, f"the scores are {', '.join(KINDS)}{nearest(kind, KINDS)}")
    for key, written in (("score.hold", options.hold), ("score.fade", options.fade)):
        options.span(written, key)  # also where this kind does not use it
    return KINDS[kind](options)


def _constant(options: Options) -> Schedule:
    """All targets at once, as one sight."""
    return Constant(parse_sight(list(options.targets) or list(options.layers), "score.targets", options.curve))


def _cycle(options: Options) -> Schedule:
    return cycle(_sights(options), options.pace())


def _beats(options: Options) -> Schedule:
    """A cycle that counts beats: ``score.every`` of them from one sight to the next."""
    return cycle(_sights(options), options.pace("score.every"))


def _fractal(options: Options) -> Schedule:
    """The delay per octave is the score's business; keys may stand in for the cycle."""
    return _keys(options) if options.keys else _cycle(options)


def _layers(options: Options) -> Schedule:
    written: Sequence[object] = options.layers or options.targets
    if not written:
        raise ConfigError("score.layers", "[]", "name the layers to go down and up through")
    sights = [parse_sight(item, "score.layers", options.curve) for item in written]
    return ping_pong(sights, options.pace())


def _walk(options: Options) -> Schedule:
    pace = options.pace()
    if options.neighbours is None:
        raise ConfigError("score.kind", "walk", "this network cannot tell which channels are neighbours")
    walk = Walk(_start(options), options.neighbours, seed=options.seed, shot=options.shot)
    return Turns(walk.sight, pace, (walk.sight(0),))


def _start(options: Options) -> Target:
    """The one target, a layer of which stands for a drawn channel; without it a channel of the layers."""
    if len(options.targets) == 1:
        target = parse_target(str(options.targets[0]), "score.targets")
        whole_layer = target.kind == "layer" and target.channel is None
        return _drawn_start(options, [target.layer]) if whole_layer else target
    if options.targets or not options.layers:
        allowed = "a walk needs one channel to start at, such as stage4:61, or score.layers to draw it from"
        raise ConfigError("score.targets", list(options.targets), allowed)
    return _drawn_start(options, options.layers)


def _drawn_start(options: Options, layers: Sequence[str]) -> Target:
    drawn = draw_channels(1, layers, _channels(options), seed=options.seed, shot=options.shot)
    return next(iter(drawn[0]))


def _keys(options: Options) -> Schedule:
    return sort_keys([_key(entry, options, n) for n, entry in enumerate(options.keys)])


def _key(entry: Mapping[str, object], options: Options, number: int) -> Key:
    name = f"score.keys[{number}]"
    if not isinstance(entry, Mapping):
        raise ConfigError(name, entry, "a key is written as {at: 4s, see: class:owl}")
    given = {field: value for field, value in entry.items() if value is not None}
    for field in given:
        if field not in _FIELDS:
            raise ConfigError(name, field, f"a key has {', '.join(_FIELDS)}{nearest(field, _FIELDS)}")
    for field in ("at", "see"):
        if field not in given:
            raise ConfigError(name, entry, f"{field} is missing; write {{at: 4s, see: class:owl}}")
    weight = parse_weight(given.get("weight", 1.0), f"{name}.weight", options.curve)
    sight = {
        target: scaled(share, weight)
        for target, share in parse_sight(given["see"], f"{name}.see", options.curve).items()
    }
    at = _seconds(given["at"], f"{name}.at", options)
    return Key(
        at=at,
        # A weight of 0 is allowed: from there on nothing is seen.
        sight={target: share for target, share in sight.items() if share},
        fade=options.span(*((given["fade"], f"{name}.fade") if "fade" in given else (options.fade, "score.fade")))(at),
    )


def _seconds(value: object, key: str, options: Options) -> float:
    written = value if isinstance(value, int | float) else str(value)
    return parse_time(written, fps=options.fps, key=key, duration=options.duration, grid=options.grid)


def _sights(options: Options) -> Sequence[TimedWeights]:
    """With ``draw`` so many channels of the layers, or of the targets where no layer is named.

    Without it the targets as written, or the layers where no target is.
    """
    if options.draw and options.layers:
        return draw_channels(options.draw, options.layers, _channels(options), seed=options.seed, shot=options.shot)
    written: Sequence[object] = options.targets or options.layers
    if not written:
        raise ConfigError("score.targets", "[]", "name at least one target, or score.layers and score.draw")
    sights = [parse_sight(item, "score.targets", options.curve) for item in written]
    if options.draw:
        return draw_sights(options.draw, sights, seed=options.seed, shot=options.shot)
    return sights


def _channels(options: Options) -> Channels:
    if options.channels is None:
        raise ConfigError("score.draw", options.draw, "there is no network to draw channels from")
    return options.channels


_FIELDS = ("at", "see", "weight", "fade")

KINDS: dict[str, Callable[[Options], Schedule]] = {
    "constant": _constant,
    "cycle": _cycle,
    "fractal": _fractal,
    "beats": _beats,
    "walk": _walk,
    "layers": _layers,
    "keys": _keys,
}
