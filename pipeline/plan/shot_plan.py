"""The plan of a film: every number read, every path checked, before anything heavy is loaded. No torch."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.config import LimitsConfig, NetworkConfig, RenderConfig, ScoreConfig
from pipeline.config.render import UNTIMED
from pipeline.errors import ConfigError, InputError, nearest
from pipeline.plan.footage import Stretch, check_apart, plan_stretch
from pipeline.plan.frame_size import REFERENCE, asked_size, even, octaves
from pipeline.plan.handles import Link
from pipeline.plan.input_files import check_footage, check_picture, check_weights
from pipeline.plan.song import Song, make_signals, plan_song
from pipeline.score.target_weights import written_targets
from pipeline.targets.region import SIDES
from pipeline.timing.signals import Signals
from pipeline.timing.timecode import parse_fps, parse_time, show_time

if TYPE_CHECKING:
    from pipeline.media.sound.source_audio import Audible

SHORTEST_OPENING = 8  # frames in which noise can unfold and be seen to


@dataclass(frozen=True)
class Plan:
    """What will be rendered and where: sizes in pixels (even), times as counts of frames.

    ``video`` is the film as it is written, for numbered pictures a pattern; ``place`` is what then stands there, for
    those their folder. ``part`` are the segments to render, None for all. ``asked`` is the config as it was asked for,
    where an encoder that does not work here had to be replaced.

    ``link`` places a shot in a film of several, whose own plan has all theirs as ``shots``.
    """

    config: RenderConfig
    asked: RenderConfig
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
    place: Path
    signals: Signals
    part: range | None = None
    stretch: Stretch | None = None
    song: Song | None = None
    link: Link = Link()
    shots: tuple["Plan", ...] = ()

    @property
    def length(self) -> int:
        """How many frames the film has."""
        return sum(shot.frames - shot.link.unshown for shot in self.shots or (self,))

    def sound(self, frames: int) -> "Audible | None":
        """What is heard under the ``frames`` frames of the film: the song, else of every shot what its footage has."""
        audio = self.config.audio
        if audio.kind != "none" and self.song is not None:
            return self.song.sound(frames / self.fps, audio, self.fps)
        fade = parse_time(audio.fade_out, fps=self.fps, key="audio.fade_out", duration=float(frames / self.fps))
        if not self.shots and not fade:
            return self.stretch.sound(frames, audio.kind) if self.stretch else None

        from pipeline.plan.sound import lay

        shots = self.shots or (self,)
        sounds = [shot.stretch.sound(shot.frames, audio.kind) if shot.stretch else None for shot in shots]
        return lay([(sound, shot.link, shot.frames) for sound, shot in zip(sounds, shots, strict=True)], self.fps, fade)

    def scales(self) -> list[float]:
        """Sizes of the octaves over the frame's, coarse to fine."""
        return [self.config.dream.octave_ratio**-n for n in reversed(range(self.octaves))]


def make_plan(
    config: RenderConfig, folder: Path, name: str, check: Callable[[Path, Path, Path], None] = lambda *_: None
) -> Plan:
    """Read times, sizes and paths of ``config``; without ``output`` the files go to ``folder`` under ``name``.

    ``check`` is asked whether the video, the poster and the record can be written, before footage is looked at, which
    may take long. Raises ConfigError for values that do not fit together, InputError for files that are not there.
    """
    video, place, *beside = _places(config, folder, name)
    check(video, *beside)
    stretch = _stretch(config, (place, *beside))
    fps = stretch.fps if stretch else parse_fps(config.frame.fps, "frame.fps")
    song = plan_song(config.audio, fps) if _has_song(config) else None
    signals = make_signals(config.audio, song, fps)
    frames, opening = _frames(config, fps, stretch.seconds if stretch else song.seconds if song else None, signals)
    if stretch and frames > stretch.frames:
        raise ConfigError("duration", config.duration, f"the footage lasts {show_time(stretch.seconds)}")
    if config.network.weights is not None:
        check_weights(Path(config.network.weights), config.limits)
    guides, masks = _pictures(config.score, config.network, config.limits)
    asked = asked_size(config.frame, (stretch.clip.width, stretch.clip.height) if stretch else None)
    width, height = (even(side, config.frame.scale) for side in asked)
    if width * height > config.limits.megapixels * 1e6:
        allowed = f"{width}x{height} pixels; allowed are {config.limits.megapixels:g} million (limits.megapixels)"
        raise ConfigError("frame.width, frame.height", "x".join(map(str, asked)), allowed)
    notes = [
        f"frame.{name}={side} becomes {even}: video wants even sizes"
        for name, side, even in (("width", asked[0], width), ("height", asked[1], height))
        if config.frame.scale == 1 and side != even
    ]
    asked_for, (config, said) = config, _encoding(config, video, width, height, fps)
    fade = parse_time(config.audio.fade_out, fps=fps, key="audio.fade_out", duration=float(frames / fps))
    heard, codec = "none" if song or fade else config.audio.kind, config.encode.codec
    notes += said + (stretch.notes(frames, heard, video, codec) if stretch else [])
    notes += song.notes(config.audio, frames / fps, video, codec) if song else []
    return Plan(
        config=config,
        asked=asked_for,
        width=width,
        height=height,
        fps=fps,
        frames=frames,
        opening=opening,
        octaves=octaves(config, min(asked) if not config.frame.width and not config.frame.height else REFERENCE),
        guides=guides,
        masks=masks,
        video=video,
        poster=beside[0],
        record=beside[1],
        notes=tuple(notes),
        place=place,
        signals=signals,
        part=_part(config, frames),
        stretch=stretch,
        song=song,
    )


