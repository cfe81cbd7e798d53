"""What containers need to be told, so that every frame has its time and every file the same bytes."""

from fractions import Fraction

SAME_BYTES = ("-fflags", "+bitexact", "-flags:v", "+bitexact")
FASTEST_TICKS = 10000  # a second at least, so that sound and cuts fit between frames


def clock(muxer: str, fps: Fraction) -> list[str]:
    """Options that give every frame a whole number of ticks; Matroska's tick is a millisecond."""
    return ["-video_track_timescale", str(ticks(fps))] if muxer in ("mp4", "mov") else []


def ticks(fps: Fraction) -> int:
    """Ticks of a second, of which every frame has a whole number."""
    scale = fps.numerator
    while scale < FASTEST_TICKS:
        scale *= 2
    return scale
