"""The table of codecs: what ffmpeg is told for each, and which file names suit it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pipeline.config import EncodeConfig
from pipeline.errors import ConfigError, OutputError, nearest
from pipeline.media.files import check_place

QUALITIES = ("draft", "good", "best")

# x264's output depends on the number of its threads, so it is a constant and not the machine's
# cores: the same frames give the same bytes everywhere. Four encode HD faster than it is dreamed.
THREADS = ("-threads", "4")


# Containers for pieces of a film: their clocks tell any frame rate's times exactly.
SEGMENTS = {".mp4": "mp4", ".mov": "mov", ".nut": "nut"}


@dataclass(frozen=True)
class Codec:
    """One way to encode.

    ``pixels`` maps bits per colour to ffmpeg's pixel format, the codec's natural one first; ``muxers`` maps file
    endings to ffmpeg's formats; ``segment`` is the ending of the files in which pieces of a film are kept; ``even``
    asks for even sizes; ``delay`` is by how many frames decoding runs ahead of showing.
    """

    name: str
    arguments: tuple[str, ...]
    qualities: Mapping[str, tuple[str, ...]]
    pixels: Mapping[int, str]
    muxers: Mapping[str, str]
    segment: str
    even: bool = True
    delay: int = 0


CODECS = {
    "h264": Codec(
        name="h264",
        arguments=("-c:v", "libx264", *THREADS),
        qualities={
            "draft": ("-preset", "veryfast", "-crf", "25"),
            "good": ("-preset", "medium", "-crf", "18"),
            "best": ("-preset", "slow", "-crf", "14"),
        },
        pixels={8: "yuv420p"},
        muxers={".mp4": "mp4", ".mov": "mov", ".mkv": "matroska"},
        segment=".mp4",
        delay=2,
    ),
}


def find_codec(name: str) -> Codec:
    """The codec by name. Raises ConfigError naming the choices."""
    if name not in CODECS:
        allowed = f"allowed are {', '.join(CODECS)}{nearest(name, CODECS)}"
        raise ConfigError("encode.codec", name, allowed)
    return CODECS[name]


def find_muxer(codec: Codec, path: Path, *, segment: bool = False) -> str:
    """ffmpeg's format for the file's ending, of a film or a ``segment``. Raises OutputError naming the endings."""
    ending = path.suffix.lower()
    if segment and ending == codec.segment:
        return SEGMENTS[ending]
    if ending not in codec.muxers:
        shown = f"ends in {path.suffix}" if path.suffix else "has no ending"
        allowed = ", ".join(codec.muxers)
        raise OutputError(f"{path} {shown}; allowed for {codec.name} are {allowed}")
    return codec.muxers[ending]


def segment_suffix(codec_name: str) -> str:
    """The ending, such as ``.mp4``, of the files in which pieces of a film in this codec are kept."""
    return find_codec(codec_name).segment


def bits_of(encode: EncodeConfig) -> int:
    """Bits per colour, 8 or 10. Raises ConfigError when the codec does not have them."""
    codec = find_codec(encode.codec)
    if encode.bits == "auto":
        return next(iter(codec.pixels))
    if encode.bits not in map(str, codec.pixels):
        allowed = " and ".join(["auto", *map(str, codec.pixels)])
        raise ConfigError("encode.bits", encode.bits, f"allowed for {codec.name} are {allowed}")
    return int(encode.bits)


def quality_of(encode: EncodeConfig) -> tuple[str, ...]:
    """ffmpeg's arguments for the quality asked for. Raises ConfigError naming the choices."""
    qualities = find_codec(encode.codec).qualities
    if encode.quality not in qualities:
        allowed = f"allowed are {', '.join(QUALITIES)}{nearest(encode.quality, QUALITIES)}"
        raise ConfigError("encode.quality", encode.quality, allowed)
    return qualities[encode.quality]


def check_output(path: Path, overwrite: bool, codec: str = "h264") -> None:
    """Check, before anything is rendered, that ``path`` can become a video; its folder is created.

    Raises OutputError for a wrong ending, an existing file without ``overwrite``, a folder, or a
    place that cannot be written.
    """
    find_muxer(find_codec(codec), path)
    check_place(path, overwrite=overwrite)
