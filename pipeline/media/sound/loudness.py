"""Sound at a stated loudness: measured whole, then changed by EBU R128 (ffmpeg's loudnorm, in two passes). No torch.

What loudnorm leaves too quiet (clicks and drums over little else) is amplified into a limiter instead.
"""

import json
import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import EncoderError
from pipeline.media import ffmpeg
from pipeline.media.decode.probe import source
from pipeline.media.sound.song_audio import ENCODED, MAX_SAMPLE_RATE
from pipeline.media.sound.source_audio import MAX_ENCODING_SECONDS, Audible
from pipeline.runtime.files import part_path

log = logging.getLogger(__name__)

TRUE_PEAK_DB = -1.0
LOUDNESS_RANGE = 11.0  # loudnorm's; sound of a wider range, or with too high peaks, is compressed instead of scaled
TOLERANCE_LU, WARNING_LU = 0.2, 0.5
MAX_TRIES = 6  # to find how far the sound is amplified into the limiter
MAX_LIMITED_DB = 15.0  # that the limiter takes; more only distorts, and its peaks grow
LIMITER = "aresample=192000,alimiter=limit=0.85:level=false:attack=2:release=60:latency=true"  # true peaks: oversampled
MIN_LUFS = -70.0  # of the quietest sound that counts as sound


@dataclass(frozen=True)
class LoudSound:
    """The sound in ``path``, its tracks changed by ffmpeg's ``filters``."""

    path: Path
    filters: tuple[str, ...]

    @property
    def files(self) -> tuple[Path, ...]:
        """The one file."""
        return (self.path,)

    def inputs(self) -> list[str]:
        """ffmpeg's arguments that open the file."""
        return source(self.path)

    def outputs(self, muxer: str, index: int) -> list[str]:
        """ffmpeg's arguments that write the tracks of input ``index``."""
        if muxer not in ENCODED:
            return []
        codec, bitrate = ENCODED[muxer]
        arguments = ["-map", f"{index}:a", "-c:a", codec, "-b:a", bitrate]
        for number, chain in enumerate(self.filters):
            arguments += [f"-filter:a:{number}", chain]
        return arguments

    def note(self, muxer: str) -> str:
        """Nothing: the original's note is for the user."""
        return ""


@contextmanager
def at_loudness(sound: Audible | None, lufs: float | None, folder: Path) -> Iterator[Audible | None]:
    """The sound at this loudness in LUFS, with true peaks below −1 dB; unchanged without one, or if it is silent.

    While open, the decoded sound lies in a hidden file in ``folder``. Raises EncoderError.
    """
    if sound is None or lufs is None:
        yield sound
        return
    path = part_path(folder / "segments", "sound")
    try:
        arguments = [*sound.inputs(), *sound.outputs("matroska", index=0), "-c:a", "pcm_f32le"]
        _run([*arguments, "-f", "matroska", "-y", f"file:{path}"])
        tracks = sum("-map" == word for word in sound.outputs("matroska", index=0))
        yield LoudSound(path, tuple(_filters(path, number, lufs) for number in range(tracks)))
    finally:
        path.unlink(missing_ok=True)


def _filters(path: Path, track: int, lufs: float) -> str:
    """The filters of the second pass for one track: its start is kept, as are its channels."""
    sync, resample = "aresample=async=1:first_pts=0", f"aresample={MAX_SAMPLE_RATE}"
    norm = f"loudnorm=I={lufs:g}:TP={TRUE_PEAK_DB:g}:LRA={LOUDNESS_RANGE:g}"
    log_text = _measure(path, track, f"{sync},{norm}:print_format=json")
    report = re.search(r"\{[^{}]*\"input_i\"[^{}]*\}", log_text)
    measured = json.loads(report[0]) if report else {}
    if not float(measured.get("input_i", "-inf")) > MIN_LUFS:
        log.info("the sound is silent; encode.loudness changes nothing")
        return sync
    values = {"measured_I": "input_i", "measured_TP": "input_tp", "measured_LRA": "input_lra"}
    values |= {"measured_thresh": "input_thresh", "offset": "target_offset"}
    known = ":".join(f"{name}={float(measured[key]):g}" for name, key in values.items())
    chain, gain = f"{sync},{norm}:linear=true:{known},{resample}", lufs - float(measured["input_i"])
    missing, max_gain = lufs - _loudness_and_peak(path, track, chain)[0], gain + MAX_LIMITED_DB
    for _ in range(MAX_TRIES):
        if abs(missing) <= TOLERANCE_LU:
            break
        limited = f"{sync},volume={gain:.3f}dB,{LIMITER},{resample}"
        loudness, peak = _loudness_and_peak(path, track, limited)
        if abs(lufs - loudness) < abs(missing) and peak <= TRUE_PEAK_DB:
            chain, missing = limited, lufs - loudness
        if gain == max_gain:
            break
        gain = min(gain + 1.5 * (lufs - loudness), max_gain)  # the limiter takes some of it
    if abs(missing) > WARNING_LU:
        log.warning(f"encode.loudness={lufs:g}: the peaks of the sound allow {lufs - missing:.1f} LUFS")
    return chain


def _loudness_and_peak(path: Path, track: int, chain: str) -> tuple[float, float]:
    """The integrated loudness in LUFS and the true peak in dB of a track that went through the filters."""
    report = _measure(path, track, f"{chain},ebur128=peak=true:framelog=quiet")
    loudness, peak = (re.findall(rf"\b{name}:\s+(-?[\d.]+|-inf) ", report)[-1] for name in ("I", "Peak"))
    return float(loudness), float(peak)


def _measure(path: Path, track: int, chain: str) -> str:
    """What ffmpeg says of a track that goes through the filters."""
    return _run([*source(path), "-map", f"0:a:{track}", "-filter:a", chain, "-f", "null", "-"], level="info")


def _run(arguments: list[str], level: str = "error") -> str:
    timeout = MAX_ENCODING_SECONDS
    words = {"doing": "measuring the sound", "timeout": timeout, "failure": EncoderError, "level": level}
    return ffmpeg.run_with_log(arguments, **words)[1]  # type: ignore[arg-type]
