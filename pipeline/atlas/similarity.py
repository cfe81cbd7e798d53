"""What the traces of pictures tell: whether each raises its own channel, and whose pictures are alike to the layer."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pipeline.atlas.store import Drawn

CLOSE = 0.05  # of the strongest answer that counts as being as strong
MOST_KIN = 8


def raised(drawn: Sequence[Drawn]) -> NDArray[np.bool_]:
    """``(n,)``: whether no picture of these raises the subject's channel more than its own does, but for CLOSE."""
    seen = _seen(drawn)
    own, most = seen.diagonal(), seen.max(axis=0)
    return np.asarray(own >= most - CLOSE * np.abs(most))


def silent(drawn: Drawn) -> bool:
    """Whether the channel did not answer at all: rectified away in all that was tried."""
    return len(drawn.subject.parts) == 1 and bool(drawn.traces[0, drawn.subject.parts[0][1]] == 0)


def kin(drawn: Sequence[Drawn]) -> list[list[int]]:
    """For each the numbers of those whose pictures the layer takes for its like, most alike first.

    The measure of ``dream/kinship.py``: the cosine between traces, means and deviations over all pictures taken out.
    """
    if len(drawn) < 3:
        return [[other for other in range(len(drawn)) if other != each] for each in range(len(drawn))]
    traces = np.stack([each.traces[0] for each in drawn]).astype(np.float64)
    traces = (traces - traces.mean(axis=0)) / (traces.std(axis=0) + 1e-6)
    traces /= np.linalg.norm(traces, axis=1, keepdims=True) + 1e-12
    alike = traces @ traces.T
    np.fill_diagonal(alike, -np.inf)
    order = np.argsort(-alike, axis=1, kind="stable")[:, : min(MOST_KIN, len(drawn) - 1)]
    return [[int(n) for n in row] for row in order]


def _seen(drawn: Sequence[Drawn]) -> NDArray[np.float32]:
    """``(n, n)``: how strongly picture (row) is answered by the channel of subject (column)."""
    channels = [each.subject.parts[0][1] for each in drawn]
    return np.stack([each.traces[0, channels] for each in drawn])
