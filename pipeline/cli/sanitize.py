"""The gate before Hydra: what a user types or brings in files is data, and can neither name code nor reach outside.

Hydra would build objects of any class that its own settings name (``_target_``), read a run back by unpickling it, and
import the packages of a search path. All of that is refused here, before Hydra composes anything.
"""

import contextlib
import io
import math
import re
from pathlib import Path
from typing import Any

from hydra._internal.core_plugins.file_config_source import FileConfigSource
from hydra._internal.sources_registry import SourcesRegistry
from hydra._internal.utils import get_args_parser
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import ChoiceSweep, RangeSweep
from hydra.core.plugins import Plugins
from hydra.plugins.config_source import ConfigResult, ConfigSource
from omegaconf import OmegaConf

from pipeline.cli import safe_yaml
from pipeline.errors import ConfigError, InputError, RenderError, nearest

CONF = Path(__file__).resolve().parents[2] / "conf"
FOLDERS = ("hydra.run.dir", "hydra.sweep.dir", "hydra.sweep.subdir")  # what a user may set of Hydra's own
OPTIONS = ("--help", "--cfg", "--resolve", "--package", "--multirun", "--config-dir", "--config-name", "--info")
MOST_FILMS = 1000  # of one sweep: more is a slip of the hand
LONGEST = 40_000  # characters of one argument
REFERENCES = "only references to other settings, ${frame.width}, may stand here"
_CODE = re.compile(r"_\w+_")  # _target_ and its like
_CLOCK = re.compile(r"\$\{now:[\w%:. -]*\}")


def check_arguments(arguments: list[str]) -> list[str]:
    """The arguments, options first, if they are settings and harmless options. Raises RenderError."""
    for argument in arguments:
        if len(argument) > LONGEST:
            raise RenderError(f"{safe_yaml.shown(argument[:60])}…: a setting has at most {LONGEST} characters")
        safe_yaml.check_nesting(argument, safe_yaml.shown(argument))
        if any("\ud800" <= letter <= "\udfff" for letter in argument):
            raise RenderError(f"{safe_yaml.shown(argument)}: this is no text in UTF-8; rename the file")
    asked, settings = _options(arguments)
    if asked.experimental_rerun is not None:
        raise RenderError("--experimental-rerun: it would run code from a file; from=film.mp4 repeats a run")
    if asked.config_path is not None:
        raise RenderError(f"--config-path={asked.config_path}: use --config-dir=FOLDER, which adds presets of yours")
    for name, value in (("--config-dir", asked.config_dir), ("--config-name", asked.config_name)):
        if value is not None and "://" in value:
            raise RenderError(f"{name}={value}: name a {'folder' if name == '--config-dir' else 'file in it'}")
    if asked.config_dir is not None and not Path(asked.config_dir).is_dir():
        raise InputError(f"--config-dir={asked.config_dir}: there is no such folder")
    films = 1.0
    for override in OverridesParser.create().parse_overrides(settings):
        _check_override(override)
        films *= _count(override.value())
        if films > MOST_FILMS:
            raise RenderError(
                f"{safe_yaml.shown(override.input_line)}: -m would make {films:,.0f} films; allowed are {MOST_FILMS}"
            )
    return [*(word for word in arguments if word not in settings), *settings]


def check_tree(tree: Any) -> None:
    """Check the composed settings: no key that names code, no value that reaches outside. Raises RenderError."""
    for key in safe_yaml.keys(tree):
        if _CODE.fullmatch(key):
            raise RenderError(f"{safe_yaml.shown(key)}: there is no such setting; settings are data and name no code")
    for key, value in safe_yaml.leaves(tree):
        if safe_yaml.reaches_outside(value):
            raise ConfigError(key, value, REFERENCES)


