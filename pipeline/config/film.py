"""What the list of a film's shots may say."""

TRANSITIONS = ("cut", "crossfade", "dip", "zoom_through")
"""How a shot comes out of the one before: at once, mixed, through black, or going on from its last picture."""

WORDS = ("preset", "name", "duration", "transition", "fade", "seed")
"""What an entry may say beside settings."""

OF_FILM = (
    *("output", "overwrite", "resume", "keep_segments", "segment", "frames", "device", "jobs", "precision"),
    *("deterministic", "frame", "encode", "limits", "audio", "film", "presets", "loop", "shots", "hydra"),
)
"""Settings that all shots share."""

FADE = "1s"
"""How long a transition takes that does not say it."""

BARS = 8
"""How many bars the sections of a film without a song have."""

RUN_UP = 1.5
"""Seconds for which the end of a loop is led to what comes before its beginning."""
