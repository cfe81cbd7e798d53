"""Size, rate, tags and frames of a video file, read with ffmpeg alone and without trusting the file."""

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import InputError
from pipeline.media import ffmpeg

# Containers of recorded video. Playlists and scripts, which open other files, are not among them.
FORMATS = "mov,matroska,avi,mpegts,mpeg,ogg,asf,flv,mxf,nut,ivf,gif,apng,h264,hevc,yuv4mpegpipe,webp_anim"
FIRST_VIDEO = "0:V:0"  # the first video stream that is not cover art
EXACT = "flags=bicubic+accurate_rnd+full_chroma_int+full_chroma_inp"
# Position of 4:2:0 chroma samples, in 1/256 of a pixel pair; swscale ignores the file's tag.
CHROMA_LOCATIONS = {
    "left": "in_h_chr_pos=0:in_v_chr_pos=128",
    "center": "in_h_chr_pos=128:in_v_chr_pos=128",
    "topleft": "in_h_chr_pos=0:in_v_chr_pos=0",
}
HD_PIXELS = (1280, 576)  # untagged video from this width or above this height is BT.709, smaller BT.601
ALPHA_DECODERS = {"vp8": "libvpx", "vp9": "libvpx-vp9"}  # the default ones drop transparency
MAX_COUNT_SECONDS = 4 * 3600.0  # that counting the frames of a long film may take


@dataclass(frozen=True)
class VideoFacts:
    """A video stream: size in pixels as shown (rotated, square pixels), frame rate; the rest in ffmpeg's terms.

    ``declared`` is the container's duration in seconds, ``decoder`` the one for ``source`` where the default is not
    enough. ``field_order`` is tff or bff for interlaced video whose frames are not tagged; ``has_field_order`` says
    that the stream is tagged. The last six are no part of a comparison.
    """

    width: int
    height: int
    fps: Fraction
    codec: str
    pixel_format: str
    colour_range: str
    colour_space: str
    colour_primaries: str
    colour_transfer: str
    chroma_location: str
    interlaced: bool = field(default=False, compare=False)
    declared: float | None = field(default=None, compare=False)
    decoder: str = field(default="", compare=False)
    container: str = field(default="", compare=False)
    field_order: str = field(default="", compare=False)
    has_field_order: bool = field(default=False, compare=False)


def probe(path: Path, decoder: str = "") -> VideoFacts:
    """All facts, from the first decoded frame. Raises InputError."""
    check_file(path)
    arguments = [*source(path, decoder), "-map", FIRST_VIDEO, "-vf", "showinfo=checksum=0"]
    arguments += ["-frames:v", "1", "-f", "null", "-"]
    arguments += ["-map", FIRST_VIDEO, "-c", "copy", "-frames:v", "1", "-f", "framecrc", "pipe:1"]
    header, log = ffmpeg.run_with_log(arguments, doing=f"reading {path}", level="info")
    frame = "\n".join(line for line in log.splitlines() if line.startswith("[Parsed_showinfo"))
    size = re.search(r" sar:(\d+)/(\d+) s:(\d+)x(\d+) ", frame)
    rate = re.search(r" frame_rate: (\d+)/(\d+)", frame)
    container = re.search(r"^Input #0, (\S+), from", log, re.MULTILINE)
    stream = re.search(r"^  Stream #0:.*: Video: (.*)", log, re.MULTILINE)
    codec = re.search(r"^#codec_id 0: (\S+)", header.decode("utf-8", "replace"), re.MULTILINE)
    duration = re.search(r"^  Duration: (\d+):(\d+):(\d+(?:\.\d+)?)(?:, start: (\d+\.\d+))?", log, re.MULTILINE)
    if not size or not rate or not codec or int(rate[1]) * int(rate[2]) == 0:
        raise InputError(f"{path} holds no video with a frame rate")
    has_alpha = re.search(r"^ +alpha_mode +: 1", log, re.MULTILINE | re.IGNORECASE)
    if has_alpha and not decoder and codec[1] in ALPHA_DECODERS:
        return probe(path, ALPHA_DECODERS[codec[1]])

    def tag(key: str) -> str:
        match = re.search(rf"\b{key}:(\S+)", frame)
        return match[1] if match else "unknown"

    across, down, width, height = (int(number) for number in size.groups())
    aspect = Fraction(across, down) if across and down else Fraction(1)
    return VideoFacts(
        width=max(1, round(width * aspect)),
        height=height,
        fps=Fraction(int(rate[1]), int(rate[2])),
        codec=codec[1],
        pixel_format=tag("fmt"),
        colour_range=tag("color_range"),
        colour_space=tag("color_space"),
        colour_primaries=tag("color_primaries"),
        colour_transfer=tag("color_trc"),
        chroma_location=tag("cl"),
        interlaced=tag("i") in ("T", "B"),
        declared=_declared(*duration.groups()) if duration else None,
        decoder=decoder,
        container=container[1] if container else "",
        has_field_order=bool(stream and re.search(r"\b(progressive|top|bottom)\b", stream[1])),
    )


