"""How one frame is dreamed."""

from dataclasses import dataclass
from typing import Any

from pipeline.config.renamed import MASK_WORDS
from pipeline.config.setting import option
from pipeline.errors import ConfigError, nearest

TILE_WORDS = ("auto", "never")


@dataclass
class DreamConfig:
    """Gradient ascent on one frame."""

    octaves: int = option(3, "scales at which each frame is dreamed", low=1, high=16)
    octave_ratio: float = option(1.6, "size of an octave relative to the next smaller one", low=1.05, high=4)
    steps: int = option(1, "gradient steps per octave and frame", low=1, high=200)
    strength: Any = option(
        0.6,
        "how much each octave adds per second (standard deviation, values in 0..1)",
        low=0,
        high=100,
        curve=True,
        usual=(0, 2),
    )
    detail: Any = option(
        1.0,
        "strength of the largest octave relative to the smallest; lower values show large motifs",
        low=0.02,
        high=50,
        curve=True,
        usual=(0.02, 3),
    )
    jitter: int = option(32, "maximum random shift of the frame before each step, in pixels", low=0, high=1024)
    noise: Any = option(
        0.0,
        "noise in what the network looks at, as a standard deviation: whole forms grow instead of fine ripples",
        low=0,
        high=1,
        curve=True,
        usual=(0, 0.4),
    )
    precondition: str = option(
        "fourier",
        "how the gradient's high frequencies are damped",
        choices=("fourier", "gaussian", "laplacian", "none"),
    )
    exponent: Any = option(
        1.0, "power of the frequency that fourier divides by; 0 is the classic look", low=0, high=3, curve=True
    )
    crispness: Any = option(
        0.0,
        "how much lower the exponent is in fine octaves, as a fraction: crisp fur and feathers on whole animals",
        low=0,
        high=1,
        curve=True,
    )
    color_correlation: Any = option(
        1.0, "color channels change together as in photographs (1) or independently (0)", low=0, high=1, curve=True
    )
    fill: Any = option(
        0.0, "fills calm areas: divides the gradient by its local strength to this power", low=0, high=1, curve=True
    )
    prior: Any = option(
        0.0,
        "pull of coarse shapes toward what a generator can make (imagine.weights), in 1/24 second",
        low=0,
        high=1,
        curve=True,
        usual=(0, 0.5),
    )
    echo: Any = option(
        0.0,
        "trails: the share of the last seconds, moved along by the camera, in what is shown",
        low=0,
        high=0.95,
        curve=True,
    )
    echo_seconds: Any = option(0.5, "seconds in which a trail fades to a third", low=0.02, high=60, curve=True)
    momentum: Any = option(
        0.0,
        "share of each step that goes on in the next, per 1/24 second: calmer, larger forms; not over footage",
        low=0,
        high=0.97,
        curve=True,
    )
    coarse_momentum: Any = option(
        0.0,
        "the same for forms that the smallest octave shows, if it is more: calm motifs under lively detail",
        low=0,
        high=0.99,
        curve=True,
    )
    interval: int = option(
        1,
        "frames from one dream to the next, that much stronger, of the third smallest octave and all larger ones:"
        " faster, a little less calm",
        low=1,
        high=8,
    )
    mask: str = option(
        "none",
        "where the dream is strong: everywhere, or where the footage moves, stands still or is bright",
        choices=MASK_WORDS,
    )
    tone: str = option(
        "hold",
        "brightness and contrast: hold tone_mean and tone_contrast, those of the start, or let them drift (free)",
        choices=("hold", "start", "free"),
    )
    tone_mean: Any = option(0.45, "mean brightness that tone=hold holds", low=0.05, high=0.95, curve=True)
    tone_contrast: Any = option(
        0.22, "contrast that tone=hold holds, as a standard deviation", low=0.02, high=0.45, curve=True
    )
    tile: Any = option(
        "auto",
        "side in pixels of the tiles that save memory on large frames; auto: from 4K on; or never",
        low=64,
        high=16384,
    )
    graphs: bool = option(True, "record each octave's passes as CUDA graphs and replay them")
    tone_rate: Any = option(8.0, "rate per second at which tone=hold pulls", low=0, high=100, curve=True, usual=(0, 20))


def check_tile(tile: Any) -> None:
    """Raise ConfigError unless ``tile`` is a value of ``dream.tile``; ``check_settings`` checks its range."""
    if tile not in TILE_WORDS and (not isinstance(tile, int) or isinstance(tile, bool)):
        allowed = "allowed are auto, never, or a whole number of pixels from 64 to 16384"
        raise ConfigError("dream.tile", tile, allowed + nearest(str(tile), TILE_WORDS))
