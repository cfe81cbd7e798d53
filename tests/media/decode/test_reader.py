"""Frames are right for any rate, shape, range, depth and kind of footage."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch

from pipeline.media.decode import reader as reading
from pipeline.media.decode.clip import Clip, open_clip
from pipeline.media.decode.color import can_tone_map
from pipeline.media.decode.frame_rate import frame_indices
from pipeline.media.decode.image_file import write_png
from pipeline.media.decode.reader import Reader
from tests.media.drawing import draw, video

COLOUR = (0x20, 0xC0, 0x80)
STRIPES = "color=c=black:s=64x48:r=50,format=yuv444p,geq=lum='235*mod(floor((X+4*N)/8),2)':cb=128:cr=128"


def opened(path: Path, **settings: object) -> Clip:
    return open_clip(path, **{"fps": None, "salvage": False, "threshold": 10.0, **settings})  # type: ignore[arg-type]


def frames(clip: Clip, width: int = 0, height: int = 0, **settings: object) -> list[torch.Tensor]:
    count = round(clip.seconds * clip.fps)
    chosen = frame_indices(clip.times, start=float(clip.times[0]), rate=clip.fps, frames=count)
    size = {"width": width or clip.width, "height": height or clip.height}
    return list(Reader(clip, chosen, **size, **settings).frames())  # type: ignore[arg-type]


def colour(frame: torch.Tensor) -> list[float]:
    return [255 * float(value) for value in frame.mean(dim=(0, 2, 3))]


def numbered(path: Path, rate: str, count: int, *arguments: str) -> Path:
    """A video whose brightness is the number of its picture."""
    drawing = f"color=c=black:s=64x48:r={rate},format=yuv420p,geq=lum='20+6*N':cb=128:cr=128"
    return video(path, drawing, "-frames:v", str(count), "-crf", "1", *arguments)


def number(frame: torch.Tensor) -> int:
    """The number of a picture of such a video."""
    return round((float(frame.mean()) * 219 + 16 - 20) / 6)


@pytest.mark.parametrize("rate", ["24", "25", "30000/1001", "60"])
@pytest.mark.parametrize("ending", ["mp4", "mkv"])
def test_count_and_rate_are_those_of_the_file(tmp_path: Path, rate: str, ending: str) -> None:
    clip = opened(numbered(tmp_path / f"a.{ending}", rate, 31))
    assert clip.fps == Fraction(rate)
    made = frames(clip)
    assert len(made) == 31 == round(clip.seconds * clip.fps)
    assert made[0].shape == (1, 3, 48, 64) and made[0].dtype == torch.float32
    assert [number(frame) for frame in made] == list(range(31))
    assert clip.notes == ()


def test_reading_starts_at_any_frame(tmp_path: Path) -> None:
    clip = opened(video(tmp_path / "a.mp4"))
    reader = Reader(clip, np.arange(24), width=64, height=48)
    whole = list(reader.frames())
    assert all(torch.equal(a, b) for a, b in zip(reader.frames(9), whole[9:], strict=True))


def test_reading_interlaced_footage_starts_at_any_frame(tmp_path: Path) -> None:
    """A deinterlacer looks at the pictures around, those that are left out as well."""
    stopping = STRIPES.replace("4*N", "4*min(N,14)+2*Y")  # frame 7 is like those after it and not like those before
    drawing = f"{stopping},trim=end_frame=24,tinterlace=interleave_top,setfield=tff"
    clip = opened(video(tmp_path / "i.mkv", drawing, "-c:v", "ffv1", "-field_order", "tt"))
    reader = Reader(clip, np.arange(12), width=64, height=48)
    whole = list(reader.frames())
    for first in (1, 7):
        assert all(torch.equal(a, b) for a, b in zip(reader.frames(first), whole[first:], strict=True))


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("a.mp4", "-c:v libx264 -g 12"),
        ("open.mkv", "-c:v libx264 -x264-params open-gop=1:bframes=3:keyint=12"),
        ("refresh.mp4", "-c:v libx264 -x264-params intra-refresh=1:keyint=12"),
        ("h.mp4", "-c:v libx265 -x265-params open-gop=1:keyint=12:log-level=none"),
        ("a.webm", "-c:v libvpx-vp9 -g 12 -deadline realtime -cpu-used 8"),
        ("a.mov", "-c:v prores"),
    ],
)
def test_seeking_gives_the_same_bits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, arguments: str
) -> None:
    """Late pictures have the bits that they have when everything before them is decoded."""
    drawing = "mandelbrot=s=96x64:r=24:start_scale=2:end_scale=0.02:end_pts=90,trim=duration=3.5,format=yuv420p"
    clip = opened(video(tmp_path / name, drawing, *arguments.split()))
    reader = Reader(clip, np.arange(len(clip.times)), width=96, height=64)
    whole = list(reader.frames())
    monkeypatch.setattr(reading, "PREROLL_SECONDS", 1.5)
    monkeypatch.setattr(reading, "MIN_SKIP_SECONDS", 0.1)
    assert clip.facts is not None
    entry, _ = reading.seek_point(clip.path, clip.facts, clip.times, 70)
    assert entry > 10 or "refresh" in name  # which has no key pictures to jump to
    for first in (50, 70):
        assert all(torch.equal(a, b) for a, b in zip(reader.frames(first), whole[first:], strict=True))


def test_a_variable_rate_is_conformed_with_a_note(tmp_path: Path) -> None:
    thinned = ("-vf", "select='lt(n,10)+not(mod(n,3))'", "-fps_mode", "vfr")
    clip = opened(numbered(tmp_path / "v.mp4", "30", 17, *thinned))
    assert clip.fps == 30 and "it is conformed to 30" in clip.notes[0]
    made = [number(frame) for frame in frames(clip)]
    # Pictures 0 to 9, then every third, each until the next one comes, all at their own time.
    assert made[:28] == [n if n < 10 else n - n % 3 for n in range(28)]


def test_source_fps_overrides_the_rate(tmp_path: Path) -> None:
    clip = opened(numbered(tmp_path / "a.mp4", "24", 24), fps=Fraction(12))
    assert "conformed to 12" in clip.notes[0]
    assert [number(frame) for frame in frames(clip)] == list(range(0, 24, 2))


@pytest.mark.parametrize("extra", [("-c:v", "ffv1"), ("-c:v", "libx264", "-crf", "4")])
@pytest.mark.parametrize(
    ("space", "limits", "tags"),
    [("bt709", "tv", "colorspace=bt709"), ("bt709", "pc", "colorspace=bt709"), ("bt601", "tv", "colorspace=smpte170m")],
)
@pytest.mark.parametrize("pixels", ["yuv420p", "yuv422p10le"])
def test_colours_follow_the_tags_in_eight_and_ten_bits(
    tmp_path: Path, space: str, limits: str, tags: str, pixels: str, extra: tuple[str, ...]
) -> None:
    chain = f"scale=out_color_matrix={space}:out_range={limits}:flags=accurate_rnd,format={pixels}"
    chain += f",setparams=range={limits}:{tags}"
    path = video(tmp_path / "c.mkv", "color=c=0x20C080:s=64x48:d=0.2:r=25,format=rgb24", "-vf", chain, *extra)
    assert colour(frames(opened(path))[0]) == pytest.approx(COLOUR, abs=2.2)


def test_ten_bits_are_not_cut_to_eight(tmp_path: Path) -> None:
    ramp = "color=c=black:s=256x16:d=0.1:r=25,format=yuv420p10le,geq=lum='400+X/4':cb=512:cr=512"
    path = video(tmp_path / "r.mkv", ramp, "-c:v", "ffv1")
    assert len(frames(opened(path))[0].unique()) > 50  # sixteen or so in eight bits


def test_rotation_and_pixel_shape_are_applied(tmp_path: Path) -> None:
    wide = video(tmp_path / "wide.mp4", "testsrc2=s=64x48:r=24:d=0.2,setsar=2/1")
    clip = opened(wide)
    assert (clip.width, clip.height) == (128, 48)
    turned = draw(tmp_path / "t.mp4", "-display_rotation", "90", "-i", f"file:{wide}", "-c", "copy")
    tall = opened(turned)
    assert (tall.width, tall.height) == (64, 96) or (tall.width, tall.height) == (24, 64)
    upright, lying = frames(tall, 48, 128)[0], frames(clip)[0]
    differences = [float((upright.rot90(k, (2, 3)) - lying).abs().mean()) for k in (1, 3)]
    assert min(differences) < 0.03 < max(differences)


def test_odd_sizes_and_other_shapes_cover_the_frame(tmp_path: Path) -> None:
    path = video(tmp_path / "odd.mkv", "testsrc=s=97x63:r=24:d=0.2", "-c:v", "ffv1")
    clip = opened(path)
    assert (clip.width, clip.height) == (97, 63)
    assert frames(clip, 98, 64)[0].shape == (1, 3, 64, 98)
    square = frames(clip, 64, 64)[0]
    whole = frames(clip)[0][:, :, :, 17:80]
    assert float((square[..., :63, :63] - whole).abs().mean()) < 0.08


def test_interlaced_footage_is_deinterlaced_with_a_note(tmp_path: Path) -> None:
    drawing = f"{STRIPES},trim=end_frame=50,tinterlace=interleave_top,setfield=tff"
    path = video(tmp_path / "i.mkv", drawing, "-c:v", "ffv1", "-field_order", "tt")
    clip = opened(path)
    assert any("deinterlaced" in note for note in clip.notes)
    made = frames(clip)
    assert len(made) == 25
    plain = draw(tmp_path / "p.mkv", "-i", f"file:{path}", "-vf", "setfield=prog", "-c:v", "ffv1")
    combed = frames(opened(plain))

    def comb(frame: torch.Tensor) -> float:
        return float((2 * frame[:, :, 1:-1] - frame[:, :, :-2] - frame[:, :, 2:]).abs().mean())

    assert comb(made[12]) < 0.8 * comb(combed[12])


def test_field_order_is_detected_from_many_frames(tmp_path: Path) -> None:
    """The first one is whole, most are not; and a file that says nothing is judged by its looks."""
    woven = f"{STRIPES},trim=end_frame=48,tinterlace=interleave_top"
    mixed = (
        f"{woven},split[a][b];[a]trim=end_frame=4,setfield=prog[c];[b]trim=start_frame=4,setfield=tff[d];[c][d]concat"
    )
    clip = opened(video(tmp_path / "m.mkv", mixed, "-c:v", "mpeg2video", "-q:v", "1", "-flags", "+ildct+ilme"))
    assert any("deinterlaced" in note for note in clip.notes), clip.notes
    moving = "testsrc2=s=160x120:r=50:d=1,tinterlace=interleave_top,setfield=prog"
    mute = opened(video(tmp_path / "u.avi", moving, "-c:v", "huffyuv"))
    assert any("deinterlaced" in note for note in mute.notes), mute.notes
    assert mute.facts is not None and mute.facts.field_order == "tff" and len(frames(mute)) == 25
    plain = opened(video(tmp_path / "p.avi", "mandelbrot=s=64x48:r=25,trim=duration=1", "-c:v", "huffyuv"))
    assert plain.notes == ()


@pytest.mark.parametrize("codec", [("png", "rgba"), ("ffv1", "yuva420p"), ("png", "rgba64be")])
def test_transparent_parts_show_the_background(tmp_path: Path, codec: tuple[str, str]) -> None:
    drawing = "color=c=white:s=64x48:d=0.1:r=25,format=rgba,geq=r=255:g=255:b=255:a='if(lt(X,32),0,128)'"
    path = video(tmp_path / "a.mkv", f"{drawing},format={codec[1]}", "-c:v", codec[0])
    clip = opened(path)
    assert any("transparent" in note for note in clip.notes)
    frame = frames(clip, background=(1.0, 0.0, 0.5))[0]
    assert frame[0, :, 24, 8].tolist() == pytest.approx([1.0, 0.0, 0.5], abs=0.02)
    assert frame[0, :, 24, 56].tolist() == pytest.approx([1.0, 0.5, 0.75], abs=0.02)


def test_webm_transparency_is_decoded(tmp_path: Path) -> None:
    drawing = (
        "color=c=white:s=64x48:d=0.1:r=25,format=rgba,geq=r=255:g=255:b=255:a='if(lt(X,32),0,128)',format=yuva420p"
    )
    clip = opened(video(tmp_path / "a.webm", drawing, "-c:v", "libvpx-vp9"))
    frame = frames(clip, background=(1.0, 0.0, 0.5))[0]
    assert frame[0, :, 24, 8].tolist() == pytest.approx([1.0, 0.0, 0.5], abs=0.05)
    assert frame[0, :, 24, 56].tolist() == pytest.approx([1.0, 0.5, 0.75], abs=0.05)


@pytest.mark.parametrize("transfer", ["smpte2084", "arib-std-b67"])
def test_hdr_is_tone_mapped_with_a_note(tmp_path: Path, transfer: str) -> None:
    if not can_tone_map():
        pytest.skip("this ffmpeg has no zscale")
    ramp = "color=c=black:s=64x16:d=0.1:r=25,format=yuv420p10le,geq=lum='64+X*13':cb=512:cr=512"
    tags = f"setparams=range=tv:colorspace=bt2020nc:color_primaries=bt2020:color_trc={transfer}"
    clip = opened(video(tmp_path / "h.mkv", f"{ramp},{tags}", "-c:v", "ffv1"))
    assert any("HDR" in note and "tone-mapped" in note for note in clip.notes)
    line = frames(clip)[0].mean(dim=(0, 1, 2))
    assert float(line[0]) < 0.03 and float(line[-1]) > 0.8
    assert bool((line.diff() > -0.01).all())


def test_gifs_are_footage(tmp_path: Path) -> None:
    clip = opened(video(tmp_path / "a.gif", "testsrc2=s=64x48:r=10:d=1"))
    assert clip.fps == 10 and len(frames(clip)) == 10
    assert clip.notes == ()  # nothing of it is transparent
    single = opened(video(tmp_path / "one.gif", "testsrc2=s=64x48:r=10,trim=end_frame=1"))
    assert single.fps == 24 and len(frames(single)) == 1
    hole = "color=white:s=64x48:r=10:d=1,format=rgba,geq=r=255:g=255:b=255:a='if(lt(X,32),0,255)'"
    holed = video(tmp_path / "h.gif", f"{hole},split[a][b];[a]palettegen[p];[b][p]paletteuse")
    clip = opened(holed)
    assert any("transparent" in note for note in clip.notes)
    assert frames(clip, background=(1.0, 0.0, 0.0))[8][0, :, 24, 8].tolist() == pytest.approx([1, 0, 0], abs=0.02)


def test_impossible_rates_are_refused(tmp_path: Path) -> None:
    for rate, text in (("1/4", "runs at 0.25 frames per second; it is conformed to 1"), ("300", "conformed to 240")):
        clip = opened(video(tmp_path / "r.mp4", f"testsrc2=s=64x48:r={rate},trim=end_frame=8"))
        assert text in clip.notes[0]


def test_cuts_are_detected(tmp_path: Path) -> None:
    drawing = "testsrc2=s=96x64:r=24:d=0.5[a];mandelbrot=s=96x64:r=24,trim=duration=0.5,format=yuv420p[b];[a][b]concat"
    path = draw(tmp_path / "c.mp4", "-f", "lavfi", "-i", drawing)
    assert opened(path).cuts.tolist() == [12]
    assert opened(path, threshold=0.0).cuts.tolist() == []


@pytest.fixture
def stills(tmp_path: Path) -> Path:
    folder = tmp_path / "stills"
    folder.mkdir()
    for n in range(12):
        picture = np.full((40, 60, 3), 10 * n if n < 6 else 255 - n, np.uint8)
        write_png(picture, folder / f"shot {n + 8}.png")
    return folder


def test_a_folder_or_a_pattern_of_pictures_is_footage(stills: Path) -> None:
    for path in (stills, stills / "shot %d.png"):
        clip = opened(path, fps=Fraction(12))
        assert (clip.fps, clip.width, clip.height, clip.seconds) == (12, 60, 40, 1.0)
        assert [round(255 * float(frame.mean())) for frame in frames(clip)][:6] == [0, 10, 20, 30, 40, 50]
        assert clip.cuts.tolist() == [6]
