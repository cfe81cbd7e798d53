"""Where reading a video may begin, so that a picture far in has the bits that it has when all before it are decoded."""

import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import InputError
from pipeline.media import ffmpeg
from pipeline.media.decode.probe import PICTURES, VideoFacts, source

MARGIN = 30.0  # seconds decoded before the picture that is wanted: by then nothing leans on what was left out
WORTH = 30.0  # seconds that must be saved beyond that
TRIED = 3  # pictures after the jump whose times must be those that the scan saw
# Containers that jump to where they are told to, and codecs whose key pictures stand for themselves.
CONTAINERS = ("mov", "matroska")
CODECS = frozenset(
    {"h264", "hevc", "vp8", "vp9", "av1", "ffv1", "prores", "mjpeg", "png", "dnxhd", "huffyuv", "utvideo"}
)


def entry(path: Path, facts: VideoFacts, times: NDArray[np.float64], wanted: int) -> tuple[int, float]:
    """(the picture that reading begins with, the second of the file's clock to jump to) for picture ``wanted``.

    (0, 0.0) where a jump is not safe or saves little. ``times`` are the seconds of all pictures.
    """
    if facts.codec not in CODECS or not facts.container.startswith(CONTAINERS):
        return 0, 0.0
    first = int(np.searchsorted(times, times[wanted] - MARGIN, side="right")) - 1
    if first < 1 or times[first] - times[0] < WORTH or first + TRIED >= len(times):
        return 0, 0.0
    second = float(times[first - 1] + times[first]) / 2  # between two pictures, so that rounding does not matter
    seen = _times_after(path, facts, second)
    gaps = np.diff(times[first - 1 : first + TRIED])
    if len(seen) < TRIED or np.abs(seen - times[first : first + TRIED]).max() > 0.25 * gaps.min():
        return 0, 0.0
    return first, second


def _times_after(path: Path, facts: VideoFacts, second: float) -> NDArray[np.float64]:
    """The times of the first pictures after a jump; fewer where that does not work."""
    chain = "settb=1/1000000,metadata=mode=add:key=seen:value=1,metadata=mode=print:file=-:direct=1"
    arguments = ["-xerror", "-ss", f"{second:.6f}", *source(path, facts.decoder), "-map", PICTURES, "-vf", chain]
    arguments += ["-fps_mode", "passthrough", "-frames:v", str(TRIED), "-f", "null", "/dev/null"]
    try:
        report = ffmpeg.run(arguments, doing=f"reading {path}", timeout=600.0, failure=InputError)
    except InputError:
        return np.array([])
    ticks = re.findall(rb"^frame:\d+ +pts:(-?\d+)", report, re.MULTILINE)[:TRIED]
    return second + np.array([int(tick) / 1e6 for tick in ticks])
