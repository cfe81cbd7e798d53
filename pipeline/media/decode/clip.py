"""A clip: footage with everything needed to read and to cut it. No torch."""

import math
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import InputError
from pipeline.media.decode import frame_rate, image_sequence
from pipeline.media.decode.color import describe
from pipeline.media.decode.probe import FIRST_VIDEO, VideoFacts, check_file
from pipeline.media.decode.scan import LOOKAHEAD_SECONDS, Scan, SecondsOf, end_of_packets, scan, whole_clip
from pipeline.media.decode.sniff import check_footage_file
from pipeline.media.sound.tracks import Track, decodable_codecs, footage_tracks

SEQUENCE_FPS = Fraction(24)  # of numbered pictures, which have no rate
TOLERANCE_SECONDS = 0.01


@dataclass(frozen=True)
class Clip:
    """Footage: a video file (``facts``) or numbered pictures (``files``).

    Sizes are in pixels as shown; ``fps`` is its rate or the one it is conformed to, ``times`` the seconds of each
    frame on the file's clock, ``end`` the second at which the last frame ends, ``cuts`` the first frames of new
    scenes, ``audio`` its sound tracks that can be decoded, ``notes`` for the user; ``is_damaged`` when it ends before
    its damage.
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
    audio: tuple[Track, ...]
    notes: tuple[str, ...]
    is_damaged: bool

    @property
    def seconds(self) -> float:
        """Its duration from its first frame on."""
        return self.end - float(self.times[0])


def open_clip(
    path: Path, *, fps: Fraction | None, salvage: bool, threshold: float, seconds: SecondsOf = whole_clip
) -> Clip:
    """The clip at ``path``, decoded once as far as it is used, to check that it is intact.

    ``fps`` overrides its rate; with ``salvage`` a damaged clip ends before the damage, and damage beyond ``seconds``
    does not matter; ``threshold`` (per cent) is what counts as a cut. Raises InputError.
    """
    if image_sequence.is_sequence(path):
        return _open_sequence(path, fps or SEQUENCE_FPS, salvage, threshold, seconds)
    check_file(path)
    check_footage_file(path)
    result = scan(path, threshold=threshold, seconds=seconds)
    rate = _rate(result)
    if seconds(rate) + LOOKAHEAD_SECONDS > result.limit:  # a number of frames, at another rate than declared
        result = scan(path, threshold=threshold, seconds=lambda _: seconds(rate))
    return _open_video(path, fps, salvage, result, seconds(_rate(result)))


def _open_sequence(path: Path, fps: Fraction, salvage: bool, threshold: float, seconds: SecondsOf) -> Clip:
    files = image_sequence.list_pictures(path)
    if seconds(fps) < math.inf:
        files = files[: math.ceil((seconds(fps) + LOOKAHEAD_SECONDS) * fps)]
    (width, height), cuts, damage, count = image_sequence.inspect(files, threshold)
    end = count / float(fps)
    notes = _check_damage(path, damage, count, end, salvage, end - seconds(fps))
    times = np.arange(count) / float(fps)
    return Clip(path, files[:count], None, width, height, fps, times, end, cuts, (), notes, bool(damage))


def _rate(result: Scan) -> Fraction:
    return frame_rate.constant_rate(result.times, result.facts.fps) or frame_rate.typical_rate(result.times)


def _open_video(path: Path, fps: Fraction | None, salvage: bool, result: Scan, used: float) -> Clip:
    """``used`` are the seconds of the clip that matter, from the first frame on."""
    facts, times = result.facts, result.times
    constant, rate = frame_rate.constant_rate(times, facts.fps), _rate(result)
    end = float(times[-1]) + 1 / float(rate)
    beyond = end - float(times[0]) - used
    notes = list(_check_damage(path, result.damage, len(times), float(times[-1]), salvage, beyond))
    if result.concealed:
        notes.append(f"{path} is damaged {result.concealed}; it is used as it is")
        if not salvage:
            raise InputError(f"{path} is damaged {result.concealed}; source.salvage=true uses it as it is")
    if constant is None:
        lost = frame_rate.lost_frames(times, fps or rate)
        losing = f", which leaves out {lost} of its {len(times)} frames" if lost else ""
        notes.append(f"{path} runs at {_range(times)} frames per second; it is conformed to {fps or rate}{losing}")
        if not result.damage and result.limit == math.inf:
            end = max(end, end_of_packets(path, "-map", FIRST_VIDEO))
    elif fps is not None and fps != constant:
        notes.append(f"{path} runs at {constant} frames per second; it is conformed to {fps}")
    notes += describe(facts)
    size, audio, is_damaged = (facts.width, facts.height), footage_tracks(path), bool(result.damage)
    unknown = [track for track in audio if track.codec not in decodable_codecs()]
    notes += [
        f"no decoder knows {track.codec}; sound track {track.number + 1} of {path} is left out" for track in unknown
    ]
    audio = tuple(track for track in audio if track not in unknown)
    return Clip(path, (), facts, *size, fps or rate, times, end, result.cuts, audio, tuple(notes), is_damaged)


def _range(times: NDArray[np.float64]) -> str:
    """The lowest and the highest rate, such as ``24 to 30``."""
    gaps = np.diff(times)
    low, high = (f"{1 / max(float(gap), 1e-3):.4g}" for gap in (gaps.max(), gaps.min()))
    return low if low == high else f"{low} to {high}"


def _check_damage(path: Path, damage: str, count: int, second: float, salvage: bool, beyond: float) -> tuple[str, ...]:
    """The note about damage that is accepted; InputError for other damage.

    ``beyond`` are the seconds between the end of what is used and the damage.
    """
    if not damage:
        return ()
    where = f"{path} is damaged at {second:.2f} s ({damage})"
    if not count:
        raise InputError(where)
    if beyond > -TOLERANCE_SECONDS:
        return (f"{where}, behind the part that is rendered",)
    if not salvage:
        raise InputError(f"{where}; source.salvage=true renders the {count} frames before it")
    return (f"{where}; rendering the {count} frames before it",)
