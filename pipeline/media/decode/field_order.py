"""What the first picture of a video does not tell: whether others are interlaced, and whether any is transparent."""

import math
import re
from dataclasses import replace
from pathlib import Path

from pipeline.errors import InputError
from pipeline.media import ffmpeg
from pipeline.media.decode.color import has_alpha, without_alpha
from pipeline.media.decode.probe import PICTURES, VideoFacts, source
from pipeline.media.ffmpeg_log import lines

ENOUGH = 60  # pictures that are asked for their fields
COMBED = 0.85  # share of the pictures judged that must look combed where none says that it is
JUDGED = 12  # pictures that must be judged for that
LEAST = re.compile(r"lavfi\.signalstats\.YMIN=(\d+)")


def refined(path: Path, facts: VideoFacts, limit: float) -> VideoFacts:
    """``facts`` of ``path`` after a look at more pictures, as far as ``limit`` (seconds). Raises InputError."""
    if (
        has_alpha(facts.pixel_format)
        and not facts.pixel_format.startswith("ya")
        and not _shows_through(path, facts, limit)
    ):
        facts = replace(facts, pixel_format=without_alpha(facts.pixel_format))
    marks = _marks(path, facts)
    if any(mark in "TB" for mark in marks):
        return replace(facts, interlaced=True)
    woven = "" if facts.orderly else _woven(path, facts)
    return replace(facts, interlaced=bool(woven), woven=woven)


def _marks(path: Path, facts: VideoFacts) -> list[str]:
    """T, B or P for each of the first pictures: which field comes first, or that it is progressive."""
    said = _inspect(path, facts, "showinfo=checksum=0")
    return re.findall(r"^\[Parsed_showinfo.* i:([TBP]) ", said, re.MULTILINE)


def _woven(path: Path, facts: VideoFacts) -> str:
    """tff or bff where most of the first pictures look as if woven of two fields, though nothing says so; else ""."""
    found = re.findall(
        r"Multi frame detection: TFF: *(\d+) BFF: *(\d+) Progressive: *(\d+)", _inspect(path, facts, "idet")
    )
    top, bottom, whole = (int(number) for number in found[-1]) if found else (0, 0, 0)
    if max(top, bottom) < max(JUDGED, COMBED * (top + bottom + whole)):
        return ""
    return "tff" if top > bottom else "bff"


def _inspect(path: Path, facts: VideoFacts, filters: str) -> str:
    arguments = [*source(path, facts.decoder), "-map", PICTURES, "-vf", filters]
    arguments += ["-frames:v", str(ENOUGH), "-f", "null", "-"]
    try:
        return ffmpeg.inspect(arguments, doing=f"reading {path}", level="info")[1]
    except InputError:
        return ""  # whoever decodes all of it says what is wrong


def _shows_through(path: Path, facts: VideoFacts, limit: float) -> bool:
    """Whether any picture is transparent anywhere: formats that can be often are not."""
    chain = [
        "alphaextract",
        "format=gray",
        "signalstats",
        "metadata=mode=print:key=lavfi.signalstats.YMIN:file=-:direct=1",
    ]
    chain = ([f"trim=duration={limit:.6f}"] if limit < math.inf else []) + chain
    arguments = [*source(path, facts.decoder), "-map", PICTURES, "-vf", ",".join(chain), "-f", "null", "/dev/null"]
    process = ffmpeg.Process(arguments, doing=f"reading {path}", failure=InputError)
    try:
        return any(found and int(found[1]) < 255 for found in map(LEAST.fullmatch, lines(process)))
    finally:
        process.kill()
