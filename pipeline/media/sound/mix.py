"""The sounds of a film's shots, each under its own pictures and faded as they are. No torch."""

from dataclasses import dataclass
from pathlib import Path

from pipeline.media.decode.probe import source
from pipeline.media.sound.song_audio import ENCODED, FASTEST

EDGE = 0.005  # seconds in which sound begins and ends at a cut, so that it does not click
SAME = 0.001  # seconds by which a sound that goes on may miss itself
BEGUN = "aresample=async=1:first_pts=0"  # silence where no part has begun: a delay alone moves the whole track


@dataclass(frozen=True)
class Part:
    """The first sound track of ``path``, whose second ``start`` is heard at second ``begin`` of the film.

    It is over at ``end``, and rises and falls for so many seconds. One that is ``mono`` comes from both sides.
    """

    path: Path
    start: float
    begin: float
    end: float
    rise: float = EDGE
    fall: float = EDGE
    mono: bool = False

    def goes_on(self, other: "Part") -> bool:
        """Whether ``other``, which begins later, is what is heard of the same file there anyhow."""
        here = self.start + other.begin - self.begin
        return self.path == other.path and other.begin <= self.end + SAME and abs(other.start - here) < SAME


@dataclass(frozen=True)
class Medley:
    """The sounds of ``parts``, in order, with silence where there is none, in stereo and ``seconds`` long.

    ``fade_out`` is seconds.
    """

    parts: tuple[Part, ...]
    seconds: float
    fade_out: float = 0.0

    @property
    def files(self) -> tuple[Path, ...]:
        """What is opened."""
        return tuple(part.path for part in self.parts)

    def inputs(self) -> list[str]:
        """ffmpeg's arguments that open every part, with its beginning as second 0."""
        return [word for part in self.parts for word in ("-itsoffset", f"{-part.start:.6f}", *source(part.path))]

    def outputs(self, muxer: str, index: int) -> list[str]:
        """ffmpeg's arguments that mix the parts, as inputs from ``index`` on, into a file of this ``muxer``."""
        if muxer not in ENCODED:
            return []
        codec, bits = ENCODED[muxer]
        chains = [f"[{index + number}:a:0]{_chain(part)}[part{number}]" for number, part in enumerate(self.parts)]
        parts = "".join(f"[part{number}]" for number in range(len(self.parts)))
        end = f"apad=whole_dur={self.seconds:.6f},atrim=end={self.seconds:.6f}"
        if self.fade_out:
            end += f",afade=t=out:st={max(0.0, self.seconds - self.fade_out):.6f}:d={self.fade_out:.6f}"
        # A sum: each part is as loud as it is alone.
        mixed = f"{parts}amix=inputs={len(self.parts)}:normalize=0:dropout_transition=0,{BEGUN},{end}[heard]"
        return ["-filter_complex", ";".join([*chains, mixed]), "-map", "[heard]", "-c:a", codec, "-b:a", bits]

    def note(self, muxer: str) -> str:
        """What a person should know about the sound in a file of this ``muxer``."""
        return "" if muxer in ENCODED else "this kind of file holds no sound; that of the footage is left out"


def _chain(part: Part) -> str:
    """From a track as it is in its file to its place in the film; equal power where it rises and falls."""
    length = part.end - part.begin
    sides = "pan=stereo|c0=c0|c1=c0" if part.mono else "aformat=channel_layouts=stereo"  # which would make mono faint
    return ",".join(
        [
            f"aresample={FASTEST}:async=1:first_pts=0",
            f"aformat=sample_fmts=fltp,{sides},atrim=end={length:.6f}",
            f"afade=t=in:d={part.rise:.6f}:curve=qsin",
            f"afade=t=out:st={max(0.0, length - part.fall):.6f}:d={part.fall:.6f}:curve=qsin",
            f"adelay={round(part.begin * FASTEST)}S:all=1",
        ]
    )
