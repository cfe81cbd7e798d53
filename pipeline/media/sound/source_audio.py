"""The sound of footage: copied packet by packet, cut where the picture is cut. No torch."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from pipeline.errors import ConfigError, InputError
from pipeline.media import ffmpeg
from pipeline.media.decode.probe import source
from pipeline.media.decode.scan import FLAGGED, LENIENT, STRICT, packets
from pipeline.media.sound.tracks import MAX_CHANNELS, Track

# The codecs of each container that common players play. Others are encoded without loss, to 24 bits.
PCM = frozenset(
    f"pcm_{kind}" for kind in ("u8", "s16le", "s16be", "s24le", "s24be", "s32le", "s32be", "f32le", "f64le")
)
COPIED = {
    "mp4": frozenset({"aac", "mp3", "ac3", "eac3", "alac", "flac", "opus"}),
    "mov": frozenset({"aac", "mp3", "ac3", "eac3", "alac", "pcm_f32be", "pcm_f64be"}) | PCM,
    "matroska": frozenset({"aac", "mp3", "mp2", "ac3", "eac3", "alac", "flac", "opus", "vorbis", "dts", "truehd"})
    | PCM,
    "webm": frozenset({"opus", "vorbis"}),
}
LOSSLESS = {"mp4": "flac", "mov": "alac", "matroska": "flac"}
OPUS = ("libopus", "-b:a", "256k")  # for WebM, which holds nothing lossless
# Integer samples of at most 24 bits, which FLAC and ALAC reproduce exactly.
EXACT = re.compile(r"pcm_[su](8|16|24)(le|be)?(_planar)?|pcm_(alaw|mulaw)|adpcm_\w+|flac|alac|truehd|mlp|tta")
MAX_ENCODING_SECONDS = 4 * 3600.0  # that a long film's sound may take
EARLY_SECONDS = 0.001  # by which a packet may begin before the film does


class Audible(Protocol):
    """Sound for a film."""

    @property
    def files(self) -> tuple[Path, ...]:
        """The input files."""

    def inputs(self) -> list[str]:
        """ffmpeg's arguments that open them."""

    def outputs(self, muxer: str, index: int) -> list[str]:
        """ffmpeg's arguments that write the sound, from input number ``index`` on, to a file of this ``muxer``."""

    def note(self, muxer: str) -> str:
        """What the user should know about the sound in a file of this ``muxer``; else an empty string."""


@dataclass(frozen=True)
class Sound:
    """The sound of ``path``: these tracks of it.

    The film begins at second ``start`` of the file's clock and ends at ``end``; with ``whole_start``, or without
    ``end``, nothing is cut there.
    """

    path: Path
    tracks: tuple[Track, ...]
    start: float
    end: float | None
    whole_start: bool

    @property
    def files(self) -> tuple[Path, ...]:
        """The one file."""
        return (self.path,)

    def inputs(self) -> list[str]:
        """ffmpeg's arguments that open the file, with the film's beginning as second 0."""
        filters = [word for track in self.tracks for word in track.input_filter]
        return ["-itsoffset", f"{-self.start:.6f}", *filters, *source(self.path)]

    def outputs(self, muxer: str, index: int) -> list[str]:
        """ffmpeg's arguments that write the tracks of input ``index`` to a file of this ``muxer``."""
        if muxer not in COPIED:
            return []
        arguments: list[str] = []
        for number, track in enumerate(self.tracks):
            arguments += ["-map", f"{index}:a:{track.number}"]
            if track.codec in COPIED[muxer]:
                arguments += [f"-c:a:{number}", "copy", *self._drop_packets(number)]
            elif muxer in LOSSLESS:
                arguments += [f"-c:a:{number}", LOSSLESS[muxer], *self._filter(number, track, track.finite)]
            else:
                filters = [*track.finite, *track.filters()]
                arguments += [f"-c:a:{number}", *OPUS, *self._filter(number, track, filters)]
        return arguments

    def note(self, muxer: str) -> str:
        """Which tracks are encoded instead of copied; else an empty string."""
        if muxer not in COPIED:
            return "this kind of file holds no sound; that of the footage is left out"
        notes = []
        for codec in dict.fromkeys(track.codec for track in self.tracks if track.codec not in COPIED[muxer]):
            encoder = LOSSLESS.get(muxer, "").upper()
            exact = f"lossless {encoder}" if EXACT.fullmatch(codec) else f"{encoder} of 24 bits, clipped at full scale"
            notes.append(
                f"{muxer} does not hold {codec}; the sound becomes {exact if encoder else 'Opus at 256 kbit/s'}"
            )
        return "; ".join(notes)

    def _drop_packets(self, number: int) -> list[str]:
        early = [] if self.whole_start else [f"lt(pts*tb,{-EARLY_SECONDS})"]
        late = [] if self.end is None else [f"gte(pts*tb,{self.end - self.start:.6f})"]
        if not early and not late:
            return []
        condition = "+".join([*early, *late]).replace(",", r"\,")
        return [f"-bsf:a:{number}", f"noise=amount=0:drop={condition}"]

    def _filter(self, number: int, track: Track, filters: Sequence[str]) -> list[str]:
        start = "" if self.whole_start else "start=0"
        end = "" if self.end is None else f"end={self.end - self.start:.6f}"
        limits = ":".join(filter(None, (start, end)))
        joined = [f"aresample={track.resample}"] if track.sync else []
        chain = [*joined, *([f"atrim={limits}"] if limits else []), *filters]
        return [f"-filter:a:{number}", ",".join(chain)] if chain else []


