"""Things that happen to a render in its middle, for real: signals, dying encoders, full disks, vanishing folders.

``arm`` is called in the process that is about to render; the trouble starts when a certain frame was dreamed.
"""

import os
import shutil
import signal
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from torch import Tensor

from pipeline import film
from pipeline.segments import writer
from scripts.torture import encoders

SHELF = Path("film.work") / "shot-001"


class At:
    """A watcher that does something when frame ``index`` was dreamed."""

    def __init__(self, index: int, act: Callable[[], None]) -> None:
        self._index, self._act = index, act

    def frame(self, index: int, frame: Tensor, label: str) -> None:
        if index == self._index:
            self._act()

    def segment(self, path: Path, first: int, frames: int) -> None:
        pass


def hit(number: signal.Signals, times: int = 1) -> None:
    for _ in range(times):
        os.kill(os.getpid(), number)


def to_encoder(number: signal.Signals) -> None:
    """A signal to the ffmpeg that takes the frames now, not to one that closes the segment before."""
    patience = time.monotonic() + 10
    while time.monotonic() < patience:
        for process in encoders(os.getpid()):
            if b"00001.mp4" in Path(f"/proc/{process}/cmdline").read_bytes():
                os.kill(process, number)
                return
        time.sleep(0.01)  # a busy machine may not have begun it yet


def settle() -> None:
    """Until the first segment is finished."""
    while not (SHELF / "journal.jsonl").exists():
        time.sleep(0.01)


def fill_the_disk() -> None:
    """Every last byte; only for a disk made for the purpose."""
    settle()
    assert shutil.disk_usage(".").total < 50e6
    with Path("ballast").open("wb", buffering=0) as file:
        for size in (1 << 20, 1 << 10, 1):
            try:
                while True:
                    file.write(b"x" * size)
            except OSError:
                continue


def fill_the_disk_at_the_end() -> None:
    """Full when the segments are to be joined, and not before."""
    joining = film._assemble

    def full(*given: object, **named: object) -> None:
        fill_the_disk()
        joining(*given, **named)  # type: ignore[arg-type]

    film._assemble = full  # type: ignore[assignment]


def turn_the_clock() -> None:
    """The machine's clock jumps back by years in mid-render."""
    time.time = lambda: 1.0e9


TROUBLES: dict[str, tuple[int, Callable[[], None]]] = {
    "SIGINT": (6, partial(hit, signal.SIGINT)),
    "SIGTERM": (6, partial(hit, signal.SIGTERM)),
    "SIGHUP": (6, partial(hit, signal.SIGHUP)),
    "SIGINT at frame 9": (9, partial(hit, signal.SIGINT)),
    "SIGINT between segments": (7, partial(hit, signal.SIGINT)),
    "SIGINT twice": (6, lambda: (settle(), hit(signal.SIGINT, 2))[1]),  # type: ignore[func-returns-value]
    "SIGKILL": (6, lambda: (settle(), hit(signal.SIGKILL))[1]),  # type: ignore[func-returns-value]
    "SIGKILL to ffmpeg": (6, partial(to_encoder, signal.SIGKILL)),
    "SIGSTOP to ffmpeg": (4, partial(to_encoder, signal.SIGSTOP)),
    "full disk": (6, fill_the_disk),
    "full disk at the end": (-1, lambda: None),
    "folder deleted": (6, lambda: shutil.rmtree("film.work")),
    "film appears": (6, lambda: Path("film.mp4").write_bytes(b"precious") and None),
    "clock": (6, turn_the_clock),
}


def arm(name: str) -> None:
    """Let the render that follows in this process meet the trouble."""
    index, act = TROUBLES[name]
    writer.WORTH = 0.0  # so that even these short segments are kept frame by frame
    if name == "full disk at the end":
        fill_the_disk_at_the_end()
    film.render = partial(film.render, watchers=(At(index, act),))  # type: ignore[assignment]
