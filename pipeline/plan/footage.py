"""The part of a clip that a shot uses: which picture under which frame, where it cuts, its sound. No torch."""

import math
import os
from collections.abc import Iterable
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.config import SourceConfig
from pipeline.config.limits import LimitsConfig
from pipeline.errors import ConfigError, InputError
from pipeline.media.decode import frame_rate, image_sequence
from pipeline.media.decode.clip import Clip, open_clip
from pipeline.media.decode.scan import SecondsOf
from pipeline.media.sound.source_audio import Sound, find_damage
from pipeline.plan.input_files import check_footage
from pipeline.timing.timecode import parse_fps, parse_time, show_time


@dataclass(frozen=True)
class FootagePlan:
    """``seconds`` of ``clip``, from second ``start`` of the file's clock, shown at ``fps`` frames per second.

    ``first``: it starts with the clip's first picture. ``last``: it ends with the clip's last one.
    """

    clip: Clip
    start: float
    seconds: float
    fps: Fraction
    first: bool
    last: bool

    @property
    def frames(self) -> int:
        """Number of frames."""
        return max(1, round(self.seconds * self.fps))

    def picks(self, frames: int) -> NDArray[np.int64]:
        """The index of the clip's picture under each of the first ``frames`` frames."""
        return frame_rate.frame_indices(self.clip.times, start=self.start, rate=self.fps, frames=frames)

    def cuts(self, frames: int) -> frozenset[int]:
        """The frames that begin a new scene."""
        scenes = np.searchsorted(self.clip.cuts, self.picks(frames), side="right")
        return frozenset(int(n) + 1 for n in np.nonzero(np.diff(scenes))[0])

    def repeats(self, frames: int) -> frozenset[int]:
        """The frames that show the same picture as the frame before them."""
        return frozenset(int(n) + 1 for n in np.nonzero(np.diff(self.picks(frames)) == 0)[0])

    def sound(self, frames: int, audio: str = "source") -> Sound | None:
        """The clip's sound under the first ``frames`` frames; None unless ``audio`` is ``source``."""
        if audio != "source" or not self.clip.audio:
            return None
        whole = self.last and frames >= self.frames and not self.clip.is_damaged
        end = None if whole else self.start + frames / float(self.fps)
        return Sound(self.clip.path, self.clip.audio, self.start, end, self.first)

    def with_checked_sound(self, frames: int, *, salvage: bool) -> "FootagePlan":
        """The same, with a note where the sound is damaged; without ``salvage`` that raises InputError."""
        sound = self.sound(frames)
        damage = (
            find_damage(sound.path, sound.tracks, sound.start, math.inf if sound.end is None else sound.end)
            if sound
            else ""
        )
        if not damage:
            return self
        message = f"the sound of {self.clip.path} is damaged {damage}"
        if not salvage:
            raise InputError(f"{message}; source.salvage=true uses it as it is, audio=none leaves it out")
        return replace(self, clip=replace(self.clip, notes=(*self.clip.notes, f"{message}; it is used as it is")))


class ClipLibrary:
    """The clips of a film. Decodes each once, as far as its shots use it, and checks it on the way."""

    def __init__(self, limits: LimitsConfig, outputs: Iterable[Path]) -> None:
        self._limits, self._outputs = limits, tuple(outputs)
        self._clips: dict[tuple[Any, ...], tuple[Clip, float]] = {}
        self._uses: dict[tuple[Any, ...], list[SecondsOf]] = {}

    def expect(self, config: SourceConfig, fps: Any, duration: Any) -> None:
        """Announce a later ``plan`` with the same arguments: the first one then decodes enough for all."""
        if config.kind == "video" and config.path:
            self._uses.setdefault(_key(config), []).append(_used_seconds(config, fps, duration))

    def plan(self, config: SourceConfig, fps: Any, duration: Any = None) -> FootagePlan | None:
        """The footage of a shot; None without ``source=video``.

        ``fps`` is the film's frame rate or ``source``. A ``duration`` in seconds or frames saves decoding what follows.
        Raises ConfigError for settings that do not fit the clip, InputError for a missing or damaged file.
        """
        if config.kind == "camera":
            raise ConfigError("source", "camera", "python -m pipeline.live plays cameras; films need source=video")
        if config.kind != "video":
            return None
        if not config.path:
            raise ConfigError("source.path", "null", "source=video needs the footage: source.path=clip.mp4")
        check_footage(config.path, self._limits)
        _check_outputs(Path(config.path), self._outputs)
        return _cut_clip(config, fps, duration, self._open(config, _used_seconds(config, fps, duration)))

    def _open(self, config: SourceConfig, used: SecondsOf) -> Clip:
        key = _key(config)
        clip, decoded_seconds = self._clips.get(key, (None, 0.0))
        if clip is None or used(clip.fps) > decoded_seconds:
            uses = [*self._uses.get(key, ()), used]

            def until(rate: Fraction) -> float:
                seconds: list[float] = [use(rate) for use in uses]
                return max(seconds)

            fps, path = _forced_rate(config), Path(str(config.path))
            clip = open_clip(path, fps=fps, salvage=config.salvage, threshold=config.cut, seconds=until)
            self._clips[key] = clip, until(clip.fps)
        return clip


