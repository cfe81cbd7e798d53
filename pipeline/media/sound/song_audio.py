"""A song for a film: copied packet by packet where it fits as it is, else cut, faded and encoded. No torch."""

from dataclasses import dataclass
from pathlib import Path

from pipeline.media.decode import probe
from pipeline.media.sound.source_audio import COPIED, Sound
from pipeline.media.sound.tracks import Track, song_track

# Containers of recorded sound, and of video with sound. Playlists, which open other files, are not among them.
FORMATS = f"mp3,flac,ogg,wav,w64,aiff,aac,ac3,eac3,caf,amr,au,{probe.FORMATS}"
# For each container, the codec of a song that cannot be copied, and its bit rate.
ENCODED = {"mp4": ("aac", "256k"), "mov": ("aac", "256k"), "matroska": ("aac", "256k"), "webm": ("libopus", "192k")}
# Codecs that start exactly when copied: an MP3 loses the silence that its header says to skip.
EXACT_START = frozenset({"aac", "alac", "flac", "opus", "pcm_s16le", "pcm_s24le"})
MAX_SAMPLE_RATE = 48_000
SAMPLE_RATES = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, MAX_SAMPLE_RATE)


def song_source(path: Path) -> list[str]:
    """ffmpeg's input arguments for an untrusted song: this file only, no playlists."""
    return ["-protocol_whitelist", "file", "-format_whitelist", FORMATS, "-i", f"file:{path}"]


def first_track(path: Path) -> Track:
    """The first sound track of a song. Raises InputError."""
    return song_track(path, song_source(path))


@dataclass(frozen=True)
class Soundtrack(Sound):
    """The first sound track of ``path`` from second ``start`` on, for the ``seconds`` of the film.

    Where the song is shorter, silence follows. ``unchanged``: the film has the whole song, undamaged; ``fade_out`` is
    in seconds.
    """

    seconds: float
    fade_out: float
    unchanged: bool

    def inputs(self) -> list[str]:
        """ffmpeg's arguments that open the song."""
        return song_source(self.path)

    def outputs(self, muxer: str, index: int) -> list[str]:
        """ffmpeg's arguments that write the song, input number ``index``, to a file of this ``muxer``."""
        if muxer not in ENCODED:
            return []
        track = ["-map", f"{index}:a:0"]
        if self._is_copied(muxer):
            return [*track, "-c:a", "copy"]
        codec, bitrate = ENCODED[muxer]
        return [*track, "-filter:a", self.filters(), "-c:a", codec, "-b:a", bitrate]

    def note(self, muxer: str) -> str:
        """That a file of this ``muxer`` holds no sound, or fewer channels; else an empty string."""
        if muxer not in ENCODED:
            return "this kind of file holds no sound; the song is left out"
        track = self.tracks[0]
        if not track.mixdown or self._is_copied(muxer):
            return ""
        return f"the song has {track.channels} channels; they are mixed down to {track.mixdown}"

    def _is_copied(self, muxer: str) -> bool:
        copyable = self.tracks[0].codec in COPIED[muxer] & EXACT_START
        return copyable and self.unchanged and not self.fade_out

    def filters(self) -> str:
        """ffmpeg's filters that cut, pad and fade the song."""
        chain = [
            "aresample=async=1:first_pts=0",
            f"atrim=start={self.start:.6f}",
            "asetpts=PTS-STARTPTS",
            f"apad=whole_dur={self.seconds:.6f}",
            f"atrim=end={self.seconds:.6f}",
            *self.tracks[0].finite,
            *self.tracks[0].filters(),
            f"aformat=sample_rates={'|'.join(map(str, SAMPLE_RATES))}",
        ]
        if self.fade_out:
            chain.append(f"afade=t=out:st={max(0.0, self.seconds - self.fade_out):.6f}:d={self.fade_out:.6f}")
        return ",".join(chain)
