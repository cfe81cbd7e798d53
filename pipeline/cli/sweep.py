"""The films of a sweep: one after the other, or side by side, each in a process and on a GPU of its own.

A film that is rendered beside others is the same as one that is rendered alone: a GPU is given to its process by
CUDA_VISIBLE_DEVICES, so that neither its settings nor its record know of the others. Only the process that leads them
hears the terminal and writes to it; a line between it and each of the others carries what they say one way and a wish
to stop the other. A line that breaks means the same: who leads is gone.
"""

import logging
import os
import signal
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from multiprocessing import get_context, resource_tracker
from multiprocessing.connection import Connection, wait
from pathlib import Path
from types import FrameType
from typing import Any

from pipeline.cli import safe_yaml
from pipeline.cli.sweep_member import render_as_member
from pipeline.cli.sweep_places import ANY_GPU, gpus, places
from pipeline.config import RenderConfig
from pipeline.errors import RenderError
from pipeline.runtime.interrupt import SIGNALS
from pipeline.runtime.progress import Progress, answer, say

log = logging.getLogger(__name__)

DONE, AT_FAULT, INTERRUPTED = 0, 1, 130


@dataclass(frozen=True)
class Order:
    """A film to be made: its config, the folder of its run, its name, and the settings that were ``typed`` for it."""

    config: RenderConfig
    folder: Path
    name: str
    typed: tuple[str, ...] = ()


Work = Callable[[Order], int]
"""Makes a film and gives its exit code, whose reason it has said."""


def make(orders: Sequence[Order], work: Work, *, spread: bool) -> list[int]:
    """Make the films of a sweep, where ``spread`` on as many places as there are; their exit codes.

    Raises ConfigError for a sweep that goes through several ``jobs``.
    """
    found = places([order.config for order in orders], gpus) if spread else [""]
    if len(found) > 1:
        log.info(f"{len(orders)} films, {len(found)} at a time{', each on a GPU of its own' if _own(found) else ''}")
        return Crew(found, work).run(orders)
    codes, faults = [], []
    for order in orders:
        try:
            codes.append(work(order))
        except Exception as fault:  # of the program: the others are rendered nevertheless
            faults.append(fault)
        if codes and codes[-1] == INTERRUPTED:
            break
    if faults:
        raise faults[0]
    return codes


def labels(orders: Sequence[Order]) -> list[str]:
    """What each film is called beside the others: the settings in which it differs."""
    common = set(orders[0].typed).intersection(*(order.typed for order in orders))
    told = [safe_yaml.shown(" ".join(word for word in order.typed if word not in common)) for order in orders]
    return [label or f"film {number}" for number, label in enumerate(told, 1)]


class Crew:
    """Makes films, each in a process of its own, as many at a time as there are ``places``."""

    def __init__(self, places: Sequence[str], work: Work) -> None:
        self._places, self._work = places, work
        self._members: dict[int, _Member] = {}  # by the number of their place
        self._stops = 0

    def run(self, orders: Sequence[Order]) -> list[int]:
        """The films' exit codes. After Ctrl-C, SIGTERM or SIGHUP none is begun, and all stop as one film does."""
        waiting, codes = deque(zip(orders, labels(orders), strict=True)), []
        with _deaf():
            resource_tracker.ensure_running()  # else the first member's start would do it, and let signals in
        before = [signal.signal(number, self._stop) for number in SIGNALS]
        try:
            while self._members or (waiting and not self._stops):
                for number in range(len(self._places)):
                    if waiting and number not in self._members and self._begin(*waiting[0], number):
                        waiting.popleft()
                codes += self._ended()
        finally:
            for member in self._members.values():  # only where something went wrong here
                member.dismiss()
            for number, handler in zip(SIGNALS, before, strict=True):
                signal.signal(number, handler)
        if waiting:
            log.info(f"not begun: {len(waiting)} of {len(orders)} films")
            codes.append(INTERRUPTED)
        return codes

    def _begin(self, order: Order, label: str, number: int) -> bool:
        """Have a film begun on a place, unless it is time to stop."""
        order = _placed(order, number)
        try:
            with _deaf():
                if not self._stops:
                    self._members[number] = _Member(order, label, number, self._places[number], self._work)
        except OSError as error:
            raise RenderError(
                f"{label}: no process could be begun for it: {error.strerror}; take fewer jobs"
            ) from error
        return number in self._members

    def _ended(self) -> list[int]:
        """Wait until something is said, and show it; the exit codes of films that have ended."""
        if not self._members:  # a stop came before the first
            return []
        wait([ear for member in self._members.values() for ear in member.ears()])
        over = [number for number, member in self._members.items() if member.is_over()]
        return [self._members.pop(number).verdict() for number in over]

    def _stop(self, number: int, frame: FrameType | None) -> None:
        self._stops += 1
        for member in self._members.values() if self._stops <= 2 else ():
            member.stop()
        if self._stops == 1:  # straight to the file, as in Stop
            wipe = b"\x1b[K" if os.isatty(2) else b""  # what is left of a bar
            with suppress(OSError):  # a terminal that is closed
                os.write(2, b"\nevery film stops after its frame; once more stops at once" + wipe + b"\n")


