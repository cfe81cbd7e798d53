"""The table of codecs: what ffmpeg is told for each, and which file names suit it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import ConfigError, OutputError, nearest
from pipeline.media.files import check_place

QUALITIES = ("draft", "good", "best")

# Chroma sits left of each pair, as every H.264 and H.265 decoder assumes for untagged 4:2:0;
# swscale's own default is the centre, which shifts colours by half a pixel.
BT709_420 = (
    "scale=out_color_matrix=bt709:out_range=tv:out_h_chr_pos=0:out_v_chr_pos=128"
    ":flags=bicubic+accurate_rnd+full_chroma_int+full_chroma_inp,format=yuv420p,"
    "setparams=range=tv:color_primaries=bt709:color_trc=bt709:colorspace=bt709"
)


@dataclass(frozen=True)
class Codec:
    """One way to encode: ``muxers`` maps file endings to ffmpeg's formats, ``even`` asks for even sizes."""

    name: str
    filters: str
    arguments: tuple[str, ...]
    qualities: Mapping[str, tuple[str, ...]]
    muxers: Mapping[str, str]
    even: bool


CODECS = {
    "h264": Codec(
        name="h264",
        filters=BT709_420,
        arguments=("-c:v", "libx264"),
        qualities={
            "draft": ("-preset", "veryfast", "-crf", "25"),
            "good": ("-preset", "medium", "-crf", "18"),
            "best": ("-preset", "slow", "-crf", "14"),
        },
        muxers={".mp4": "mp4", ".mov": "mov", ".mkv": "matroska"},
        even=True,
    ),
}


def find_codec(name: str) -> Codec:
    """The codec by name. Raises ConfigError naming the choices."""
    if name not in CODECS:
        allowed = f"allowed are {', '.join(CODECS)}{nearest(name, CODECS)}"
        raise ConfigError("encode.codec", name, allowed)
    return CODECS[name]


def find_muxer(codec: Codec, path: Path) -> str:
    """ffmpeg's format for the file's ending. Raises OutputError naming the endings."""
    ending = path.suffix.lower()
    if ending not in codec.muxers:
        shown = f"ends in {path.suffix}" if path.suffix else "has no ending"
        allowed = ", ".join(codec.muxers)
        raise OutputError(f"{path} {shown}; allowed for {codec.name} are {allowed}")
    return codec.muxers[ending]


def check_output(path: Path, overwrite: bool, codec: str = "h264") -> None:
    """Check, before anything is rendered, that ``path`` can become a video; its folder is created.

    Raises OutputError for a wrong ending, an existing file without ``overwrite``, a folder, or a
    place that cannot be written.
    """
    find_muxer(find_codec(codec), path)
    check_place(path, overwrite=overwrite)
