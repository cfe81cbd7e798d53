"""Decodes more frames than the first: is the video interlaced, and is any frame transparent?"""

import math
import re
from dataclasses import replace
from pathlib import Path

from pipeline.errors import InputError
from pipeline.media import ffmpeg
from pipeline.media.decode.color import has_alpha, without_alpha
from pipeline.media.decode.probe import FIRST_VIDEO, VideoFacts, source

CHECKED_FRAMES = 60
MIN_COMBED_FRACTION = 0.85  # of the frames that idet judges, for untagged interlaced video
MIN_COMBED_FRAMES = 12
MIN_ALPHA = re.compile(r"lavfi\.signalstats\.YMIN=(\d+)")


def refine(path: Path, facts: VideoFacts, limit: float) -> VideoFacts:
    """``facts`` with interlacing and transparency as decoded, in the first ``limit`` seconds. Raises InputError."""
    if has_alpha(facts.pixel_format) and not facts.pixel_format.startswith("ya") and _is_opaque(path, facts, limit):
        facts = replace(facts, pixel_format=without_alpha(facts.pixel_format))
    log = _filter_log(path, facts, "showinfo=checksum=0")
    if re.search(r"^\[Parsed_showinfo.* i:[TB] ", log, re.MULTILINE):  # top or bottom field first; P is progressive
        return replace(facts, interlaced=True)
    is_progressive = facts.has_field_order or facts.container.startswith(("gif", "apng", "webp"))
    order = "" if is_progressive else _detect_field_order(path, facts)
    return replace(facts, interlaced=bool(order), field_order=order)


def _detect_field_order(path: Path, facts: VideoFacts) -> str:
    """tff or bff when most frames look combed though the stream does not say so; else ""."""
    pattern = r"Multi frame detection: TFF: *(\d+) BFF: *(\d+) Progressive: *(\d+)"
    counts = re.findall(pattern, _filter_log(path, facts, "idet"))
    top, bottom, progressive = (int(number) for number in counts[-1]) if counts else (0, 0, 0)
    if max(top, bottom) < max(MIN_COMBED_FRAMES, MIN_COMBED_FRACTION * (top + bottom + progressive)):
        return ""
    return "tff" if top > bottom else "bff"


def _filter_log(path: Path, facts: VideoFacts, filters: str) -> str:
    arguments = [*source(path, facts.decoder), "-map", FIRST_VIDEO, "-vf", filters]
    arguments += ["-frames:v", str(CHECKED_FRAMES), "-f", "null", "-"]
    try:
        return ffmpeg.run_with_log(arguments, doing=f"reading {path}", level="info")[1]
    except InputError:
        return ""  # the scan of the whole file reports it


def _is_opaque(path: Path, facts: VideoFacts, limit: float) -> bool:
    """Whether no frame is transparent anywhere: many files with an alpha channel do not use it."""
    chain = [f"trim=duration={limit:.6f}"] if limit < math.inf else []
    chain += ["alphaextract", "format=gray", "signalstats"]
    chain += ["metadata=mode=print:key=lavfi.signalstats.YMIN:file=-:direct=1"]
    arguments = [*source(path, facts.decoder), "-map", FIRST_VIDEO, "-vf", ",".join(chain), "-f", "null", "/dev/null"]
    process = ffmpeg.Process(arguments, doing=f"reading {path}", failure=InputError)
    try:
        return all(int(match[1]) == 255 for match in map(MIN_ALPHA.fullmatch, process.lines()) if match)
    finally:
        process.kill()
