"""The sound of footage: carried over packet by packet, cut where the picture is cut. No torch."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from pipeline.errors import ConfigError, InputError
from pipeline.media import ffmpeg
from pipeline.media.decode.probe import PICTURES, source

# What each container holds so that common players play it. What it does not hold is encoded without loss, to 24 bits.
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
FINE = ("libopus", "-b:a", "256k")  # for WebM, which holds nothing lossless
MOST = 8  # channels that FLAC, ALAC and Opus hold
# Samples of whole numbers of at most 24 bits, which FLAC and ALAC give back as they were.
EXACT = re.compile(r"pcm_[su](8|16|24)(le|be)?(_planar)?|pcm_(alaw|mulaw)|adpcm_\w+|flac|alac|truehd|mlp|tta")
LAYOUTS = {"hexadecagonal": 16}  # channels of layouts whose name holds no number, where they are more than eight
BEFORE = 0.001  # seconds by which a packet may begin before the film does


class Audible(Protocol):
    """What can be laid under the pictures of a film."""

    @property
    def files(self) -> tuple[Path, ...]:
        """What is opened."""

    def inputs(self) -> list[str]:
        """ffmpeg's arguments that open them."""

    def outputs(self, muxer: str, index: int) -> list[str]:
        """ffmpeg's arguments that put the sound, as inputs from ``index`` on, into a file of this ``muxer``."""

    def note(self, muxer: str) -> str:
        """What a person should know about the sound in a file of this ``muxer``; else an empty string."""


@dataclass(frozen=True)
class Sound:
    """The sound of ``path``: one codec per track.

    The film begins at second ``start`` of the file's own clock and ends at ``end``; with ``whole_start`` or without
    ``end`` nothing is cut there.
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
        """ffmpeg's arguments that put every track of input ``index`` into a file of this ``muxer``."""
        if muxer not in COPIED:
            return []
        arguments = ["-map", f"{index}:a"]
        for track, codec in enumerate(self.codecs):
            if codec in COPIED[muxer]:
                arguments += [f"-c:a:{track}", "copy", *self._dropped(track)]
            else:
                made = (LOSSLESS[muxer],) if muxer in LOSSLESS else FINE
                arguments += [f"-c:a:{track}", *made, *self._trimmed(track)]
        return arguments

    def note(self, muxer: str) -> str:
        """What is done to the sound, where it is not simply copied; else an empty string."""
        if muxer not in COPIED:
            return "this kind of file holds no sound; that of the footage is left out"
        said = []
        for codec in dict.fromkeys(codec for codec in self.codecs if codec not in COPIED[muxer]):
            becomes, exact = LOSSLESS.get(muxer, "").upper(), EXACT.fullmatch(codec)
            how = f"lossless {becomes}" if exact else f"{becomes} of 24 bits, cut off where it is above full scale"
            how = how if becomes else "Opus at 256 kbit/s"
            said.append(f"{muxer} does not hold {codec}; the sound becomes {how}")
        return "; ".join(said)

    def _dropped(self, track: int) -> list[str]:
        early = [] if self.whole_start else [f"lt(pts*tb,{-BEFORE})"]
        late = [] if self.end is None else [f"gte(pts*tb,{self.end - self.start:.6f})"]
        if not early and not late:
            return []
        condition = "+".join([*early, *late]).replace(",", r"\,")
        return [f"-bsf:a:{track}", f"noise=amount=0:drop={condition}"]

    def _trimmed(self, track: int) -> list[str]:
        start = "" if self.whole_start else "start=0"
        end = "" if self.end is None else f"end={self.end - self.start:.6f}"
        limits = ":".join(filter(None, (start, end)))
        return [f"-filter:a:{track}", f"atrim={limits}"] if limits else []


def tracks(path: Path) -> tuple[str, ...]:
    """The codec of every sound track of ``path``, in ffmpeg's words. Raises InputError."""
    return tuple(codec for codec, _ in _look(path))


def is_mono(path: Path) -> bool:
    """Whether the first sound track of ``path`` has one channel. Raises InputError."""
    return _look(path)[0][1] in ("mono", "1 channels")


def check_channels(path: Path, muxer: str) -> None:
    """Raise ConfigError when a track has more channels than a file of this ``muxer`` can be given."""
    for codec, layout in _look(path):
        count = count_channels(layout)
        if muxer in COPIED and codec not in COPIED[muxer] and count > MOST:
            lacks = f"the footage has {count} channels of {codec}, which {muxer} does not hold"
            most = f"{LOSSLESS.get(muxer, 'opus').upper()} more than {MOST}"
            other = f"nor has {most}; take audio=none, or output= of another ending"
            raise ConfigError("audio", "source", f"{lacks}, {other}")


def count_channels(layout: str) -> int:
    """How many channels a layout has, in ffmpeg's words: 2 for stereo (as for every other name), 6 for 5.1."""
    many = re.match(r"(\d+) channels", layout)
    numbers = re.match(r"\d+(\.\d+)+", layout)
    ambisonic = re.match(r"ambisonic (\d+)", layout)
    if many:
        return int(many[1])
    if numbers:
        return sum(int(part) for part in numbers[0].split("."))
    return (int(ambisonic[1]) + 1) ** 2 if ambisonic else LAYOUTS.get(layout, 2)


def _look(path: Path) -> list[tuple[str, str]]:
    """(codec, layout of channels) of every sound track."""
    arguments = [*source(path), "-map", PICTURES, "-map", "0:a?", "-c", "copy", "-t", "0.1", "-f", "framecrc", "pipe:1"]
    report = ffmpeg.run(arguments, doing=f"reading {path}", failure=InputError).decode("utf-8", "replace")

    def said(what: str) -> dict[str, str]:
        return dict(re.findall(rf"^#{what} (\d+): (.+)$", report, re.MULTILINE))

    kinds, codecs, layouts = said("media_type"), said("codec_id"), said("channel_layout_name")
    audible = sorted((number for number in kinds if kinds[number] == "audio"), key=int)
    return [(codecs[number].strip(), layouts.get(number, "").strip()) for number in audible]
