"""Mixes the sounds of a film's shots, each faded as its pictures are. No torch."""

from dataclasses import dataclass
from pathlib import Path

from pipeline.media.decode.probe import source
from pipeline.media.sound.song_audio import ENCODED, MAX_SAMPLE_RATE
from pipeline.media.sound.tracks import Track

DECLICK_SECONDS = 0.005  # fade of a sound at a cut, so that it does not click
TOLERANCE_SECONDS = 0.001  # between two parts that play on as in their file
SYNC = "aresample=async=1:first_pts=0"  # fills silence before the first part: adelay alone would shift the whole track


@dataclass(frozen=True)
class Part:
    """The sound ``track`` of ``path``; its second ``start`` plays at second ``begin`` of the film.

    It ends at ``end`` and fades for ``rise`` and ``fall`` seconds. A mono track plays on both sides.
    """

    path: Path
    start: float
    begin: float
    end: float
    rise: float = DECLICK_SECONDS
    fall: float = DECLICK_SECONDS
    track: Track = Track()

    def goes_on(self, other: "Part") -> bool:
        """Whether ``other``, which begins later, continues this part as in the file."""
        here = self.start + other.begin - self.begin
        is_near = other.begin <= self.end + TOLERANCE_SECONDS and abs(other.start - here) < TOLERANCE_SECONDS
        return self.path == other.path and is_near


@dataclass(frozen=True)
class SoundMix:
    """``parts`` in order, in stereo, ``seconds`` long, with silence elsewhere; ``fade_out`` is in seconds."""

    parts: tuple[Part, ...]
    seconds: float
    fade_out: float = 0.0

    @property
    def files(self) -> tuple[Path, ...]:
        """The input files."""
        return tuple(part.path for part in self.parts)

    def inputs(self) -> list[str]:
        """ffmpeg's arguments that open every part, with its beginning as second 0."""
        opened = [("-itsoffset", f"{-p.start:.6f}", *p.track.input_filter, *source(p.path)) for p in self.parts]
        return [word for words in opened for word in words]

    def outputs(self, muxer: str, index: int) -> list[str]:
        """ffmpeg's arguments that mix the parts, inputs from ``index`` on, into a file of this ``muxer``."""
        if muxer not in ENCODED:
            return []
        codec, bitrate = ENCODED[muxer]
        chains = [
            f"[{index + number}:a:{part.track.number}]{_filters(part)}[part{number}]"
            for number, part in enumerate(self.parts)
        ]
        parts = "".join(f"[part{number}]" for number in range(len(self.parts)))
        end = f"apad=whole_dur={self.seconds:.6f},atrim=end={self.seconds:.6f}"
        if self.fade_out:
            end += f",afade=t=out:st={max(0.0, self.seconds - self.fade_out):.6f}:d={self.fade_out:.6f}"
        # normalize=0: a sum, so that each part is as loud as alone.
        mix = f"{parts}amix=inputs={len(self.parts)}:normalize=0:dropout_transition=0,{SYNC},{end}[mix]"
        return ["-filter_complex", ";".join([*chains, mix]), "-map", "[mix]", "-c:a", codec, "-b:a", bitrate]

    def note(self, muxer: str) -> str:
        """That a file of this ``muxer`` holds no sound; else an empty string."""
        return "" if muxer in ENCODED else "this kind of file holds no sound; that of the footage is left out"


def _filters(part: Part) -> str:
    """From the file's track to its place in the film, with equal-power fades."""
    length = part.end - part.begin
    # aformat would make a mono track quieter.
    stereo = ["pan=stereo|c0=c0|c1=c0"] if part.track.is_mono else part.track.filters("stereo")
    return ",".join(
        [
            f"aresample={MAX_SAMPLE_RATE}:{part.track.resample}",
            *part.track.finite,
            "aformat=sample_fmts=fltp",
            *stereo,
            f"atrim=end={length:.6f}",
            f"afade=t=in:d={part.rise:.6f}:curve=qsin",
            f"afade=t=out:st={max(0.0, length - part.fall):.6f}:d={part.fall:.6f}:curve=qsin",
            f"adelay={round(part.begin * MAX_SAMPLE_RATE)}S:all=1",
        ]
    )
