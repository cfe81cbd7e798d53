"""A segment while it is rendered: its encoder, and its raw frames for the case that it cannot be finished."""

import time
from collections import deque
from collections.abc import Mapping
from statistics import median

from torch import Tensor

from pipeline.media.encode.encoder import Encoder
from pipeline.media.encode.frame_pipe import FrameBytes
from pipeline.segments.spool import Spool
from pipeline.shot import Step

TIMED_FRAMES = 8


class FrameTimer:
    """Median time of the last few frames: the first frames, which set up a device, do not count."""

    def __init__(self) -> None:
        self._ends: deque[float] = deque(maxlen=TIMED_FRAMES)

    def frame(self) -> None:
        """One more frame is done."""
        self._ends.append(time.monotonic())

    def seconds(self) -> float | None:
        """Per frame; None during the first ``TIMED_FRAMES``."""
        if len(self._ends) < TIMED_FRAMES:
            return None
        return median(later - sooner for sooner, later in zip(self._ends, list(self._ends)[1:], strict=False))


class OpenSegment:
    """Encodes frames and holds the last ``canvas`` and the dreamer's ``state`` there.

    The raw frames go to a ``spool``; or into ``pending`` memory (``defer=True``) until it is known whether a spool
    pays; or nowhere. Pending and unspooled frames leave a GPU asynchronously.
    """

    def __init__(self, number: int, encoder: Encoder, spool: Spool | None, *, defer: bool = False) -> None:
        self.number, self.encoder, self.spool = number, encoder, spool
        self.pending: list[FrameBytes] | None = [] if defer else None
        self.canvas: Tensor | None = None
        self.state: Mapping[str, str] = {}
        self.began = time.monotonic()
        try:
            encoder.__enter__()
        except BaseException:
            self.close()
            raise

    def add(self, step: Step) -> None:
        """Encode one frame."""
        if self.pending is not None:
            self.pending.append(self.encoder.write_later(step.frame))
        elif self.spool is None:
            self.encoder.write(step.frame)
        else:
            raw = self.encoder.pack(step.frame)
            self.spool.add(raw)
            # Set before encoding: should that fail, spool and canvas are at the same frame.
            self.canvas, self.state = step.canvas, step.state
            self.encoder.write_bytes(raw)
            return
        self.canvas, self.state = step.canvas, step.state

    def add_raw(self, raw: bytes) -> None:
        """Encode a raw frame of an earlier run, whose canvas is set after the last of them."""
        if self.spool is not None:
            self.spool.add(raw)
        self.encoder.write_bytes(raw)

    def settle(self, spool: Spool | None) -> None:
        """Move the pending frames into ``spool``, which takes all later ones too; with None drop them.

        Raises DreamError for a frame that is not finite.
        """
        pending, self.pending = self.pending or [], None
        if spool is None:
            return
        try:
            for fetch in pending:
                spool.add(bytes(fetch()))
        except BaseException:
            spool.remove()
            raise
        self.spool = spool

    def close(self) -> None:
        """Close the spool's file, which stays. May be repeated."""
        if self.spool is not None:
            self.spool.close()

    def canvas_on_cpu(self) -> Tensor:
        """The canvas as float32."""
        assert self.canvas is not None
        return self.canvas.detach().float().cpu()
