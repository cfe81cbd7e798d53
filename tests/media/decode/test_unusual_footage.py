"""Footage that players show plays here too, or one sentence says what to do."""

import math
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

from pipeline.config import FrameConfig
from pipeline.errors import InputError
from pipeline.media import ffmpeg
from pipeline.media.decode.clip import Clip, open_clip
from pipeline.media.decode.image_file import load_still
from pipeline.media.decode.image_sequence import inspect
from pipeline.media.decode.reader import Reader
from pipeline.media.sound.source_audio import find_damage
from pipeline.plan.frame_size import requested_size
from tests.media.drawing import draw, video, with_sound


def opened(path: Path, used: float = math.inf) -> Clip:
    return open_clip(path, fps=None, salvage=False, threshold=10.0, seconds=lambda rate: used)


def frames(clip: Clip) -> int:
    """How many frames are read."""
    return sum(1 for _ in Reader(clip, np.arange(len(clip.times)), width=64, height=48).frames())


@pytest.mark.parametrize("transfer", ["smpte2084", "arib-std-b67"])
@pytest.mark.parametrize("tags", ["", ":color_primaries=bt2020", ":colorspace=bt2020nc"])
def test_hdr_with_half_of_its_tags_is_bt2020(tmp_path: Path, transfer: str, tags: str) -> None:
    missing = "color_primaries=unknown:colorspace=unknown" + tags
    clips = []
    for name, setting in (("half", missing), ("whole", "color_primaries=bt2020:colorspace=bt2020nc")):
        chain = f"format=yuv420p10le,setparams=range=tv:color_trc={transfer}:{setting}"
        clips.append(
            opened(video(tmp_path / f"{name}.mkv", "testsrc2=s=64x48:r=24:d=0.2", "-vf", chain, "-c:v", "ffv1"))
        )
    assert "BT.2020 is assumed" in clips[0].notes[0] and "assumed" not in clips[1].notes[0]
    half, whole = (next(Reader(clip, np.arange(1), width=64, height=48).frames()) for clip in clips)
    assert (half == whole).all()


@pytest.mark.parametrize("name", ["a.mkv", "a.mp4", "a.mov", "a.nut", "a.flv", "a.ts", "a.avi"])
def test_a_clip_may_begin_at_any_time(tmp_path: Path, name: str) -> None:
    path = video(tmp_path / name, "testsrc2=s=64x48:r=24:d=1", "-c:v", "libx264", "-vf", "setpts=PTS+30/TB")
    assert frames(opened(path)) >= 24 and not opened(path).is_damaged


def test_a_cut_without_encoding_is_no_damage(tmp_path: Path) -> None:
    four = video(tmp_path / "four.mkv", "testsrc2=s=64x48:r=12:d=4", "-c:v", "libx264", "-g", "6")
    cut = draw(tmp_path / "cut.mkv", "-ss", "2", "-copyts", "-i", str(four), "-c", "copy")
    assert frames(opened(cut)) >= 24


def test_a_truncated_late_clip_is_still_damaged(tmp_path: Path) -> None:
    path = video(tmp_path / "a.mkv", "testsrc2=s=320x240:r=24:d=4", "-c:v", "mjpeg", "-vf", "setpts=PTS+30/TB")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(InputError, match="damaged"):
        opened(path)


def test_a_change_of_size_matters_where_it_is_used(tmp_path: Path) -> None:
    parts = [
        video(tmp_path / f"{size}.ts", f"testsrc2=s={size}:r=12:d=0.5", "-c:v", "mpeg2video", "-f", "mpegts")
        for size in ("96x64", "64x64")
    ]
    path = tmp_path / "c.ts"
    path.write_bytes(b"".join(part.read_bytes() for part in parts))
    with pytest.raises(InputError, match=r"changes its size .*; source.end=0.4\d?s uses what is before"):
        opened(path)
    assert opened(path, 0.3).width == opened(path, 0.4).width == 96


def test_joined_recordings_play_whole(tmp_path: Path) -> None:
    part = with_sound(tmp_path / "a.ts", "-c:v", "libx264", "-c:a", "aac")
    path = tmp_path / "joined.ts"
    path.write_bytes(part.read_bytes() * 3)
    clip = opened(path)
    assert frames(clip) == 72 and clip.fps == 24 and find_damage(path, clip.audio, 0.0) == ""


def test_lost_packets_are_damage(tmp_path: Path) -> None:
    path = video(tmp_path / "a.ts", "testsrc2=s=96x64:r=24:d=1", "-c:v", "libx264")
    data = path.read_bytes()
    path.write_bytes(data[: 188 * 50] + data[188 * 53 :])
    with pytest.raises(InputError, match="damaged at"):
        opened(path)


