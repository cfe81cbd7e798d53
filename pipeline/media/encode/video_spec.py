"""What a finished video is."""

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from pipeline.config import EncodeConfig
from pipeline.media.encode.captions import Caption


@dataclass(frozen=True)
class VideoSpec:
    """A finished video at ``path``: ``frames`` of ``width`` × ``height`` pixels at ``fps``, frame n at n / fps seconds.

    ``record`` is any text, stored in the file; ``overwrite`` replaces an existing film. Files that hold no chapters and
    subtitles leave them out. ``is_sphere``: players show it all around.
    """

    path: Path
    encode: EncodeConfig
    width: int
    height: int
    fps: Fraction
    frames: int
    record: str
    title: str
    overwrite: bool
    chapters: tuple[Caption, ...] = ()
    subtitles: tuple[Caption, ...] = ()
    is_sphere: bool = False
