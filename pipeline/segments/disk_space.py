"""Whether a film will fit on its disk, estimated before the first frame."""

import shutil
from pathlib import Path

from pipeline.config import EncodeConfig
from pipeline.errors import OutputError
from pipeline.media.encode.encode_args import coding_of
from pipeline.runtime.files import format_bytes

SURE = 0.35  # share of the estimate that a film needs in any case; dreams differ, estimates err on the large side


def check_space(folder: Path, needed: float) -> str:
    """A note when the disk of ``folder`` may be too small for ``needed`` bytes, else an empty string.

    Raises OutputError when it certainly is.
    """
    free = shutil.disk_usage(folder).free
    words = f"{folder} has {format_bytes(free)} free and the film is estimated to need {format_bytes(needed)}"
    if free < SURE * needed:
        raise OutputError(f"{words}: free some space, or take a smaller frame or a lower encode.quality")
    return f"{words}; it may not fit" if free < needed else ""


# Bytes per pixel of a frame, by quality: half as much again as a busy dream (320×180, a zoom of a third per second)
# took. Larger frames take less.
LOSSY = {
    "h264": (0.05, 0.10, 0.14),
    "h265": (0.04, 0.08, 0.13),
    "av1": (0.045, 0.08, 0.11),
    "vp9": (0.06, 0.11, 0.15),
    "prores": (0.45, 0.95, 1.40),
    "gif": (1.3, 1.3, 1.3),
    "webp": (0.18, 0.26, 0.50),
}
LOSSLESS = {8: 1.7, 10: 2.9, 16: 3.8}
PNG = {8: 2.8, 16: 3.4}
LEAST = 2000  # bytes of a frame, whatever its size


def bytes_per_frame(encode: EncodeConfig, width: int, height: int) -> float:
    """Bytes that a frame of this size in pixels takes at most in a busy film, in a segment or in the finished film,
    whichever is more; both are there at once while the film is finished. Raises ConfigError.
    """
    coding = coding_of(encode)
    name = coding.codec.software or coding.codec.name
    densities = [LOSSY[name][("draft", "good", "best").index(coding.quality)]] if name in LOSSY else []
    if coding.codec.animation or name == "ffv1":
        densities.append(LOSSLESS[coding.bits])
    if name == "png":
        densities.append(PNG[coding.bits])
    return LEAST + max(densities) * width * height