class CheckedFiles(FileConfigSource):
    """Reads files of settings as Hydra does, and checks those that are not the program's own."""

    def load_config(self, config_path: str) -> ConfigResult:
        """As Hydra's, and raises InputError for a file that is not plain settings."""
        name = self._normalize_file_name(config_path)
        path = Path(self.path, name).resolve()
        if Path(self.path).resolve() == CONF:
            if not path.is_relative_to(CONF):
                raise InputError(f"{safe_yaml.shown(config_path)}: a choice is a name, not a path")
            return super().load_config(config_path)
        text = safe_yaml.read_text(path)
        header = ConfigSource._get_header_dict(text[:512])
        tree = safe_yaml.parse(text, str(path))
        _check_file(path, config_path, header.get("package"), tree)
        folder = f"{self.scheme()}://{self.path}"
        return ConfigResult(self.provider, folder, OmegaConf.create(tree), header)


def register() -> None:
    """Let every file that Hydra reads pass the gate."""
    Plugins.instance()  # fills the registry
    SourcesRegistry.instance().types["file"] = CheckedFiles


def _options(arguments: list[str]) -> tuple[Any, list[str]]:
    """What Hydra's own parser makes of the arguments, whose order does not matter."""
    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said):
            asked, unknown = get_args_parser().parse_known_intermixed_args(arguments)
    except SystemExit as error:
        if not error.code:  # --version has answered
            raise
        words = said.getvalue().strip().rpartition("error: ")[2]
        raise RenderError(f"{' '.join(words.split())}; --help lists what there is") from None
    if unknown:
        raise RenderError(f"{safe_yaml.shown(unknown[0])}: there is no such option{nearest(unknown[0], OPTIONS)}")
    return asked, list(asked.overrides)


def _check_override(override: Any) -> None:
    key, line = str(override.key_or_group), str(override.input_line)
    if not key or override.is_delete():
        raise RenderError(f"{safe_yaml.shown(line)}: this is not a setting; write key=value")
    if (CONF / key).is_dir() and not override.is_sweep_override() and not isinstance(override.value(), str):
        names = sorted(path.stem for path in (CONF / key).glob("*.yaml"))
        raise RenderError(f"{safe_yaml.shown(line)}: allowed are {', '.join(names)}")
    if override.package is not None:
        raise RenderError(f"{safe_yaml.shown(line)}: a group cannot be put elsewhere; write {key}=choice")
    if re.split(r"[./]", key)[0] == "hydra" and key not in FOLDERS:
        allowed = ", ".join(FOLDERS)
        raise RenderError(f"{safe_yaml.shown(line)}: of Hydra's own settings only {allowed} may be set, with a folder")
    if safe_yaml.reaches_outside(_CLOCK.sub("", line) if key in FOLDERS else line):
        raise RenderError(f"{safe_yaml.shown(line)}: {REFERENCES}")


def _count(value: Any) -> float:
    """How many values a sweep goes through, of those that could be many."""
    if isinstance(value, ChoiceSweep):
        return len(value.list)
    if isinstance(value, RangeSweep):
        span = float(value.stop or 0) - float(value.start or 0)
        return max(1.0, math.ceil(span / value.step) if value.step else math.inf)
    return 1


def _check_file(path: Path, config_path: str, package: str | None, tree: dict[str, Any]) -> None:
    if package not in (None, "_global_", "_group_"):
        raise InputError(f"{path}: # @package {safe_yaml.shown(package)} may not stand in it, only # @package _global_")
    if config_path.split("/")[0] == "hydra":
        raise InputError(f"{path}: a folder of settings cannot hold settings of Hydra's own")
    defaults = tree.get("defaults")
    for entry in [
        *safe_yaml.keys(defaults),
        *(value for _, value in safe_yaml.leaves(defaults) if isinstance(value, str)),
    ]:
        if re.search(r"\bhydra\b|@|\$", entry):
            raise InputError(f"{path}: {safe_yaml.shown(entry)} may not stand in its defaults")
    for key in safe_yaml.keys(tree):
        if re.match(r"hydra(\W|$)", key) or _CODE.fullmatch(key):
            raise InputError(f"{path}: {safe_yaml.shown(key)} may not stand in it: settings are data and name no code")
    for key, value in safe_yaml.leaves(tree):
        if safe_yaml.reaches_outside(value):
            raise InputError(f"{path}: {key}={safe_yaml.shown(value)}: {REFERENCES}")
