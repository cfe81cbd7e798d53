"""Graceful stop: the first Ctrl-C lets the current frame finish, the second stops at once."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType, TracebackType
from typing import Any, Self

SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
Handler = Callable[[int, FrameType | None], Any]


def handle(handler: Handler) -> dict[signal.Signals, Any]:
    """Set the handler of Ctrl-C, SIGTERM and SIGHUP; those before, for ``restore``.

    Signals that are ignored stay so: ``nohup`` starts programs that outlive their terminal.
    """
    not_ignored = [number for number in SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]
    return {number: signal.signal(number, handler) for number in not_ignored}


def ignore() -> None:
    """Ignore Ctrl-C, SIGTERM and SIGHUP from now on, also while Python ends."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def restore(handlers: dict[signal.Signals, Any]) -> None:
    """Set the handlers as they were."""
    for number, handler in handlers.items():
        signal.signal(number, handler)


@contextmanager
def postponed() -> Iterator[None]:
    """Signals wait for the end of the block, which imports torch: an error in its C++ code would abort the process."""
    waiting: list[int] = []
    handlers = handle(lambda number, frame: waiting.append(number))
    try:
        yield
    finally:
        restore(handlers)
    if waiting:
        raise KeyboardInterrupt


class Stop:
    """While entered, the first Ctrl-C, SIGTERM or SIGHUP sets ``requested``; the next raises KeyboardInterrupt."""

    def __init__(self, unit: str = "frame") -> None:
        """``unit`` is what gets finished before the stop, for the message."""
        self.requested, self._unit = False, unit
        self._handlers: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Self:
        self._handlers = handle(self._on_signal)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        restore(self._handlers)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if self.requested:
            raise KeyboardInterrupt
        self.requested = True
        # os.write: the handler may run in the middle of a print.
        with suppress(OSError):
            os.write(2, f"\nstopping after this {self._unit}; press again to stop at once\n".encode())
