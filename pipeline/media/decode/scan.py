"""The whole file looked at once, before anything is rendered: when each picture stands, where cuts and damage are.

Containers promise frames that a damaged file no longer holds, and rates that variable ones do not keep: only decoding
every picture tells. No torch, so that a film can be planned with it.
"""

import math
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import InputError
from pipeline.media import ffmpeg
from pipeline.media.decode.field_order import refined
from pipeline.media.decode.probe import PICTURES, VideoFacts, look, source
from pipeline.media.decode.sniff import explained
from pipeline.media.ffmpeg_log import SILENCE, last_words, lines
from pipeline.runtime.progress import Progress

TICKS = 1_000_000  # a second, in the unit that times are printed in
THUMB = 160 * 90  # pixels in which cuts are looked for
LEAST, MOST = 16, 1440  # pixels a side of those
MISSING = 0.5  # seconds by which a file may be shorter than it says
AHEAD = 2.0  # seconds looked at beyond what is used, so that a cut just there is seen
STRICT = ("-xerror", "-err_detect", "crccheck+explode")  # also what a decoder would patch up without a word
ALONE = ("-xerror", "-threads", "1")
LENIENT = ()
GROUPS = frozenset({"h264", "hevc", "mpeg1video", "mpeg2video"})  # codecs whose pictures lean on others, and are cut
BEGINNING = 0.5  # seconds in which a recording that begins amid a group of pictures may be patched up
QUIET = 2.0  # seconds of looking without a word

Until = Callable[[Fraction], float]
"""Frames per second of the footage → how many seconds of it, from its first picture on, are used; inf for all."""


def everything(rate: Fraction) -> float:
    """All of the footage is used."""
    return math.inf


@dataclass(frozen=True)
class Scan:
    """What decoding every picture of ``path`` showed.

    ``times`` are the seconds of the file's own clock (its earliest stream starts at 0) at which pictures appear,
    ``cuts`` the numbers of those that begin a new scene, ``damage`` says in words what ended the scan early, ``flaw``
    where and what the decoder patched up; ``limit`` is how many seconds from the first picture on were looked at.
    """

    facts: VideoFacts
    times: NDArray[np.float64]
    cuts: NDArray[np.int64]
    damage: str
    flaw: str
    limit: float


def scan(path: Path, *, threshold: float, until: Until = everything) -> Scan:
    """Decode ``path`` as far as it is used and a little further. ``threshold`` is ffmpeg's scdet's, in per cent; 0
    finds no cuts.

    Raises InputError when it holds no picture at all, or pictures of several sizes.
    """
    try:
        facts = look(path)
    except InputError as error:
        raise explained(path, error) from error
    limit = until(facts.fps) + AHEAD
    facts = refined(path, facts, limit)
    flaw = ""
    found = _pass(path, facts, threshold, limit, STRICT)
    if found.damage:
        strict = found
        # Threads run ahead of what they hand out; one alone gets to the damage.
        found = _pass(path, facts, threshold, limit, ALONE)
        if found.damage:
            # Where the size changes, it is only the seam that seems damaged; this raises, then.
            _pass(path, facts, 0, min(limit, _lasting(found.times) + AHEAD), LENIENT)
            # The last picture may have been patched up by the decoder already.
            times = found.times[: max(1, len(found.times) - 1)]
            found = replace(found, times=times, cuts=found.cuts[found.cuts < len(times)])
        elif facts.codec not in GROUPS or _lasting(strict.times) > BEGINNING:
            where = strict.times[-1] if len(strict.times) else found.times[0]
            flaw = f"at about {where:.2f} s ({strict.damage})"
    if found.skipped and not found.damage:
        gaps = np.diff(found.times, append=found.times[-1:])
        flaw = flaw or f"at about {found.times[int(gaps.argmax())]:.2f} s ({found.skipped})"
    if not len(found.times):
        raise InputError(f"{path} holds no picture that can be read; {found.damage or 'it is empty'}")
    damage = found.damage
    if not damage and limit == math.inf and _is_short(path, facts, float(found.times[-1])):
        damage = f"it says that it lasts {facts.declared:.2f} s"
    return Scan(facts, found.times, found.cuts, damage, flaw, limit)


@dataclass(frozen=True)
class _Pass:
    times: NDArray[np.float64]
    cuts: NDArray[np.int64]
    damage: str
    skipped: str


