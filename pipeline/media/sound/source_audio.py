"""The sound of footage: copied packet by packet, cut where the picture is cut. No torch."""

import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from pipeline.errors import ConfigError, InputError
from pipeline.media import ffmpeg
from pipeline.media.decode.probe import FIRST_VIDEO, source
from pipeline.media.decode.scan import STRICT, packets

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
MAX_CHANNELS = 8  # of FLAC, ALAC and Opus
# Integer samples of at most 24 bits, which FLAC and ALAC reproduce exactly.
EXACT = re.compile(r"pcm_[su](8|16|24)(le|be)?(_planar)?|pcm_(alaw|mulaw)|adpcm_\w+|flac|alac|truehd|mlp|tta")
NAMED_LAYOUTS = {"hexadecagonal": 16}  # channels of layouts of more than eight whose name holds no number
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
    """The sound of ``path``: one codec per track.

    The film begins at second ``start`` of the file's clock and ends at ``end``; with ``whole_start``, or without
    ``end``, nothing is cut there.
    """

    path: Path
    codecs: tuple[str, ...]
    start: float
    end: float | None
    whole_start: bool

    @property
    def files(self) -> tuple[Path, ...]:
        """The one file."""
        return (self.path,)

    def inputs(self) -> list[str]:
        """ffmpeg's arguments that open the file, with the film's beginning as second 0."""
        return ["-itsoffset", f"{-self.start:.6f}", *source(self.path)]

    def outputs(self, muxer: str, index: int) -> list[str]:
        """ffmpeg's arguments that write every track of input ``index`` to a file of this ``muxer``."""
        if muxer not in COPIED:
            return []
        arguments = ["-map", f"{index}:a"]
        for track, codec in enumerate(self.codecs):
            if codec in COPIED[muxer]:
                arguments += [f"-c:a:{track}", "copy", *self._drop_packets(track)]
            else:
                encoder = (LOSSLESS[muxer],) if muxer in LOSSLESS else OPUS
                arguments += [f"-c:a:{track}", *encoder, *self._trim(track)]
        return arguments

    def note(self, muxer: str) -> str:
        """Which tracks are encoded instead of copied; else an empty string."""
        if muxer not in COPIED:
            return "this kind of file holds no sound; that of the footage is left out"
        notes = []
        for codec in dict.fromkeys(codec for codec in self.codecs if codec not in COPIED[muxer]):
            encoder = LOSSLESS.get(muxer, "").upper()
            exact = f"lossless {encoder}" if EXACT.fullmatch(codec) else f"{encoder} of 24 bits, clipped at full scale"
            notes.append(
                f"{muxer} does not hold {codec}; the sound becomes {exact if encoder else 'Opus at 256 kbit/s'}"
            )
        return "; ".join(notes)

    def _drop_packets(self, track: int) -> list[str]:
        early = [] if self.whole_start else [f"lt(pts*tb,{-EARLY_SECONDS})"]
        late = [] if self.end is None else [f"gte(pts*tb,{self.end - self.start:.6f})"]
        if not early and not late:
            return []
        condition = "+".join([*early, *late]).replace(",", r"\,")
        return [f"-bsf:a:{track}", f"noise=amount=0:drop={condition}"]

    def _trim(self, track: int) -> list[str]:
        start = "" if self.whole_start else "start=0"
        end = "" if self.end is None else f"end={self.end - self.start:.6f}"
        limits = ":".join(filter(None, (start, end)))
        return [f"-filter:a:{track}", f"atrim={limits}"] if limits else []


def audio_codecs(path: Path) -> tuple[str, ...]:
    """The codec of every sound track of ``path``, in ffmpeg's names. Raises InputError."""
    return tuple(codec for codec, _ in _probe_tracks(path))


def is_mono(path: Path) -> bool:
    """Whether the first sound track of ``path`` has one channel. Raises InputError."""
    return _probe_tracks(path)[0][1] in ("mono", "1 channels")


def check_channels(path: Path, muxer: str) -> None:
    """Raise ConfigError when a track that must be encoded has more channels than the encoder for ``muxer`` takes."""
    for codec, layout in _probe_tracks(path):
        count = count_channels(layout)
        if muxer in COPIED and codec not in COPIED[muxer] and count > MAX_CHANNELS:
            fact = f"the footage has {count} channels of {codec}, which {muxer} does not hold"
            limit = f"{LOSSLESS.get(muxer, 'opus').upper()} more than {MAX_CHANNELS}"
            remedy = f"nor has {limit}; take audio=none, or output= of another ending"
            raise ConfigError("audio", "source", f"{fact}, {remedy}")


def count_channels(layout: str) -> int:
    """Channels of one of ffmpeg's layouts: 2 for stereo (as for every other name), 6 for 5.1."""
    many = re.match(r"(\d+) channels", layout)
    numbers = re.match(r"\d+(\.\d+)+", layout)
    ambisonic = re.match(r"ambisonic (\d+)", layout)
    if many:
        return int(many[1])
    if numbers:
        return sum(int(part) for part in numbers[0].split("."))
    return (int(ambisonic[1]) + 1) ** 2 if ambisonic else NAMED_LAYOUTS.get(layout, 2)


def _probe_tracks(path: Path) -> list[tuple[str, str]]:
    """(codec, channel layout) of every sound track."""
    arguments = [*source(path), "-map", FIRST_VIDEO, "-map", "0:a?", "-c", "copy", "-t", "0.1"]
    arguments += ["-f", "framecrc", "pipe:1"]
    report = ffmpeg.run(arguments, doing=f"reading {path}", failure=InputError).decode("utf-8", "replace")

    def header(key: str) -> dict[str, str]:
        return dict(re.findall(rf"^#{key} (\d+): (.+)$", report, re.MULTILINE))

    kinds, codecs, layouts = header("media_type"), header("codec_id"), header("channel_layout_name")
    numbers = sorted((number for number in kinds if kinds[number] == "audio"), key=int)
    return [(codecs[number].strip(), layouts.get(number, "").strip()) for number in numbers]


def find_damage(path: Path, start: float, end: float = math.inf) -> str:
    """Decode the sound of ``path`` between two seconds of the file's clock: where it is damaged, or an empty string.

    Errors before the first decoded sound do not count: recordings often begin amid a packet.
    """
    seek = ["-ss", f"{start:.6f}"] if start > 0 else []
    limit = ["-t", f"{end - start:.6f}"] if end < math.inf else []
    arguments = [*STRICT, *seek, *source(path), "-map", "0:a", *limit]
    arguments += ["-c:a", "pcm_s16le", "-f", "framecrc", "pipe:1"]
    process = ffmpeg.Process(arguments, doing=f"reading {path}", failure=InputError)
    try:
        last = {stream: begin for stream, begin, _ in packets(process)}
        if process.wait(ffmpeg.MAX_SILENCE_SECONDS) == 0 or not last:
            return ""
        return f"at about {start + min(last.values()):.2f} s ({process.last_words() or 'it cannot be decoded'})"
    finally:
        process.kill()
