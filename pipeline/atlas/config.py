"""The settings of an atlas."""

from dataclasses import dataclass
from typing import Any

from pipeline.config.setting import option


@dataclass
class AtlasConfig:
    """Which pictures an atlas holds, and the files it is written to."""

    layers: list[str] = option([], "layers to draw, classes among them; empty: those a person would name, and classes")
    channels: Any = option(None, "which of each layer: 0..63, 3,7,40 or one number; null: all")
    sample: int = option(0, "so many of them, drawn at random by seed; 0: all", low=0, high=100000)
    diversity: int = option(1, "pictures of each, different from each other", low=1, high=8)
    blend: list[Any] = option([], "two targets to mix, [stage4:3,class:owl], or a list of such pairs")
    size: int = option(144, "pixels on a picture's side", low=32, high=1024)
    steps: int = option(24, "gradient steps on each of three sizes", low=1, high=500)
    via: str = option(
        "pixels", "what is free: the pixels, or imagine, the latent point of a generator", choices=("pixels", "imagine")
    )
    thumb: int = option(0, "pixels on a picture's side on the sheets; 0: as drawn", low=0, high=1024)
    sheet: str = option("png", "how sheets are written", choices=("png", "jpeg"))
    page: bool = option(True, "bind everything into atlas.html")
