"""What a video file holds, and its frames, read with ffmpeg alone and without trusting the file."""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import InputError
from pipeline.media import ffmpeg

# Containers of recorded video. Playlists and scripts, which open other files, are not among them.
FORMATS = "mov,matroska,avi,mpegts,mpeg,ogg,asf,flv,mxf,nut,ivf,gif,apng,h264,hevc,yuv4mpegpipe"
EXACT = "flags=bicubic+accurate_rnd+full_chroma_int+full_chroma_inp"
# Where 4:2:0 colours sit between pixels, in 1/256 of a pixel pair; swscale does not look itself.
CHROMA = {
    "left": "in_h_chr_pos=0:in_v_chr_pos=128",
    "center": "in_h_chr_pos=128:in_v_chr_pos=128",
    "topleft": "in_h_chr_pos=0:in_v_chr_pos=0",
}
ABSENT = "there is no such file"
PICTURES = "0:V:0"  # the first video stream that is not the cover of a song
TRANSPARENT = {"vp8": "libvpx", "vp9": "libvpx-vp9"}  # decoders that see transparency where the usual ones do not
LONGEST = 4 * 3600.0  # seconds that counting a long film may take


@dataclass(frozen=True)
class VideoFacts:
    """Size in pixels as shown (rotated, square pixels), rate, frames; the rest in ffmpeg's words."""

    width: int
    height: int
    fps: Fraction
    frames: int
    codec: str
    pixel_format: str
    colour_range: str
    colour_space: str
    colour_primaries: str
    colour_transfer: str
    chroma_location: str
    interlaced: bool = field(default=False, compare=False)
    declared: float | None = field(default=None, compare=False)  # seconds that the container says it lasts
    decoder: str = field(default="", compare=False)  # for ``source``
    container: str = field(default="", compare=False)  # in ffmpeg's words
    woven: str = field(default="", compare=False)  # tff or bff for interlaced pictures that do not say it themselves
    orderly: bool = field(default=False, compare=False)  # the stream says of itself how its fields lie


def probe_video(path: Path) -> VideoFacts:
    """The facts of ``path``. ``frames`` is counted by decoding every one: headers and packets can
    promise pictures that a damaged file no longer holds. Raises InputError.
    """
    return replace(look(path), frames=count_frames(path, decoded=True))


def count_frames(path: Path, *, decoded: bool = False) -> int:
    """Frames in ``path``: packets, which is quick and right for files just encoded, or decoded ones."""
    check_file(path)
    how = ["-fps_mode", "passthrough"] if decoded else ["-c", "copy"]
    arguments = ["-xerror", *source(path), "-map", PICTURES, *how, "-f", "framecrc", "pipe:1"]
    doing = f"reading {path}"
    report = ffmpeg.run(arguments, doing=doing, timeout=LONGEST, failure=InputError)
    return sum(not line.startswith(b"#") for line in report.splitlines())


def decode(path: Path, first: int = 0, count: int | None = None) -> Iterator[NDArray[np.uint8]]:
    """Frames ``first`` … of ``path`` as ``(H, W, 3)`` uint8 sRGB-encoded arrays, rotated upright.

    ``count`` limits them. Colours follow the file's tags; untagged video is taken for BT.709 when
    it is HD and for BT.601 when smaller, as players do. Raises InputError.
    """
    facts = look(path)
    end = "" if count is None else f":end_frame={first + count}"
    chain = f"trim=start_frame={first}{end},{_to_rgb(facts)}"
    arguments = ["-xerror", *source(path, facts.decoder), "-map", PICTURES, "-vf", chain]
    arguments += ["-fps_mode", "passthrough", "-f", "rawvideo", "pipe:1"]
    size = (facts.height, facts.width, 3)
    for data in ffmpeg.stream(arguments, block=facts.height * facts.width * 3, doing=f"reading {path}"):
        yield np.frombuffer(data, np.uint8).reshape(size)


def read_frame(path: Path, index: int) -> NDArray[np.uint8]:
    """Frame ``index`` of ``path`` as ``(H, W, 3)`` uint8. Raises InputError when it is not there."""
    for frame in decode(path, index, 1):
        return frame
    raise InputError(f"{path} has no frame {index}; it ends before")


