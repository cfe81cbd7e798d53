"""Between the dream and its viewers: newest picture and state out, gestures in. Nothing here waits for a browser."""

import asyncio
import json
import logging
import threading
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from pipeline.web.jpeg import as_jpeg

MAX_VIEWERS = 16
MAX_COMMANDS = 1000  # that wait for the next frame; of more the oldest are dropped
MAX_NOTES = 20
PICTURES_AHEAD = 2  # that a browser may have before it says that it showed one
STATE_SECONDS = 0.1


@dataclass(eq=False)
class Viewer:
    """One browser: ``credit`` pictures may be sent to it; ``changed`` is set when there is something to send."""

    loop: asyncio.AbstractEventLoop
    changed: asyncio.Event
    credit: int = PICTURES_AHEAD


class Viewers:
    """The newest picture as a JPEG, encoded in a thread while it is entered if a browser can take it, and the state."""

    def __init__(self) -> None:
        self._lock = threading.Condition()
        self._viewers: set[Viewer] = set()
        self._commands: deque[dict[str, Any]] = deque(maxlen=MAX_COMMANDS)
        self._newest: Tensor | None = None
        self._picture: tuple[int, bytes] = (0, b"")
        self._state: tuple[int, str] = (0, "{}")
        self._state_at = 0.0
        self._notes: deque[str] = deque(maxlen=MAX_NOTES)
        self._over = False
        self._thread = threading.Thread(target=self._encode, name="live JPEG", daemon=True)

    def __enter__(self) -> "Viewers":
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        with self._lock:
            self._over = True
            self._lock.notify()
        self._thread.join(2)

    def show(self, frame: Tensor) -> None:
        """``frame`` ``(1, 3, H, W)`` in [0, 1] is the newest. Returns at once."""
        with self._lock:
            self._newest = frame
            self._lock.notify()

    def set_state(self, state: Mapping[str, Any]) -> None:
        """What browsers show besides the picture."""
        now = time.monotonic()
        if now - self._state_at < STATE_SECONDS:
            return
        self._state_at = now
        with self._lock:
            text = json.dumps({**state, "notes": list(self._notes)})
            if text != self._state[1]:
                self._state = (self._state[0] + 1, text)
                self._wake()

    def note(self, text: str) -> None:
        """Add a note, once in a row."""
        with self._lock:
            if not self._notes or self._notes[-1] != text:
                self._notes.append(text)

    def send(self, command: dict[str, Any]) -> None:
        """A gesture, for the next frame. From any thread."""
        with self._lock:
            self._commands.append(command)

    def commands(self) -> list[dict[str, Any]]:
        """The gestures since the last call."""
        with self._lock:
            commands = list(self._commands)
            self._commands.clear()
        return commands

    def add(self, viewer: Viewer) -> bool:
        """Add a browser; False if there are too many."""
        with self._lock:
            if len(self._viewers) >= MAX_VIEWERS:
                return False
            self._viewers.add(viewer)
            self._lock.notify()
            return True

    def remove(self, viewer: Viewer) -> None:
        """The browser is gone."""
        with self._lock:
            self._viewers.discard(viewer)

    def ready(self, viewer: Viewer) -> None:
        """The browser has shown a picture."""
        with self._lock:
            viewer.credit = min(viewer.credit + 1, PICTURES_AHEAD)
            self._lock.notify()
        viewer.changed.set()

    def news(self, viewer: Viewer, picture: int, state: int) -> tuple[tuple[int, bytes] | None, tuple[int, str] | None]:
        """The picture and the state that a browser which has these numbers should be sent."""
        with self._lock:
            has_new = self._picture[0] != picture and viewer.credit > 0
            viewer.credit -= has_new
            return (self._picture if has_new else None), (self._state if self._state[0] != state else None)

    def _wake(self) -> None:
        for viewer in self._viewers:
            viewer.loop.call_soon_threadsafe(viewer.changed.set)

    def _can_send(self) -> bool:
        return self._newest is not None and any(viewer.credit > 0 for viewer in self._viewers)

    def _encode(self) -> None:
        """The JPEG thread."""
        while True:
            with self._lock:
                self._lock.wait_for(lambda: self._over or self._can_send())
                if self._over:
                    return
                frame, self._newest = self._newest, None
            assert frame is not None
            jpeg = as_jpeg(frame)
            with self._lock:
                self._picture = (self._picture[0] + 1, jpeg)
                self._wake()


class NoteHandler(logging.Handler):
    """Shows log records to viewers."""

    def __init__(self, viewers: Viewers) -> None:
        super().__init__()
        self._viewers = viewers

    def emit(self, record: logging.LogRecord) -> None:
        """Show one note."""
        self._viewers.note(record.getMessage())
