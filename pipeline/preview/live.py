"""The live page as the render knows it: it is told of frames and segments, and never holds anything up.

The render's thread only leaves a frame in a slot that holds one. A thread of the page's own makes a small JPEG of it,
twice a second at most and only while somebody looks on; what comes in between is dropped.
"""

import logging
import threading
import time
from contextlib import ExitStack
from io import BytesIO
from pathlib import Path
from types import TracebackType
from typing import Self

import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from pipeline.config import PreviewConfig
from pipeline.errors import Interrupted
from pipeline.media.encode.pixel_format import to_bytes
from pipeline.plan import score_chart, score_data
from pipeline.plan.film_plan import FilmPlan
from pipeline.preview.server import Server
from pipeline.preview.state import Facts, State
from pipeline.runtime.progress import notes_to

log = logging.getLogger(__name__)

APART = 0.5  # seconds between two pictures
WIDEST = 1280  # pixels of a picture
QUALITY = 82  # of JPEG
BRIEFLY = 2.0  # seconds for which it answers after a render that was stopped or failed
LINGER = 30.0  # seconds for which it answers after the end, while somebody looks on


class Page:
    """Shows a film to browsers on this machine while it is entered; a watcher of the render.

    Left without a word about the end, it tells the error that it was left with. ``port`` None takes the usual one
    or any that is free. Raises ConfigError where the port cannot be had.
    """

    def __init__(self, facts: Facts, port: int | None = None) -> None:
        self.state = State(facts)
        self._notes = ExitStack()
        self._server = Server(self.state, port)
        self.address = self._server.address
        self._slot: Tensor | None = None
        self._over = threading.Event()
        self._painter = threading.Thread(target=self._paint, name="live page, pictures", daemon=True)

    def __enter__(self) -> Self:
        self._notes.enter_context(notes_to(_NoteHandler(self.state)))
        self._server.start()
        self._painter.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._notes.close()
        if not self.state.ended:
            self.ended(_how(error))
        try:
            self._linger(LINGER if kind is None else BRIEFLY)
        finally:
            self._over.set()
            self._painter.join(2)
            self._server.stop()

    def frame(self, index: int, frame: Tensor, label: str) -> None:
        """Frame ``index``, ``(1, 3, H, W)`` in [0, 1], is done; ``label`` says what is seen. Returns at once."""
        self._slot = frame
        self.state.passed(index, label)

    def segment(self, path: Path, first: int, frames: int) -> None:
        """``path`` holds ``frames`` frames from frame ``first`` on and can be played."""
        self.state.add(path, first, frames)

    def ended(self, how: str) -> None:
        """The render is over, and how."""
        self.state.end(how)

    def _paint(self) -> None:
        """The painter's thread: a picture of what lies in the slot, if somebody looks on or nothing was seen yet."""
        while not self._over.wait(APART):
            if self.state.watched or not self.state.picture:
                frame, self._slot = self._slot, None
                if frame is not None:
                    self.state.show(_jpeg(frame))

    def _linger(self, seconds: float) -> None:
        """Go on answering for a while if somebody looks on, until Ctrl-C."""
        if not self.state.watched:
            return
        if seconds > BRIEFLY:
            log.info(f"the live page stays for {seconds:g} s while it is open; Ctrl-C ends it")
        until = time.monotonic() + seconds
        try:
            while time.monotonic() < until and self.state.watched:
                time.sleep(0.2)
        except KeyboardInterrupt:
            return


class _NoteHandler(logging.Handler):
    """Shows log records on the page."""

    def __init__(self, state: State) -> None:
        super().__init__()
        self._state = state

    def emit(self, record: logging.LogRecord) -> None:
        """Show one note."""
        self._state.note(record.getMessage())


def _how(error: BaseException | None) -> str:
    """How a render ended that says no more about it."""
    if error is None:
        return "done"
    stopped = isinstance(error, Interrupted | KeyboardInterrupt)
    return (str(error) or "stopped") if stopped else f"error: {error}"


def _jpeg(frame: Tensor) -> bytes:
    """``(1, 3, H, W)`` in [0, 1] → a JPEG file, no wider than WIDEST."""
    high, wide = frame.shape[2:]
    if wide > WIDEST:
        size = (max(1, round(high * WIDEST / wide)), WIDEST)
        frame = F.interpolate(frame.detach().float(), size=size, mode="bilinear", antialias=True, align_corners=False)
    file = BytesIO()
    Image.fromarray(to_bytes(frame)).save(file, "JPEG", quality=QUALITY)
    return file.getvalue()


def open_page(plan: FilmPlan, config: PreviewConfig, stack: ExitStack) -> Page:
    """The page of this film, served until ``stack`` is left. Raises ConfigError where the port cannot be had."""
    figures = score_data.sheet_of(plan)
    left, right, width = score_chart.LEFT, score_chart.RIGHT, score_chart.WIDTH
    facts = Facts(
        title=plan.title,
        frames=min(plan.frames, plan.segments.stop * plan.config.segment) if plan.segments else plan.frames,
        fps=float(plan.fps),
        size=(plan.width, plan.height),
        score=score_chart.as_png(figures, plan.title),
        span=(left / width, 1 - right / width),
    )
    page = Page(facts, config.port)
    log.info(f"the live page is at {page.address}")
    return stack.enter_context(page)
