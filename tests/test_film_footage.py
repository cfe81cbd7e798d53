"""Films with shots over footage: lengths, pictures and sound."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from pipeline import film
from pipeline.cli import compose as command
from pipeline.cli import from_film
from pipeline.errors import RenderError
from pipeline.media.decode.probe import decode
from pipeline.media.sound.mix import SoundMix
from pipeline.media.sound.song_audio import Soundtrack
from pipeline.plan.film_plan import FilmPlan
from pipeline.plan.planner import plan_film
from pipeline.plan.sound import plan_sound
from tests.counted import probe_and_count
from tests.media.drawing import draw, video, with_sound
from tests.media.sound.test_mix import HIGH, LOW, loud, samples_of
from tests.music.drawn import RATE, save
from tests.test_film import FrameCounter
from tests.test_shot import planned

LOOK = ("dream.octaves=1", "start.steps=2", "flow.warmup=1", "segment=8", "score=constant", "score.targets=[class:owl]")
TINY = (*LOOK, "frame.width=96", "frame.height=54", "frame.fps=24")


def tone(path: Path, hertz: int, *arguments: str) -> Path:
    """Two seconds of a test picture over a tone of amplitude 0.3."""
    sound = ("-f", "lavfi", "-i", f"aevalsrc='0.3*sin(2*PI*{hertz}*t)':s=48000:d=2")
    picture = ("-f", "lavfi", "-i", "gradients=s=96x54:r=24:d=2:c0=0x705040:c1=0x3060a0:speed=0.001:seed=1")
    return draw(path, *picture, *sound, "-c:a", "aac", *arguments)


def luma(picture: np.ndarray) -> np.ndarray:
    """BT.709 luma of RGB."""
    return picture @ np.array([0.2126, 0.7152, 0.0722])


def of(clip: Path, **entry: object) -> str:
    """An entry over footage."""
    settings = "".join(f", {key.replace('_', '.')}: {value}" for key, value in entry.items())
    return f"{{preset: footage, source.path: '{clip}'{settings}}}"


def test_each_shot_has_its_footage_sound(tmp_path: Path) -> None:
    low, high = tone(tmp_path / "low.mp4", LOW), tone(tmp_path / "high.mp4", HIGH)
    silent = "{duration: 12f, transition: crossfade, fade: 6f}"
    last = of(high, source_start="12f", duration="24f", transition="dip", fade="6f")
    shots = f"film=[{of(low, duration='24f')},{silent},{last}]"
    plan = planned(tmp_path, *TINY, shots, f"output={tmp_path}/f.mp4")
    assert [note for note in plan.notes if "plays the sound of its footage; shot 2 is silent" in note]
    film.render(plan)
    sound = samples_of(tmp_path / "f.mp4")
    assert probe_and_count(tmp_path / "f.mp4").frames == plan.frames == 24 + 12 + 24 - 6 - 6
    assert len(sound) == plan.frames * 48000 // 24
    assert [loud(sound, LOW, frame) for frame in range(1, 18)] == pytest.approx([0.3] * 17, abs=0.03)
    assert loud(sound, LOW, 21) == pytest.approx(0.3 * 0.5**0.5, abs=0.04)  # in the middle of the crossfade
    assert max(loud(sound, hertz, 25) for hertz in (LOW, HIGH)) < 0.02  # the shot of noise is alone for a moment
    assert [loud(sound, HIGH, frame) for frame in range(31, 47)] == pytest.approx([0.3] * 16, abs=0.03)


@pytest.mark.parametrize("kind", ["mp4", "mkv"])
def test_silent_first_shot_is_silence_in_the_file(tmp_path: Path, kind: str) -> None:
    """Not a later start of the sound, which not every player follows."""
    clip = tone(tmp_path / "low.mp4", LOW)
    shots = f"film=[{{duration: 24f}},{of(clip, duration='24f')}]"
    plan = planned(tmp_path, *TINY, shots, f"output={tmp_path}/f.{kind}")
    film.render(plan)
    sound = samples_of(tmp_path / f"f.{kind}")
    assert len(sound) >= plan.frames * 48000 // 24
    assert max(loud(sound, LOW, frame) for frame in range(1, 22)) < 0.02
    assert [loud(sound, LOW, frame) for frame in range(26, 46)] == pytest.approx([0.3] * 20, abs=0.03)


def test_song_replaces_footage_sound(tmp_path: Path) -> None:
    clip = tone(tmp_path / "low.mp4", LOW)
    save(tmp_path / "song.wav", np.zeros(RATE * 2, dtype=np.float32))
    shots = f"film=[{of(clip, duration='12f')},{of(clip, duration='12f')}]"
    songs = planned(tmp_path, *TINY, shots, f"audio.path={tmp_path}/song.wav", "duration=1s")
    assert isinstance(plan_sound(songs), Soundtrack)
    assert plan_sound(planned(tmp_path, *TINY, shots, "audio=none")) is None
    assert isinstance(plan_sound(planned(tmp_path, *TINY, shots)), SoundMix)
    gif = planned(tmp_path, *TINY, shots, "encode=gif", f"output={tmp_path}/a.gif")
    assert "this kind of file holds no sound; that of the footage is left out" in gif.notes


def test_damaged_sound_is_refused_before_the_render(tmp_path: Path) -> None:
    clip = with_sound(tmp_path / "clip.mkv", "-c:a", "flac")
    data = bytearray(clip.read_bytes())
    at = int(len(data) * 0.6)
    data[at : at + 60] = bytes(60)
    clip.write_bytes(data)
    shots = f"film=[{of(clip)},{{duration: 6f}}]"
    with pytest.raises(RenderError, match=r"the sound of .* is damaged at about 0.*; source.salvage=true uses it as"):
        planned(tmp_path, *TINY, shots)
    taken = shots.replace("footage,", "footage, source.salvage: true,")
    salvaged = planned(tmp_path, *TINY, taken, f"output={tmp_path}/f.mp4")
    assert any("is damaged at about" in note and "it is used as it is" in note for note in salvaged.notes)
    planned(tmp_path, *TINY, shots, "audio=none")
    film.render(salvaged)
    sound = samples_of(tmp_path / "f.mp4")  # with a gap at the damage
    assert len(sound) == 30 * 48000 // 24 and np.abs(sound[4800:14400]).max() > 0.1


def test_footage_sound_fades_out(tmp_path: Path) -> None:
    clip = tone(tmp_path / "low.mp4", LOW)
    plan = planned(
        tmp_path,
        *LOOK,
        "+preset=footage",
        *(f"source.path={clip}", "duration=24f", "audio.fade_out=12f", f"output={tmp_path}/f.mp4"),
    )
    film.render(plan)
    sound = samples_of(tmp_path / "f.mp4")
    assert len(sound) == 48000
    assert loud(sound, LOW, 11) == pytest.approx(0.3, abs=0.03)
    assert loud(sound, LOW, 18) == pytest.approx(0.15, abs=0.03)
    assert loud(sound, LOW, 23.5) < 0.02
    with pytest.raises(RenderError, match=r"audio.fade_out=soon: "):
        planned(tmp_path, *LOOK, "+preset=footage", f"source.path={clip}", "audio.fade_out=soon")


def test_footage_sets_length_rate_and_size(tmp_path: Path) -> None:
    clip = video(tmp_path / "clip.mp4", "testsrc2=s=80x48:r=30000/1001:d=1.001")
    plan = planned(
        tmp_path, *LOOK, "+preset=footage", f"source.path={clip}", "film=[{},{source: none, duration: 12f},{}]"
    )
    assert plan.fps == Fraction(30000, 1001)
    assert [(shot.frames, shot.width, shot.height) for shot in plan.shots] == [(30, 80, 48), (12, 80, 48), (30, 80, 48)]
    own = planned(tmp_path, *LOOK, "frame.width=96", "frame.height=54", "frame.fps=12", f"film=[{of(clip)},{{}}]")
    assert [shot.frames for shot in own.shots] == [12, 96]
    half = planned(tmp_path, *TINY, f"film=[{of(clip, duration='50%')},{{}}]")
    assert [shot.frames for shot in half.shots] == [12, 192]
    with pytest.raises(RenderError, match=r"film\[1\].duration=3s: the footage lasts 1.001s"):
        planned(tmp_path, *TINY, f"film=[{{}},{of(clip, duration='3s')}]")
    with pytest.raises(RenderError, match=r"film\[1\].transition=zoom_through: footage begins with its own"):
        planned(tmp_path, *TINY, f"film=[{{}},{of(clip, transition='zoom_through')}]")
    with pytest.raises(RenderError, match=r"film\[0\].source.path=null: source=video needs the footage"):
        planned(tmp_path, *TINY, "film=[{preset: footage},{}]")


def song(path: Path) -> Path:
    """Half a minute at 120 beats a minute: kicks and a low chord, then hats and a high one, then as before."""
    rng, t = np.random.default_rng(5), np.arange(10 * RATE) / RATE
    within = t % 0.5
    kicks = 0.8 * np.sin(2 * np.pi * 55 * within) * np.exp(-within * 18)
    hats = 0.25 * rng.standard_normal(len(t)) * np.exp(-(t % 0.25) * 40)
    low, high = (sum(0.08 * np.sin(2 * np.pi * f * t) for f in notes) for notes in ((110, 165, 220), (880, 1047, 1319)))
    verse, chorus = kicks + low, hats + high
    return save(path, np.concatenate([verse, chorus, verse]).astype(np.float32))


def auto(folder: Path, clip: Path, music: Path, *overrides: str) -> FilmPlan:
    presets = f"presets=[{of(clip)},{{camera.zoom: 1.3, transition: crossfade, fade: 2b}}]"
    arguments = ("film=auto", presets, f"audio.path={music}", "audio.bpm=120", f"output={folder}/auto.mp4")
    return planned(folder, *LOOK, "frame.width=64", "frame.height=48", "frame.fps=4", *arguments, *overrides)


@pytest.mark.slow
def test_auto_film_over_footage_and_noise(tmp_path: Path) -> None:
    clip = video(tmp_path / "clip.mp4", "mandelbrot=s=64x48:r=8:end_scale=0.1:end_pts=100", "-t", "14")
    music = song(tmp_path / "song.wav")
    plan = auto(tmp_path, clip, music)
    assert [shot.footage is not None for shot in plan.shots] == [True, False, True]
    assert plan.frames == 120 and abs(plan.shots[0].frames - 40) <= 4 and plan.shots[1].handles.head == 4
    film.render(plan)
    shown = [frame.astype(float) for frame in decode(tmp_path / "auto.mp4")]
    assert len(shown) == 120 and len(samples_of(tmp_path / "auto.mp4")) == 30 * 48000
    source = [luma(frame) for frame in decode(clip)]
    like = [float(np.corrcoef(luma(frame).ravel(), source[2 * n].ravel())[0, 1]) for n, frame in enumerate(shown[:40])]
    assert np.mean(like[:30]) > 0.5  # the footage shows through, at its time
    again = plan.shots[2].handles.head + sum(shot.frames - shot.handles.head for shot in plan.shots[:2])
    assert np.corrcoef(luma(shown[again]).ravel(), source[2 * plan.shots[2].handles.head].ravel())[0, 1] > 0.5
    with pytest.raises(RenderError, match=r"presets\[0\].duration=\S*s: the footage lasts 2s"):
        auto(tmp_path, tone(tmp_path / "short.mp4", LOW), music, "overwrite=true")


def test_zoom_through_continues_from_footage(tmp_path: Path) -> None:
    clip = tone(tmp_path / "low.mp4", LOW)
    shots = f"film=[{of(clip, duration='10f')},{{duration: 8f, transition: zoom_through, camera.zoom: 1.3}}]"
    film.render(planned(tmp_path, *TINY, shots, f"output={tmp_path}/f.mp4"))
    shown = [frame.astype(float) for frame in decode(tmp_path / "f.mp4")]
    within = float(np.mean([np.abs(shown[n + 1] - shown[n]).mean() for n in range(10, 17)]))
    assert np.abs(shown[10] - shown[9]).mean() < 2 * within


def test_repeated_film_needs_its_footage_named(tmp_path: Path) -> None:
    clip = tone(tmp_path / "low.mp4", LOW)
    shots = f"film=[{of(clip, duration='4f')},{{duration: 4f}},{of(clip, source_start='1s', duration='4f')}]"
    plan = planned(tmp_path, *TINY, "frame.width=32", "frame.height=32", shots, f"output={tmp_path}/f.mp4")
    film.render(plan)
    rest, repeat = from_film.extract([f"from={tmp_path}/f.mp4", f"source.path={clip}", f"output={tmp_path}/g.mp4"])
    config = command.make_config(rest, command.REPEAT)
    assert repeat is not None and list(repeat.notes(config)) == []
    again = plan_film(config, tmp_path, "film")
    assert again.notes == plan.notes
    assert [shot.footage and shot.footage.start for shot in again.shots] == [0.0, None, 1.0]
    film.render(again)
    assert list(map(np.ndarray.tobytes, decode(tmp_path / "g.mp4"))) == [
        frame.tobytes() for frame in decode(tmp_path / "f.mp4")
    ]


@pytest.mark.parametrize(
    ("fault", "error"), [("flow.kind: raft", "device=cuda"), ("network.weights: W", "not weights")]
)
def test_later_shots_are_checked_before_the_first_frame(tmp_path: Path, fault: str, error: str) -> None:
    if "raft" in fault:
        clip = video(tmp_path / "clip.mp4", "testsrc2=s=96x54:r=24:d=0.5")
        shots = f"film=[{{duration: 4f}},{of(clip)[:-1]}, {fault}}}]"
    else:
        save_file({"weight": torch.zeros(2)}, tmp_path / "other.safetensors")
        weights = fault.replace("W", f"'{tmp_path}/other.safetensors'")
        shots = f"film=[{{duration: 4f}},{{duration: 4f, transition: zoom_through, {weights}}}]"
    plan = planned(tmp_path, *TINY, "network=motifnet", "device=cpu", shots, f"output={tmp_path}/f.mp4")
    frames = FrameCounter()
    with pytest.raises(RenderError, match=error):
        film.render(plan, (frames,))
    assert not frames.frames
