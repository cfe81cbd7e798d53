"""A segment on its way: its encoder, and whatever is kept of its single frames until it is finished."""

import time
from collections import deque
from collections.abc import Mapping
from statistics import median

from torch import Tensor

from pipeline.media.encode.encoder import Encoder
from pipeline.media.encode.frame_pipe import Fetch
from pipeline.segments.spool import Spool
from pipeline.shot import Step

LOOKED = 8  # frames after which it is known how long they take


class Pace:
    """How long the last few frames took. The first ones set a device up; their median does not mind."""

    def __init__(self) -> None:
        self._ends: deque[float] = deque(maxlen=LOOKED)

    def frame(self) -> None:
        """One is done."""
        self._ends.append(time.monotonic())

    def seconds(self) -> float | None:
        """A frame's; None before ``LOOKED`` are done."""
        if len(self._ends) < LOOKED:
            return None
        return median(later - sooner for sooner, later in zip(self._ends, list(self._ends)[1:], strict=False))


class Opened:
    """A segment on its way: its encoder, the canvas after its last frame and the dreamer's notes there, and the frames
    themselves: in a ``spool``; or ``held`` in memory until it is settled whether they are worth one; or nowhere.

    Frames that are held, or kept nowhere, leave a GPU without being waited for.
    """

    def __init__(self, number: int, encoder: Encoder, spool: Spool | None, *, hold: bool = False) -> None:
        self.number, self.encoder, self.spool = number, encoder, spool
        self.held: list[Fetch] | None = [] if hold else None
        self.canvas: Tensor | None = None
        self.notes: Mapping[str, str] = {}
        self.began = time.monotonic()
        try:
            encoder.__enter__()
        except BaseException:
            self.shut()
            raise

    def add(self, step: Step) -> None:
        """Encode one frame."""
        if self.held is not None:
            self.held.append(self.encoder.write_later(step.frame))
        elif self.spool is None:
            self.encoder.write(step.frame)
        else:
            raw = self.encoder.pack(step.frame)
            self.spool.add(raw)
            # Now that the frame is in the spool: all stand at the same frame.
            self.canvas, self.notes = step.canvas, step.notes
            self.encoder.write_bytes(raw)
            return
        self.canvas, self.notes = step.canvas, step.notes

    def add_again(self, raw: bytes) -> None:
        """Encode one frame of those that an earlier run left; the canvas is known after the last of them."""
        if self.spool is not None:
            self.spool.add(raw)
        self.encoder.write_bytes(raw)

    def settle(self, spool: Spool | None) -> None:
        """Put the frames that are held into ``spool``, and from now on all, or let them go.

        Raises DreamError for one that holds values that are no numbers.
        """
        held, self.held = self.held or [], None
        if spool is None:
            return
        try:
            for fetch in held:
                spool.add(bytes(fetch()))
        except BaseException:
            spool.remove()
            raise
        self.spool = spool

    def shut(self) -> None:
        """Close the spool's file, which stays. May be repeated."""
        if self.spool is not None:
            self.spool.close()

    def on_cpu(self) -> Tensor:
        """The canvas, float32."""
        assert self.canvas is not None
        return self.canvas.detach().float().cpu()
