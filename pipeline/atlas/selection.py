"""Which channels and classes an atlas shows, in order from shallow to deep. No torch."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pipeline.atlas.config import AtlasConfig
from pipeline.errors import ConfigError, nearest
from pipeline.targets.layer_names import Layers, plain
from pipeline.targets.target import Target, parse_target

CLASSES = "classes"  # what the layer of classes is called
LOGITS = "logits"  # the classifier's output: the classes again, where it is a map
SHARES = (0.25, 0.5, 0.75)  # of the second in the blends of a pair
MOST_CHANNELS = 1_000_000
_CHANNELS = "write channels as 0..63, 3,7,40 or one number"
_PAIR = "write two targets to mix, each a channel or a class, as blend=[stage4:3,class:owl]"
Part = tuple[str, int, float]
"""(layer's full name, channel, weight)."""


@dataclass(frozen=True)
class Subject:
    """``target`` is how a score writes it, ``words`` what people call it, ``parts`` what is looked for in it."""

    target: str
    words: str
    parts: tuple[Part, ...]

    @property
    def layers(self) -> tuple[str, ...]:
        """The layer of every part, in order: what is drawn in one pass has these in common."""
        return tuple(layer for layer, _, _ in self.parts)


@dataclass(frozen=True)
class Chapter:
    """What is drawn of one layer; ``name`` is what people call it, ``total`` how many channels it has."""

    name: str
    subjects: tuple[Subject, ...]
    total: int


@dataclass(frozen=True)
class Names:
    """What a network's layers and classes are called; ``class_layer`` is where the classes are read."""

    layers: Layers
    classes: tuple[str, ...]
    class_layer: str


def chapters(config: AtlasConfig, names: Names, seed: int) -> list[Chapter]:
    """The layers that ``config`` asks for, from shallow to deep. Raises ConfigError for what is not there."""
    depth = {layer: number for number, layer in enumerate(names.layers.channels)}
    found: dict[int, Chapter] = {}
    for name in _wanted(config, names):
        total, classes = _total(name, names), name == CLASSES
        layer = "" if classes else names.layers.resolve(name, "layers")
        chosen = _chosen(config, total, name, seed)
        subjects = [_class(n, names) if classes else _channel(name, layer, n) for n in chosen]
        found.setdefault(depth.get(layer, len(depth)), Chapter(name, tuple(subjects), total))
    return [found[number] for number in sorted(found)]


def _total(name: str, names: Names) -> int:
    return len(names.classes) if name == CLASSES else names.layers.count(name, "layers")


def check_layers(config: AtlasConfig, layers: Layers) -> None:
    """Raise ConfigError for a layer that is not there, or that has none of the channels asked for."""
    for name in config.layers:
        if plain(name) != CLASSES:
            _chosen(config, layers.count(name, "layers"), name, 0)
    if config.channels is not None:
        read_channels(config.channels, "it", MOST_CHANNELS)


def _wanted(config: AtlasConfig, names: Names) -> list[str]:
    """The layers asked for; without any, the main ones and the classes."""
    if not config.layers:
        main = [name for name in names.layers.main() if name != LOGITS]
        return [name for name in main if names.layers.resolve(name, "layers") != names.class_layer] + [CLASSES]
    return [CLASSES if plain(name) == CLASSES else name for name in config.layers]


def pairs(config: AtlasConfig, names: Names) -> list[tuple[Subject, Subject]]:
    """The pairs that ``config.blend`` names. Raises ConfigError."""
    written = (
        config.blend if config.blend and isinstance(config.blend[0], list) else [config.blend] * bool(config.blend)
    )
    found = []
    for pair in written:
        if not isinstance(pair, list) or len(pair) != 2:
            raise ConfigError("blend", pair, _PAIR)
        first, second = (_named(str(text), names) for text in pair)
        if first.parts == second.parts:
            raise ConfigError("blend", pair, _PAIR)
        found.append((first, second))
    return found


def of_subjects(subjects: Sequence[Subject], names: Names) -> list[Chapter]:
    """Chapters of these channels and classes alone."""
    found: dict[str, dict[Subject, None]] = {}
    for subject in subjects:
        kind = subject.target.partition(":")[0]
        found.setdefault(CLASSES if kind == "class" else kind, {})[subject] = None
    return [Chapter(name, tuple(same), _total(name, names)) for name, same in found.items()]


def read_channels(value: object, name: str, total: int) -> list[int]:
    """Those of the ``total`` channels of a layer that are written, without repeats. Raises ConfigError for none."""
    text = re.sub(r"[\[\]\s]", "", str(value))
    numbers: dict[int, None] = {}
    for piece in text.split(","):
        match = re.fullmatch(r"(\d{1,7})(?:(?:\.\.|-)(\d{1,7}))?", piece)
        first, last = (int(match[1]), int(match[2] or match[1])) if match else (1, 0)
        if first > last or last > MOST_CHANNELS:
            raise ConfigError("channels", value, _CHANNELS)
        numbers |= dict.fromkeys(range(first, min(last + 1, total)))
    if not numbers:
        raise ConfigError("channels", value, f"{name} has channels 0 to {total - 1}")
    return list(numbers)


def _chosen(config: AtlasConfig, total: int, name: str, seed: int) -> Sequence[int]:
    numbers = range(total) if config.channels is None else read_channels(config.channels, name, total)
    if not 0 < config.sample < len(numbers):
        return numbers
    rng = np.random.default_rng([seed, *name.encode()])
    return sorted(int(n) for n in rng.permutation(numbers)[: config.sample])


def _channel(name: str, layer: str, channel: int) -> Subject:
    target = f"{name}:{channel}"
    return Subject(target, target, ((layer, channel, 1.0),))


def _class(number: int, names: Names) -> Subject:
    words = names.classes[number]
    # Some names stand for two classes (crane, maillot); a number always means one.
    twice = [plain(each) for each in names.classes].count(plain(words)) > 1
    return Subject(f"class:{number if twice else words}", words.replace("_", " "), ((names.class_layer, number, 1.0),))


def _named(text: str, names: Names) -> Subject:
    target = parse_target(text, "blend")
    if str(target) != target.bare() or target.place is not None:
        raise ConfigError("blend", text, _PAIR)
    if target.kind == "class":
        return _named_class(target, names)
    if target.kind != "layer" or target.channel is None:
        raise ConfigError("blend", text, _PAIR)
    count = names.layers.count(target.layer, "blend")
    if target.channel >= count:
        raise ConfigError("blend", text, f"{target.layer} has channels 0 to {count - 1}")
    return _channel(target.layer, names.layers.resolve(target.layer, "blend"), target.channel)


def _named_class(target: Target, names: Names) -> Subject:
    known = [plain(each) for each in names.classes]
    if target.name.isdecimal() and int(target.name) < len(known):
        return _class(int(target.name), names)
    if plain(target.name) not in known:
        hint = nearest(target.name, names.classes)
        raise ConfigError("blend", str(target), f"{names.layers.network} knows no such class{hint}")
    return _class(known.index(plain(target.name)), names)


def blend(first: Subject, second: Subject, share: float) -> Subject:
    """The two mixed, ``share`` in 0..1 of it the second; written as a sum whose larger weight is 1."""
    most = max(share, 1 - share)
    weights = ((1 - share) / most, share / most)
    written = " + ".join(_weighed(w, each.target) for w, each in zip(weights, (first, second), strict=True))
    parts = [
        (layer, channel, weight * own)
        for weight, each in zip(weights, (first, second), strict=True)
        for layer, channel, own in each.parts
    ]
    return Subject(written, written, tuple(parts))


def _weighed(weight: float, target: str) -> str:
    return target if weight == 1 else f"{weight:.3g}*{target}"
