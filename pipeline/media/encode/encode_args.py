"""ffmpeg's arguments for one codec at one quality: pixel format, colour conversion and tags, container."""

from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

from pipeline.config import EncodeConfig
from pipeline.errors import ConfigError, OutputError, nearest
from pipeline.media.encode.codec_table import CODECS, QUALITIES, Codec
from pipeline.media.encode.codecs import find_codec

TRANSFERS = {"hdr10": "smpte2084", "hlg": "arib-std-b67"}
"""``encode.color`` → ffmpeg's name of its curve."""

BITEXACT = ("-fflags", "+bitexact", "-flags:v", "+bitexact")
HDR_BITS = 10
MIN_TICKS_PER_SECOND = 10000  # so that sound and cuts fit between frames
# Chroma is at the left of each pair, as decoders assume for untagged 4:2:0; swscale's default is the centre, which
# shifts colours by half a pixel.
LEFT_CHROMA = ("-chroma_sample_location", "left")
BT709_TAGS = "setparams=range=tv:color_primaries=bt709:color_trc=bt709:colorspace=bt709"
BT709 = (
    "scale=out_color_matrix=bt709:out_range=tv:out_h_chr_pos=0:out_v_chr_pos=128"
    ":flags=bicubic+accurate_rnd+full_chroma_int+full_chroma_inp,format={}," + BT709_TAGS
)
BT2020 = BT709.replace("bt709", "bt2020").replace("colorspace=bt2020", "colorspace=bt2020nc")
SRGB = "format={},setparams=range=pc:color_primaries=bt709:color_trc=iec61966-2-1:colorspace=gbr"
# The same for containers, since a copied segment carries no tags.
SRGB_TAGS = ("-color_range", "pc", "-color_primaries", "bt709", "-color_trc", "iec61966-2-1", "-colorspace", "rgb")


@dataclass(frozen=True)
class Coding:
    """A codec at one quality and depth: ``bits`` per colour, ffmpeg's pixel format ``pixels``.

    ``color`` is what the finished film's numbers stand for. With ``planar`` the input frames are in this pixel format
    already, else packed RGB.
    """

    codec: Codec
    quality: str
    bits: int
    pixels: str
    color: str = "display"
    planar: bool = False
    alpha: bool = False

    @property
    def input_pixels(self) -> str:
        """The pixel format of the frames that ffmpeg reads."""
        if self.planar:
            return self.pixels
        return ("rgba" if self.bits == 8 else "rgba64le") if self.alpha else "rgb24" if self.bits == 8 else "rgb48le"

    @property
    def channels(self) -> int:
        """Of an input frame: three colours, and opacity."""
        return 4 if self.alpha else 3

    @property
    def can_be_planar(self) -> bool:
        """Whether frames can be sent in the codec's own pixel format."""
        return self.pixels == "yuv420p"

    @property
    def is_rgb(self) -> bool:
        """Whether the codec stores RGB, so that packed frames hold its exact levels."""
        return self.pixels.startswith(("gbr", "bgr", "rgb"))

    @property
    def is_hdr(self) -> bool:
        """Whether frames are graded up."""
        return self.color in TRANSFERS

    @property
    def levels(self) -> int:
        """Steps from black to white: of RGB, else of BT.709's luma."""
        return (1 << self.bits) - 1 if self.is_rgb else 219 << (self.bits - 8)

    def frame_bytes(self, width: int, height: int) -> int:
        """The size of one input frame."""
        if self.planar:
            return width * height * 3 // 2
        return width * height * self.channels * (1 if self.bits == 8 else 2)

    def arguments(self, muxer: str, fps: Fraction) -> list[str]:
        """ffmpeg's arguments from input frames to one segment in a container."""
        gop = 1 if self.codec.intra_only else max(1, round(2 * fps))  # two seconds, for scrubbing
        filters = BT709_TAGS if self.planar else (SRGB if self.is_rgb else BT709).format(self.pixels)
        if self.is_hdr:
            filters = BT2020.format(self.pixels).replace("color_trc=bt2020", f"color_trc={TRANSFERS[self.color]}")
        return [
            *([] if self.is_rgb else LEFT_CHROMA),
            *("-map_metadata", "-1", "-vf", filters, "-fps_mode", "passthrough"),
            *self._encoder_arguments(),
            *self.codec.qualities[self.quality],
            *(self.codec.alpha_arguments if self.alpha else ()),
            *("-g", str(gop), *BITEXACT, *container_args(self.codec, muxer, fps)),
        ]

    def _encoder_arguments(self) -> tuple[str, ...]:
        """Those of the codec; of HDR10 with what it says of the light."""
        arguments = self.codec.arguments
        if self.color != "hdr10" or not self.codec.hdr10:
            return arguments
        option, value = self.codec.hdr10
        place = arguments.index(option) + 1
        return (*arguments[:place], f"{arguments[place]}:{value}", *arguments[place + 1 :])


