"""Everything that makes a film, and the checks that types, ranges and choices cannot express."""

import re
from dataclasses import dataclass, field
from typing import Any

from pipeline.config.dream import (
    CameraConfig,
    DreamConfig,
    FrameConfig,
    NetworkConfig,
    ScoreConfig,
    StartConfig,
    check_order,
    check_tile,
)
from pipeline.config.inputs import AudioConfig, FlowConfig, SourceConfig
from pipeline.config.limits import LimitsConfig, check_amounts
from pipeline.config.output import EncodeConfig, PreviewConfig
from pipeline.config.setting import check_settings, option
from pipeline.errors import ConfigError

UNTIMED = "8s"
"""How long a film lasts that nothing gives a length."""


@dataclass
class RenderConfig:
    """Everything that makes a film."""

    output: str | None = option(None, "the video's file; without it the run's own folder under outputs/")
    overwrite: bool = option(False, "replace an existing output")
    resume: bool = option(True, "go on where an earlier run of the same film stopped; false: render it anew")
    keep_segments: bool = option(False, "keep the folder of segments, so that the film can be made longer later")
    segment: int = option(48, "frames that are encoded, checked and kept at a time", low=1, high=10_000)
    frames: str | None = option(None, "render only a part, in whole segments: 0..480 is the first 480 frames")
    seed: int = option(0, "of everything random: same seed, same frames", low=0, high=2**63 - 1)
    duration: Any = option(
        None, f"8s, 1m30s, 96f (frames), 16bar, 100% (of footage or song); null: the song's, or {UNTIMED}"
    )
    device: str = option("auto", "auto, cpu, cuda, cuda:1, mps")
    jobs: int | None = option(
        None, "films of a sweep (-m) that are rendered at a time; null: one on each GPU, else one", low=1, high=64
    )
    precision: str = option(
        "auto",
        "of the network's arithmetic; auto: bfloat16 on CUDA, on a CPU that has it network.precision, else float32",
        choices=("auto", "float32", "bfloat16", "float16"),
    )
    deterministic: bool = option(
        True, "the same bits every time; false: a CUDA GPU's fastest algorithms, found by trial; no effect on a CPU"
    )
    film: Any = option([], "shots one after the other, or auto: one for each section of the song; see docs/films.md")
    presets: list[Any] = option(["fractal_zoom", "spiral", "breathing"], "what film=auto takes in turn, as in film")
    shots: str | None = option(None, "render only these shots of the film, as in 3,5")
    loop: bool = option(False, "the film's end meets its beginning: it can be shown again and again")
    frame: FrameConfig = field(default_factory=FrameConfig)
    start: StartConfig = field(default_factory=StartConfig)
    source: SourceConfig = field(default_factory=SourceConfig)
    flow: FlowConfig = field(default_factory=FlowConfig)
    network: NetworkConfig = field(default_factory=NetworkConfig)
    camera: CameraConfig = field(default_factory=CameraConfig)
    dream: DreamConfig = field(default_factory=DreamConfig)
    score: ScoreConfig = field(default_factory=ScoreConfig)
    audio: AudioConfig = field(default_factory=AudioConfig)
    preview: PreviewConfig = field(default_factory=PreviewConfig)
    encode: EncodeConfig = field(default_factory=EncodeConfig)
    limits: LimitsConfig = field(default_factory=LimitsConfig)


def validate(config: RenderConfig) -> None:
    """Check ranges, choices and lengths; raises ConfigError naming the key, the value and what is allowed."""
    check_settings(config)
    check_tile(config.dream.tile)
    check_order(config.network.channels_last)
    check_amounts(config, config.limits)
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