def test_a_variable_rate_shows_every_frame(tmp_path: Path) -> None:
    chain = "select='not(mod(n,3))+eq(n,7)'"
    arguments = ("-vf", chain, "-fps_mode", "vfr", "-c:v", "libvpx", "-live", "1", "-f", "webm")
    path = tmp_path / "rec.webm"
    source = ["-f", "lavfi", "-i", "testsrc2=s=96x64:r=24:d=1"]
    path.write_bytes(ffmpeg.run([*source, *arguments, "pipe:1"], doing="recording"))  # no duration, no rate
    clip = opened(path)
    assert (len(clip.times), clip.fps) == (9, 16) and "leaves out" not in clip.notes[0]
    slow = open_clip(path, fps=clip.fps / 4, salvage=False, threshold=10.0)
    assert "leaves out" in slow.notes[0]


def test_an_animated_webp_plays(tmp_path: Path) -> None:
    clip = opened(video(tmp_path / "a.webp", "testsrc2=s=96x64:r=24:d=0.5", "-c:v", "libwebp_anim"))
    assert frames(clip) == 12 and not clip.notes


@pytest.mark.parametrize(("name", "count"), [("a.avif", 4), ("a.avif", 1), ("a.webp", 1)])
def test_pictures_are_no_footage(tmp_path: Path, name: str, count: int) -> None:
    pictures = [Image.effect_noise((96, 64), 60).convert("RGB") for _ in range(count)]
    pictures[0].save(tmp_path / name, save_all=count > 1, append_images=pictures[1:])
    with pytest.raises(InputError, match="convert it to" if count > 1 else "is one picture"):
        opened(tmp_path / name)


def test_an_unread_kind_of_file_is_named(tmp_path: Path) -> None:
    path = video(tmp_path / "a.swf", "testsrc2=s=96x64:r=24:d=0.5", "-c:v", "flv1", "-f", "swf")
    with pytest.raises(InputError, match="convert it to MP4") as caught:
        opened(path)
    assert "whitelist" not in str(caught.value)


@pytest.mark.parametrize("size", [(2, 2), (8, 400), (16, 16000)])
def test_footage_of_an_impossible_size_is_named(size: tuple[int, int]) -> None:
    frame = FrameConfig(width=640 if size[0] == 16 else 0, height=0)
    with pytest.raises(InputError, match=f"the footage has {size[0]}x{size[1]} pixels") as caught:
        requested_size(frame, size)
    assert "frame.scale" not in str(caught.value)


@pytest.mark.parametrize("kilobytes", [900, 2_000, 20_000])
def test_a_large_colour_profile_is_no_damage(tmp_path: Path, kilobytes: int) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes() + bytes(1000 * kilobytes)
    path = tmp_path / "i.png"
    Image.effect_noise((96, 64), 60).convert("RGB").save(path, icc_profile=profile)
    assert load_still(path, width=96, height=64).std() > 0.05


@pytest.mark.parametrize("kind", ["nan", "integers", "negative", "scaled"])
def test_grey_beyond_black_and_white_is_refused(tmp_path: Path, kind: str) -> None:
    ramp = np.linspace(0, 200_000, 96 * 64).reshape(64, 96)
    values = {
        "nan": np.full((64, 96), np.nan, np.float32),
        "integers": ramp.astype(np.int32),
        "negative": ramp.astype(np.int32) // 4 - 100,
        "scaled": ramp.astype(np.float32) / 1000,
    }[kind]
    path = tmp_path / "p0.tif"
    Image.fromarray(values).save(path)
    with pytest.raises(InputError, match=f"{path}: .* not from 0 to (1|65535)"):
        load_still(path, width=96, height=64)
    assert "not from 0" in inspect((path,), 10.0)[2]


@pytest.mark.parametrize("white", [1.2, 1.0])
def test_highlights_beyond_white_are_clipped(tmp_path: Path, white: float) -> None:
    path = tmp_path / "p.tif"
    Image.fromarray(np.linspace(0, white, 96 * 64, dtype=np.float32).reshape(64, 96)).save(path)
    assert load_still(path, width=96, height=64).max() == 1


def test_looking_at_a_folder_takes_linear_time(tmp_path: Path) -> None:
    Image.effect_noise((32, 24), 60).save(tmp_path / "p.jpg")
    seconds = []
    for count in (500, 4000):
        begin = time.process_time()
        assert inspect((tmp_path / "p.jpg",) * count, 0.0)[3] == count
        seconds.append(time.process_time() - begin)
    assert seconds[1] < 20 * seconds[0]
