"""The song that the score follows, and the sound of the film."""

from dataclasses import dataclass
from typing import Any

from pipeline.config.setting import option


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
    downbeat: Any = option(None, "second of the song at which a bar begins; null: detected")
    beats_per_bar: int = option(4, "beats per bar", low=1, high=32)
    attack: float = option(0.01, "seconds in which beat, bass and the other signals rise", low=0, high=60)
    release: float = option(0.25, "seconds in which they fall to 37 %", low=0.001, high=60)
