"""The live page's data: written by the render, read by the server, bounded in size. No torch."""

import threading
import time
from collections import deque
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

MAX_NOTES = 20
SPEED_SAMPLES = 64  # over which the frame rate is measured
SAMPLE_SECONDS = 0.5  # between them
WATCH_SECONDS = 5.0  # after a request, for which a browser counts as watching


@dataclass(frozen=True)
class Facts:
    """Constants of a film: ``size`` is width and height in pixels, ``score`` the chart as a PNG, in which time runs
    from ``span[0]`` to ``span[1]``, fractions of its width.
    """

    title: str
    frames: int
    fps: float
    size: tuple[int, int]
    score: bytes
    span: tuple[float, float] = (0.0, 1.0)


@dataclass(frozen=True)
class Segment:
    """A file with ``frames`` frames of the film from frame ``first`` on; ``number`` is unique."""

    number: int
    path: Path
    first: int
    frames: int

    def is_within(self, other: "Segment") -> bool:
        """Whether the other one holds all of its frames."""
        return other.first <= self.first and self.first + self.frames <= other.first + other.frames


class State:
    """The variable data. All methods return at once and may be called from any thread."""

    def __init__(self, facts: Facts) -> None:
        self.facts = facts
        self._lock = threading.Lock()
        self._done, self._label, self._ended = 0, "", ""
        self._samples: deque[tuple[float, int]] = deque(maxlen=SPEED_SAMPLES)
        self._notes: deque[str] = deque(maxlen=MAX_NOTES)
        self._segments: dict[int, Segment] = {}
        self._segment_count = 0
        self._picture: tuple[int, bytes] = (0, b"")
        self._last_request = float("-inf")

    def frame_done(self, index: int, label: str) -> None:
        """Frame ``index`` is done."""
        now = time.monotonic()
        with self._lock:
            self._done, self._label = index + 1, label
            if not self._samples or now - self._samples[-1][0] >= SAMPLE_SECONDS:
                self._samples.append((now, index))

    def set_picture(self, jpeg: bytes) -> None:
        """Replace the newest frame's JPEG."""
        with self._lock:
            self._picture = (self._picture[0] + 1, jpeg)

    def add_segment(self, path: Path, first: int, frames: int) -> None:
        """Add a playable file; it replaces those whose frames it holds."""
        with self._lock:
            self._segment_count += 1
            new = Segment(self._segment_count, path, first, frames)
            self._segments = {n: each for n, each in self._segments.items() if not each.is_within(new)}
            self._segments[new.number] = new

    def add_note(self, text: str) -> None:
        """Add a note, once."""
        with self._lock:
            if text not in self._notes:
                self._notes.append(text)

    def end(self, how: str) -> None:
        """The render is over."""
        with self._lock:
            self._ended = how

    @property
    def ended(self) -> str:
        """How the render ended; empty until then."""
        with self._lock:
            return self._ended

    def note_request(self) -> None:
        """A browser is watching."""
        with self._lock:
            self._last_request = time.monotonic()

    def leave(self) -> None:
        """No browser is watching any more."""
        with self._lock:
            self._last_request = float("-inf")

    @property
    def is_watched(self) -> bool:
        """Whether a browser sent a request lately."""
        with self._lock:
            return time.monotonic() - self._last_request < WATCH_SECONDS

    @property
    def picture(self) -> bytes:
        """The newest frame's JPEG; empty before the first."""
        with self._lock:
            return self._picture[1]

    def segment(self, number: int) -> Path | None:
        """The file of the segment of that number."""
        with self._lock:
            segment = self._segments.get(number)
        return None if segment is None else segment.path

    def as_data(self) -> dict[str, Any]:
        """All data that the page shows, without the pictures."""
        with self._lock:
            rate = self._rate()
            segments = sorted(self._segments.values(), key=lambda each: each.first)
            return {
                **{key: value for key, value in asdict(self.facts).items() if key != "score"},
                "done": self._done,
                "label": self._label,
                "rate": rate,
                "left": (self.facts.frames - self._done) / rate if rate else None,
                "picture": self._picture[0],
                "segments": [{"number": s.number, "first": s.first, "frames": s.frames} for s in segments],
                "notes": list(self._notes),
                "ended": self._ended,
            }

    def _rate(self) -> float | None:
        """Frames per second over the last samples."""
        if len(self._samples) < 2:
            return None
        (start, first), (now, last) = self._samples[0], self._samples[-1]
        return (last - first) / (now - start) if last > first else None
