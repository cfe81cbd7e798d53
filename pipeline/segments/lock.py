"""One render per film: a file lock with a note that says who holds it."""

import json
import os
import socket
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from filelock import FileLock, Timeout

from pipeline.errors import OutputError
from pipeline.runtime.files import write_json

WAIT_SECONDS = 0.3  # another process may hold the lock for a moment only to test it


class RenderLock:
    """While entered, only this process renders ``film``; ``lock.json`` next to the lock names its host and process.

    The kernel frees the lock when the process ends, however it ends. It may not see other machines on a network disk:
    a note that names another host counts until the user deletes it. Raises OutputError if another render holds it.
    """

    def __init__(self, path: Path, film: Path) -> None:
        self._path, self._note, self._film = path, path.with_suffix(".json"), film
        self._lock = FileLock(path)

    def __enter__(self) -> Self:
        try:
            self._lock.acquire(timeout=WAIT_SECONDS)
            if not self._path.exists():  # its last holder removed the folder just before
                raise FileNotFoundError(2, "the work folder was removed; run the command again")
        except Timeout:
            holder = self._holder()
            since = time.strftime("%Y-%m-%d %H:%M", time.localtime(float(holder.get("since") or time.time())))
            words = f"{self._film} is being rendered by process {holder.get('pid', '?')} since {since}"
            raise OutputError(f"{words}; wait for it, stop it, or give another output=") from None
        except OSError as error:
            self._lock.release()
            raise OutputError(f"{self._path} cannot be written: {error.strerror}") from error
        host = self._holder().get("host", socket.gethostname())
        if host != socket.gethostname():
            self._lock.release()
            raise OutputError(f"{self._film} is being rendered on {host}; if that is over, delete {self._note}")
        write_json(self._note, {"host": host, "pid": os.getpid(), "since": round(time.time())})
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(OSError):  # the folder may be gone
            self._note.unlink()
        self._lock.release()

    def _holder(self) -> dict[str, Any]:
        try:
            holder = json.loads(self._note.read_text(encoding="utf-8"))
        except (OSError, ValueError):  # not written yet, or not by us
            return {}
        return holder if isinstance(holder, dict) else {}


def is_held(path: Path) -> bool:
    """Whether a render on this machine holds the lock at ``path``."""
    if not path.exists():
        return False
    try:
        with FileLock(path).acquire(timeout=0):
            return False
    except (Timeout, OSError):
        return True
