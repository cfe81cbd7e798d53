"""The beats of a song as a grid: detected, corrected by a tempo or an offset, or counted."""

import math

import numpy as np
from numpy.typing import NDArray

from pipeline.config import AudioConfig
from pipeline.music.analysis import SongAnalysis
from pipeline.music.structure import first_of_bars
from pipeline.timing.beat_grid import Grid, even_grid

DEFAULT_BPM = 120.0  # without a song, or with one that has no beat
PHASES = 240  # tried per beat if only its length is given
ONSET_SECONDS = 0.02  # standard deviation of an onset from its beat
ACCENT_SECONDS = 0.07  # maximum distance of a detected beat whose accent counts
Floats = NDArray[np.float64]


def song_grid(config: AudioConfig, analysis: SongAnalysis, start: float, offset: float | None) -> Grid:
    """The beats, in seconds of the film."""
    if config.bpm is None and len(analysis.beats) > 2:
        beats, accents = analysis.beats, analysis.accents
        if offset is not None:
            return _from_offset(beats - start, offset - start, config.beats_per_bar)
        return count_beats(beats - start, first_of_bars(accents, config.beats_per_bar), config.beats_per_bar)
    bpm = config.bpm or DEFAULT_BPM
    if offset is not None:
        return even_grid(bpm, config.beats_per_bar, offset - start)
    step = 60 / bpm
    beats = np.arange(_phase(analysis, step), analysis.seconds + step, step)
    bar = first_of_bars(_accents_at(analysis, beats), config.beats_per_bar)
    return even_grid(bpm, config.beats_per_bar, float(beats[0]) + bar * step - start)


def _from_offset(beats: Floats, offset: float, beats_per_bar: int) -> Grid:
    """The detected beats, moved so that a bar starts at second ``offset``."""
    detected = Grid(beats.tolist(), 0, beats_per_bar)
    beat = detected.beat(offset)
    index = math.floor(beat)
    moved = np.array([detected.time(n + beat - index) for n in range(len(beats))])
    return count_beats(moved, index % beats_per_bar, beats_per_bar)


def count_beats(beats: Floats, bar: int, beats_per_bar: int) -> Grid:
    """``beats`` of which number ``bar`` starts a bar, counted from the first bar of the film."""
    return Grid(beats.tolist(), -bar, beats_per_bar).since(0.0)


def _phase(analysis: SongAnalysis, step: float) -> float:
    """The offset in seconds, less than ``step``, at which beats of that length meet the most onsets."""
    times = np.concatenate([analysis.onsets[0], analysis.onsets_bass[0]])
    strengths = np.concatenate([analysis.onsets[1], analysis.onsets_bass[1]])
    phases = np.arange(PHASES) * step / PHASES
    fits = []
    for phase in phases:
        missed = (times - phase + step / 2) % step - step / 2
        fits.append(float((strengths * np.exp(-0.5 * (missed / ONSET_SECONDS) ** 2)).sum()))
    return float(phases[int(np.argmax(fits))])


def _accents_at(analysis: SongAnalysis, beats: Floats) -> Floats:
    """The accents of the detected beats next to these beats; 0 without one."""
    if not len(analysis.beats):
        return np.zeros(len(beats))
    after = np.searchsorted(analysis.beats, beats).clip(1, len(analysis.beats) - 1) if len(analysis.beats) > 1 else 0
    before = np.maximum(after - 1, 0)
    nearest = np.where(beats - analysis.beats[before] <= analysis.beats[after] - beats, before, after)
    is_near = np.abs(analysis.beats[nearest] - beats) < ACCENT_SECONDS
    accents: Floats = np.where(is_near, analysis.accents[nearest], 0.0)
    return accents
