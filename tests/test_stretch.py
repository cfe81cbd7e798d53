"""The stretch under a film: its times, cuts and sound, as they are written."""

from fractions import Fraction
from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir

from pipeline import command
from pipeline.errors import RenderError
from pipeline.plan import Plan, make_plan
from tests.media.drawing import draw, video, with_sound


def planned(tmp_path: Path, path: Path, *overrides: str) -> Plan:
    command.register()
    asked = ["+preset=footage", f"source.path='{path}'", *overrides]
    with initialize_config_dir(str(command.CONF), version_base="1.3"):
        config = command.read(compose("config", asked))
    return make_plan(config, tmp_path, "film")


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return with_sound(tmp_path / "clip.mp4", "-c:a", "aac", rate="30000/1001", seconds=2.002)


def test_size_rate_and_length_are_the_footages(tmp_path: Path, clip: Path) -> None:
    plan = planned(tmp_path, clip)
    assert (plan.width, plan.height, plan.fps, plan.frames) == (64, 48, Fraction(30000, 1001), 60)
    assert plan.stretch is not None
    sound = plan.stretch.sound(plan.frames)
    assert sound is not None and sound.end is None and sound.whole_start
    assert plan.stretch.sound(plan.frames, "none") is None


def test_one_side_asked_for_keeps_the_shape(tmp_path: Path, clip: Path) -> None:
    plan = planned(tmp_path, clip, "frame.width=128")
    assert (plan.width, plan.height) == (128, 96)
    plan = planned(tmp_path, clip, "frame.width=128", "frame.height=72")
    assert (plan.width, plan.height) == (128, 72)


def test_start_end_and_duration_cut(tmp_path: Path, clip: Path) -> None:
    plan = planned(tmp_path, clip, "source.start=15f", "source.end=45f")
    assert plan.frames == 30 and plan.stretch is not None
    assert plan.stretch.picks(30).tolist() == list(range(15, 45))
    sound = plan.stretch.sound(30)
    assert sound is not None and not sound.whole_start
    assert (sound.start, sound.end) == pytest.approx((15 * 1.001 / 30, 45 * 1.001 / 30), abs=1e-4)
    assert planned(tmp_path, clip, "source.start=50%").frames == 30
    short = planned(tmp_path, clip, "duration=10f")
    assert short.frames == 10 and short.stretch is not None
    sound = short.stretch.sound(10)
    assert sound is not None and sound.end == pytest.approx(10 * 1.001 / 30, abs=1e-6)


def test_a_rate_that_is_asked_for(tmp_path: Path, clip: Path) -> None:
    plan = planned(tmp_path, clip, "frame.fps=12")
    assert (plan.fps, plan.frames) == (12, 24)
    plan = planned(tmp_path, clip, "source.fps=15")
    assert (plan.fps, plan.frames) == (15, 30)


def test_cuts_are_counted_in_frames_of_the_film(tmp_path: Path) -> None:
    drawing = "testsrc2=s=96x64:r=24:d=1[a];mandelbrot=s=96x64:r=24,trim=duration=1,format=yuv420p[b];[a][b]concat"
    path = draw(tmp_path / "c.mp4", "-f", "lavfi", "-i", drawing)
    stretch = planned(tmp_path, path).stretch
    assert stretch is not None and stretch.cuts(48) == {24}
    stretch = planned(tmp_path, path, "source.start=0.5s", "frame.fps=12").stretch
    assert stretch is not None and stretch.cuts(18) == {6}
    stretch = planned(tmp_path, path, "source.cut=0").stretch
    assert stretch is not None and not stretch.cuts(48)


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["source.start=3s"], "source.start=3s: the footage lasts 2.00"),
        (["source.end=9s"], "source.end=9s: allowed is up to 2.00"),
        (["source.start=1s", "source.end=0.5s"], "source.end=0.5s: allowed is up to"),
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
def test_what_does_not_fit_is_said(tmp_path: Path, clip: Path, overrides: list[str], message: str) -> None:
    with pytest.raises(RenderError, match=message):
        planned(tmp_path, clip, *overrides)


def test_the_footage_itself_is_never_replaced(tmp_path: Path, clip: Path) -> None:
    with pytest.raises(RenderError, match="this is the footage itself"):
        planned(tmp_path, clip, f"output={clip}", "overwrite=true")


def test_without_footage_its_size_cannot_be_asked_for(tmp_path: Path) -> None:
    with pytest.raises(RenderError, match=r"frame.width=0: allowed is 16 to 16384"):
        planned(tmp_path, video(tmp_path / "a.mp4"), "source=none", "source.path=null", "frame.width=0", "duration=1s")
