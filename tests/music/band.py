"""Synthetic songs: drums, bass and chords in nine styles, with the true times of the beats."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from tests.music.drawn import RATE, Samples
from tests.music.fresh import FRESH, Style

Sound = NDArray[np.float64]

STYLES: dict[str, Style] = {  # a bar each, and how many steps make a beat
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
INSTRUMENTS = ("kick", "snare", "hat", "bass", "chord")
CHORDS = ((0, 4, 7), (9, 12, 16), (5, 9, 12), (7, 11, 14))  # semitones over C, a bar each


@dataclass(frozen=True)
class Band:
    """``bpm`` sways by the share ``drift``; strokes miss their moment by ``loose`` seconds, usually.

    With ``mixed`` the instruments are as loud, as soft and as high as ``seed`` draws them, one may be silent, the
    chords are others, and someone may sing between the beats.
    """

    style: str
    bpm: float
    seconds: float = 30.0
    drift: float = 0.02
    loose: float = 0.006
    noise: float = 0.005
    offset: float = 0.4
    seed: int = 0
    mixed: bool = False

    @property
    def beats_per_bar(self) -> int:
        """As many as the style has."""
        steps, kick, *_ = self.pattern()
        return len(kick) // steps

    def pattern(self) -> Style:
        """A bar of it."""
        return (STYLES | FRESH)[self.style]

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
        mix = _Mix.drawn(np.random.default_rng((self.seed, 1))) if self.mixed else _Mix()
        per_beat, *parts, lasting = self.pattern()
        beats = self.beats()
        steps = np.interp(np.arange((len(beats) - 1) * per_beat + 1) / per_beat, np.arange(len(beats)), beats)
        sound = np.zeros(int((self.seconds + 3) * RATE))
        for number, second in enumerate(steps):
            bar, step = divmod(number, len(parts[0]))
            chord = CHORDS[mix.chords[bar % len(mix.chords)]]
            for name, part in zip(INSTRUMENTS, parts, strict=True):
                if part[step] == "x":
                    stroke = _stroke(name, chord, lasting, rng, mix) * rng.uniform(0.7, 1.0) * mix.levels[name]
                    first = max(0, round((second + self.loose * rng.standard_normal()) * RATE))
                    sound[first : first + len(stroke)] += stroke
        if mix.sung:
            _sing(sound, steps, np.random.default_rng((self.seed, 2)), mix.sung)
        sound = sound[: int(self.seconds * RATE)]
        sound += self.noise * rng.standard_normal(len(sound))
        return (0.8 * sound / np.abs(sound).max()).astype(np.float32)


@dataclass(frozen=True)
class _Mix:
    """What differs between bands of one style: ``decays`` are times as fast, ``pitch`` times as high."""

    levels: dict[str, float] = field(default_factory=lambda: dict.fromkeys(INSTRUMENTS, 1.0))
    decays: float = 1.0
    pitch: float = 1.0
    soft: float = 0.008  # seconds in which tones begin
    chords: tuple[int, ...] = (0, 1, 2, 3)
    sung: float = 0.0

    @classmethod
    def drawn(cls, rng: np.random.Generator) -> "_Mix":
        levels = {name: float(np.exp(0.4 * rng.standard_normal())) for name in INSTRUMENTS}
        if rng.uniform() < 0.5:
            levels[str(rng.choice(INSTRUMENTS))] *= 0.15
        return cls(
            levels=levels,
            decays=float(np.exp(0.3 * rng.standard_normal())),
            pitch=float(2 ** rng.uniform(-5 / 12, 5 / 12)),
            soft=float(rng.uniform(0.004, 0.04)),
            chords=tuple(int(n) for n in rng.integers(len(CHORDS), size=4)),
            sung=float(max(0.0, rng.uniform(-0.2, 0.3))),
        )


def _stroke(name: str, chord: tuple[int, ...], lasting: float, rng: np.random.Generator, mix: _Mix) -> Sound:
    """One sound of an instrument."""
    t = np.arange(int((lasting + 0.3) * RATE)) / RATE
    fast = mix.decays
    if name == "kick":
        return np.asarray(np.sin(2 * np.pi * (50 * t + 6 * (1 - np.exp(-t * 30)))) * np.exp(-t * 20 * fast))
    if name == "snare":
        body = 0.4 * rng.standard_normal(len(t)) + 0.4 * np.sin(2 * np.pi * 190 * mix.pitch * t)
        return np.asarray(body * np.exp(-t * 22 * fast))
    if name == "hat":
        return np.asarray(0.08 * np.diff(rng.standard_normal(len(t) + 2), 2) * np.exp(-t * 60 * fast))
    if name == "bass":
        return 0.5 * _tone(t, 65.4 * mix.pitch * 2 ** (chord[0] % 12 / 12), 4, mix.soft) * np.exp(-t * 5 * fast)
    fading = np.exp(-t / lasting) * np.minimum(1, (lasting + 0.3 - t) / 0.1)
    high = 261.6 * mix.pitch
    return np.asarray(sum(0.12 * _tone(t, high * 2 ** (note / 12), 6, mix.soft) for note in chord) * fading)


def _tone(t: Sound, hertz: float, overtones: int, soft: float) -> Sound:
    """Softly begun."""
    rise = np.minimum(1, t / soft)
    return np.asarray(sum(np.sin(2 * np.pi * hertz * n * t) / n**1.3 for n in range(1, overtones + 1)) * rise)


def _sing(sound: Sound, steps: Sound, rng: np.random.Generator, level: float) -> None:
    """Notes with vibrato that begin where they like, most of them on steps."""
    at = 0
    while at < len(steps) - 8:
        length = int(rng.integers(1, 8))
        lasts = float(steps[at + length] - steps[at])
        t = np.arange(int(lasts * RATE)) / RATE
        hertz = 330 * 2 ** (int(rng.integers(13)) / 12)
        turned = 2 * np.pi * hertz * (t + 0.0008 * np.sin(2 * np.pi * 5.5 * t))
        note = (
            sum(np.sin(n * turned) / n for n in range(1, 9)) * np.minimum(1, t / 0.04) * np.minimum(1, t[::-1] / 0.05)
        )
        first = max(0, round((float(steps[at]) + 0.02 * rng.standard_normal()) * RATE))
        sound[first : first + len(note)] += level * note
        at += length + int(rng.integers(0, 3))
