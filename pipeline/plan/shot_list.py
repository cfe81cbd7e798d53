"""The list of a film's shots as it is written, and the settings of each: the film's, with what the entry says over
them.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from omegaconf import OmegaConf

from pipeline.config import RenderConfig, validate
from pipeline.errors import ConfigError, nearest

AUTO = "auto"
Entry = Mapping[str, Any]


def entries(config: RenderConfig) -> Iterator[tuple[str, Entry]]:
    """(name, entry) for every shot that is written down: of ``film``, or of ``presets`` where those are used.

    Raises ConfigError for what is no list of shots.
    """
    if isinstance(config.film, str):
        if config.film != AUTO:
            raise ConfigError(
                "film", config.film, "needs a list of shots, as [{preset: spiral, duration: 4s}], or auto"
            )
        if not config.presets:
            raise ConfigError("presets", "[]", "film=auto takes them in turn; name at least one")
        yield from _listed("presets", config.presets)
    else:
        yield from _listed("film", config.film)


def check_words(key: str, entry: Entry, groups: tuple[str, ...]) -> None:
    """Raise ConfigError for a word in an entry that no shot has, and for one that is the whole film's."""
    for word in entry:
        group = str(word).partition(".")[0]
        if group in OF_FILM:
            raise ConfigError(f"{key}.{word}", entry[word], "all shots share it; set it for the film, outside the list")
        if group not in (*WORDS, *groups):
            raise ConfigError(
                f"{key}.{word}", entry[word], f"a shot has no such setting{nearest(group, (*WORDS, *groups))}"
            )
    chosen = entry.get("transition", "cut")
    if chosen not in TRANSITIONS:
        hint = nearest(str(chosen), TRANSITIONS)
        raise ConfigError(f"{key}.transition", chosen, f"allowed are {', '.join(TRANSITIONS)}{hint}")


def shot_config(config: RenderConfig, entry: Entry) -> RenderConfig:
    """The settings of one shot. Raises OmegaConf's errors and ConfigError, both naming the setting without its shot."""
    bare = OmegaConf.structured(config)
    bare.film, bare.presets, bare.loop, bare.shots = [], [], False, None
    said = {name: value for name, value in entry.items() if name not in WORDS or name in ("duration", "seed")}
    made = OmegaConf.to_object(OmegaConf.merge(bare, OmegaConf.create(said)))
    assert isinstance(made, RenderConfig)
    validate(made)
    return made


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
    """The table ``above`` laid over the table ``below``."""
    made = dict(below) if isinstance(below, Mapping) else {}
    for key, value in above.items():
        made[key] = over(made.get(key), value) if isinstance(value, Mapping) else value
    return made


def _listed(name: str, written: Any) -> Iterator[tuple[str, Entry]]:
    if not isinstance(written, list):
        raise ConfigError(name, written, "needs a list of shots, as [{preset: spiral, duration: 4s}]")
    for number, entry in enumerate(written):
        key = f"{name}[{number}]"
        if isinstance(entry, str):
            entry = {"preset": entry}
        if not isinstance(entry, Mapping):
            raise ConfigError(key, entry, "a shot is written as {preset: spiral, duration: 4s}")
        yield key, entry


TRANSITIONS = ("cut", "crossfade", "dip", "zoom_through")
"""How a shot comes out of the one before: at once, mixed, through black, or going on from its last picture."""
WORDS = ("preset", "name", "duration", "transition", "fade", "seed")
"""What an entry may say beside settings."""
OF_FILM = (
    *("output", "overwrite", "resume", "keep_segments", "segment", "frames", "device", "jobs", "precision"),
    *("deterministic", "frame", "encode", "limits", "audio", "film", "presets", "loop", "shots", "hydra"),
)
"""Settings that all shots share."""
FADE = "1s"
"""How long a transition takes that does not say it."""
BARS = 8
"""How many bars the sections of a film without a song have."""
RUN_UP = 1.5
"""Seconds for which the end of a loop is led to what comes before its beginning."""
