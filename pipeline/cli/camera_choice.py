"""A typed ``camera=NAME`` over presets: Hydra lays a preset's own ``camera.zoom`` over the camera that was chosen."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, cast

from omegaconf import DictConfig, OmegaConf

from pipeline.cli import safe_yaml
from pipeline.cli.quoted_texts import in_quotes
from pipeline.cli.sanitize import CONF
from pipeline.config import CameraConfig


def written_out(words: Sequence[str]) -> list[str]:
    """What a preset or a look among ``words`` sets of the camera that they choose, as that camera has it.

    It comes before the words that were typed, which win over it. What a typed ``move=NAME`` sets is left out.
    """
    chosen = {key.lstrip("+"): value for key, _, value in (word.partition("=") for word in words)}
    own = _camera_of("camera", chosen)
    laid = {key for group in ("preset", "look") for key in _camera_of(group, chosen)} & _of_any_camera()
    if not own:
        return []
    values = {key: own.get(key, getattr(CameraConfig(), key)) for key in sorted(laid - {*_camera_of("move", chosen)})}
    return [f"camera.{key}={in_quotes(value) if isinstance(value, str) else value}" for key, value in values.items()]


def in_sweep(tree: DictConfig, words: Sequence[str]) -> DictConfig:
    """The tree of a film of a sweep, with what is ``written_out`` for its own camera, preset and look."""
    typed = {word.partition("=")[0] for word in words}
    return cast(
        DictConfig,
        OmegaConf.merge(
            tree, OmegaConf.from_dotlist([word for word in written_out(words) if word.partition("=")[0] not in typed])
        ),
    )


def _camera_of(group: str, chosen: dict[str, str]) -> dict[str, Any]:
    """The camera's settings in the file of the group that is chosen, if it is one of the program's."""
    path = CONF / group / f"{chosen.get(group)}.yaml"
    return _settings(path) if path.is_file() else {}


@cache
def _of_any_camera() -> set[str]:
    """What any camera of the group sets: each of them decides all of it."""
    return {key for path in (CONF / "camera").glob("*.yaml") for key in _settings(path)}


@cache
def _settings(path: Path) -> dict[str, Any]:
    settings = safe_yaml.parse(safe_yaml.read_text(path), path.name)
    return settings if path.parent.name == "camera" else dict(settings.get("camera", {}))
