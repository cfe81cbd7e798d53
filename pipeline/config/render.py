"""All settings of a render, and the checks that ranges and choices cannot express."""

import re
from dataclasses import dataclass, field
from typing import Any

from pipeline.config.audio import AudioConfig
from pipeline.config.camera import CameraConfig
from pipeline.config.color import ColorConfig
from pipeline.config.depth import DepthConfig
from pipeline.config.dream import DreamConfig, check_tile
from pipeline.config.encode import EncodeConfig
from pipeline.config.farm import ENGINES, FarmConfig
from pipeline.config.flow import FlowConfig
from pipeline.config.frame import FrameConfig
from pipeline.config.imagine import ImagineConfig
from pipeline.config.limits import LimitsConfig, check_sizes
from pipeline.config.mask import MaskConfig
from pipeline.config.network import NetworkConfig, check_channels_last
from pipeline.config.playback import PlaybackConfig
from pipeline.config.preview import PreviewConfig
from pipeline.config.ray import RayConfig
from pipeline.config.score import ScoreConfig
from pipeline.config.setting import check_settings, option, settings
from pipeline.config.source import SourceConfig
from pipeline.config.start import StartConfig
from pipeline.errors import ConfigError

INPUT_FILES = {
    "start.path": "a picture",
    "source.path": "footage",
    "network.weights": "a file of weights",
    "network.class_names": "names of classes",
    "score.guide": "a picture",
    "mask.path": "a mask",
    "depth.weights": "a depth network",
    "audio.path": "a song",
    "audio.markers": "markers",
    "audio.stems": "stems",
    "audio.signals": "recorded signals",
    "imagine.weights": "a trained generator",
    "imagine.to": "a picture",
    "color.palette": "a picture of colors",
    "color.lut": "a look-up table",
}
"""Setting that names the user's file → what the file is. ``audio.stems`` is a table of files by name."""

NAMED_FILES = ("output", *(key for key in INPUT_FILES if key != "audio.stems"))
"""Settings whose value is the name of a file."""

DEFAULT_DURATION = "8s"
"""Length of a film without a duration, footage or song."""


@dataclass
class RenderConfig:
    """All settings of a render."""

    output: str | None = option(None, "file of the film, such as film.mp4; null: a new folder under outputs/")
    overwrite: bool = option(False, "replace existing files")
    resume: bool = option(True, "resume an interrupted render of the same film; false: start over")
    keep_segments: bool = option(False, "keep the work folder, so that you can make the film longer later")
    segment: int = option(48, "frames per segment; each segment is encoded, verified and saved", low=1, high=10_000)
    frames: str | None = option(None, "render only a part, in whole segments: 0..480 is the first 480 frames")
    seed: int = option(0, "random seed: same seed, same frames", low=0, high=2**63 - 1)
    duration: Any = option(
        None, f"8s, 1m30s, 96f (frames), 16bar, 100% (of footage or song); null: the song's, or {DEFAULT_DURATION}"
    )
    device: str = option("auto", "auto, cpu, cuda, cuda:1, mps")
    jobs: int | None = option(
        None, "films of a sweep (-m) that render at a time; null: one on each GPU, else one", low=1, high=64
    )
    engine: str = option(
        "local",
        "where shots are rendered: local (this machine), ray (a cluster) or script (commands to run); see docs/farm.md",
        choices=ENGINES,
    )
    precision: str = option(
        "auto",
        "of the network; auto: bfloat16 on CUDA, network.precision on CPUs with bfloat16, else float32",
        choices=("auto", "float32", "bfloat16", "float16"),
    )
    deterministic: bool = option(
        True, "same bits in every run; false: the fastest algorithms of a CUDA GPU; no effect on a CPU"
    )
    film: Any = option([], "list of shots, or auto: one shot for each section of the song; see docs/films.md")
    presets: list[Any] = option(
        ["fractal_zoom", "spiral", "breathing"], "shots that film=auto repeats in turn, written as in film"
    )
    shots: str | None = option(None, "render only these shots, such as 3,5")
    loop: bool = option(False, "make the end of the film lead into its beginning")
    frame: FrameConfig = field(default_factory=FrameConfig)
    start: StartConfig = field(default_factory=StartConfig)
    source: SourceConfig = field(default_factory=SourceConfig)
    flow: FlowConfig = field(default_factory=FlowConfig)
    imagine: ImagineConfig = field(default_factory=ImagineConfig)
    network: NetworkConfig = field(default_factory=NetworkConfig)
    camera: CameraConfig = field(default_factory=CameraConfig)
    depth: DepthConfig = field(default_factory=DepthConfig)
    dream: DreamConfig = field(default_factory=DreamConfig)
    mask: MaskConfig = field(default_factory=MaskConfig)
    score: ScoreConfig = field(default_factory=ScoreConfig)
    color: ColorConfig = field(default_factory=ColorConfig)
    audio: AudioConfig = field(default_factory=AudioConfig)
    playback: PlaybackConfig = field(default_factory=PlaybackConfig)
    preview: PreviewConfig = field(default_factory=PreviewConfig)
    encode: EncodeConfig = field(default_factory=EncodeConfig)
    farm: FarmConfig = field(default_factory=FarmConfig)
    ray: RayConfig = field(default_factory=RayConfig)
    limits: LimitsConfig = field(default_factory=LimitsConfig)


def validate(config: RenderConfig) -> None:
    """Check ranges, choices and sizes. Raises ConfigError."""
    check_settings(config)
    check_tile(config.dream.tile)
    check_channels_last(config.network.channels_last)
    check_sizes(config, config.limits)
    for key, _, value in settings(config):
        if value == "" and key in NAMED_FILES:  # as of an empty variable of a shell
            raise ConfigError(key, "", "needs the name of a file; null is none")
    if not isinstance(config.film, list) and config.film not in (None, "auto"):
        raise ConfigError("film", config.film, "needs a list of shots, as [{preset: spiral, duration: 4s}], or auto")
    if not config.network.name:
        raise ConfigError(
            "network.name",
            "''",
            f"network={config.network.library or 'torchvision'} needs the name of one of its classifiers",
        )
    if not re.fullmatch(r"auto|cpu|mps|cuda(:\d{1,3})?", config.device):
        raise ConfigError("device", config.device, "allowed are auto, cpu, cuda, cuda:N and mps")
    if config.dream.mask in ("motion", "still") and "none" in (config.source.kind, config.flow.kind):
        raise ConfigError("dream.mask", config.dream.mask, "it needs footage: source=video, and flow=dis or raft")
    if config.encode.alpha == "dream" and config.source.kind != "video" and not config.film:
        raise ConfigError("encode.alpha", "dream", "it compares with footage: source=video source.path=clip.mp4")
    if config.flow.still is not None and config.flow.kind == "none":
        raise ConfigError("flow.still", config.flow.still, "it needs the motion of the footage: flow=dis or raft")
    for name in ("pan", "center", "shear"):
        pair = getattr(config.camera, name)
        if len(pair) != 2:
            raise ConfigError(f"camera.{name}", pair, "needs two numbers, [x, y]")
    for key, color in (("start", config.start.background), ("source", config.source.background)):
        if len(color) != 3 or not all(0 <= c <= 1 for c in color):
            raise ConfigError(f"{key}.background", color, "needs [r, g, b], each in 0..1")
