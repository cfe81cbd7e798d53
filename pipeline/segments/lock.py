"""One render at a time for one film: a lock that says who holds it, and that no crash leaves behind."""

import fcntl
import json
import os
import socket
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any

from pipeline.errors import OutputError


class Lock:
    """While it is entered, this process alone may render ``film``; the file at ``path`` names its host and process.

    The kernel lets go of the lock when the process ends, however it ends, so a stale file is simply taken over. Other
    machines' locks may not be felt across a network: a file that names another host is respected until it is
    deleted. Raises OutputError when another render holds it.
    """

    def __init__(self, path: Path, film: Path) -> None:
        self._path, self._film = path, film
        self._handle = -1

    def __enter__(self) -> "Lock":
        try:
            while not self._take():
                pass
            mine = {"host": socket.gethostname(), "pid": os.getpid(), "since": round(time.time())}
            os.ftruncate(self._handle, 0)
            os.pwrite(self._handle, json.dumps(mine).encode(), 0)
        except OSError as error:
            self._let_go()
            raise OutputError(f"{self._path} cannot be written: {error.strerror}") from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(OSError):  # the folder may be gone, and the lock with it
            if self._is_mine():
                self._path.unlink()
        self._let_go()

    def _take(self) -> bool:
        """Whether the lock is ours; False to try again. Raises OutputError when it is another's."""
        self._handle = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o644)
        if not self._locked():
            holder = self._holder()
            self._let_go()
            raise OutputError(
                f"{self._film} is being rendered by process {holder.get('pid', '?')}{_clock(holder)}; "
                "wait for it, stop it, or give another output="
            )
        if not self._is_mine():  # its holder deleted the file just before letting go
            self._let_go()
            return False
        host = self._holder().get("host", socket.gethostname())
        if host != socket.gethostname():
            self._let_go()
            raise OutputError(f"{self._film} is being rendered on {host}; if that is over, delete {self._path}")
        return True

    def _locked(self) -> bool:
        """Whether the kernel gives us the lock, asked a few times: somebody may only have looked whether it is held."""
        for attempt in range(3):
            try:
                fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                time.sleep(0.1 * attempt)
            else:
                return True
        return False

    def _is_mine(self) -> bool:
        """Whether the file under the lock's name is still the one that is held."""
        try:
            return os.path.samestat(os.fstat(self._handle), self._path.stat())
        except FileNotFoundError:
            return False

    def _holder(self) -> dict[str, Any]:
        try:
            found = json.loads(os.pread(self._handle, 1000, 0))
        except ValueError:  # not written yet, or not by us
            return {}
        return found if isinstance(found, dict) else {}

    def _let_go(self) -> None:
        if self._handle >= 0:
            os.close(self._handle)
        self._handle = -1


def is_held(path: Path) -> bool:
    """Whether a render on this machine holds the lock at ``path``."""
    try:
        handle = os.open(path, os.O_RDWR)
    except OSError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False


def _clock(holder: dict[str, Any]) -> str:
    since = holder.get("since")
    return time.strftime(" since %Y-%m-%d %H:%M", time.localtime(since)) if isinstance(since, int) else ""
