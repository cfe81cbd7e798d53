"""Drawings of one motif each, upright, in the middle, on its own ground: what the embedded generator learns from.

MotifNet's pictures vary in every direction so that it sees motifs anywhere. A small generator has to learn all of that
variety, and these drawings leave it the variety of the motifs themselves: shapes, colours, light.
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from scripts.motifnet import compose
from scripts.motifnet.canvas import Array
from scripts.motifnet.compose import Style
from scripts.motifnet.motifs import MOTIFS

STYLE = Style(radius=(0.40, 0.47), bend=0.03, flat_backgrounds=0.8, grain=0.0, loyalty=0.9)
MAX_TURN_DEGREES = 10.0


def draw_subjects(
    count: int, size: int, seed: int = 3, style: Style = STYLE, max_turn: float = MAX_TURN_DEGREES
) -> NDArray[np.uint8]:
    """``(classes, count, 3, size, size)`` bytes; each picture has its own random stream."""
    return np.stack(
        [
            np.stack(
                [_subject(label, size, np.random.default_rng([seed, label, n]), style, max_turn) for n in range(count)]
            )
            for label in tqdm(range(len(MOTIFS)), "drawing", mininterval=5)
        ]
    )


def _subject(index: int, size: int, rng: np.random.Generator, style: Style, max_turn: float) -> NDArray[np.uint8]:
    """One drawing ``(3, size, size)``."""
    motif = list(MOTIFS.values())[index]
    motif = replace(motif, turn=min(motif.turn, max_turn))
    loyal = bool(rng.random() < style.loyalty)
    own = next(colours for colours, names in compose.GROUNDS.items() if motif.name in names.split())
    scene: Array = compose.background(size, rng, style, own)
    light = np.asarray([-0.4, -0.7, 0.8], np.float32)
    if motif.field:
        compose._place_field(scene, motif, rng, style, light, loyal)
    else:
        x, y = rng.normal(0.5, 0.015, 2) * size
        compose._place(scene, motif, x, y, rng.uniform(*style.radius) * size, rng, style, light, loyal)
    return (scene.clip(0, 1) * 255 + 0.5).astype(np.uint8).transpose(2, 0, 1)
