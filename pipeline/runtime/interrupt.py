"""Stopping politely: the first Ctrl-C lets the frame be finished, the second stops at once."""

import os
import signal
from types import FrameType, TracebackType
from typing import Any, Self

SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]


class Stop:
    """While it is entered, ``asked`` becomes true at the first Ctrl-C or SIGTERM; another raises KeyboardInterrupt."""

    def __init__(self) -> None:
        self.asked = False
        self._before: list[Any] = []

    def __enter__(self) -> Self:
        self._before = [signal.signal(number, self._on_signal) for number in SIGNALS]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in zip(SIGNALS, self._before, strict=True):
            signal.signal(number, handler)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True
        # Straight to the file: a handler may run in the middle of a print.
        os.write(2, b"\nstopping after this frame; once more stops at once\n")
