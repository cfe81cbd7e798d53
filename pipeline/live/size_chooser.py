"""How large a frame a machine can dream in time: sizes, and when to change them."""

import re
from collections import deque
from dataclasses import dataclass, field

from pipeline.errors import ConfigError

SHORT_SIDES = (72, 90, 108, 126, 144, 162, 180, 216, 252, 288, 324, 360, 432, 504, 576, 648, 720, 864, 1080, 1440, 2160)
HIGH_LOAD, LOW_LOAD, TARGET_LOAD = 0.95, 0.45, 0.7  # of the time there is for a frame
MEASURED_FRAMES = 24
MIN_SECONDS_BETWEEN = 4.0
UP_SECONDS = 12.0


def sizes(width: int, height: int, max_side: int) -> list[tuple[int, int]]:
    """(width, height) of frames of this shape, small to large, with even sides of at most ``max_side``."""
    result = []
    for side in SHORT_SIDES:
        factor = side / min(width, height)
        size = (2 * round(width * factor / 2), 2 * round(height * factor / 2))
        if max(size) <= max_side:
            result.append(size)
    return result or [
        (2 * round(max_side / 2), 2 * max(8, round(max_side * min(width, height) / max(width, height) / 2)))
    ]


def sizes_of(written: str, target: tuple[int, int], max_side: int) -> list[tuple[int, int]]:
    """The sizes (width, height) of ``live.size``, of the shape of ``target``. Raises ConfigError."""
    if written == "auto":
        return sizes(*target, max_side)
    match = re.fullmatch(r"\s*(\d{2,4})\s*x\s*(\d{2,4})\s*", written)
    if match is None:
        raise ConfigError("live.size", written, "write a width and a height, as 192x108, or auto")
    return [(int(match[1]), int(match[2]))]


@dataclass
class SizeChooser:
    """Chooses among ``sizes`` (pixels, small to large) the largest that is dreamed in ``budget`` seconds a frame."""

    sizes: list[tuple[int, int]]
    budget: float
    index: int = 0
    _times: deque[float] = field(default_factory=lambda: deque(maxlen=MEASURED_FRAMES))
    _changed_at: float = 0.0
    _warned: bool = False

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) now."""
        return self.sizes[self.index]

    def measure(self, seconds: float, now: float) -> str:
        """A frame took ``seconds``; what to change, as a note, or empty. ``now`` is in seconds of the dream."""
        self._times.append(seconds)
        if len(self._times) < MEASURED_FRAMES or now - self._changed_at < MIN_SECONDS_BETWEEN:
            return ""
        load = sorted(self._times)[len(self._times) // 2] / self.budget
        rises = load < LOW_LOAD and now - self._changed_at >= UP_SECONDS
        if not rises and load <= HIGH_LOAD:
            return ""
        before = self.size
        self.index = self._fitting(load)
        if self.size != before:
            self._times.clear()
            self._changed_at = now
            way = "too slow for" if load > 1 else "busy with" if load > HIGH_LOAD else "fast enough for more than"
            width, height = self.size
            return f"this machine is {way} {before[0]}x{before[1]}; the frame is now {width}x{height}"
        if load > 1 and not self._warned:
            self._warned = True
            return f"this machine dreams {1 / (load * self.budget):.1f} frames a second at {before[0]}x{before[1]}"
        return ""

    def first(self, seconds: float, pixels: int) -> None:
        """Choose the size for the start: a frame of so many ``pixels`` took ``seconds``."""
        each = seconds / pixels
        fitting = [n for n, (w, h) in enumerate(self.sizes) if w * h * each <= TARGET_LOAD * self.budget]
        self.index = max(fitting, default=0)

    def _fitting(self, load: float) -> int:
        """The index of the largest size whose load should be moderate; a time per pixel is much the same."""
        pixels = self.size[0] * self.size[1]
        fitting = [n for n, (w, h) in enumerate(self.sizes) if load * w * h / pixels <= TARGET_LOAD]
        index = max(fitting, default=0)
        return min(index, self.index + 2) if index > self.index else index
