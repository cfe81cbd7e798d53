"""Programs of a test, each in a session of its own; nothing that one of them started runs on after it."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

SECONDS = 240.0  # for one wait, on a busy machine
RAY = {"RAY_memory_monitor_refresh_ms": "0"}  # else Ray ends its workers where others fill the memory
MARK = "DREAM_ZOOM_TEST_SESSION"


@dataclass(frozen=True)
class Session:
    """A program that runs. Its output goes to files, so that no process which it leaves behind holds a pipe."""

    process: "subprocess.Popen[bytes]"
    mark: str
    output: Path

    def text(self, name: str) -> str:
        """What it wrote to "out" or "err" so far."""
        return self.output.with_suffix(f".{name}").read_text(encoding="utf-8", errors="replace")

    def until(self, is_true: Callable[[], object]) -> None:
        """Wait for it; the program must run meanwhile."""
        deadline = time.monotonic() + SECONDS
        while not is_true():
            assert self.process.poll() is None, self.text("err")
            assert time.monotonic() < deadline, self.text("err")
            time.sleep(0.05)

    def exit_code(self, seconds: float = SECONDS) -> int:
        """Wait for its end."""
        return self.process.wait(seconds)

    def members(self) -> list[int]:
        """All processes that it started, and itself."""
        mark = f"{MARK}={self.mark}".encode()
        return [number for number in processes() if mark in read_process(number, "environ")]

    def workers(self) -> list[int]:
        """The processes that do tasks of its Ray."""
        return [number for number in self.members() if is_worker(number)]


@contextmanager
def session(command: Sequence[str], folder: Path, **variables: str) -> Iterator[Session]:
    """Run a command; at the end all its processes are killed."""
    mark = uuid4().hex
    output = folder / f"session-{mark}"
    environment = os.environ | {MARK: mark, **RAY} | variables
    folder.mkdir(parents=True, exist_ok=True)
    with output.with_suffix(".out").open("wb") as out, output.with_suffix(".err").open("wb") as err:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=out, stderr=err, env=environment, start_new_session=True
        )
    running = Session(process, mark, output)
    try:
        yield running
    finally:
        _kill_all(running)


def processes() -> list[int]:
    """The numbers of all processes."""
    return [int(path.name) for path in Path("/proc").glob("[0-9]*")]


def read_process(number: int, name: str) -> bytes:
    """A file of /proc about a process; empty once it is gone."""
    try:
        return Path(f"/proc/{number}/{name}").read_bytes()
    except OSError:
        return b""


def is_worker(number: int) -> bool:
    """Whether it is a process of Ray that does a task, and none that it starts."""
    return b"ray::perform" in read_process(number, "cmdline") and b"raylet" in read_process(parent(number), "cmdline")


def parent(number: int) -> int:
    """The process that started this one; 0 if it is gone."""
    return int((read_process(number, "stat").rpartition(b")")[2].split() or [b"", b"0"])[1])


def _kill_all(running: Session) -> None:
    deadline = time.monotonic() + 60
    while numbers := running.members():
        for number in numbers:
            with suppress(ProcessLookupError):
                os.kill(number, signal.SIGKILL)
        assert time.monotonic() < deadline, f"these processes cannot be killed: {numbers}"
        time.sleep(0.05)
    running.process.wait(60)
