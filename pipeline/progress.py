"""Progress for people: a bar on a terminal, a plain line now and then in a log."""

import sys
import time
from types import TracebackType
from typing import Self

from tqdm import tqdm

LOG_EVERY = 15.0  # seconds between lines where there is no terminal


class Progress:
    """Counts frames on standard error with frames per second, time left and the current target."""

    def __init__(self, total: int, what: str) -> None:
        self._total, self._what, self._done = total, what, 0
        self._began = self._told = time.monotonic()
        self._bar = None
        if sys.stderr.isatty():
            shape = "{desc} {percentage:3.0f}% {bar} {n_fmt}/{total_fmt} [{rate_fmt}, {remaining} left] {postfix}"
            self._bar = tqdm(total=total, desc=what, unit=" frames", bar_format=shape, dynamic_ncols=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.close()

    def step(self, label: str = "") -> None:
        """One more is done; ``label`` says what is being dreamed."""
        self._done += 1
        if self._bar is not None:
            self._bar.set_postfix_str(label, refresh=False)
            self._bar.update()
            return
        now = time.monotonic()
        if self._done == self._total or now - self._told >= LOG_EVERY:
            self._told = now
            rate = self._done / max(now - self._began, 1e-9)
            left = (self._total - self._done) / rate
            text = f"{self._what} {self._done}/{self._total}, {rate:.2f} frames/s, {left:.0f} s left {label}"
            print(text.rstrip(), file=sys.stderr, flush=True)  # noqa: T201 - this is where people read it


def say(text: str) -> None:
    """A line for the person at the keyboard, on standard error, above a running bar."""
    tqdm.write(text, file=sys.stderr)
