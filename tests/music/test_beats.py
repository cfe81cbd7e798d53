"""Beats are found where they were drawn, on the beat and at its own rate."""

import numpy as np
import pytest

from pipeline.music.bars import first_of_bars
from pipeline.music.features import extract
from pipeline.music.hearing import Hearing
from pipeline.music.listen import describe
from tests.music.drawn import Drawing, found


def heard(drawing: Drawing) -> Hearing:
    return describe(extract([drawing.samples()]))


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
    recall, precision = found(heard(drawing).beats, drawing.beats())
    assert recall >= 0.95 and precision >= 0.9


def test_a_beat_is_heard_when_it_sounds() -> None:
    drawing = Drawing(120, hats=0.3)
    beats = heard(drawing).beats
    late = [float(np.min(np.abs(beats - true))) for true in drawing.beats()]
    assert max(late) < 0.012  # a quarter of a frame


def test_bars_begin_with_the_accent() -> None:
    for lead in (0, 1, 2, 3):
        drawing = Drawing(120, offset=0.2 + 0.5 * lead)
        hearing = heard(drawing)
        first = hearing.beats[first_of_bars(hearing.accents, 4)]
        assert round((first - drawing.offset) / 0.5) % 4 == 0


def test_what_has_no_beat_has_none() -> None:
    rng = np.random.default_rng(0)
    t = np.arange(22050 * 10) / 22050
    for sound in (np.zeros_like(t), 0.3 * np.sin(2 * np.pi * 220 * t), 0.1 * rng.standard_normal(len(t))):
        hearing = describe(extract([sound.astype(np.float32)]))
        assert hearing.bpm is None, hearing.bpm
        assert np.isfinite(hearing.levels).all()


def test_sections_begin_where_the_song_changes() -> None:
    drawing = Drawing(120, seconds=80, offset=0.0)
    t = np.arange(len(drawing.samples())) / 22050
    chorus = ((t > 20) & (t < 40)) | ((t > 60) & (t < 80))
    sound = drawing.samples() + 0.2 * (np.sin(2 * np.pi * 440 * t) + np.sin(2 * np.pi * 660 * t)) * chorus
    hearing = describe(extract([sound.astype(np.float32)]))
    assert hearing.sections == pytest.approx([0, 20, 40, 60], abs=1.0)
    assert hearing.kinds.tolist() == [0, 1, 0, 1]
    for start in hearing.sections[1:]:
        assert np.abs(hearing.beats - start).min() == 0


def test_blocks_of_any_size_are_heard_alike() -> None:
    sound = Drawing(120, seconds=3).samples()
    whole = extract([sound])
    for size in (100, 1024, 5000):
        pieces = extract(sound[n : n + size] for n in range(0, len(sound), size))
        assert pieces.seconds == whole.seconds
        np.testing.assert_allclose(pieces.spectrum, whole.spectrum, atol=1e-9)