def coding_of(encode: EncodeConfig) -> Coding:
    """The codec, quality and pixel format of these settings. Raises ConfigError naming the choices."""
    codec = find_codec(encode.codec)
    if encode.quality not in QUALITIES:
        allowed = f"allowed are {', '.join(QUALITIES)}{nearest(encode.quality, QUALITIES)}"
        raise ConfigError("encode.quality", encode.quality, allowed)
    depths = codec.quality_pixels.get(encode.quality, codec.pixels)
    if encode.color in TRANSFERS:
        depths = {bits: pixels for bits, pixels in depths.items() if bits == HDR_BITS}
    if encode.alpha != "none":
        depths, codec = codec.alpha, replace(codec, segment=codec.alpha_segment or codec.segment)
        if not depths:
            holders = ", ".join(name for name, each in CODECS.items() if each.alpha)
            raise ConfigError("encode.alpha", encode.alpha, f"{codec.name} holds no opacity; {holders} do")
    if encode.color in TRANSFERS and encode.alpha != "none":
        raise ConfigError("encode.alpha", encode.alpha, f"encode.color={encode.color} has no opacity")
    if encode.color not in ("auto", *codec.colors):
        raise ConfigError("encode.color", encode.color, f"allowed for {codec.name} are auto, {', '.join(codec.colors)}")
    choices = ["auto", *map(str, depths)]
    if encode.bits not in choices:
        at = f" at encode.quality={encode.quality}" if encode.quality in codec.quality_pixels else ""
        raise ConfigError("encode.bits", encode.bits, f"allowed for {codec.name}{at} are {', '.join(choices)}")
    bits = next(iter(depths)) if encode.bits == "auto" else int(encode.bits)
    color = codec.colors[0] if encode.color == "auto" else encode.color
    return Coding(codec, encode.quality, bits, depths[bits], color, alpha=encode.alpha != "none")


def check_size(path: Path, codec: Codec, width: int, height: int) -> None:
    """Raise OutputError unless the codec can hold frames of this size in pixels."""
    if width % codec.divisor or height % codec.divisor:
        sizes = "even sizes" if codec.divisor == 2 else f"sizes that {codec.divisor} divides"
        raise OutputError(f"{path}: {width}x{height} pixels; {codec.name} needs {sizes}")
    least, most = codec.sides
    if width < codec.min_width:
        raise OutputError(f"{path}: {width}x{height} pixels; {codec.name} needs a width of {codec.min_width} or more")
    if not (least <= min(width, height) and max(width, height) <= most):
        raise OutputError(f"{path}: {width}x{height} pixels; {codec.name} takes {least} to {most} a side")


def container_args(codec: Codec, muxer: str, fps: Fraction) -> list[str]:
    """The container's clock, in which every frame is a whole number of ticks, and the codec's tag.

    Matroska's and WebM's tick is a millisecond.
    """
    if muxer not in ("mp4", "mov"):
        return []
    scale = fps.numerator
    while scale < MIN_TICKS_PER_SECOND:
        scale *= 2
    return ["-video_track_timescale", str(scale), *(["-tag:v", codec.mp4_tag] if codec.mp4_tag else [])]
