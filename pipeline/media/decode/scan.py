"""Decodes a whole video once, before anything is rendered: the time of each frame, cuts and damage.

Only decoding shows them: damaged files hold fewer frames than they promise, and variable rates differ from the
declared one. No torch, so that a film can be planned with it.
"""

import math
import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import InputError
from pipeline.media import ffmpeg
from pipeline.media.decode.field_order import refine
from pipeline.media.decode.probe import FIRST_VIDEO, VideoFacts, probe, source
from pipeline.media.decode.sniff import explain
from pipeline.runtime.progress import Progress

TICKS_PER_SECOND = 1_000_000  # of the printed times
THUMBNAIL_PIXELS = 160 * 90  # in which cuts are detected
MIN_SIDE_PIXELS, MAX_SIDE_PIXELS = 16, 1440  # of a thumbnail
MISSING_SECONDS = 0.5  # by which a file may be shorter than it declares
LOOKAHEAD_SECONDS = 2.0  # decoded beyond what is used, to detect a cut just there
STRICT = ("-xerror", "-err_detect", "crccheck+explode")  # also fails on what a decoder conceals silently
ONE_THREAD = ("-xerror", "-threads", "1")
LENIENT = ()
# A gap in the counters of packets, as where recordings were joined: ffmpeg gives up at it with -xerror only.
FLAGGED = "corrupt input packet"
INTER_CODECS = frozenset({"h264", "hevc", "mpeg1video", "mpeg2video"})  # often cut amid a group of pictures
MAX_LATE_SECONDS = 0.01  # by which the last frame that is used may begin early
START_SECONDS = 0.5  # in which a recording that begins amid a group of pictures may be concealed
QUIET_SECONDS = 2.0  # of scanning without a progress bar

SecondsOf = Callable[[Fraction], float]
"""Frame rate of the footage → seconds of it that are used, from its first frame on; inf for all."""


def whole_clip(rate: Fraction) -> float:
    """All of the footage is used."""
    return math.inf


@dataclass(frozen=True)
class Scan:
    """Result of decoding a video.

    ``times`` are the seconds of each frame on the file's clock (its earliest stream starts at 0), ``cuts`` the first
    frames of new scenes, ``damage`` why the scan ended early, ``concealed`` where and which damage the decoder
    conceals; ``limit`` is the number of seconds scanned, from the first frame on.
    """

    facts: VideoFacts
    times: NDArray[np.float64]
    cuts: NDArray[np.int64]
    damage: str
    concealed: str
    limit: float


def scan(path: Path, *, threshold: float, seconds: SecondsOf = whole_clip) -> Scan:
    """Decode ``path`` as far as it is used and a little further.

    ``threshold`` is ffmpeg's scdet's, in per cent; 0 detects no cuts. Raises InputError when there is no frame, or
    frames of several sizes.
    """
    try:
        facts = probe(path)
    except InputError as error:
        raise explain(path, error) from error
    used = seconds(facts.fps)
    limit = used + LOOKAHEAD_SECONDS
    facts = refine(path, facts, limit)
    concealed = ""
    result = _decode(path, facts, threshold, used, STRICT)
    if FLAGGED in result.damage:
        lenient = _decode(path, facts, threshold, used, LENIENT)
        result = result if lenient.damage else lenient
    if result.damage:
        strict = result
        # Decoding threads run ahead of their output; one thread gets as far as the damage.
        result = _decode(path, facts, threshold, used, ONE_THREAD)
        if result.damage:
            # A change of size looks like damage; decoding leniently raises for it.
            _decode(path, facts, 0, min(used, _length(result.times) + 2 * LOOKAHEAD_SECONDS), LENIENT)
            # The decoder may have concealed damage in the last frame.
            times = result.times[: max(1, len(result.times) - 1)]
            result = replace(result, times=times, cuts=result.cuts[result.cuts < len(times)])
        elif facts.codec not in INTER_CODECS or _length(strict.times) > START_SECONDS:
            second = strict.times[-1] if len(strict.times) else result.times[0]
            concealed = f"at about {second:.2f} s ({strict.damage})"
    if result.skipped and not result.damage:
        gaps = np.diff(result.times, append=result.times[-1:])
        concealed = concealed or f"at about {result.times[int(gaps.argmax())]:.2f} s ({result.skipped})"
    if not len(result.times):
        raise InputError(f"{path} holds no picture that can be read; {result.damage or 'it is empty'}")
    damage = result.damage
    if not damage and limit == math.inf and _is_short(path, facts, float(result.times[-1])):
        damage = f"it says that it lasts {facts.declared:.2f} s"
    return Scan(facts, result.times, result.cuts, damage, concealed, limit)


@dataclass(frozen=True)
class _Pass:
    times: NDArray[np.float64]
    cuts: NDArray[np.int64]
    damage: str
    skipped: str


