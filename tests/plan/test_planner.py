"""Shots begin on the song's sections and bars, to half a frame."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import ConfigError, InputError
from pipeline.plan.film_plan import FilmPlan
from pipeline.plan.timeline import Timeline
from pipeline.timing.beat_grid import Grid, even_grid
from tests.music.drawn import RATE, Drawing, save
from tests.quick import QUICK
from tests.test_shot import planned

FPS = 24
TINY = ("frame.width=96", "frame.height=64", f"frame.fps={FPS}", "dream.octaves=1")
HALF = 0.5 / FPS + 1e-9


@pytest.fixture(scope="module")
def song(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """80 s at 120 beats a minute, whose first bar begins at 0.3 s and whose sections at 20.3, 40.3 and 60.3 s."""
    drawing = Drawing(120, seconds=80.0)
    t = np.arange(len(drawing.samples())) / RATE - drawing.offset
    chorus = ((t > 20) & (t < 40)) | (t > 60)
    chords = 0.2 * (np.sin(2 * np.pi * 440 * t) + np.sin(2 * np.pi * 660 * t)) * chorus
    folder = tmp_path_factory.mktemp("song")
    return save(folder / "song.wav", (drawing.samples() + chords).astype(np.float32))


@pytest.fixture(autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.getbasetemp() / "cache"))


def cuts(plan: FilmPlan) -> list[float]:
    """The seconds at which each shot is alone on screen, and the film's end."""
    ends = np.cumsum([shot.frames - shot.handles.hidden for shot in plan.shots])
    return [0.0, *(float(end / plan.fps) for end in ends)]


def test_auto_cuts_on_sections(tmp_path: Path, song: Path) -> None:
    presets = "presets=[spiral,breathing,bestiary]"  # two of which last 12 s and 16 s by themselves
    assert cuts(planned(tmp_path, *TINY, "film=auto", presets, "audio.bpm=120")) == [0, 16, 32, 48, 64]
    late = planned(tmp_path, *TINY, "film=auto", presets, "audio.bpm=120", "audio.downbeat=0.5s")
    assert cuts(late) == [0, 16.5, 32.5, 48.5, 64.5]
    plan = planned(tmp_path, *TINY, "film=auto", "presets=[breathing,spiral]", f"audio.path={song}")
    assert cuts(plan) == pytest.approx([0, 20.3, 40.3, 60.3, 80], abs=1.0)
    assert plan.song is not None
    assert cuts(plan)[:-1] == pytest.approx(plan.song.analysis.sections, abs=HALF)
    assert not [note for note in plan.notes if "the last shot" in note]


@pytest.mark.parametrize("start", ["20.2s", "20.4s"])
def test_a_film_may_begin_just_before_or_after_a_section(tmp_path: Path, song: Path, start: str) -> None:
    """A tenth of a second makes no shot."""
    plan = planned(
        tmp_path, *TINY, "film=auto", "presets=[breathing,spiral]", f"audio.path={song}", f"audio.start={start}"
    )
    assert cuts(plan) == pytest.approx([0, 20, 40, 59.7], abs=1.0)
    assert [shot.config.camera.rotate for shot in plan.shots[::2]] == [plan.shots[0].config.camera.rotate] * 2


def test_auto_keeps_a_length_that_the_user_gives(tmp_path: Path) -> None:
    presets = "presets=[spiral,{preset: breathing, duration: 6s}]"
    plan = planned(tmp_path, *TINY, "film=auto", presets, "audio.bpm=120")
    assert cuts(plan) == [0, 16, 22, 38, 64]


def test_auto_drops_the_first_transition(tmp_path: Path) -> None:
    presets = "presets=[{preset: spiral, transition: crossfade},{preset: breathing, transition: dip}]"
    plan = planned(tmp_path, *TINY, "film=auto", presets, "audio.bpm=120")
    assert [shot.handles.transition for shot in plan.shots] == ["cut", "dip", "crossfade", "dip"]


def ends(grid: Grid, fps: Fraction, lengths: list[str], **how: str) -> list[int]:
    """The last frames of shots of these lengths."""
    entries = [(f"film[{n}]", {"duration": length, **(how if n else {})}) for n, length in enumerate(lengths)]
    return [slot.end for slot in Timeline(fps, grid, [], None, lambda key, entry: None).slots(entries)]


@pytest.mark.parametrize("fps", [Fraction(8), Fraction(24), Fraction(30000, 1001)])
@pytest.mark.parametrize("offset", [0.0, 0.37, 1.2])
@pytest.mark.parametrize("bpm", [60, 75.5, 97.3, 100, 124, 128, 140, 174])
def test_shots_in_bars_end_on_bars_of_the_song(bpm: float, offset: float, fps: Fraction) -> None:
    grid = even_grid(bpm, 4, offset)
    for length, beats in (("1bar", 4), ("4bar", 16), ("6b", 6), ("2bar 1b", 9), ("2.5b", 2.5), ("8bar", 32)):
        for how in ({}, {"transition": "crossfade", "fade": "0.5b"}):
            frames = ends(grid, fps, [length] * 40, **how)
            bars = [offset + 60 / bpm * beats * (number + 1) for number in range(40)]
            assert np.array(frames) / float(fps) == pytest.approx(bars, abs=0.5 / float(fps) + 1e-6)


def test_lengths_in_bars_round_to_bars_after_seconds() -> None:
    grid, fps = even_grid(120, 4), Fraction(24)  # half a second a beat, two a bar
    assert ends(grid, fps, ["3.3s", "4bar", "4bar"]) == [79, 10 * 24 + 48, 18 * 24 + 48]
    assert ends(grid, fps, ["2.9s", "4bar", "4bar"]) == [70, 10 * 24, 18 * 24]
    assert ends(grid, fps, ["3.3s", "4b", "1s", "3b"]) == [79, 132, 156, 192]  # at 5.5 s, then on the beat of 8 s


