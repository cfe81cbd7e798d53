"""Mixes the frames of two shots into the short video between them. No dreaming."""

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from torch import Tensor

from pipeline import image
from pipeline.media import ffmpeg
from pipeline.media.encode.encoder import Encoder
from pipeline.media.encode.lossless import read_frames
from pipeline.runtime.files import move_into_place, sha256_of, write_json


@dataclass(frozen=True)
class TransitionPiece:
    """A transition of ``frames`` frames from the lossless files ``before`` (end of a shot) and ``after`` (start of the
    next). ``coding`` is whatever else the piece depends on.
    """

    kind: str
    frames: int
    before: tuple[Path, ...]
    after: tuple[Path, ...]
    coding: str


def crossfade(before: Tensor, after: Tensor, number: int, count: int) -> Tensor:
    """Frame ``number`` of ``count``: a mix of both."""
    return image.crossfade(before, after, (number + 1) / (count + 1))


def dip(before: Tensor, after: Tensor, number: int, count: int) -> Tensor:
    """Frame ``number`` of ``count``: fade to black, then from black."""
    half = (count + 1) // 2  # black in the middle, whether that is one frame or two
    if number < half:
        return before * (1 - (number + 1) / half)
    return after * (1 - (count - number) / half)


MIXES: dict[str, Callable[[Tensor, Tensor, int, int], Tensor]] = {"crossfade": crossfade, "dip": dip}
"""(before, after, number, count) → frame, all ``(1, 3, H, W)`` in [0, 1]; one for each overlapping transition of
``plan.transition_table``.
"""


def make_transition(piece: TransitionPiece, path: Path, encoder: Encoder) -> Path:
    """Render the piece to ``path``, unless it is there already from the same frames. Raises RenderError kinds."""
    source_path = path.with_suffix(".json")
    source = {**asdict(piece), "ffmpeg": ffmpeg.version()}
    source |= {"before": [sha256_of(file) for file in piece.before], "after": [sha256_of(file) for file in piece.after]}
    with suppress(OSError, ValueError, AttributeError):
        existing = json.loads(source_path.read_text(encoding="utf-8"))
        if existing.get("made_from") == source and existing.get("sha256") == sha256_of(path):
            return path
    with encoder:
        pairs = zip(read_frames(piece.before), read_frames(piece.after), strict=True)
        for number, (before, after) in enumerate(pairs):
            encoder.write(MIXES[piece.kind](before, after, number, piece.frames))
    move_into_place(encoder.part, path, overwrite=True)
    write_json(source_path, {"made_from": source, "sha256": sha256_of(path)})
    return path
