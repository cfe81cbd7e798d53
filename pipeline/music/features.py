"""From samples to figures 86 times a second: levels of bass, mid and treble, loudness, and a coarse spectrum.

Only these figures are kept, so memory grows by some 200 bytes for each 86th of a second: a song of two hours is 120 MB.
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
"""Of the coarse spectrum, equally wide on the mel scale, from ``LOWEST`` to ``HIGHEST`` Hz."""
LOWEST, HIGHEST = 30.0, 10_500.0
BASS, TREBLE = 160.0, 2_500.0
"""Hz at which bass ends and treble begins."""
SUNG = (380.0, 3_000.0)
"""Hz between which semitones are heard."""

Floats = NDArray[np.float32]
Samples = NDArray[np.float32]


@dataclass(frozen=True)
class Features:
    """``seconds`` of a song. Arrays have an entry for each 86th of a second, the first at second 0.

    ``bass``, ``mid``, ``treble`` and ``loud`` are root mean squares (1 is full scale); ``loud`` is weighted as the ear
    weighs it. ``spectrum`` ``(N, BANDS)`` is power, ``tones`` ``(N, 12)`` the amplitude of each semitone from C on,
    whatever its octave.
    """

    seconds: float
    bass: Floats
    mid: Floats
    treble: Floats
    loud: Floats
    spectrum: Floats
    tones: Floats


def extract(blocks: Iterable[Samples]) -> Features:
    """The features of a whole song, heard block by block."""
    window = np.hanning(WINDOW + 1)[:-1].astype(np.float32)
    scale = 2.0 / (WINDOW * float((window**2).sum()))
    hertz = np.fft.rfftfreq(WINDOW, 1 / RATE).astype(np.float64)
    audible = hertz >= 20
    mixing = np.stack(
        [
            audible & (hertz < BASS),
            (hertz >= BASS) & (hertz < TREBLE),
            hertz >= TREBLE,
            audible * _ear(hertz),
        ]
    ).astype(np.float32)
    mixing = np.concatenate([mixing, _mel(hertz)])
    counter = _Counter(blocks)
    chroma, rows = _semitones(hertz), []
    for frames in _frames(counter):
        power = np.abs(np.fft.rfft(frames * window)) ** 2 * scale
        rows.append(np.concatenate([power @ mixing.T, np.sqrt(power) @ chroma.T], axis=1).astype(np.float32))
    table = np.concatenate(rows)
    bass, mid, treble, loud = np.sqrt(table[:, :4]).T.copy()
    return Features(counter.samples / RATE, bass, mid, treble, loud, table[:, 4:-12], table[:, -12:])


class _Counter:
    """Hands blocks on and counts their samples."""

    def __init__(self, blocks: Iterable[Samples]) -> None:
        self._blocks, self.samples = blocks, 0

    def __iter__(self) -> Iterator[Samples]:
        for block in self._blocks:
            self.samples += len(block)
            yield block


def _frames(blocks: Iterable[Samples]) -> Iterator[Samples]:
    """``(n, WINDOW)`` frames whose middles lie at 0, ``HOP``, 2 ``HOP`` … samples; beyond both ends is silence."""
    kept = np.zeros(WINDOW // 2, np.float32)
    for block in blocks:
        kept = np.concatenate([kept, block])
        if len(kept) >= WINDOW:
            frames = sliding_window_view(kept, WINDOW)[::HOP]
            yield frames
            kept = kept[len(frames) * HOP :]
    kept = np.concatenate([kept, np.zeros(WINDOW // 2 + HOP, np.float32)])
    kept = kept[: WINDOW + (max(len(kept) - WINDOW, 0) // HOP) * HOP]
    yield sliding_window_view(np.pad(kept, (0, max(0, WINDOW - len(kept)))), WINDOW)[::HOP]


def _mel(hertz: NDArray[np.float64]) -> NDArray[np.float32]:
    """``(BANDS, F)``: overlapping triangles, equally far from each other on the mel scale (O'Shaughnessy 1987)."""
    low, high = (1127 * np.log1p(edge / 700) for edge in (LOWEST, HIGHEST))
    edges = 700 * np.expm1(np.linspace(low, high, BANDS + 2) / 1127)
    start, middle, end = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    rising, falling = (hertz - start) / (middle - start), (end - hertz) / (end - middle)
    shares: NDArray[np.float32] = np.maximum(0, np.minimum(rising, falling)).astype(np.float32)
    return shares


def _semitones(hertz: NDArray[np.float64]) -> NDArray[np.float32]:
    """``(12, F)``: which semitone a frequency is, where the window can tell them apart and they still sing."""
    heard = (hertz >= SUNG[0]) & (hertz <= SUNG[1])
    semitone = np.round(12 * np.log2(np.maximum(hertz, 1) / 261.63)) % 12
    chosen: NDArray[np.float32] = ((semitone == np.arange(12)[:, None]) & heard).astype(np.float32)
    return chosen


def middles() -> NDArray[np.float64]:
    """The middle of every band, in Hz."""
    low, high = (1127 * np.log1p(edge / 700) for edge in (LOWEST, HIGHEST))
    edges: NDArray[np.float64] = 700 * np.expm1(np.linspace(low, high, BANDS + 2) / 1127)
    return edges[1:-1]


def _ear(hertz: NDArray[np.float64]) -> NDArray[np.float64]:
    """Power by which a frequency counts: the K weighting of ITU-R BS.1770, as the analogue filters it comes from."""
    low, high = hertz / 38.135, hertz / 1681.97
    through = low**4 / ((1 - low**2) ** 2 + (low / 0.5003) ** 2)
    shelf, bend = 10 ** (4 / 20), 10 ** (4 / 20 * 0.4996)
    lifted = (1 - shelf * high**2) ** 2 + (bend * high / 0.7072) ** 2
    weights: NDArray[np.float64] = through * lifted / ((1 - high**2) ** 2 + (high / 0.7072) ** 2)
    return weights
