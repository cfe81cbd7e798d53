"""Sound tracks of a file: codecs, channels, and the filters that bring them into an encoder's layouts. No torch."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from pipeline.errors import InputError
from pipeline.media import ffmpeg
from pipeline.media.decode.probe import FIRST_VIDEO, source
from pipeline.media.sound.joins import sync_filter

MAX_CHANNELS = 8  # of AAC, FLAC, ALAC and Opus
NAMED_LAYOUTS = {"hexadecagonal": 16}  # channels of layouts of more than eight whose name holds no number
ENCODER_LAYOUTS = "mono|stereo|3.0|quad|5.0|5.1|6.1|7.1"  # that both AAC and Opus take
MAX_OFFSET_SECONDS = 0.002  # of decoded sound of joined recordings
# Replaces infinity and NaN, which encoders refuse, by silence. Only float PCM can hold them.
FINITE_SAMPLES = r"aeval=if(lt(abs(val(ch))\,1e6)\,val(ch)\,0):c=same"


@dataclass(frozen=True)
class Track:
    """Sound track ``number`` of its file; ``codec`` and channel ``layout`` in ffmpeg's names.

    ``sync`` is the bitstream filter that keeps it in step with the pictures of its file, where it needs one.
    """

    number: int = 0
    codec: str = ""
    layout: str = "stereo"
    sync: str = ""

    @property
    def input_filter(self) -> list[str]:
        """ffmpeg's arguments before those that open the file."""
        return [f"-bsf:a:{self.number}", self.sync] if self.sync else []

    @property
    def resample(self) -> str:
        """Options of ffmpeg's aresample that put decoded sound at its times, with silence before and between."""
        return f"async=1{f':min_hard_comp={MAX_OFFSET_SECONDS}' if self.sync else ''}:first_pts=0"

    @property
    def channels(self) -> int:
        """2 for stereo (as for every name without a number), 6 for 5.1."""
        many = re.match(r"(\d+) channels", self.layout)
        numbers = re.match(r"\d+(\.\d+)+", self.layout)
        ambisonic = re.match(r"ambisonic (\d+)", self.layout)
        if many:
            return int(many[1])
        if numbers:
            return sum(int(part) for part in numbers[0].split("."))
        return (int(ambisonic[1]) + 1) ** 2 if ambisonic else NAMED_LAYOUTS.get(self.layout, 2)

    @property
    def is_mono(self) -> bool:
        """Whether it has one channel."""
        return self.layout in ("mono", "1 channels")

    @property
    def mixdown(self) -> str:
        """The layout that more than eight channels become; else an empty string."""
        if self.channels <= MAX_CHANNELS:
            return ""
        if self.layout.startswith("ambisonic"):
            return "mono"
        return "stereo" if self.layout.endswith("channels") else "7.1"

    @property
    def finite(self) -> list[str]:
        """The ffmpeg filter that makes all samples finite, where there can be others."""
        return [FINITE_SAMPLES] if self.codec.startswith("pcm_f") else []

    def filters(self, layouts: str = ENCODER_LAYOUTS) -> list[str]:
        """ffmpeg filters from decoded samples to one of these ``layouts``.

        Of ambisonics the omnidirectional channel is used; channels without places go left and right in turn, as
        recorders of many tracks number their pairs.
        """
        chain: list[str] = []
        if self.mixdown == "mono":
            chain.append("pan=mono|c0=c0")
        elif self.mixdown == "stereo":
            left, right = ("+".join(f"c{n}" for n in range(side, self.channels, 2)) for side in (0, 1))
            chain.append(f"pan=stereo|c0<{left}|c1<{right}")
        elif self.mixdown and layouts == ENCODER_LAYOUTS:
            layouts = self.mixdown
        return [*chain, f"aformat=channel_layouts={layouts}"]


def footage_tracks(path: Path) -> tuple[Track, ...]:
    """Every sound track of a video. Raises InputError."""
    tracks = _probe(path, source(path), "-map", FIRST_VIDEO, "-map", "0:a?")
    return tuple(replace(track, sync=sync_filter(path, source(path), track.number)) for track in tracks)


def song_track(path: Path, song_source: Sequence[str]) -> Track:
    """The first sound track of a file opened by these arguments. Raises InputError."""
    return _probe(path, song_source, "-map", "0:a:0")[0]


def _probe(path: Path, opened: Sequence[str], *maps: str) -> tuple[Track, ...]:
    arguments = [*opened, *maps, "-c", "copy", "-t", "0.1", "-f", "framecrc", "pipe:1"]
    report = ffmpeg.run(arguments, doing=f"reading {path}", failure=InputError).decode("utf-8", "replace")

    def header(key: str) -> dict[str, str]:
        return dict(re.findall(rf"^#{key} (\d+): (.+)$", report, re.MULTILINE))

    kinds, codecs, layouts = header("media_type"), header("codec_id"), header("channel_layout_name")
    numbers = sorted((number for number in kinds if kinds[number] == "audio"), key=int)
    return tuple(
        Track(n, codecs.get(key, "unknown").strip(), layouts.get(key, "").strip()) for n, key in enumerate(numbers)
    )


@cache
def decodable_codecs() -> frozenset[str]:
    """The codecs that this ffmpeg can decode."""
    table = ffmpeg.run(["-codecs"], doing="asking ffmpeg for its codecs").decode("utf-8", "replace")
    return frozenset(re.findall(r"^ D\S{5} (\S+)", table, re.MULTILINE))
