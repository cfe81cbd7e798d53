"""The octaves of a frame: which sizes it is dreamed at, and how strongly at each.

One rule for every output size. Octaves are the same pictures in pixels whatever the size of the film: a larger film has
finer ones in addition, a smaller one leaves the finest out. So films of all sizes open with the same composition; over
seconds of zooming their details part.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

from pipeline.config.dream import DreamConfig

REFERENCE_PIXELS = 360  # the short side that dream.octaves refers to: scale 1
FINEST_GAP = 1.2  # a frame this much larger than its finest octave gets one of its own size
DRAFT_GAP = 1.1  # the same for frames smaller than the reference, where it costs little
TOLERANCE = 1.01
CONSTANT_OCTAVES = 2  # the smallest ones, which every frame dreams whatever dream.interval: motifs come from them


class Octave(NamedTuple):
    """An octave of one frame: its ``scale``, its ``strength`` (0: left out this time), and the ``exponent`` that its
    gradient's frequencies are divided by.
    """

    scale: float
    strength: float
    exponent: float


def frame_octaves(dream: DreamConfig, short_side: float, grown: float = 1.0, turn: int | None = None) -> list[Octave]:
    """The octaves of a frame, coarse to fine. ``turn`` is that of ``octave_strengths``.

    The exponent falls by ``dream.crispness`` from the smallest octave of the reference to its largest: small octaves
    make whole forms, large ones the fine lines on them.
    """
    scales = octave_scales(dream, short_side, grown)
    strengths = octave_strengths(dream, scales, grown, turn)
    exponents = [dream.exponent * (1 - dream.crispness * part) for part in _places(dream, scales, grown)]
    return [Octave(*values) for values in zip(scales, strengths, exponents, strict=True)]


def octave_scales(dream: DreamConfig, short_side: float, grown: float = 1.0) -> list[float]:
    """The octaves of a frame with this short side in pixels, coarse to fine, as multiples of ``REFERENCE_PIXELS``.

    While noise grows, ``grown`` is how far, in fractions of the finished frame.
    """
    largest = short_side / REFERENCE_PIXELS
    scales = [grown / dream.octave_ratio**n for n in reversed(range(dream.octaves))]
    while grown >= 1 and scales[-1] * dream.octave_ratio <= largest * TOLERANCE:
        scales.append(scales[-1] * dream.octave_ratio)
    scales = [scale for scale in scales if scale <= largest * TOLERANCE]
    gap = DRAFT_GAP if largest < 1 else FINEST_GAP
    if not scales or largest > scales[-1] * gap:
        scales.append(largest)
    return scales


def octave_strengths(
    dream: DreamConfig, scales: Sequence[float], grown: float = 1.0, turn: int | None = None
) -> list[float]:
    """The strengths of these octaves, with a mean of 1 over the ``dream.octaves`` of the reference.

    They fall to ``dream.detail`` from octave to octave by the same factor, as the amplitudes of fractal noise do. Finer
    octaves, which only large frames have, keep the last strength. ``turn`` counts frames: in those that leave an octave
    out, as ``dream.interval`` says, its strength is 0, in the others that much more; None: no frame does.
    """
    last = max(1, dream.octaves - 1)
    mean = sum(dream.detail ** (n / last) for n in range(dream.octaves)) / dream.octaves
    strengths = [dream.detail**place / mean for place in _places(dream, scales, grown)]
    if turn is not None:
        for number in range(CONSTANT_OCTAVES, len(strengths)):
            strengths[number] *= 0 if (turn + number) % dream.interval else dream.interval
    return strengths


def _places(dream: DreamConfig, scales: Sequence[float], grown: float) -> list[float]:
    """Where these octaves lie between the smallest (0) and the largest (1) of the reference; 0 if it has one only."""
    last = dream.octaves - 1
    if not last:
        return [0.0] * len(scales)
    places = [last + math.log(scale / grown) / math.log(dream.octave_ratio) for scale in scales]
    return [min(max(place, 0.0), last) / last for place in places]
