"""How RGB becomes what a codec stores, and what the file says about it."""

# Chroma sits left of each pair, as every H.264 and H.265 decoder assumes for untagged 4:2:0;
# swscale's own default is the centre, which shifts colours by half a pixel.
BT709 = (
    "scale=out_color_matrix=bt709:out_range=tv:out_h_chr_pos=0:out_v_chr_pos=128"
    ":flags=bicubic+accurate_rnd+full_chroma_int+full_chroma_inp,format={},"
    "setparams=range=tv:color_primaries=bt709:color_trc=bt709:colorspace=bt709"
)


def filters(pixels: str) -> str:
    """The filters from full-range RGB to ffmpeg's pixel format ``pixels``, tagged."""
    return BT709.format(pixels)
