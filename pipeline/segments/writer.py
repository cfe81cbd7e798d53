"""Writes the frames of a shot into its store, segment by segment, and loses none of them whatever happens.

Each segment has its own encoder. When it is full, a thread finishes the file, verifies and names it, saves the canvas
next to it and appends to the journal, while the next segment is already rendered.
"""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from shutil import disk_usage
from types import TracebackType
from typing import Protocol, Self

from torch import Tensor

from pipeline.errors import Interrupted, OutputError
from pipeline.media.encode.encoder import Encoder
from pipeline.runtime.interrupt import Stop
from pipeline.runtime.progress import Progress
from pipeline.segments.checkpoint import Position
from pipeline.segments.open_segment import FrameTimer, OpenSegment
from pipeline.segments.store import SegmentStore
from pipeline.shot import Step

SPOOL_SPACE = 3  # spools need so many times their size free on the disk
MIN_SPOOLED_SECONDS = 10.0  # of rendering per segment: faster ones are cheap to lose
MAX_RAW_BYTES = 8  # per pixel: two bytes for each of three colours and opacity


class FrameListener(Protocol):
    """Follows a render. Must return at once from every call and never raise."""

    def frame(self, index: int, frame: Tensor, label: str) -> None:
        """Frame ``index``, ``(1, 3, H, W)`` in [0, 1], is rendered; ``label`` names its targets."""

    def segment(self, path: Path, first: int, frames: int) -> None:
        """A segment of ``frames`` frames from frame ``first`` on is finished and can be played."""


@dataclass
class SegmentWriter:
    """Writes into ``store``; as a context it finishes the last segment, also after an error.

    ``open_encoder`` takes a path and whether the file must be lossless. ``pixels`` are those of a frame.
    ``is_async``: frames come from a device that need not be waited for.
    """

    store: SegmentStore
    open_encoder: Callable[[Path, bool], Encoder]
    pixels: int
    is_async: bool
    stop: Stop
    listeners: Sequence[FrameListener] = ()
    _finishing: "_Finishing | None" = field(default=None, init=False)
    _failed: bool = field(default=False, init=False)
    _timer: FrameTimer = field(default_factory=FrameTimer, init=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, KeyboardInterrupt):  # the thread ends with the program
            return
        try:
            self._wait()
        except Exception as late:
            error = error or late
        if error is not None and not self.store.folder.is_dir():
            raise OutputError(f"{self.store.folder} disappeared during the render") from error
        if kind is None and error is not None:
            raise error

    def write(self, gap: range, position: Position, steps: Iterator[Step], progress: Progress) -> None:
        """Write the segments ``gap``, whose first one resumes at ``position``, from ``steps``.

        Raises Interrupted when the user stopped. Finished segments stay, and so do the raw frames of the open one.
        """
        for number in gap:
            self._segment(number, steps, position if number == gap.start else Position(), progress)

    def _segment(self, number: int, steps: Iterator[Step], position: Position, progress: Progress) -> None:
        """Render one segment and start finishing it."""
        length = self.store.layout.length(number)
        opened = self._open(number, length, resumes=position.raw_frames is not None)
        try:
            if position.raw_frames is not None:
                for raw in position.raw_frames:
                    opened.add_raw(raw)
                    progress.step(rendered=False)
                opened.canvas, opened.state = position.canvas, position.state
            while opened.encoder.frames < length:
                step = next(steps)
                opened.add(step)
                for listener in self.listeners:
                    listener.frame(step.index, step.frame[:, :3], step.label)
                progress.step(step.label, index=step.index)
                self._timer.frame()
                if opened.pending is not None and (pays := self._spool_pays(length)) is not None:
                    opened.settle(self.store.spools.new(number) if pays else None)
                if self.stop.requested and opened.encoder.frames < length:
                    raise Interrupted
            self._wait()
        except BaseException as error:
            opened.encoder.__exit__(type(error), error, None)
            if not isinstance(error, KeyboardInterrupt) and self._previous_is_finished():
                self._keep(opened)
            opened.close()
            raise
        seconds = time.monotonic() - opened.began
        self._finishing = _Finishing(partial(self._finish, opened, opened.canvas_on_cpu(), seconds))
        if self.stop.requested and number + 1 < self.store.layout.count:
            raise Interrupted

    def _open(self, number: int, length: int, *, resumes: bool) -> OpenSegment:
        """Open a segment. Until it is known whether a spool pays, an async device defers its frames and others spool
        them; frames of an earlier run are spooled again at once.
        """
        pays = self._spool_pays(length)
        defer = pays is None and self.is_async and not resumes
        spooled = pays if pays is not None else not defer and self._has_space(length)
        spool = self.store.spools.new(number) if spooled else None
        encoder = self.open_encoder(self.store.path(number), self.store.layout.is_lossless(number))
        return OpenSegment(number, encoder, spool, defer=defer)

    def _spool_pays(self, frames: int) -> bool | None:
        """Whether a segment takes long enough to spool it, and the disk has space; None until that is measured."""
        seconds = self._timer.seconds()
        return None if seconds is None else frames * seconds > MIN_SPOOLED_SECONDS and self._has_space(frames)

    def _has_space(self, frames: int) -> bool:
        return disk_usage(self.store.folder).free > SPOOL_SPACE * frames * self.pixels * MAX_RAW_BYTES

    def _finish(self, opened: OpenSegment, canvas: Tensor, seconds: float) -> None:
        """Finish the segment: its video, the canvas of its last frame, the journal."""
        encoder, number = opened.encoder, opened.number
        try:
            encoder.__exit__(None, None, None)
            path = self.store.add(number, encoder.part, canvas, opened.state, seconds)
        except Exception:
            encoder.part.unlink(missing_ok=True)
            opened.close()
            if self.store.folder.is_dir():
                self._keep(opened)
            raise
        opened.close()
        opened.settle(None)
        self.store.spools.drop(number)
        for listener in self.listeners:
            listener.segment(path, self.store.layout.first(number), self.store.layout.length(number))

    def _keep(self, opened: OpenSegment) -> None:
        """Keep the raw frames of a segment that cannot be finished now."""
        if opened.pending:
            with suppress(Exception):
                has_space = self._has_space(len(opened.pending))
                opened.settle(self.store.spools.new(opened.number) if has_space else None)
        spool, is_saved = opened.spool, False
        if spool is None:
            return
        with suppress(Exception):
            if opened.canvas is not None:
                is_saved = self.store.spools.keep(opened.number, spool, opened.canvas_on_cpu(), opened.state)
        if not is_saved:
            spool.remove()

    def _previous_is_finished(self) -> bool:
        """Whether the segment before is finished; if not, a render resumes there."""
        with suppress(Exception):  # the first error is the one to raise
            self._wait()
            return not self._failed
        return False

    def _wait(self) -> None:
        """Wait until the segment before is finished. Raises its error."""
        finishing, self._finishing = self._finishing, None
        if finishing is not None:
            self._failed = True
            finishing.result()
            self._failed = False


class _Finishing(threading.Thread):
    """Work in a thread that does not keep the program alive."""

    def __init__(self, work: Callable[[], None]) -> None:
        super().__init__(daemon=True, name="finishing")
        self._work = work
        self._error: BaseException | None = None
        self.start()

    def run(self) -> None:
        try:
            self._work()
        except BaseException as error:
            self._error = error

    def result(self) -> None:
        """Wait for the end; raises the work's error."""
        self.join()
        if self._error is not None:
            raise self._error
