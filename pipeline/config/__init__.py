"""Every setting: its meaning, unit, default and range. Imports nothing heavy.

Each default is here and only here; the files under ``conf/`` hold differences. ``validate`` checks what types cannot:
ranges, choices, lengths. A setting with ``curve=True`` may change over time and stays as written; the score parses it.
"""

from pipeline.config.camera import CameraConfig, CameraRates
from pipeline.config.color import ColorConfig
from pipeline.config.depth import DepthConfig
from pipeline.config.dream import (
    NETWORKS,
    DreamConfig,
    FrameConfig,
    MaskConfig,
    NetworkConfig,
    ScoreConfig,
    StartConfig,
)
from pipeline.config.farm import FarmConfig, RayConfig
from pipeline.config.footage_and_audio import AudioConfig, FlowConfig, SourceConfig
from pipeline.config.imagine import ImagineConfig
from pipeline.config.limits import LimitsConfig
from pipeline.config.octaves import REFERENCE_PIXELS, octave_scales, octave_strengths
from pipeline.config.output import EncodeConfig, PreviewConfig
from pipeline.config.playback import PlaybackConfig
from pipeline.config.render import RenderConfig, validate
from pipeline.config.setting import check_range, option, settings

__all__ = [
    "NETWORKS",
    "REFERENCE_PIXELS",
    "AudioConfig",
    "CameraConfig",
    "CameraRates",
    "ColorConfig",
    "DepthConfig",
    "DreamConfig",
    "EncodeConfig",
    "FarmConfig",
    "FlowConfig",
    "FrameConfig",
    "ImagineConfig",
    "LimitsConfig",
    "MaskConfig",
    "NetworkConfig",
    "PlaybackConfig",
    "PreviewConfig",
    "RayConfig",
    "RenderConfig",
    "ScoreConfig",
    "SourceConfig",
    "StartConfig",
    "check_range",
    "octave_scales",
    "octave_strengths",
    "option",
    "settings",
    "validate",
]
