"""Serves the studio until Ctrl-C."""

import logging
import os
import time
from pathlib import Path

from pipeline.preview.server import Server
from pipeline.runtime.interrupt import Stop
from pipeline.studio.config import StudioConfig
from pipeline.studio.queue import Queue
from pipeline.studio.routes import studio_routes
from pipeline.studio.uploads import Uploads

log = logging.getLogger(__name__)


def serve(config: StudioConfig) -> None:
    """Serve the page and run its queue. Raises RenderError."""
    folder = Path(config.folder)
    # torch reads these as a child imports it: spinning threads make a busy machine several times slower.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    os.environ.setdefault("GOMP_SPINCOUNT", "0")
    uploads = Uploads(folder / "uploads", config.upload_mb * 1_000_000)
    with Queue(folder / "queue.json") as queue, Stop("frame, which then goes on at the next start") as stop:
        server = Server(studio_routes(queue, uploads, folder / "conf"), config.port, "studio.port", accepts_posts=True)
        log.info(f"the studio is at {server.address}")
        server.start()
        try:
            while not stop.requested:
                time.sleep(0.2)
        finally:
            server.stop()
