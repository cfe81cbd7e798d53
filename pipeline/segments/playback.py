"""Shows the finished frames of a film in another order or at another speed, segment by segment. No dreaming.

Dreamed frames are read back from lossless files, a block at a time: a film of any length takes the same memory. Each
shown segment is written once and stays until the film is joined, so a stop costs no more than one.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from fractions import Fraction
from itertools import islice
from pathlib import Path

from torch import Tensor

from pipeline.errors import Interrupted
from pipeline.media import ffmpeg
from pipeline.media.encode.encoder import Encoder
from pipeline.media.encode.lossless import read_frames
from pipeline.motion.interpolate import Interpolator
from pipeline.plan.playback import Playback
from pipeline.runtime.files import move_into_place, sha256_of, write_json
from pipeline.runtime.interrupt import Stop
from pipeline.runtime.progress import Progress

MAX_BLOCK_BYTES = 400e6  # of dreamed frames read at a time; two blocks are in memory
FRAME_BYTES = 12  # per pixel: float32 in three colours

Pieces = Sequence[tuple[Path, range]]
"""(lossless video, its frames of the film), in order."""


class DreamedFrames:
    """The dreamed frames of a film by number, in any order. Neighbouring ones cost one reading."""

    def __init__(self, pieces: Pieces, pixels: int) -> None:
        self._pieces = pieces
        self._count = max(2, int(MAX_BLOCK_BYTES / (FRAME_BYTES * pixels)))
        self._blocks: dict[tuple[int, int], list[Tensor]] = {}

    def __getitem__(self, number: int) -> Tensor:
        place = next(n for n, (_, span) in enumerate(self._pieces) if number in span)
        path, span = self._pieces[place]
        block, offset = divmod(number - span.start, self._count)
        key = place, block
        if key not in self._blocks:
            while len(self._blocks) > 1:  # the one read before last
                self._blocks.pop(next(iter(self._blocks)))
            first = block * self._count
            self._blocks[key] = list(islice(read_frames([path]), first, min(first + self._count, len(span))))
        return self._blocks[key][offset]

    def sha256_of(self, numbers: set[int]) -> list[str]:
        """SHA-256 of the files that hold these frames."""
        return [sha256_of(path) for path, span in self._pieces if not numbers.isdisjoint(span)]


def play(
    playback: Playback,
    frames: DreamedFrames,
    folder: Path,
    open_encoder: Callable[[Path, Fraction], Encoder],
    layout: tuple[int, str, str],
    stop: Stop,
) -> Iterator[tuple[Path, range]]:
    """(video, its frames of the shown film) of everything that is shown, in order; renders what is missing.

    ``layout`` has the frames per segment, the suffix of its file, and whatever else the file depends on. Raises
    Interrupted, RenderError kinds.
    """
    grid, suffix, coding = layout
    flow, total = Interpolator(), len(playback.positions)
    with Progress(total, "showing", 0, {}) as progress:
        for first in range(0, total, grid):
            if stop.requested:
                raise Interrupted(f"stopped; {first} of {total} frames to show are in {folder}")
            shown = range(first, min(first + grid, total))
            pairs = [playback.pair(playback.positions[number]) for number in shown]
            path = folder / f"played-{first // grid:05}{suffix}"
            sources = frames.sha256_of({number for a, b, _ in pairs for number in (a, b)})
            made_from = {"frames": pairs, "fps": str(playback.fps), "coding": coding, "ffmpeg": ffmpeg.version()}
            text = json.dumps({**made_from, "files": sources})
            if not _is_made(path, digest := hashlib.sha256(text.encode()).hexdigest()):
                with open_encoder(path, playback.fps) as encoder:
                    for a, b, fraction in pairs:
                        frame = flow.between(frames[a], frames[b], fraction, (a, b)) if fraction else frames[a]
                        encoder.write(frame)
                        progress.step()
                move_into_place(encoder.part, path, overwrite=True)
                write_json(path.with_suffix(".json"), {"made_from": digest, "sha256": sha256_of(path)})
            else:
                for _ in shown:
                    progress.step(rendered=False)
            yield path, shown


def _is_made(path: Path, made_from: str) -> bool:
    """Whether the file is there, whole, and made from the same frames."""
    with suppress(OSError, ValueError, AttributeError):
        existing = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
        return bool(existing.get("made_from") == made_from and existing.get("sha256") == sha256_of(path))
    return False
