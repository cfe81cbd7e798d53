"""One film of several that are rendered side by side, in its own process: what it hears from the one that leads."""

import io
import os
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection
from types import FrameType
from typing import Any

from pipeline.runtime.interrupt import Stop
from pipeline.runtime.progress import NoteHandler, notes_to, shown_by

LONGEST = 4096  # characters of one message, as of a path: it goes out whole, or a Ctrl-C keeps it in


def render_as_member(work: Callable[[Any], int], order: Any, gpu: str, line: Connection) -> None:
    """Do the ``work`` for an ``order`` on the ``gpu`` (or where it says itself), and end this process with its code.

    Signals of a terminal or of a group do not get here (this process was begun so): whoever leads has them, too, and
    passes a wish to stop on over the ``line``, so that it comes once for each time that it was meant.
    """
    if gpu:
        os.environ["CUDA_VISIBLE_DEVICES"] = gpu  # torch is not loaded yet
    teller = Teller(line)
    sys.stdout, sys.stderr = Lines(teller, "answer"), Lines(teller, "line")
    shown_by(teller.tell)
    Stop.aloud = False  # once is enough
    signal.signal(signal.SIGTERM, _interrupt)
    signal.signal(signal.SIGUSR1, _as_if_terminated)
    code = 130
    try:
        threading.Thread(target=_listen, args=(line,), name="line", daemon=True).start()
        with notes_to(NoteHandler()):
            code = work(order)
        signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    except BaseException as error:  # before the work or after it; in it, it says so itself
        if not _is_interrupt(error):
            raise
    sys.exit(code)


class Teller:
    """Tells whoever leads what there is to be shown; silent once nobody listens."""

    def __init__(self, line: Connection) -> None:
        self._line = line
        self._one_at_a_time = threading.RLock()  # a handler may speak while its thread does

    def tell(self, kind: str, *facts: object) -> None:
        """Send one message. May be called from any thread."""
        short = [fact[:LONGEST] if isinstance(fact, str) else fact for fact in facts]
        with self._one_at_a_time, suppress(OSError):
            self._line.send((kind, *short))


class Lines(io.TextIOBase):
    """A stream that tells what is written to it, each line whole."""

    def __init__(self, teller: Teller, kind: str) -> None:
        self._teller, self._kind = teller, kind
        self._begun = ""

    def writable(self) -> bool:
        """Always."""
        return True

    def write(self, text: str) -> int:
        """Take in ``text``; of a line that is written over, the last state counts."""
        *lines, self._begun = (self._begun + text).split("\n")
        for line in lines:
            self._teller.tell(self._kind, line.rpartition("\r")[2])
        self._begun = self._begun.rpartition("\r")[2]
        return len(text)


def _is_interrupt(error: BaseException | None) -> bool:
    """Whether it is a wish to stop, or something that came to grief over one, as an import may."""
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__cause__ or error.__context__
    return error is not None


def _listen(line: Connection) -> None:
    """Have each wish to stop heard by the main thread, even where it waits; no leader is one, too."""
    main, led = threading.main_thread().ident, True
    while led and main is not None:
        try:
            line.recv()
        except (EOFError, OSError):
            led = False
        signal.pthread_kill(main, signal.SIGUSR1)


def _as_if_terminated(number: int, frame: FrameType | None) -> None:
    """What is done on SIGTERM now; while a film is rendered that is to finish its frame."""
    handler = signal.getsignal(signal.SIGTERM)
    if callable(handler):
        handler(signal.SIGTERM, frame)


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt
