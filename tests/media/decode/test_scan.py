"""Damage and disguised files are refused before anything is rendered."""

import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from pipeline.errors import InputError
from pipeline.media import ffmpeg
from pipeline.media.decode import scan
from pipeline.media.decode.clip import Clip, open_clip
from pipeline.media.decode.image_file import write_png
from pipeline.media.decode.reader import Reader
from tests.media.drawing import draw, video, with_sound


def opened(path: Path, salvage: bool = False) -> Clip:
    return open_clip(path, fps=None, salvage=salvage, threshold=10.0)


def refused(path: Path) -> str:
    began = time.monotonic()
    with pytest.raises(InputError) as caught:
        opened(path)
    assert time.monotonic() - began < 20
    sentence = str(caught.value)
    assert "\n" not in sentence and str(path) in sentence
    return sentence


def overwritten(path: Path, share: float) -> Path:
    """The video with bytes of its pictures destroyed from this share of them on."""
    data = bytearray(path.read_bytes())
    begin = data.index(b"mdat")
    middle = begin + int((len(data) - begin) * share)
    data[middle : middle + 1500] = b"\x55" * 1500
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("ending", ["mp4", "mkv", "avi", "mov"])
def test_a_truncated_file_is_refused_with_the_time(tmp_path: Path, ending: str) -> None:
    fast = ("-movflags", "+faststart") if ending in ("mp4", "mov") else ()
    path = video(tmp_path / f"t.{ending}", "testsrc2=s=320x240:r=25:d=2", "-g", "10", "-bf", "0", *fast)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    sentence = refused(path)
    assert "is damaged at" in sentence and "source.salvage=true" in sentence
    second = float(sentence.split("is damaged at ")[1].split(" s")[0])
    assert 0.3 < second < 1.6
    rest = opened(path, salvage=True)
    assert rest.is_damaged and 0.3 < rest.seconds < 1.7
    assert "rendering the" in rest.notes[0]


def test_salvage_uses_the_frames_before_damage(tmp_path: Path) -> None:
    path = overwritten(video(tmp_path / "d.mp4", "testsrc2=s=320x240:r=25:d=2", "-g", "10", "-bf", "0"), 0.5)
    assert "is damaged at" in refused(path)
    assert 0.4 < opened(path, salvage=True).seconds < 1.6


@pytest.mark.parametrize("ending", ["mp4", "ts"])
def test_salvaged_frames_are_unchanged(tmp_path: Path, ending: str) -> None:
    fast = ("-movflags", "+faststart") if ending == "mp4" else ()
    path = video(tmp_path / f"a.{ending}", "mandelbrot=s=192x108:r=25,trim=duration=2", "-pix_fmt", "yuv420p", *fast)
    whole = list(Reader(opened(path), np.arange(50), width=192, height=108).frames())
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    clip = opened(path, salvage=True)
    count = len(clip.times)
    assert 10 < count < 45
    rest = Reader(clip, np.arange(count), width=192, height=108).frames()
    assert all(torch.equal(a, b) for a, b in zip(whole[:count], rest, strict=True))


def test_concealed_damage_needs_salvage(tmp_path: Path) -> None:
    """Half a picture is lost, and nothing but a message tells of it."""
    path = video(tmp_path / "m.avi", "mandelbrot=s=160x120:r=25,trim=duration=1", "-c:v", "mjpeg")
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 2] = b"\xff\xd9"
    path.write_bytes(data)
    sentence = refused(path)
    assert "is damaged at about" in sentence and "source.salvage=true" in sentence
    rest = opened(path, salvage=True)
    assert len(rest.times) == 25 and not rest.is_damaged and "used as it is" in rest.notes[0]


def test_missing_packets_are_damage(tmp_path: Path) -> None:
    path = with_sound(tmp_path / "l.mkv", "-c:a", "libopus")
    data = bytearray(path.read_bytes())
    at = int(len(data) * 0.8)
    data[at : at + 200] = bytes(200)
    path.write_bytes(data)
    assert "is damaged at about" in refused(path)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("open.ts", "-c:v libx264 -pix_fmt yuv420p -x264-params open-gop=1:bframes=3:keyint=12"),
        ("refresh.ts", "-c:v libx264 -pix_fmt yuv420p -x264-params intra-refresh=1:keyint=12"),
        ("mpeg2.ts", "-c:v mpeg2video -bf 2 -g 12 -flags +ildct+ilme"),
        ("mpeg.mpg", "-c:v mpeg2video -bf 2 -g 12"),
    ],
)
def test_recordings_may_begin_amid_a_group_of_pictures(tmp_path: Path, name: str, arguments: str) -> None:
    path = video(tmp_path / name, "mandelbrot=s=160x120:r=25,trim=duration=2", *arguments.split())
    assert len(opened(path).times) == 50
    data = path.read_bytes()
    path.write_bytes(data[len(data) // 3 // 188 * 188 :])
    assert len(opened(path).times) > 5


def test_a_file_without_its_index_is_refused(tmp_path: Path) -> None:
    path = video(tmp_path / "t.mp4")
    path.write_bytes(path.read_bytes()[:-2000])
    assert "its index is missing" in refused(path)


def test_damage_behind_the_used_part_is_a_note(tmp_path: Path) -> None:
    path = overwritten(video(tmp_path / "d.mp4", "testsrc2=s=320x240:r=25:d=4", "-g", "10", "-bf", "0"), 0.8)
    refused(path)
    clip = open_clip(path, fps=None, salvage=False, threshold=10.0, seconds=lambda rate: float(50 / rate))
    assert clip.is_damaged and "behind the part that is rendered" in clip.notes[0]
    read = list(Reader(clip, np.arange(50), width=320, height=240).frames())
    assert len(read) == 50
    with pytest.raises(InputError, match="is damaged at"):
        open_clip(path, fps=None, salvage=False, threshold=10.0, seconds=lambda rate: float(98 / rate))


def test_the_scan_ends_behind_the_used_part(tmp_path: Path) -> None:
    """Frames are counted at the footage's own rate, also where a container does not tell it."""
    path = video(tmp_path / "long.mp4", "testsrc2=s=64x48:r=24:d=10")
    clip = open_clip(path, fps=None, salvage=False, threshold=10.0, seconds=lambda rate: float(48 / rate))
    assert len(clip.times) == 96  # two seconds more, for cuts
    slow = video(
        tmp_path / "slow.mkv", "testsrc2=s=64x48:r=24:d=10", "-vf", "select='not(mod(n,8))'", "-fps_mode", "vfr"
    )
    clip = open_clip(slow, fps=None, salvage=False, threshold=10.0, seconds=lambda rate: float(18 / rate))
    assert clip.fps == 3 and len(clip.times) >= 18


def test_a_long_scan_shows_progress(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(scan, "QUIET_SECONDS", 0.0)
    path = video(tmp_path / "long.mp4", "testsrc2=s=64x48:r=24:d=2")
    opened(path)
    assert "looking through long.mp4" in capfd.readouterr().err
    monkeypatch.undo()
    opened(path)
    assert not capfd.readouterr().err


@pytest.mark.parametrize("size", ["2000x20", "20x2000", "4096x16", "64x48"])
def test_cuts_are_detected_in_frames_of_any_shape(tmp_path: Path, size: str) -> None:
    width, height = (int(side) for side in size.split("x"))
    wide, high = scan.thumbnail_size(width, height)
    assert min(wide, high) >= 16 and wide * high < 30000 and wide % 2 == high % 2 == 0
    chain = f"color=black:s={size}:r=24:d=0.25[a];color=white:s={size}:r=24:d=0.25[b];[a][b]concat"
    path = draw(tmp_path / "c.mkv", "-f", "lavfi", "-i", chain, "-c:v", "ffv1")
    assert opened(path).cuts.tolist() == [6]


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("a.mp4", b"", "is empty"),
        ("a.mp4", b"ffconcat version 1.0\nfile secret.mp4\n", "list of other files"),
        ("a.mp4", b"file 'secret.mp4'\n", "list of other files"),
        ("a.avi", b"#EXTM3U\n#EXTINF:1,\nsecret.mp4\n", "list of other files"),
        ("a.mkv", b'<?xml version="1.0"?><MPD><Period/></MPD>', "list of other files"),
        ("a.mp4", "Größe, ein Brief\n".encode() * 9, "holds text"),
        ("a.mp4", bytes(range(256)) * 40, "is not a video"),
        ("a.png", b"\x89PNG\r\n\x1a\n", "is one picture"),
    ],
)
def test_files_that_are_no_footage_are_named(tmp_path: Path, name: str, content: bytes, sentence: str) -> None:
    (tmp_path / name).write_bytes(content)
    result = refused(tmp_path / name)
    assert sentence in result and "ffmpeg" not in result


def test_sound_and_folders_are_no_footage(tmp_path: Path) -> None:
    garbage = tmp_path / "g.mp4"
    garbage.write_bytes(bytes(range(256)) * 40)
    empty = tmp_path / "e.mp4"
    empty.touch()
    loop = tmp_path / "loop.mp4"
    loop.symlink_to(loop)
    pipe = tmp_path / "pipe.mp4"
    os.mkfifo(pipe)
    folder = tmp_path / "none"
    folder.mkdir()
    sound = draw(tmp_path / "s.mp4", "-f", "lavfi", "-i", "sine=d=0.2", "-c:a", "aac")
    whole = video(tmp_path / "whole.mp4")
    nothing = draw(tmp_path / "z.mp4", "-i", f"file:{whole}", "-ss", "100", "-c", "copy")  # a track without pictures
    for path in (garbage, empty, loop, pipe, folder, sound, nothing, tmp_path / "absent.mp4"):
        refused(path)
    assert "sound recording" in refused(sound)


@pytest.mark.parametrize("dress", ["{}.mp4", "{}.mkv", "{}.avi"])
def test_playlists_open_no_other_file(tmp_path: Path, dress: str) -> None:
    video(tmp_path / "secret.mp4")
    for number, text in enumerate(
        (
            "ffconcat version 1.0\nfile secret.mp4\n",
            "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nsecret.mp4\n#EXT-X-ENDLIST\n",
            '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011"><Period/></MPD>',
        )
    ):
        path = tmp_path / dress.format(number)
        path.write_text(text)
        assert "secret" not in refused(path).replace(str(path), "")


def test_impossible_frame_sizes_are_refused(tmp_path: Path) -> None:
    path = video(tmp_path / "h.avi", "testsrc2=s=64x48:r=24:d=0.2", "-c:v", "mjpeg")
    data = path.read_bytes()
    for old, new in (((64).to_bytes(4, "little"), (100_000).to_bytes(4, "little")),):
        at = data.index(b"strf")
        data = data[:at] + data[at:].replace(old + (48).to_bytes(4, "little"), new + new, 1)
    huge = data.replace(b"\xff\xc0\x00\x11\x08\x00\x30\x00\x40", b"\xff\xc0\x00\x11\x08\xff\xff\xff\xff")
    assert huge != data
    path.write_bytes(huge)
    refused(path)


def test_a_size_that_changes_is_refused(tmp_path: Path) -> None:
    parts = [
        video(tmp_path / f"{n}.mkv", f"testsrc2=s={size}:r=24:d=0.5", "-c:v", "mjpeg")
        for n, size in enumerate(("64x48", "96x64"))
    ]
    listing = tmp_path / "parts.txt"
    listing.write_text("".join(f"file '{path}'\n" for path in parts))
    path = draw(tmp_path / "both.mkv", "-f", "concat", "-safe", "0", "-i", f"file:{listing}", "-c", "copy")
    assert "changes its size" in refused(path)
    streams = [
        video(tmp_path / f"{n}.ts", f"testsrc2=s={size}:r=24:d=0.5") for n, size in enumerate(("64x48", "96x64"))
    ]
    both = tmp_path / "both.ts"
    both.write_bytes(b"".join(path.read_bytes() for path in streams))
    assert "changes its size" in refused(both)


@pytest.mark.parametrize(
    "name",
    ["with blank.mp4", 'it\'s "so".mp4', "a%03d.mp4", "c:d.mp4", "two\nlines.mp4", "-i.mp4", "größe ☃.mp4", "p|q;.mp4"],
)
def test_odd_names_are_only_names(tmp_path: Path, name: str) -> None:
    drawn = with_sound(tmp_path / "a.mp4", "-c:a", "aac", seconds=0.5)
    clip = opened(drawn.rename(tmp_path / name))
    assert (len(clip.times), [track.codec for track in clip.audio]) == (12, ["aac"])


def test_faults_of_a_picture_sequence_are_refused(tmp_path: Path) -> None:
    for number in range(5):
        write_png(np.full((20, 30, 3), 40 * number, np.uint8), tmp_path / f"f{number:03d}.png")
    pattern = tmp_path / "f%03d.png"
    assert len(opened(pattern).files) == 5
    (tmp_path / "f003.png").write_bytes((tmp_path / "f003.png").read_bytes()[:60])
    with pytest.raises(InputError, match=r"damaged at 0.12 s \(f003.png"):
        opened(pattern)
    assert len(opened(pattern, salvage=True).files) == 3
    write_png(np.zeros((20, 31, 3), np.uint8), tmp_path / "f003.png")
    with pytest.raises(InputError, match="31x20 pixels, the pictures before it 30x20"):
        opened(pattern)
    (tmp_path / "f003.png").unlink()
    with pytest.raises(InputError, match="number 3 is missing"):
        opened(pattern)


def test_planning_with_footage_loads_no_torch(tmp_path: Path) -> None:
    path = video(tmp_path / "a.mp4")
    code = (
        "import sys; from pathlib import Path; from pipeline.config import RenderConfig;"
        " from pipeline.plan.planner import plan_film; c = RenderConfig();"
        f" c.source.kind, c.source.path = 'video', {str(path)!r}; c.duration = '100%';"
        f" p = plan_film(c, Path({str(tmp_path)!r}), 'f'); print(p.frames, 'torch' in sys.modules)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert result.stdout.split() == ["24", "False"], result.stderr
    assert ffmpeg.version()
