"""The config of an unfinished film, stored in its work folder, so that the same command resumes it."""

import glob
import hashlib
import json
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pipeline.config import ColorConfig, DepthConfig, PlaybackConfig, RenderConfig
from pipeline.config.render import INPUT_FILES
from pipeline.media.encode.codecs import film_suffix
from pipeline.plan.output_paths import OutputPaths
from pipeline.runtime.files import sha256_of, write_json
from pipeline.segments.lock import is_held

RUN_SETTINGS = (
    *("output", "overwrite", "resume", "keep_segments", "frames", "jobs", "limits", "preview", "shots"),
    *("encode.stall_timeout", "engine", "ray", "farm.mixed", "farm.cpus", "farm.gpus", "farm.lease"),
)
"""Settings, or groups of them, that belong to a run and do not change the film."""

FILE_NAME = "request.json"
_IN_TARGET = re.compile(r"guide:(?:[\w.]+:)?([^\[{]+)|\{(?:not )?([^}]+)\}")


def write(folder: Path, config: RenderConfig) -> None:
    """Store the config in the work folder. Raises OutputError."""
    write_json(folder / FILE_NAME, film_settings(config))


def find_unfinished(folder: Path, name: str, config: RenderConfig) -> Path | None:
    """The latest run's folder with an unfinished film ``name`` of this config; ``folder`` is that of a new run.

    Searches runs of the same kind: outputs/DAY/TIME, or outputs/sweeps/TIME/NUMBER for a film of a sweep. None if
    there is no such film or if the user chose the folder.
    """
    above = folder.parent.parent
    if above.name != "outputs" and (above.parent.name, above.name) != ("outputs", "sweeps"):
        return None
    settings = json.loads(json.dumps(film_settings(config)))
    work = f"{glob.escape(name + film_suffix(config.encode.codec))}.work"
    for path in sorted(above.glob(f"*/*/{work}/{FILE_NAME}"), reverse=True):
        is_finished = (path.parent / "film.json").exists()
        if not is_finished and _read(path) == settings and not is_held(path.with_name("lock")):
            return path.parent.parent
    return None


def digest(config: RenderConfig) -> str:
    """SHA-256 of every setting that changes the film, and of every file that one names."""
    settings = json.loads(json.dumps(film_settings(config)))
    sha256 = hashlib.sha256(json.dumps(settings, sort_keys=True).encode())
    for name in sorted(set(named_files(settings))):
        with suppress(OSError, ValueError):
            path = Path(name)
            for file in sorted(path.iterdir()) if path.is_dir() else [path]:
                sha256.update(f"{file} {sha256_of(file)}\n".encode())
    return sha256.hexdigest()


def find_finished(config: RenderConfig, outputs: OutputPaths, folder: Path) -> list[Path]:
    """The files of this film from an earlier run of its sweep; none outside of sweeps.

    ``outputs`` are those of a new run in ``folder``.
    """
    above = folder.parent.parent
    if (
        (above.parent.name, above.name) != ("outputs", "sweeps")
        or config.overwrite
        or not config.resume
        or config.frames
    ):
        return []
    records = [outputs.record] if config.output else sorted(above.glob(f"*/*/{outputs.record.name}"), reverse=True)
    records = [path for path in records if path.is_file()]
    line = f"request: {digest(config)}\n" if records else ""
    for record in records:
        files = [record.with_name(path.name) for path in (outputs.film, outputs.poster, outputs.record)]
        if line in record.read_text(encoding="utf-8", errors="replace") and all(path.exists() for path in files):
            return files
    return []


def named_files(node: Any, key: str = "") -> Iterator[str]:
    """The files that settings name, also in shots and targets."""
    if isinstance(node, dict):
        for name, value in node.items():
            yield from named_files(value, f"{key}.{name}".lstrip("."))
    elif isinstance(node, list):
        for value in node:
            yield from named_files(value, "" if key in ("film", "presets") else key)  # a shot has the film's settings
    elif isinstance(node, str):
        yield from (
            [node]
            if key in INPUT_FILES or key.startswith("audio.stems.")
            else filter(None, sum(_IN_TARGET.findall(node), ()))
        )


def film_settings(config: RenderConfig) -> dict[str, Any]:
    """Every setting that changes the film."""
    settings = asdict(config)
    for key in RUN_SETTINGS:
        group, _, name = key.rpartition(".")
        (settings[group] if group else settings).pop(name, None)
    neutral = asdict(ColorConfig())
    settings["color"] = {name: value for name, value in settings["color"].items() if value != neutral[name]}
    if config.farm.chunk is None:
        del settings["farm"]
    for name, neutral_group in (("playback", PlaybackConfig()), ("depth", DepthConfig())):
        if settings[name] == asdict(neutral_group):
            del settings[name]
    in_use = {
        "color": settings["color"],
        "film": config.film,
        "loop": config.loop,
        "presets": isinstance(config.film, str),
    }
    return {key: value for key, value in settings.items() if in_use.get(key, True)}


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
