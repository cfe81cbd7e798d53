"""The schema: every setting with its meaning, unit, default and range. Imports nothing heavy.

Each default lives here once; the files under ``conf/`` hold only differences. ``validate`` checks what types
cannot: ranges and choices. Everything that can move in time (``curve=True``) is kept as it was written;
the score reads it.
"""

from pipeline.config.atlas import AtlasConfig
from pipeline.config.audio import AudioConfig
from pipeline.config.encode import EncodeConfig
from pipeline.config.footage import FlowConfig, SourceConfig
from pipeline.config.limits import LimitsConfig
from pipeline.config.option import check_range, option, settings
from pipeline.config.picture import NETWORKS, CameraConfig, DreamConfig, FrameConfig, NetworkConfig, StartConfig
from pipeline.config.preview import PreviewConfig
from pipeline.config.render import RenderConfig, validate
from pipeline.config.score import ScoreConfig

__all__ = [
    "NETWORKS",
    "AtlasConfig",
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
