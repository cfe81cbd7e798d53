"""The page of a film: shows frames and segments of a render in a browser, and never blocks the render.

The render's thread only stores the newest frame. A thread of the page encodes it as a small JPEG, at most twice a
second and only while a browser is watching; frames in between are dropped.
"""

import logging
import threading
import time
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from torch import Tensor

from pipeline.config import PreviewConfig
from pipeline.errors import Interrupted
from pipeline.plan import score_chart, score_data
from pipeline.plan.film_plan import FilmPlan
from pipeline.runtime.progress import notes_to
from pipeline.web.film_routes import film_routes
from pipeline.web.film_state import Facts, State
from pipeline.web.jpeg import as_jpeg
from pipeline.web.server import Server

log = logging.getLogger(__name__)

FRAME_INTERVAL_SECONDS = 0.5
LINGER_SECONDS = 30.0  # the page stays after the end, while a browser is watching
ERROR_LINGER_SECONDS = 2.0  # after a render that was stopped or failed


class Page:
    """Shows a film to browsers on this machine while it is entered; a listener of the render.

    Leaving it without ``ended`` shows the error it was left with. ``port`` None takes the default port or any free one.
    Raises ConfigError when the port is in use.
    """

    def __init__(self, facts: Facts, port: int | None = None) -> None:
        self.state = State(facts)
        self._notes = ExitStack()
        self._server = Server(film_routes(self.state), port, "preview.port")
        self.address = self._server.address
        self._newest: Tensor | None = None
        self._over = threading.Event()
        self._jpeg_thread = threading.Thread(target=self._encode, name="live page, JPEG", daemon=True)

    def __enter__(self) -> Self:
        self._notes.enter_context(notes_to(_NoteHandler(self.state)))
        self._server.start()
        self._jpeg_thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._notes.close()
        if not self.state.ended:
            self.ended(_ending(error))
        try:
            self._linger(LINGER_SECONDS if kind is None else ERROR_LINGER_SECONDS)
        finally:
            self._over.set()
            self._jpeg_thread.join(2)
            self._server.stop()

    def frame(self, index: int, frame: Tensor, label: str) -> None:
        """Frame ``index``, ``(1, 3, H, W)`` in [0, 1], is done; ``label`` names its targets. Returns at once."""
        self._newest = frame
        self.state.frame_done(index, label)

    def segment(self, path: Path, first: int, frames: int) -> None:
        """``path`` holds ``frames`` frames from frame ``first`` on and can be played."""
        self.state.add_segment(path, first, frames)

    def ended(self, how: str) -> None:
        """The render is over; ``how`` is shown."""
        self.state.end(how)

    def _encode(self) -> None:
        """The JPEG thread: encodes the newest frame if a browser is watching, or if it is the first."""
        while not self._over.wait(FRAME_INTERVAL_SECONDS):
            if self.state.is_watched or not self.state.picture:
                frame, self._newest = self._newest, None
                if frame is not None:
                    self.state.set_picture(as_jpeg(frame))

    def _linger(self, seconds: float) -> None:
        """Keep serving for a while if a browser is watching, until Ctrl-C."""
        if not self.state.is_watched:
            return
        if seconds > ERROR_LINGER_SECONDS:
            log.info(f"the live page stays for {seconds:g} s while it is open; Ctrl-C ends it")
        until = time.monotonic() + seconds
        try:
            while time.monotonic() < until and self.state.is_watched:
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
        self._state.add_note(record.getMessage())


def _ending(error: BaseException | None) -> str:
    if error is None:
        return "done"
    is_stop = isinstance(error, Interrupted | KeyboardInterrupt)
    return (str(error) or "stopped") if is_stop else f"error: {error}"


def open_page(plan: FilmPlan, config: PreviewConfig, stack: ExitStack) -> Page:
    """The page of this film, served until ``stack`` closes. Raises ConfigError when the port is in use."""
    left, right, width = score_chart.LEFT, score_chart.RIGHT, score_chart.WIDTH
    facts = Facts(
        title=plan.title,
        frames=plan.part.stop if plan.part else plan.frames,
        fps=float(plan.fps),
        size=(plan.width, plan.height),
        score=score_chart.as_png(score_data.film_score(plan), plan.title),
        span=(left / width, 1 - right / width),
    )
    page = Page(facts, config.port)
    log.info(f"the live page is at {page.address}")
    return stack.enter_context(page)
