"""From one shot into the next: finished frames of both, mixed into a short piece of film of its own. No dreaming."""

import json
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from torch import Tensor

from pipeline import image
from pipeline.media import ffmpeg
from pipeline.media.encode.encoder import Encoder
from pipeline.media.encode.lossless import read
from pipeline.runtime.files import move_into_place, sha256_of, write_json


@dataclass(frozen=True)
class Seam:
    """A ``kind`` of transition over ``frames`` frames: the lossless files of one shot's end, the next one's beginning.

    ``coding`` is what the piece depends on beside them.
    """

    kind: str
    frames: int
    before: tuple[Path, ...]
    after: tuple[Path, ...]
    coding: str


def mix(kind: str, before: Tensor, after: Tensor, number: int, count: int) -> Tensor:
    """Frame ``number`` of ``count``, ``(1, 3, H, W)`` in [0, 1]: of a crossfade both, of a dip one and then, after
    black, the other.
    """
    if kind == "crossfade":
        return image.crossfade(before, after, (number + 1) / (count + 1))
    half = (count + 1) // 2  # so that it is black whether there is one frame in the middle or two
    left, come = 1 - (number + 1) / half, 1 - (count - number) / half
    return before * left if number < half else after * come


def make_seam(seam: Seam, path: Path, encoder: Encoder) -> Path:
    """The piece at ``path``, made unless it is there already from the same frames. Raises RenderError kinds."""
    told = path.with_suffix(".json")
    asked = {**asdict(seam), "ffmpeg": ffmpeg.version()}
    asked |= {"before": [sha256_of(file) for file in seam.before], "after": [sha256_of(file) for file in seam.after]}
    with suppress(OSError, ValueError, AttributeError):
        found = json.loads(told.read_text(encoding="utf-8"))
        if found.get("made_from") == asked and found.get("sha256") == sha256_of(path):
            return path
    with encoder:
        pairs = zip(read(seam.before), read(seam.after), strict=True)
        for number, (before, after) in enumerate(pairs):
            encoder.write(mix(seam.kind, before, after, number, seam.frames))
    move_into_place(encoder.part, path, overwrite=True)
    write_json(told, {"made_from": asked, "sha256": sha256_of(path)})
    return path
