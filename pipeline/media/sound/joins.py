"""Keeps sound in step with pictures in MPEG streams, which people also join with ``cat``. No torch.

In these ffmpeg counts time from the first packet of the streams that it reads, and plays the parts of a joined stream
one after the other. Pictures and sound of a film are read from separate inputs, and sound begins with the encoder's
delay, before the first picture; so it would be late by that delay, and by more after each join.
"""

import math
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from pipeline.errors import InputError
from pipeline.media import ffmpeg
from pipeline.media.decode.probe import FIRST_VIDEO
from pipeline.media.decode.scan import packets

MIN_JUMP_BACK_SECONDS, MIN_JUMP_SECONDS = 0.5, 10.0  # of a clock, where recordings were joined
PROGRAM_STREAM = b"\0\0\1\xba"
MIN_SHIFT_SECONDS = 0.0005
TICKS_PER_SECOND = 90_000
UNWRAPPED_TICKS = 10**11  # added per packet, so that times ascend over all joins
UNKNOWN_SECONDS = 1e12

Times = list[tuple[float, float]]
"""(start, duration) of each packet, in seconds."""


def sync_filter(path: Path, opened: Sequence[str], track: int) -> str:
    """ffmpeg's bitstream filter for the input of sound track number ``track``; empty where none is needed.

    ``opened``: ffmpeg's arguments that open ``path``. The filter moves the sound of each part to its pictures, and
    drops a packet where the sound would be more than half of it late. Raises InputError.
    """
    if not _is_mpeg_stream(path):
        return ""
    clock, played = _clocks(path, opened, f"0:a:{track}")
    pictures = _offsets(*_clocks(path, opened, FIRST_VIDEO))
    begins = _begins(clock)
    offsets = _offsets(clock, played)
    if len(offsets) != len(pictures):
        return ""
    moves = ""
    for begin, end, before, after in zip(begins, [*begins[1:], len(played)], offsets, pictures, strict=True):
        shift = after - before
        if abs(shift) > MIN_SHIFT_SECONDS:
            moves += f"+round({shift:.6f}/TB)*between(N,{begin},{end - 1})"
            played[begin:end] = [(start + shift, duration) for start, duration in played[begin:end]]
    filters = [f"setts=ts=PTS{moves}"] if moves else []
    if overlaps := _overlaps(played):
        filters.append(f"noise=amount=0:drop={'+'.join(f'eq(n,{number})' for number in overlaps)}")
    return ",".join(text.replace(",", r"\,") for text in filters)


def _is_mpeg_stream(path: Path) -> bool:
    """Whether it is an MPEG transport or program stream, by its first bytes."""
    try:
        with path.open("rb") as file:
            head = file.read(200)
    except OSError:
        return False
    return head.startswith(PROGRAM_STREAM) or any(head[at : at + 189 : 188] == b"GG" for at in (0, 4))


def _clocks(path: Path, opened: Sequence[str], stream: str) -> tuple[Times, Times]:
    """Its packets on the file's own clock, which jumps at joins, and as ffmpeg plays them; the latter is NaN for
    packets without a time.
    """
    clock = _times(path, ["-copyts", *opened], "-map", stream, "-bsf", f"setts=ts=PTS+N*{UNWRAPPED_TICKS}")
    step = UNWRAPPED_TICKS / TICKS_PER_SECOND
    clock = [(start - number * step, duration) for number, (start, duration) in enumerate(clock)]
    played = _times(path, opened, "-map", stream)
    return clock, [(start if abs(start) < UNKNOWN_SECONDS else math.nan, duration) for start, duration in played]


def _times(path: Path, opened: Sequence[str], *maps: str) -> Times:
    process = ffmpeg.Process(
        [*opened, *maps, "-c", "copy", "-f", "framecrc", "pipe:1"], doing=f"reading {path}", failure=InputError
    )
    try:
        return [(start, duration) for _, start, duration in packets(process)]
    finally:
        process.kill()


def _begins(clock: Times) -> list[int]:
    """The numbers of the packets with which the parts begin."""
    begins, latest = [0], clock[0][0] if clock else 0.0
    for number, (start, _) in enumerate(clock):
        if start < latest - MIN_JUMP_BACK_SECONDS or start > latest + MIN_JUMP_SECONDS:
            begins.append(number)
            latest = start
        latest = max(latest, start)
    return begins


def _offsets(clock: Times, played: Times) -> list[float]:
    """From the clock of each part to the second at which it is played; empty where that is not known."""
    pairs = list(zip(clock, played, strict=False))
    timed = [(before, after[0]) for before, after in pairs if math.isfinite(after[0])]
    if len(clock) != len(played) or not timed:
        return []
    begins = _begins([before for before, _ in timed])
    spans = zip(begins, [*begins[1:], len(timed)], strict=True)
    return [median(after - before[0] for before, after in timed[begin:end]) for begin, end in spans]


def _overlaps(played: Times) -> list[int]:
    """The packets without which no sound is more than half a packet late."""
    end, overlaps = -math.inf, []
    for number, (start, duration) in enumerate(played):
        end = max(end, start)
        if end - start > duration / 2 > 0:
            overlaps.append(number)
        else:
            end += duration
    return overlaps
