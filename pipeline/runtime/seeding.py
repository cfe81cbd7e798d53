"""Random generators derived from (seed, shot, frame), so that any frame can be rendered again bit for bit."""

import numpy as np
import torch

FRAMES, START = 0, 1


def generator(seed: int, shot: int, frame: int, stream: int = FRAMES) -> torch.Generator:
    """A CPU generator for one frame; ``stream`` separates the start's noise from the frames'."""
    (state,) = np.random.SeedSequence([seed, shot, stream, frame]).generate_state(1, np.uint64)
    return torch.Generator().manual_seed(int(state) & (2**63 - 1))
