"""Signals that a live score follows: those of a song, or of the sound input as it is recorded while it plays.

The recording has a whole number of rows in each frame, and its clock is the dream's. A row is written before the frame
that reads it, and a beat before the frames that lead to it, so that a film which reads the file has the same numbers.
"""

import math
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from pipeline.cli.from_film import COMPANIONS
from pipeline.errors import ConfigError, OutputError
from pipeline.live.listener import Listener, sound_input
from pipeline.plan.film_plan import FilmPlan
from pipeline.plan.song_grid import DEFAULT_BPM
from pipeline.timing import recorded_signals
from pipeline.timing.beat_grid import MAX_EARLY_SECONDS, Grid
from pipeline.timing.recorded_signals import DIGITS, grid_of
from pipeline.timing.signals import LEVELS, MIN_RELEASE_SECONDS, Signal, Signals

MIN_ROWS_PER_SECOND = 48.0
MIN_BEAT_FRACTION = 0.6  # of a beat's length: no beat is closer to the one before


@dataclass(frozen=True)
class LiveSignals(Signals):
    """The signals of ``source`` since the moment at which the shot began; every shot moves it with ``begin``."""

    source: Callable[[float], Signals] = lambda second: Signals(Grid((0.0, 0.5), 0, 4), 0.0, 0.1)
    _now: list[Signals] = field(default_factory=list)
    _known: dict[tuple[str, float | None, float | None], Signal] = field(default_factory=dict)

    @classmethod
    def of(cls, signals: Signals, source: Callable[[float], Signals]) -> "LiveSignals":
        """The same signals, taken from ``source`` (second at which a shot begins → its signals)."""
        result = cls(signals.grid, signals.attack, signals.release, signals.song, signals.assumed, source=source)
        result.begin(0.0)
        return result

    def begin(self, second: float) -> None:
        """A shot begins at this second of the session, or what is known of the music has changed."""
        self._now[:] = [self.source(second)]
        self._known.clear()

    def now(self) -> Signals:
        """The signals of the shot that plays."""
        return self._now[0]

    def signal(self, name: str, attack: float | None = None, release: float | None = None) -> Signal:
        key = (name, attack, release)

        def value(t: float) -> float:
            if key not in self._known:
                self._known[key] = self.now().signal(name, attack, release)
            return self._known[key](t)

        return value


class Envelope:
    """A level through the one-pole filter of films, extended row by row."""

    def __init__(self, rate: float, attack: float, release: float) -> None:
        self.up, self.down = (math.exp(-1 / (rate * time)) if time > 0 else 0.0 for time in (attack, release))
        self.values: list[float] = []

    def extend(self, levels: list[float]) -> None:
        """Add the rows that are missing."""
        value = self.values[-1] if self.values else 0.0
        for level in levels[len(self.values) :]:
            value = level + (value - level) * (self.up if level > value else self.down)
            self.values.append(value)


