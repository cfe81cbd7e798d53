"""Analyses a song: beats, bars, onsets, levels and sections, from its features."""

from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.music.features import Features
from pipeline.music.onsets import SILENT_POWER, peaks, rises
from pipeline.music.structure import accents, sections
from pipeline.music.trackers import Samples, find_beats
from pipeline.runtime.cache import load_arrays, save_arrays

Floats = NDArray[np.float64]

NO_SAMPLES: Samples = np.zeros(0, np.float32)
BANDS = ("bass", "mid", "treble")
LEVELS = (*BANDS, "loud")
FULL_QUANTILE = 0.98  # of a level's values; what exceeds it counts as 1


@dataclass(frozen=True)
class SongAnalysis:
    """A song of ``seconds``, from second 0 of its file's clock on.

    ``levels`` ``(4, N)`` are bass, mid, treble and loudness in 0..1, ``PER_SECOND`` of them a second. ``beats`` are
    seconds, each with its accent; none where the song has no beat. ``onsets`` ``(2, M)`` are (seconds, strengths in
    0..1) of all notes and strokes, and so for each band. ``sections`` are the seconds at which sections begin;
    sections that sound alike have the same number in ``kinds``. ``damage`` is ffmpeg's complaint about the file, or
    what is missing of it.
    """

    seconds: float
    levels: NDArray[np.float32]
    beats: Floats
    accents: Floats
    onsets: Floats
    onsets_bass: Floats
    onsets_mid: Floats
    onsets_treble: Floats
    sections: Floats
    kinds: NDArray[np.int64]
    damage: str

    @property
    def bpm(self) -> float | None:
        """The median rate of the beats; None where there are none."""
        return 60 / float(np.median(np.diff(self.beats))) if len(self.beats) > 2 else None


def analyse(
    features: Features, damage: str = "", tracker: str = "auto", samples: Callable[[], Samples] = lambda: NO_SAMPLES
) -> SongAnalysis:
    """The analysis of a whole song's features; ``samples`` are for trackers of other packages."""
    rise = rises(features)
    beats, bars = find_beats(tracker, features, rise, samples)
    starts, kinds = sections(features, beats)
    return SongAnalysis(
        seconds=features.seconds,
        levels=_levels(features),
        beats=beats,
        accents=np.isin(beats, bars).astype(np.float64) if len(bars) else accents(features, rise, beats),
        onsets=np.stack(peaks(rise.all)),
        onsets_bass=np.stack(peaks(rise.low)),
        onsets_mid=np.stack(peaks(rise.mid)),
        onsets_treble=np.stack(peaks(rise.high)),
        sections=starts,
        kinds=kinds,
        damage=damage,
    )


def _levels(features: Features) -> NDArray[np.float32]:
    """Each level relative to its 98th percentile, at most 1; silence stays 0."""
    rows = []
    for level in (features.bass, features.mid, features.treble, features.loud):
        full = float(np.quantile(level, FULL_QUANTILE))
        rows.append(np.minimum(1, level / full) if full**2 > SILENT_POWER else np.zeros_like(level))
    return np.stack(rows).astype(np.float32)


def load(path: Path) -> SongAnalysis | None:
    """The analysis in a cache file; None when it is missing or damaged."""
    arrays = load_arrays(path)
    if arrays is None or arrays.keys() != {item.name for item in fields(SongAnalysis)}:
        return None
    scalars = {"seconds": float(arrays.pop("seconds")), "damage": str(arrays.pop("damage"))}
    return SongAnalysis(**scalars, **arrays)  # type: ignore[arg-type]


def save(path: Path, analysis: SongAnalysis) -> None:
    """Write the analysis to a cache file."""
    save_arrays(path, **{item.name: getattr(analysis, item.name) for item in fields(SongAnalysis)})
