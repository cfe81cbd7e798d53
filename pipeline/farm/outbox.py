"""What a rendering thread hands over: finished segments, and signs of life in between."""

import time
from collections.abc import Callable
from pathlib import Path
from queue import SimpleQueue

from torch import Tensor

from pipeline.farm.executor import Parcel
from pipeline.runtime.progress import Progress
from pipeline.segments.store import SegmentStore

PULSE_SECONDS = 1.0  # between reports of frames


class Outbox:
    """Results of a thread that renders; follows it as a FrameListener. ``deletes`` segments once they are read."""

    def __init__(self, store: SegmentStore, *, deletes: bool) -> None:
        self.results: SimpleQueue[Parcel | None] = SimpleQueue()
        self.error: BaseException | None = None
        self._store, self._deletes = store, deletes

    def guard(self, work: Callable[[], None]) -> None:
        """Do the work; its error is kept."""
        try:
            work()
        except BaseException as error:
            self.error = error
        finally:
            self.results.put(None)

    def frame(self, index: int, frame: Tensor, label: str) -> None:
        """Nothing travels until a segment is finished."""

    def segment(self, path: Path, first: int, frames: int) -> None:
        """Hand over a finished segment."""
        entry = self._store.entries[first]
        canvas = self._store.folder / entry.checkpoint
        facts = {"segment": entry.segment, "frames": frames, "cues": entry.cues, "seconds": entry.seconds}
        digests = {"sha256": entry.sha256, "canvas_sha256": entry.checkpoint_sha256}
        self.results.put(Parcel({**facts, **digests}, {"video": path.read_bytes(), "canvas": canvas.read_bytes()}))
        if self._deletes:
            path.unlink()


class Pulse(Progress):
    """Reports frames about every second, as a sign of life."""

    def __init__(self, total: int, name: str, outbox: Outbox) -> None:
        super().__init__(total, name)
        self._outbox, self._counted, self._last = outbox, 0, time.monotonic()

    def step(self, label: str = "", *, rendered: bool = True, index: int = -1) -> None:
        """Count a frame."""
        super().step(label, rendered=rendered, index=index)
        self._counted += 1
        self._beat()

    def hidden(self, work: float) -> None:
        """Count a hidden dream."""
        super().hidden(work)
        self._beat()

    def _beat(self) -> None:
        if time.monotonic() - self._last >= PULSE_SECONDS:
            self._outbox.results.put(Parcel({"pulse": self._counted}))
            self._last, self._counted = time.monotonic(), 0
