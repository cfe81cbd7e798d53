"""Which beats begin bars: those that are accented. And where a song turns into something else: its sections."""

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from pipeline.music.features import PER_SECOND, Features
from pipeline.music.onsets import Rises

Floats = NDArray[np.float64]

FAINT = 0.1  # amplitude of all tones over the loudest band's, below which there is no harmony to speak of
CHANGED = 0.2  # deviation of the change of harmony that is worth as much as any
SHORTEST = 8.0  # seconds that a section lasts at least
KERNEL = 12  # half-seconds on either side that are compared
ALIKE = 0.75  # of the usual distance between two moments, below which sections are of one kind
CLEAR = 0.35  # of the clearest change, from which on a change begins a section


def accents(features: Features, rise: Rises, beats: Floats) -> Floats:
    """How much each beat stands out, around 0: by its onset, by its low onset, and by what sounds from it on."""
    if len(beats) < 3:
        return np.zeros(len(beats))
    frames = np.round(beats * PER_SECOND).astype(np.int64)
    strong, low = (_near(signal, frames) for signal in (rise.all, rise.low))
    edges = np.append(frames, min(len(features.tones), 2 * frames[-1] - frames[-2]))
    # The median of the time between beats is what sustains: strokes of drums are short.
    lasting = np.stack([_median(features.tones, first, last) for first, last in pairwise(edges.tolist())])
    harmony = _remembered(lasting, FAINT * float(np.sqrt(features.spectrum.max())))
    pairs = harmony + np.roll(harmony, -1, axis=0)
    change = np.zeros(len(beats))
    change[2:-1] = np.linalg.norm(pairs[2:-1] - pairs[:-3], axis=1)
    return 0.5 * _standard(strong) + _standard(low) + 2 * _standard(change, CHANGED)


def _remembered(lasting: Floats, faint: float) -> Floats:
    """The tones of every beat ``(B, 12)``, as loud as each other; where they fade, those before them go on."""
    loud = np.linalg.norm(lasting, axis=1)
    heard = np.minimum(1, loud / max(float(np.quantile(loud, 0.9)), faint, 1e-6))
    harmony: Floats = lasting / np.maximum(loud, max(faint, 1e-6))[:, None]
    for beat in range(1, len(harmony)):
        share = min(1.0, 2 * float(heard[beat]))
        harmony[beat] = share * harmony[beat] + (1 - share) * harmony[beat - 1]
    return harmony


def first_of_bars(accent: Floats, beats_per_bar: int) -> int:
    """Which of the first ``beats_per_bar`` beats begins a bar."""
    if len(accent) < 2 * beats_per_bar:
        return 0
    return int(np.argmax([np.mean(accent[phase::beats_per_bar]) for phase in range(beats_per_bar)]))


def sections(features: Features, beats: Floats) -> tuple[Floats, NDArray[np.int64]]:
    """(seconds, kinds): where sections begin, the first at 0, on beats where there are some; alike ones share a number.

    Changes are where a checkerboard along the diagonal of the self-similarity fits (Foote 2000).
    """
    moments = _half_seconds(features)
    starts = [0.0]
    for moment in _changes(moments):
        second = _nearest(beats, moment / 2)
        if second - starts[-1] >= SHORTEST and features.seconds - second >= SHORTEST:
            starts.append(second)
    kinds = _kinds(moments, starts)
    new = np.append(True, kinds[1:] != kinds[:-1])  # what goes on as it was is no new section
    return np.array(starts)[new], kinds[new]


def _half_seconds(features: Features) -> Floats:
    """``(M, BANDS + 1)``: the colour and the loudness of every half second."""
    spectra = _colours(features.spectrum)
    edges = np.arange(0, len(spectra) + PER_SECOND / 2, PER_SECOND / 2).astype(int).tolist()
    pairs = [(first, last) for first, last in pairwise(edges) if first < len(spectra)]
    return np.stack([_mean(spectra, first, last) for first, last in pairs])


def _changes(moments: Floats) -> list[int]:
    """The half seconds at which one thing ends and another begins, in order."""
    count, reach = len(moments), KERNEL
    if count < 4 * reach:
        return []
    taper = np.exp(-0.5 * (np.arange(-reach, reach) + 0.5) ** 2 / (reach / 2) ** 2)
    sign = np.sign(np.arange(-reach, reach) + 0.5)
    kernel = np.outer(sign * taper, sign * taper)
    unit = moments / np.maximum(np.linalg.norm(moments, axis=1, keepdims=True), 1e-9)
    novelty = np.zeros(count)
    for here in range(reach, count - reach):
        around = unit[here - reach : here + reach]
        novelty[here] = float((around @ around.T * kernel).sum())
    least = CLEAR * float(novelty.max())
    if not least > 1e-6:
        return []
    padded = np.pad(novelty, reach)
    tops = [padded[n : n + 2 * reach + 1].max() == novelty[n] > least for n in range(count)]
    return [int(n) for n in np.flatnonzero(tops)]


def _kinds(moments: Floats, starts: list[float]) -> NDArray[np.int64]:
    """A number for every section; one that sounds like an earlier section has its number."""
    edges = [round(2 * start) for start in starts] + [len(moments)]
    means = [_mean(moments, first, last) for first, last in pairwise(edges)]
    usual = float(np.median(np.linalg.norm(moments - moments.mean(axis=0), axis=1)))
    kinds: list[int] = []
    for number, mean in enumerate(means):
        far = [float(np.linalg.norm(mean - means[other])) for other in range(number)]
        alike = bool(far) and min(far) < ALIKE * usual
        kinds.append(kinds[int(np.argmin(far))] if alike else max(kinds, default=-1) + 1)
    return np.array(kinds, np.int64)


def _colours(spectrum: NDArray[np.float32]) -> NDArray[np.float32]:
    """``(N, BANDS + 1)``: the level of every band above the quietest that counts, about its mean, and their mean."""
    loud = max(float(np.quantile(spectrum, 0.99)), 1e-12)
    level = np.log10(spectrum / loud + 1e-4) + 4
    colour: NDArray[np.float32] = np.concatenate([level - level.mean(axis=1, keepdims=True), level.mean(1)[:, None]], 1)
    return colour


def _mean(rows: NDArray[np.float32] | Floats, first: int, last: int) -> Floats:
    mean: Floats = rows[min(first, len(rows) - 1) : max(last, first + 1)].mean(axis=0, dtype=np.float64)
    return mean


def _median(rows: NDArray[np.float32], first: int, last: int) -> Floats:
    """Of the later three quarters of a beat."""
    first += (last - first) // 4
    middle: Floats = np.median(rows[min(first, len(rows) - 1) : max(last, first + 1)], axis=0).astype(np.float64)
    return middle


def _near(signal: Floats, frames: NDArray[np.int64]) -> Floats:
    """The greatest value within a 30th of a second of each frame."""
    around = [signal[np.clip(frames + shift, 0, len(signal) - 1)] for shift in range(-3, 4)]
    greatest: Floats = np.max(around, axis=0)
    return greatest


def _standard(values: Floats, least: float = 1e-9) -> Floats:
    """The values around 0, in units of their deviation or of ``least``, whichever is larger."""
    standard: Floats = (values - values.mean()) / max(float(values.std()), least)
    return standard


def _nearest(beats: Floats, second: float) -> float:
    """The beat nearest to ``second``, or that itself where none is near."""
    if not len(beats):
        return second
    beat = float(beats[np.abs(beats - second).argmin()])
    return beat if abs(beat - second) < 1.0 else second
