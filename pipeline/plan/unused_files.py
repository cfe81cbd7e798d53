"""Pictures and footage that are named and that no shot of the film uses."""

from typing import Any

from pipeline.config import RenderConfig
from pipeline.errors import ConfigError
from pipeline.networks.imagine_plan import encodes_start
from pipeline.plan import shot_list

HINTS = {"start.path": "add start=image", "source.path": "add source=video, or preset=footage"}


def check_paths(config: RenderConfig) -> None:
    """Raise ConfigError for a picture or footage that no shot of the film uses."""
    shots = [(f"{key}.", entry) for key, entry in shot_list.entries(config)] if config.film else []
    configs = [(key, shot_list.shot_config(config, entry)) for key, entry in shots] or [("", config)]
    for setting, hint in HINTS.items():
        unused = [(key, path) for key, shot in configs if (path := _unused_path(shot, setting))]
        of_film = _value(config, setting)
        if len(unused) == len(configs) and of_film:
            raise ConfigError(setting, of_film, f"nothing uses it; {hint}")
        for key, path in unused:
            if path != of_film:
                raise ConfigError(f"{key}{setting}", path, f"nothing uses it; {hint}")


def _unused_path(config: RenderConfig, setting: str) -> Any:
    """The file that the ``setting`` names, if the kind of its group has no use for one."""
    kind = _value(config, f"{setting.partition('.')[0]}.kind")
    is_encoded = setting == "start.path" and encodes_start(config)
    return _value(config, setting) if kind in ("noise", "none", "imagine") and not is_encoded else None


def _value(config: RenderConfig, setting: str) -> Any:
    group, _, name = setting.partition(".")
    return getattr(getattr(config, group), name)
