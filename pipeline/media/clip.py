"""A clip: footage that was found whole, with everything needed to read and to cut it. No torch."""

import math
import os
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import InputError
from pipeline.media import rate, sequence
from pipeline.media.scan import Scan, last_packet, scan
from pipeline.media.sound import tracks
from pipeline.media.toning import describe
from pipeline.media.video import PICTURES, VideoFacts, check_file

STILLS_PER_SECOND = Fraction(24)  # of numbered pictures, which have no rate of their own


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


def open_clip(path: Path, *, fps: Fraction | None, salvage: bool, threshold: float, until: float = math.inf) -> Clip:
    """The clip at ``path``, decoded once as far as ``until`` (seconds) to see that it is whole.

    ``fps`` overrides its own rate; with ``salvage`` a damaged one ends before the damage; ``threshold`` (per cent) is
    what counts as a cut. Raises InputError.
    """
    if sequence.is_sequence(path):
        return _open_sequence(path, fps or STILLS_PER_SECOND, salvage, threshold)
    check_file(path)
    if not os.access(path, os.R_OK):
        raise InputError(f"{path} cannot be read: permission denied")
    return _open_video(path, fps, salvage, scan(path, threshold=threshold, until=until), until)


def _open_sequence(path: Path, fps: Fraction, salvage: bool, threshold: float) -> Clip:
    files = sequence.find_pictures(path)
    (width, height), cuts, damage, whole = sequence.inspect(files, threshold)
    notes = _judge_damage(path, damage, whole, whole / float(fps), salvage)
    times = np.arange(whole) / float(fps)
    end = whole / float(fps)
    return Clip(path, files[:whole], None, width, height, fps, times, end, cuts, (), notes, bool(damage))


def _open_video(path: Path, fps: Fraction | None, salvage: bool, seen: Scan, until: float) -> Clip:
    facts, times = seen.facts, seen.times
    notes = list(_judge_damage(path, seen.damage, len(times), float(times[-1]), salvage))
    constant = rate.constant_rate(times, facts.fps)
    own = constant or rate.typical_rate(times)
    end = float(times[-1]) + 1 / float(own)
    if constant is None:
        gaps = np.diff(times)
        least, most = 1 / max(float(gaps.max()), 1e-3), 1 / max(float(gaps.min()), 1e-3)
        notes.append(f"{path} runs at {least:.4g} to {most:.4g} frames per second; it is conformed to {fps or own}")
        if not seen.damage and until == math.inf:
            end = max(end, last_packet(path, "-map", PICTURES))
    elif fps is not None and fps != constant:
        notes.append(f"{path} runs at {constant} frames per second; it is conformed to {fps}")
    notes += describe(facts)
    codecs = tracks(path)
    salvaged = bool(seen.damage)
    size = (facts.width, facts.height)
    return Clip(path, (), facts, *size, fps or own, times, end, seen.cuts, codecs, tuple(notes), salvaged)


def _judge_damage(path: Path, damage: str, whole: int, second: float, salvage: bool) -> tuple[str, ...]:
    """The note about damage that is lived with; InputError for one that is not."""
    if not damage:
        return ()
    where = f"{path} is damaged at {second:.2f} s ({damage})"
    if not whole:
        raise InputError(where)
    if not salvage:
        raise InputError(f"{where}; source.salvage=true renders the {whole} frames before it")
    return (f"{where}; rendering the {whole} frames before it",)
