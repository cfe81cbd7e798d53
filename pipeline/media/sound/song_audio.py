"""A song under a film: copied packet by packet where it fits as it is, else cut, faded and encoded. No torch."""

import re
from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import InputError
from pipeline.media import ffmpeg
from pipeline.media.decode import probe
from pipeline.media.sound.source_audio import COPIED, Sound

# Containers of recorded sound, and of video with sound. Playlists, which open other files, are not among them.
FORMATS = f"mp3,flac,ogg,wav,w64,aiff,aac,ac3,eac3,caf,amr,au,{probe.FORMATS}"
# The codec that each container gets a song in that cannot be copied, and its bits per second.
ENCODED = {"mp4": ("aac", "256k"), "mov": ("aac", "256k"), "matroska": ("aac", "256k"), "webm": ("libopus", "192k")}
# What keeps its exact beginning when it is copied: an MP3 loses the silence that its header says to skip.
KEPT = frozenset({"aac", "alac", "flac", "opus", "pcm_s16le", "pcm_s24le"})
FASTEST = 48_000  # samples per second that are encoded


def song_source(path: Path) -> list[str]:
    """ffmpeg's input arguments for a song that is not trusted: this file only, no playlists."""
    return ["-protocol_whitelist", "file", "-format_whitelist", FORMATS, "-i", f"file:{path}"]


def song_codec(path: Path) -> str:
    """The codec of the first sound track of ``path``, in ffmpeg's words. Raises InputError."""
    arguments = [*song_source(path), "-map", "0:a:0", "-c", "copy", "-t", "0.1", "-f", "framecrc", "pipe:1"]
    report = ffmpeg.run(arguments, doing=f"reading {path}", failure=InputError).decode("utf-8", "replace")
    found = re.search(r"^#codec_id 0: (\S+)", report, re.MULTILINE)
    return found[1] if found else "unknown"


@dataclass(frozen=True)
class Soundtrack(Sound):
    """The first sound track of ``path`` from its second ``start`` on, for as long as the film: ``seconds``.

    Where the song is shorter, silence follows. ``as_it_is`` says that the film has the whole song, undamaged;
    ``fade_out`` is seconds.
    """

    seconds: float
    fade_out: float
    as_it_is: bool

    def inputs(self) -> list[str]:
        """ffmpeg's arguments that open the song."""
        return song_source(self.path)

    def outputs(self, muxer: str, index: int) -> list[str]:
        """ffmpeg's arguments that put the song, as input ``index``, into a file of this ``muxer``."""
        if muxer not in ENCODED:
            return []
        chosen = ["-map", f"{index}:a:0"]
        if self._copied(muxer):
            return [*chosen, "-c:a", "copy"]
        codec, bits = ENCODED[muxer]
        return [*chosen, "-filter:a", self._chain(), "-c:a", codec, "-b:a", bits]

    def note(self, muxer: str) -> str:
        """What a person should know about the song in a file of this ``muxer``; else an empty string."""
        return "" if muxer in ENCODED else "this kind of file holds no sound; the song is left out"

    def _copied(self, muxer: str) -> bool:
        known = COPIED.get(muxer, frozenset())
        return self.as_it_is and not self.fade_out and {*self.codecs} <= known & KEPT

    def _chain(self) -> str:
        chain = [
            "aresample=async=1:first_pts=0",
            f"atrim=start={self.start:.6f}",
            "asetpts=PTS-STARTPTS",
            f"apad=whole_dur={self.seconds:.6f}",
            f"atrim=end={self.seconds:.6f}",
            f"aformat=sample_rates={'|'.join(map(str, _RATES))}",
        ]
        if self.fade_out:
            chain.append(f"afade=t=out:st={max(0.0, self.seconds - self.fade_out):.6f}:d={self.fade_out:.6f}")
        return ",".join(chain)


_RATES = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, FASTEST)