def _decode(path: Path, facts: VideoFacts, threshold: float, used: float, extra: Sequence[str]) -> _Pass:
    """Decode the ``used`` seconds and some more; a change of size after them ends the pass."""
    limit = used + LOOKAHEAD_SECONDS
    width, height = thumbnail_size(facts.width, facts.height)
    chain = [f"settb=1/{TICKS_PER_SECOND}", f"scale=w={width}:h={height}:flags=fast_bilinear"]
    chain += [f"trim=duration={limit:.6f}"] if limit < math.inf else []
    chain += [f"scdet=threshold={threshold}"] if threshold else []
    chain += ["metadata=mode=add:key=x:value=1", "metadata=mode=print:file=-:direct=1"]
    arguments = [*extra, *source(path, facts.decoder), "-map", FIRST_VIDEO, "-vf", ",".join(chain)]
    arguments += ["-fps_mode", "passthrough", "-f", "null", "/dev/null"]
    process = ffmpeg.Process(arguments, doing=f"reading {path}", failure=InputError)
    times: list[float] = []
    cuts: list[int] = []
    try:
        with _DelayedProgress(path, facts, limit) as progress:
            for line in process.lines():
                if line.startswith("frame:"):
                    number = int(line[6:].split()[0])
                    if number != len(times):  # ffmpeg rebuilt the filters, as it does for another frame size
                        end = math.floor(100 * (_length(times) + float(1 / facts.fps))) / 100
                        if end >= used - MAX_LATE_SECONDS:
                            return _to_pass(times, cuts, "", "")
                        where = f"changes its size or pixel format after {end:g} s"
                        raise InputError(f"{path} {where}; source.end={end:g}s uses what is before")
                    ticks = re.search(r"pts:(-?\d+)", line)
                    times.append(int(ticks[1]) / TICKS_PER_SECOND if ticks else math.nan)
                    progress.step()
                elif line.startswith("lavfi.scd.time") and len(times) > 1:
                    cuts.append(len(times) - 1)
        failed = process.wait(ffmpeg.MAX_SILENCE_SECONDS) != 0 or "ended prematurely" in process.messages()
    finally:
        process.kill()
    words = process.last_words()
    damage = (words or "it cannot be decoded") if failed else "" if extra else words
    skipped = "; ".join(re.findall(r"^\[in#.*?\] (.*)", process.messages(), re.MULTILINE)[:1])
    return _to_pass(times, cuts, damage, skipped)


def _to_pass(times: list[float], cuts: list[int], damage: str, skipped: str) -> _Pass:
    return _Pass(_ascending(np.array(times, np.float64)), np.array(cuts, np.int64), damage, skipped)


def _length(times: Sequence[float] | NDArray[np.float64]) -> float:
    return float(times[-1] - times[0]) if len(times) else 0.0


def thumbnail_size(width: int, height: int) -> tuple[int, int]:
    """The even size at which cuts are detected in frames of this size, of the same shape."""
    factor = math.sqrt(THUMBNAIL_PIXELS / (width * height))
    wide, high = (min(MAX_SIDE_PIXELS, max(MIN_SIDE_PIXELS, 2 * round(side * factor / 2))) for side in (width, height))
    return wide, high


class _DelayedProgress:
    """A progress bar that appears only when the scan takes long."""

    def __init__(self, path: Path, facts: VideoFacts, limit: float) -> None:
        self._name, self._done, self._start = f"looking through {path.name}", 0, time.monotonic()
        self._total = round(min(facts.declared or 0.0, limit) * facts.fps)
        self._progress: Progress | None = None

    def __enter__(self) -> "_DelayedProgress":
        return self

    def __exit__(self, *_: object) -> None:
        if self._progress is not None:
            self._progress.__exit__(None, None, None)

    def step(self) -> None:
        """Count one frame."""
        self._done += 1
        if self._progress is not None:
            self._progress.step()
        elif self._total > self._done and time.monotonic() - self._start > QUIET_SECONDS:
            self._progress = Progress(self._total - self._done, self._name)


def _ascending(times: NDArray[np.float64]) -> NDArray[np.float64]:
    """Times that never decrease; a frame without a time gets that of the frame before it."""
    filled = np.where(np.isfinite(times), times, -np.inf)
    return np.maximum.accumulate(filled) if len(times) else times


def _is_short(path: Path, facts: VideoFacts, last: float) -> bool:
    """Whether every stream ends well before the container's declared duration."""
    if facts.declared is None or last > facts.declared - MISSING_SECONDS:
        return False
    return end_of_packets(path, "-map", FIRST_VIDEO, "-map", "0:a?") < facts.declared - MISSING_SECONDS


def end_of_packets(path: Path, *maps: str) -> float:
    """The second of the file's clock at which the last packet of the mapped streams ends."""
    arguments = [*source(path), *maps, "-c", "copy", "-f", "framecrc", "pipe:1"]
    process = ffmpeg.Process(arguments, doing=f"reading {path}", failure=InputError)
    try:
        return max((start + duration for _, start, duration in packets(process)), default=0.0)
    finally:
        process.kill()


def packets(process: ffmpeg.Process) -> Iterator[tuple[str, float, float]]:
    """(stream, start, duration in seconds) of every line that ffmpeg's framecrc muxer prints."""
    ticks: dict[str, float] = {}
    for line in process.lines():
        base = re.match(r"#tb (\d+): (\d+)/(\d+)", line)
        if base:
            ticks[base[1]] = int(base[2]) / int(base[3])
        elif not line.startswith("#"):
            stream, _, pts, duration, *_ = (word.strip() for word in line.split(","))
            if re.fullmatch(r"-?\d+", pts):
                yield stream, int(pts) * ticks[stream], int(duration) * ticks[stream]
