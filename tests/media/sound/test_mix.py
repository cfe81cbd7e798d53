"""The mix of shots' sounds: in place, at full level, faded as the pictures."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from pipeline.config import EncodeConfig
from pipeline.media import ffmpeg
from pipeline.media.sound.mix import Part, SoundMix
from pipeline.media.sound.source_audio import Sound
from pipeline.media.sound.tracks import footage_tracks
from pipeline.plan.handles import Handles
from pipeline.plan.sound import mix_shots
from tests.media.drawing import draw
from tests.media.drawn import film, joined

FPS, RATE = Fraction(24), 48_000
LOW, HIGH = 440, 1760


def tone(path: Path, hertz: int, *, rate: int = RATE, channels: int = 1, seconds: float = 2.0) -> Sound:
    """A clip that sounds at an amplitude of 0.3, as its own sound from second 0.5 of its clock on."""
    waves = "|".join([f"0.3*sin(2*PI*{hertz}*t)"] * channels)
    sound = ("-f", "lavfi", "-i", f"aevalsrc='{waves}':s={rate}:d={seconds}", "-c:a", "pcm_s16le")
    draw(path, "-f", "lavfi", "-i", f"testsrc2=s=64x48:r=24:d={seconds}", *sound)
    return Sound(path, footage_tracks(path), 0.5, None, False)


def samples_of(path: Path) -> np.ndarray:
    """``(samples, 2)`` as a player hears them."""
    listen = ["-i", f"file:{path}", "-map", "0:a:0", "-ac", "2", "-ar", str(RATE), "-f", "f32le", "pipe:1"]
    return np.frombuffer(ffmpeg.run(listen, doing="listening"), "<f4").reshape(-1, 2)


def laid(medley: SoundMix | None, folder: Path, name: str = "f.mp4") -> np.ndarray:
    """The sound of a film of so many frames with the medley under it."""
    assert medley is not None
    frames = round(medley.seconds * FPS)
    return samples_of(
        joined([film(folder / f"{name}.pictures.mp4", frames=frames)], folder / name, frames, sound=medley)
    )


def loud(sound: np.ndarray, hertz: int, frame: float) -> float:
    """The amplitude at ``hertz`` around a moment of the film, in both channels alike."""
    middle, half = round(frame / 24 * RATE), RATE // 100
    piece = sound[max(0, middle - half) : middle + half]
    assert np.abs(piece[:, 0] - piece[:, 1]).max() < 0.02
    wave = np.exp(-2j * np.pi * hertz * np.arange(len(piece)) / RATE)
    return float(2 * np.abs((piece[:, 0] * wave).mean()))


@pytest.mark.parametrize("name", ["f.mp4", "f.mkv", "f.webm", "f.mov"])
def test_each_shot_has_its_sound_or_silence(tmp_path: Path, name: str) -> None:
    one, two = tone(tmp_path / "1.mov", LOW), tone(tmp_path / "2.mov", HIGH, rate=44100, channels=2)
    codec = "vp9" if name == "f.webm" else "h264"
    medley = mix_shots([(one, Handles(), 12), (None, Handles(), 12), (two, Handles(), 12)], FPS)
    assert medley is not None and medley.seconds == 1.5
    pictures = film(tmp_path / "p.mp4", frames=36, codec=codec)
    sound = samples_of(joined([pictures], tmp_path / name, 36, sound=medley, encode=EncodeConfig(codec=codec)))
    beyond = {"f.mkv": 1023, "f.webm": RATE // 1000}  # Matroska does not tell how much of AAC's last packet is meant
    assert 0 <= len(sound) - 1.5 * RATE <= beyond.get(name, 0)
    for frame in range(1, 36):
        assert loud(sound, LOW, frame) == pytest.approx(0.3 if frame < 12 else 0, abs=0.03) or frame == 12, frame
        assert loud(sound, HIGH, frame) == pytest.approx(0.3 if frame > 24 else 0, abs=0.03) or frame == 24, frame


def test_sound_fades_with_the_pictures(tmp_path: Path) -> None:
    one, two = tone(tmp_path / "1.mov", LOW), tone(tmp_path / "2.mov", HIGH)
    crossed = laid(mix_shots([(one, Handles(tail=12), 24), (two, Handles("crossfade", head=12), 24)], FPS), tmp_path)
    powers = [
        (loud(crossed, LOW, frame) / 0.3) ** 2 + (loud(crossed, HIGH, frame) / 0.3) ** 2 for frame in range(1, 36)
    ]
    assert powers == pytest.approx([1.0] * 35, abs=0.1)
    assert loud(crossed, LOW, 18) == pytest.approx(loud(crossed, HIGH, 18), rel=0.1)
    dipped = laid(mix_shots([(one, Handles(tail=12), 24), (two, Handles("dip", head=12), 24)], FPS), tmp_path, "d.mp4")
    assert loud(dipped, LOW, 11) == pytest.approx(0.3, abs=0.03) and loud(dipped, HIGH, 25) == pytest.approx(
        0.3, abs=0.03
    )
    assert loud(dipped, LOW, 15) == pytest.approx(0.3 * 0.5**0.5, abs=0.03) and loud(dipped, HIGH, 15) < 0.01
    assert max(loud(dipped, hertz, 18) for hertz in (LOW, HIGH)) < 0.06
    assert loud(dipped, HIGH, 21) == pytest.approx(0.3 * 0.5**0.5, abs=0.03) and loud(dipped, LOW, 21) < 0.01


@pytest.mark.parametrize(("transition", "head"), [("cut", 0), ("crossfade", 6), ("dip", 6)])
def test_continuous_sound_is_not_faded(tmp_path: Path, transition: str, head: int) -> None:
    clip = tone(tmp_path / "1.mov", LOW)
    later = Sound(clip.path, clip.tracks, 0.5 + (12 - head) / 24, None, False)
    medley = mix_shots([(clip, Handles(tail=head), 12), (later, Handles(transition, head), 12)], FPS)
    assert medley is not None and len(medley.parts) == 1
    sound = laid(medley, tmp_path)
    assert [loud(sound, LOW, frame) for frame in range(1, 24 - head)] == pytest.approx([0.3] * (23 - head), abs=0.02)


def test_a_cut_does_not_click_and_the_end_may_fade(tmp_path: Path) -> None:
    clip = tone(tmp_path / "1.mov", 30)
    elsewhere = Sound(clip.path, clip.tracks, 0.5 + 0.2135, None, False)
    medley = mix_shots([(clip, Handles(), 12), (elsewhere, Handles(), 12)], FPS, fade_out=0.25)
    sound = laid(medley, tmp_path, "f.mkv")[:, 0]
    cut = RATE // 2
    assert (
        np.abs(np.diff(sound[cut - 960 : cut + 960])).max() < 0.01
    )  # of a wave of 30 Hz; a click would be 0.1 and more
    assert np.abs(sound[-RATE // 50 :]).max() < 0.03


def test_a_short_sound_ends_in_silence(tmp_path: Path) -> None:
    clip = tone(tmp_path / "1.mov", LOW, seconds=0.9)
    sound = laid(mix_shots([(clip, Handles(), 24)], FPS), tmp_path)
    assert len(sound) == RATE and loud(sound, LOW, 5) == pytest.approx(0.3, abs=0.03)
    assert loud(sound, LOW, 14) < 0.01


def test_silent_shots_have_no_mix() -> None:
    assert mix_shots([(None, Handles(), 12), (None, Handles(), 12)], FPS) is None


def test_containers_without_sound_have_a_note(tmp_path: Path) -> None:
    medley = SoundMix((Part(tmp_path / "a.mp4", 0.0, 0.0, 1.0),), 1.0)
    assert medley.outputs("gif", 2) == [] and "left out" in medley.note("gif")
