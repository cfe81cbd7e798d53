"""Stopping politely: the first Ctrl-C lets the frame be finished, the second stops at once."""

import signal
from types import FrameType, TracebackType
from typing import Any, Self

from pipeline.progress import say

SIGNALS = (signal.SIGINT, signal.SIGTERM)


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
        say("stopping after this frame; once more stops at once")