def check_channels(tracks: Sequence[Track], muxer: str) -> None:
    """Raise ConfigError when a track that must be encoded has more channels than the encoder for ``muxer`` takes."""
    for track in tracks:
        if muxer in COPIED and track.codec not in COPIED[muxer] and track.channels > MAX_CHANNELS:
            fact = f"the footage has {track.channels} channels of {track.codec}, which {muxer} does not hold"
            limit = f"{LOSSLESS.get(muxer, 'opus').upper()} more than {MAX_CHANNELS}"
            remedy = f"nor has {limit}; take audio=none, or output= of another ending"
            raise ConfigError("audio", "source", f"{fact}, {remedy}")


def find_damage(path: Path, tracks: Sequence[Track], start: float, end: float = math.inf) -> str:
    """Decode the ``tracks`` of ``path`` between two seconds of the file's clock: where they are damaged, else "".

    Errors before the first decoded sound do not count: recordings often begin amid a packet.
    """
    last, damage = _decode(path, tracks, start, end, STRICT)
    if FLAGGED in damage and not _decode(path, tracks, start, end, LENIENT)[1]:
        return ""
    return f"at about {start + min(last.values()):.2f} s ({damage})" if damage and last else ""


def _decode(
    path: Path, tracks: Sequence[Track], start: float, end: float, extra: Sequence[str]
) -> tuple[dict[str, float], str]:
    """(when the last decoded sound of each track begins, ffmpeg's complaint)."""
    seek = ["-ss", f"{start:.6f}"] if start > 0 else []
    limit = ["-t", f"{end - start:.6f}"] if end < math.inf else []
    maps = [word for track in tracks for word in ("-map", f"0:a:{track.number}")]
    arguments = [*extra, *seek, *source(path), *maps, *limit, "-c:a", "pcm_s16le", "-f", "framecrc", "pipe:1"]
    process = ffmpeg.Process(arguments, doing=f"reading {path}", failure=InputError)
    try:
        last = {stream: begin for stream, begin, _ in packets(process)}
        failed = process.wait(ffmpeg.MAX_SILENCE_SECONDS) != 0
        words = process.last_words() or ("it cannot be decoded" if failed else "")
        return last, words if failed or not extra else ""
    finally:
        process.kill()


def check_encoding(sound: Audible, muxer: str) -> None:
    """Encode or copy all of the ``sound`` as for a film of this ``muxer``. Raises InputError where that fails."""
    outputs = sound.outputs(muxer, index=0)
    if outputs:
        arguments = [*sound.inputs(), *outputs, "-f", muxer, "-y", "file:/dev/null"]
        doing = f"encoding the sound of {', '.join(map(str, dict.fromkeys(sound.files)))}"
        try:
            ffmpeg.run(arguments, doing=doing, timeout=MAX_ENCODING_SECONDS, failure=InputError)
        except InputError as error:
            raise InputError(f"{error}; audio=none leaves it out") from error
