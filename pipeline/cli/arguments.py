"""Parse and check a command line before Hydra reads it: options, overrides, the quotes that Hydra's grammar needs."""

import argparse
import math
import os
import re
import shlex
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import ChoiceSweep, Override, RangeSweep

import pipeline
from pipeline.cli import camera_choice, network_file, safe_yaml
from pipeline.cli.file_settings import FILES, INPUTS, TARGETS, escaped_once
from pipeline.cli.frame_arguments import check_frame
from pipeline.cli.messages import unknown_setting
from pipeline.cli.quoted_texts import in_quotes as in_quotes
from pipeline.cli.quoted_texts import quote_texts
from pipeline.cli.sanitize import CONF, REFERENCES, choices
from pipeline.config import RenderConfig, settings
from pipeline.config.literal import literal
from pipeline.config.renamed import RENAMED, SHORT, current_key, is_mask_file
from pipeline.errors import ConfigError, InputError, RenderError, nearest
from pipeline.runtime.files import expand_home

APPENDED = (
    "preset",
    "look",
    "move",
    "quality",
    "format",
)  # groups outside the defaults list: Hydra wants a plus before them
FOLDERS = ("hydra.run.dir", "hydra.sweep.dir", "hydra.sweep.subdir")  # what a user may set of Hydra's own
SWEEPS = ("choice(", "range(", "interval(", "glob(", "sort(", "shuffle(")
INFO = ("all", "config", "defaults", "defaults-tree", "plugins", "searchpath")
LISTS = ("film", "presets", *TARGETS)  # checked when they are composed: file names in them are letters
MAX_FILMS = 1000  # of one sweep
MAX_CHARS = 40_000  # of one argument
_CLOCK = re.compile(r"\$\{now:[\w%:. -]*\}")


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise RenderError(f"{message}; --help lists the options")


def command_line(words: Sequence[str], program: str = "pipeline.render") -> str:
    """The command line to copy that runs a ``program`` with these words."""
    return shlex.join(["python", "-m", program, *words])


def _parser() -> _Parser:
    """Those of Hydra's options that read no code and no pickle, and ``--version``."""
    parser = _Parser(add_help=False, allow_abbrev=False)
    parser.add_argument("overrides", nargs="*")
    parser.add_argument("--version", action="version", version=f"dream-zoom {pipeline.__version__}")
    parser.add_argument("--help", "-h", nargs="?", const="short")
    for names in (("--multirun", "-m"), ("--run", "-r"), ("--shell-completion", "-sc")):
        parser.add_argument(*names, action="store_true")
    for name in ("--resolve", "--hydra-help"):
        parser.add_argument(name, action="store_true")
    parser.add_argument("--cfg", "-c", choices=("job", "hydra", "all"))
    parser.add_argument("--info", "-i", nargs="?", choices=INFO)
    for names in (("--package", "-p"), ("--config-dir", "-cd"), ("--config-name", "-cn")):
        parser.add_argument(*names)
    return parser


def in_order(overrides: Sequence[str], folder: str | None = None, *, sweep: bool = False) -> list[str]:
    """The overrides with the preset first, then look and move: of two files the later one wins; these are narrower.

    A typed camera comes after all of them, and before what else was typed; in a sweep, ``camera_choice.in_sweep``
    does that for each film. ``folder`` is that of ``--config-dir``.
    """
    camera = [] if sweep else camera_choice.written_out(overrides, folder)
    first = ("+preset", "+look", "+move")
    rank = {name: number for number, name in enumerate(first)}
    return sorted(
        [*camera, *overrides],
        key=lambda word: rank.get(word.partition("=")[0], len(first)),
    )


def parse(arguments: Sequence[str]) -> Namespace:
    """The options, with ``overrides`` as Hydra reads them and ``flags``, the options as typed. Raises RenderError."""
    arguments = [
        re.sub(r"(?<=^--config-dir=)~.*|(?<=^-cd=)~.*", lambda match: expand_home(match[0]), word) for word in arguments
    ]
    for argument in arguments:
        name = safe_yaml.shown(argument)
        if len(argument) > MAX_CHARS:
            raise RenderError(f"{name}: a setting has at most {MAX_CHARS} characters")
        if any("\ud800" <= letter <= "\udfff" for letter in argument):
            raise RenderError(f"{name}: this is not UTF-8 text; rename it, or go to its folder and give a name in it")
        safe_yaml.check_brackets(argument, name)
    options, unknown = _parser().parse_known_intermixed_args(list(arguments))
    if unknown:
        names = re.findall(r"--[a-z-]+", _parser().format_usage())
        raise RenderError(f"{safe_yaml.shown(unknown[0])}: there is no such option{nearest(unknown[0], names)}")
    for option, value in (("--config-dir", options.config_dir), ("--config-name", options.config_name)):
        if "://" in (value or ""):
            raise RenderError(f"{option}={value}: name a {'folder' if option == '--config-dir' else 'file in it'}")
    if options.config_dir is not None and not Path(options.config_dir).is_dir():
        raise InputError(f"--config-dir={options.config_dir}: there is no such folder")
    if options.config_dir is not None and not os.access(options.config_dir, os.R_OK | os.X_OK):
        raise InputError(f"--config-dir={options.config_dir}: the folder cannot be read: permission denied")
    options.flags = [word for word in arguments if word not in options.overrides]
    words = [
        normalise(word, sweep=options.multirun)
        for word in network_file.expand(options.overrides, sweep=options.multirun)
    ]
    options.overrides = check_frame(in_order(words, options.config_dir, sweep=options.multirun))
    return options


