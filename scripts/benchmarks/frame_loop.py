"""The whole loop of a film, from score to encoder, in batches that end when their frames are encoded."""

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from torch import Tensor

from pipeline.media.encode.encoder import Encoder
from pipeline.segments.shot_render import encoder as encoder_of
from scripts.benchmarks.timing import children
from scripts.benchmarks.workload import Subject, wait

POLL_SECONDS = 0.0005  # seconds between two polls of the encoder
BUSY_STATES = "RDTt"  # running or runnable, waiting for a disk, stopped
POLLS = 3  # in a row that have to show it asleep


class Loop:
    """A film being rendered: a call dreams the next frame and queues it for the encoder, as a render does."""

    def __init__(self, of: Subject, encoder: Encoder) -> None:
        shot = of.shot()
        self._device, self.encoder, self._steps = of.network.device, encoder, shot.render(shot.canvas)

    def __call__(self) -> Tensor:
        frame = next(self._steps).frame
        self.encoder.write(frame)
        return frame

    def batch(self, frames: int) -> Callable[[], None]:
        """A job of this many frames, which ends when they are encoded and the device is idle.

        Written frames only wait in a queue, and ffmpeg is another process: a job that ended there would leave the rest
        of its work to the next measurement.
        """

        def run() -> None:
            for _ in range(frames):
                self()
            self.finish()

        return run

    def finish(self) -> None:
        """Wait until all is encoded. Raises DreamError and EncoderError."""
        wait(self._device)
        self.encoder.flush()
        while not all(map(sleeps, children())):
            time.sleep(POLL_SECONDS)


@contextmanager
def looping(of: Subject, folder: Path, *, warm: int = 0) -> Iterator[Loop]:
    """The loop of the subject's film, after ``warm`` frames; its file is in a new folder in ``folder``."""
    path = Path(tempfile.mkdtemp(dir=folder)) / "loop.mp4"
    with encoder_of(of.plan, path, False, from_gpu=of.network.device.type == "cuda") as encoder:
        loop = Loop(of, encoder)
        loop.batch(warm)()
        yield loop


def sleeps(process: int) -> bool:
    """Whether all threads of the process sleep; True where the system does not tell.

    A single poll might fall between one thread's message and another's answer.
    """
    for _ in range(POLLS):
        states = []
        for task in Path(f"/proc/{process}/task").glob("*/stat"):
            try:
                states.append(task.read_text().rpartition(")")[2].split()[0])
            except OSError:  # it has just ended
                return False
        if any(state in BUSY_STATES for state in states):
            return False
    return True
