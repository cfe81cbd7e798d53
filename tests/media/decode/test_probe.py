"""Facts and frames are those of the file; damage and disguised playlists are refused."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from pipeline.errors import InputError
from pipeline.media import ffmpeg
from pipeline.media.decode.probe import count_frames, decode, read_frame
from tests.counted import CountedFacts, probe_and_count
from tests.media.drawn import film


def make(path: Path, drawing: str, *arguments: str) -> Path:
    """A video that ffmpeg draws."""
    source = ["-f", "lavfi", "-i", drawing]
    ffmpeg.run([*source, *arguments, "-y", f"file:{path}"], doing="drawing")
    return path


def test_facts(tmp_path: Path) -> None:
    facts = probe_and_count(film(tmp_path / "a.mp4", frames=7, fps=Fraction(30000, 1001)))
    assert facts == CountedFacts(
        width=64,
        height=48,
        fps=Fraction(30000, 1001),
        frames=7,
        codec="h264",
        pixel_format="yuv420p",
        colour_range="tv",
        colour_space="bt709",
        colour_primaries="bt709",
        colour_transfer="bt709",
        chroma_location="left",
    )


def test_facts_are_as_shown(tmp_path: Path) -> None:
    wide = make(tmp_path / "wide.mp4", "testsrc2=s=64x48:r=25:d=0.2,setsar=2/1")
    assert (probe_and_count(wide).width, probe_and_count(wide).height) == (128, 48)
    turned = tmp_path / "turned.mp4"
    turn = ["-display_rotation", "90", "-i", f"file:{wide}", "-c", "copy", "-y", f"file:{turned}"]
    ffmpeg.run(turn, doing="turning")
    assert probe_and_count(turned).height > probe_and_count(turned).width
    shape = read_frame(turned, 0).shape
    assert shape == (probe_and_count(turned).height, probe_and_count(turned).width, 3)


def test_frames_by_number(tmp_path: Path) -> None:
    path = film(tmp_path / "a.mp4", frames=6)
    frames = list(decode(path))
    assert len(frames) == 6 and frames[0].shape == (48, 64, 3)
    assert np.array_equal(read_frame(path, 4), frames[4])
    assert all(np.array_equal(a, b) for a, b in zip(decode(path, [2, 4]), frames[2:5:2], strict=True))
    with pytest.raises(InputError, match="has no frame 6"):
        read_frame(path, 6)


@pytest.mark.parametrize(
    ("space", "limits", "options"),
    [
        ("bt709", "tv", "tv:colorspace=bt709"),
        ("bt709", "pc", "pc:colorspace=bt709"),
        ("bt601", "tv", "tv:colorspace=smpte170m"),
        ("bt601", "tv", "tv"),  # small and untagged
    ],
)
def test_colours_follow_the_tags(tmp_path: Path, space: str, limits: str, options: str) -> None:
    chain = f"scale=out_color_matrix={space}:out_range={limits}:flags=accurate_rnd,format=yuv420p"
    path = make(
        tmp_path / "c.mkv",
        "color=c=0x20C080:s=64x48:d=0.1:r=25,format=rgb24",
        *("-vf", f"{chain},setparams=range={options}", "-c:v", "ffv1"),
    )
    assert np.abs(read_frame(path, 0).astype(int) - (0x20, 0xC0, 0x80)).max() <= 2


def test_damage_is_reported(tmp_path: Path) -> None:
    path = make(tmp_path / "d.mp4", "testsrc2=s=320x240:r=25:d=2")
    data = bytearray(path.read_bytes())
    middle = data.index(b"mdat") + (len(data) - data.index(b"mdat")) // 2
    data[middle : middle + 2000] = b"\x55" * 2000
    path.write_bytes(data)
    assert count_frames(path) == 50  # the packets are still there
    with pytest.raises(InputError, match=rf"reading {path} failed; ffmpeg said"):
        probe_and_count(path)
    with pytest.raises(InputError):
        list(decode(path))


def test_files_that_are_no_videos_are_refused(tmp_path: Path) -> None:
    text = tmp_path / "text.mp4"
    text.write_text("no video at all")
    tone = make(tmp_path / "tone.mkv", "sine=d=0.1", "-c:a", "flac")
    for path, words in (
        (text, "failed; ffmpeg said: ."),
        (tone, "failed; ffmpeg said: ."),
        (tmp_path, "is a folder"),
        (tmp_path / "absent.mp4", "there is no such file"),
    ):
        with pytest.raises(InputError, match=words) as caught:
            probe_and_count(path)
        assert str(path) in str(caught.value)


def test_a_playlist_with_a_video_suffix_opens_nothing(tmp_path: Path) -> None:
    film(tmp_path / "a.mp4").rename(tmp_path / "secret.mp4")
    for name, text in (
        ("list.mp4", "ffconcat version 1.0\nfile secret.mp4\n"),
        ("hls.mp4", "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nsecret.mp4\n#EXT-X-ENDLIST\n"),
    ):
        (tmp_path / name).write_text(text)
        with pytest.raises(InputError):
            probe_and_count(tmp_path / name)


def test_odd_names_are_only_names(tmp_path: Path) -> None:
    path = film(tmp_path / "a.mp4", frames=2).rename(tmp_path / "-i %d: it's ü;.mp4")
    assert probe_and_count(path).frames == 2


def test_real_footage(shared: Path) -> None:
    facts = probe_and_count(shared / "media" / "volcano.mp4")
    assert (facts.width, facts.height, facts.fps, facts.frames) == (1280, 720, 24, 100)
    assert facts.colour_range == "pc"
