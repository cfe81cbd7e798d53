"""Beats, bars and sections are where the synthetic songs have them."""

import numpy as np
import pytest

from pipeline.music.analysis import SongAnalysis, analyse
from pipeline.music.beats import beat_sequences
from pipeline.music.features import PER_SECOND, extract
from pipeline.music.onsets import strokes
from pipeline.music.structure import first_of_bars
from pipeline.music.tempo import tempogram
from tests.music.band import Band
from tests.music.drawn import Drawing, recall_and_precision


def analysed(drawing: Drawing | Band) -> SongAnalysis:
    return analyse(extract([drawing.samples()]))


@pytest.mark.parametrize("bpm", [60, 75, 90, 108, 120, 140, 160, 180])
@pytest.mark.parametrize(
    "how",
    [
        {"click": "kick", "drift": 0.04, "noise": 0.02},
        {"click": "blip", "hats": 0.9, "noise": 0.05},
        {"click": "clap", "eighths": True, "drift": 0.04},
        {"click": "kick", "hats": 0.0, "noise": 0.15, "drift": 0.06},
    ],
    ids=lambda how: "-".join(map(str, how.values())),
)
def test_clicks_with_hats_drift_and_noise(bpm: float, how: dict[str, object]) -> None:
    drawing = Drawing(bpm, **how)  # type: ignore[arg-type]
    recall, precision = recall_and_precision(analysed(drawing).beats, drawing.beats())
    assert recall >= 0.95 and precision >= 0.9


@pytest.mark.parametrize("bpm", [96, 120, 180])
@pytest.mark.parametrize(("click", "hats"), [("kick", 0.1), ("deep", 0.13), ("deep", 0.4)])
def test_identical_kicks(click: str, hats: float, bpm: float) -> None:
    drawing = Drawing(bpm, click=click, hats=hats, drift=0.04, noise=0.01, alike=True)
    recall, precision = recall_and_precision(analysed(drawing).beats, drawing.beats())
    assert recall >= 0.95 and precision >= 0.9


@pytest.mark.parametrize(
    ("style", "bpm"),
    [
        ("rock", 92),  # hats, bass and chords twice as often
        ("house", 118),  # the bass between the beats
        ("ballad", 68),  # drums on every other beat
        ("reggae", 84),  # chords between the beats, drums on one of four
        ("breaks", 160),  # the bass drum off the beat
        ("waltz", 150),
        ("shuffle", 88),  # thirds
        ("piano", 110),  # no drums
    ],
)
def test_a_band_has_its_beat(style: str, bpm: float) -> None:
    band = Band(style, bpm, seconds=24.0, drift=0.05)
    beats = analysed(band).beats
    recall, precision = recall_and_precision(beats[beats > band.beats()[4] - 0.07], band.beats()[4:])
    assert recall >= 0.95 and precision >= 0.9


@pytest.mark.parametrize(("style", "bpm", "count"), [("ballad", 76, 4), ("waltz", 96, 3)])
def test_a_band_has_its_bars(style: str, bpm: float, count: int) -> None:
    band = Band(style, bpm, seconds=24.0)
    analysis = analysed(band)
    starts = analysis.beats[first_of_bars(analysis.accents, count) :: count]
    assert recall_and_precision(starts, band.beats()[count::count])[0] >= 0.9


def test_beat_sequences_follow_a_varying_period() -> None:
    period = 40 + 3 * np.sin(np.arange(5000) / 700)
    beats = [20.0]
    while beats[-1] + 50 < len(period):
        beats.append(beats[-1] + period[int(beats[-1])])
    true = np.round(beats).astype(int)
    onsets = np.zeros(len(period))
    onsets[true] = 3.0
    single, double = beat_sequences(onsets, np.stack([period, 2 * period]))
    assert np.isin(true[1:-1], single).all() and len(single) - len(true) <= 1
    assert np.isin(double[1:-1], true).all() and abs(2 * len(double) - len(true)) <= 3


def test_strokes_are_short_and_tones_are_not() -> None:
    t = np.arange(22050 * 2) / 22050
    drum = np.sin(2 * np.pi * 60 * t) * np.exp(-25 * (t % 0.5)) * (t % 0.5 < 0.2)
    bass = np.sin(2 * np.pi * 60 * t) * (t % 1.0 < 0.75)
    strong, held = (strokes(extract([(0.5 * sound).astype(np.float32)]))[0] for sound in (drum, bass))
    at = np.round(np.array([0.5, 1.0, 1.5]) * PER_SECOND).astype(int)
    assert min(strong[frame - 3 : frame + 4].max() for frame in at) > 1.0
    assert held[at[1] - 3 : at[1] + 4].max() < 0.5  # though it begins just there


def test_beats_are_in_time() -> None:
    drawing = Drawing(120, hats=0.3)
    beats = analysed(drawing).beats
    late = [float(np.min(np.abs(beats - true))) for true in drawing.beats()]
    assert max(late) < 0.012  # a quarter of a frame


def test_bars_begin_with_the_accent() -> None:
    for lead in (0, 1, 2, 3):
        drawing = Drawing(120, offset=0.2 + 0.5 * lead)
        analysis = analysed(drawing)
        first = analysis.beats[first_of_bars(analysis.accents, 4)]
        assert round((first - drawing.offset) / 0.5) % 4 == 0


def test_noise_and_tones_have_no_beat() -> None:
    rng = np.random.default_rng(0)
    t = np.arange(22050 * 10) / 22050
    for sound in (np.zeros_like(t), 0.3 * np.sin(2 * np.pi * 220 * t), 0.1 * rng.standard_normal(len(t))):
        analysis = analyse(extract([sound.astype(np.float32)]))
        assert analysis.bpm is None, analysis.bpm
        assert np.isfinite(analysis.levels).all()


def test_sections_begin_where_the_song_changes() -> None:
    drawing = Drawing(120, seconds=80, offset=0.0)
    t = np.arange(len(drawing.samples())) / 22050
    chorus = ((t > 20) & (t < 40)) | ((t > 60) & (t < 80))
    sound = drawing.samples() + 0.2 * (np.sin(2 * np.pi * 440 * t) + np.sin(2 * np.pi * 660 * t)) * chorus
    analysis = analyse(extract([sound.astype(np.float32)]))
    assert analysis.sections == pytest.approx([0, 20, 40, 60], abs=1.0)
    assert analysis.kinds.tolist() == [0, 1, 0, 1]
    for start in analysis.sections[1:]:
        assert np.abs(analysis.beats - start).min() == 0


def test_block_size_does_not_matter() -> None:
    sound = Drawing(120, seconds=3).samples()
    whole = extract([sound])
    for size in (100, 1024, 5000):
        pieces = extract(sound[n : n + size] for n in range(0, len(sound), size))
        assert pieces.seconds == whole.seconds
        np.testing.assert_allclose(pieces.spectrum, whole.spectrum, atol=1e-9)


def test_a_song_may_have_any_length() -> None:
    for length in range(173, 1300, 30):  # the last moment's window must be whole
        assert np.isfinite(tempogram(np.ones(length))).all()
