"""Progress and notes on stderr: a bar on a terminal, now and then a plain line in a log file."""

import logging
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self

from tqdm import tqdm

LOG_EVERY = 15.0  # seconds between lines where there is no terminal


class Progress:
    """Counts frames on standard error with frames per second, time left and the current target.

    ``done`` of the ``total`` were there before.
    """

    def __init__(self, total: int, what: str, done: int = 0) -> None:
        self._total, self._what, self._done, self._before = total, what, done, done
        self._began = self._told = time.monotonic()
        self._bar = None
        if sys.stderr.isatty():
            shape = "{desc} {percentage:3.0f}% {bar} {n_fmt}/{total_fmt} [{rate_fmt}, {remaining} left] {postfix}"
            looks = {"desc": what, "unit": " frames", "bar_format": shape, "dynamic_ncols": True}
            self._bar = tqdm(total=total, initial=done, **looks)

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

    def step(self, label: str = "", *, fresh: bool = True) -> None:
        """One more is done; ``label`` says what is being dreamed. Not ``fresh``: it took no work, for the rate."""
        self._done += 1
        self._before += not fresh
        if self._bar is not None:
            self._bar.set_postfix_str(label, refresh=False)
            self._bar.update()
            return
        now = time.monotonic()
        if self._done == self._total or now - self._told >= LOG_EVERY:
            self._told = now
            rate = self.rate() or 1e-9
            left = max(0, self._total - self._done) / rate
            text = f"{self._what} {self._done}/{self._total}, {rate:.2f} frames/s, {left:.0f} s left {label}"
            print(text.rstrip(), file=sys.stderr, flush=True)  # noqa: T201 - this is where people read it

    def rate(self) -> float | None:
        """Frames per second so far; None before the first."""
        new = self._done - self._before
        return new / max(time.monotonic() - self._began, 1e-9) if new else None


class NoteHandler(logging.Handler):
    """Prints log records as ``note: …`` on stderr, above a running bar. Records with ``once`` are printed once."""

    def __init__(self) -> None:
        super().__init__()
        self._printed: set[str] = set()

    def emit(self, record: logging.LogRecord) -> None:
        """Print one note."""
        note = one_line(f"note: {record.getMessage()}")
        if not (getattr(record, "once", False) and note in self._printed):
            say(note)
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


def say(text: str) -> None:
    """Print a line on stderr, above a running bar."""
    tqdm.write(text, file=sys.stderr)


def answer(text: str) -> None:
    """A line of the answer, on standard output at once, above a running bar."""
    tqdm.write(text, file=sys.stdout)
    sys.stdout.flush()
