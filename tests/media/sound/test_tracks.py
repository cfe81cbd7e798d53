"""Any sound track becomes one that the film's encoder takes."""

import struct
from pathlib import Path

import numpy as np
import pytest

from pipeline.errors import InputError
from pipeline.media import ffmpeg
from pipeline.media.decode.clip import open_clip
from pipeline.media.sound.decode import Decoder
from pipeline.media.sound.song_audio import Soundtrack, first_track
from pipeline.media.sound.source_audio import Sound, check_encoding, find_damage
from pipeline.media.sound.tracks import Track, footage_tracks
from tests.media.drawing import draw, with_sound

PICTURES = ("-f", "lavfi", "-i", "testsrc2=s=64x48:r=24:d=0.5")


def wav(path: Path, samples: np.ndarray, *, channels: int = 1, size: int | None = None) -> Path:
    """A WAV of float32 or int16 samples, whose header may claim another ``size``."""
    data, width = samples.tobytes(), samples.itemsize
    kind = 3 if samples.dtype.kind == "f" else 1
    form = struct.pack("<HHIIHH", kind, channels, 48000, 48000 * width * channels, width * channels, 8 * width)
    length = struct.pack("<I", len(data) if size is None else size)
    path.write_bytes(b"RIFF" + length + b"WAVEfmt " + struct.pack("<I", 16) + form + b"data" + length + data)
    return path


def song(path: Path) -> Soundtrack:
    """The song under a film of half a second."""
    return Soundtrack(path, (first_track(path),), 0.0, None, True, 0.5, 0.0, False)


def sine(count: int = 48000) -> np.ndarray:
    return (0.3 * np.sin(np.arange(count) / 20)).astype("<f4")


def test_an_unknown_codec_costs_its_track_alone(tmp_path: Path) -> None:
    path = draw(tmp_path / "a.mp4", *PICTURES, "-f", "lavfi", "-i", "sine=d=0.5", "-map", "0", "-map", "1", "-map", "1")
    data = bytearray(path.read_bytes())
    for old, new in ((b"mp4a", b"apac"), (b"esds", b"xxxx")):
        at = data.rfind(old)
        data[at : at + 4] = new
    path.write_bytes(data)
    clip = open_clip(path, fps=None, salvage=False, threshold=10.0)
    assert [(track.number, track.codec) for track in clip.audio] == [(0, "aac")]
    assert len(clip.notes) == 1 and "apple_apac" in clip.notes[0] and "track 2" in clip.notes[0]
    assert find_damage(path, clip.audio, 0.0) == ""
    for muxer in ("mp4", "mov", "matroska", "webm"):
        check_encoding(Sound(path, clip.audio, 0.0, None, True), muxer)


@pytest.mark.parametrize("layout", ["5.1(side)", "5.0(side)", "4.0", "2.1", "7.1(wide)"])
def test_footage_of_any_layout_becomes_opus(tmp_path: Path, layout: str) -> None:
    sound = ("-f", "lavfi", "-i", f"anoisesrc=d=0.5,aformat=channel_layouts={layout}", "-c:a", "pcm_s16le")
    path = draw(tmp_path / "a.mkv", *PICTURES, *sound)
    check_encoding(Sound(path, footage_tracks(path), 0.0, None, True), "webm")


@pytest.mark.parametrize("channels", [1, 3, 7, 9, 10, 11, 16, 24])
def test_a_song_of_any_number_of_channels_is_mixed_down(tmp_path: Path, channels: int) -> None:
    samples = (np.repeat(sine(24000), channels) * 20000).astype("<i2")
    track = song(wav(tmp_path / "a.wav", samples, channels=channels))
    for muxer in ("mp4", "webm"):
        check_encoding(track, muxer)
        assert (f"{channels} channels" in track.note(muxer)) == (channels > 8)
    blocks = np.concatenate(list(Decoder(track.path).blocks()))
    assert np.abs(blocks).max() > 0.05


def test_ambisonic_sound_becomes_its_omnidirectional_channel() -> None:
    track = Track(layout="ambisonic 3")
    assert (track.channels, track.mixdown) == (16, "mono") and track.filters()[0] == "pan=mono|c0=c0"


@pytest.mark.parametrize("bad", [np.inf, -np.inf, np.nan])
def test_samples_that_are_no_numbers_become_silence(tmp_path: Path, bad: float) -> None:
    samples = sine()
    samples[6000:7000] = bad
    path = wav(tmp_path / "a.wav", samples)
    decoder = Decoder(path)
    assert np.isfinite(np.concatenate(list(decoder.blocks()))).all() and "no numbers" in decoder.damage
    clip = draw(tmp_path / "a.mkv", *PICTURES, "-i", f"file:{path}", "-map", "0", "-map", "1", "-c:a", "copy")
    for muxer in ("mp4", "webm"):
        check_encoding(song(path), muxer)
        check_encoding(Sound(clip, footage_tracks(clip), 0.0, None, True), muxer)
    flac = tmp_path / "a.flac"
    sound = Sound(clip, footage_tracks(clip), 0.0, None, True)
    ffmpeg.run([*sound.inputs(), *sound.outputs("mp4", 0), "-f", "flac", f"file:{flac}"], doing="writing")
    assert np.abs(np.concatenate(list(Decoder(flac).blocks()))).max() < 0.5


@pytest.mark.parametrize("size", [0, 0xFFFFFFFF])
def test_a_wav_of_unknown_size_is_whole(tmp_path: Path, size: int) -> None:
    path = wav(tmp_path / "a.wav", (sine() * 20000).astype("<i2"), size=size)
    decoder = Decoder(path)
    assert sum(map(len, decoder.blocks())) == pytest.approx(22050, abs=50) and not decoder.damage
    check_encoding(song(path), "mp4")


def test_sound_that_cannot_be_encoded_is_refused_beforehand(tmp_path: Path) -> None:
    path = with_sound(tmp_path / "a.mp4", "-c:a", "aac")
    broken = Sound(path, (Track(7, "aac", "stereo"),), 0.0, None, True)
    with pytest.raises(InputError, match=r"encoding the sound of .*a.mp4 failed; .*; audio=none leaves it out"):
        check_encoding(broken, "mp4")