class Recording:
    """What is heard, row by row, in the file ``path``; ``fps`` is the rate of frames. Raises OutputError."""

    def __init__(self, path: Path, fps: float, listener: Listener, bpm: float, beats_per_bar: int) -> None:
        self.path = path
        self._rows_per_frame = math.ceil(MIN_ROWS_PER_SECOND / fps)
        self.rate = fps * self._rows_per_frame
        self._listener, self._bpm, self._beats_per_bar = listener, bpm, beats_per_bar
        self._levels: dict[str, list[float]] = {name: [] for name in LEVELS}
        self._envelopes: dict[tuple[str, float, float], Envelope] = {}
        self._beats = [0, max(1, round(60 / bpm * self.rate))]  # rows; the last one is still to come
        self._flushed = 0
        try:
            self._file = path.open("w", encoding="ascii")
            self._file.write(recorded_signals.head(self.rate))
        except OSError as error:
            raise OutputError(f"{path} cannot be written: {error.strerror}") from error

    def __enter__(self) -> "Recording":
        return self

    def __exit__(self, *error: object) -> None:
        """End with the beat that was expected: the last frames may already have led to it. Raises OutputError."""
        with self._file:
            for row in range(len(self._levels["loud"]), self._beats[-1] + 1):
                self._write(row, dict.fromkeys(LEVELS, 0.0), is_beat=row == self._beats[-1])

    def hear(self, frame: int) -> bool:
        """Frame number ``frame`` of the session is next: record what was heard until now. True after a new beat.

        Raises OutputError.
        """
        count = frame * self._rows_per_frame + 1 - len(self._levels["loud"])
        if count <= 0:
            return False
        before = {name: levels[-1] if levels else 0.0 for name, levels in self._levels.items()}
        levels, has_beat = self._listener.take(), False
        edges = np.linspace(0, len(levels), count + 1).astype(int)
        for number in range(count):
            rows = levels[edges[number] : edges[number + 1]]
            if len(rows):
                loudest = rows.max(axis=0).round(DIGITS).astype(np.float32)  # as the film reads them
                before = dict(zip(LEVELS, loudest.tolist(), strict=True))
            row = len(self._levels["loud"])
            is_beat = row == self._beats[-1] or row == 0
            for name, level in before.items():
                self._levels[name].append(level)
            self._write(row, before, is_beat=is_beat)
            if row == self._beats[-1]:
                self._beats.append(self._next_beat(row))
                has_beat = True
        return has_beat

    def signals(self, attack: float, release: float, second: float, tolerance: float) -> Signals:
        """What is known so far, since ``second`` of the session."""
        grid = grid_of(self._beats, self.rate, self._bpm, self._beats_per_bar)
        recorded = RecordedSignals(grid, attack, release, recording=self)
        return (
            recorded
            if second == 0
            else replace(recorded, grid=grid.since(second, max(MAX_EARLY_SECONDS, tolerance)), second=second)
        )

    def level(self, name: str, attack: float, release: float, t: float) -> float:
        """The level at second ``t`` of the session, 0 where it is not known yet."""
        envelope = self._envelopes.setdefault((name, attack, release), Envelope(self.rate, attack, release))
        envelope.extend(self._levels[name])
        position, values = t * self.rate, envelope.values
        index = math.floor(position)
        if not 0 <= index < len(values):
            return 0.0
        following = values[index + 1] if index + 1 < len(values) else 0.0
        return values[index] + (following - values[index]) * (position - index)

    def state(self) -> dict[str, float]:
        """The newest levels, and 1 in the rows after a beat."""
        row = len(self._levels["loud"]) - 1
        is_beat = len(self._beats) > 1 and row - self._beats[-2] < self.rate / 8
        return {**{name: levels[-1] for name, levels in self._levels.items() if levels}, "beat": float(is_beat)}

    def _next_beat(self, row: int) -> int:
        """The row of the beat after that on ``row``: where the listener expects one, else at the same tempo."""
        usual = row - self._beats[-2]
        expected = self._listener.next_beat(MIN_BEAT_FRACTION * usual / self.rate)
        return row + (usual if expected is None else max(1, round(expected[0] * self.rate)))

    def _write(self, row: int, levels: dict[str, float], *, is_beat: bool) -> None:
        try:
            self._file.write(",".join(f"{level:g}" for level in (*levels.values(), is_beat)) + "\n")
            if row - self._flushed > self.rate / 2:
                self._flushed = row
                self._file.flush()
        except OSError as error:
            raise OutputError(f"{self._file.name} cannot be written: {error.strerror}") from error


@dataclass(frozen=True)
class RecordedSignals(Signals):
    """The signals of a ``recording`` since its ``second``."""

    recording: Recording | None = None
    second: float = 0.0

    def signal(self, name: str, attack: float | None = None, release: float | None = None) -> Signal:
        recording = self.recording
        if name not in LEVELS or recording is None:
            return super().signal(name, attack, release)
        up, down = self.attack if attack is None else attack, self.release if release is None else release
        return lambda t: recording.level(name, up, max(MIN_RELEASE_SECONDS, down), t + self.second)


def follow_sound(
    film: FilmPlan, device: str | None, session: Path, stack: ExitStack
) -> tuple[FilmPlan, Recording | None]:
    """The film with signals that go on from shot to shot, and, with a sound input, its recording.

    Raises ConfigError, RenderError.
    """
    first, fps, audio, recording = film.shots[0], float(film.fps), film.config.audio, None
    signals, tolerance = first.signals, 0.5 / fps
    if device is None:
        live = LiveSignals.of(signals, lambda second: signals.since(second, tolerance) if second else signals)
    elif film.song is not None or audio.signals is not None:
        raise ConfigError("live.audio", device, "the session follows its song (audio.path) or audio.signals")
    else:
        listener = stack.enter_context(Listener())
        path = session.with_name(f"{session.stem}{COMPANIONS['audio.signals']}")
        made = Recording(path, fps, listener, audio.bpm or DEFAULT_BPM, audio.beats_per_bar)
        recording = stack.enter_context(made)
        live = LiveSignals.of(
            first.signals, lambda second: made.signals(audio.attack, audio.release, second, tolerance)
        )
        live = replace(live, assumed=False)
        stack.enter_context(sound_input(device, listener))
    return replace(film, shots=(replace(first, signals=live),)), recording
