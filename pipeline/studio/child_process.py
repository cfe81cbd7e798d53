"""A render or sketch as a child process: its notes, its files, and the live page from which its progress comes."""

import http.client
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, TextIO
from urllib.parse import urlsplit

from pipeline.runtime.environment import child_environment
from pipeline.studio.command import PROGRAMS

MAX_NOTES = 20
MAX_FILES = 100  # that a child may name
POLL_SECONDS = 0.7
TIMEOUT_SECONDS = 2.0
ORPHAN_SECONDS = 60.0  # for a child that outlived its studio to finish its frame
_PAGE = re.compile(r"note: the live page is at (http://127\.0\.0\.1:\S+)")


class Child:
    """Runs ``python -m pipeline.render …``; a render also serves its live page, which nobody else gets to see."""

    def __init__(self, kind: str, words: Sequence[str], folder: str = "") -> None:
        command = [sys.executable, "-P", "-m", "pipeline.studio.watched", PROGRAMS[kind], *words]
        command += ["preview.port=0"] if kind == "render" else []
        command += [f"hydra.run.dir={folder}"] if folder else []
        # A process group of its own: a terminal's Ctrl-C reaches it through the studio alone.
        self._process = subprocess.Popen(
            command,
            env=child_environment(),
            process_group=0,
            text=True,
            errors="replace",
            stdin=subprocess.PIPE,  # it stops when this is closed
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self.pid, self.files, self.notes = self._process.pid, list[str](), deque[str](maxlen=MAX_NOTES)
        self.last_message, self._began = "", time.monotonic()
        self._address, self._state, self._polled = "", dict[str, Any](), 0.0
        self._lock = threading.Lock()
        self._readers = [
            threading.Thread(target=self._read, args=(self._process.stdout, self._on_file), daemon=True),
            threading.Thread(target=self._read, args=(self._process.stderr, self._on_line), daemon=True),
        ]
        for reader in self._readers:
            reader.start()

    def wait(self) -> int:
        """The exit code, once the process has ended."""
        code = self._process.wait()
        if self._process.stdin is not None:
            self._process.stdin.close()
        for reader in self._readers:
            reader.join(5)
        return code

    def stop(self) -> None:
        """What Ctrl-C does: the frame is finished, segments stay. The second time it ends at once."""
        with suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGTERM)  # not SIGINT, which prints a traceback while Python starts

    def kill(self) -> None:
        """End it at once; segments stay."""
        self._process.kill()

    def progress(self) -> dict[str, Any]:
        """What the live page says, at most as old as ``POLL_SECONDS``; empty before there is any."""
        with self._lock:
            is_old = time.monotonic() - self._polled > POLL_SECONDS
            if self._address and is_old and not self._state.get("ended"):
                self._polled = time.monotonic()
                with suppress(ValueError):
                    self._state = json.loads(self._get("state") or "{}") or self._state
                if self._state.get("ended"):
                    self._get("state?last")  # else its page would stay open for a while
            return self._state

    @property
    def seconds(self) -> float:
        """How long it has run."""
        return time.monotonic() - self._began

    @property
    def rate(self) -> float:
        """Frames per second when it was last known, else 0."""
        return float(self._state.get("rate") or 0.0)

    def picture(self) -> bytes:
        """The newest frame as a JPEG; empty before the first."""
        return self._get("picture.jpg") if self._address else b""

    def _get(self, name: str) -> bytes:
        where = urlsplit(self._address)
        connection = http.client.HTTPConnection(where.hostname or "", where.port, timeout=TIMEOUT_SECONDS)
        try:
            connection.request("GET", f"{where.path}{name}")
            answer = connection.getresponse()
            return answer.read() if answer.status == 200 else b""
        except (OSError, http.client.HTTPException):  # it is starting or ending
            return b""
        finally:
            connection.close()

    def _read(self, stream: TextIO, handle: Any) -> None:
        for line in stream:
            if line.strip():
                handle(line.strip())
        stream.close()

    def _on_file(self, line: str) -> None:
        if len(self.files) < MAX_FILES:
            self.files.append(line)

    def _on_line(self, line: str) -> None:
        address = "" if self._address else page_address(line)
        if address:
            self._address = address
        elif line.startswith("note: "):
            self.notes.append(line.removeprefix("note: "))
        else:
            self.last_message = line


def page_address(line: str) -> str:
    """The address of the live page, if this line of a child says it."""
    page = _PAGE.fullmatch(line)
    return page[1] if page else ""


def end_orphan(pid: int, kind: str, words: Sequence[str]) -> None:
    """End the process of an entry if it outlived a studio that was killed."""
    command = " ".join([PROGRAMS[kind], *words])
    with suppress(OSError):  # ProcessLookupError: it has ended
        if not pid or command not in _command_line(pid):
            return
        os.kill(pid, signal.SIGTERM)
        end = time.monotonic() + ORPHAN_SECONDS
        while command in _command_line(pid):
            time.sleep(0.5)
            if time.monotonic() > end:
                os.kill(pid, signal.SIGKILL)
                return


def _command_line(pid: int) -> str:
    """What a process runs; empty if there is none, or if it has ended."""
    with suppress(OSError):  # not every Linux has ps
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    return subprocess.run(
        ["ps", "-ww", "-p", str(pid), "-o", "args="], capture_output=True, text=True, check=False
    ).stdout
