"""One shot's frames onto its shelf, segment by segment: what was rendered is kept, whatever happens.

The frames of a segment go into an encoder of their own. When it is full, a thread has the encoder finish, checks and
names the file, saves the canvas beside it and tells the journal, while the next segment is dreamed already.
"""

import hashlib
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from shutil import disk_usage
from typing import Any, Protocol

from torch import Tensor

from pipeline.errors import Interrupted, OutputError
from pipeline.media.encode.encoder import Encoder
from pipeline.runtime.interrupt import Stop
from pipeline.runtime.progress import Progress
from pipeline.segments.open_segment import Opened, Pace
from pipeline.segments.store import Position, Shelf
from pipeline.shot import Shot, Step

AMPLE = 3  # times the room that a segment's raw frames take has to be free for them to be kept
WORTH = 10.0  # seconds of work in a segment from which on its frames are spooled, so that a stop loses none
RUNS_AHEAD = (
    "cuda",
)  # kinds of device that need not be waited for: their frames are spooled once it is known to be worth it


class Watcher(Protocol):
    """Somebody who looks on. Must return at once from every call, whatever happens to it."""

    def frame(self, index: int, frame: Tensor, label: str) -> None:
        """Frame ``index``, ``(1, 3, H, W)`` in [0, 1], is dreamed; ``label`` says what is seen."""

    def segment(self, path: Path, first: int, frames: int) -> None:
        """A segment is finished and can be played."""


@dataclass
class Job:
    """Renders what is missing of ``frames`` frames of ``shot`` onto ``shelf``; ``encoder`` opens one for a file,
    without loss where its frames go into other pictures."""

    shot: Shot
    shelf: Shelf
    frames: int
    encoder: Callable[[Path, bool], Encoder]
    stop: Stop
    watchers: Sequence[Watcher] = ()
    _closing: "_Closing | None" = field(default=None, init=False)
    _failed: bool = field(default=False, init=False)
    _pace: Pace = field(default_factory=Pace, init=False)

    def run(self, name: str, wanted: range | None = None) -> None:
        """Render every gap (among the segments ``wanted``); ``name`` stands before the progress bar.

        Raises Interrupted when the user stopped, and whatever else went wrong; what was finished until then stays.
        """
        gaps = self.shelf.gaps(self.frames, wanted)
        total = sum(self.shelf.length(number, self.frames) for number in wanted or range(self.shelf.count(self.frames)))
        ahead = sum(self.shelf.length(number, self.frames) for gap in gaps for number in gap)
        with Progress(total, name, done=max(0, total - ahead)) as progress:
            try:
                for gap in gaps:
                    self._run(gap, progress)
                self._close_last()
            except KeyboardInterrupt:  # at once: the thread ends with the program
                raise
            except BaseException as error:
                with suppress(Exception):  # the first error is the one to tell
                    self._close_last()
                if not self.shelf.folder.is_dir():
                    raise OutputError(f"{self.shelf.folder} disappeared while the film was rendered") from error
                raise

    def _run(self, gap: range, progress: Progress) -> None:
        """Render consecutive segments, the first of which has a canvas before it."""
        position = self.shelf.position(gap.start)
        canvas = position.canvas
        self.shot.dreamer.recall(position.notes)
        if canvas is None:
            canvas = warm_up(self.shot, self.stop)
        steps = self.shot.render(canvas.to(self.shot.canvas.device), position.first)
        for number in gap:
            self._segment(number, steps, position if number == gap.start else None, progress)

    def _segment(self, number: int, steps: Iterator[Step], position: Position | None, progress: Progress) -> None:
        """Render one segment and set off its closing."""
        wanted = self.shelf.length(number, self.frames)
        opened = self._open(number, wanted, left=position is not None and position.frames is not None)
        try:
            if position and position.frames and position.canvas is not None:
                for raw in position.frames[0]:
                    opened.add_again(raw)
                    progress.step(fresh=False)
                opened.canvas, opened.notes = position.canvas, position.notes
            while opened.encoder.frames < wanted:
                step = next(steps)
                opened.add(step)
                for watcher in self.watchers:
                    watcher.frame(step.index, step.frame, step.label)
                progress.step(step.label)
                self._pace.frame()
                if opened.held is not None and (worth := self._is_worth(wanted)) is not None:
                    opened.settle(self.shelf.spool(number) if worth else None)
                if self.stop.asked and opened.encoder.frames < wanted:
                    raise Interrupted
            self._close_last()
        except BaseException as error:
            opened.encoder.__exit__(type(error), error, None)
            if not isinstance(error, KeyboardInterrupt) and self._closed_well():
                self._keep(opened)
            opened.shut()
            raise
        self._closing = _Closing(partial(self._close, opened, opened.on_cpu(), time.monotonic() - opened.began))
        if self.stop.asked and number + 1 < self.shelf.count(self.frames):
            raise Interrupted

    def _open(self, number: int, wanted: int, *, left: bool) -> Opened:
        """The segment ready for its frames. They are spooled where they are worth it, and while that is not known:
        at once where each is waited for, or where an earlier run ``left`` some, else when it is.
        """
        worth = self._is_worth(wanted)
        hold = worth is None and self.shot.canvas.device.type in RUNS_AHEAD and not left
        spool = self.shelf.spool(number) if not hold and (worth or (worth is None and self._has_room(wanted))) else None
        encoder = self.encoder(self.shelf.path(number), self.shelf.layout.is_kept(number))
        return Opened(number, encoder, spool, hold=hold)

    def _is_worth(self, frames: int) -> bool | None:
        """Whether the single frames of a segment are kept: where they take long, and where there is ample room. None
        while it is not known how long they take.
        """
        seconds = self._pace.seconds()
        return None if seconds is None else frames * seconds > WORTH and self._has_room(frames)

    def _has_room(self, frames: int) -> bool:
        height, width = self.shot.size
        needed = frames * height * width * 6  # two bytes a colour at most
        return disk_usage(self.shelf.folder).free > AMPLE * needed

    def _close(self, opened: Opened, canvas: Tensor, seconds: float) -> None:
        """Finish the segment: its video, the canvas of its last frame, the journal."""
        encoder, number, frames = opened.encoder, opened.number, opened.encoder.frames
        try:
            encoder.__exit__(None, None, None)
            path = self.shelf.add(number, encoder.part, canvas, opened.notes, frames=frames, seconds=seconds)
        except Exception:
            encoder.part.unlink(missing_ok=True)
            opened.shut()
            if self.shelf.folder.is_dir():
                self._keep(opened)
            raise
        opened.shut()
        opened.settle(None)
        self.shelf.drop_open(number)
        for watcher in self.watchers:
            watcher.segment(path, self.shelf.layout.first(number), frames)

    def _keep(self, opened: Opened) -> None:
        """Keep the frames of a segment that cannot be finished now."""
        if opened.held:
            with suppress(Exception):
                opened.settle(self.shelf.spool(opened.number) if self._has_room(len(opened.held)) else None)
        spool, kept = opened.spool, False
        if spool is None:
            return
        with suppress(Exception):
            kept = opened.canvas is not None and self.shelf.keep_open(
                opened.number, spool, opened.on_cpu(), opened.notes
            )
        if not kept:
            spool.remove()

    def _closed_well(self) -> bool:
        """Whether the segment before is finished; if not, its frames are those to go on from."""
        with suppress(Exception):  # the first error is the one to tell
            self._close_last()
            return not self._failed
        return False

    def _close_last(self) -> None:
        """Wait until the segment before is finished. Raises what went wrong there."""
        closing, self._closing = self._closing, None
        if closing is not None:
            self._failed = True
            closing.result()
            self._failed = False


