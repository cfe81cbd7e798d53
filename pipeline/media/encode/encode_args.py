"""What the settings ask of a codec: how it is called, and the pixels it is given."""

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from pipeline.config import EncodeConfig
from pipeline.errors import ConfigError, OutputError, nearest
from pipeline.media.encode.codecs import QUALITIES, Codec, find_codec
from pipeline.media.encode.color_tags import TAGS, filters, is_rgb, steps

SAME_BYTES = ("-fflags", "+bitexact", "-flags:v", "+bitexact")
LEFT = ("-chroma_sample_location", "left")
FASTEST_TICKS = 10000  # a second at least, so that sound and cuts fit between frames


@dataclass(frozen=True)
class Coding:
    """A codec at one quality and depth: ``bits`` per colour, ``pixels`` in ffmpeg's words.

    With ``planar`` frames are sent in these pixels already, else as RGB.
    """

    codec: Codec
    quality: str
    bits: int
    pixels: str
    planar: bool = False

    @property
    def layout(self) -> str:
        """ffmpeg's name of the packed frames that are sent to it."""
        if self.planar:
            return self.pixels
        return "rgb24" if self.bits == 8 else "rgb48le"

    @property
    def has_planes(self) -> bool:
        """Whether frames can be sent in the codec's own pixels."""
        return self.pixels == "yuv420p"

    @property
    def steps(self) -> int:
        """Steps from black to white that the pixels tell apart."""
        return steps(self.pixels, self.bits)

    @property
    def whole(self) -> bool:
        """Whether packed frames hold whole steps already, since the codec keeps them as they are."""
        return is_rgb(self.pixels)

    def frame_bytes(self, width: int, height: int) -> int:
        """The size of one packed frame."""
        if self.planar:
            return width * height * 3 // 2
        return width * height * 3 * (1 if self.bits == 8 else 2)

    def arguments(self, muxer: str, fps: Fraction) -> list[str]:
        """ffmpeg's arguments from packed frames to one segment in a container."""
        gap = 1 if self.codec.every_frame_key else max(1, round(2 * fps))  # two seconds, for scrubbing
        return [
            *([] if self.whole else LEFT),
            *("-map_metadata", "-1", "-vf", TAGS if self.planar else filters(self.pixels), "-fps_mode", "passthrough"),
            *self.codec.arguments,
            *self.codec.qualities[self.quality],
            *("-g", str(gap), *SAME_BYTES, *container(self.codec, muxer, fps)),
        ]


def coding_of(encode: EncodeConfig) -> Coding:
    """The settings as a coding. Raises ConfigError naming the choices."""
    codec = find_codec(encode.codec)
    if encode.quality not in QUALITIES:
        allowed = f"allowed are {', '.join(QUALITIES)}{nearest(encode.quality, QUALITIES)}"
        raise ConfigError("encode.quality", encode.quality, allowed)
    natural = next(iter(codec.pixels))
    if encode.bits not in ("auto", *map(str, codec.pixels)):
        allowed = ", ".join(["auto", *map(str, codec.pixels)])
        raise ConfigError("encode.bits", encode.bits, f"allowed for {codec.name} are {allowed}")
    bits = natural if encode.bits == "auto" else int(encode.bits)
    pixels = codec.pixels[bits]
    if encode.quality == "best":
        pixels = codec.finest.get(bits, pixels)
    return Coding(codec, encode.quality, bits, pixels)


def check_size(path: Path, codec: Codec, width: int, height: int) -> None:
    """Raise OutputError unless the codec can hold frames of this size in pixels."""
    if codec.even and (width % 2 or height % 2):
        raise OutputError(f"{path}: {width}x{height} pixels; {codec.name} needs even sizes")
    least, most = codec.sides
    if not (least <= min(width, height) and max(width, height) <= most):
        raise OutputError(f"{path}: {width}x{height} pixels; {codec.name} takes {least} to {most} a side")


def container(codec: Codec, muxer: str, fps: Fraction) -> list[str]:
    """What a container is told, so that every frame has a whole number of its ticks and players know the codec.

    Matroska's tick, and WebM's, is a millisecond.
    """
    if muxer not in ("mp4", "mov"):
        return []
    scale = fps.numerator
    while scale < FASTEST_TICKS:
        scale *= 2
    tag = ["-tag:v", "hvc1"] if codec.name in ("h265", "hevc_nvenc") else []  # the only one that Apple's players open
    return ["-video_track_timescale", str(scale), *tag]
