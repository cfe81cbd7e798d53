"""Events in the middle of a render, for real: signals, dying encoders, full disks, deleted folders.

``arm`` is called in the process that is about to render; the event starts after a certain frame.
"""

import os
import shutil
import signal
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from torch import Tensor

from pipeline import film
from pipeline.segments import join, playback, writer
from scripts.torture import encoders


class AtFrame:
    """A listener that acts when frame ``index`` is finished."""

    def __init__(self, index: int, act: Callable[[], None]) -> None:
        self._index, self._act = index, act

    def frame(self, index: int, frame: Tensor, label: str) -> None:
        if index == self._index:
            self._act()

    def segment(self, path: Path, first: int, frames: int) -> None:
        pass


def send(number: signal.Signals, times: int = 1) -> None:
    for _ in range(times):
        os.kill(os.getpid(), number)
        time.sleep(0.1)  # two signals that are pending together count as one


def send_to_encoder(number: signal.Signals) -> None:
    """A signal to the ffmpeg of segment 1, not to one that closes the segment before."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        for process in encoders(os.getpid()):
            if b"00001.mp4" in Path(f"/proc/{process}/cmdline").read_bytes():
                os.kill(process, number)
                return
        time.sleep(0.01)  # a busy machine may not have started it yet


def wait_for_first_segment() -> None:
    while not any(Path().glob("film*.work/shot-001/journal.jsonl")):
        time.sleep(0.01)


def send_after_first_segment(number: signal.Signals, times: int = 1) -> None:
    wait_for_first_segment()
    send(number, times)


def fill_disk() -> None:
    """Write until the disk is full to the last byte; only on a small disk made for the purpose."""
    wait_for_first_segment()
    assert shutil.disk_usage(".").total < 50e6
    with Path("ballast").open("wb", buffering=0) as file:
        for size in (1 << 20, 1 << 10, 1):
            try:
                while True:
                    file.write(b"x" * size)
            except OSError:
                continue


def fill_disk_before_join() -> None:
    """Fill the disk when the segments are about to be joined."""
    join = film.join_film

    def fill_and_join(*arguments: Any) -> Any:
        fill_disk()
        return join(*arguments)

    film.join_film = fill_and_join


def before_preview_and_cover(act: Callable[[], None]) -> None:
    """Let it happen when the film is finished, and its preview and cover are about to be made."""
    make = join.make_preview_and_cover

    def act_and_make(*arguments: Any) -> None:
        act()
        make(*arguments)

    join.make_preview_and_cover = act_and_make


def while_showing(count: int, act: Callable[[], None]) -> None:
    """Let it happen after ``count`` of the segments that are shown in another order."""
    move, moves = playback.move_into_place, list[Path]()

    def move_and_act(part: Path, path: Path, **options: Any) -> None:
        move(part, path, **options)
        moves.append(path)
        if len(moves) == count:
            act()

    playback.move_into_place = move_and_act


def delete_work_folder() -> None:
    shutil.rmtree("film.mp4.work")


def create_film() -> None:
    Path("film.mp4").write_bytes(b"precious")


def turn_clock_back() -> None:
    """The machine's clock jumps back by years."""
    time.time = lambda: 1.0e9


# name: (the frame after which it happens, what happens)
EVENTS: dict[str, tuple[int, Callable[[], None]]] = {
    "SIGINT": (6, partial(send, signal.SIGINT)),
    "SIGTERM": (6, partial(send, signal.SIGTERM)),
    "SIGHUP": (6, partial(send, signal.SIGHUP)),
    "SIGINT at frame 9": (9, partial(send, signal.SIGINT)),
    "SIGINT between segments": (7, partial(send, signal.SIGINT)),
    "SIGINT twice": (6, partial(send_after_first_segment, signal.SIGINT, 2)),
    "SIGKILL": (6, partial(send_after_first_segment, signal.SIGKILL)),
    "SIGKILL to ffmpeg": (6, partial(send_to_encoder, signal.SIGKILL)),
    "SIGSTOP to ffmpeg": (4, partial(send_to_encoder, signal.SIGSTOP)),
    "full disk": (6, fill_disk),
    "full disk at the end": (-1, lambda: None),
    "SIGKILL while showing": (-1, lambda: None),
    "full disk while showing": (-1, lambda: None),
    "full disk before the preview": (-1, lambda: None),
    "SIGKILL before the preview": (-1, lambda: None),
    "folder deleted": (6, delete_work_folder),
    "film appears": (6, create_film),
    "clock": (6, turn_clock_back),
}


def arm(name: str) -> None:
    """Let the event happen to the render that follows in this process."""
    index, act = EVENTS[name]
    assert writer.MIN_SPOOLED_SECONDS > 0
    writer.MIN_SPOOLED_SECONDS = 0.0  # so that even these short segments are spooled frame by frame
    if name == "full disk at the end":
        fill_disk_before_join()
    if name == "full disk before the preview":
        before_preview_and_cover(fill_disk)
    if name == "SIGKILL before the preview":
        before_preview_and_cover(partial(send, signal.SIGKILL))
    if name == "SIGKILL while showing":
        while_showing(1, partial(send, signal.SIGKILL))
    if name == "full disk while showing":
        while_showing(1, fill_disk)
    render = film.render
    film.render = lambda plan, listeners=(): render(plan, (AtFrame(index, act), *listeners))