def _key(config: SourceConfig) -> tuple[Any, ...]:
    """Everything a clip depends on."""
    return config.path, _forced_rate(config), config.salvage, config.cut


def _forced_rate(config: SourceConfig) -> Fraction | None:
    return None if config.fps in (None, "source") else parse_fps(config.fps, "source.fps")


def _cut_clip(config: SourceConfig, fps: Any, duration: Any, clip: Clip) -> FootagePlan:
    start = parse_time(config.start, fps=clip.fps, key="source.start", duration=clip.seconds)
    end = clip.seconds
    if config.end is not None:
        end = parse_time(config.end, fps=clip.fps, key="source.end", duration=clip.seconds)
    is_decoded = end <= _used_seconds(config, fps, duration)(clip.fps)
    if not start < clip.seconds:
        raise ConfigError("source.start", config.start, f"the footage lasts {show_time(clip.seconds)}")
    if end <= start:
        raise ConfigError("source.end", config.end, f"it comes after source.start={config.start}")
    if is_decoded and end > clip.seconds + 1 / clip.fps:
        raise ConfigError("source.end", config.end, f"allowed is up to {show_time(clip.seconds)}")
    return FootagePlan(
        clip=clip,
        start=float(clip.times[0]) + start,
        seconds=end - start,
        fps=clip.fps if fps == "source" else parse_fps(fps, "frame.fps"),
        # Sound that begins a moment before the picture, as in every AAC track, is no reason to cut it.
        first=start == 0 and abs(float(clip.times[0])) < 0.5 / float(clip.fps),
        last=config.end is None,
    )


def _used_seconds(config: SourceConfig, fps: Any, duration: Any) -> SecondsOf:
    """(the clip's rate) → how many of its seconds are used, as far as the settings tell."""

    def used_seconds(rate: Fraction) -> float:
        clip_fps = _forced_rate(config) or rate
        film_fps = clip_fps if fps == "source" else parse_fps(fps, "frame.fps")
        used = parse_time(config.end, fps=clip_fps, key="source.end") if _is_absolute(config.end) else math.inf
        if _is_absolute(config.start):
            start = parse_time(config.start, fps=clip_fps, key="source.start")
            length = parse_time(duration, fps=film_fps, key="duration") if _is_absolute(duration) else math.inf
            used = max(start, min(used, start + length))
        return used

    return used_seconds


def _is_absolute(written: Any) -> bool:
    """Whether a time depends neither on the footage's length nor on beats."""
    return written is not None and not {*str(written).lower()} & {"%", "b"}


def _check_outputs(footage: Path, outputs: Iterable[Path]) -> None:
    """Raise ConfigError when an output would replace the footage or lie among its images."""
    if not os.path.lexists(footage.parent):
        return
    for path in outputs:
        if path.exists() and footage.exists() and path.samefile(footage):
            raise ConfigError("output", path, "this is the footage itself; give the film another name")
        if image_sequence.is_sequence(footage) and image_sequence.is_among(path, footage):
            raise ConfigError("output", path, f"it would lie among the pictures of {footage}; use another folder")
