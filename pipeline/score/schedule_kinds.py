"""The kinds of score, from settings to a schedule: one function and one line in ``KINDS`` for each."""

from collections.abc import Callable, Mapping, Sequence

from pipeline.config import ScoreConfig
from pipeline.errors import ConfigError, nearest
from pipeline.score.channel_sampling import ChannelWalk, draw_channels, draw_entries
from pipeline.score.hold import Hold, parse_hold
from pipeline.score.schedule import Constant, Key, Schedule, Turns, cycle, ping_pong, sort_keys
from pipeline.score.shot_context import ShotContext
from pipeline.score.target_weights import MAX_WEIGHT, TimedWeights, Weight, parse_weight, parse_weights, product
from pipeline.targets.target import Target, parse_target

KEY_FIELDS = ("at", "see", "weight", "fade")


def make_schedule(config: ScoreConfig, context: ShotContext) -> Schedule:
    """The schedule of a score. Raises ConfigError naming the setting that does not fit."""
    if config.kind not in KINDS:
        raise ConfigError("score.kind", config.kind, f"the scores are {', '.join(KINDS)}{nearest(config.kind, KINDS)}")
    context.length(config.hold, "score.hold")  # checked also where this kind does not use it
    context.length(config.fade, "score.fade")
    return KINDS[config.kind](config, context)


def _constant(config: ScoreConfig, context: ShotContext) -> Schedule:
    """All targets at once, as one entry."""
    return Constant(_entry(list(config.targets) or list(config.layers), "score.targets", context))


def _cycle(config: ScoreConfig, context: ShotContext) -> Schedule:
    return cycle(_entries(config, context), _hold(config, context))


def _beats(config: ScoreConfig, context: ShotContext) -> Schedule:
    """A cycle that counts beats: ``score.every`` of them from one entry to the next."""
    return cycle(_entries(config, context), _hold(config, context, "score.every"))


def _fractal(config: ScoreConfig, context: ShotContext) -> Schedule:
    """A cycle, or keys; the score itself delays the octaves."""
    return _keys(config, context) if config.keys else _cycle(config, context)


def _layers(config: ScoreConfig, context: ShotContext) -> Schedule:
    """Down through the layers and back up."""
    items: Sequence[object] = config.layers or config.targets
    if not items:
        raise ConfigError("score.layers", "[]", "name the layers to go down and up through")
    return ping_pong([_entry(item, "score.layers", context) for item in items], _hold(config, context))


def _walk(config: ScoreConfig, context: ShotContext) -> Schedule:
    """From channel to similar channel."""
    hold = _hold(config, context)
    if context.similar is None:
        raise ConfigError("score.kind", "walk", "this network cannot tell which channels are similar")
    walk = ChannelWalk(_walk_start(config, context), context.similar, seed=context.seed, shot=context.shot)
    return Turns(walk.entry, hold, (walk.entry(0),))


def _walk_start(config: ScoreConfig, context: ShotContext) -> Target:
    """The one target; if that is a layer, or if there is none, a random channel of the layer or layers."""
    if len(config.targets) == 1:
        target = parse_target(str(config.targets[0]), "score.targets")
        if target.network:
            raise ConfigError(
                "score.targets", target, "a walk stays in the film's own network; choose it with network="
            )
        is_layer = target.kind == "layer" and target.channel is None
        return _draw_channels(1, [target.layer], context)[0] if is_layer else target
    if config.targets or not config.layers:
        allowed = "a walk needs one channel to start at, such as stage4:61, or score.layers to draw it from"
        raise ConfigError("score.targets", list(config.targets), allowed)
    return _draw_channels(1, config.layers, context)[0]


def _keys(config: ScoreConfig, context: ShotContext) -> Schedule:
    return sort_keys([_key(entry, f"score.keys[{n}]", config, context) for n, entry in enumerate(config.keys)])


def _key(entry: Mapping[str, object], name: str, config: ScoreConfig, context: ShotContext) -> Key:
    if not isinstance(entry, Mapping):
        raise ConfigError(name, entry, "write a key as {at: 4s, see: class:owl}")
    values = {field: value for field, value in entry.items() if value is not None}
    for field in values:
        if field not in KEY_FIELDS:
            raise ConfigError(name, field, f"a key has {', '.join(KEY_FIELDS)}{nearest(field, KEY_FIELDS)}")
    for field in ("at", "see"):
        if field not in values:
            raise ConfigError(name, entry, f"{field} is missing; write {{at: 4s, see: class:owl}}")
    weight = _weight_parser(context)
    factor = parse_weight(values.get("weight", 1.0), f"{name}.weight", weight)
    products = {
        target: product(own, factor) for target, own in parse_weights(values["see"], f"{name}.see", weight).items()
    }
    at = context.time(values["at"], f"{name}.at")
    fade = context.length(*((values["fade"], f"{name}.fade") if "fade" in values else (config.fade, "score.fade")))
    # A weight of 0 is allowed: from there on the canvas stays as it is.
    return Key(at, {target: own for target, own in products.items() if own}, fade(at))


def _entries(config: ScoreConfig, context: ShotContext) -> Sequence[TimedWeights]:
    """The targets, or the layers if there is no target.

    With ``draw`` that many random channels of the layers, or random targets if there is no layer.
    """
    if config.random_channels and config.layers:
        return [{target: 1.0} for target in _draw_channels(config.random_channels, config.layers, context)]
    items: Sequence[object] = config.targets or config.layers
    if not items:
        raise ConfigError("score.targets", "[]", "name at least one target, or score.layers and score.random_channels")
    entries = [_entry(item, "score.targets", context) for item in items]
    if config.random_channels:
        return draw_entries(config.random_channels, entries, seed=context.seed, shot=context.shot)
    return entries


def _entry(value: object, key: str, context: ShotContext) -> TimedWeights:
    return parse_weights(value, key, _weight_parser(context))


def _weight_parser(context: ShotContext) -> Callable[[str, str], Weight]:
    """Parses weights that change in time."""
    return lambda text, key: context.curve(text, key, -MAX_WEIGHT, MAX_WEIGHT).at


def _hold(config: ScoreConfig, context: ShotContext, key: str = "score.hold") -> Hold:
    hold = config.every if key == "score.every" else config.hold
    fade = context.length(config.fade, "score.fade")
    return parse_hold(hold, fade, key=key, fps=context.fps, duration=context.seconds, grid=context.grid)


def _draw_channels(count: int, layers: Sequence[str], context: ShotContext) -> list[Target]:
    return draw_channels(count, layers, context.channels, seed=context.seed, shot=context.shot)


KINDS: dict[str, Callable[[ScoreConfig, ShotContext], Schedule]] = {
    "constant": _constant,
    "cycle": _cycle,
    "fractal": _fractal,
    "beats": _beats,
    "walk": _walk,
    "layers": _layers,
    "keys": _keys,
}