def source(path: Path, decoder: str = "") -> list[str]:
    """ffmpeg's input arguments for a file that is not trusted: this file only, no playlists.

    ``decoder`` names the one for its pictures where the usual one does not do.
    """
    chosen = ["-c:v", decoder] if decoder else []
    return ["-protocol_whitelist", "file", "-format_whitelist", FORMATS, *chosen, "-i", f"file:{path}"]


def look(path: Path, decoder: str = "") -> VideoFacts:
    """All facts but the count of frames, from the first decoded frame."""
    check_file(path)
    arguments = [*source(path, decoder), "-map", PICTURES, "-vf", "showinfo=checksum=0"]
    arguments += ["-frames:v", "1", "-f", "null", "-"]
    arguments += ["-map", PICTURES, "-c", "copy", "-frames:v", "1", "-f", "framecrc", "pipe:1"]
    header, said = ffmpeg.inspect(arguments, doing=f"reading {path}", level="info")
    shown = "\n".join(line for line in said.splitlines() if line.startswith("[Parsed_showinfo"))
    size = re.search(r" sar:(\d+)/(\d+) s:(\d+)x(\d+) ", shown)
    rate = re.search(r" frame_rate: (\d+)/(\d+)", shown)
    container = re.search(r"^Input #0, (\S+), from", said, re.MULTILINE)
    streams = re.findall(r"^  Stream #0:.*: Video: (.*)", said, re.MULTILINE)
    codec = re.search(r"^#codec_id 0: (\S+)", header.decode("utf-8", "replace"), re.MULTILINE)
    if not size or not rate or not codec or int(rate[1]) * int(rate[2]) == 0:
        raise InputError(f"{path} holds no video with a frame rate")
    if not decoder and codec[1] in TRANSPARENT and re.search(r"^ +alpha_mode +: 1", said, re.MULTILINE | re.IGNORECASE):
        return look(path, TRANSPARENT[codec[1]])
    across, down, width, height = (int(number) for number in size.groups())
    aspect = Fraction(across, down) if across and down else Fraction(1)
    return VideoFacts(
        width=max(1, round(width * aspect)),
        height=height,
        fps=Fraction(int(rate[1]), int(rate[2])),
        frames=0,
        codec=codec[1],
        pixel_format=_word("fmt", shown),
        colour_range=_word("color_range", shown),
        colour_space=_word("color_space", shown),
        colour_primaries=_word("color_primaries", shown),
        colour_transfer=_word("color_trc", shown),
        chroma_location=_word("cl", shown),
        interlaced=_word("i", shown) in ("T", "B"),
        declared=_declared(said),
        decoder=decoder,
        container=container[1] if container else "",
        orderly=bool(streams and re.search(r"\b(progressive|top|bottom)\b", streams[0])),
    )


def _to_rgb(facts: VideoFacts) -> str:
    """The filters from decoded frames to rgb24."""
    options = [f"w={facts.width}", f"h={facts.height}", "out_range=pc", EXACT]
    if facts.colour_space == "unknown":
        large = facts.width >= 1280 or facts.height > 576
        options.append(f"in_color_matrix={'bt709' if large else 'bt601'}")
    if "420" in facts.pixel_format:
        options.append(CHROMA.get(facts.chroma_location, CHROMA["left"]))
    return f"scale={':'.join(options)},setsar=1,format=rgb24"


def _declared(said: str) -> float | None:
    found = re.search(r"^  Duration: (\d+):(\d+):(\d+(?:\.\d+)?)", said, re.MULTILINE)
    return None if found is None else 3600 * float(found[1]) + 60 * float(found[2]) + float(found[3])


def _word(key: str, shown: str) -> str:
    found = re.search(rf"\b{key}:(\S+)", shown)
    return found[1] if found else "unknown"


def check_file(path: Path) -> None:
    """Raise InputError unless ``path`` is a file that can be opened."""
    if path.is_dir():
        raise InputError(f"{path} is a folder, not a video")
    if not path.is_file():
        there = os.path.lexists(path)
        raise InputError(f"{path}: {'it is no regular file, or a link that leads nowhere' if there else ABSENT}")
