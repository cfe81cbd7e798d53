"""The channels and classes of an atlas, in order from shallow to deep. No torch."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pipeline.atlas.config import AtlasConfig
from pipeline.errors import ConfigError, nearest
from pipeline.targets.layer_names import Layers, plain
from pipeline.targets.target import Target, parse_target

CLASSES = "classes"  # the name of the layer of classes
LOGITS = "logits"  # the classifier's output: the classes again, where it is a map
BLEND_WEIGHTS = (0.25, 0.5, 0.75)  # of the second target in the blends of a pair
MAX_CHANNELS = 1_000_000
_CHANNELS = "write channels as 0..63, 3,7,40 or one number"
_PAIR = "write two targets to mix, each a channel or a class, as blend=[stage4:3,class:owl]"
Part = tuple[str, int, float]
"""(layer's full name, channel, weight)."""


@dataclass(frozen=True)
class PictureTarget:
    """What a picture shows: ``target`` in a score's syntax, ``words`` for people, ``parts`` to amplify."""

    target: str
    words: str
    parts: tuple[Part, ...]

    @property
    def layers(self) -> tuple[str, ...]:
        """The layer of every part, in order; targets of one pass have these in common."""
        return tuple(layer for layer, _, _ in self.parts)


@dataclass(frozen=True)
class LayerSection:
    """The targets of one layer: its ``name``, and the ``total`` number of its channels."""

    name: str
    targets: tuple[PictureTarget, ...]
    total: int


@dataclass(frozen=True)
class Names:
    """Names of a network's layers and classes; ``class_layer`` holds the classes."""

    layers: Layers
    classes: tuple[str, ...]
    class_layer: str


def sections(config: AtlasConfig, names: Names, seed: int) -> list[LayerSection]:
    """The sections of ``config``, from shallow to deep. Raises ConfigError for unknown layers and channels."""
    depth = {layer: number for number, layer in enumerate(names.layers.channels)}
    result: dict[int, LayerSection] = {}
    for name in _layer_names(config, names):
        total, classes = _total(name, names), name == CLASSES
        layer = "" if classes else names.layers.resolve(name, "layers")
        chosen = _channels_of(config, total, name, seed)
        targets = [_class(n, names) if classes else _channel(name, layer, n) for n in chosen]
        result.setdefault(depth.get(layer, len(depth)), LayerSection(name, tuple(targets), total))
    return [result[number] for number in sorted(result)]


def _total(name: str, names: Names) -> int:
    return len(names.classes) if name == CLASSES else names.layers.count(name, "layers")


def check_layers(config: AtlasConfig, layers: Layers) -> None:
    """Raise ConfigError for an unknown layer, or one that has none of the channels."""
    for name in config.layers:
        if plain(name) != CLASSES:
            _channels_of(config, layers.count(name, "layers"), name, 0)
    if config.channels is not None:
        parse_channels(config.channels, "it", MAX_CHANNELS)


def _layer_names(config: AtlasConfig, names: Names) -> list[str]:
    """The layers of ``config``; by default the main ones and the classes."""
    if not config.layers:
        main = [name for name in names.layers.main() if name != LOGITS]
        return [name for name in main if names.layers.resolve(name, "layers") != names.class_layer] + [CLASSES]
    return [CLASSES if plain(name) == CLASSES else name for name in config.layers]


def pairs(config: AtlasConfig, names: Names) -> list[tuple[PictureTarget, PictureTarget]]:
    """The pairs of ``config.blend``. Raises ConfigError."""
    text = config.blend if config.blend and isinstance(config.blend[0], list) else [config.blend] * bool(config.blend)
    result = []
    for pair in text:
        if not isinstance(pair, list) or len(pair) != 2:
            raise ConfigError("blend", pair, _PAIR)
        first, second = (parse_picture_target(str(text), names) for text in pair)
        if first.parts == second.parts:
            raise ConfigError("blend", pair, _PAIR)
        result.append((first, second))
    return result


def sections_of(targets: Sequence[PictureTarget], names: Names) -> list[LayerSection]:
    """Sections of these channels and classes alone."""
    result: dict[str, dict[PictureTarget, None]] = {}
    for target in targets:
        kind = target.target.partition(":")[0]
        result.setdefault(CLASSES if kind == "class" else kind, {})[target] = None
    return [LayerSection(name, tuple(same), _total(name, names)) for name, same in result.items()]


def parse_channels(value: object, name: str, total: int) -> list[int]:
    """``0..63``, ``3,7,40`` or one number → channels below ``total``, without repeats. Raises ConfigError for none."""
    text = re.sub(r"[\[\]\s]", "", str(value))
    numbers: dict[int, None] = {}
    for piece in text.split(","):
        match = re.fullmatch(r"(\d{1,7})(?:(?:\.\.|-)(\d{1,7}))?", piece)
        first, last = (int(match[1]), int(match[2] or match[1])) if match else (1, 0)
        if first > last or last > MAX_CHANNELS:
            raise ConfigError("channels", value, _CHANNELS)
        numbers |= dict.fromkeys(range(first, min(last + 1, total)))
    if not numbers:
        raise ConfigError("channels", value, f"{name} has channels 0 to {total - 1}")
    return list(numbers)


def _channels_of(config: AtlasConfig, total: int, name: str, seed: int) -> Sequence[int]:
    numbers = range(total) if config.channels is None else parse_channels(config.channels, name, total)
    if not 0 < config.sample < len(numbers):
        return numbers
    rng = np.random.default_rng([seed, *name.encode()])
    return sorted(int(n) for n in rng.permutation(numbers)[: config.sample])


def _channel(name: str, layer: str, channel: int) -> PictureTarget:
    target = f"{name}:{channel}"
    return PictureTarget(target, target, ((layer, channel, 1.0),))


def _class(number: int, names: Names) -> PictureTarget:
    words = names.classes[number]
    # Some names mean two classes (crane, maillot); a number means one.
    ambiguous = [plain(each) for each in names.classes].count(plain(words)) > 1
    return PictureTarget(
        f"class:{number if ambiguous else words}", words.replace("_", " "), ((names.class_layer, number, 1.0),)
    )


def parse_picture_target(text: str, names: Names) -> PictureTarget:
    """The channel or class that ``text`` names. Raises ConfigError for other targets."""
    target = parse_target(text, "blend")
    if str(target) != target.bare() or target.place is not None:
        raise ConfigError("blend", text, _PAIR)
    if target.kind == "class":
        return _parse_class(target, names)
    if target.kind != "layer" or target.channel is None:
        raise ConfigError("blend", text, _PAIR)
    count = names.layers.count(target.layer, "blend")
    if target.channel >= count:
        raise ConfigError("blend", text, f"{target.layer} has channels 0 to {count - 1}")
    return _channel(target.layer, names.layers.resolve(target.layer, "blend"), target.channel)


def _parse_class(target: Target, names: Names) -> PictureTarget:
    known = [plain(each) for each in names.classes]
    if target.name.isdecimal() and int(target.name) < len(known):
        return _class(int(target.name), names)
    if plain(target.name) not in known:
        hint = nearest(target.name, names.classes)
        raise ConfigError("blend", str(target), f"{names.layers.network} knows no such class{hint}")
    return _class(known.index(plain(target.name)), names)


def blend(first: PictureTarget, second: PictureTarget, weight: float) -> PictureTarget:
    """The two mixed, ``weight`` in 0..1 of it the second; text as a sum whose larger weight is 1."""
    most = max(weight, 1 - weight)
    weights = ((1 - weight) / most, weight / most)
    text = " + ".join(_weighted(w, each.target) for w, each in zip(weights, (first, second), strict=True))
    parts = [
        (layer, channel, weight * own)
        for weight, each in zip(weights, (first, second), strict=True)
        for layer, channel, own in each.parts
    ]
    return PictureTarget(text, text, tuple(parts))


def _weighted(weight: float, target: str) -> str:
    return target if weight == 1 else f"{weight:.3g}*{target}"
