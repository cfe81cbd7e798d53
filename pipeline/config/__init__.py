"""The schema: every setting with its meaning, unit, default and range. Imports nothing heavy.

Each default lives here once; the files under ``conf/`` hold only differences. ``validate`` checks what types
cannot: ranges and choices. Everything that can move in time (``curve=True``) is kept as it was written;
the score reads it.
"""

from pipeline.config.dream import (
    NETWORKS,
    CameraConfig,
    DreamConfig,
    FrameConfig,
    NetworkConfig,
    ScoreConfig,
    StartConfig,
)
from pipeline.config.inputs import AudioConfig, FlowConfig, SourceConfig
from pipeline.config.limits import LimitsConfig
from pipeline.config.output import EncodeConfig, PreviewConfig
from pipeline.config.render import RenderConfig, validate
from pipeline.config.setting import check_range, option, settings

__all__ = [
    "NETWORKS",
    "AudioConfig",
    "CameraConfig",
    "DreamConfig",
    "EncodeConfig",
    "FlowConfig",
    "FrameConfig",
    "LimitsConfig",
    "NetworkConfig",
    "PreviewConfig",
    "RenderConfig",
    "ScoreConfig",
    "SourceConfig",
    "StartConfig",
    "check_range",
    "option",
    "settings",
    "validate",
]
