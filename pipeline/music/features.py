"""Audio features 86 times a second: levels of bass, mid and treble, loudness, a coarse spectrum and chroma.

A frame takes some 200 bytes: a song of two hours 120 MB.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

RATE = 22_050
"""Samples per second: treble up to 11 kHz."""
HOP, WINDOW = 256, 1024
PER_SECOND = RATE / HOP
BANDS = 32
"""Of the coarse spectrum, equally wide on the mel scale, from ``MIN_HERTZ`` to ``MAX_HERTZ``."""
MIN_HERTZ, MAX_HERTZ = 30.0, 10_500.0
BASS, TREBLE = 160.0, 2_500.0
"""Hz at which bass ends and treble begins."""
TONE_HERTZ = (380.0, 3_000.0)
"""Hz between which semitones are measured."""

Floats = NDArray[np.float32]
Samples = NDArray[np.float32]


@dataclass(frozen=True)
class Features:
    """``seconds`` of a song. Arrays have ``PER_SECOND`` entries a second, the first at second 0.

    ``bass``, ``mid``, ``treble`` and ``loud`` are root mean squares (1 is full scale); ``loud`` is K-weighted.
    ``spectrum`` ``(N, BANDS)`` is power, ``tones`` ``(N, 12)`` the amplitude of each semitone from C on,
    whatever its octave.
    """

    seconds: float
    bass: Floats
    mid: Floats
    treble: Floats
    loud: Floats
    spectrum: Floats
    tones: Floats


class FeatureBank:
    """Computes the features of frames of samples; ``rows`` → ``as_features``."""

    def __init__(self) -> None:
        self._window, self._mixing, self._chroma = _filters()
        self._scale = 2.0 / (WINDOW * float((self._window**2).sum()))

    def rows(self, frames: Samples) -> Floats:
        """Frames ``(n, WINDOW)`` → a row of features for each."""
        power = np.abs(np.fft.rfft(frames * self._window)) ** 2 * self._scale
        return np.concatenate([power @ self._mixing.T, np.sqrt(power) @ self._chroma.T], axis=1).astype(np.float32)


def as_features(table: Floats, seconds: float) -> Features:
    """The features in the rows of a ``FeatureBank``."""
    bass, mid, treble, loud = np.sqrt(table[:, :4]).T.copy()
    return Features(seconds, bass, mid, treble, loud, table[:, 4:-12], table[:, -12:])


def extract(blocks: Iterable[Samples]) -> Features:
    """The features of a whole song, from blocks of samples."""
    bank, rows, samples = FeatureBank(), [], 0

    def counted() -> Iterator[Samples]:
        nonlocal samples
        for block in blocks:
            samples += len(block)
            yield block

    for frames in _frames(counted()):
        rows.append(bank.rows(frames))
    return as_features(np.concatenate(rows), samples / RATE)


def _filters() -> tuple[Floats, Floats, Floats]:
    """(the window, what of the power each feature has, what of the amplitude each semitone has)."""
    window = np.hanning(WINDOW + 1)[:-1].astype(np.float32)
    hertz = np.fft.rfftfreq(WINDOW, 1 / RATE).astype(np.float64)
    audible = hertz >= 20
    mixing = np.stack(
        [
            audible & (hertz < BASS),
            (hertz >= BASS) & (hertz < TREBLE),
            hertz >= TREBLE,
            audible * _k_weighting(hertz),
        ]
    ).astype(np.float32)
    return window, np.concatenate([mixing, _mel(hertz)]), _semitones(hertz)


def _frames(blocks: Iterable[Samples]) -> Iterator[Samples]:
    """``(n, WINDOW)`` frames centred on samples 0, ``HOP``, 2 ``HOP`` …; both ends are padded with silence."""
    rest = np.zeros(WINDOW // 2, np.float32)
    for block in blocks:
        rest = np.concatenate([rest, block])
        if len(rest) >= WINDOW:
            frames = sliding_window_view(rest, WINDOW)[::HOP]
            yield frames
            rest = rest[len(frames) * HOP :]
    rest = np.concatenate([rest, np.zeros(WINDOW // 2 + HOP, np.float32)])
    rest = rest[: WINDOW + (max(len(rest) - WINDOW, 0) // HOP) * HOP]
    yield sliding_window_view(np.pad(rest, (0, max(0, WINDOW - len(rest)))), WINDOW)[::HOP]


def _mel(hertz: NDArray[np.float64]) -> NDArray[np.float32]:
    """``(BANDS, F)``: a mel filter bank (O'Shaughnessy 1987)."""
    edges = _band_edges()
    start, middle, end = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    rising, falling = (hertz - start) / (middle - start), (end - hertz) / (end - middle)
    weights: NDArray[np.float32] = np.maximum(0, np.minimum(rising, falling)).astype(np.float32)
    return weights


def _semitones(hertz: NDArray[np.float64]) -> NDArray[np.float32]:
    """``(12, F)``: the semitone of each frequency bin, where the window resolves semitones."""
    is_tone = (hertz >= TONE_HERTZ[0]) & (hertz <= TONE_HERTZ[1])
    semitone = np.round(12 * np.log2(np.maximum(hertz, 1) / 261.63)) % 12
    chosen: NDArray[np.float32] = ((semitone == np.arange(12)[:, None]) & is_tone).astype(np.float32)
    return chosen


def band_centres() -> NDArray[np.float64]:
    """The centre of every band, in Hz."""
    return _band_edges()[1:-1]


def _band_edges() -> NDArray[np.float64]:
    low, high = (1127 * np.log1p(edge / 700) for edge in (MIN_HERTZ, MAX_HERTZ))
    edges: NDArray[np.float64] = 700 * np.expm1(np.linspace(low, high, BANDS + 2) / 1127)
    return edges


def _k_weighting(hertz: NDArray[np.float64]) -> NDArray[np.float64]:
    """K weighting of power by frequency (ITU-R BS.1770), as its analogue filters."""
    low, high = hertz / 38.135, hertz / 1681.97
    through = low**4 / ((1 - low**2) ** 2 + (low / 0.5003) ** 2)
    shelf, bend = 10 ** (4 / 20), 10 ** (4 / 20 * 0.4996)
    lifted = (1 - shelf * high**2) ** 2 + (bend * high / 0.7072) ** 2
    weights: NDArray[np.float64] = through * lifted / ((1 - high**2) ** 2 + (high / 0.7072) ** 2)
    return weights
