"""How RGB becomes what a codec stores, and what the file says about it."""

# Chroma sits left of each pair, as every H.264 and H.265 decoder assumes for untagged 4:2:0;
# swscale's own default is the centre, which shifts colours by half a pixel.
TAGS = "setparams=range=tv:color_primaries=bt709:color_trc=bt709:colorspace=bt709"
BT709 = (
    "scale=out_color_matrix=bt709:out_range=tv:out_h_chr_pos=0:out_v_chr_pos=128"
    ":flags=bicubic+accurate_rnd+full_chroma_int+full_chroma_inp,format={}," + TAGS
)
SRGB = "format={},setparams=range=pc:color_primaries=bt709:color_trc=iec61966-2-1:colorspace=gbr"


# For containers, where a segment has lost what it is: ffmpeg's names of the same.
SRGB_TAGS = ("-color_range", "pc", "-color_primaries", "bt709", "-color_trc", "iec61966-2-1", "-colorspace", "rgb")


def is_rgb(pixels: str) -> bool:
    """Whether ffmpeg's pixel format keeps red, green and blue as they are."""
    return pixels.startswith(("gbr", "bgr", "rgb"))


def filters(pixels: str) -> str:
    """The filters from full-range RGB to ffmpeg's pixel format ``pixels``, tagged."""
    return (SRGB if is_rgb(pixels) else BT709).format(pixels)


def steps(pixels: str, bits: int) -> int:
    """Steps between black and white that the pixel format tells apart: of RGB, else of BT.709's luma."""
    return (1 << bits) - 1 if is_rgb(pixels) else 219 << (bits - 8)
