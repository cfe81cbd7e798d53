"""Atlas pictures without a network."""

import colorsys

import numpy as np
import pytest

from pipeline.atlas.selection import PictureTarget
from pipeline.atlas.store import Picture

NAMES = ("owl", "</script><script>alert(1)</script>", "{{SCRIPT}} jack-o'-lantern")


@pytest.fixture
def drawn() -> list[Picture]:
    """Three flat pictures of three colours, in two copies each."""
    made = []
    for number, name in enumerate(NAMES):
        colour = [round(255 * part) for part in colorsys.hsv_to_rgb(number / 3, 1, 1)]
        pictures = np.broadcast_to(np.array(colour, np.uint8), (2, 16, 16, 3)).copy()
        traces = np.eye(3, dtype=np.float32)[[number, number]]
        made.append(Picture(PictureTarget(f"class:{name}", name, (("head", number, 1.0),)), pictures, traces))
    return made
