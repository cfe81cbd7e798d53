"""The plan of a film: every number read, every path checked, before anything heavy is loaded. No torch."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.config import NetworkConfig, RenderConfig, ScoreConfig
from pipeline.config.render import UNTIMED
from pipeline.errors import ConfigError, InputError, nearest
from pipeline.music.song import Song, make_signals, plan_song
from pipeline.region import SIDES
from pipeline.score.clock import parse_fps, parse_time, show_time
from pipeline.score.sight import written_targets
from pipeline.score.signals import Signals
from pipeline.stretch import Stretch, plan_stretch

if TYPE_CHECKING:
    from pipeline.media.sound import Sound

LARGEST = 16384  # pixels a side, after frame.scale
SHORTEST_OPENING = 8  # frames in which noise can unfold and be seen to
LONGEST = 24 * 3600.0  # seconds


@dataclass(frozen=True)
class Plan:
    """What will be rendered and where: sizes in pixels (even), times as counts of frames."""

    config: RenderConfig
    width: int
    height: int
    fps: Fraction
    frames: int
    opening: int
    octaves: int
    guides: frozenset[str]
    masks: frozenset[str]
    video: Path
    poster: Path
    record: Path
    notes: tuple[str, ...]
    signals: Signals
    stretch: Stretch | None = None
    song: Song | None = None

    def sound(self, frames: int) -> "Sound | None":
        """What is heard under the first ``frames`` frames: the song, else what the footage has."""
        audio = self.config.audio
        if audio.kind != "none" and self.song is not None:
            return self.song.sound(frames / self.fps, audio, self.fps)
        return self.stretch.sound(frames, audio.kind) if self.stretch else None

    def scales(self) -> list[float]:
        """Sizes of the octaves over the frame's, coarse to fine."""
        return [self.config.dream.octave_ratio**-n for n in reversed(range(self.octaves))]


def make_plan(config: RenderConfig, folder: Path, name: str) -> Plan:
    """Read times, sizes and paths of ``config``; without ``output`` the files go to ``folder`` under ``name``.

    Raises ConfigError for values that do not fit together, InputError for files that are not there.
    """
    stretch = plan_stretch(config.source, config.frame.fps) if config.source.kind == "video" else None
    fps = stretch.fps if stretch else parse_fps(config.frame.fps, "frame.fps")
    song = plan_song(config.audio, fps) if config.audio.path or config.audio.kind == "file" else None
    signals = make_signals(config.audio, song, fps)
    whole = stretch.seconds if stretch else song.seconds if song else None
    written = config.duration if config.duration is not None else "100%" if whole else UNTIMED
    duration = parse_time(written, fps=fps, key="duration", duration=whole, grid=signals.grid)
    frames = round(duration * fps)
    if stretch and frames > stretch.frames:
        raise ConfigError("duration", config.duration, f"the footage lasts {show_time(stretch.seconds)}")
    if not 1 <= frames or duration > LONGEST:
        raise ConfigError("duration", config.duration, f"allowed is one frame to {LONGEST / 3600:g} hours")
    unfold = parse_time(config.start.unfold, fps=fps, key="start.unfold", duration=duration, grid=signals.grid)
    if config.start.kind == "image":
        _check_image(config)
    if stretch or config.start.kind == "image":
        unfold = 0.0
    for key, path in (("network.weights", config.network.weights),):
        if path is not None and not Path(path).is_file():
            raise InputError(f"{key}={path}: there is no such file")
    guides, masks = _pictures(config.score, config.network)
    asked = _asked_size(config, stretch)
    width, height = (_even(side, config.frame.scale) for side in asked)
    notes = [
        f"frame.{name}={side} becomes {even}: video wants even sizes"
        for name, side, even in (("width", asked[0], width), ("height", asked[1], height))
        if config.frame.scale == 1 and side != even
    ]
    opening = min(frames, round(unfold * fps))
    if 0 < opening < SHORTEST_OPENING:
        raise ConfigError("start.unfold", config.start.unfold, f"allowed is 0s, or {SHORTEST_OPENING} frames and more")
    video = Path(config.output) if config.output else folder / f"{name}.mp4"
    if not video.name:
        raise ConfigError("output", config.output, "needs the name of a file, such as films/zoom.mp4")
    heard = "none" if song else config.audio.kind
    notes += stretch.notes(frames, heard, video, config.encode.codec) if stretch else []
    notes += song.notes(config.audio, frames / fps, video, config.encode.codec) if song else []
    prefix = f"{video.stem}." if config.output else ""
    return Plan(
        config=config,
        width=width,
        height=height,
        fps=fps,
        frames=frames,
        opening=opening,
        octaves=_octaves(config),
        guides=guides,
        masks=masks,
        video=video,
        poster=video.with_name(f"{prefix}poster.png"),
        record=video.with_name(f"{prefix}run.yaml"),
        notes=tuple(notes),
        signals=signals,
        stretch=stretch,
        song=song,
    )


