"""What the traces of pictures show: which channels prefer their own picture, and which pictures are similar."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pipeline.atlas.store import Picture

TOLERANCE = 0.05  # relative; an activation this close to the strongest counts as equal
MAX_NEIGHBOURS = 8


def prefers_own(pictures: Sequence[Picture]) -> NDArray[np.bool_]:
    """``(n,)``: whether no picture activates the channel more than its own does, within ``TOLERANCE``."""
    channels = [each.target.parts[0][1] for each in pictures]
    activations = np.stack([each.traces[0, channels] for each in pictures])  # picture × channel
    strongest = activations.max(axis=0)
    return np.asarray(activations.diagonal() >= strongest - TOLERANCE * np.abs(strongest))


def is_silent(picture: Picture) -> bool:
    """Whether the channel stayed at zero: no step could activate it."""
    target = picture.target
    return len(target.parts) == 1 and bool(picture.traces[0, target.parts[0][1]] == 0)


def neighbours(pictures: Sequence[Picture]) -> list[list[int]]:
    """For each picture the numbers of the most similar ones, most similar first.

    The measure of ``dream/channel_similarity.py``: the cosine of traces, standardised over all pictures.
    """
    if len(pictures) < 3:
        return [[other for other in range(len(pictures)) if other != each] for each in range(len(pictures))]
    traces = np.stack([each.traces[0] for each in pictures]).astype(np.float64)
    traces = (traces - traces.mean(axis=0)) / (traces.std(axis=0) + 1e-6)
    traces /= np.linalg.norm(traces, axis=1, keepdims=True) + 1e-12
    cosine = traces @ traces.T
    np.fill_diagonal(cosine, -np.inf)
    order = np.argsort(-cosine, axis=1, kind="stable")[:, : min(MAX_NEIGHBOURS, len(pictures) - 1)]
    return [[int(n) for n in row] for row in order]