class _Member:
    """A film on its way: its process, the line to it, what is shown of it."""

    def __init__(self, order: Order, label: str, row: int, gpu: str, work: Work) -> None:
        context = get_context("spawn")
        self._label, self._row = label, row
        self._line, other = context.Pipe()
        self._is_open = True
        self._shown: list[Progress] = []  # one within the other, as a film's warming up
        gpu = gpu if order.config.device in ANY_GPU else ""
        self._process = context.Process(target=render_as_member, args=(work, order, gpu, other), name=label)
        self._process.start()
        other.close()

    def ears(self) -> list[Connection | int]:
        """What there is to wait for."""
        return [self._process.sentinel, *([self._line] if self._is_open else [])]

    def is_over(self) -> bool:
        """Show what it has said since; whether that was its last."""
        alive = self._process.is_alive()  # asked first: what it said before its end is there by now
        while said := self._said():
            with suppress(OSError):  # nobody reads it any more; the film goes on
                self._show(*said)
        return not alive

    def stop(self) -> None:
        """Ask it to stop."""
        with suppress(OSError):  # it has ended
            self._line.send("stop")

    def dismiss(self) -> None:
        """Let it stop, and wait for its end."""
        self._line.close()
        self._process.join()

    def verdict(self) -> int:
        """Its exit code, when it is over. What it could not say itself is said."""
        for progress in self._shown:
            progress.__exit__(None, None, None)
        self._line.close()
        code = self._process.exitcode or 0
        if code in (DONE, AT_FAULT, INTERRUPTED):  # it has said why
            return code
        how = f"signal {-code}" if code < 0 else f"exit code {code}"
        memory = ", as a system does when memory runs out" if code == -signal.SIGKILL else ""
        say(f"[{self._label}] error: its process was ended by {how}{memory}; what was finished of the film is kept")
        return AT_FAULT

    def _said(self) -> tuple[Any, ...]:
        """The next message that is there; empty when there is none."""
        try:
            return tuple(self._line.recv()) if self._is_open and self._line.poll() else ()
        except (EOFError, OSError):
            self._is_open = False
            return ()

    def _show(self, kind: str, *facts: Any) -> None:
        if kind == "answer":
            answer(facts[0])
        elif kind == "line":
            say(f"[{self._label}] {facts[0]}")
        elif kind == "open":
            total, what, done = facts
            self._shown.append(Progress(total, f"[{self._label}] {what}", done, self._row))
        elif kind == "step" and self._shown:
            self._shown[-1].step(facts[0], fresh=facts[1])
        elif kind == "close" and self._shown:
            self._shown.pop().__exit__(None, None, None)


def _placed(order: Order, number: int) -> Order:
    """A film for a place, with a page of its own where its port was typed."""
    preview = order.config.preview
    if not preview.port:
        return order
    port = (preview.port + number) % 65536  # beyond the last any that is free
    return replace(order, config=replace(order.config, preview=replace(preview, port=port)))


def _own(places: Sequence[str]) -> bool:
    return all(places) and len(set(places)) == len(places)


@contextmanager
def _deaf() -> Iterator[None]:
    """Signals wait. A process that begins meanwhile never hears them, and neither do those that it begins."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
