"""A film over footage from the command line: the same clip, dreaming."""

from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import pytest

from pipeline.media import ffmpeg
from pipeline.media.decode.probe import decode
from tests.counted import probe_and_count
from tests.forked import Program
from tests.media.drawing import video, with_sound
from tests.media.sound.test_source_audio import packets

QUICK = ("dream.octaves=1", "flow.warmup=1", "network=motifnet")


def timestamps(path: Path) -> list[Fraction]:
    report = ffmpeg.run(
        ["-i", f"file:{path}", "-map", "0:v:0", "-fps_mode", "passthrough", "-f", "framecrc", "pipe:1"], doing="listing"
    ).decode()
    (tick,) = (Fraction(line.split()[-1]) for line in report.splitlines() if line.startswith("#tb 0"))
    return [int(line.split(",")[2]) * tick for line in report.splitlines() if not line.startswith("#")]


@pytest.mark.parametrize("rate", ["24", "25", "30000/1001", "60"])
def test_film_has_the_frames_rate_and_sound_of_footage(program: Program, tmp_path: Path, rate: str) -> None:
    seconds = float(8 / Fraction(rate))
    clip = with_sound(tmp_path / "clip.mp4", "-c:a", "aac", rate=rate, seconds=seconds)
    run = program.run("+preset=footage", f"source.path={clip}", "output=f.mp4", *QUICK, folder=tmp_path)
    assert run.code == 0, run.err
    film = tmp_path / "f.mp4"
    mine, theirs = probe_and_count(film), probe_and_count(clip)
    assert (mine.fps, mine.frames, mine.width, mine.height) == (Fraction(rate), 8, 64, 48)
    assert (theirs.fps, theirs.frames) == (mine.fps, mine.frames)
    assert max(abs(a - b) for a, b in zip(timestamps(film), timestamps(clip), strict=True)) < Fraction(1, 10000)
    assert [crc for _, crc in packets(film)] == [crc for _, crc in packets(clip)]


def test_variable_rate_is_reported_and_keeps_its_length(program: Program, tmp_path: Path) -> None:
    thinned = ("-vf", "select='lt(n,10)+not(mod(n,3))'", "-fps_mode", "vfr")
    clip = video(tmp_path / "v.mp4", "testsrc2=s=64x48:r=30:d=0.7", *thinned)
    run = program.run("+preset=footage", f"source.path={clip}", "output=f.mp4", *QUICK, folder=tmp_path)
    assert run.code == 0, run.err
    assert "it is conformed to 30" in run.err
    facts = probe_and_count(tmp_path / "f.mp4")
    assert (facts.fps, facts.frames) == (30, 19)  # the last picture, number 18, lasts a thirtieth


def test_odd_path_and_silent_film(program: Program, tmp_path: Path) -> None:
    name = '-a%03d: it\'s "größe"\n;$x.mp4'
    clip = with_sound(tmp_path / "clip.mp4", "-c:a", "aac", seconds=0.2).rename(tmp_path / name)
    quoted = str(clip).replace("'", "\\'")
    run = program.run(
        "+preset=footage", f"source.path='{quoted}'", "output=f.mp4", "audio=none", *QUICK, folder=tmp_path
    )
    assert run.code == 0, run.err
    report = ffmpeg.run_with_log(["-i", f"file:{tmp_path}/f.mp4", "-f", "null", "-"], doing="looking", level="info")[1]
    assert "Audio" not in report and "Video" in report


@pytest.mark.slow
def test_dream_sticks_to_what_moves(program: Program, tmp_path: Path, shared: Path) -> None:
    """Over real footage, with a zooming camera: frames differ from the source and follow from one to the next."""
    arguments = (
        "+preset=footage",
        "network=motifnet",
        f"source.path={shared}/media/volcano.mp4",
        "frame.width=160",
        "source.end=12f",
    )
    # A strong dream everywhere, in the dark parts too, at four sizes from 32 to 90 pixels.
    arguments += ("dream.octaves=7", "dream.fill=0.5", "dream.detail=1", "dream.strength=0.2", "flow.warmup=32")
    arguments += ("dream.exponent=1", "color.denoise=0", "color.chroma_smoothing=0")  # unsoftened
    run = program.run(*arguments, "camera.zoom=1.1", "output=f.mp4", folder=tmp_path, seconds=300)
    assert run.code == 0, run.err
    made = [frame.astype(float) for frame in decode(tmp_path / "f.mp4")]
    assert len(made) == 12
    plain = program.run(*arguments, "dream.strength=0", "output=p.mp4", folder=tmp_path, seconds=300)
    assert plain.code == 0, plain.err
    footage = [frame.astype(float) for frame in decode(tmp_path / "p.mp4")]
    dreamed = [a - b for a, b in zip(made, footage, strict=True)]
    size = [abs(residual).mean() for residual in dreamed]
    steps = [abs(b - a).mean() for a, b in pairwise(dreamed)]
    assert min(size) > 8
    assert max(steps) < 0.35 * min(size)