def normalise(argument: str, *, sweep: bool = False) -> str:
    """An override as people write it → as Hydra reads it.

    ``preset=x`` gets the plus that its group needs, and ``+seed=4`` loses the one that a known setting must not have;
    keyframes, expressions and file names get quotes, for their commas, parentheses and letters of any script.
    """
    key, _, value = argument.partition("=")
    name = key.lstrip("+")
    if name in SHORT:
        key = name = SHORT[name]
        argument = f"{key}={value}"
    if name != key and name not in APPENDED and (name in _names() or name in _groups()):
        key, argument = name, argument[len(key) - len(name) :]
    if name == "dream.mask" and any(map(is_mask_file, value.split(",") if sweep else [value])):
        key = name = "mask.path"
        argument = f"{key}={value}"
    if name in RENAMED:
        key = key.replace(name, current_key(name))
        argument = f"{key}={value}"
    if key in APPENDED:
        return f"+{argument}"
    if key in FOLDERS:
        return f"{key}={expand_home(value)}"
    if key.lstrip("+") in FILES:
        is_output = key.lstrip("+") not in INPUTS
        return f"{key}={_quoted_output(value, sweep=sweep) if is_output else _quoted(value, sweep=sweep)}"
    if key.lstrip("+") in TARGETS:
        return f"{key}={quote_texts(value)}"
    if key.startswith("network.others"):
        return f"{key}={escaped_once(value)}"
    is_curve = key == "imagine.z" or key in {n for n, item, _ in settings(RenderConfig()) if item.metadata["curve"]}
    has_quotes = re.search(r"[\"'\[]", value)
    if is_curve and re.search(r"[:(\s]", value) and not has_quotes and not value.startswith(SWEEPS):
        return f'{key}="{value}"'
    if key == "shots" and not sweep and re.fullmatch(r"[\d.,\s]+", value):
        return f'shots="{value}"'
    return argument


def _names() -> set[str]:
    return {name for name, _, _ in settings(RenderConfig())}


def _groups() -> set[str]:
    return {path.name for path in CONF.iterdir() if path.is_dir()}


def check(options: Namespace) -> None:
    """Raise RenderError unless every override is a setting or a choice, refers to settings alone, and the sweep ends.

    Hydra's own settings are closed: they can name classes to build, packages to import and pickles to load.
    """
    folders = [CONF, *([Path(options.config_dir)] if options.config_dir else [])]
    lists = tuple(f"{name}." for name, _, value in settings(RenderConfig()) if isinstance(value, list))
    films, chosen = 1.0, set[str]()
    for override in OverridesParser.create().parse_overrides(options.overrides):
        key, line = str(override.key_or_group), safe_yaml.shown(override.input_line)
        if not key or override.is_delete():
            raise RenderError(f"{line}: this is not a setting; write key=value")
        if override.package is not None:
            raise RenderError(f"{line}: a group cannot be moved to another place; write {key}=choice")
        if re.split(r"[./]", key)[0] == "hydra" and key not in FOLDERS:
            raise RenderError(f"{line}: of Hydra's own settings only {', '.join(FOLDERS)} can be set, to a folder")
        if key.startswith(lists):  # Hydra would look for an entry of this number
            raise RenderError(unknown_setting(key))
        text = _CLOCK.sub("", line) if key in FOLDERS else override.input_line
        if safe_yaml.reaches_outside(text) and key not in LISTS:
            rename = "; rename the file" if key in FILES else ""
            raise RenderError(f"{line}: {REFERENCES}{rename}")
        if override.is_sweep_override() and not options.multirun:
            raise RenderError(f"{line}: several values need -m, one film for each; a list is key=[a,b], quote a text")
        if any((folder / key).is_dir() for folder in folders):
            _check_choice(override, key, line, chosen)
        films *= _count(override)
        if films > MAX_FILMS:
            raise RenderError(f"{line}: -m would make {films:,.0f} films; allowed are {MAX_FILMS}")


def _check_choice(override: Override, key: str, line: str, chosen: set[str]) -> None:
    if not override.is_sweep_override() and not isinstance(override.value(), str):
        value = "null" if override.value() is None else override.value()
        raise ConfigError(key, value, f"allowed are {', '.join(choices(key))}")
    if key in chosen:
        raise RenderError(f"{key}: it is chosen twice; choose one")
    chosen.add(key)


def _count(override: Override) -> float:
    """How many values an override sweeps over, of the kinds that can be many."""
    value = override.value()
    if isinstance(value, ChoiceSweep):
        return len(value.list)
    if isinstance(value, RangeSweep):
        span = float(value.stop or 0) - float(value.start or 0)
        return max(1.0, math.ceil(span / value.step) if value.step else math.inf)
    return 1


def _quoted(value: str, *, sweep: bool) -> str:
    """An input's name in quotes, so that Hydra reads it letter by letter; without, if quoted, null or a sweep."""
    if value in ("", "null") or value[0] in "\"'" or (sweep and re.search(r"[,(]", value)):
        return escaped_once(value)
    return in_quotes(literal(value))


def _quoted_output(value: str, *, sweep: bool) -> str:
    """The same for the film's name, which may refer to settings."""
    references = re.findall(r"\$\{([\w.]*)\}", value)
    if not sweep and len(references) == value.count("${") and not {*references} & _names():
        return _quoted(value, sweep=sweep)
    return value if re.search(r"(?<!\\)\$\{", value) else _quoted(value, sweep=sweep)


def requote(override: str) -> str:
    """An override that Hydra's sweeper wrote → one that ``normalise`` leaves alone: a file's name without escapes."""
    key, _, value = override.partition("=")
    if key.lstrip("+") not in FILES or value == "null" or value[:1] in "\"'":
        return override
    unescaped = re.sub(r"\\(.)", r"\1", value)
    return f"{key}={in_quotes(unescaped)}"
