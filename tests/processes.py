"""Programs that tests start. Every wait has an end, and nothing that a program started outlives its test."""

import os
import re
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

START_SECONDS = 180.0  # the machine may be busy
END_SECONDS = 120.0


class Started:
    """A running program in a session of its own; ``lines`` of its standard error so far."""

    def __init__(self, command: Sequence[str], folder: Path) -> None:
        self.process = subprocess.Popen(
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            env={**os.environ, "PYTHONFAULTHANDLER": "1"},
        )
        self.lines: list[str] = []
        self._changed, self._over = threading.Condition(), False
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def until(self, pattern: str, seconds: float = START_SECONDS) -> str:
        """Wait for a line with this pattern; its first group."""
        match: re.Match[str] | None = None

        def is_there() -> bool:
            nonlocal match
            match = next(filter(None, (re.search(pattern, line) for line in self.lines)), None)
            return match is not None or self._over

        with self._changed:
            self._changed.wait_for(is_there, seconds)
        assert match is not None, self.lines
        return str(match[1])

    def ended(self, seconds: float = END_SECONDS) -> int:
        """Wait for its end; the exit code. Then ``lines`` has all it said."""
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.send_signal(signal.SIGABRT)  # it prints where its threads are
            self._reader.join(10)
            raise AssertionError("".join(self.lines)) from None
        finally:
            self._reader.join(10)

    def kill(self) -> None:
        """SIGKILL to the program alone."""
        self.process.kill()
        self.process.wait(END_SECONDS)

    def end(self) -> None:
        """Kill it with all processes of its session."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        for pid in session(self.process.pid):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait(END_SECONDS)
        self._reader.join(10)
        assert self.process.stderr is not None
        if not self._reader.is_alive():
            self.process.stderr.close()

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            with self._changed:
                self.lines.append(line)
                self._changed.notify_all()
        with self._changed:
            self._over = True
            self._changed.notify_all()


@contextmanager
def started(command: Sequence[str], folder: Path) -> Iterator[Started]:
    """The program, until the end of the block."""
    running = Started(command, folder)
    try:
        yield running
    finally:
        running.end()


@contextmanager
def ending(process: subprocess.Popen[Any]) -> Iterator[subprocess.Popen[Any]]:
    """A process that is killed at the end of the block, if it still runs."""
    try:
        yield process
    finally:
        process.kill()
        with process:  # closes its pipes
            process.wait(END_SECONDS)


def session(pid: int) -> list[int]:
    """The processes of this session that run, on Linux; elsewhere none."""
    result = []
    for path in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            is_zombie = ") Z " in (path / "stat").read_text()
            if os.getsid(int(path.name)) == pid and not is_zombie:
                result.append(int(path.name))
    return result


def until_true(is_true: Callable[[], bool], seconds: float = 60.0) -> None:
    """Wait until this is true."""
    end = time.monotonic() + seconds
    while not is_true():
        assert time.monotonic() < end
        time.sleep(0.05)
