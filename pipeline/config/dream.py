"""Frame size, first frame, network, dream and score."""

from dataclasses import dataclass
from typing import Any

from pipeline.config.renamed import MASK_WORDS
from pipeline.config.setting import option
from pipeline.errors import ConfigError, nearest

NETWORKS = (
    "efficientnet_lite0",
    "efficientnet_lite1",
    "efficientnet_lite2",
    "motifnet",
    "squeezenet1_0",
    "squeezenet1_1",
    "googlenet",
    "bvlc_googlenet",
    "inception_v3",
    "vgg16",
    "vgg19",
    "resnet50",
    "densenet121",
    "mobilenet_v3_large",
    "efficientnet_b0",
    "convnext_tiny",
)
TILE_WORDS = ("auto", "never")


@dataclass
class FrameConfig:
    """Frame size and frame rate."""

    width: int = option(640, "pixels; odd numbers are rounded up; 0: the footage's, or by aspect", low=0, high=16384)
    height: int = option(360, "pixels; odd numbers are rounded up; 0: the footage's, or by aspect", low=0, high=16384)
    aspect: Any = option(None, "shape, such as 9:16 or 2.39, with as many pixels as width and height; format= sets it")
    fit: str | None = option(
        None, "largest size of this shape within 1920x1080, say (turned for portraits); quality= sets it"
    )
    fps: Any = option("24", "frames per second: 24, 30000/1001, 29.97, or source; changes smoothness, not speed")
    projection: str = option(
        "flat",
        "equirect: all around, for headsets and 360° players, twice as wide as high (format=sphere); dome: a master"
        " for planetariums, as wide as high (format=dome)",
        choices=("flat", "equirect", "dome"),
    )
    stereo: str = option(
        "none",
        "two eyes that see the relief of camera=flight, in one frame",
        choices=("none", "side_by_side", "top_bottom"),
    )
    eyes: float = option(0.03, "distance of the two eyes, in frame widths", low=0.001, high=0.3)
    scale: float = option(1.0, "factor on the size", low=0.05, high=16)


@dataclass
class StartConfig:
    """What the first frame is made from."""

    kind: str = option("noise", "noise, your picture, or a generator's", choices=("noise", "image", "imagine"))
    path: str | None = option(None, "your picture, for start=image")
    background: list[float] = option([0.0, 0.0, 0.0], "red, green, blue in 0..1 behind transparent pictures")
    size: int = option(64, "pixels of the short side at which the noise starts to grow", low=16, high=4096)
    noise: float = option(0.16, "standard deviation of the white noise around middle gray", low=0.0, high=0.5)
    steps: int = option(
        48,
        "dreams before the first frame, in which noise grows from start.size to the frame's size",
        low=0,
        high=2000,
    )
    boost: float = option(
        1.0, "factor on dream.strength and dream.tone_rate while the noise grows, also as an opening", low=0.1, high=10
    )
    unfold: Any = option("0s", "show this growth as the film's opening, for this long")


@dataclass
class NetworkConfig:
    """The network that dreams."""

    name: str = option(
        "efficientnet_lite0", "efficientnet_lite0 to 2, motifnet, or one of torchvision, timm, open_clip"
    )
    library: str = option(
        "", "whose network it is: timm, open_clip, or empty for all others", choices=("", "timm", "open_clip")
    )
    weights: str | None = option(None, "file of weights, .safetensors or .pth; null: from the cache, else a download")
    others: Any = option(
        None, "networks that targets name, as class:cliff@places: {places: {name: resnet50, weights: places.pth}}"
    )
    class_names: str | None = option(
        None, "file with the names of the classes, one a line; null: ImageNet's if there are as many, else numbers"
    )
    crops: int = option(4, "random crops of the frame that open_clip's networks look at in each step", low=1, high=64)
    min_crop: float = option(0.4, "size of the smallest crop, of the frame's short side", low=0.1, high=1)
    layers: list[str] = option([], "layers of randomly drawn channels, if score.layers is empty")
    targets: list[Any] = option([], "targets if score.targets is empty")
    class_support: list[Any] = option(
        [], "what calms class targets: a weighted sum of layers added to each, for a weight of 1"
    )
    guide_layer: str = option(
        "", "layer of guides that name none; empty: that of the first of network.targets, else of network.layers"
    )
    precision: str = option(
        "float32",
        "what precision=auto means on CPUs with bfloat16 instructions",
        choices=("float32", "bfloat16"),
    )
    channels_last: Any = option(
        "auto", "memory layout of activations; auto is false; on CUDA in half precision it is always true"
    )

    @property
    def full_name(self) -> str:
        """The name among the networks of all libraries."""
        return f"{self.library}/{self.name}" if self.library else self.name


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


@dataclass
class MaskConfig:
    """A mask of your own. ``dream.mask=FILE`` is short for its path."""

    path: str | None = option(
        None, "your mask, a picture or a video: dream where it is white; over footage both start at the same frame"
    )
    channel: str = option("luma", "which channel counts: brightness or opacity", choices=("luma", "alpha"))
    invert: bool = option(False, "dream where the mask is black, whatever its source")
    feather: float = option(0.0, "softness of its edges, as a fraction of the frame's short side", low=0, high=0.5)


def check_tile(tile: Any) -> None:
    """Raise ConfigError unless ``tile`` is a value of ``dream.tile``; ``check_settings`` checks its range."""
    if tile not in TILE_WORDS and (not isinstance(tile, int) or isinstance(tile, bool)):
        allowed = "allowed are auto, never, or a whole number of pixels from 64 to 16384"
        raise ConfigError("dream.tile", tile, allowed + nearest(str(tile), TILE_WORDS))


def check_channels_last(channels_last: Any) -> None:
    """Raise ConfigError unless it is a value of ``network.channels_last``."""
    if channels_last != "auto" and not isinstance(channels_last, bool):
        raise ConfigError("network.channels_last", channels_last, "allowed are auto, true and false")


@dataclass
class ScoreConfig:
    """Which targets the film amplifies, and when."""

    kind: str = option(
        "cycle",
        "how the targets change over time",
        choices=("constant", "cycle", "fractal", "guided", "walk", "layers", "keys", "beats"),
    )
    targets: list[Any] = option(
        [],
        "what to amplify, one after another: [class:lion, block10:7, 0.5*block8 + -0.2*block5]",
    )
    guide: str | None = option(None, "your picture whose features are dreamed, for score=guided")
    layers: list[str] = option([], "layers to draw channels from; empty: network.layers")
    random_channels: int = option(0, "channels drawn by seed, instead of targets; 0: none", low=0, high=10000)
    keys: list[Any] = option([], "for score=keys: a list of {at: 4s, see: class:lion, weight: 1, fade: 1s}")
    hold: Any = option("2s", "time from one target to the next: 2s, 4b (beats), 1bar")
    every: Any = option("4b", "for score=beats: time from one target to the next, in beats or bars")
    fade: Any = option("0.5s", "cross-fade at the end of each hold")
