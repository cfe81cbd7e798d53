"""Listens to the machine's sound input (sounddevice): levels, and where the next beat is, as songs are analysed.

Levels are relative to the last ``WINDOW_SECONDS``. Beats come from the beat tracker of films, run on them every second.
"""

import logging
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from queue import Empty, Full, Queue

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from pipeline.errors import ConfigError, RenderError
from pipeline.music.analysis import FULL_QUANTILE
from pipeline.music.beats import track
from pipeline.music.features import HOP, PER_SECOND, RATE, WINDOW, FeatureBank, as_features
from pipeline.music.onsets import SILENT_POWER, rises

log = logging.getLogger(__name__)

Samples = NDArray[np.float32]
Rows = NDArray[np.float32]

WINDOW_SECONDS = 10.0
MIN_BEAT_SECONDS = 3.0  # of sound before beats are tracked
TRACK_SECONDS = 1.0  # between two runs of the beat tracker
BLOCK_SAMPLES = 512  # 23 ms
MAX_BLOCKS = 400  # that wait to be analysed, nine seconds


class Listener:
    """Analyses samples from its thread while it is entered; ``add`` them, ``RATE`` a second."""

    def __init__(self) -> None:
        self._queue: Queue[Samples | None] = Queue(MAX_BLOCKS)
        self._lock = threading.Lock()
        self._bank = FeatureBank()
        self._rows: Rows = np.zeros((0, 48), np.float32)  # of the last WINDOW_SECONDS
        self._new: list[Rows] = []  # levels since the last ``take``
        self._rest: Samples = np.zeros(WINDOW // 2, np.float32)
        self._count = 0  # of all rows so far
        self._beat: tuple[float, float] | None = None  # second of the last beat, seconds between beats
        self._arrived = (0.0, time.monotonic())  # seconds of sound so far, and when they were there
        self._thread = threading.Thread(target=self._run, name="audio analysis", daemon=True)

    def __enter__(self) -> "Listener":
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._queue.put(None)
        self._thread.join(5)

    def add(self, samples: Samples) -> None:
        """More mono samples. Returns at once; if the analysis is late they are lost."""
        try:
            self._queue.put_nowait(samples)
        except Full:
            log.warning("the sound input is analysed too slowly; some of it is left out", extra={"once": True})

    def take(self) -> Rows:
        """Bass, mid, treble and loudness ``(n, 4)`` in 0..1 since the last call, evenly spaced in time."""
        with self._lock:
            rows, self._new = self._new, []
        return np.concatenate(rows) if rows else np.zeros((0, 4), np.float32)

    def next_beat(self, after: float) -> tuple[float, float] | None:
        """(seconds from now to the first beat that is at least ``after`` seconds away, seconds between beats); None
        while no beat is known. ``after`` may be negative.
        """
        with self._lock:
            if self._beat is None:
                return None
            (last, period), (seconds, at) = self._beat, self._arrived
            now = seconds + time.monotonic() - at
            number = np.ceil((now + after - last) / period - 1e-9)
            return float(last + number * period - now), period

    def wait(self, seconds: float) -> None:
        """Wait until so many seconds of sound are analysed."""
        while self._count < seconds * PER_SECOND:
            time.sleep(0.01)

    def _run(self) -> None:
        tracked = 0
        while True:
            blocks = [self._queue.get()]
            while True:
                try:
                    blocks.append(self._queue.get_nowait())
                except Empty:
                    break
            samples = [block for block in blocks if block is not None]
            if samples:
                self._analyse(np.concatenate(samples))
            if len(samples) < len(blocks):
                return
            if self._count - tracked >= TRACK_SECONDS * PER_SECOND:
                tracked = self._count
                self._track()

    def _analyse(self, samples: Samples) -> None:
        rest = np.concatenate([self._rest, np.nan_to_num(samples).clip(-8, 8)])
        count = max(0, (len(rest) - WINDOW) // HOP + 1)
        self._rest = rest[count * HOP :]
        if not count:
            return
        rows = self._bank.rows(sliding_window_view(rest, WINDOW)[::HOP][:count])
        self._rows = np.concatenate([self._rows, rows])[-int(WINDOW_SECONDS * PER_SECOND) :]
        power = self._rows[:, :4]
        full = np.quantile(power, FULL_QUANTILE, axis=0)
        levels = np.where(full > SILENT_POWER, np.minimum(1, np.sqrt(rows[:, :4] / np.maximum(full, SILENT_POWER))), 0)
        with self._lock:
            self._new.append(levels.astype(np.float32))
            self._count += count
            self._arrived = (self._count / PER_SECOND, time.monotonic())

    def _track(self) -> None:
        if len(self._rows) < MIN_BEAT_SECONDS * PER_SECOND:
            return
        features = as_features(self._rows, len(self._rows) / PER_SECOND)
        beats = track(features, rises(features))
        if len(beats) < 4:
            return
        first = (self._count - len(self._rows)) / PER_SECOND
        period, last = _line(beats)
        with self._lock:
            self._beat = first + last, period


def _line(beats: NDArray[np.float64]) -> tuple[float, float]:
    """(seconds between beats, second of the last one) of a straight line through the latest beats."""
    latest = beats[-9:]
    numbers = np.round((latest - latest[-1]) / np.median(np.diff(latest)))
    slope, end = np.polyfit(numbers, latest, 1)
    return float(slope), float(end)


def sound_input(written: str, listener: Listener) -> AbstractContextManager[object]:
    """The machine's input, which is passed to ``listener`` while it is entered: ``input``, or ``input:`` and the number
    or a part of the name of a device. Raises ConfigError, RenderError.
    """
    if not re.fullmatch("input(:.+)?", written):
        raise ConfigError("live.audio", written, "write input, or input: and the number or name of a device")
    try:
        import sounddevice
    except ModuleNotFoundError as error:
        raise RenderError(f"live.audio needs the package {error.name}: scripts/setup live installs it") from error
    except OSError as error:
        raise RenderError(f"live.audio needs PortAudio, on Debian the package libportaudio2 ({error})") from error
    name = written.removeprefix("input").removeprefix(":")
    device = None if not name else int(name) if name.isdecimal() else name

    def arrived(samples: Samples, frames: int, at: object, status: object) -> None:
        listener.add(samples[:, 0].copy())

    make: Callable[..., AbstractContextManager[object]] = sounddevice.InputStream
    try:
        return make(
            samplerate=RATE, blocksize=BLOCK_SAMPLES, device=device, channels=1, dtype="float32", callback=arrived
        )
    except (sounddevice.PortAudioError, ValueError) as error:
        there = ", ".join(f"{n}: {each['name']}" for n, each in enumerate(_inputs(sounddevice)))
        raise ConfigError(
            "live.audio", written, f"it cannot be opened ({error}); there are {there or 'none'}"
        ) from error


def _inputs(sounddevice: object) -> Iterator[dict[str, object]]:
    devices = sounddevice.query_devices()  # type: ignore[attr-defined]
    yield from devices
