"""Progress and notes on stderr: a bar on a terminal, now and then a plain line in a log file."""

import logging
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self

from tqdm import tqdm

LOG_INTERVAL_SECONDS = 15.0  # between lines without a terminal


class Progress:
    """Counts frames on stderr, with frames per second, time left and the current target.

    ``done`` of the ``total`` are counted before the start.
    """

    def __init__(self, total: int, name: str, done: int = 0) -> None:
        self._total, self._name, self._done, self._free = total, name, done, done
        self._start = self._last_line = time.monotonic()
        self._bar = None
        if sys.stderr.isatty():
            form = "{desc} {percentage:3.0f}% {bar} {n_fmt}/{total_fmt} [{rate_fmt}, {remaining} left] {postfix}"
            self._bar = tqdm(total=total, initial=done, desc=name, unit=" frames", bar_format=form, dynamic_ncols=True)

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

    def step(self, label: str = "", *, rendered: bool = True) -> None:
        """Count one frame; ``label`` names its targets. Frames not ``rendered`` now do not count for the rate."""
        self._done += 1
        self._free += not rendered
        if self._bar is not None:
            self._bar.set_postfix_str(label, refresh=False)
            self._bar.update()
            return
        now = time.monotonic()
        if self._done == self._total or now - self._last_line >= LOG_INTERVAL_SECONDS:
            self._last_line = now
            rate = self.rate() or 1e-9
            left = max(0, self._total - self._done) / rate
            text = f"{self._name} {self._done}/{self._total}, {rate:.2f} frames/s, {left:.0f} s left {label}"
            print(text.rstrip(), file=sys.stderr, flush=True)  # noqa: T201

    def rate(self) -> float | None:
        """Rendered frames per second so far; None before the first."""
        rendered = self._done - self._free
        return rendered / max(time.monotonic() - self._start, 1e-9) if rendered else None


class NoteHandler(logging.Handler):
    """Prints log records as ``note: …`` on stderr, above a running bar. Records with ``once`` are printed once."""

    def __init__(self) -> None:
        super().__init__()
        self._printed: set[str] = set()

    def emit(self, record: logging.LogRecord) -> None:
        """Print one note."""
        note = one_line(f"note: {record.getMessage()}")
        if not (getattr(record, "once", False) and note in self._printed):
            tqdm.write(note, file=sys.stderr)
        self._printed.add(note)


@contextmanager
def notes_to(handler: logging.Handler) -> Iterator[None]:
    """While the block runs, ``handler`` gets everything that is logged under the name ``pipeline``."""
    logger = logging.getLogger("pipeline")
    level, propagate = logger.level, logger.propagate
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    logger.propagate = False  # a root handler, such as Hydra's, would print each note twice
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
        logger.propagate = propagate


def one_line(text: str) -> str:
    """The text on one line of printable characters, so that no file name in it can move a terminal's cursor."""
    return "".join(letter if letter.isprintable() else " " for letter in " ".join(text.split()))