def _asked_size(config: RenderConfig, stretch: Stretch | None) -> tuple[int, int]:
    """Width and height as asked for; 0 is the footage's, or follows from the other side by its shape."""
    width, height = config.frame.width, config.frame.height
    for key, side in (("frame.width", width), ("frame.height", height)):
        if side < 16 and (side or stretch is None):
            raise ConfigError(key, side, "allowed is 16 to 16384, or 0 with footage")
    if stretch is None:
        return width, height
    clip = stretch.clip
    if not width and not height:
        return clip.width, clip.height
    return width or round(height * clip.width / clip.height), height or round(width * clip.height / clip.width)


def _even(side: int, scale: float) -> int:
    """The side in pixels, rounded up to even: 4:2:0 video halves the colours' resolution."""
    pixels = round(side * scale)
    if not 16 <= pixels <= LARGEST:
        raise ConfigError("frame.scale", scale, f"{side} pixels become {pixels}; allowed are 16 to {LARGEST}")
    return pixels + pixels % 2


def _octaves(config: RenderConfig) -> int:
    """The frame's scale adds or takes octaves, so that motifs keep their share of the picture."""
    extra = round(math.log(config.frame.scale) / math.log(config.dream.octave_ratio))
    return max(1, config.dream.octaves + extra)


def _pictures(config: ScoreConfig, network: NetworkConfig) -> tuple[frozenset[str], frozenset[str]]:
    """The files of guides and of masks that targets name; InputError for one that is not there."""
    written: list[tuple[str, object]] = [("score.targets", targets_of(config, network))]
    for number, entry in enumerate(config.keys):
        if isinstance(entry, Mapping) and entry.get("see") is not None:
            written.append((f"score.keys[{number}].see", entry["see"]))
    guides, masks = set(), set()
    for key, value in written:
        for target in written_targets(value, key):
            region = target.region
            if target.kind == "guide":
                _check_file(key, str(target), target.name, "")
                guides.add(target.name)
            if region is not None and region.shape == "file":
                _check_file(key, str(target), region.file, nearest(region.file, SIDES))
                masks.add(region.file)
    return frozenset(guides), frozenset(masks)


def targets_of(config: ScoreConfig, network: NetworkConfig) -> list[object]:
    """What the score is about: ``score.targets``, else what the network shows by itself.

    A walk starts at a channel of ``score.layers`` or of its own; a guided score adds its picture to its targets.
    """
    if config.kind == "guided":
        if not config.guide:
            raise ConfigError("score.guide", "null", "score=guided needs the picture: score.guide=photo.jpg")
        return [*config.targets, {f"guide:{config.guide}": 1.0}]
    return config.targets or ([] if config.kind == "walk" else network.targets)


def _check_file(key: str, target: str, file: str, hint: str) -> None:
    if not Path(file).is_file():
        raise InputError(f"{key}={target}: there is no file {file}{hint}")


def _check_image(config: RenderConfig) -> None:
    if not config.start.path:
        raise ConfigError("start.path", "null", "start=image needs the picture: start.path=photo.jpg")
    if not Path(config.start.path).is_file():
        raise InputError(f"start.path={config.start.path}: there is no such file")
