"""The footage of a film: which part is used, its times, cuts and sound."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hydra import compose, initialize_config_dir

from pipeline.cli import compose as command
from pipeline.config import octave_scales
from pipeline.errors import RenderError
from pipeline.media.decode.image_file import write_png
from pipeline.media.decode.scan import scan
from pipeline.plan.film_plan import FilmPlan
from pipeline.plan.planner import plan_film
from tests.media.drawing import draw, video, with_sound


def planned(tmp_path: Path, path: Path, *overrides: str) -> FilmPlan:
    command.register()
    settings = ["+preset=footage", f"source.path='{path}'", *overrides]
    with initialize_config_dir(str(command.CONF), version_base="1.3"):
        config = command.read(compose("config", settings))
    return plan_film(config, tmp_path, "film")


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return with_sound(tmp_path / "clip.mp4", "-c:a", "aac", rate="30000/1001", seconds=2.002)


def test_size_rate_and_length_come_from_the_footage(tmp_path: Path, clip: Path) -> None:
    plan = planned(tmp_path, clip)
    assert (plan.width, plan.height, plan.fps, plan.frames) == (64, 48, Fraction(30000, 1001), 60)
    assert plan.shots[0].footage is not None
    sound = plan.shots[0].footage.sound(plan.frames)
    assert sound is not None and sound.end is None and sound.whole_start
    assert plan.shots[0].footage.sound(plan.frames, "none") is None


def test_one_given_side_keeps_the_aspect_ratio(tmp_path: Path, clip: Path) -> None:
    plan = planned(tmp_path, clip, "frame.width=128")
    assert (plan.width, plan.height) == (128, 96)
    plan = planned(tmp_path, clip, "frame.width=128", "frame.height=72")
    assert (plan.width, plan.height) == (128, 72)


def test_start_end_and_duration_trim_the_clip(tmp_path: Path, clip: Path) -> None:
    plan = planned(tmp_path, clip, "source.start=15f", "source.end=45f")
    assert plan.frames == 30 and plan.shots[0].footage is not None
    assert plan.shots[0].footage.picks(30).tolist() == list(range(15, 45))
    sound = plan.shots[0].footage.sound(30)
    assert sound is not None and not sound.whole_start
    assert (sound.start, sound.end) == pytest.approx((15 * 1.001 / 30, 45 * 1.001 / 30), abs=1e-4)
    assert planned(tmp_path, clip, "source.start=50%").frames == 30
    short = planned(tmp_path, clip, "duration=10f")
    assert short.frames == 10 and short.shots[0].footage is not None
    sound = short.shots[0].footage.sound(10)
    assert sound is not None and sound.end == pytest.approx(10 * 1.001 / 30, abs=1e-6)


def test_a_given_frame_rate_is_used(tmp_path: Path, clip: Path) -> None:
    plan = planned(tmp_path, clip, "frame.fps=12")
    assert (plan.fps, plan.frames) == (12, 24)
    plan = planned(tmp_path, clip, "source.fps=15")
    assert (plan.fps, plan.frames) == (15, 30)


def test_cuts_are_counted_in_frames_of_the_film(tmp_path: Path) -> None:
    drawing = "testsrc2=s=96x64:r=24:d=1[a];mandelbrot=s=96x64:r=24,trim=duration=1,format=yuv420p[b];[a][b]concat"
    path = draw(tmp_path / "c.mp4", "-f", "lavfi", "-i", drawing)
    footage = planned(tmp_path, path).shots[0].footage
    assert footage is not None and footage.cuts(48) == {24}
    footage = planned(tmp_path, path, "source.start=0.5s", "frame.fps=12").shots[0].footage
    assert footage is not None and footage.cuts(18) == {6}
    footage = planned(tmp_path, path, "source.cut=0").shots[0].footage
    assert footage is not None and not footage.cuts(48)


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["source.start=3s"], "source.start=3s: the footage lasts 2.00"),
        (["source.end=9s"], "source.end=9s: allowed is up to 2.00"),
        (["source.start=1s", "source.end=0.5s"], "source.end=0.5s: it comes after source.start=1s"),
        (["duration=5s"], "duration=5s: the footage lasts 2.00"),
        (["source.background=[2,0,0]"], "source.background=.*each in 0..1"),
        (["source.fps=0"], "source.fps=0: frames per second"),
        (["frame.width=8"], "frame.width=8: allowed is 16"),
        (["source.path=absent.mp4"], "absent.mp4: there is no such file"),
        (["source.path=null"], "source.path=null: source=video needs the footage"),
        (["flow.style=smear"], "flow.style=smear: allowed are residual, blend"),
    ],
    ids=lambda value: value[-1] if isinstance(value, list) else "",
)
def test_settings_that_do_not_fit_are_refused(tmp_path: Path, clip: Path, overrides: list[str], message: str) -> None:
    with pytest.raises(RenderError, match=message):
        planned(tmp_path, clip, *overrides)


def test_sound_before_the_first_picture_is_cut(tmp_path: Path, clip: Path) -> None:
    late = tmp_path / "late.mkv"
    arguments = ["-itsoffset", "3", "-i", f"file:{clip}", "-i", f"file:{clip}", "-map", "0:v", "-map", "1:a"]
    draw(late, *arguments, "-c", "copy")
    plan = planned(tmp_path, late, "source.end=1s")
    assert plan.frames == 30 and plan.shots[0].footage is not None
    assert plan.shots[0].footage.start == pytest.approx(3, abs=0.05)
    assert any("the first 3.0" in note and "of sound" in note for note in plan.notes)
    assert not any("of sound" in note for note in planned(tmp_path, late, "source.end=1s", "audio=none").notes)
    assert not any("of sound" in note for note in planned(tmp_path, clip).notes)


def test_only_the_used_part_is_decoded(tmp_path: Path) -> None:
    path = video(tmp_path / "long.mp4", "testsrc2=s=64x48:r=24:d=8")
    for part in (["source.end=12f"], ["duration=12f"], ["source.start=4f", "duration=0.5s"]):
        plan = planned(tmp_path, path, *part)
        assert plan.frames == 12 and plan.shots[0].footage is not None
        assert len(plan.shots[0].footage.clip.times) < 72
    assert planned(tmp_path, path, "source.end=25%").frames == 48


def test_damaged_sound_is_refused_unless_unused(tmp_path: Path) -> None:
    path = with_sound(tmp_path / "d.mkv", "-c:a", "flac")
    data = bytearray(path.read_bytes())
    data[int(len(data) * 0.8)] ^= 0x41
    path.write_bytes(data)
    with pytest.raises(RenderError, match=r"sound of .* is damaged at about 0\..*audio=none"):
        planned(tmp_path, path)
    assert planned(tmp_path, path, "audio=none").notes == ()
    assert planned(tmp_path, path, "source.end=0.5s").notes == ()
    assert "used as it is" in planned(tmp_path, path, "source.salvage=true").notes[0]


def test_footage_is_never_overwritten(tmp_path: Path, clip: Path) -> None:
    with pytest.raises(RenderError, match="this is the footage itself"):
        planned(tmp_path, clip, f"output={clip}", "overwrite=true")


@pytest.mark.parametrize(
    ("footage", "output"),
    [("shots", "shots/film.mp4"), ("shots", "shots/../shots/film.mov")],
)
def test_output_may_not_lie_among_source_images(tmp_path: Path, footage: str, output: str) -> None:
    folder = tmp_path / "shots"
    folder.mkdir()
    for number in range(4):
        write_png(np.full((48, 64, 3), 60 * number, np.uint8), folder / f"f{number:02d}.png")
    with pytest.raises(RenderError, match="would lie among the pictures"):
        planned(tmp_path, tmp_path / footage, f"output={tmp_path / output}")
    assert planned(tmp_path, tmp_path / footage, f"output={folder / 'made' / 'film.mp4'}").frames == 4


@pytest.mark.parametrize(
    ("size", "settings", "extra"),
    [
        ("640x360", [], 0),
        ("1080x1920", [], 3),
        ("320x180", ["frame.scale=4"], 2),
        ("320x180", ["frame.width=1280"], 2),
    ],
)
def test_octaves_follow_the_size_of_the_footage(tmp_path: Path, size: str, settings: list[str], extra: int) -> None:
    path = video(tmp_path / "a.mp4", f"color=gray:s={size}:r=24:d=0.1")
    plan = planned(tmp_path, path, "dream.octaves=4", "dream.octave_ratio=1.4", *settings)
    (shot,) = plan.shots
    assert len(octave_scales(shot.config.dream, min(shot.width, shot.height))) == 4 + extra


def test_size_zero_needs_footage(tmp_path: Path) -> None:
    with pytest.raises(RenderError, match=r"frame.width=0: allowed is 16 to 16384"):
        planned(tmp_path, video(tmp_path / "a.mp4"), "source=none", "source.path=null", "frame.width=0", "duration=1s")


def test_a_duration_may_end_before_the_given_end(tmp_path: Path) -> None:
    path = video(tmp_path / "long.mp4", "testsrc2=s=64x48:r=24:d=8")
    assert planned(tmp_path, path, "source.end=7s", "duration=12f").frames == 12


def test_a_clip_is_decoded_once_for_all_shots(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = video(tmp_path / "long.mp4", "testsrc2=s=64x48:r=24:d=2")
    scans = []
    monkeypatch.setattr("pipeline.media.decode.clip.scan", lambda *a, **b: scans.append(a) or scan(*a, **b))
    entries = [f"{{source.start: {n}f, duration: 6f}}" for n in (0, 12, 24)]
    for frame in (("frame.fps=24", "frame.width=64", "frame.height=48"), ()):
        scans.clear()
        film = planned(tmp_path, path, f"film=[{','.join([*entries, '{duration: 50%}'])}]", *frame)
        assert [shot.frames for shot in film.shots] == [6, 6, 6, 24]
        assert len(scans) == 1
