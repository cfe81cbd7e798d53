"""Every setting: its meaning, unit, default and range. Imports nothing heavy.

Each default is here and only here; the files under ``conf/`` hold differences. ``validate`` checks what types cannot:
ranges, choices, lengths. A setting with ``curve=True`` may change over time and stays as written; the score parses it.
"""

from pipeline.config.audio import AudioConfig
from pipeline.config.camera import CameraConfig, CameraRates
from pipeline.config.color import ColorConfig
from pipeline.config.depth import DepthConfig
from pipeline.config.dream import DreamConfig
from pipeline.config.encode import EncodeConfig
from pipeline.config.farm import FarmConfig
from pipeline.config.flow import FlowConfig
from pipeline.config.frame import FrameConfig
from pipeline.config.imagine import ImagineConfig
from pipeline.config.limits import LimitsConfig
from pipeline.config.mask import MaskConfig
from pipeline.config.network import NETWORKS, NetworkConfig
from pipeline.config.octave_scales import (
    CONSTANT_OCTAVES,
    REFERENCE_PIXELS,
    Octave,
    frame_octaves,
    octave_scales,
    octave_strengths,
)
from pipeline.config.playback import PlaybackConfig
from pipeline.config.preview import PreviewConfig
from pipeline.config.ray import RayConfig
from pipeline.config.render import RenderConfig, validate
from pipeline.config.score import ScoreConfig
from pipeline.config.setting import check_range, option, settings
from pipeline.config.source import SourceConfig
from pipeline.config.start import HIDDEN_SECONDS, StartConfig

__all__ = [
    "CONSTANT_OCTAVES",
    "HIDDEN_SECONDS",
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
    "Octave",
    "PlaybackConfig",
    "PreviewConfig",
    "RayConfig",
    "RenderConfig",
    "ScoreConfig",
    "SourceConfig",
    "StartConfig",
    "check_range",
    "frame_octaves",
    "octave_scales",
    "octave_strengths",
    "option",
    "settings",
    "validate",
]