def _pass(path: Path, facts: VideoFacts, threshold: float, limit: float, extra: Sequence[str]) -> _Pass:
    wide, high = thumb_size(facts.width, facts.height)
    chain = [f"settb=1/{TICKS}", f"scale=w={wide}:h={high}:flags=fast_bilinear"]
    chain += [f"trim=duration={limit:.6f}"] if limit < math.inf else []
    chain += [f"scdet=threshold={threshold}"] if threshold else []
    chain += ["metadata=mode=add:key=seen:value=1", "metadata=mode=print:file=-:direct=1"]
    arguments = [*extra, *source(path, facts.decoder), "-map", PICTURES, "-vf", ",".join(chain)]
    arguments += ["-fps_mode", "passthrough", "-f", "null", "/dev/null"]
    process = ffmpeg.Process(arguments, doing=f"reading {path}", failure=InputError)
    times: list[float] = []
    cuts: list[int] = []
    try:
        with _Bar(path, facts, limit) as bar:
            for line in lines(process):
                if line.startswith("frame:"):
                    number = int(line[6:].split()[0])
                    if number != len(times):  # the filters were made anew, as for another size they are
                        raise InputError(f"{path} changes its size or pixel format at {times[-1]:.2f} s; cut it there")
                    ticks = re.search(r"pts:(-?\d+)", line)
                    times.append(int(ticks[1]) / TICKS if ticks else math.nan)
                    bar.step()
                elif line.startswith("lavfi.scd.time") and len(times) > 1:
                    cuts.append(len(times) - 1)
        failed = process.wait(SILENCE) != 0 or "ended prematurely" in process.messages()
    finally:
        process.kill()
    damage = last_words(process) if failed else ""
    skipped = "; ".join(re.findall(r"^\[in#.*?\] (.*)", process.messages(), re.MULTILINE)[:1])
    return _Pass(_steady(np.array(times, np.float64)), np.array(cuts, np.int64), damage, skipped)


def _lasting(times: NDArray[np.float64]) -> float:
    return float(times[-1] - times[0]) if len(times) else 0.0


def thumb_size(width: int, height: int) -> tuple[int, int]:
    """The even size at which cuts are looked for in pictures of this size: their shape, however long it is."""
    factor = math.sqrt(THUMB / (width * height))
    wide, high = (min(MOST, max(LEAST, 2 * round(side * factor / 2))) for side in (width, height))
    return wide, high


class _Bar:
    """Progress of a look that takes long; a short one says nothing."""

    def __init__(self, path: Path, facts: VideoFacts, limit: float) -> None:
        self._what, self._done, self._began = f"looking through {path.name}", 0, time.monotonic()
        self._total = round(min(facts.declared or 0.0, limit) * facts.fps)
        self._bar: Progress | None = None

    def __enter__(self) -> "_Bar":
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.__exit__(None, None, None)

    def step(self) -> None:
        """One more picture was seen."""
        self._done += 1
        if self._bar is not None:
            self._bar.step()
        elif self._total > self._done and time.monotonic() - self._began > QUIET:
            self._bar = Progress(self._total - self._done, self._what)


def _steady(times: NDArray[np.float64]) -> NDArray[np.float64]:
    """Times that never run backward; a picture without one stands where the one before it does."""
    filled = np.where(np.isfinite(times), times, -np.inf)
    return np.maximum.accumulate(filled) if len(times) else times


def _is_short(path: Path, facts: VideoFacts, last: float) -> bool:
    """Whether every stream of the file ends well before the container says that it does."""
    if facts.declared is None or last > facts.declared - MISSING:
        return False
    return last_packet(path, "-map", PICTURES, "-map", "0:a?") < facts.declared - MISSING


def last_packet(path: Path, *maps: str) -> float:
    """The second of the file's clock at which the last packet of the mapped streams ends."""
    arguments = [*source(path), *maps, "-c", "copy", "-f", "framecrc", "pipe:1"]
    process = ffmpeg.Process(arguments, doing=f"reading {path}", failure=InputError)
    bases: dict[str, float] = {}
    end = 0.0
    try:
        for line in lines(process):
            base = re.match(r"#tb (\d+): (\d+)/(\d+)", line)
            if base:
                bases[base[1]] = int(base[2]) / int(base[3])
            elif not line.startswith("#"):
                stream, _, pts, duration, *_ = (word.strip() for word in line.split(","))
                if re.fullmatch(r"-?\d+", pts):
                    end = max(end, (int(pts) + int(duration)) * bases[stream])
    finally:
        process.kill()
    return end
