"""Beat trackers by name. ``auto`` is the one that is best on recordings: the built-in one."""

import importlib.util
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import ConfigError, InputError
from pipeline.music.beats import track
from pipeline.music.features import RATE, Features
from pipeline.music.onsets import Rises

Floats = NDArray[np.float64]
Samples = NDArray[np.float32]

EXTRAS = {"librosa": "librosa", "beat_this": "beats"}
"""Trackers of other packages → the extra that installs them."""
WEIGHTS = "beat_this-final0.ckpt"


def check_tracker(name: str) -> None:
    """Raise ConfigError if the tracker's package is missing, InputError if its weights are."""
    if name not in EXTRAS:
        return
    if importlib.util.find_spec(name) is None:
        remedy = f"pip install 'dream-zoom[{EXTRAS[name]}]', or audio.tracker=auto"
        raise ConfigError("audio.tracker", name, f"the package {name} is not installed; {remedy}")
    if name == "beat_this" and not _weights().is_file():
        source = "https://github.com/CPJKU/beat_this (final0)"
        raise InputError(
            f"audio.tracker=beat_this needs its weights: put {WEIGHTS} of {source} into {_weights().parent}"
        )


def find_beats(name: str, features: Features, rise: Rises, samples: Callable[[], Samples]) -> tuple[Floats, Floats]:
    """(seconds of the beats, seconds of those that start bars if the tracker tells them)."""
    if name == "librosa":
        from librosa.beat import beat_track

        return np.asarray(beat_track(y=samples(), sr=RATE, units="time", trim=False)[1], np.float64), np.zeros(0)
    if name == "beat_this":
        from beat_this.inference import Audio2Beats

        beats, bars = Audio2Beats(str(_weights()), device="cpu")(samples(), RATE)
        return np.asarray(beats, np.float64), np.asarray(bars, np.float64)
    return track(features, rise), np.zeros(0)


def _weights() -> Path:
    """Where torch's cache keeps the weights of beat_this."""
    torch_home = os.environ.get("TORCH_HOME") or Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache", "torch")
    return Path(torch_home, "hub", "checkpoints", WEIGHTS).expanduser()
