"""Where the files of a film go."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.config import RenderConfig
from pipeline.errors import ConfigError

EXTRA_NAMES = {"preview": "preview.mp4", "cover": "cover.png"}


@dataclass(frozen=True)
class OutputPaths:
    """``video`` is what ffmpeg writes, for numbered images a pattern; ``film`` is the file or folder that results.

    ``also`` are the files of ``encode.also`` by kind. ``whole`` is the film that it is a part of, if ``frames=`` asks
    for a part and ``output`` names none; else ``film``.
    """

    video: Path
    film: Path
    whole: Path
    poster: Path
    record: Path
    also: Mapping[str, Path] = field(default_factory=dict)


def output_paths(config: RenderConfig, folder: Path, name: str) -> OutputPaths:
    """The paths for ``config.output``, or without it for ``name`` in ``folder``. Raises ConfigError."""
    from pipeline.media.encode.codecs import film_suffix, finished_path

    codec = config.encode.codec
    part = f"-{config.frames.replace('..', '-')}" if config.frames else ""
    video = Path(config.output) if config.output else folder / f"{name}{part}{film_suffix(codec)}"
    if not video.name:
        raise ConfigError("output", config.output, "needs the name of a file, such as films/zoom.mp4")
    film = finished_path(video, codec)
    prefix = f"{film.name}." if config.output else ""  # the whole name: loop.gif and loop.webp lie side by side
    whole = film if config.output else finished_path(folder / f"{name}{film_suffix(codec)}", codec)
    poster, record = (film.with_name(f"{prefix}{name}") for name in ("poster.png", "run.yaml"))
    also = {kind: film.with_name(f"{prefix}{EXTRA_NAMES[kind]}") for kind in config.encode.also}
    return OutputPaths(video, film, whole, poster, record, also if config.frames is None else {})
