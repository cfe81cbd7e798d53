"""The table of codecs: ffmpeg's arguments, pixel formats and file suffixes of each.

A new codec is one entry here, its name in pipeline/config/output.py and a file in conf/encode. Output must not depend
on the machine: every codec that divides a picture among threads has a fixed number of them.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

from pipeline.errors import ConfigError, OutputError, nearest
from pipeline.media.encode import image_sequence
from pipeline.runtime.files import check_writable

QUALITIES = ("draft", "good", "best")

# Containers of segments: their clocks represent any frame rate exactly.
SEGMENTS = {".mp4": "mp4", ".mov": "mov", ".nut": "nut"}

MOVIES = {".mp4": "mp4", ".mov": "mov", ".mkv": "matroska"}
WEB = {".mp4": "mp4", ".mkv": "matroska", ".webm": "webm"}
THREADS = ("-threads", "4")  # encode HD faster than it is rendered
MAX_GIF_FPS = 50  # players show a faster GIF much slower
FFV1_ARGUMENTS = (
    *("-c:v", "ffv1", "-level", "3", "-coder", "1", "-context", "0", "-slices", "4", "-slicecrc", "1"),
    *THREADS,
)
RGB = {8: "bgr0", 10: "gbrp10le", 16: "gbrp16le"}


@dataclass(frozen=True)
class Codec:
    """One codec.

    ``encoders`` are the ffmpeg encoders it needs; ``arguments`` and ``qualities`` encode the segments, whose files
    have the suffix ``segment``. ``pixels`` maps bits per colour to ffmpeg's pixel format, the default first;
    ``best_pixels`` are those of quality best where they differ. ``muxers`` maps file suffixes to ffmpeg's formats.
    ``even`` asks for even sizes, ``sides`` are the least and most pixels of a side. ``delay`` is how many frames
    decoding runs ahead of presentation; ``intra_only`` codecs have only key frames. ``mp4_tag`` is the only tag that
    Apple's players open. An ``animation`` is made from lossless segments once all are there. ``software`` is the codec
    that replaces a hardware encoder that does not work.
    """

    name: str
    encoders: tuple[str, ...]
    arguments: tuple[str, ...]
    pixels: Mapping[int, str]
    muxers: Mapping[str, str]
    segment: str = ".mp4"
    qualities: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: dict.fromkeys(QUALITIES, ()))
    best_pixels: Mapping[int, str] = field(default_factory=dict)
    even: bool = True
    sides: tuple[int, int] = (16, 16384)
    delay: int = 0
    intra_only: bool = False
    animation: bool = False
    software: str = ""
    mp4_tag: str = ""


def _animation(name: str, muxers: Mapping[str, str], encoders: tuple[str, ...], most: int, bits: int = 8) -> Codec:
    return Codec(
        name=name,
        encoders=("ffv1", *encoders),
        arguments=FFV1_ARGUMENTS,
        pixels={depth: pixels for depth, pixels in RGB.items() if depth in (8, bits)},
        muxers=muxers,
        segment=".nut",
        even=False,
        sides=(16, most),
        intra_only=True,
        animation=True,
    )


def _nvenc(name: str, software: str, deep: bool, muxers: Mapping[str, str]) -> Codec:
    """NVIDIA's encoder of the same name, without B-frames."""
    levels = {"draft": ("p3", "30"), "good": ("p5", "22"), "best": ("p7", "17")}
    return Codec(
        name=name,
        encoders=(name,),
        arguments=("-c:v", name, "-rc", "vbr", "-b:v", "0", "-bf", "0"),
        qualities={quality: ("-preset", preset, "-cq", cq) for quality, (preset, cq) in levels.items()},
        pixels={8: "yuv420p", 10: "p010le"} if deep else {8: "yuv420p"},
        muxers=muxers,
        sides=(160, 4096 if name == "h264_nvenc" else 8192),
        software=software,
        mp4_tag="hvc1" if software == "h265" else "",
    )


