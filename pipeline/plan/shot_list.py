"""The written list of a film's shots, and the settings of each: the film's, overridden by its entry."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, replace
from typing import Any

from omegaconf import OmegaConf

from pipeline.config import RenderConfig, validate
from pipeline.config.literal import literal
from pipeline.errors import ConfigError, nearest
from pipeline.plan.transition_table import TRANSITIONS

AUTO = "auto"
ENTRY_WORDS = ("preset", "name", "duration", "until", "transition", "fade", "seed")
"""What an entry may contain besides settings."""
OF_FILM = (
    *("output", "overwrite", "resume", "keep_segments", "segment", "frames", "device", "jobs", "engine", "precision"),
    *(
        "deterministic",
        "frame",
        "encode",
        "farm",
        "ray",
        "playback",
        "limits",
        "audio",
        "film",
        "presets",
        "loop",
        "shots",
        "hydra",
    ),
)
"""Settings that all shots share."""
DEFAULT_FADE = "1s"
SECTION_BARS = 8  # length of a section in a film without a song
Entry = Mapping[str, Any]
EXAMPLE = "[{preset: spiral, duration: 4s}]"


def entries(config: RenderConfig) -> Iterator[tuple[str, Entry]]:
    """(key, entry) of every shot in ``film``, or in ``presets`` for film=auto. Raises ConfigError."""
    if isinstance(config.film, str):
        if not config.presets:
            raise ConfigError("presets", "[]", "film=auto takes them in turn; name at least one")
        yield from _listed("presets", config.presets)
    else:
        yield from _listed("film", config.film)


def check_words(key: str, entry: Entry, groups: tuple[str, ...]) -> None:
    """Raise ConfigError for a key that no shot has or that belongs to the film, and for an unknown transition."""
    for word in entry:
        group = str(word).partition(".")[0]
        if group in OF_FILM:
            raise ConfigError(f"{key}.{word}", entry[word], "all shots share it; set it for the film, outside the list")
        if group not in (*ENTRY_WORDS, *groups):
            hint = nearest(group, (*ENTRY_WORDS, *groups))
            raise ConfigError(f"{key}.{word}", entry[word], f"a shot has no such setting{hint}")
    chosen = entry.get("transition", "cut")
    if chosen not in TRANSITIONS:
        hint = nearest(str(chosen), TRANSITIONS)
        raise ConfigError(f"{key}.transition", chosen, f"allowed are {', '.join(TRANSITIONS)}{hint}")


def shot_config(config: RenderConfig, entry: Entry) -> RenderConfig:
    """The settings of one shot. Raises OmegaConf's errors and ConfigError, which name the setting but not the shot."""
    settings = {name: value for name, value in entry.items() if name not in ENTRY_WORDS or name in ("duration", "seed")}
    merged = over_config(replace(config, film=[], presets=[], loop=False, shots=None), settings)
    validate(merged)
    return merged


def over_config(config: RenderConfig, settings: Entry) -> RenderConfig:
    """The config with these settings, letter by letter. Raises OmegaConf's errors."""
    if "${" in repr(config):
        base = OmegaConf.merge(OmegaConf.structured(RenderConfig), OmegaConf.create(literal(asdict(config))))
    else:  # quicker
        base = OmegaConf.structured(config)
    merged = OmegaConf.to_object(OmegaConf.merge(base, OmegaConf.create(literal(dict(settings)))))
    assert isinstance(merged, RenderConfig)
    return merged


@contextmanager
def name_errors(key: str) -> Iterator[None]:
    """Put the shot's ``key`` in front of the setting that a ConfigError names."""
    try:
        yield
    except ConfigError as error:
        raise ConfigError(f"{key}.{error.key}", error.value, error.allowed) from error


def nested(settings: Mapping[str, Any]) -> dict[str, Any]:
    """``{"camera.zoom": 1.4}`` → ``{"camera": {"zoom": 1.4}}``, at any depth."""
    tree: dict[str, Any] = {}
    for key, value in settings.items():
        *groups, name = str(key).split(".")
        node = tree
        for group in groups:
            node = node.setdefault(group, {})
        node[name] = over(node.get(name), nested(value)) if isinstance(value, Mapping) else value
    return tree


def over(below: Any, above: Mapping[str, Any]) -> dict[str, Any]:
    """The table ``above`` merged over the table ``below``."""
    merged = dict(below) if isinstance(below, Mapping) else {}
    for key, value in above.items():
        merged[key] = over(merged.get(key), value) if isinstance(value, Mapping) else value
    return merged


def _listed(name: str, written: Any) -> Iterator[tuple[str, Entry]]:
    if not isinstance(written, list):
        raise ConfigError(name, written, f"needs a list of shots, as {EXAMPLE}")
    for number, entry in enumerate(written):
        key = f"{name}[{number}]"
        if isinstance(entry, str):
            entry = {"preset": entry}
        if not isinstance(entry, Mapping):
            raise ConfigError(key, entry, "a shot is written as {preset: spiral, duration: 4s}")
        yield key, entry
