"""From a video's own pixels to red, green and blue at the film's size: the filters, chosen by its tags. No torch."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache

from pipeline.media import ffmpeg
from pipeline.media.decode.probe import CHROMA, EXACT, VideoFacts

HDR = {"smpte2084": "PQ", "arib-std-b67": "HLG"}
NITS = 100  # of the white that high dynamic range is mapped to
OPAQUE = (
    *(("^yuva", "yuv"), ("^gbrap", "gbrp"), ("^rgba64", "rgb48"), ("^bgra64", "bgr48"), ("^pal8", "rgb24")),
    *(("^rgba$", "rgb0"), ("^bgra$", "bgr0"), ("^argb$", "0rgb"), ("^abgr$", "0bgr")),
)
HD = (1280, 576)  # from this width or above this height untagged video is BT.709


@dataclass(frozen=True)
class Toning:
    """Filter chains and the raw pixels that come out of them: ``depth`` bits, with ``alpha`` or without.

    ``deinterlace`` comes first and may be empty; it keeps the count of pictures, and each depends on its neighbours.
    """

    deinterlace: str
    chain: str
    pixels: str
    depth: int
    alpha: bool


def toning(facts: VideoFacts, width: int, height: int) -> Toning:
    """What turns decoded pictures into raw RGB of this size: scaled to cover it, cropped around the middle.

    Alpha comes out premultiplied, so that what is invisible does not bleed into what is seen.
    """
    deep, alpha = bits(facts.pixel_format) > 8 or facts.colour_transfer in HDR, has_alpha(facts.pixel_format)
    deinterlace = "bwdif=mode=send_frame:deint=interlaced" if facts.interlaced else ""
    deinterlace = f"setfield={facts.woven},{deinterlace}" if facts.woven else deinterlace
    chain = []
    if facts.colour_transfer in HDR and can_tone_map():
        chain += _tone_map()
        facts = _as_rgb(facts)
    if alpha:
        chain += [
            _scale(facts, facts.width, facts.height),
            f"format=gbrap{'16' if deep else ''}",
            "premultiply=inplace=1",
        ]
        facts = _as_rgb(facts)
    factor = max(width / facts.width, height / facts.height)
    across, down = max(width, round(facts.width * factor)), max(height, round(facts.height * factor))
    chain.append(_scale(facts, across, down))
    pixels = {(False, False): "rgb24", (True, False): "rgb48le", (False, True): "rgba", (True, True): "rgba64le"}
    form = pixels[deep, alpha]
    # The crop counts pixels, so the picture is RGB before it.
    chain += [f"format={form}", f"crop={width}:{height}", "setsar=1"]
    return Toning(deinterlace, ",".join(chain), form, 16 if deep else 8, alpha)


def describe(facts: VideoFacts) -> Iterator[str]:
    """What a person should know about how these colours and pictures are read."""
    if facts.colour_transfer in HDR:
        kind = HDR[facts.colour_transfer]
        done = "is tone-mapped to standard range" if can_tone_map() else "stays flat: this ffmpeg cannot tone-map"
        yield f"the footage is HDR ({kind}) and {done}"
    if facts.interlaced:
        yield "the footage is interlaced and is deinterlaced"
    if has_alpha(facts.pixel_format):
        yield "the footage has transparent parts; they show source.background"


def bits(pixel_format: str) -> int:
    """Bits of one colour in ffmpeg's pixel format: 10 for yuv420p10le, 16 for rgb48be, 8 for yuv420p."""
    if pixel_format.startswith(("rgb48", "bgr48", "rgba64", "bgra64", "ya16", "gray16")):
        return 16
    if pixel_format.startswith(("x2rgb10", "x2bgr10", "p010", "p210", "p410", "y210", "xv30")):
        return 10
    deep = re.search(r"(?:p|gray|xyz|f)(9|10|12|14|16|32)(?:le|be)", pixel_format)
    return int(deep[1]) if deep else 8


def has_alpha(pixel_format: str) -> bool:
    """Whether pictures of this format can be transparent."""
    return bool(re.match(r"yuva|gbrap|rgba|bgra|argb|abgr|ya8|ya16|pal8|ayuv|vuya", pixel_format))


def without_alpha(pixel_format: str) -> str:
    """The format without its transparency: bgr0 for bgra, yuv420p for yuva420p."""
    for transparent, opaque in OPAQUE:
        if re.match(transparent, pixel_format):
            return re.sub(transparent, opaque, pixel_format)
    return pixel_format


@cache
def can_tone_map() -> bool:
    """Whether this ffmpeg has the filters that high dynamic range needs."""
    listed = ffmpeg.run(["-filters"], doing="asking ffmpeg for its filters").decode("utf-8", "replace")
    return all(re.search(rf"^ *\S+ {name} ", listed, re.MULTILINE) for name in ("zscale", "tonemap"))


def _tone_map() -> list[str]:
    return [
        f"zscale=transfer=linear:npl={NITS}",
        "format=gbrpf32le",
        "zscale=primaries=bt709",
        "tonemap=tonemap=hable:desat=0",
        "zscale=transfer=bt709:matrix=gbr:range=full",
        "format=gbrp16le",
    ]


def _scale(facts: VideoFacts, width: int, height: int) -> str:
    options = [f"w={width}", f"h={height}", "out_range=pc", EXACT]
    if facts.colour_space == "unknown" and _is_yuv(facts.pixel_format):
        large = facts.width >= HD[0] or facts.height > HD[1]
        options.append(f"in_color_matrix={'bt709' if large else 'bt601'}")
    if "420" in facts.pixel_format:
        options.append(CHROMA.get(facts.chroma_location, CHROMA["left"]))
    return f"scale={':'.join(options)}"


def _is_yuv(pixel_format: str) -> bool:
    return not re.match(r"rgb|bgr|gbr|argb|abgr|pal8|gray|ya8|ya16|mono|x2|0rgb|0bgr", pixel_format)


def _as_rgb(facts: VideoFacts) -> VideoFacts:
    return replace(facts, pixel_format="gbrp16le", colour_space="gbr")
