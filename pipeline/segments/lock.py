"""One render per film: a file lock with a note that says who holds it."""

import errno
import json
import logging
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

log = logging.getLogger(__name__)

NO_LOCKS = (errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOLCK)  # of file systems without them
WAIT_SECONDS = 0.3  # another process may hold the lock for a moment only to test it


class RenderLock:
    """While entered, only this process renders ``film``; ``lock.json`` next to the lock names its host and process.

    The kernel frees the lock when the process ends, however it ends. It may not see other machines on a network disk:
    a note that names another host counts until the user deletes it. On a file system without locks the note alone
    counts, while its process lives. Raises OutputError if another render holds it.
    """

    def __init__(self, path: Path, film: Path) -> None:
        self._path, self._note, self._film = path, path.with_suffix(".json"), film
        self._lock = FileLock(path, fallback_to_soft=False)  # a soft lock would outlive a killed render

    def __enter__(self) -> Self:
        try:
            self._lock.acquire(timeout=WAIT_SECONDS)
            if not self._path.exists():  # its last holder removed the folder just before
                raise FileNotFoundError(2, "the work folder was removed; run the command again")
        except Timeout:
            raise self._held() from None
        except OSError as error:
            self._lock.release()
            if error.errno not in NO_LOCKS:
                raise OutputError(f"{self._path} cannot be written: {error.strerror}") from error
            if _is_alive(self._holder().get("pid")):
                raise self._held() from None
            log.info(f"the file system of {self._path.parent} has no locks: start no second render of the same film")
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

    def _held(self) -> OutputError:
        holder = self._holder()
        since = time.strftime("%Y-%m-%d %H:%M", time.localtime(float(holder.get("since") or time.time())))
        words = f"{self._film} is being rendered by process {holder.get('pid', '?')} since {since}"
        return OutputError(f"{words}; wait for it, stop it, or give another output=")

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
        with FileLock(path, fallback_to_soft=False).acquire(timeout=0):
            return False
    except (Timeout, OSError) as error:
        return getattr(error, "errno", None) not in NO_LOCKS


def _is_alive(process: Any) -> bool:
    """Whether a process other than this one has this number."""
    if not isinstance(process, int) or process in (os.getpid(), 0):
        return False
    try:
        os.kill(process, 0)
    except (OSError, OverflowError) as error:
        return isinstance(error, PermissionError)  # of another user
    return True
