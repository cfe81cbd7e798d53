"""The sound of footage: carried over packet by packet, cut where the picture is cut. No torch."""

import re
from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import InputError
from pipeline.media import ffmpeg
from pipeline.media.video import PICTURES, source

# What each container holds so that common players play it. What it does not hold becomes lossless: the same samples.
COPIED = {
    "mp4": frozenset({"aac", "mp3", "ac3", "eac3", "alac", "flac", "opus"}),
    "mov": frozenset({"aac", "mp3", "ac3", "eac3", "alac", "pcm_s16le", "pcm_s24le", "pcm_s16be", "pcm_s24be"}),
    "matroska": frozenset(
        {
            "aac",
            "mp3",
            "mp2",
            "ac3",
            "eac3",
            "alac",
            "flac",
            "opus",
            "vorbis",
            "dts",
            "truehd",
            "pcm_s16le",
            "pcm_s24le",
        }
    ),
    "webm": frozenset({"opus", "vorbis"}),
}
LOSSLESS = {"mp4": "flac", "mov": "alac", "matroska": "flac"}
FINE = ("libopus", "-b:a", "256k")  # for WebM, which holds nothing lossless
BEFORE = 0.001  # seconds by which a packet may begin before the film does


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
        foreign = [codec for codec in self.codecs if codec not in COPIED[muxer]]
        made = f"lossless {LOSSLESS[muxer]}" if muxer in LOSSLESS else "Opus at 256 kbit/s"
        return f"{muxer} does not hold {foreign[0]}; the sound becomes {made}" if foreign else ""

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
    arguments = [*source(path), "-map", PICTURES, "-map", "0:a?", "-c", "copy", "-t", "0.1", "-f", "framecrc", "pipe:1"]
    report = ffmpeg.run(arguments, doing=f"reading {path}", failure=InputError).decode("utf-8", "replace")
    kinds = dict(re.findall(r"^#media_type (\d+): (\w+)", report, re.MULTILINE))
    codecs = dict(re.findall(r"^#codec_id (\d+): (\S+)", report, re.MULTILINE))
    return tuple(codecs[number] for number in sorted(kinds, key=int) if kinds[number] == "audio")
