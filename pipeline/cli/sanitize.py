"""Keep settings data: files that Hydra reads cannot name code, touch Hydra's own settings or refer outside.

Hydra builds any class that its settings name (``_target_``) and imports the packages of a search path; files from a
user's ``--config-dir`` are therefore checked as Hydra opens them.
"""

import copy
import re
from pathlib import Path
from typing import Any

from hydra._internal.core_plugins.file_config_source import FileConfigSource
from hydra._internal.sources_registry import SourcesRegistry
from hydra.core.config_store import ConfigStore
from hydra.core.plugins import Plugins
from hydra.plugins.config_source import ConfigResult
from omegaconf import OmegaConf

from pipeline.cli import safe_yaml
from pipeline.cli.file_settings import is_literal, literal_files
from pipeline.config.renamed import current_names
from pipeline.errors import InputError, RenderError

CONF = Path(__file__).resolve().parents[2] / "conf"
REFERENCES = "only references to other settings, such as ${frame.width}, are allowed"
NO_CODE = "is not allowed: settings are data and cannot name code"

_read: dict[Path, tuple[int, ConfigResult]] = {}  # the program's own files, and when they changed: parsing takes long


def choices(group: str) -> list[str]:
    """The names that ``group=`` may have."""
    return sorted(path.stem for path in (CONF / group).glob("*.yaml"))


def add_choice(group: str, name: str, base: str, settings: dict[str, Any]) -> None:
    """Let ``group=name`` be the choice ``base`` with these settings. ``name`` may be a relative path."""
    node = OmegaConf.merge(OmegaConf.load(CONF / group / f"{base}.yaml"), settings)
    folder, _, last = f"{group}/{name}".rpartition("/")
    ConfigStore.instance().store(last, node, group=folder, package="_global_")


def check_tree(tree: Any, where: str = "", group: str = "") -> None:
    """Raise RenderError, which begins with ``where``, for a key that names code or a value that reaches outside.

    The names of inputs are letters and reach nothing. ``group`` is that of the settings in ``tree``.
    """
    for key in safe_yaml.keys(tree):
        if re.match(r"hydra(\W|$)|_\w+_$", key):
            raise RenderError(f"{where}{safe_yaml.shown(key)} {NO_CODE}")
    for key, value in safe_yaml.leaves(tree):
        if safe_yaml.reaches_outside(value) and not is_literal(f"{group}.{key}".strip(".")):
            raise RenderError(f"{where}{key}={safe_yaml.shown(value)}: {REFERENCES}")


class CheckedFiles(FileConfigSource):
    """Hydra's reader of files, which checks those that are not the program's own."""

    def load_config(self, config_path: str) -> ConfigResult:
        """Read a file of settings. Raises InputError unless it is plain settings."""
        path = Path(self.path, self._normalize_file_name(config_path)).resolve()
        if Path(self.path).resolve() == CONF:
            if not path.is_relative_to(CONF):
                raise InputError(f"{safe_yaml.shown(config_path)}: a choice is a name, not a path")
            changed = path.stat().st_mtime_ns
            if path not in _read or _read[path][0] != changed:
                _read[path] = changed, super().load_config(config_path)
            return copy.deepcopy(_read[path][1])  # Hydra changes what it gets
        text = safe_yaml.read_text(path)
        header = self._get_header_dict(text[:512])
        if header.get("package") not in (None, "_global_", "_group_"):
            raise InputError(
                f"{path}: # @package {safe_yaml.shown(header['package'])} {NO_CODE}; use # @package _global_"
            )
        if config_path.split("/")[0] == "hydra":
            raise InputError(f"{path}: a folder named hydra {NO_CODE}")
        group = "" if header.get("package") == "_global_" else config_path.rpartition("/")[0].replace("/", ".")
        tree = current_names(safe_yaml.parse(text, str(path)), f"{group}." if group else "")
        defaults = tree.pop("defaults", None)
        for entry in (*safe_yaml.keys(defaults), *(str(value) for _, value in safe_yaml.leaves(defaults))):
            if re.search(r"\bhydra\b|[@$]", entry):
                raise InputError(f"{path}: {safe_yaml.shown(entry)} in its defaults {NO_CODE}")
        check_tree(tree, f"{path}: ", group)
        tree = literal_files(tree, group)
        tree = tree if defaults is None else {"defaults": defaults, **tree}
        return ConfigResult(self.provider, f"{self.scheme()}://{self.path}", OmegaConf.create(tree), header)


def register() -> None:
    """Make Hydra read files through ``CheckedFiles``."""
    Plugins.instance()  # fills the registry
    SourcesRegistry.instance().types["file"] = CheckedFiles
