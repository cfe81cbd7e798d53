"""One picture: its size, where it begins, who dreams it and how, and the camera between two of them."""

from dataclasses import dataclass
from typing import Any

from pipeline.config.setting import option
from pipeline.errors import ConfigError, nearest

NETWORKS = (
    "motifnet",
    "squeezenet1_0",
    "squeezenet1_1",
    "googlenet",
    "inception_v3",
    "vgg16",
    "vgg19",
    "resnet50",
    "densenet121",
    "mobilenet_v3_large",
    "efficientnet_b0",
    "convnext_tiny",
)
TILES = ("auto", "never")


@dataclass
class FrameConfig:
    """The picture's size and rate."""

    width: int = option(640, "pixels; an odd number is rounded up to even; 0: the footage's own", low=0, high=16384)
    height: int = option(360, "pixels; an odd number is rounded up to even; 0: the footage's own", low=0, high=16384)
    fps: Any = option("24", "frames per second: 24, 30000/1001, 29.97, or source; changes smoothness, never motion")
    scale: float = option(1.0, "factor on width and height (what +quality= sets)", low=0.05, high=16)


@dataclass
class StartConfig:
    """What the first frame grows from."""

    kind: str = option("noise", "where the picture comes from", choices=("noise", "image"))
    path: str | None = option(None, "the picture, for start=image")
    background: list[float] = option([0.0, 0.0, 0.0], "red, green, blue in 0..1 behind transparent pictures")
    size: int = option(64, "pixels on the short side at which noise begins to unfold", low=16, high=4096)
    noise: float = option(0.16, "deviation of the white noise around middle grey", low=0.0, high=0.5)
    steps: int = option(
        48,
        "dreams before the first frame; noise grows from start.size to the frame meanwhile",
        low=0,
        high=2000,
    )
    unfold: Any = option("0s", "show the unfolding as the film's opening, for this long")


@dataclass
class NetworkConfig:
    """Who dreams."""

    name: str = option("motifnet", "the embedded motifnet, or any torchvision classifier's name")
    weights: str | None = option(None, "file of weights, .safetensors or .pth; else the cache, else a download")
    layers: list[str] = option([], "layers that random draws choose from; empty: score.layers decides")
    targets: list[Any] = option([], "what the score sees when score.targets is empty")
    guide_layer: str = option("", "layer at which guides are compared that name none; empty: one of the above")
    precision: str = option(
        "float32",
        "what precision=auto means for it on processors with bfloat16 instructions",
        choices=("float32", "bfloat16"),
    )
    channels_last: Any = option(
        "auto", "memory layout of activations; auto is false; on CUDA in half precision it is always true"
    )


@dataclass
class CameraConfig:
    """The move between frames, in rates per second."""

    zoom: Any = option(1.0, "factor per second; above 1 flies in, below 1 out", low=0.05, high=20, curve=True)
    rotate: Any = option(0.0, "degrees per second, clockwise", low=-3600, high=3600, curve=True)
    pan: list[Any] = option(
        [0.0, 0.0],
        "frame widths and heights per second, right and down",
        low=-10,
        high=10,
        curve=True,
    )
    center: list[Any] = option(
        [0.5, 0.5],
        "fixed point of zoom and rotation, as fractions of the frame",
        low=-2,
        high=3,
        curve=True,
    )


@dataclass
class DreamConfig:
    """How one frame is dreamed."""

    octaves: int = option(3, "sizes at which each frame is dreamed", low=1, high=16)
    octave_ratio: float = option(1.6, "size of an octave over the next smaller", low=1.05, high=4)
    steps: int = option(1, "gradient steps per octave and frame", low=1, high=200)
    strength: Any = option(0.6, "deviations of 0..1 that each octave adds per second", low=0, high=100, curve=True)
    detail: Any = option(
        1.0,
        "strength of the largest octave over that of the smallest; less lets large motifs stand out",
        low=0.02,
        high=50,
        curve=True,
    )
    jitter: int = option(32, "pixels by which the frame is moved at random before a step", low=0, high=1024)
    precondition: str = option(
        "fourier",
        "how the gradient's fine detail is weighed down",
        choices=("fourier", "gaussian", "laplacian", "none"),
    )
    exponent: Any = option(
        1.0, "of the frequency that fourier divides by; 0 is the classic look", low=0, high=3, curve=True
    )
    colour: Any = option(
        1.0, "colours move together as in photographs (1) or each on its own (0)", low=0, high=1, curve=True
    )
    equalize: Any = option(0.0, "fills calm areas: divides by local strength to this power", low=0, high=1, curve=True)
    mask: str = option(
        "none",
        "where the dream is strong: everywhere, where footage moves, where it stands still, or where it is bright",
        choices=("none", "motion", "still", "luma"),
    )
    tone: str = option(
        "hold",
        "hold brightness and contrast at tone_mean and tone_contrast, hold those of the start, or let them drift",
        choices=("hold", "start", "free"),
    )
    tone_mean: Any = option(0.45, "brightness that hold pulls toward", low=0.05, high=0.95, curve=True)
    tone_contrast: Any = option(0.22, "deviation that hold pulls toward", low=0.02, high=0.45, curve=True)
    tile: Any = option(
        "auto",
        "pixels a side of the tiles in which larger frames are dreamed, to save memory; auto: from 4K on; or never",
        low=64,
        high=16384,
    )
    graphs: bool = option(True, "on a CUDA GPU, record the passes of each octave once and play them again")
    tone_rate: Any = option(8.0, "share of the way that hold pulls per second (as a rate)", low=0, high=100, curve=True)


def check_tile(tile: Any) -> None:
    """Raise ConfigError unless ``tile`` is a setting of ``dream.tile``; its range is checked with all others'."""
    if tile not in TILES and (not isinstance(tile, int) or isinstance(tile, bool)):
        allowed = "allowed are auto, never, or a whole number of pixels from 64 to 16384"
        raise ConfigError("dream.tile", tile, allowed + nearest(str(tile), TILES))


def check_order(channels_last: Any) -> None:
    """Raise ConfigError unless it is a setting of ``network.channels_last``."""
    if channels_last != "auto" and not isinstance(channels_last, bool):
        raise ConfigError("network.channels_last", channels_last, "allowed are auto, true and false")


@dataclass
class ScoreConfig:
    """What is seen, and when."""

    kind: str = option(
        "cycle",
        "how targets change in time",
        choices=("constant", "cycle", "fractal", "guided", "walk", "layers", "keys", "beats"),
    )
    targets: list[Any] = option(
        [],
        "what to amplify, one after another: [class:owl, stage4:77, 0.5*class:eye + -0.2*stage2]",
    )
    guide: str | None = option(None, "the picture whose features are dreamed, for score=guided")
    layers: list[str] = option([], "layers to draw channels from; empty: the network's own choice")
    draw: int = option(0, "channels drawn at random by seed instead of targets; 0: none", low=0, high=10000)
    keys: list[Any] = option([], "for score=keys: a list of {at: 4s, see: class:owl, weight: 1, fade: 1s}")
    hold: Any = option("2s", "time from one target to the next: 2s, 4b (beats), 1bar")
    every: Any = option("4b", "for score=beats: how many beats from one target to the next")
    fade: Any = option("0.5s", "cross-fade at the end of each hold")