def test_bars_follow_an_uneven_tempo(tmp_path: Path) -> None:
    times = np.cumsum([0.4, *(0.5 + 0.05 * np.sin(np.arange(200) / 9))]).tolist()
    frames = ends(Grid(times, 0, 3), Fraction(24), ["2bar"] * 20)
    assert np.array(frames) / 24 == pytest.approx(times[6:126:6], abs=HALF)


@pytest.mark.parametrize("bpm", [100, 124, 140])
def test_every_shot_starts_at_bar_zero(tmp_path: Path, bpm: float) -> None:
    looks = ",".join(["{preset: music_video, duration: 4bar}"] * 6)
    plan = planned(tmp_path, *TINY, f"film=[{looks}]", f"audio.bpm={bpm}")
    assert cuts(plan)[1:] == pytest.approx([960 / bpm * (number + 1) for number in range(6)], abs=HALF)
    for shot in plan.shots:
        assert shot.signals.grid.time(0) == pytest.approx(0.0, abs=HALF)
        assert shot.signals.signal("bars")(HALF) == pytest.approx(0.0, abs=0.05)


def test_a_bar_that_has_just_begun_is_the_first() -> None:
    assert even_grid(120, 4, 1.97).time(0) == pytest.approx(-0.03)
    assert even_grid(120, 4, 1.9).time(0) == pytest.approx(1.9)
    for grid in (even_grid(120, 4, 0.25), Grid([0.25 + 0.5 * n for n in range(60)], 0, 4)):
        assert grid.since(8.25).time(0) == pytest.approx(0.0)
        assert grid.since(8.29).time(0) == pytest.approx(-0.04)
        assert grid.since(8.31).time(0) == pytest.approx(1.94)
        assert grid.since(8.31, early=0.07).time(0) == pytest.approx(-0.06)
        assert grid.since(8.21).time(0) == pytest.approx(0.04)
        assert grid.since(8.21).beat(3.04) == pytest.approx(6.0)


def test_sections_follow_corrected_beats(tmp_path: Path, song: Path) -> None:
    """Sections and shots start on bars that are a quarter of a second late."""
    corrected = (f"audio.path={song}", "audio.bpm=120", "audio.downbeat=0.55s")
    plan = planned(tmp_path, *TINY, "film=auto", "presets=[spiral,fractal_zoom]", *corrected)
    assert cuts(plan) == pytest.approx([0, 20.55, 40.55, 60.55, 80], abs=HALF)
    for shot in plan.shots[1:]:
        assert shot.signals.grid.time(0) == pytest.approx(0.0, abs=HALF)
    assert [shot.signals.signal("section")(0.0) for shot in plan.shots] == [0, 1, 2, 3]
    assert plan.shots[1].signals.signal("section")(20.1) == 2


def test_a_song_shorter_than_a_frame_is_refused(tmp_path: Path) -> None:
    tiny = save(tmp_path / "tiny.wav", np.ones(200, np.float32))
    with pytest.raises(
        ConfigError, match=r"audio.path=.*tiny.wav: the film would be as long, 0.009s; allowed is one fr"
    ):
        planned(tmp_path, *TINY, f"audio.path={tiny}")


@given(
    st.lists(
        st.tuples(st.integers(8, 60), st.sampled_from(["cut", "dip", "crossfade", "zoom_through"])),
        min_size=2,
        max_size=5,
    ),
    st.integers(60, 900),
)
@QUICK
def test_shots_scale_to_the_length_of_the_film(shots: list[tuple[int, str]], total: int) -> None:
    entries = [
        (f"film[{n}]", {"duration": f"{frames}f", "fade": "3f", "transition": transition if n else "cut"})
        for n, (frames, transition) in enumerate(shots)
    ]
    line = Timeline(Fraction(24), even_grid(120, 4), [], total, lambda key, entry: None)
    natural = Timeline(Fraction(24), even_grid(120, 4), [], None, lambda key, entry: None).slots(entries)
    scaled, notes = line.scale(entries)
    slots, more = line.fit(line.slots(scaled))
    assert slots[-1].end == total and not more and len(notes) == (natural[-1].end != total)
    factor = total / natural[-1].end
    assert all(abs(slot.end - before.end * factor) <= 0.5 for slot, before in zip(slots, natural, strict=True))


@pytest.mark.parametrize("lengths", [("4s", "2bar"), ("4s", "50%"), ("section", "4s"), ("4b", "4s"), ("4s", "")])
def test_lengths_that_follow_something_are_not_scaled(lengths: tuple[str, ...]) -> None:
    entries = [(f"film[{n}]", {"duration": length} if length else {}) for n, length in enumerate(lengths)]
    assert Timeline(Fraction(24), even_grid(120, 4), [], 48, lambda key, entry: None).scale(entries) == (entries, [])


def test_auto_of_one_section_is_noted(tmp_path: Path) -> None:
    plan = planned(tmp_path, *TINY, "film=auto", "duration=3s")
    assert len(plan.shots) == 1 and any(note.startswith("film=auto: ") for note in plan.notes)
    assert not any(note.startswith("film=auto: ") for note in planned(tmp_path, *TINY, "film=auto").notes)


@pytest.mark.parametrize(
    "words", [("+preset=footage", "source.path="), ("audio.path=",), ("start.kind=image", "start.path=")]
)
def test_name_too_long_for_a_file_is_one_sentence(tmp_path: Path, words: tuple[str, ...]) -> None:
    with pytest.raises(InputError, match=f"{words[-1]}n{{300}}: File name too long"):
        planned(tmp_path, *words[:-1], f"{words[-1]}{'n' * 300}", "network=motifnet")
