"""The schema: every setting with its meaning, unit, default and range. Imports nothing heavy.

Each default lives here once; the files under ``conf/`` hold only differences. ``validate`` checks what types
cannot: ranges and choices. Everything that can move in time (``curve=True``) is kept as it was written;
the score reads it.
"""

import re
from collections.abc import Iterator
from dataclasses import Field, dataclass, field, fields, is_dataclass
from typing import Any

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


def option(
    default: Any,
    help: str,
    *,
    low: float | None = None,
    high: float | None = None,
    choices: tuple[str, ...] = (),
    curve: bool = False,
) -> Any:
    """A dataclass field that knows what it means (``help``, with its unit) and what it may be."""
    metadata = {"help": help, "low": low, "high": high, "choices": choices, "curve": curve}
    if isinstance(default, list):
        return field(default_factory=lambda: list(default), metadata=metadata)
    return field(default=default, metadata=metadata)


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
    persistence: Any = option(0.97, "share of it that a 24th of a second keeps", low=0, high=1, curve=True)
    reset: Any = option(0.0, "pull back to the source per second (as a rate)", low=0, high=100, curve=True)
    light: float = option(0.6, "share of broad light and colour that is given back to the footage", low=0, high=1)
    ripen: int = option(24, "more dreams of the first frame, and of the first after a cut", low=0, high=500)
    preset: str = option("medium", "care that dis takes", choices=("fast", "medium", "fine"))
    side: int = option(360, "pixels on the short side at which motion is estimated", low=16, high=4096)


@dataclass
class NetworkConfig:
    """Who dreams."""

    name: str = option("motifnet", "the embedded motifnet, or any torchvision classifier's name")
    weights: str | None = option(None, "file of weights, .safetensors or .pth; else the cache, else a download")
    layers: list[str] = option([], "layers that random draws choose from; empty: score.layers decides")
    targets: list[Any] = option([], "what the score sees when score.targets is empty")
    guide_layer: str = option("", "layer at which guides are compared that name none; empty: one of the above")
    channels_last: bool = option(False, "memory order of activations; a matter of speed, per network")


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
    jitter: int = option(32, "pixels by which the frame is rolled at random before a step", low=0, high=1024)
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
    tone_rate: Any = option(8.0, "share of the way that hold pulls per second (as a rate)", low=0, high=100, curve=True)


@dataclass
class ScoreConfig:
    """What is seen, and when."""

    kind: str = option(
        "cycle",
        "how targets change in time",
        choices=("constant", "cycle", "fractal", "guided", "walk", "layers", "keys"),
    )
    targets: list[Any] = option(
        [],
        "what is seen, one after another: [class:owl, stage4:77, 0.5*class:eye + -0.2*stage2]; see below",
    )
    guide: str | None = option(None, "the picture whose features are dreamed, for score=guided")
    layers: list[str] = option([], "layers to draw channels from; empty: the network's own choice")
    draw: int = option(0, "channels drawn at random by seed instead of targets; 0: none", low=0, high=10000)
    keys: list[Any] = option([], "for score=keys: a list of {at: 4s, see: class:owl, weight: 1, fade: 1s}")
    hold: Any = option("2s", "time from one target to the next")
    fade: Any = option("0.5s", "cross-fade at the end of each hold")


@dataclass
class EncodeConfig:
    """How frames become a file."""

    codec: str = option("h264", "video codec", choices=("h264",))
    quality: str = option("good", "size against fidelity", choices=("draft", "good", "best"))


@dataclass
class RenderConfig:
    """Everything that makes a film."""

    output: str | None = option(None, "the video's file; without it the run's own folder under outputs/")
    overwrite: bool = option(False, "replace an existing output")
    seed: int = option(0, "of everything random: same seed, same frames", low=0, high=2**63 - 1)
    duration: Any = option("8s", "length: 8s, 1m30s, 96f (frames), 100% (of the footage)")
    audio: str = option("source", "what is heard: the footage's own sound, or nothing", choices=("source", "none"))
    device: str = option("auto", "auto, cpu, cuda, cuda:1, mps")
    precision: str = option(
        "auto",
        "of the network's arithmetic; auto: float32 on CPU, bfloat16 on CUDA",
        choices=("auto", "float32", "bfloat16", "float16"),
    )
    frame: FrameConfig = field(default_factory=FrameConfig)
    start: StartConfig = field(default_factory=StartConfig)
    source: SourceConfig = field(default_factory=SourceConfig)
    flow: FlowConfig = field(default_factory=FlowConfig)
    network: NetworkConfig = field(default_factory=NetworkConfig)
    camera: CameraConfig = field(default_factory=CameraConfig)
    dream: DreamConfig = field(default_factory=DreamConfig)
    score: ScoreConfig = field(default_factory=ScoreConfig)
    encode: EncodeConfig = field(default_factory=EncodeConfig)


def settings(config: Any, prefix: str = "") -> Iterator[tuple[str, "Field[Any]", Any]]:
    """(dotted key, dataclass field, value) for every setting of ``config``, depth first."""
    for item in fields(config):
        value, key = getattr(config, item.name), prefix + item.name
        if is_dataclass(value):
            yield from settings(value, key + ".")
        else:
            yield key, item, value


def validate(config: RenderConfig) -> None:
    """Check ranges, choices and lengths; raises ConfigError naming the key, the value and what is allowed."""
    for key, item, value in settings(config):
        choices = item.metadata["choices"]
        if choices and value not in choices:
            allowed = f"allowed are {', '.join(choices)}"
            raise ConfigError(key, value, allowed + nearest(str(value), choices))
        for number in value if isinstance(value, list) else [value]:
            if isinstance(number, int | float) and not isinstance(number, bool):
                check_range(key, number, item.metadata["low"], item.metadata["high"])
    if not config.network.name:
        raise ConfigError(
            "network.name", "''", "network=torchvision needs the name of one of torchvision's classifiers"
        )
    if not re.fullmatch(r"auto|cpu|mps|cuda(:\d{1,3})?", config.device):
        raise ConfigError("device", config.device, "allowed are auto, cpu, cuda, cuda:N and mps")
    if config.dream.mask in ("motion", "still") and "none" in (config.source.kind, config.flow.kind):
        raise ConfigError("dream.mask", config.dream.mask, "only footage moves: it needs source=video and flow=dis")
    for key, pair in (("camera.pan", config.camera.pan), ("camera.center", config.camera.center)):
        if len(pair) != 2:
            raise ConfigError(key, pair, "needs two numbers, [x, y]")
    for key, colour in (("start", config.start.background), ("source", config.source.background)):
        if len(colour) != 3 or not all(0 <= c <= 1 for c in colour):
            raise ConfigError(f"{key}.background", colour, "needs [r, g, b], each in 0..1")


def check_range(key: str, value: float, low: float | None, high: float | None) -> None:
    """Raise ConfigError unless low ≤ value ≤ high (None: open) and the value is a finite number."""
    if value != value or value in (float("inf"), float("-inf")):
        raise ConfigError(key, value, "needs a finite number")
    if (low is not None and value < low) or (high is not None and value > high):
        raise ConfigError(
            key,
            value,
            f"allowed is {low:g} to {high:g}" if high is not None else f"at least {low:g}",
        )
