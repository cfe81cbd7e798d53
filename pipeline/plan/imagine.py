"""Plans what a generator makes: its file, the pictures and their times. No torch."""

import re
from collections.abc import Callable
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

from pipeline.config import RenderConfig
from pipeline.errors import ConfigError, nearest
from pipeline.networks.generator_header import BUILT_IN, read_header
from pipeline.networks.imagine_plan import ImaginePlan, Place
from pipeline.plan.input_files import check_picture
from pipeline.score.curve import parse_curve
from pipeline.timing.signals import Signals
from pipeline.timing.timecode import parse_time

KEY = "imagine.z"
FORM = "write seed:7, class:NAME, dream, encode or several, class:NAME seed:7; in time 0s: seed:1, 4s: class:NAME"
MAX_SEED = 2**63 - 1
_WORD = re.compile(r"(seed|class):(\S+)|(dream|encode|encode:to)(?!\S)")


def plan_imagine(config: RenderConfig, seconds: float, fps: Fraction, signals: Signals) -> ImaginePlan | None:
    """The generated pictures of a shot; None where it has none. Raises ConfigError, and InputError for the file."""
    if "imagine" not in (config.start.kind, config.source.kind) and not has_prior(config):
        return None
    path = BUILT_IN[config.imagine.model] if config.imagine.weights is None else Path(config.imagine.weights)
    header = read_header(path)
    if not header.ages and str(config.imagine.age) not in ("1", "1.0"):
        words = "this generator has no earlier states (imagine.model=helmholtz has, and one trained with ages=true)"
        raise ConfigError("imagine.age", config.imagine.age, words)
    place = partial(_parse_place, classes=header.classes, config=config)
    time = partial(parse_time, fps=fps, key=KEY, duration=seconds, grid=signals.grid)
    times, places = _parse_keys(config.imagine.z, place, time)
    if any(each.is_dreamed for each in places) and (len(places) > 1 or config.source.kind == "imagine"):
        raise ConfigError(KEY, config.imagine.z, "dream is one picture, for start=imagine")

    def curve(name: str) -> Callable[[float], float]:
        item = type(config.imagine).__dataclass_fields__[name].metadata
        return parse_curve(
            getattr(config.imagine, name),
            key=f"imagine.{name}",
            fps=fps,
            duration=seconds,
            seed=config.seed,
            limits=(item["low"], item["high"]),
            signals=signals,
        ).at

    return ImaginePlan(header, path, times, places, curve("speed"), curve("age"))


def has_prior(config: RenderConfig) -> bool:
    """Whether a generator pulls at the dream."""
    return str(config.dream.prior) not in ("0", "0.0")


def _parse_keys(
    written: Any, place: Callable[[str], Place], time: Callable[[str], float]
) -> tuple[tuple[float, ...], tuple[Place, ...]]:
    """Times in rising order, and their pictures."""
    if written is not None and not isinstance(written, str | int):
        raise ConfigError(KEY, written, FORM)
    text = "" if written is None else str(written).strip()
    if not text or re.match(r"(seed|class|dream|encode)\b", text):
        return (0.0,), (place(text),)
    keys = []
    for part in filter(str.strip, text.split(",")):
        when, colon, rest = part.partition(":")
        if not colon:
            raise ConfigError(KEY, part.strip(), FORM)
        keys.append((time(when.strip()), place(rest.strip())))
    keys.sort(key=lambda key: key[0])
    times = tuple(at for at, _ in keys)
    if len(set(times)) < len(times):
        raise ConfigError(KEY, text, "two keys are at one time; remove one")
    return times, tuple(each for _, each in keys)


def _parse_place(text: str, classes: tuple[str, ...], config: RenderConfig) -> Place:
    words = text.split()
    values: dict[str, str] = {}
    for word in words:
        match = _WORD.fullmatch(word)
        key = "" if match is None else match[1] or match[3].partition(":")[0]
        if match is None or key in values:
            raise ConfigError(KEY, text, FORM)
        values[key] = match[2] or word
    if "encode" in values and values.keys() & {"seed", "dream"}:
        raise ConfigError(KEY, text, "a photograph is encoded as a class at most: class:NAME encode")
    number, name = values.get("seed", str(config.seed)), values.get("class")
    if not re.fullmatch(r"\d{1,19}", number) or int(number) > MAX_SEED:
        raise ConfigError(KEY, text, "a seed is a whole number from 0 on")
    if name is not None and name not in classes:
        listed = ", ".join(classes[:12]) + (", …" if len(classes) > 12 else "")
        raise ConfigError(KEY, text, f"the generator's classes are {listed}{nearest(name, classes)}")
    label = None if name is None else classes.index(name)
    return Place(
        int(number), label, "dream" in values, _photograph(values["encode"], config) if "encode" in values else None
    )


def _photograph(word: str, config: RenderConfig) -> Path:
    """The file of ``encode`` or ``encode:to``."""
    key, written = ("start.path", config.start.path) if word == "encode" else ("imagine.to", config.imagine.to)
    if written is None:
        raise ConfigError(KEY, word, f"it needs a photograph: {key}=photo.jpg")
    check_picture(key, written, Path(written), config.limits)
    return Path(written)
