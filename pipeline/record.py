"""The record of a run: everything needed to render the same film again, as data."""

import platform
from dataclasses import asdict
from importlib.metadata import version
from typing import Any

import torch
from omegaconf import OmegaConf

import pipeline
from pipeline.config import RenderConfig
from pipeline.dream.weights import Weights
from pipeline.media import ffmpeg

PACKAGES = (
    "torch",
    "torchvision",
    "numpy",
    "opencv-python",
    "hydra-core",
    "imageio-ffmpeg",
    "pillow",
    "safetensors",
    "simpleeval",
)


def make_record(config: RenderConfig, weights: Weights, device: str, frames: int, seconds: float) -> dict[str, Any]:
    """Config, seed, versions, network, ffmpeg and speed; ``seconds`` is the wall time the frames took."""
    return {
        "program": f"dream-zoom {pipeline.__version__}",
        "config": asdict(config),
        "seed": config.seed,
        "network": {
            "name": config.network.name,
            "weights": weights.path.name,
            "sha256": weights.sha256,
        },
        "versions": {
            "python": platform.python_version(),
            **_packages(),
            "ffmpeg": ffmpeg.version(),
        },
        "device": {"name": device, "threads": torch.get_num_threads()},
        "speed": {
            "frames": frames,
            "seconds": round(seconds, 2),
            "frames_per_second": round(frames / max(seconds, 1e-9), 3),
        },
    }


def as_text(record: dict[str, Any]) -> str:
    """The record as YAML."""
    return OmegaConf.to_yaml(OmegaConf.create(record))


def _packages() -> dict[str, str]:
    found = {}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except ModuleNotFoundError:  # opencv-python goes by several names
            found[name] = "unknown"
    return found
