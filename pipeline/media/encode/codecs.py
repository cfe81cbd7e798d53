"""The table of codecs: what ffmpeg is told for each, and which file names suit it.

No output may depend on the machine: every codec that divides a picture among threads is told how many there are.
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

# Containers for pieces of a film: their clocks tell any frame rate's times exactly.
SEGMENTS = {".mp4": "mp4", ".mov": "mov", ".nut": "nut"}

MOVIES = {".mp4": "mp4", ".mov": "mov", ".mkv": "matroska"}
WEB = {".mp4": "mp4", ".mkv": "matroska", ".webm": "webm"}
THREADS = ("-threads", "4")  # encode HD faster than it is dreamed
GIF_FASTEST = 50  # frames a second: players show what is faster much slower
LOSSLESS = (
    *("-c:v", "ffv1", "-level", "3", "-coder", "1", "-context", "0", "-slices", "4", "-slicecrc", "1"),
    *THREADS,
)
RGB = {8: "bgr0", 10: "gbrp10le", 16: "gbrp16le"}


@dataclass(frozen=True)
class Codec:
    """One way to encode.

    ``encoders`` are ffmpeg's names of what is needed; ``arguments`` and ``qualities`` make the segments, whose files
    end in ``segment``. ``pixels`` maps bits per colour to ffmpeg's pixel format, the codec's natural one first, and
    ``finest`` says where quality best differs. ``muxers`` maps file endings to ffmpeg's formats. ``even`` asks for
    even sizes, ``sides`` are the least and most pixels of a side. ``delay`` is by how many frames decoding runs ahead
    of showing; ``every_frame_key`` is said of codecs that know no other frames. ``animation`` is made from lossless
    segments once all are there. ``software`` names what takes the place of an encoder in hardware that is not there.
    """

    name: str
    encoders: tuple[str, ...]
    arguments: tuple[str, ...]
    pixels: Mapping[int, str]
    muxers: Mapping[str, str]
    segment: str = ".mp4"
    qualities: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: dict.fromkeys(QUALITIES, ()))
    finest: Mapping[int, str] = field(default_factory=dict)
    even: bool = True
    sides: tuple[int, int] = (16, 16384)
    delay: int = 0
    every_frame_key: bool = False
    animation: bool = False
    software: str = ""


def _animation(name: str, muxers: Mapping[str, str], encoders: tuple[str, ...], most: int, bits: int = 8) -> Codec:
    return Codec(
        name=name,
        encoders=("ffv1", *encoders),
        arguments=LOSSLESS,
        pixels={depth: pixels for depth, pixels in RGB.items() if depth in (8, bits)},
        muxers=muxers,
        segment=".nut",
        even=False,
        sides=(16, most),
        every_frame_key=True,
        animation=True,
    )


def _nvenc(name: str, software: str, deep: bool, muxers: Mapping[str, str]) -> Codec:
    """NVIDIA's encoder of the same name, without frames that are shown later than they are decoded."""
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
            # With threads of its own x265 decides by when frames arrive: a slow dream would give other bytes.
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
        finest={10: "yuv444p10le"},
        muxers={".mov": "mov", ".mkv": "matroska"},
        segment=".mov",
        every_frame_key=True,
    ),
    Codec(
        name="ffv1",
        encoders=("ffv1",),
        arguments=LOSSLESS,
        pixels=RGB,
        muxers={".mkv": "matroska"},
        segment=".nut",
        even=False,
        every_frame_key=True,
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
    """ffmpeg's format for the file's ending, of a film or a ``segment``. Raises OutputError naming the endings."""
    ending = path.suffix.lower()
    muxers = {codec.segment: SEGMENTS[codec.segment]} if segment else codec.muxers
    if ending not in muxers:
        shown = f"ends in {path.suffix}" if path.suffix else "has no ending"
        allowed = ", ".join(filter(None, muxers))
        raise OutputError(f"{path} {shown}; allowed for {codec.name} are {allowed}")
    return muxers[ending]


def segment_suffix(codec_name: str) -> str:
    """The ending, such as ``.mp4``, of the files in which pieces of a film in this codec are kept."""
    return find_codec(codec_name).segment


def film_suffix(codec_name: str) -> str:
    """The ending of a film in this codec that nobody named; pictures in a folder have none."""
    return next(iter(find_codec(codec_name).muxers))


def standing(path: Path, codec_name: str) -> Path:
    """What stands there once the film ``path`` is finished: itself, or the folder of its pictures."""
    return image_sequence.split(path)[0] if find_muxer(find_codec(codec_name), path) == "image2" else path


def check_output(path: Path, overwrite: bool, codec: str = "h264") -> None:
    """Check, before anything is rendered, that ``path`` can become a video; its folder is created.

    Raises OutputError for a wrong ending, an existing file without ``overwrite``, a folder, or a
    place that cannot be written.
    """
    if find_muxer(find_codec(codec), path) == "image2":
        image_sequence.check_series(path, overwrite)
    else:
        check_writable(path, overwrite=overwrite)


def notes(path: Path, codec: str, fps: Fraction) -> list[str]:
    """What a person should know about a film in this codec at this rate, in sentences without a full stop."""
    if find_muxer(find_codec(codec), path) != "gif":
        return []
    said, step = [], gif_step(fps)
    if step > 1:
        said.append(
            f"players slow down a GIF of more than {GIF_FASTEST} frames a second; it shows one of {step} frames"
        )
    if (100 * step / fps).denominator > 1:
        said.append(
            "a GIF counts in hundredths of a second; its frames stand for unequal times, in all for the right one"
        )
    return said


def gif_step(fps: Fraction) -> int:
    """Every how many frames a GIF shows one, since players slow down what is faster than ``GIF_FASTEST``."""
    return math.ceil(fps / GIF_FASTEST)
