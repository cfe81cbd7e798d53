"""The footage under a film, opened: the reader of its stretch and the motion in it, as one stage of the frame loop."""

import torch

from pipeline.config import FlowConfig, SourceConfig
from pipeline.media.reader import Reader
from pipeline.motion import flow
from pipeline.motion.footage import Footage
from pipeline.stretch import Stretch


def open_footage(
    stretch: Stretch,
    source: SourceConfig,
    config: FlowConfig,
    *,
    size: tuple[int, int],
    frames: int,
    device: torch.device,
    first: int = 0,
) -> Footage:
    """The stage for ``frames`` frames of ``size`` (H, W) on ``device``. Raises RenderError kinds as it is used.

    ``first`` is the frame that the film goes on from: reading begins there at once. Every frame gets the same bits
    whichever came first.
    """
    height, width = size
    red, green, blue = source.background
    picks = stretch.picks(frames)
    reader = Reader(stretch.clip, picks, width=width, height=height, background=(red, green, blue))
    return Footage(
        reader.frames,
        config,
        estimate=_estimate(config, device),
        cuts=stretch.cuts(frames),
        fps=float(stretch.fps),
        device=device,
        repeats=stretch.repeats(frames),
        first=first,
    )


def _estimate(config: FlowConfig, device: torch.device) -> flow.Estimate | None:
    if config.kind == "raft":
        from pipeline.motion.raft import raft  # torchvision is slow to load

        return raft(config, device)
    return flow.dis(config) if config.kind == "dis" else None
