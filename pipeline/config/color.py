"""Colours of the finished frames."""

from dataclasses import dataclass, replace
from typing import Any

from pipeline.config.palettes import PALETTES
from pipeline.config.setting import option


@dataclass
class ColorConfig:
    """Colours of the frames on their way to the encoder; the dream goes on in its own colours."""

    palette: str | None = option(None, f"colors of your picture, or of {', '.join(PALETTES)}")
    palette_strength: Any = option(1.0, "how far the colors move to the palette", low=0, high=1, curve=True)
    temperature: Any = option(0.0, "white point: -1 is cool, 1 is warm", low=-1, high=1, curve=True)
    saturation: Any = option(1.0, "strength of all colors; 0 is black and white", low=0, high=4, curve=True)
    contrast: Any = option(1.0, "slope of the tone curve at middle gray", low=0.1, high=4, curve=True)
    sharpness: Any = option(
        1.0, "strength of the finest detail; below 1 softer, above 1 sharper", low=0, high=4, curve=True, usual=(0, 2)
    )
    chroma_smoothing: Any = option(
        0.0, "how far mottled colors are evened out within forms; brightness stays", low=0, high=1, curve=True
    )
    denoise: Any = option(
        0.0, "how far grain is taken away within forms; edges and strong lines stay", low=0, high=1, curve=True
    )
    lut: str | None = option(None, "your look-up table, a .cube file, applied last")

    @property
    def is_neutral(self) -> bool:
        """Whether frames stay as they are."""
        plain = ColorConfig()
        return (self if self.palette else replace(self, palette_strength=plain.palette_strength)) == plain
