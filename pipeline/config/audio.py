"""The music that a film moves to, and what is heard under it."""

from dataclasses import dataclass
from typing import Any

from pipeline.config.option import option


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