_ALL = (
    Codec(
        name="h264",
        encoders=("libx264",),
        arguments=("-c:v", "libx264", *THREADS),
        qualities={
            "draft": ("-preset", "veryfast", "-crf", "25"),
            "good": ("-preset", "medium", "-crf", "18"),
            "best": ("-preset", "slow", "-crf", "14"),
        },
        pixels={8: "yuv420p", 10: "yuv420p10le"},
        muxers=MOVIES,
        delay=2,
    ),
    Codec(
        name="h265",
        encoders=("libx265",),
        arguments=(
            *("-c:v", "libx265"),
            # x265's own threads decide by when frames arrive: a slower render would give other bytes.
            *("-x265-params", "log-level=error:pools=none:frame-threads=1:no-wpp=1:open-gop=0"),
        ),
        qualities={
            "draft": ("-preset", "veryfast", "-crf", "28"),
            "good": ("-preset", "medium", "-crf", "20"),
            "best": ("-preset", "slow", "-crf", "15"),
        },
        pixels={8: "yuv420p", 10: "yuv420p10le"},
        muxers=MOVIES,
        delay=2,
        mp4_tag="hvc1",
    ),
    Codec(
        name="av1",
        encoders=("libsvtav1",),
        arguments=("-c:v", "libsvtav1", "-svtav1-params", "lp=4"),
        qualities={
            "draft": ("-preset", "11", "-crf", "40"),
            "good": ("-preset", "8", "-crf", "26"),
            "best": ("-preset", "5", "-crf", "18"),
        },
        pixels={8: "yuv420p", 10: "yuv420p10le"},
        muxers=WEB,
        sides=(16, 8704),
    ),
    Codec(
        name="vp9",
        encoders=("libvpx-vp9",),
        arguments=("-c:v", "libvpx-vp9", "-b:v", "0", "-row-mt", "0", "-tile-columns", "2", *THREADS),
        qualities={
            "draft": ("-deadline", "good", "-cpu-used", "5", "-crf", "40"),
            "good": ("-deadline", "good", "-cpu-used", "4", "-crf", "26"),
            "best": ("-deadline", "good", "-cpu-used", "2", "-crf", "18"),
        },
        pixels={8: "yuv420p", 10: "yuv420p10le"},
        muxers=WEB,
    ),
    Codec(
        name="prores",
        encoders=("prores_ks",),
        arguments=("-c:v", "prores_ks", "-vendor", "apl0", *THREADS),
        qualities={"draft": ("-profile:v", "lt"), "good": ("-profile:v", "hq"), "best": ("-profile:v", "4444")},
        pixels={10: "yuv422p10le"},
        best_pixels={10: "yuv444p10le"},
        muxers={".mov": "mov", ".mkv": "matroska"},
        segment=".mov",
        intra_only=True,
    ),
    Codec(
        name="ffv1",
        encoders=("ffv1",),
        arguments=FFV1_ARGUMENTS,
        pixels=RGB,
        muxers={".mkv": "matroska"},
        segment=".nut",
        even=False,
        intra_only=True,
    ),
    _animation("gif", {".gif": "gif"}, ("gif",), 16384),
    _animation("webp", {".webp": "webp"}, ("libwebp_anim",), 16383),
    _animation("png", {"": "image2", ".png": "image2"}, ("png",), 16384, 16),
    _nvenc("h264_nvenc", "h264", False, MOVIES),
    _nvenc("hevc_nvenc", "h265", True, MOVIES),
    _nvenc("av1_nvenc", "av1", True, WEB),
)
CODECS = {codec.name: codec for codec in _ALL}


def find_codec(name: str) -> Codec:
    """The codec by name. Raises ConfigError naming the choices."""
    if name not in CODECS:
        allowed = f"allowed are {', '.join(CODECS)}{nearest(name, CODECS)}"
        raise ConfigError("encode.codec", name, allowed)
    return CODECS[name]


def find_muxer(codec: Codec, path: Path, *, segment: bool = False) -> str:
    """ffmpeg's format for the suffix of a film or a ``segment``. Raises OutputError naming the suffixes."""
    suffix = path.suffix.lower()
    muxers = {codec.segment: SEGMENTS[codec.segment]} if segment else codec.muxers
    if suffix not in muxers:
        ending = f"ends in {path.suffix}" if path.suffix else "has no ending"
        allowed = ", ".join(filter(None, muxers))
        raise OutputError(f"{path} {ending}; allowed for {codec.name} are {allowed}")
    return muxers[suffix]


def segment_suffix(codec_name: str) -> str:
    """The suffix, such as ``.mp4``, of the segments of a film in this codec."""
    return find_codec(codec_name).segment


def film_suffix(codec_name: str) -> str:
    """The default suffix of a film in this codec; numbered pictures, in a folder, have none."""
    return next(iter(find_codec(codec_name).muxers))


def finished_path(path: Path, codec_name: str) -> Path:
    """The path that exists once the film ``path`` is finished: itself, or the folder of its numbered pictures."""
    return image_sequence.split(path)[0] if find_muxer(find_codec(codec_name), path) == "image2" else path


def check_output(path: Path, overwrite: bool, codec: str = "h264") -> None:
    """Check, before anything is rendered, that ``path`` can become a video; its folder is created.

    Raises OutputError for a wrong suffix, an existing file without ``overwrite``, a folder, or a path that cannot be
    written.
    """
    if find_muxer(find_codec(codec), path) == "image2":
        image_sequence.check_sequence_output(path, overwrite)
    else:
        check_writable(path, overwrite=overwrite)


def codec_notes(path: Path, codec: str, fps: Fraction) -> list[str]:
    """Notes about a film in this codec at this frame rate."""
    if find_muxer(find_codec(codec), path) != "gif":
        return []
    notes, step = [], gif_step(fps)
    if step > 1:
        limit = f"players slow down a GIF of more than {MAX_GIF_FPS} frames a second"
        notes.append(f"{limit}; it shows one of {step} frames")
    if (100 * step / fps).denominator > 1:
        notes.append("a GIF counts hundredths of a second; its frame times are rounded, and right in total")
    return notes


def gif_step(fps: Fraction) -> int:
    """A GIF shows every how many frames, because players slow down more than ``MAX_GIF_FPS``."""
    return math.ceil(fps / MAX_GIF_FPS)
