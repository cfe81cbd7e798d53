"""Estimates before the first frame whether a film fits on its disk."""

import math
import shutil
from pathlib import Path

from pipeline.config import EncodeConfig
from pipeline.errors import OutputError
from pipeline.media.encode.encode_args import coding_of
from pipeline.runtime.files import format_bytes

CERTAIN_FRACTION = 0.35  # of the estimate, which is on the large side, that any film needs

# Bytes per pixel of a frame, by quality (draft, good, best): 1.5 times what a busy dream took (320x180, zooming by a
# third per second). Larger frames take less per pixel.
LOSSY = {
    "h264": (0.05, 0.10, 0.14),
    "h265": (0.04, 0.08, 0.13),
    "av1": (0.045, 0.08, 0.11),
    "vp9": (0.06, 0.11, 0.15),
    "prores": (0.45, 0.95, 1.40),
    "dnxhr": (0.55, 1.10, 2.20),
    "hap": (0.55, 1.05, 1.05),
    "gif": (1.3, 1.3, 1.3),
    "webp": (0.18, 0.26, 0.50),
}
LOSSLESS = {8: 1.7, 10: 2.9, 16: 3.8}  # by bits per colour
PICTURES = {"png": {8: 2.8, 16: 3.4}, "tiff": {8: 2.8, 16: 5.0}, "exr": {16: 5.0}}
FRAME_OVERHEAD_BYTES = 2000


def check_space(folder: Path, needed: float, largest: float = 0.0) -> str:
    """A note if the disk of ``folder`` may be too small for ``needed`` bytes, else an empty string.

    Raises OutputError if it certainly is too small, or if the system allows no file of ``largest`` bytes.
    """
    limit = _max_file_bytes()
    if largest > limit:
        words = f"files may have at most {format_bytes(limit)} here, and the film needs {format_bytes(largest)}"
        raise OutputError(f"{words}: raise the limit (ulimit -f), or use a smaller frame or a lower encode.quality")
    free = shutil.disk_usage(folder).free
    words = f"{folder} has {format_bytes(free)} free and the film is estimated to need {format_bytes(needed)}"
    if free < CERTAIN_FRACTION * needed:
        raise OutputError(f"{words}: free some space, or use a smaller frame or a lower encode.quality")
    return f"{words}; it may not fit" if free < needed else ""


def _max_file_bytes() -> float:
    """The size that the system allows a file (``ulimit -f``)."""
    try:
        import resource
    except ImportError:  # on Windows
        return math.inf
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)[0]
    return math.inf if limit == resource.RLIM_INFINITY else limit


def bytes_per_frame(encode: EncodeConfig, width: int, height: int) -> float:
    """Maximum bytes of a frame of ``width`` x ``height`` pixels in a busy film: in a segment or in the finished film,
    whichever is larger, since both exist while the film is joined. Raises ConfigError.
    """
    coding = coding_of(encode)
    name = coding.codec.software or coding.codec.name
    densities = [LOSSY[name][("draft", "good", "best").index(coding.quality)]] if name in LOSSY else []
    if coding.codec.animation or name == "ffv1":
        densities.append(LOSSLESS[coding.bits])
    if name in PICTURES:
        densities.append(PICTURES[name][coding.bits])
    opacity = 4 / 3 if coding.alpha else 1.0
    return FRAME_OVERHEAD_BYTES + max(densities) * opacity * width * height
