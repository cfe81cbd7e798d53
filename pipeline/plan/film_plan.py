"""The plan of a film: its shots, its sound and the files it becomes. No torch."""

import re
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from pipeline.config import RenderConfig
from pipeline.errors import ConfigError
from pipeline.plan.output_paths import OutputPaths
from pipeline.plan.shot_plan import ShotPlan
from pipeline.plan.song import Song
from pipeline.timing.signals import Signals
from pipeline.timing.timecode import show_time

if TYPE_CHECKING:
    from pipeline.plan.playback import Playback


@dataclass(frozen=True)
class FilmPlan:
    """One shot or more, all of one frame size and rate.

    ``request`` is the config as the user gave it, ``config`` the same with the frame rate and the encoder resolved.
    ``part`` are the frames to render; None renders all. ``playback`` shows the frames in another order or at another
    speed than they are dreamed. ``notes`` are for the user.
    """

    config: RenderConfig
    request: RenderConfig
    outputs: OutputPaths
    shots: tuple[ShotPlan, ...]
    signals: Signals
    song: Song | None = None
    part: range | None = None
    playback: "Playback | None" = None
    notes: tuple[str, ...] = ()

    @property
    def width(self) -> int:
        """Of a frame, in pixels."""
        return self.shots[0].width

    @property
    def height(self) -> int:
        """Of a frame, in pixels."""
        return self.shots[0].height

    @property
    def fps(self) -> Fraction:
        """Frames per second."""
        return self.shots[0].fps

    @property
    def frames(self) -> int:
        """Number of dreamed frames that the finished film is made of."""
        return sum(shot.frames - shot.handles.hidden for shot in self.shots)

    @property
    def shown_frames(self) -> int:
        """Number of frames in the finished film, or in its part."""
        return len(self.playback.positions) if self.playback else len(self.part or range(self.frames))

    @property
    def film_frames(self) -> int:
        """Number of frames in the whole finished film."""
        return self.shown_frames if self.playback else self.frames

    @property
    def shown_fps(self) -> Fraction:
        """Frames per second of the finished film."""
        return self.playback.fps if self.playback else self.fps

    @property
    def seconds(self) -> Fraction:
        """How long the whole finished film lasts."""
        return self.film_frames / self.shown_fps

    def dreamed_second(self, shown: float) -> float:
        """The second at which is dreamed what the film shows at the second ``shown``."""
        if self.playback is None:
            return shown
        number = min(round(shown * self.playback.fps), len(self.playback.positions) - 1)
        return self.playback.positions[number] / float(self.fps)

    @property
    def title(self) -> str:
        """The film's name without folder and suffix."""
        return self.outputs.video.stem

    @property
    def summary(self) -> str:
        """Size, rate and length in words."""
        frames = f"{self.film_frames} frame{'s' * (self.film_frames != 1)}"
        return (
            f"{self.width}x{self.height}, {float(self.shown_fps):.5g} fps, {frames}, {show_time(float(self.seconds))}"
        )

    def needed_frames(self) -> dict[int, range]:
        """Shot → its frames that ``part`` needs: in it, around a transition in it, or continued by its shots; in a loop
        also those that its end is led to.
        """
        part, at, needed = self.part or range(self.frames), 0, dict[int, range]()

        def need(number: int, first: int, stop: int) -> None:
            before = needed.get(number, range(first, stop))
            needed[number] = range(min(first, before.start), max(stop, before.stop))

        for number, shot in enumerate(self.shots):
            handles, end = shot.handles, shot.frames - shot.handles.tail
            if part.start < at + handles.head and at < part.stop:
                need(number - 1, self.shots[number - 1].frames - handles.head, self.shots[number - 1].frames)
                need(number, 0, handles.hidden)
            at += handles.head
            first, stop = max(part.start, at), min(part.stop, at + end - handles.hidden)
            if first < stop:
                need(number, handles.hidden + first - at, handles.hidden + stop - at)
            at += end - handles.hidden
        last = len(self.shots) - 1
        overlap = self.shots[last].handles.loop_overlap
        if overlap and last in needed:
            if last:
                need(0, 0, self.shots[0].frames)
            elif needed[0].stop > self.shots[0].frames - overlap:
                need(0, 0, needed[0].stop)
        for number in reversed(range(1, len(self.shots))):
            if number in needed and self.shots[number].handles.continues:
                need(number - 1, 0, self.shots[number - 1].frames)
        return dict(sorted(needed.items()))

    def first_frame(self, number: int) -> int:
        """The film frame at which frame 0 of shot ``number`` lies; below 0 for a pre-roll."""
        return (
            sum(shot.frames - shot.handles.hidden for shot in self.shots[:number]) - self.shots[number].handles.hidden
        )


def selected_shots(film: FilmPlan) -> list[int]:
    """The indices of the shots to render. Raises ConfigError."""
    count, written = len(film.shots), film.config.shots
    if written is None:
        return list(film.needed_frames())
    if film.part is not None:
        raise ConfigError("frames", film.config.frames, "give frames= or shots=, not both")
    matches = re.findall(r"(\d{1,6})(?:\s*\.\.\s*(\d{1,6}))?", written)
    spans = [(int(first), int(last or first)) for first, last in matches]
    rest = re.sub(r"\d{1,6}(\s*\.\.\s*\d{1,6})?|[\s,]", "", written)
    if rest or not spans or any(not 1 <= first <= last <= count for first, last in spans):
        raise ConfigError("shots", written, f"needs numbers of shots from 1 to {count}, as in 1,3 or 2..4")
    return sorted({number - 1 for first, last in spans for number in range(first, last + 1)})
