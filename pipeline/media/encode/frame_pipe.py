"""Frames into a running ffmpeg, without ever waiting for ever."""

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

Fetch = Callable[[], bytes | memoryview]  # a frame that is not there yet, in single bytes
PIECE = 65536  # bytes handed over at once: what a Linux pipe holds, so each piece taken is progress


class _UnfetchedError(Exception):
    """Ends the writing thread; what happened is raised where frames are given."""


class Sink:
    """A running ffmpeg that is fed frames of exactly ``frame_bytes`` bytes.

    A thread writes from a queue of ``depth`` frames, so that dreaming and encoding overlap.
    ``stall`` is how many seconds ffmpeg may take nothing while frames wait, ``finish`` how many it
    may need after the last one. Every EncoderError leaves no process and no thread behind.
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
            arguments,
            doing=doing,
            failure=EncoderError,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
        )
        self._queue: Queue[bytes | Fetch | None] = Queue(depth)
        self._broken = threading.Event()
        self._unfetched: Exception | None = None
        self._fetching = False
        self._ended = False
        self._moved = time.monotonic()
        self._writer = threading.Thread(target=self._feed, daemon=True)
        self._writer.start()

    def write(self, frame: Any) -> None:
        """Queue one frame: bytes or any contiguous buffer; it is copied.

        Raises ValueError for another size, EncoderError when ffmpeg died or hangs.
        """
        view = memoryview(frame)
        if view.nbytes != self._frame_bytes:
            raise ValueError(f"a frame of {view.nbytes} bytes; needs {self._frame_bytes}")
        self._put(bytes(view))

    def write_later(self, fetch: Fetch) -> None:
        """Queue one frame that ``fetch`` will return, called by the writing thread when it is due.

        What ``fetch`` raises, this or a later call raises, ``close`` at the latest. Raises EncoderError as ``write``.
        """
        self._put(fetch)

    def close(self) -> None:
        """Let ffmpeg finish and check that it did. Raises EncoderError."""
        if self._ended:
            return
        self._put(None)
        while self._writer.is_alive():
            self._writer.join(0.1)
            self._check_stall()
        try:
            code = self._process.wait(self._finish)
        except subprocess.TimeoutExpired:
            raise self._stop(f"ffmpeg hung for {self._finish:g} s after the last frame") from None
        self._check_fetched()
        if code or self._broken.is_set():
            raise self._stop()
        self._ended = True

    def abort(self) -> None:
        """End ffmpeg at once, whatever its state. May be repeated."""
        self._process.kill()
        with suppress(Full):  # a writer with a full queue meets the broken pipe instead
            self._queue.put_nowait(None)
        self._writer.join()
        self._ended = True

    def _put(self, item: bytes | Fetch | None) -> None:
        if self._ended:
            raise ValueError("the sink is closed")
        if self._queue.empty():  # nothing was waiting until now
            self._moved = time.monotonic()
        while not self._broken.is_set():
            try:
                self._queue.put(item, timeout=0.1)
            except Full:
                self._check_stall()
            else:
                return
        self._check_fetched()
        with suppress(subprocess.TimeoutExpired):  # time for its last words
            self._process.wait(5.0)
        raise self._stop()

    def _check_stall(self) -> None:
        if self._fetching:  # then it is not ffmpeg that takes its time
            return
        if self._writer.is_alive() and time.monotonic() - self._moved > self._stall:
            raise self._stop(f"ffmpeg hung, it took nothing for {self._stall:g} s")

    def _fetched(self, fetch: Fetch) -> bytes | memoryview:
        """The frame, exactly as long as it must be."""
        self._fetching = True
        try:
            frame = fetch()
            if len(frame) != self._frame_bytes:
                raise ValueError(f"a frame of {len(frame)} bytes; needs {self._frame_bytes}")
        except Exception as error:
            self._unfetched = error
            raise _UnfetchedError from error
        finally:
            self._moved = time.monotonic()
            self._fetching = False
        return frame

    def _check_fetched(self) -> None:
        if self._unfetched is not None:
            self.abort()
            raise self._unfetched

    def _stop(self, what: str = "") -> RenderError:
        self.abort()
        return self._process.failed(what)

    def _feed(self) -> None:
        pipe = self._process.popen.stdin
        assert pipe is not None
        try:
            while (item := self._queue.get()) is not None:
                rest = memoryview(item if isinstance(item, bytes) else self._fetched(item))
                while rest:
                    self._moved = time.monotonic()
                    rest = rest[os.write(pipe.fileno(), rest[:PIECE]) :]
        except (OSError, _UnfetchedError):
            self._broken.set()
        finally:
            pipe.close()
