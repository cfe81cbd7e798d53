"""Synthetic songs: clicks, off-beat hats, accents, drift and noise, with the true times of the beats."""

import wave
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

RATE = 22_050
Samples = NDArray[np.float32]


@dataclass(frozen=True)
class Drawing:
    """``bpm`` sways by the share ``drift``; every fourth click is an accent, unless all are ``alike``; ``hats`` are as
    loud as told.
    """

    bpm: float
    seconds: float = 20.0
    click: str = "kick"
    hats: float = 0.5
    eighths: bool = False
    noise: float = 0.0
    drift: float = 0.0
    offset: float = 0.3
    seed: int = 0
    alike: bool = False

    def beats(self) -> NDArray[np.float64]:
        """The second of every click."""
        times, t = [], self.offset
        while t < self.seconds - 0.1:
            times.append(t)
            t += 60 / (self.bpm * (1 + self.drift * np.sin(2 * np.pi * t / 20)))
        return np.array(times)

    def samples(self) -> Samples:
        """Mono, ``RATE`` a second."""
        rng = np.random.default_rng(self.seed)
        e, d = (np.arange(int(seconds * RATE)) / RATE for seconds in (0.15, 0.25))
        strokes = {
            "kick": np.sin(2 * np.pi * (50 * e + 8 * (1 - np.exp(-e * 30)))) * np.exp(-e * 25),
            "blip": np.sin(2 * np.pi * 1000 * e) * np.exp(-e * 60),
            "deep": np.sin(2 * np.pi * (50 * d + 1 - np.exp(-d * 30))) * np.exp(-d * 14),
            "clap": rng.standard_normal(len(e)) * np.exp(-e * 80) * 0.4,
        }
        hat = np.diff(rng.standard_normal(len(e) + 2), 2) * np.exp(-e * 70) * 0.3
        sound = np.zeros(int(self.seconds * RATE) + 2 * len(e))
        beats = self.beats()
        for number, beat in enumerate(beats):
            _put(sound, strokes[self.click] * (0.8 if number % 4 == 0 and not self.alike else 0.6), beat)
        for middle in [*(beats[1:] + beats[:-1]) / 2, *(beats if self.eighths else [])]:
            _put(sound, self.hats * hat, middle)
        sound = sound[: int(self.seconds * RATE)]
        return (0.8 * (sound + self.noise * rng.standard_normal(len(sound)))).clip(-1, 1).astype(np.float32)

    def save(self, path: Path) -> Path:
        """A WAV file of it."""
        return save(path, self.samples())


def _put(sound: NDArray[np.float64], stroke: NDArray[np.float64], at: float) -> None:
    first = round(at * RATE)
    sound[first : first + len(stroke)] += stroke


def save(path: Path, samples: Samples, *, rate: int = RATE, channels: int = 1) -> Path:
    """The samples as 16-bit WAV."""
    data = np.repeat((samples.clip(-1, 1) * 32767).astype("<i2")[:, None], channels, 1)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(data.tobytes())
    return path


def recall_and_precision(
    beats: Sequence[float] | NDArray[np.float64], true: NDArray[np.float64]
) -> tuple[float, float]:
    """Share of the true beats that are detected, and share of ``beats`` that are true, within 70 ms."""
    distance = np.abs(np.asarray(beats)[None] - true[:, None])
    return float((distance.min(axis=1) < 0.07).mean()), float((distance.min(axis=0) < 0.07).mean())


def f_measure(beats: NDArray[np.float64], passages: Sequence[NDArray[np.float64]]) -> float:
    """The F-measure of the beats in these passages of true ones, each true beat matched once within 70 ms."""
    hits, count = 0, 0
    for true in passages:
        near = beats[(beats > true[0] - 0.07) & (beats < true[-1] + 0.07)]
        hits += sum(bool((np.abs(near - second) < 0.07).any()) for second in true)
        count += len(near) + len(true)
    return 2 * hits / max(count, 1)
