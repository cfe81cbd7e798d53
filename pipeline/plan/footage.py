"""The stretch of footage under a film: which picture at which frame, where it is cut, what is heard. No torch."""

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
from pipeline.errors import ConfigError, InputError
from pipeline.media.decode import frame_rate, image_sequence
from pipeline.media.decode.clip import Clip, open_clip
from pipeline.media.decode.scan import Until
from pipeline.media.encode.codecs import find_codec, find_muxer
from pipeline.media.sound.damage import find_damage
from pipeline.media.sound.source_audio import Sound, check_channels
from pipeline.timing.timecode import parse_fps, parse_time, show_time

LATE = 0.1  # seconds before the first picture that may go unheard without a word


@dataclass(frozen=True)
class Stretch:
    """``seconds`` of ``clip`` from second ``start`` of the file's clock on, shown at ``fps`` frames per second.

    ``first`` says whether it begins with the clip's first picture, ``last`` whether it ends with its last.
    """

    clip: Clip
    start: float
    seconds: float
    fps: Fraction
    first: bool
    last: bool

    @property
    def frames(self) -> int:
        """How many frames it has."""
        return max(1, round(self.seconds * self.fps))

    def picks(self, frames: int) -> NDArray[np.int64]:
        """The number of the clip's picture under each of the first ``frames`` frames."""
        return frame_rate.picks(self.clip.times, start=self.start, rate=self.fps, frames=frames)

    def cuts(self, frames: int) -> frozenset[int]:
        """The frames that are the first of a new scene."""
        shown = self.picks(frames)
        scenes = np.searchsorted(self.clip.cuts, shown, side="right")
        return frozenset(int(n) + 1 for n in np.nonzero(np.diff(scenes))[0])

    def repeats(self, frames: int) -> frozenset[int]:
        """The frames that show the picture before them once more."""
        return frozenset(int(n) + 1 for n in np.nonzero(np.diff(self.picks(frames)) == 0)[0])

    def sound(self, frames: int, audio: str = "source") -> Sound | None:
        """What is heard under the first ``frames`` frames: with ``audio=source`` what the footage has, or None."""
        if audio != "source" or not self.clip.tracks:
            return None
        whole = self.last and frames >= self.frames and not self.clip.salvaged
        end = None if whole else self.start + frames / float(self.fps)
        return Sound(self.clip.path, self.clip.tracks, self.start, end, self.first)

    def notes(self, frames: int, audio: str, video: Path, codec: str) -> list[str]:
        """What a person should know before ``video`` is made. ConfigError for sound that it cannot hold."""
        sound = self.sound(frames, audio)
        if sound is None:
            return list(self.clip.notes)
        muxer = find_muxer(find_codec(codec), video)
        check_channels(self.clip.path, muxer)
        late = float(self.clip.times[0])
        unheard = f"the first {late:.2f} s of sound come before the first picture and are left out"
        left_out = unheard if self.start == late > LATE else ""
        return [*self.clip.notes, *filter(None, [sound.note(muxer), left_out])]


def check_apart(config: SourceConfig, paths: Iterable[Path]) -> None:
    """Raise ConfigError when a file at one of ``paths`` would replace the footage or stand among its pictures."""
    footage = Path(config.path or "")
    if not config.path or not os.path.lexists(footage.parent):
        return
    for path in paths:
        if path.exists() and footage.exists() and path.samefile(footage):
            raise ConfigError("output", path, "this is the footage itself; give the film another name")
        if image_sequence.is_sequence(footage) and image_sequence.is_among(path, footage):
            raise ConfigError("output", path, f"it would stand among the pictures of {footage}; take another folder")


def plan_stretch(config: SourceConfig, fps: Any, duration: Any = None, *, heard: bool = False) -> Stretch:
    """Find the footage, look at all of it that is used, read its times; ``fps`` is ``source`` or frames per second.

    A ``duration`` in seconds or frames, as the film's is written, spares looking at what comes after it. Sound that
    will be ``heard`` is looked at as well.
    Raises ConfigError for settings that do not fit it, InputError for a file that is missing or damaged.
    """
    if not config.path:
        raise ConfigError("source.path", "null", "source=video needs the footage: source.path=clip.mp4")
    forced = None if config.fps in (None, "source") else parse_fps(config.fps, "source.fps")
    until = _until(config, forced, fps, duration)
    clip = open_clip(Path(config.path), fps=forced, salvage=config.salvage, threshold=config.cut, until=until)
    rate_of_film = clip.fps if fps == "source" else parse_fps(fps, "frame.fps")
    start = _time(config.start, clip, "source.start")
    end = clip.seconds if config.end is None else _time(config.end, clip, "source.end")
    if not start < clip.seconds:
        raise ConfigError("source.start", config.start, f"the footage lasts {show_time(clip.seconds)}")
    if end <= start:
        raise ConfigError("source.end", config.end, f"it comes after source.start={config.start}")
    if end > clip.seconds + 1 / clip.fps:
        raise ConfigError("source.end", config.end, f"allowed is up to {show_time(clip.seconds)}")
    stretch = Stretch(
        clip=clip,
        start=float(clip.times[0]) + start,
        seconds=end - start,
        fps=rate_of_film,
        # Sound that begins a moment before the picture, as every AAC track does, is no reason to cut it.
        first=start == 0 and abs(float(clip.times[0])) < 0.5 / float(clip.fps),
        last=config.end is None,
    )
    return hear_through(stretch, config.salvage, until(clip.fps)) if heard else stretch


def hear_through(stretch: Stretch, salvage: bool, until: float) -> Stretch:
    """The stretch, whose sound was listened to as far as second ``until`` of the clip; InputError when damaged."""
    clip = stretch.clip
    if not clip.tracks:
        return stretch
    end = math.inf if until == math.inf and stretch.last else float(clip.times[0]) + min(until, clip.seconds)
    damage = find_damage(clip.path, stretch.start, end)
    if not damage:
        return stretch
    where = f"the sound of {clip.path} is damaged {damage}"
    if not salvage:
        raise InputError(f"{where}; source.salvage=true takes it as it is, audio=none leaves it out")
    return replace(stretch, clip=replace(clip, notes=(*clip.notes, f"{where}; it is taken as it is")))


def _until(config: SourceConfig, forced: Fraction | None, fps: Any, duration: Any) -> Until:
    """How much of the footage is used, once its rate is known."""

    def seconds(rate: Fraction) -> float:
        own = forced or rate
        film = own if fps == "source" else parse_fps(fps, "frame.fps")
        used = parse_time(config.end, fps=own, key="source.end") if _is_absolute(config.end) else math.inf
        if _is_absolute(config.start):
            start = parse_time(config.start, fps=own, key="source.start")
            lasting = parse_time(duration, fps=film, key="duration") if _is_absolute(duration) else math.inf
            used = max(start, min(used, start + lasting))
        return used

    return seconds


def _is_absolute(written: Any) -> bool:
    """Whether a time is written that depends neither on the footage's length nor on beats."""
    return written is not None and not {*str(written).lower()} & {"%", "b"}


def _time(written: Any, clip: Clip, key: str) -> float:
    return parse_time(written, fps=clip.fps, key=key, duration=clip.seconds)
