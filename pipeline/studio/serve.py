"""Serves the studio until Ctrl-C."""

import logging
import signal
import time
from pathlib import Path
from types import FrameType
from typing import Any, Self

from pipeline.runtime import interrupt
from pipeline.studio.config import StudioConfig
from pipeline.studio.queue import Queue
from pipeline.studio.routes import studio_routes
from pipeline.studio.uploads import Uploads
from pipeline.web.server import Server

log = logging.getLogger(__name__)


class _Signals:
    """While entered, counts Ctrl-C, SIGTERM and SIGHUP; the second raises KeyboardInterrupt."""

    def __init__(self) -> None:
        self.count = 0
        self._handlers: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Self:
        self._handlers = interrupt.handle(self._on_signal)
        return self

    def __exit__(self, *error: object) -> None:
        interrupt.restore(self._handlers)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self.count += 1
        if self.count > 1:
            raise KeyboardInterrupt


def serve(config: StudioConfig) -> None:
    """Serve the page and run its queue. Raises RenderError."""
    folder = Path(config.folder)
    with Queue(folder / "queue.json") as queue, _Signals() as signals:
        uploads = Uploads(folder / "uploads", config.upload_mb * 1_000_000)  # of this studio alone: the queue is locked
        server = Server(studio_routes(queue, uploads, folder / "conf"), config.port, "studio.port", accepts_posts=True)
        log.info(f"the studio is at {server.address}")
        server.start()
        try:
            while not signals.count:
                time.sleep(0.2)
            if queue.is_rendering:
                log.info("stopping; the film that renders resumes at the next start")
        finally:
            server.stop()
