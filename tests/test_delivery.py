"""What an editor gets besides pictures: loudness, chapters, subtitles, preview, cover. Read back by plain ffmpeg."""

import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pipeline import film
from pipeline.errors import ConfigError, OutputError
from pipeline.media import ffmpeg
from pipeline.media.decode.probe import decode
from pipeline.media.encode.mux import read_record
from pipeline.media.sound.loudness import LoudSound, at_loudness
from pipeline.plan.sound import plan_sound
from pipeline.segments.workdir import check_outputs
from tests.counted import probe_and_count
from tests.media.drawing import draw
from tests.test_shot import planned

TINY = ("frame.width=96", "frame.height=64", "frame.fps=12", "dream.octaves=1", "start.steps=2", "segment=8")
TINY = (*TINY, "network=motifnet")
TWO_SHOTS = (
    "film=[{duration: 2s, score.targets: [class:flower]},"
    "{duration: 2s, transition: crossfade, fade: 6f, score.targets: [class:coral]}]"
)


def loudness(path: Path) -> float:
    """Integrated loudness in LUFS, by ffmpeg's meter."""
    arguments = ["-i", f"file:{path}", "-map", "0:a:0", "-filter:a", "ebur128", "-f", "null", "-"]
    report = ffmpeg.run_with_log(arguments, doing="measuring", level="info")[1]
    return float(re.findall(r"I:\s+(-?[\d.]+) LUFS", report)[-1])


def chapters(path: Path) -> list[tuple[float, float, str]]:
    text = ffmpeg.run(["-i", f"file:{path}", "-f", "ffmetadata", "pipe:1"], doing="reading").decode()
    entries = re.findall(r"\[CHAPTER\]\nTIMEBASE=1/(\d+)\nSTART=(\d+)\nEND=(\d+)\ntitle=(.*)", text)
    return [(int(start) / int(base), int(end) / int(base), title) for base, start, end, title in entries]


def subtitles(path: Path) -> list[str]:
    text = ffmpeg.run(["-i", f"file:{path}", "-map", "0:s:0", "-f", "srt", "pipe:1"], doing="reading").decode()
    return re.findall(r"(\S+ --> \S+)\n(.*)", text)


@pytest.fixture
def song(tmp_path: Path) -> Path:
    """A quiet melody with a louder end."""
    tone = "aevalsrc='(0.02+0.03*gt(t,2))*(sin(2*PI*220*t)+sin(2*PI*331*t))':s=48000:d=4"
    return draw(tmp_path / "song.wav", "-f", "lavfi", "-i", tone)


def test_drums_reach_the_loudness_below_their_peaks(tmp_path: Path) -> None:
    kick = "0.85*exp(-30*mod(t,0.5))*sin(2*PI*(50+80*exp(-40*mod(t,0.5)))*t)"
    drums = f"aevalsrc='{kick}+0.1*exp(-90*mod(t,0.25))*(random(0)*2-1)+0.03*sin(2*PI*196*t)':s=48000:d=4"
    song, path = draw(tmp_path / "drums.wav", "-f", "lavfi", "-i", drums), tmp_path / "loud.mp4"
    plan = planned(tmp_path, *TINY, "duration=4s", "audio=file", f"audio.path={song}")
    with at_loudness(plan_sound(plan), -14, tmp_path) as sound:
        assert sound is not None
        outputs = [*sound.outputs("mp4", 0), "-f", "mp4", f"file:{path}"]
        ffmpeg.run([*sound.inputs(), *outputs], doing="writing")
    assert loudness(path) == pytest.approx(-14, abs=0.5)
    meter = ["-i", f"file:{path}", "-filter:a", "ebur128=peak=true:framelog=quiet", "-f", "null", "-"]
    peak = re.findall(r"Peak:\s+(-?[\d.]+) dBFS", ffmpeg.run_with_log(meter, doing="measuring", level="info")[1])
    assert float(peak[-1]) < -0.5  # below -1 before AAC


def test_clicks_are_not_driven_into_the_limiter(tmp_path: Path) -> None:
    """No gain makes single clicks loud: they stay as loud as their peaks allow."""
    clicks = "aevalsrc='if(lt(mod(t,1),0.001),0.9,0)':s=48000:d=4"
    song = draw(tmp_path / "clicks.wav", "-f", "lavfi", "-i", clicks)
    plan = planned(tmp_path, *TINY, "duration=4s", "audio=file", f"audio.path={song}")
    with at_loudness(plan_sound(plan), -14, tmp_path) as sound:
        assert isinstance(sound, LoudSound)
        meter = f"{sound.filters[0]},ebur128=peak=true:framelog=quiet"
        arguments = [*sound.inputs(), "-filter:a", meter, "-f", "null", "-"]
        report = ffmpeg.run_with_log(arguments, doing="measuring", level="info")[1]
    assert float(re.findall(r"Peak:\s+(-?[\d.]+) dBFS", report)[-1]) < -0.5


