"""A film's settings as a preset file of the user, which ``--config-dir`` reads. No torch."""

import re
from pathlib import Path
from typing import Any

import yaml

from pipeline.cli.from_film import NOT_REPEATED
from pipeline.cli.sanitize import choices
from pipeline.config import settings
from pipeline.errors import ConfigError
from pipeline.plan.shot_list import nested
from pipeline.runtime.files import write_bytes
from pipeline.studio.command import Checked, bare_config

MAX_PRESETS = 500
_NAME = re.compile(r"[A-Za-z0-9][\w-]{0,59}", re.ASCII)


def save(name: str, checked: Checked, config_dir: Path, *, overwrite: bool = False) -> Path:
    """Write ``preset/NAME.yaml`` in ``config_dir``: what differs from a bare film. Raises RenderError."""
    if not _NAME.fullmatch(name):
        raise ConfigError("preset", name[:80], "a name has letters, digits, - and _")
    if name in choices("preset"):
        raise ConfigError("preset", name, "the program has a preset of this name; give yours another")
    folder = config_dir / "preset"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.yaml"
    if path.exists() and not overwrite:
        raise ConfigError("preset", name, "you have a preset of this name; press Save again to replace it")
    if len(list(folder.glob("*.yaml"))) >= MAX_PRESETS and not path.exists():
        raise ConfigError("preset", name, f"{folder} has {MAX_PRESETS} presets; remove some")
    text = yaml.safe_dump(differences(checked), sort_keys=False, allow_unicode=True, width=100)
    write_bytes(path, f"# @package _global_\n# Made in the studio.\n{text}".encode())
    return path


def differences(checked: Checked) -> dict[str, Any]:
    """The settings of a film that are not those of a bare one, as nested tables."""
    bare = {key: value for key, _, value in settings(bare_config())}
    values: dict[str, Any] = nested(
        {
            key: value
            for key, _, value in settings(checked.config)
            if value != bare[key] and key not in NOT_REPEATED and key.partition(".")[0] not in NOT_REPEATED
        }
    )
    return values
