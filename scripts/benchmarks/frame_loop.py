"""The whole loop of a film, score to encoder, in batches that end when all that was asked for is done."""

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from torch import Tensor

from pipeline.media.encode.encoder import Encoder
from pipeline.media.encode.frame_pipe import FramePipe
from pipeline.segments.shot_render import encoder as encoder_of
from scripts.benchmarks.workload import Subject, wait

LOOK = 0.0005  # seconds between two looks at an encoder that works
WORKING = "RDTt"  # has or wants a processor, waits for a disk, was stopped
STILL = 3  # looks in a row that have to find it asleep


class Loop:
    """One film on its way: a call dreams the next frame and queues it for the encoder, as a render does."""

    def __init__(self, of: Subject, encoder: Encoder) -> None:
        shot = of.shot()
        self._device, self._encoder, self._steps = of.network.device, encoder, shot.render(shot.canvas)

    def __call__(self) -> Tensor:
        found = next(self._steps).frame
        self._encoder.write(found)
        return found

    def batch(self, frames: int) -> Callable[[], None]:
        """So many frames, until they are encoded and the device has done its work.

        Frames only wait in a queue when they are written, and ffmpeg is a process of its own: what is measured up to
        there would leave the rest to whatever is measured next.
        """

        def run() -> None:
            for _ in range(frames):
                self()
            self.settle()

        return run

    def resolve_encoder(self) -> None:
        """Wait until nothing is left to do. Raises what the encoder raises, DreamError and EncoderError."""
        wait(self._device)
        sink = self._encoder._opened()
        while not _has_written(sink):
            time.sleep(LOOK)
            sink._check_fetched()
            sink._check_stall()
        while not _sleeps(sink._process.popen.pid):
            time.sleep(LOOK)


@contextmanager
def looping(of: Subject, folder: Path, *, warm: int = 0) -> Iterator[Loop]:
    """The loop of the subject's film, after ``warm`` frames; its file lies in a folder of its own in ``folder``."""
    path = Path(tempfile.mkdtemp(dir=folder)) / "loop.mp4"
    with encoder_of(of.plan, path, False, from_gpu=of.network.device.type == "cuda") as encoder:
        loop = Loop(of, encoder)
        loop.batch(warm)()
        yield loop


def _has_written(sink: FramePipe) -> bool:
    """Whether the writing thread has written all and waits for the next frame, or has ended."""
    queue = sink._queue
    with queue.mutex:  # the thread holds it from finding the queue empty until it waits
        waits = not queue.queue and bool(queue.not_empty._waiters)  # type: ignore[attr-defined]
    return waits or not sink._writer.is_alive()


def _sleeps(process: int) -> bool:
    """Whether all threads of the process wait for something, and not only for a processor; True where nobody tells.

    One of several looks might meet two threads between a word and its answer.
    """
    for _ in range(STILL):
        states = []
        for task in Path(f"/proc/{process}/task").glob("*/stat"):
            try:
                states.append(task.read_text().rpartition(")")[2].split()[0])
            except OSError:  # it has just ended
                return False
        if any(state in WORKING for state in states):
            return False
    return True
