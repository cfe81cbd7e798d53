"""A typed ``camera=NAME`` over presets: Hydra lays a preset's own ``camera.zoom`` over the camera that was chosen."""

import json
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from pipeline.cli import safe_yaml
from pipeline.cli.quoted_texts import in_quotes
from pipeline.cli.sanitize import CONF
from pipeline.config import CameraConfig


def written_out(words: Sequence[str], folder: str | None = None) -> list[str]:
    """What a preset or a look among ``words`` sets of the camera that they choose, as that camera has it.

    It comes before the words that were typed, which win over it. ``folder`` is that of ``--config-dir``.
    """
    return [
        f"camera.{key}={in_quotes(value) if isinstance(value, str) else json.dumps(value)}"
        for key, value in _values(words, folder).items()
    ]


def in_sweep(tree: DictConfig, words: Sequence[str], folder: str | None = None) -> None:
    """Change the tree of one film of a sweep to what is ``written_out`` for its own camera.

    Words are written out before a sweep is divided, so that they cannot say which camera each film has.
    """
    typed = {word.lstrip("+").partition("=")[0] for word in words}
    for key, value in _values(words, folder).items():
        if f"camera.{key}" not in typed:
            OmegaConf.update(tree, f"camera.{key}", value)


def _values(words: Sequence[str], folder: str | None) -> dict[str, Any]:
    """The settings of the chosen camera that a preset or a look would change; not those of a chosen ``move=NAME``."""
    pairs = (word.partition("=") for word in words)
    chosen = {key.lstrip("+"): value.strip("\"'") for key, _, value in pairs}
    folders = [*([Path(folder)] if folder else []), CONF]
    own = _camera_of("camera", chosen, folders)
    if not own:
        return {}
    laid = {key for group in ("preset", "look") for key in _camera_of(group, chosen, folders)}
    laid &= _of_any_camera() | {*own}
    laid -= {*_camera_of("move", chosen, folders)}
    return {key: own.get(key, getattr(CameraConfig(), key)) for key in sorted(laid)}


def _camera_of(group: str, chosen: dict[str, str], folders: Iterable[Path]) -> dict[str, Any]:
    """The camera's settings in the file of the group that is chosen, in the first of these folders that has it."""
    paths = (folder / group / f"{chosen.get(group)}.yaml" for folder in folders)
    return next((_settings(path) for path in paths if path.is_file()), {})


@cache
def _of_any_camera() -> set[str]:
    """What any camera of the group sets: each of them decides all of it."""
    return {key for path in (CONF / "camera").glob("*.yaml") for key in _settings(path)}


def _settings(path: Path) -> dict[str, Any]:
    settings: Any = safe_yaml.parse(safe_yaml.read_text(path), path.name)
    if path.parent.name != "camera":
        settings = settings.get("camera")
    return settings if isinstance(settings, dict) else {}