def _stretch(config: RenderConfig, written: tuple[Path, ...]) -> Stretch | None:
    """The footage under the film, if there is any, apart from what will be ``written``."""
    if config.source.kind != "video":
        return None
    if config.source.path:
        check_footage(config.source.path, config.limits)
    check_apart(config.source, written)
    heard = config.audio.kind == "source" and not _has_song(config)
    return plan_stretch(config.source, config.frame.fps, config.duration, heard=heard)


def _has_song(config: RenderConfig) -> bool:
    return bool(config.audio.path) or config.audio.kind == "file"


def _frames(config: RenderConfig, fps: Fraction, whole: float | None, signals: Signals) -> tuple[int, int]:
    """How many frames the film has, and its opening; ``whole``: seconds that its footage or its song lasts."""
    written = config.duration if config.duration is not None else "100%" if whole else UNTIMED
    duration = parse_time(written, fps=fps, key="duration", duration=whole, grid=signals.grid, lasting=config.loop)
    frames = round(duration * fps)
    if not 1 <= frames or duration > config.limits.hours * 3600:
        allowed = f"allowed is one frame to {config.limits.hours:g} hours (limits.hours)"
        if config.duration is None and whole:
            as_long = f"the film would be as long, {show_time(whole)}; {allowed}"
            if config.source.kind == "video":
                raise ConfigError("source.path", config.source.path, as_long)
            raise ConfigError("audio.path", config.audio.path, as_long)
        raise ConfigError("duration", config.duration, allowed)
    unfold = parse_time(config.start.unfold, fps=fps, key="start.unfold", duration=duration, grid=signals.grid)
    if config.start.kind == "image":
        _check_image(config)
    grown = config.source.kind == "video" or config.start.kind == "image"
    opening = 0 if grown else min(frames, round(unfold * fps))
    if 0 < opening < SHORTEST_OPENING:
        raise ConfigError("start.unfold", config.start.unfold, f"allowed is 0s, or {SHORTEST_OPENING} frames and more")
    return frames, opening


def _encoding(
    config: RenderConfig, video: Path, width: int, height: int, fps: Fraction
) -> tuple[RenderConfig, list[str]]:
    """The config with the encoder that works here, and what a person should know of it."""
    from pipeline.media.encode.codecs import notes
    from pipeline.media.encode.encoder_check import settle

    encode, fallback = settle(config.encode, width, height)
    return replace(config, encode=encode), [*filter(None, [fallback]), *notes(video, encode.codec, fps)]


def _part(config: RenderConfig, frames: int) -> range | None:
    """The segments that hold the frames asked for: all of them, from the first to the one before the last number."""
    if config.frames is None:
        return None
    found = re.fullmatch(r"\s*(\d{1,9})\s*\.\.\s*(\d{1,9})\s*", config.frames)
    first, stop = (int(number) for number in found.groups()) if found else (0, 0)
    if not first < stop <= frames:
        raise ConfigError("frames", config.frames, f"needs FIRST..END, within 0..{frames}, as in 0..{min(frames, 48)}")
    return range(first // config.segment, -(-stop // config.segment))


def _places(config: RenderConfig, folder: Path, name: str) -> tuple[Path, Path, Path, Path]:
    """The video as it is written, what then stands there, the poster and the record."""
    from pipeline.media.encode.codecs import film_suffix, standing

    codec = config.encode.codec
    video = Path(config.output) if config.output else folder / f"{name}{film_suffix(codec)}"
    if not video.name:
        raise ConfigError("output", config.output, "needs the name of a file, such as films/zoom.mp4")
    place = standing(video, codec)
    prefix = f"{place.stem}." if config.output else ""
    return video, place, place.with_name(f"{prefix}poster.png"), place.with_name(f"{prefix}run.yaml")


def _pictures(
    config: ScoreConfig, network: NetworkConfig, limits: LimitsConfig
) -> tuple[frozenset[str], frozenset[str]]:
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
                _check_file(key, str(target), target.name, "", limits)
                guides.add(target.name)
            if region is not None and region.shape == "file":
                _check_file(key, str(target), region.file, nearest(region.file, SIDES), limits)
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


def _check_file(key: str, target: str, file: str, hint: str, limits: LimitsConfig) -> None:
    if not Path(file).exists():
        raise InputError(f"{key}={target}: there is no file {file}{hint}")
    check_picture(key, target, Path(file), limits)


def _check_image(config: RenderConfig) -> None:
    if not config.start.path:
        raise ConfigError("start.path", "null", "start=image needs the picture: start.path=photo.jpg")
    check_picture("start.path", config.start.path, Path(config.start.path), config.limits)
