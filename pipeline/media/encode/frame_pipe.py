"""Feeds frames to a running ffmpeg, with a timeout on every wait."""

import os
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from queue import Full, Queue
from typing import Any

from pipeline.errors import EncoderError, RenderError
from pipeline.media.ffmpeg import Process

FrameBytes = Callable[[], bytes | memoryview]
"""Returns a frame's bytes when they are needed."""
PIECE_BYTES = 65536  # written at once: a Linux pipe's buffer, so that each accepted piece is progress
FLUSH_POLL_SECONDS = 0.0005
PAUSE_SECONDS = 0.5  # between two checks, which come every tenth of a second


class _FetchError(Exception):
    """Ends the writing thread; the cause is raised where frames are given."""


class FramePipe:
    """A running ffmpeg that reads frames of exactly ``frame_bytes`` bytes.

    A thread writes from a queue of ``depth`` frames, so that rendering and encoding overlap. ``stall`` is how many
    seconds ffmpeg may accept no data while frames wait, ``finish`` how many it may need after the last one. Every
    EncoderError leaves no process and no thread behind.
    """

    def __init__(
        self,
        arguments: Sequence[str],
        *,
        frame_bytes: int,
        doing: str,
        stall: float = 60.0,
        finish: float = 900.0,
        depth: int = 8,
    ) -> None:
        self._frame_bytes, self._stall, self._finish = frame_bytes, stall, finish
        self._process = Process(
            arguments, doing=doing, failure=EncoderError, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL
        )
        self._queue: Queue[bytes | FrameBytes | None] = Queue(depth)
        self._broken = threading.Event()
        self._fetch_error: Exception | None = None
        self._fetching = False
        self._closed = False
        self._last_progress = self._last_check = time.monotonic()
        self._writer = threading.Thread(target=self._run, daemon=True)
        self._writer.start()

    def write(self, frame: Any) -> None:
        """Queue one frame: bytes or any contiguous buffer; it is copied.

        Raises ValueError for another size, EncoderError when ffmpeg died or hangs.
        """
        view = memoryview(frame)
        if view.nbytes != self._frame_bytes:
            raise ValueError(f"a frame of {view.nbytes} bytes; needs {self._frame_bytes}")
        self._put(bytes(view))

    def write_later(self, fetch: FrameBytes) -> None:
        """Queue one frame whose bytes the writing thread gets by calling ``fetch``.

        What ``fetch`` raises, this or a later call raises, ``close`` at the latest. Raises EncoderError as ``write``.
        """
        self._put(fetch)

    def flush(self) -> None:
        """Wait until ffmpeg took all frames. Raises as ``write`` and ``write_later``."""
        while self._queue.unfinished_tasks and not self._broken.is_set():
            time.sleep(FLUSH_POLL_SECONDS)
            self._check_stall()
        if self._broken.is_set():
            raise self._broken_error()

    def close(self) -> None:
        """Let ffmpeg finish and check that it did. Raises EncoderError."""
        if self._closed:
            return
        self._put(None)
        while self._writer.is_alive():
            self._writer.join(0.1)
            self._check_stall()
        try:
            code = self._process.wait(self._finish)
        except subprocess.TimeoutExpired:
            raise self._stop(f"ffmpeg hung for {self._finish:g} s after the last frame") from None
        self._check_fetch()
        if code or self._broken.is_set():
            raise self._stop()
        self._closed = True

    def abort(self) -> None:
        """End ffmpeg at once, in any state. May be repeated."""
        self._process.kill()
        with suppress(Full):  # a writer with a full queue meets the broken pipe instead
            self._queue.put_nowait(None)
        self._writer.join()
        self._closed = True

    def _put(self, item: bytes | FrameBytes | None) -> None:
        if self._closed:
            raise ValueError("the pipe is closed")
        if self._queue.empty():  # ffmpeg had nothing to read until now
            self._last_progress = time.monotonic()
        while not self._broken.is_set():
            try:
                self._queue.put(item, timeout=0.1)
            except Full:
                self._check_stall()
            else:
                return
        raise self._broken_error()

    def _check_stall(self) -> None:
        now, last = time.monotonic(), self._last_check
        self._last_check = now
        if now - last > PAUSE_SECONDS:  # this process was stopped (Ctrl-Z), or it did not wait for ffmpeg until now
            self._last_progress = now
        if self._fetching:  # then the frame is late, not ffmpeg
            return
        if self._writer.is_alive() and time.monotonic() - self._last_progress > self._stall:
            raise self._stop(f"ffmpeg hung, it took nothing for {self._stall:g} s")

    def _fetch(self, fetch: FrameBytes) -> bytes | memoryview:
        self._fetching = True
        try:
            frame = fetch()
            if len(frame) != self._frame_bytes:
                raise ValueError(f"a frame of {len(frame)} bytes; needs {self._frame_bytes}")
        except Exception as error:
            self._fetch_error = error
            raise _FetchError from error
        finally:
            self._last_progress = time.monotonic()
            self._fetching = False
        return frame

    def _check_fetch(self) -> None:
        if self._fetch_error is not None:
            self.abort()
            raise self._fetch_error

    def _broken_error(self) -> RenderError:
        self._check_fetch()
        with suppress(subprocess.TimeoutExpired):  # time for ffmpeg's last messages
            self._process.wait(5.0)
        return self._stop()

    def _stop(self, what: str = "") -> RenderError:
        self.abort()
        return self._process.error(what)

    def _run(self) -> None:
        pipe = self._process.popen.stdin
        assert pipe is not None
        try:
            while (item := self._queue.get()) is not None:
                rest = memoryview(item if isinstance(item, bytes) else self._fetch(item))
                while rest:
                    self._last_progress = time.monotonic()
                    rest = rest[os.write(pipe.fileno(), rest[:PIECE_BYTES]) :]
                self._queue.task_done()
        except (OSError, _FetchError):
            self._broken.set()
        finally:
            pipe.close()
