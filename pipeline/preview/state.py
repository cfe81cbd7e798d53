"""What the live page knows: written by the render, read by the server, never more than a little of it. No torch."""

import threading
import time
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MOST_NOTES = 20
WINDOW = 64  # moments over which speed is measured
APART = 0.5  # seconds between them
WATCHED = 5.0  # seconds after a request for which somebody is taken to look on


@dataclass(frozen=True)
class Facts:
    """What is known of a film before it begins: ``size`` is width and height in pixels, ``score`` a PNG picture in
    which time runs from ``span[0]`` to ``span[1]``, fractions of its width.
    """

    title: str
    frames: int
    fps: float
    size: tuple[int, int]
    score: bytes
    span: tuple[float, float] = (0.0, 1.0)


@dataclass(frozen=True)
class Segment:
    """A file with ``frames`` frames of the film from frame ``first`` on. ``number`` is never given twice."""

    number: int
    path: Path
    first: int
    frames: int

    def within(self, other: "Segment") -> bool:
        """Whether the other one holds all of its frames."""
        return other.first <= self.first and self.first + self.frames <= other.first + other.frames


class State:
    """Everything that changes. Every method returns at once and may be called from any thread."""

    def __init__(self, facts: Facts) -> None:
        self.facts = facts
        self._lock = threading.Lock()
        self._done, self._label, self._ended = 0, "", ""
        self._passed: deque[tuple[float, int]] = deque(maxlen=WINDOW)
        self._notes: deque[str] = deque(maxlen=MOST_NOTES)
        self._segments: dict[int, Segment] = {}
        self._given = 0
        self._picture: tuple[int, bytes] = (0, b"")
        self._asked = float("-inf")

    def passed(self, index: int, label: str) -> None:
        """Frame ``index`` is done."""
        now = time.monotonic()
        with self._lock:
            self._done, self._label = index + 1, label
            if not self._passed or now - self._passed[-1][0] >= APART:
                self._passed.append((now, index))

    def show(self, picture: bytes) -> None:
        """A newer picture, as a JPEG file."""
        with self._lock:
            self._picture = (self._picture[0] + 1, picture)

    def add(self, path: Path, first: int, frames: int) -> None:
        """A file that can be played; it takes the place of those whose frames it holds."""
        with self._lock:
            self._given += 1
            new = Segment(self._given, path, first, frames)
            self._segments = {n: each for n, each in self._segments.items() if not each.within(new)}
            self._segments[new.number] = new

    def note(self, text: str) -> None:
        """Something a person should know."""
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

    def ask(self) -> None:
        """Somebody looks on."""
        with self._lock:
            self._asked = time.monotonic()

    @property
    def watched(self) -> bool:
        """Whether somebody has asked lately."""
        with self._lock:
            return time.monotonic() - self._asked < WATCHED

    @property
    def picture(self) -> bytes:
        """The newest picture, as a JPEG file; empty before the first."""
        with self._lock:
            return self._picture[1]

    def segment(self, number: int) -> Path | None:
        """The file of the segment of that number."""
        with self._lock:
            found = self._segments.get(number)
        return None if found is None else found.path

    def as_data(self) -> dict[str, Any]:
        """All that the page shows but the pictures."""
        with self._lock:
            rate = self._rate()
            parts = sorted(self._segments.values(), key=lambda each: each.first)
            return {
                "title": self.facts.title,
                "frames": self.facts.frames,
                "fps": self.facts.fps,
                "size": self.facts.size,
                "span": self.facts.span,
                "done": self._done,
                "label": self._label,
                "rate": rate,
                "left": (self.facts.frames - self._done) / rate if rate else None,
                "picture": self._picture[0],
                "segments": [{"number": s.number, "first": s.first, "frames": s.frames} for s in parts],
                "notes": list(self._notes),
                "ended": self._ended,
            }

    def _rate(self) -> float | None:
        """Frames per second, lately."""
        if len(self._passed) < 2:
            return None
        (began, first), (now, last) = self._passed[0], self._passed[-1]
        return (last - first) / (now - began) if last > first else None
