"""ffmpeg filters that convert a video's pixels to RGB at the film's size, chosen by its tags. No torch."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache

from pipeline.media import ffmpeg
from pipeline.media.decode.probe import VideoFacts, scale_filter

HDR_TRANSFERS = {"smpte2084": "PQ", "arib-std-b67": "HLG"}
WHITE_NITS = 100  # of the standard-range white that HDR is tone-mapped to
OPAQUE_FORMATS = (
    *(("^yuva", "yuv"), ("^gbrap", "gbrp"), ("^rgba64", "rgb48"), ("^bgra64", "bgr48"), ("^pal8", "rgb24")),
    *(("^rgba$", "rgb0"), ("^bgra$", "bgr0"), ("^argb$", "0rgb"), ("^abgr$", "0bgr")),
)
TONE_MAP = (
    *(
        f"zscale=transfer=linear:npl={WHITE_NITS}",
        "format=gbrpf32le",
        "zscale=primaries=bt709",
    ),
    *("tonemap=tonemap=hable:desat=0", "zscale=transfer=bt709:matrix=gbr:range=full", "format=gbrp16le"),
)


@dataclass(frozen=True)
class Conversion:
    """Filter chains and the raw ``pixels`` that come out of them: ``bits`` per colour, with alpha or without.

    ``deinterlace`` comes first and may be empty; it keeps the number of frames, and each depends on its neighbours.
    """

    deinterlace: str
    filters: str
    pixels: str
    bits: int
    has_alpha: bool


def rgb_conversion(facts: VideoFacts, width: int, height: int) -> Conversion:
    """Decoded frames to raw RGB of this size: scaled to cover it, cropped around the centre.

    Alpha comes out premultiplied, so that invisible pixels do not bleed into visible ones.
    """
    deep = bits(facts.pixel_format) > 8 or facts.colour_transfer in HDR_TRANSFERS
    alpha = has_alpha(facts.pixel_format)
    deinterlace = "bwdif=mode=send_frame:deint=interlaced" if facts.interlaced else ""
    deinterlace = f"setfield={facts.field_order},{deinterlace}" if facts.field_order else deinterlace
    chain: list[str] = []
    if facts.colour_transfer in HDR_TRANSFERS and can_tone_map():
        primaries, matrix = (assumed if tag == "unknown" else tag for tag, assumed in _tags(facts))
        chain += [f"setparams=color_primaries={primaries}:colorspace={matrix}", *TONE_MAP]
        facts = _as_rgb(facts)
    if alpha:
        chain += [scale_filter(facts, facts.width, facts.height), f"format=gbrap{'16' if deep else ''}"]
        chain += ["premultiply=inplace=1"]
        facts = _as_rgb(facts)
    factor = max(width / facts.width, height / facts.height)
    chain.append(
        scale_filter(facts, max(width, round(facts.width * factor)), max(height, round(facts.height * factor)))
    )
    formats = {(False, False): "rgb24", (True, False): "rgb48le", (False, True): "rgba", (True, True): "rgba64le"}
    pixels = formats[deep, alpha]
    # crop needs RGB: in subsampled formats it rounds to even pixels.
    chain += [f"format={pixels}", f"crop={width}:{height}", "setsar=1"]
    return Conversion(deinterlace, ",".join(chain), pixels, 16 if deep else 8, alpha)


def describe(facts: VideoFacts) -> Iterator[str]:
    """Notes about how these colours and fields are converted."""
    if facts.colour_transfer in HDR_TRANSFERS:
        kind = HDR_TRANSFERS[facts.colour_transfer]
        result = "is tone-mapped to standard range" if can_tone_map() else "stays flat: this ffmpeg cannot tone-map"
        assumed = (
            "; BT.2020 is assumed, because its colour tags are incomplete" if "unknown" in dict(_tags(facts)) else ""
        )
        yield f"the footage is HDR ({kind}) and {result}{assumed}"
    if facts.interlaced:
        yield "the footage is interlaced and is deinterlaced"
    if has_alpha(facts.pixel_format):
        yield "the footage has transparent parts; they show source.background"


def bits(pixel_format: str) -> int:
    """Bits per colour of ffmpeg's pixel format: 10 for yuv420p10le, 16 for rgb48be, 8 for yuv420p."""
    if pixel_format.startswith(("rgb48", "bgr48", "rgba64", "bgra64", "ya16", "gray16")):
        return 16
    if pixel_format.startswith(("x2rgb10", "x2bgr10", "p010", "p210", "p410", "y210", "xv30")):
        return 10
    deep = re.search(r"(?:p|gray|xyz|f)(9|10|12|14|16|32)(?:le|be)", pixel_format)
    return int(deep[1]) if deep else 8


def has_alpha(pixel_format: str) -> bool:
    """Whether frames of this format can be transparent."""
    return bool(re.match(r"yuva|gbrap|rgba|bgra|argb|abgr|ya8|ya16|pal8|ayuv|vuya", pixel_format))


def without_alpha(pixel_format: str) -> str:
    """The same format without transparency: bgr0 for bgra, yuv420p for yuva420p."""
    for transparent, opaque in OPAQUE_FORMATS:
        if re.match(transparent, pixel_format):
            return re.sub(transparent, opaque, pixel_format)
    return pixel_format


@cache
def can_tone_map() -> bool:
    """Whether this ffmpeg has the filters for HDR."""
    filters = ffmpeg.run(["-filters"], doing="asking ffmpeg for its filters").decode("utf-8", "replace")
    return all(re.search(rf"^ *\S+ {name} ", filters, re.MULTILINE) for name in ("zscale", "tonemap"))


def _tags(facts: VideoFacts) -> tuple[tuple[str, str], tuple[str, str]]:
    """Primaries and matrix, each with what HDR without such a tag has."""
    return (facts.colour_primaries, "bt2020"), (facts.colour_space, "bt2020nc")


def _as_rgb(facts: VideoFacts) -> VideoFacts:
    return replace(facts, pixel_format="gbrp16le", colour_space="gbr")
