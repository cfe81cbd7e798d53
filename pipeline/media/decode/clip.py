"""A clip: footage that was found whole, with everything needed to read and to cut it. No torch."""

import math
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import InputError
from pipeline.media.decode import frame_rate, image_sequence
from pipeline.media.decode.color import describe
from pipeline.media.decode.probe import PICTURES, VideoFacts, check_file
from pipeline.media.decode.scan import AHEAD, Scan, Until, everything, last_packet, scan
from pipeline.media.decode.sniff import check_disguise
from pipeline.media.sound.source_audio import tracks

STILLS_PER_SECOND = Fraction(24)  # of numbered pictures, which have no rate of their own
STEADY = 0.01  # seconds that do not matter


@dataclass(frozen=True)
class Clip:
    """Footage: a video file (``facts``) or numbered pictures (``files``).

    Sizes in pixels as shown, ``fps`` its own rate or the one that it is conformed to, ``times`` the seconds of the
    file's clock at which pictures appear, ``end`` the second at which the last one ends, ``cuts`` the numbers of the
    pictures that begin a new scene, ``tracks`` the codecs of its sound, ``notes`` what a person should know.
    """

    path: Path
    files: tuple[Path, ...]
    facts: VideoFacts | None
    width: int
    height: int
    fps: Fraction
    times: NDArray[np.float64]
    end: float
    cuts: NDArray[np.int64]
    tracks: tuple[str, ...]
    notes: tuple[str, ...]
    salvaged: bool

    @property
    def seconds(self) -> float:
        """How long it lasts from its first picture on."""
        return self.end - float(self.times[0])


def open_clip(path: Path, *, fps: Fraction | None, salvage: bool, threshold: float, until: Until = everything) -> Clip:
    """The clip at ``path``, decoded once as far as it is used, to see that it is whole.

    ``fps`` overrides its own rate; with ``salvage`` a damaged one ends before the damage, and damage beyond ``until``
    is no reason to refuse it; ``threshold`` (per cent) is what counts as a cut. Raises InputError.
    """
    if image_sequence.is_sequence(path):
        return _open_sequence(path, fps or STILLS_PER_SECOND, salvage, threshold, until)
    check_file(path)
    check_disguise(path)
    seen = scan(path, threshold=threshold, until=until)
    own = _own_rate(seen)
    if until(own) + AHEAD > seen.limit:  # frames of a rate that the container does not tell
        seen = scan(path, threshold=threshold, until=lambda _: until(own))
    return _open_video(path, fps, salvage, seen, until(_own_rate(seen)))


def _open_sequence(path: Path, fps: Fraction, salvage: bool, threshold: float, until: Until) -> Clip:
    files = image_sequence.find_pictures(path)
    if until(fps) < math.inf:
        files = files[: math.ceil((until(fps) + AHEAD) * fps)]
    (width, height), cuts, damage, whole = image_sequence.inspect(files, threshold)
    end = whole / float(fps)
    notes = _judge_damage(path, damage, whole, end, salvage, end - until(fps))
    times = np.arange(whole) / float(fps)
    return Clip(path, files[:whole], None, width, height, fps, times, end, cuts, (), notes, bool(damage))


def _own_rate(seen: Scan) -> Fraction:
    return frame_rate.constant_rate(seen.times, seen.facts.fps) or frame_rate.typical_rate(seen.times)


def _open_video(path: Path, fps: Fraction | None, salvage: bool, seen: Scan, used: float) -> Clip:
    """The clip as it was seen; ``used`` are the seconds of it, from the first picture on, that matter."""
    facts, times = seen.facts, seen.times
    constant = frame_rate.constant_rate(times, facts.fps)
    own = _own_rate(seen)
    end = float(times[-1]) + 1 / float(own)
    beyond = end - float(times[0]) - used
    notes = list(_judge_damage(path, seen.damage, len(times), float(times[-1]), salvage, beyond))
    notes += _judge_flaw(path, seen.flaw, salvage)
    if constant is None:
        notes.append(f"{path} runs at {_rates(times)} frames per second; it is conformed to {fps or own}")
        if not seen.damage and seen.limit == math.inf:
            end = max(end, last_packet(path, "-map", PICTURES))
    elif fps is not None and fps != constant:
        notes.append(f"{path} runs at {constant} frames per second; it is conformed to {fps}")
    notes += describe(facts)
    codecs = tracks(path)
    salvaged = bool(seen.damage)
    size = (facts.width, facts.height)
    return Clip(path, (), facts, *size, fps or own, times, end, seen.cuts, codecs, tuple(notes), salvaged)


def _rates(times: NDArray[np.float64]) -> str:
    """The rates between which pictures come, in words."""
    gaps = np.diff(times)
    least, most = (f"{1 / max(float(gap), 1e-3):.4g}" for gap in (gaps.max(), gaps.min()))
    return least if least == most else f"{least} to {most}"


def _judge_damage(path: Path, damage: str, whole: int, second: float, salvage: bool, beyond: float) -> tuple[str, ...]:
    """The note about damage that is lived with; InputError for one that is not.

    ``beyond`` are the seconds by which it stands behind what is used.
    """
    if not damage:
        return ()
    where = f"{path} is damaged at {second:.2f} s ({damage})"
    if not whole:
        raise InputError(where)
    if beyond > -STEADY:
        return (f"{where}, behind the part that is rendered",)
    if not salvage:
        raise InputError(f"{where}; source.salvage=true renders the {whole} frames before it")
    return (f"{where}; rendering the {whole} frames before it",)


def _judge_flaw(path: Path, flaw: str, salvage: bool) -> tuple[str, ...]:
    """The note about what a decoder patches up; InputError where that is not wanted."""
    if not flaw:
        return ()
    if not salvage:
        raise InputError(f"{path} is damaged {flaw}; source.salvage=true renders it as the decoder patches it up")
    return (f"{path} is damaged {flaw}; the decoder patches it up",)
