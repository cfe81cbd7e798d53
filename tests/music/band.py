"""Drawn songs: drums, bass and chords in nine styles, played by hand, with the true times of the beats."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tests.music.drawn import RATE, Samples

Sound = NDArray[np.float64]

STYLES = {  # a bar each, and how many steps make a beat
    "rock": (
        4,
        "x.......x.x.....",
        "....x.......x...",
        "x.x.x.x.x.x.x.x.",
        "x.x.x.x.x.x.x.x.",
        "x...............",
        0.5,
    ),
    "house": (
        4,
        "x...x...x...x...",
        "....x.......x...",
        "..x...x...x...x.",
        "..x...x...x...x.",
        "x.....x.....x...",
        0.3,
    ),
    "ballad": (
        4,
        "x.......x.......",
        "........x.......",
        "x...x...x...x...",
        "x.......x.......",
        "x...............",
        0.9,
    ),
    "funk": (
        4,
        "x..x..x...x.....",
        "....x..x.x..x...",
        "xxxxxxxxxxxxxxxx",
        "x..x..x.x...x.x.",
        "..x...x...x...x.",
        0.1,
    ),
    "reggae": (
        4,
        "........x.......",
        "........x.......",
        "x.x.x.x.x.x.x.x.",
        "x.....x.x..x....",
        "..x...x...x...x.",
        0.1,
    ),
    "breaks": (
        4,
        "x.........x.....",
        "....x.......x...",
        "x.x.x.x.x.x.x.x.",
        "x.....x...x.....",
        "x...............",
        0.9,
    ),
    "waltz": (4, "x...........", "....x...x...", "x...x...x...", "x...........", "....x...x...", 0.2),
    "shuffle": (3, "x.....x.....", "...x.....x..", "x.xx.xx.xx.x", "x..x..x..x..", "..x.....x...", 0.1),
    "piano": (
        4,
        "................",
        "................",
        "................",
        "x.......x.......",
        "x...x...x...x...",
        0.5,
    ),
}  # steps of a beat; kick, snare, hats, bass, chords; seconds that a chord sounds
CHORDS = ((0, 4, 7), (9, 12, 16), (5, 9, 12), (7, 11, 14))  # semitones over C, a bar each


@dataclass(frozen=True)
class Band:
    """``bpm`` sways by the share ``drift``; strokes miss their moment by ``loose`` seconds, usually."""

    style: str
    bpm: float
    seconds: float = 30.0
    drift: float = 0.02
    loose: float = 0.006
    noise: float = 0.005
    offset: float = 0.4
    seed: int = 0

    def beats(self) -> Sound:
        """The second of every beat."""
        times, t = [], self.offset
        while t < self.seconds - 0.3:
            times.append(t)
            t += 60 / (self.bpm * (1 + self.drift * np.sin(2 * np.pi * t / 20)))
        return np.array(times)

    def samples(self) -> Samples:
        """Mono, ``RATE`` a second."""
        rng = np.random.default_rng(self.seed)
        per_beat, *parts, lasting = STYLES[self.style]
        beats = self.beats()
        steps = np.interp(np.arange((len(beats) - 1) * per_beat + 1) / per_beat, np.arange(len(beats)), beats)
        sound = np.zeros(int((self.seconds + 3) * RATE))
        for number, second in enumerate(steps):
            bar, step = divmod(number, len(parts[0]))
            chord = CHORDS[bar % len(CHORDS)]
            for name, part in zip(("kick", "snare", "hat", "bass", "chord"), parts, strict=True):
                if part[step] == "x":
                    stroke = _stroke(name, chord, lasting, rng) * rng.uniform(0.7, 1.0)
                    first = max(0, round((second + self.loose * rng.standard_normal()) * RATE))
                    sound[first : first + len(stroke)] += stroke
        sound = sound[: int(self.seconds * RATE)]
        sound += self.noise * rng.standard_normal(len(sound))
        return (0.8 * sound / np.abs(sound).max()).astype(np.float32)


def _stroke(name: str, chord: tuple[int, ...], lasting: float, rng: np.random.Generator) -> Sound:
    """One sound of an instrument."""
    t = np.arange(int((lasting + 0.3) * RATE)) / RATE
    if name == "kick":
        return np.asarray(np.sin(2 * np.pi * (50 * t + 6 * (1 - np.exp(-t * 30)))) * np.exp(-t * 20))
    if name == "snare":
        return np.asarray((0.4 * rng.standard_normal(len(t)) + 0.4 * np.sin(2 * np.pi * 190 * t)) * np.exp(-t * 22))
    if name == "hat":
        return np.asarray(0.08 * np.diff(rng.standard_normal(len(t) + 2), 2) * np.exp(-t * 60))
    if name == "bass":
        return 0.5 * _tone(t, 65.4 * 2 ** (chord[0] % 12 / 12), 4) * np.exp(-t * 5)
    fading = np.exp(-t / lasting) * np.minimum(1, (lasting + 0.3 - t) / 0.1)
    return np.asarray(sum(0.12 * _tone(t, 261.6 * 2 ** (note / 12), 6) for note in chord) * fading)


def _tone(t: Sound, hertz: float, overtones: int) -> Sound:
    """Softly begun."""
    rise = np.minimum(1, t / 0.008)
    return np.asarray(sum(np.sin(2 * np.pi * hertz * n * t) / n**1.3 for n in range(1, overtones + 1)) * rise)
