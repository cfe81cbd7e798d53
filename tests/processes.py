"""Programs that tests start. Every wait has an end, and nothing that a program started outlives its test."""

import os
import re
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any
from uuid import uuid4

WAIT_SECONDS = 240.0  # for one wait, on a busy machine
END_SECONDS = 120.0
POLL_SECONDS = 0.05
MARK = "DREAM_ZOOM_TEST_PROGRAM"
"""The variable by which all processes of a program are known, also those that leave its session."""


class Started:
    """A running program in a session of its own. It writes to files: no process that it leaves behind holds a pipe."""

    def __init__(self, command: Sequence[str], folder: Path | None, variables: dict[str, str]) -> None:
        self._mark = uuid4().hex
        self._out, self._err = tempfile.TemporaryFile(), tempfile.TemporaryFile()  # noqa: SIM115 - closed by end()
        self.process = subprocess.Popen(
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=self._out,
            stderr=self._err,
            start_new_session=True,
            env={**os.environ, "PYTHONFAULTHANDLER": "1", MARK: self._mark, **variables},
        )

    @property
    def out(self) -> str:
        """Its standard output so far."""
        return _text(self._out)

    @property
    def err(self) -> str:
        """Its standard error so far."""
        return _text(self._err)

    @property
    def lines(self) -> list[str]:
        """The lines of its standard error so far."""
        return self.err.splitlines(keepends=True)

    def until(self, is_true: Callable[[], object], seconds: float = WAIT_SECONDS) -> None:
        """Wait for it; the program must run meanwhile."""
        deadline = time.monotonic() + seconds
        while not is_true():
            assert self.process.poll() is None, self.err
            assert time.monotonic() < deadline, self.err
            time.sleep(POLL_SECONDS)

    def line(self, pattern: str) -> str:
        """Wait for a whole line of standard error with this pattern; its first group."""
        whole = re.compile(rf"{pattern}.*\n")
        self.until(lambda: whole.search(self.err))
        match = whole.search(self.err)
        assert match is not None
        return str(match[1])

    def ended(self, seconds: float = END_SECONDS) -> int:
        """Wait for its end; the exit code."""
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.send_signal(signal.SIGABRT)  # it prints where its threads are
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(10)
            raise AssertionError(self.err) from None

    def kill(self) -> None:
        """SIGKILL to the program alone."""
        self.process.kill()
        self.process.wait(END_SECONDS)

    def members(self) -> list[int]:
        """All processes that it started, and itself, on Linux; elsewhere none."""
        return marked(self._mark)

    def end(self) -> None:
        """Kill it with all processes that it started."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        deadline = time.monotonic() + END_SECONDS
        while numbers := self.members():
            for number in numbers:
                with suppress(ProcessLookupError):
                    os.kill(number, signal.SIGKILL)
            assert time.monotonic() < deadline, f"these processes cannot be killed: {numbers}"
            time.sleep(POLL_SECONDS)
        self.process.wait(END_SECONDS)
        self._out.close()
        self._err.close()


@contextmanager
def started(command: Sequence[str], folder: Path | None = None, **variables: str) -> Iterator[Started]:
    """The program in ``folder``, until the end of the block."""
    running = Started(command, folder, variables)
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


def marked(mark: str) -> list[int]:
    """The processes with this value of the variable ``MARK``."""
    numbers = [int(path.name) for path in Path("/proc").glob("[0-9]*")]
    return [number for number in numbers if f"{MARK}={mark}".encode() in read_process(number, "environ")]


def read_process(number: int, name: str) -> bytes:
    """A file of /proc about a process; empty once it is gone."""
    try:
        return Path(f"/proc/{number}/{name}").read_bytes()
    except OSError:
        return b""


def parent(number: int) -> int:
    """The process that started this one; 0 if it is gone."""
    return int((read_process(number, "stat").rpartition(b")")[2].split() or [b"", b"0"])[1])


def is_ray_worker(number: int) -> bool:
    """Whether it is a process of Ray that does a task, and none that it starts."""
    return b"ray::perform" in read_process(number, "cmdline") and b"raylet" in read_process(parent(number), "cmdline")


def until_true(is_true: Callable[[], bool], seconds: float = 60.0) -> None:
    """Wait until this is true."""
    end = time.monotonic() + seconds
    while not is_true():
        assert time.monotonic() < end
        time.sleep(POLL_SECONDS)


def _text(file: IO[bytes]) -> str:
    """All of a file that another process writes, whose place in it stays."""
    size = os.fstat(file.fileno()).st_size
    return os.pread(file.fileno(), size, 0).decode("utf-8", "replace")
