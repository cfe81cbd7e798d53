"""In which order and at which speed the finished frames of a film are shown. No torch."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import pairwise

from pipeline.config import PlaybackConfig, RenderConfig
from pipeline.errors import ConfigError
from pipeline.plan.film_plan import FilmPlan
from pipeline.score.curve import Curve, parse_curve
from pipeline.timing.timecode import parse_fps

EXACT = 1e-6  # of a frame: nearer to a dreamed one than that, it is that one


@dataclass(frozen=True)
class Playback:
    """Shown frames of ``frames`` dreamed ones at ``rate``; ``fps`` is that of the shown film.

    ``loops``: after the last dreamed frame comes the first. ``cuts`` are the dreamed frames that begin a new scene.
    """

    frames: int
    rate: Fraction
    fps: Fraction
    reverse: bool
    pingpong: bool
    speed: Curve
    loops: bool
    cuts: frozenset[int]
    max_frames: int

    @cached_property
    def positions(self) -> tuple[float, ...]:
        """Of every shown frame: the place among the dreamed ones from which it comes, whole or in between."""
        return tuple(self._place(travelled) for travelled in self._travel())

    def pair(self, position: float) -> tuple[int, int, float]:
        """(a, b, fraction): the dreamed frames around a place, and how far it lies from a to b; 0 at a alone."""
        first = math.floor(position)
        after, fraction = (first + 1) % self.frames, position - first
        if fraction and after in self.cuts:
            first, fraction = (first, 0.0) if fraction < 0.5 else (after, 0.0)
        return first, after if fraction else first, fraction

    @cached_property
    def nearest(self) -> tuple[int, ...]:
        """Of every shown frame: the dreamed one that it is, or lies next to."""
        pairs = map(self.pair, self.positions)
        return tuple(first if fraction < 0.5 else after for first, after, fraction in pairs)

    def seconds_shown(self, second: float) -> list[float]:
        """When the moment at a dreamed ``second`` is shown: once, twice or never."""
        place, shown = second * float(self.rate), list[float]()
        for number, (here, there) in enumerate(pairwise((*self.positions, math.inf))):
            step = there - here if abs(there - here) < self.frames / 2 else math.inf  # a loop goes around
            part = (place - here) / step if step else 0.0
            if here == place or 0 < part < 1:
                shown.append((number + part) / float(self.fps))
        return shown

    @property
    def is_changed(self) -> bool:
        """Whether the order or the speed is another; else only frames are added in between."""
        return self.reverse or self.pingpong or self.speed.text not in ("1", "1.0")

    @property
    def between(self) -> int:
        """How many shown frames lie in between dreamed ones."""
        return sum(self.pair(position)[2] > 0 for position in self.positions)

    def _travel(self) -> Iterator[float]:
        """The dreamed frames that have gone by at every shown frame, until the film is over."""
        whole = 2 * self.frames - 2 if self.pingpong else self.frames
        gone, step = 0.0, float(self.rate / self.fps)
        for number in range(self.max_frames + 1):
            speeds = (self.speed.at(float((number + part) / self.fps)) for part in (0, 1))
            advance = sum(speeds) / 2 * step
            if number and gone > whole - advance / 2 - EXACT:
                return
            yield gone
            gone += advance
            gone = round(gone) if abs(gone - round(gone)) < EXACT else gone
        raise ConfigError("film.speed", self.speed.text, f"the film would have more than {self.max_frames} frames")

    def _place(self, travelled: float) -> float:
        last = self.frames - 1
        if self.pingpong and travelled > last:
            travelled = 2 * last - travelled
        elif not self.loops:
            travelled = min(travelled, last)
        place = last - travelled if self.reverse else travelled
        return place % self.frames if self.loops else max(0.0, place)


def plan_playback(film: FilmPlan) -> Playback | None:
    """How the film is shown; None where its frames are shown as they are dreamed. Raises ConfigError."""
    config, play = film.config, film.config.playback
    if not is_played(config):
        return None
    fps = _shown_fps(config, film.fps)
    speed = parse_curve(
        play.speed,
        key="film.speed",
        fps=film.fps,
        duration=float(film.frames / film.fps),
        seed=config.seed,
        limits=(0.05, 20),
        signals=film.signals,
    )
    if config.frames is not None:
        words = "a part is shown as it is dreamed: leave out film.reverse, pingpong, speed and encode.interpolate"
        raise ConfigError("frames", config.frames, words)
    if play.pingpong and config.loop:
        raise ConfigError("film.pingpong", "true", "it loops by itself: leave out loop=true")
    if play.pingpong and film.frames < 2:
        raise ConfigError("film.pingpong", "true", "a film of one frame goes nowhere")
    playback = Playback(
        frames=film.frames,
        rate=film.fps,
        fps=fps,
        reverse=play.reverse,
        pingpong=play.pingpong,
        speed=speed,
        loops=config.loop,
        cuts=frozenset(_cuts(film)),
        max_frames=math.ceil(config.limits.hours * 3600 * fps),
    )
    assert playback.positions
    return playback


def playback_notes(film: FilmPlan) -> list[str]:
    """What the user should know about a film that is not shown as it is dreamed."""
    playback = film.playback
    if playback is None:
        return []
    shown, between = len(playback.positions), playback.between
    notes = [f"{film.frames} dreamed frames are shown as {shown}, {between} of them in between by optical flow"]
    if playback.is_changed:
        if film.song is not None and film.config.audio.kind != "none":
            notes.append("the song plays forward at its own speed; what follows its beats is shown at other times")
        if film.song is None and any(shot.footage and shot.footage.clip.audio for shot in film.shots):
            notes.append("the sound of the footage does not follow its pictures there and is left out")
    return notes


def is_played(config: RenderConfig) -> bool:
    """Whether the film is shown otherwise than it is dreamed, so that its frames are encoded again."""
    return config.playback != PlaybackConfig() or config.encode.interpolate is not None


def _shown_fps(config: RenderConfig, fps: Fraction) -> Fraction:
    if config.encode.interpolate is None:
        return fps
    shown = parse_fps(config.encode.interpolate, "encode.interpolate")
    if shown < fps:
        words = f"frames are added, never left out: needs at least frame.fps={float(fps):.5g}"
        raise ConfigError("encode.interpolate", config.encode.interpolate, words)
    return shown


def _cuts(film: FilmPlan) -> Iterator[int]:
    """The frames of the film that begin a new scene: after a cut, in the film or in its footage."""
    if not film.config.loop:
        yield 0
    for number, shot in enumerate(film.shots):
        first = film.first_frame(number)
        if number and shot.handles.transition == "cut":
            yield first
        if shot.footage is not None:
            yield from (first + cut for cut in shot.footage.cuts(shot.frames))