class _Closing(threading.Thread):
    """Work in a thread that does not keep the program from ending."""

    def __init__(self, work: Callable[[], None]) -> None:
        super().__init__(daemon=True, name="closing")
        self._work = work
        self._error: BaseException | None = None
        self.start()

    def run(self) -> None:
        try:
            self._work()
        except BaseException as error:
            self._error = error

    def result(self) -> None:
        """Wait for the end; raises what went wrong."""
        self.join()
        if self._error is not None:
            raise self._error


def warm_up(shot: Shot, stop: Stop) -> Tensor:
    """The canvas that frame 0 starts from. Raises Interrupted."""
    canvas = shot.canvas
    if not shot.start.steps or shot.opening or shot.carried or shot.footage is not None:
        return canvas
    with Progress(shot.start.steps, "warming up") as progress:
        for grown in shot.begin():
            canvas = grown
            progress.step()
            if stop.asked:
                raise Interrupted("stopped before the first frame; nothing was written")
    return canvas


def cue_digest(shot: Shot, scales: Sequence[float]) -> Callable[[int, int], str]:
    """(first frame, count) → SHA-256 of every number and target that the score asks for in these frames."""

    def digest(first: int, count: int) -> str:
        found = hashlib.sha256()
        for index in range(first, first + count):
            cue = shot.cue(index)
            weights = [sorted((str(t), weight) for t, weight in cue.targets(scale).items()) for scale in scales]
            asked: list[Any] = [sorted(cue.numbers.items()), weights]
            found.update(repr(asked).encode())
        return found.hexdigest()

    return digest
