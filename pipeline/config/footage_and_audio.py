"""Footage under the dream, the optical flow that carries the dream along, and the song."""

from dataclasses import dataclass
from typing import Any

from pipeline.config.setting import option


@dataclass
class SourceConfig:
    """Footage to dream over."""

    kind: str = option(
        "none",
        "footage, or a walk through a generator; a camera in live sessions",
        choices=("none", "video", "imagine", "camera"),
    )
    path: str | None = option(
        None, "your footage: a video, a folder of pictures, or frames/%05d.png; a camera's device"
    )
    start: Any = option("0s", "where in the footage the film begins: 4s, 96f, 25%")
    end: Any = option(None, "where in the footage the film ends; null: at its end")
    fps: Any = option(None, "frame rate to convert the footage to; null: its own, for pictures 24")
    salvage: bool = option(False, "of a damaged file, render the part before the damage")
    background: list[float] = option([0.0, 0.0, 0.0], "red, green, blue in 0..1 behind transparent footage")
    cut: float = option(
        10.0,
        "percent of change between frames that count as a cut, where the dream starts over; 0: never",
        low=0,
        high=100,
    )


@dataclass
class FlowConfig:
    """How the dream follows the motion in the footage."""

    kind: str = option("dis", "optical flow method", choices=("dis", "raft", "none"))
    style: str = option(
        "residual",
        "what the flow carries on: what the dream added (residual), or the whole picture (blend)",
        choices=("residual", "blend"),
    )
    persistence: Any = option(0.98, "fraction of it that remains after 1/24 second", low=0, high=1, curve=True)
    reset: Any = option(0.0, "rate per second at which the picture returns to the footage", low=0, high=100, curve=True)
    still: Any = option(
        None,
        "time without motion after which a place dreams fully, while motion shows the footage; null: dream everywhere",
    )
    keep_light: float = option(0.6, "fraction of broad light and color that comes back from the footage", low=0, high=1)
    warmup: int = option(32, "extra dreams of the first frame, and of the first frame after a cut", low=0, high=500)
    preset: str = option("medium", "accuracy of dis", choices=("fast", "medium", "fine"))
    side: int = option(360, "pixels of the short side at which flow is estimated", low=16, high=4096)


@dataclass
class AudioConfig:
    """The song that the score follows, and the sound of the film."""

    kind: str = option(
        "source",
        "sound of the film: the song of audio.path, else the footage's sound (source); only the song (file); or none",
        choices=("source", "file", "none"),
    )
    path: str | None = option(None, "the song that the score follows: mp3, m4a, flac, ogg, wav, or a video's sound")
    start: Any = option("0s", "where in the song the film begins: 30s, 1m05s")
    fade_out: Any = option("0s", "how long the sound fades out at the end of the film")
    markers: str | None = option(
        None, "named cues and beats of the song: labels, CSV, Rekordbox, Traktor, MIDI, EDL or OpenTimelineIO"
    )
    stems: Any = option(
        None, "parts of the song whose levels and onsets are signals by name: {drums: d.wav, voice: v.wav}"
    )
    signals: str | None = option(
        None, "recorded levels and beats that expressions follow in place of the song's, as a live session writes them"
    )
    tracker: str = option(
        "auto",
        "what detects beats: auto (builtin), builtin, librosa or beat_this (extras librosa and beats)",
        choices=("auto", "builtin", "librosa", "beat_this"),
    )
    bpm: float | None = option(None, "beats per minute; null: detected, without a song 120", low=20, high=400)
    offset: Any = option(None, "second of the song at which a bar begins; null: detected")
    beats_per_bar: int = option(4, "beats per bar", low=1, high=32)
    attack: float = option(0.01, "seconds in which beat, bass and the other signals rise", low=0, high=60)
    release: float = option(0.25, "seconds in which they fall to 37 %", low=0.001, high=60)
