"""Progress and notes on stderr: a bar on a terminal, now and then a plain line in a log file."""

import logging
import os
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout, suppress
from types import TracebackType
from typing import Any, Self

from tqdm import tqdm

LOG_INTERVAL_SECONDS = 15.0  # between lines without a terminal
MIN_FRAMES, MIN_SECONDS = 5, 3.0  # before the first estimate of the time left


class Progress:
    """Counts frames (or another ``unit``) on stderr, with frames per second, time left and the current target.

    ``done`` of the ``total`` are counted before the start. ``before`` maps frames to the work of the hidden dreams
    before them, in frames. Time left is shown after ``MIN_FRAMES`` or ``MIN_SECONDS``, when it is known.
    """

    def __init__(
        self, total: int, name: str, done: int = 0, before: Mapping[int, float] | None = None, unit: str = "frames"
    ) -> None:
        self._unit = unit
        self._before = dict(before or {})
        self._total, self._name, self._done, self._rendered = total, name, done, 0
        self._work_left, self._work_done = total - done + sum(self._before.values()), 0.0
        self._start = self._last_line = time.monotonic()
        self._bar = None
        if sys.stderr.isatty():
            form = "{desc} {percentage:3.0f}% {bar} {n_fmt}/{total_fmt} {unit}"
            self._bar = tqdm(total=total, initial=done, desc=name, unit="", bar_format=form, dynamic_ncols=True)

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

    def step(self, label: str = "", *, rendered: bool = True, index: int = -1) -> None:
        """Count frame ``index``; ``label`` names its targets. Frames not ``rendered`` now took no time."""
        work = 1.0 + self._before.pop(index, 0.0)
        self._done += 1
        self._rendered += rendered
        self._count(work if rendered else 0.0, work, label)

    def hidden(self, work: float) -> None:
        """Count one of the hidden dreams before frame 0."""
        self._before[0] = max(0.0, self._before.get(0, 0.0) - work)
        self._count(work, work, "warming up")

    def rate(self) -> float | None:
        """Frames per second so far; None before the first."""
        return self._work_done / max(time.monotonic() - self._start, 1e-9) if self._rendered else None

    def seconds_left(self) -> float | None:
        """The time that the rest will take; None before that is known."""
        seconds = time.monotonic() - self._start
        if not self._work_done or (self._rendered < MIN_FRAMES and seconds < MIN_SECONDS):
            return None
        return self._work_left * seconds / self._work_done

    def _count(self, done: float, work: float, label: str) -> None:
        self._work_done += done
        self._work_left = max(0.0, self._work_left - work)
        rate, left = self.rate(), self.seconds_left()
        facts = [f"{rate:.2f} {self._unit}/s"] if rate is not None else []
        facts += [f"{tqdm.format_interval(left)} left"] if left is not None else []
        now = time.monotonic()
        if self._bar is not None:
            self._bar.unit = f"[{', '.join(facts)}] {label}"
            self._bar.update(self._done - self._bar.n)
            self._bar.refresh() if label == "warming up" else None
        elif self._done == self._total or now - self._last_line >= LOG_INTERVAL_SECONDS:
            self._last_line = now
            text = ", ".join([f"{self._name} {self._done}/{self._total}", *facts])
            print(f"{text} {label}".rstrip(), file=sys.stderr, flush=True)  # noqa: T201


class LossyStream:
    """A text stream that drops what cannot be written: its reader is gone, its disk is full. No film fails by it."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        """Write the text, or drop it."""
        try:
            return int(self._stream.write(text))
        except (OSError, ValueError):
            self._drop()
            return len(text)

    def flush(self) -> None:
        """Write what is buffered, or drop it."""
        try:
            self._stream.flush()
        except (OSError, ValueError):
            self._drop()

    def _drop(self) -> None:
        """From now on everything goes nowhere, also what is still in the buffer when Python ends."""
        with suppress(OSError, ValueError):
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, self._stream.fileno())
            os.close(null)
            self._stream.flush()


@contextmanager
def lossy_output() -> Iterator[None]:
    """While the block runs, standard output and standard error cannot raise. Closed ones are opened, to nowhere: else
    the next file that is opened would get their numbers, and every message would be written into it.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free number, which is this one
    with ExitStack() as stack:
        for name, redirect in (("stdout", redirect_stdout), ("stderr", redirect_stderr)):
            stream = getattr(sys, name)
            if stream is None:  # it was closed when Python started
                stream = stack.enter_context(open(os.devnull, "w", encoding="utf-8"))  # noqa: PTH123
            lossy: Any = LossyStream(stream)
            stack.callback(lossy.flush)
            stack.enter_context(redirect(lossy))
        yield


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
