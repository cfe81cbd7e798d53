"""What the list of a film's shots may say."""

TRANSITIONS = ("cut", "crossfade", "dip", "zoom_through")
"""How a shot comes out of the one before: at once, mixed, through black, or going on from its last picture."""

WORDS = ("preset", "name", "duration", "transition", "fade", "seed")
"""What an entry may say beside settings."""

OF_FILM = (
    *("output", "overwrite", "resume", "keep_segments", "segment", "frames", "device", "precision"),
    *("frame", "encode", "limits", "audio", "film", "presets", "loop", "shots", "hydra"),
)
"""Settings that all shots share."""
