"""The table of codecs: ffmpeg's arguments, pixel formats and file suffixes of each.

A new codec is one entry here, its name in pipeline/config/encode.py and a file in conf/encode. Output must not depend
on the machine: every codec that divides a picture among threads has a fixed number of them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

QUALITIES = ("draft", "good", "best")

# Containers of segments. Their clocks represent any frame rate exactly, but for WebM's; joined, frames are counted.
SEGMENTS = {".mp4": "mp4", ".mov": "mov", ".nut": "nut", ".webm": "webm"}

MOVIES = {".mp4": "mp4", ".mov": "mov", ".mkv": "matroska"}
WEB = {".mp4": "mp4", ".mkv": "matroska", ".webm": "webm"}
THREADS = ("-threads", "4")  # encode HD faster than it is rendered
FFV1_ARGUMENTS = (
    *("-c:v", "ffv1", "-level", "3", "-coder", "1", "-context", "0", "-slices", "4", "-slicecrc", "1"),
    *THREADS,
)
HDR = ("display", "hdr10", "hlg")
RGB = {8: "bgr0", 10: "gbrp10le", 16: "gbrp16le"}
RGBA = {8: "bgra", 10: "gbrap10le", 16: "gbrap16le"}


@dataclass(frozen=True)
class Codec:
    """One codec.

    ``encoders`` are the ffmpeg encoders it needs; ``arguments`` and ``qualities`` encode the segments, whose files
    have the suffix ``segment``. ``pixels`` maps bits per colour to ffmpeg's pixel format, the default first;
    ``quality_pixels`` are those of a quality where they differ. ``muxers`` maps file suffixes to ffmpeg's formats.
    ``divisor`` must divide both sides, ``sides`` are the least and most pixels of a side, ``min_width`` those of the
    width. ``delay`` is how many frames decoding runs ahead of presentation; ``intra_only`` codecs have only key frames.
    ``mp4_tag`` is the only tag that Apple's players open. An ``animation`` is made from lossless segments once all are
    there; one of numbered pictures has their suffix as ``picture``. ``alpha`` are the pixel formats with opacity,
    ``alpha_arguments`` what it needs at the end, ``alpha_suffixes`` the files and ``alpha_segment`` the segments that
    hold it if not all do. ``colors`` are the choices of ``encode.color``, the default first, ``hdr10`` an option of the
    encoder and what HDR10 adds to its value: P3 at 1000 nits. ``software`` is the codec that replaces a hardware
    encoder that does not work.
    """

    name: str
    encoders: tuple[str, ...]
    arguments: tuple[str, ...]
    pixels: Mapping[int, str]
    muxers: Mapping[str, str]
    segment: str = ".mp4"
    qualities: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: dict.fromkeys(QUALITIES, ()))
    quality_pixels: Mapping[str, Mapping[int, str]] = field(default_factory=dict)
    divisor: int = 2
    sides: tuple[int, int] = (16, 16384)
    min_width: int = 0
    delay: int = 0
    intra_only: bool = False
    animation: bool = False
    picture: str = ""
    alpha: Mapping[int, str] = field(default_factory=dict)
    alpha_arguments: tuple[str, ...] = ()
    alpha_suffixes: tuple[str, ...] = ()
    alpha_segment: str = ""
    colors: tuple[str, ...] = ("display",)
    hdr10: tuple[str, ...] = ()
    software: str = ""
    mp4_tag: str = ""


def _animation(name: str, most: int, encoders: tuple[str, ...], muxers: Mapping[str, str] | None = None) -> Codec:
    return Codec(
        name=name,
        encoders=("ffv1", *encoders),
        arguments=FFV1_ARGUMENTS,
        pixels={8: RGB[8]},
        muxers=muxers or {f".{name}": name},
        segment=".nut",
        divisor=1,
        sides=(16, most),
        intra_only=True,
        animation=True,
        alpha={} if name == "gif" else {8: RGBA[8]},
    )


def _pictures(name: str, suffixes: tuple[str, ...], bits: tuple[int, ...], **more: Any) -> Codec:
    """Numbered pictures in a folder. ``image2`` stands for that wherever suffixes become formats."""
    codec = _animation(name, 16384, ("png",) if name == "png" else (), dict.fromkeys(("", *suffixes), "image2"))
    pixels, alpha = ({depth: table[depth] for depth in bits} for table in (RGB, RGBA))
    return replace(codec, pixels=pixels, alpha=alpha, picture=suffixes[0], **more)


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
        colors=HDR,
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
        hdr10=(
            "-x265-params",
            "hdr10=1:repeat-headers=1:max-cll=1000,0"
            ":master-display=G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,1)",
        ),
    ),
    Codec(
        name="av1",
        colors=HDR,
        encoders=("libsvtav1",),
        arguments=("-c:v", "libsvtav1", "-svtav1-params", "lp=4"),
        hdr10=(
            "-svtav1-params",
            "content-light=1000,0"
            ":mastering-display=G(0.265,0.69)B(0.15,0.06)R(0.68,0.32)WP(0.3127,0.329)L(1000.0,0.0001)",
        ),
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
        colors=HDR,
        encoders=("libvpx-vp9",),
        arguments=("-c:v", "libvpx-vp9", "-b:v", "0", "-row-mt", "0", "-tile-columns", "2", *THREADS),
        qualities={
            "draft": ("-deadline", "good", "-cpu-used", "5", "-crf", "40"),
            "good": ("-deadline", "good", "-cpu-used", "4", "-crf", "26"),
            "best": ("-deadline", "good", "-cpu-used", "2", "-crf", "18"),
        },
        pixels={8: "yuv420p", 10: "yuv420p10le"},
        muxers=WEB,
        alpha_segment=".webm",
        alpha={8: "yuva420p"},
        alpha_arguments=("-auto-alt-ref", "0"),
        alpha_suffixes=(".webm", ".mkv"),
    ),
    Codec(
        name="prores",
        colors=HDR,
        encoders=("prores_ks",),
        arguments=("-c:v", "prores_ks", "-vendor", "apl0", *THREADS),
        qualities={"draft": ("-profile:v", "lt"), "good": ("-profile:v", "hq"), "best": ("-profile:v", "4444")},
        pixels={10: "yuv422p10le"},
        quality_pixels={"best": {10: "yuv444p10le"}},
        alpha={10: "yuva444p10le"},
        alpha_arguments=("-profile:v", "4444", "-alpha_bits", "16"),
        muxers={".mov": "mov", ".mkv": "matroska"},
        segment=".mov",
        intra_only=True,
    ),
    Codec(
        name="ffv1",
        encoders=("ffv1",),
        arguments=FFV1_ARGUMENTS,
        pixels=RGB,
        alpha=RGBA,
        muxers={".mkv": "matroska"},
        segment=".nut",
        divisor=1,
        intra_only=True,
    ),
    Codec(
        name="dnxhr",
        encoders=("dnxhd",),
        arguments=("-c:v", "dnxhd", *THREADS),
        qualities={
            "draft": ("-profile:v", "dnxhr_sq"),
            "good": ("-profile:v", "dnxhr_hqx"),
            "best": ("-profile:v", "dnxhr_444"),
        },
        pixels={10: "yuv422p10le"},
        quality_pixels={"draft": {8: "yuv422p"}, "best": {10: "yuv444p10le"}},
        muxers={".mov": "mov", ".mkv": "matroska"},
        segment=".mov",
        sides=(120, 16384),
        min_width=256,
        intra_only=True,
    ),
    Codec(
        name="hap",
        encoders=("hap",),
        arguments=("-c:v", "hap", "-compressor", "snappy", "-chunks", "4"),
        qualities={"draft": ("-format", "hap"), "good": ("-format", "hap_q"), "best": ("-format", "hap_q")},
        pixels={8: "rgba"},
        alpha={8: "rgba"},
        alpha_arguments=("-format", "hap_alpha"),
        muxers={".mov": "mov"},
        segment=".mov",
        divisor=4,
        intra_only=True,
    ),
    _animation("gif", 16384, ("gif",)),
    _animation("webp", 16383, ("libwebp_anim",)),
    _pictures("png", (".png",), (8, 16)),
    _pictures("tiff", (".tif", ".tiff"), (16, 8)),
    _pictures("exr", (".exr",), (16,), colors=("linear", "display")),
    _nvenc("h264_nvenc", "h264", False, MOVIES),
    _nvenc("hevc_nvenc", "h265", True, MOVIES),
    _nvenc("av1_nvenc", "av1", True, WEB),
)
CODECS = {codec.name: codec for codec in _ALL}
