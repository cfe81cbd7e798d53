"""Sound at a stated loudness: measured whole, then changed by EBU R128 (ffmpeg's loudnorm, in two passes). No torch."""

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
    sync = "aresample=async=1:first_pts=0"
    norm = f"loudnorm=I={lufs:g}:TP={TRUE_PEAK_DB:g}:LRA={LOUDNESS_RANGE:g}"
    measuring = ["-map", f"0:a:{track}", "-filter:a", f"{sync},{norm}:print_format=json", "-f", "null", "-"]
    report = re.search(r"\{[^{}]*\"input_i\"[^{}]*\}", _run([*source(path), *measuring], level="info"))
    measured = json.loads(report[0]) if report else {}
    if not float(measured.get("input_i", "-inf")) > MIN_LUFS:
        log.info("the sound is silent; encode.loudness changes nothing")
        return sync
    values = {"measured_I": "input_i", "measured_TP": "input_tp", "measured_LRA": "input_lra"}
    values |= {"measured_thresh": "input_thresh", "offset": "target_offset"}
    known = ":".join(f"{name}={float(measured[key]):g}" for name, key in values.items())
    return f"{sync},{norm}:linear=true:{known},aresample={MAX_SAMPLE_RATE}"


def _run(arguments: list[str], level: str = "error") -> str:
    timeout = MAX_ENCODING_SECONDS
    words = {"doing": "measuring the sound", "timeout": timeout, "failure": EncoderError, "level": level}
    return ffmpeg.run_with_log(arguments, **words)[1]  # type: ignore[arg-type]
