"""Footage under the dream, and how the dream follows what moves in it."""

from dataclasses import dataclass
from typing import Any

from pipeline.config.setting import option


@dataclass
class SourceConfig:
    """Footage to dream over."""

    kind: str = option("none", "footage under the dream", choices=("none", "video"))
    path: str | None = option(None, "the footage: a video, a folder of pictures, or frames/%05d.png")
    start: Any = option("0s", "where in the footage the film begins: 4s, 96f, 25%")
    end: Any = option(None, "where in the footage the film ends; null: at its end")
    fps: Any = option(None, "frames per second that the footage is conformed to; null: its own, 24 for pictures")
    salvage: bool = option(False, "render what stands before the damage of a damaged file")
    background: list[float] = option([0.0, 0.0, 0.0], "red, green, blue in 0..1 behind transparent footage")
    cut: float = option(
        10.0, "per cent of change that count as a cut, where the dream begins anew; 0: none", low=0, high=100
    )


@dataclass
class FlowConfig:
    """How the dream follows what moves in the footage."""

    kind: str = option("dis", "estimator of motion", choices=("dis", "raft", "none"))
    style: str = option(
        "residual",
        "what is carried on: what the dream added (residual), or the whole picture (blend)",
        choices=("residual", "blend"),
    )
    persistence: Any = option(0.98, "share of it that a 24th of a second keeps", low=0, high=1, curve=True)
    reset: Any = option(0.0, "pull back to the source per second (as a rate)", low=0, high=100, curve=True)
    light: float = option(0.6, "share of broad light and colour that is given back to the footage", low=0, high=1)
    ripen: int = option(32, "more dreams of the first frame, and of the first after a cut", low=0, high=500)
    preset: str = option("medium", "care that dis takes", choices=("fast", "medium", "fine"))
    side: int = option(360, "pixels on the short side at which motion is estimated", low=16, high=4096)


@dataclass
class AudioConfig:
    """The music that a film moves to, and what is heard under it."""

    kind: str = option(
        "source",
        "what is heard: the song of audio.path, else the footage's own sound (source), only that song, or nothing",
        choices=("source", "file", "none"),
    )
    path: str | None = option(None, "the song that the score moves to: mp3, m4a, flac, ogg, wav, or a video's sound")
    start: Any = option("0s", "where in the song the film begins: 30s, 1m05s")
    fade_out: Any = option("0s", "the sound fades to silence over the end of the film, for this long")
    bpm: float | None = option(None, "beats per minute; null: as heard, without a song 120", low=20, high=400)
    offset: Any = option(None, "the second of the song at which a bar begins; null: as heard")
    beats_per_bar: int = option(4, "beats of a bar", low=1, high=32)
    attack: float = option(0.01, "seconds in which beat, bass and the other signals rise", low=0, high=60)
    release: float = option(0.25, "seconds in which they fall to a third", low=0.001, high=60)
