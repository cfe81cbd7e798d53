"""Command lines of films: checked as ``python -m pipeline.render`` checks them, but without rendering. No torch."""

import re
import threading
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.cli.alternatives import alternatives, sweep_arguments
from pipeline.cli.compose import make_config, typed_config
from pipeline.config import RenderConfig, settings
from pipeline.errors import ConfigError, RenderError
from pipeline.plan import unread
from pipeline.plan.film_plan import FilmPlan
from pipeline.plan.footage import ClipLibrary
from pipeline.plan.planner import plan_film
from pipeline.plan.score import check_score
from pipeline.plan.score_data import chart_path, film_config
from pipeline.runtime.files import check_name, check_writable

Words = tuple[str, ...]

PROGRAMS = {kind: f"pipeline.{kind}" for kind in ("render", "storyboard", "variations")}
QUALITY_PIXELS = {"draft": 480 * 270, "hd": 1920 * 1080, "uhd": 3840 * 2160}
"""Choices of ``quality=`` and the pixels of their frames."""
SIDES = ("frame.width", "frame.height")
SIZE_SETTINGS = ("quality", "frame.fit", "frame.scale")
REFUSED_SETTINGS = ("hydra", "jobs", "preview", "from", "frames", "shots")
OF_SHEET = (["output"], ["overwrite"], ["at"])  # settings of a sheet of stills, not of a film
MAX_WORDS = 300
_KEY = re.compile(r"([a-z_]+(?:\.\w+)*)[=:]")
_LOCK = threading.Lock()  # Hydra composes one config at a time
_CLIPS: dict[
    tuple[str, int, int], ClipLibrary
] = {}  # the one of the newest check, so that typing decodes no clip again


@dataclass(frozen=True)
class Checked:
    """A film that can be rendered: its settings, its plan, and notes for the user."""

    config: RenderConfig
    plan: FilmPlan
    notes: list[str]

    @property
    def work(self) -> float:
        """A number that grows with the time that the render takes: pixels times gradient steps."""
        return float(sum(s.frames * s.width * s.height * s.config.dream.steps for s in self.plan.shots))


def keys_of(words: Sequence[str]) -> list[str]:
    """The settings and groups that the words name."""
    return [word.lstrip("+").partition("=")[0] for word in words if not word.startswith("-")]


def check_words(words: Sequence[str], config_dir: Path) -> None:
    """Raise RenderError for words that are no settings of one film; presets may come from ``config_dir``."""
    if len(words) > MAX_WORDS:
        raise RenderError(f"a film has at most {MAX_WORDS} settings here")
    for word in words:
        if any(unicodedata.category(letter) in ("Cc", "Cs") for letter in word):
            raise RenderError(f"{word[:80]!a}: a setting has no control characters and no halves of letters")
        key = word.lstrip("+~").partition("=")[0]
        if word.startswith("-") and word != f"--config-dir={config_dir}":
            raise RenderError(f"{word[:80]}: the studio takes settings, and no options")
        if re.split(r"[./]", key)[0] in REFUSED_SETTINGS:
            raise RenderError(f"{key[:80]}: the studio does not take this; use the command line")


def check(
    words: Sequence[str], config_dir: Path, of_film: Callable[[RenderConfig], RenderConfig] = lambda config: config
) -> Checked:
    """The film of a command line, whose settings ``of_film`` makes of the typed ones. Raises RenderError."""
    check_words(words, config_dir)
    presets = [word.partition("=")[2].strip("\"'") for word in words if word.lstrip("+").startswith("preset=")]
    try:
        with _LOCK:
            config = of_film(typed_config(words))
            plan = plan_film(config, Path("outputs", "studio"), presets[0] if presets else "dream", _clips(config))
            for shot in plan.shots:
                if shot.config.score.kind != "walk":  # may have to load the network first
                    check_score(shot)
    except OSError as error:
        raise RenderError(sentence(error)) from error
    return Checked(config, plan, [*unread.notes(config, keys_of(words)), *plan.notes])


def check_storyboard(words: Sequence[str], config_dir: Path) -> Checked:
    """The film of a storyboard, whose ``output=`` names the sheet. Raises RenderError."""

    def of_film(config: RenderConfig) -> RenderConfig:
        if config.film or config.loop:
            reason = "a storyboard is of one shot that begins and ends"
            raise ConfigError("film" if config.film else "loop", "…", reason)
        check_writable(chart_path(config, Path("outputs")), overwrite=config.overwrite)
        return film_config(config)

    return check(words, config_dir, of_film)


def check_variations(words: Sequence[str], config_dir: Path) -> Checked:
    """The first film of a sheet. Each other value is checked with the first ones of the other settings; of a range its
    last. Raises RenderError.
    """
    check_words(words, config_dir)
    films = [word for word in words if keys_of([word]) not in OF_SHEET]
    for word in words:
        if keys_of([word]) == ["output"]:
            check_name(Path(word.partition("=")[2].strip("\"'")), word[:80])
    sweep_arguments(films)  # how many there are
    options = [alternatives(word) for word in films]
    first = check([each[0] for each in options], config_dir)
    for number, option in enumerate(options):
        for word in option[1:]:
            check([word if n == number else each[0] for n, each in enumerate(options)], config_dir)
    return first


def _clips(config: RenderConfig) -> ClipLibrary | None:
    """The clip of the newest check, if it is that of this film and has not changed."""
    path = config.source.path
    if config.film or not path or not Path(path).is_file():
        return None
    stat = Path(path).stat()
    key = (path, stat.st_mtime_ns, stat.st_size)
    if key not in _CLIPS:
        _CLIPS.clear()
        _CLIPS[key] = ClipLibrary(config.limits, ())
    return _CLIPS[key]


def sentence(error: OSError) -> str:
    """What the system refuses, in words."""
    name = str(error.filename or "this film")
    return f"{name if len(name) < 120 else name[:100] + '…'}: {error.strerror or error}"


def bare_config() -> RenderConfig:
    """The settings of a film of which nothing is chosen."""
    with _LOCK:
        return make_config()


def key_of(error: RenderError) -> str:
    """The setting that an error is about; empty where it names none."""
    match = _KEY.match(str(error))
    return error.key if isinstance(error, ConfigError) else match[1] if match else ""


def values_of(config: RenderConfig) -> dict[str, str]:
    """Every setting as one would type it."""
    return {key: _typed(value) for key, _, value in settings(config)}


def larger(words: Words, pixels: int) -> Words | None:
    """The same film at the next larger quality; None if it is as large as that goes."""
    quality = next((name for name, most in QUALITY_PIXELS.items() if most > pixels * 1.1), None)
    if quality is None:
        return None
    keys = {word.lstrip("+").partition("=")[0] for word in words}
    dropped = {*SIZE_SETTINGS, "output", "overwrite"} | ({*SIDES} if len(keys & {*SIDES}) == 1 else set())
    rest = [word for word in words if word.lstrip("+").partition("=")[0] not in dropped]
    return (*rest, f"quality={quality}")


def _typed(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return f"[{', '.join(map(_typed, value))}]"
    return str(value)