def _declared(hours: str, minutes: str, seconds: str, start: str | None) -> float:
    """The duration without the time before the first frame, which some containers count and ffmpeg cuts off."""
    return 3600 * float(hours) + 60 * float(minutes) + float(seconds) - float(start or 0)


def count_frames(path: Path) -> int:
    """Packets in ``path``, as many as frames in files just encoded; a damaged one may promise too many."""
    check_file(path)
    arguments = ["-xerror", *source(path), "-map", FIRST_VIDEO, "-c", "copy", "-f", "framecrc", "pipe:1"]
    report = ffmpeg.run(arguments, doing=f"reading {path}", timeout=MAX_COUNT_SECONDS, failure=InputError)
    return sum(not line.startswith(b"#") for line in report.splitlines())


def decode(path: Path, only: Sequence[int] | None = None) -> Iterator[NDArray[np.uint8]]:
    """The frames of ``path``, or ``only`` these (ascending), as ``(H, W, 3)`` uint8 sRGB arrays, rotated upright.

    Colours follow the file's tags; untagged video is BT.709 when it is HD, BT.601 when
    smaller, as in players. Raises InputError.
    """
    facts = probe(path)
    chain = f"{scale_filter(facts, facts.width, facts.height)},setsar=1,format=rgb24"
    if only is not None:
        chain = f"trim=end_frame={only[-1] + 1},select='{'+'.join(f'eq(n,{n})' for n in only)}',{chain}"
    arguments = ["-xerror", *source(path, facts.decoder), "-map", FIRST_VIDEO, "-vf", chain]
    arguments += ["-fps_mode", "passthrough", "-f", "rawvideo", "pipe:1"]
    size = (facts.height, facts.width, 3)
    for data in ffmpeg.stream(arguments, block=facts.height * facts.width * 3, doing=f"reading {path}"):
        yield np.frombuffer(data, np.uint8).reshape(size)


def read_frame(path: Path, index: int) -> NDArray[np.uint8]:
    """Frame ``index`` of ``path`` as ``(H, W, 3)`` uint8. Raises InputError when there is none."""
    for frame in decode(path, [index]):
        return frame
    raise InputError(f"{path} has no frame {index}; it ends before")


def source(path: Path, decoder: str = "") -> list[str]:
    """ffmpeg's input arguments for an untrusted file: this file only, no playlists; with this video ``decoder``."""
    chosen = ["-c:v", decoder] if decoder else []
    return ["-protocol_whitelist", "file", "-format_whitelist", FORMATS, *chosen, "-i", f"file:{path}"]


def scale_filter(facts: VideoFacts, width: int, height: int) -> str:
    """The filter that scales decoded frames to this size and full-range RGB."""
    options = [f"w={width}", f"h={height}", "out_range=pc", EXACT]
    is_rgb = re.match(r"rgb|bgr|gbr|argb|abgr|pal8|gray|ya8|ya16|mono|x2|0rgb|0bgr", facts.pixel_format)
    if facts.colour_space == "unknown" and not is_rgb:
        is_hd = facts.width >= HD_PIXELS[0] or facts.height > HD_PIXELS[1]
        options.append(f"in_color_matrix={'bt709' if is_hd else 'bt601'}")
    if "420" in facts.pixel_format:
        options.append(CHROMA_LOCATIONS.get(facts.chroma_location, CHROMA_LOCATIONS["left"]))
    return f"scale={':'.join(options)}"


def check_file(path: Path) -> None:
    """Raise InputError unless ``path`` is a regular file."""
    if path.is_dir():
        raise InputError(f"{path} is a folder, not a video")
    if not path.is_file():
        broken = "it is no regular file, or a link that leads nowhere"
        raise InputError(f"{path}: {broken if os.path.lexists(path) else 'there is no such file'}")
