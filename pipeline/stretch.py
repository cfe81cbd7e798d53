"""The stretch of footage under a film: which picture at which frame, where it is cut, what is heard. No torch."""

import math
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.config import SourceConfig
from pipeline.errors import ConfigError
from pipeline.media import rate
from pipeline.media.clip import Clip, open_clip
from pipeline.media.codecs import find_codec, find_muxer
from pipeline.media.sound import Sound
from pipeline.score.clock import parse_fps, parse_time, show_time

AHEAD = 2.0  # seconds looked at beyond source.end, so that a cut or damage just there is seen


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
        return rate.picks(self.clip.times, start=self.start, rate=self.fps, frames=frames)

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
        """What a person should know before ``video`` is made. ConfigError when it would replace the footage."""
        if video.exists() and video.samefile(self.clip.path):
            raise ConfigError("output", video, "this is the footage itself; give the film another name")
        sound = self.sound(frames, audio)
        said = sound.note(find_muxer(find_codec(codec), video)) if sound else ""
        return [*self.clip.notes, *filter(None, [said])]


def plan_stretch(config: SourceConfig, fps: Any) -> Stretch:
    """Find the footage, look at all of it that is used, read its times; ``fps`` is ``source`` or frames per second.

    Raises ConfigError for settings that do not fit it, InputError for a file that is missing or damaged.
    """
    if not config.path:
        raise ConfigError("source.path", "null", "source=video needs the footage: source.path=clip.mp4")
    forced = None if config.fps in (None, "source") else parse_fps(config.fps, "source.fps")
    until = math.inf
    if config.end is not None and "%" not in str(config.end):
        # The rate is not known yet; frames are at least one a 240th, at most one a second long.
        until = parse_time(config.end, fps=forced or Fraction(1), key="source.end") + AHEAD
    clip = open_clip(Path(config.path), fps=forced, salvage=config.salvage, threshold=config.cut, until=until)
    rate_of_film = clip.fps if fps == "source" else parse_fps(fps, "frame.fps")
    start = _time(config.start, clip, "source.start")
    end = clip.seconds if config.end is None else _time(config.end, clip, "source.end")
    if not start < clip.seconds:
        raise ConfigError("source.start", config.start, f"the footage lasts {show_time(clip.seconds)}")
    if not start < end <= clip.seconds + 1 / clip.fps:
        last = f"allowed is up to {show_time(clip.seconds)}, and after source.start"
        raise ConfigError("source.end", config.end, last)
    return Stretch(
        clip=clip,
        start=float(clip.times[0]) + start,
        seconds=end - start,
        fps=rate_of_film,
        # Sound that begins a moment before the picture, as every AAC track does, is no reason to cut it.
        first=start == 0 and abs(float(clip.times[0])) < 0.5 / float(clip.fps),
        last=config.end is None,
    )


def _time(written: Any, clip: Clip, key: str) -> float:
    return parse_time(written, fps=clip.fps, key=key, duration=clip.seconds)
