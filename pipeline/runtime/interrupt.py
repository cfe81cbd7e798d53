"""Graceful stop: the first Ctrl-C lets the current frame finish, the second stops at once."""

import os
import signal
from contextlib import suppress
from types import FrameType, TracebackType
from typing import Any, Self

SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]


class Stop:
    """While entered, the first Ctrl-C, SIGTERM or SIGHUP sets ``requested``; the next raises KeyboardInterrupt."""

    def __init__(self, unit: str = "frame") -> None:
        """``unit`` is what gets finished before the stop, for the message."""
        self.requested, self._unit = False, unit
        self._handlers: list[Any] = []

    def __enter__(self) -> Self:
        self._handlers = [signal.signal(number, self._on_signal) for number in SIGNALS]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in zip(SIGNALS, self._handlers, strict=True):
            signal.signal(number, handler)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if self.requested:
            raise KeyboardInterrupt
        self.requested = True
        # os.write: the handler may run in the middle of a print.
        with suppress(OSError):
            os.write(2, f"\nstopping after this {self._unit}; press again to stop at once\n".encode())