@pytest.mark.parametrize("ending", [".mp4", ".mkv"])
def test_film_has_loudness_chapters_and_subtitles(tmp_path: Path, song: Path, ending: str) -> None:
    path = tmp_path / f"film{ending}"
    words = ("encode.loudness=-14", "encode.chapters=shots", "encode.subtitles=targets", f"audio.path={song}")
    film.render(planned(tmp_path, *TINY, TWO_SHOTS, *words, f"output={path}", "audio=file"))
    assert loudness(song) < -25
    assert loudness(path) == pytest.approx(-14, abs=0.5)
    frames = probe_and_count(path).frames
    ends = [(round(start * 12), round(end * 12)) for start, end, _ in chapters(path)]
    assert ends[0] == (0, ends[1][0]) and ends[1][1] == frames and len(ends) == 2
    named = [text for _, text in subtitles(path)]
    assert named == ["class:flower", "class:coral"]
    assert subtitles(path)[1][0].startswith(f"00:00:0{int(chapters(path)[1][0])}")
    assert "seed" in read_record(path)
    sound = ffmpeg.run(["-i", f"file:{path}", "-map", "0:a:0", "-ac", "1", "-f", "s16le", "pipe:1"], doing="decoding")
    assert abs(len(sound) / 2 / 48000 - frames / 12) < 0.03


def test_preview_and_cover_lie_next_to_the_master(tmp_path: Path, song: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.segments.preview_and_cover.PREVIEW_LINES", 40)
    words = ("duration=3f", "encode=png", "encode.also=[preview,cover]", "encode.cover=1f", f"output={tmp_path}/frames")
    files = film.render(planned(tmp_path, *TINY, *words, "audio=file", f"audio.path={song}"))
    preview, cover = files.also
    assert (preview.name, cover.name) == ("frames.preview.mp4", "frames.cover.png")
    facts = probe_and_count(preview)
    assert (facts.width, facts.height, facts.frames) == (60, 40, 3)
    assert loudness(preview) < -20  # it has the song
    still = Image.open(cover)
    assert np.array_equal(np.asarray(still), np.asarray(Image.open(tmp_path / "frames" / "00001.png")))
    small = np.asarray(still.resize((60, 40), Image.Resampling.BICUBIC), dtype=float)
    assert np.abs((list(decode(preview))[1] - small).mean(2)).mean() < 10  # 4:2:0 of tiny pictures
    assert read_record(preview) == read_record(tmp_path / "frames")


def test_loudness_changes_no_frame_and_silence_stays(tmp_path: Path) -> None:
    silent = draw(tmp_path / "silent.wav", "-f", "lavfi", "-i", "anullsrc=r=48000:cl=stereo", "-t", "1")
    common = (*TINY, "duration=12f", "audio=file", f"audio.path={silent}", "keep_segments=true")
    film.render(planned(tmp_path, *common, f"output={tmp_path}/film.mp4"))
    before = {path: path.stat().st_mtime_ns for path in tmp_path.glob("film.mp4.work/shot-*/0*")}
    film.render(planned(tmp_path, *common, "encode.loudness=-20", f"output={tmp_path}/film.mp4"))
    assert before == {path: path.stat().st_mtime_ns for path in tmp_path.glob("film.mp4.work/shot-*/0*")} != {}


@pytest.mark.parametrize(
    ("words", "note"),
    [
        (("encode.loudness=-14",), "encode.loudness has no effect: the film has no sound"),
        (("encode=gif", "encode.chapters=shots"), "encode.chapters has no effect: this kind of file holds none"),
        (("encode.subtitles=cues",), "encode.subtitles has no effect: the film has no cues"),
    ],
)
def test_what_has_no_effect_is_noted(tmp_path: Path, words: tuple[str, ...], note: str) -> None:
    ending = "gif" if "encode=gif" in words else "mp4"
    notes = planned(tmp_path, *TINY, *words, f"output={tmp_path}/film.{ending}").notes
    assert [each for each in notes if each.startswith(note)]


def test_wrong_settings_are_named_before_the_first_frame(tmp_path: Path) -> None:
    for words, allowed in (
        ("encode.also=[previw]", r"encode.also=previw: allowed are preview, cover \(did you mean preview"),
        ("encode.chapters=shot", "encode.chapters=shot: allowed are none, shots, cues, targets"),
        ("encode.loudness=3", "encode.loudness=3.0: allowed is -40 to -5"),
        ("encode.cover=200%", "encode.cover=200%"),
    ):
        with pytest.raises(ConfigError, match=allowed):
            planned(tmp_path, *TINY, words)
    (tmp_path / "film.mp4.preview.mp4").write_bytes(b"mine")
    plan = planned(tmp_path, *TINY, "encode.also=[preview]", f"output={tmp_path}/film.mp4")
    with pytest.raises(OutputError, match=r"film\.mp4\.preview\.mp4 exists already"):
        check_outputs(plan.outputs, plan.config)
