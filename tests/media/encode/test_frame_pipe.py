"""The frame pipe always ends: with a complete file, or with an error and nothing left running."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from pipeline.errors import EncoderError
from pipeline.media.encode.frame_pipe import FramePipe
from tests.media.children import ffmpeg_children
from tests.processes import ending

FRAME = 64 * 48 * 3
RAW = ["-f", "rawvideo", "-pixel_format", "rgb24", "-video_size", "64x48", "-i", "pipe:0"]


@pytest.fixture(autouse=True)
def nothing_left_over() -> Iterator[None]:
    """No thread, no open file and no process outlives a sink."""
    threads, files = threading.active_count(), len(os.listdir("/proc/self/fd"))  # noqa: PTH208
    yield
    assert threading.active_count() == threads
    assert len(os.listdir("/proc/self/fd")) == files  # noqa: PTH208
    assert not ffmpeg_children()


def sink(*arguments: str, frame_bytes: int = FRAME, **options: float) -> FramePipe:
    return FramePipe([*RAW, *arguments], frame_bytes=frame_bytes, doing="encoding it", **options)  # type: ignore[arg-type]


def to_file(path: Path) -> FramePipe:
    return sink("-f", "rawvideo", "-y", f"file:{path}")


def stopped(**options: float) -> FramePipe:
    """A sink whose ffmpeg stands still."""
    others = ffmpeg_children()
    still = sink("-f", "null", "-", **options)
    (process,) = set(ffmpeg_children()).difference(others)
    os.kill(process, signal.SIGSTOP)
    return still


def test_every_byte_arrives(tmp_path: Path) -> None:
    frames = np.random.default_rng(1).integers(0, 256, (30, 48, 64, 3), dtype=np.uint8)
    into = to_file(tmp_path / "frames.raw")
    for frame in frames:
        mutable = frame.copy()
        into.write(mutable)
        mutable[:] = 0  # the sink keeps a copy
    into.close()
    into.close()
    assert (tmp_path / "frames.raw").read_bytes() == frames.tobytes()


def test_frames_may_come_later(tmp_path: Path) -> None:
    into = to_file(tmp_path / "frames.raw")
    for number in range(20):
        into.write_later(lambda number=number: bytes([number]) * FRAME)
        into.write(bytes([255 - number]) * FRAME)
    into.close()
    expected = b"".join(bytes([number]) * FRAME + bytes([255 - number]) * FRAME for number in range(20))
    assert (tmp_path / "frames.raw").read_bytes() == expected


@pytest.mark.parametrize("more", [0, 20])
def test_errors_of_a_late_frame_are_raised(more: int) -> None:
    into = sink("-f", "null", "-")

    def lost() -> bytes:
        raise OSError("it was only a dream")

    with pytest.raises(OSError, match="only a dream"):
        into.write_later(lost)
        for _ in range(more):
            into.write(bytes(FRAME))
        into.close()
    short = sink("-f", "null", "-")
    short.write_later(lambda: b"dreamed")
    with pytest.raises(ValueError, match=f"a frame of 7 bytes; needs {FRAME}"):
        short.close()


def test_flush_waits_for_late_frames(tmp_path: Path) -> None:
    into, fetched = to_file(tmp_path / "frames.raw"), list[int]()

    def fetch(number: int) -> bytes:
        time.sleep(0.02)
        fetched.append(number)
        return bytes(FRAME)

    for number in range(5):
        into.write_later(partial(fetch, number))
    into.flush()
    assert fetched == [0, 1, 2, 3, 4]
    into.close()


def test_waiting_for_a_frame_is_no_stall() -> None:
    into = sink("-f", "null", "-", stall=0.2)
    into.write_later(lambda: (time.sleep(0.6), bytes(FRAME))[1])
    for _ in range(12):
        into.write(bytes(FRAME))
    into.close()


def test_ffmpeg_has_a_group_of_its_own() -> None:
    into = sink("-f", "null", "-")
    (process,) = ffmpeg_children()
    assert os.getpgid(process) == process != os.getpgid(0)
    into.abort()


def test_only_complete_frames_are_accepted() -> None:
    into = sink("-f", "null", "-")
    with pytest.raises(ValueError, match=f"a frame of 7 bytes; needs {FRAME}"):
        into.write(b"dreamed")
    into.abort()


def test_a_full_disk_is_noticed() -> None:
    into = to_file(Path("/dev/full"))
    with pytest.raises(EncoderError, match=r"encoding it failed; ffmpeg said: ."):
        write_until_error(into)


def test_wrong_arguments_are_reported() -> None:
    into = sink("-c:v", "nonsense", "-f", "null", "-")
    with pytest.raises(EncoderError, match="nonsense"):
        write_until_error(into)


def test_a_killed_ffmpeg_is_noticed_by_the_next_writes() -> None:
    into = sink("-f", "null", "-")
    into.write(bytes(FRAME))
    (process,) = ffmpeg_children()
    os.kill(process, signal.SIGKILL)
    with pytest.raises(EncoderError, match="ffmpeg ended with -9"):
        write_until_error(into)


def test_a_death_after_the_last_frame_is_noticed() -> None:
    into = stopped()
    into.write(bytes(FRAME))
    (process,) = ffmpeg_children()
    os.kill(process, signal.SIGKILL)
    with pytest.raises(EncoderError, match="ffmpeg ended with -9"):
        into.close()


def test_an_ffmpeg_that_ends_early_is_noticed() -> None:
    into = sink("-frames:v", "2", "-f", "null", "-")
    with pytest.raises(EncoderError, match="encoding it failed"):
        write_until_error(into)


def test_a_hung_ffmpeg_is_stopped_while_writing() -> None:
    into = stopped(stall=0.3)
    began = time.monotonic()
    with pytest.raises(EncoderError, match=r"ffmpeg hung, it took nothing for 0\.3 s"):
        write_until_error(into)
    assert time.monotonic() - began < 5


def test_a_hung_ffmpeg_is_stopped_while_flushing() -> None:
    big = stopped(stall=0.3, frame_bytes=1 << 20)  # more than a pipe holds
    big.write(bytes(1 << 20))
    with pytest.raises(EncoderError, match="hung"):
        big.flush()


def test_a_hung_ffmpeg_is_stopped_while_closing() -> None:
    big = stopped(stall=0.3, frame_bytes=1 << 20)  # more than a pipe holds
    big.write(bytes(1 << 20))
    with pytest.raises(EncoderError, match="hung"):
        big.close()
    small = stopped(finish=0.3, frame_bytes=100)
    small.write(bytes(100))
    with pytest.raises(EncoderError, match=r"hung for 0\.3 s after the last frame"):
        small.close()


def test_a_slow_render_is_no_stall(tmp_path: Path) -> None:
    into = sink("-f", "rawvideo", f"file:{tmp_path / 'slow.raw'}", stall=0.2)
    for _ in range(3):
        time.sleep(0.3)
        into.write(bytes(FRAME))
    into.close()
    assert (tmp_path / "slow.raw").stat().st_size == 3 * FRAME


def test_abort_may_be_repeated_whatever_the_state() -> None:
    for into in (sink("-f", "null", "-"), stopped()):
        for _ in range(3):
            into.write(bytes(FRAME))
        into.abort()
        into.abort()
        into.close()
        with pytest.raises(ValueError, match="closed"):
            into.write(bytes(FRAME))


def write_until_error(into: FramePipe) -> None:
    for _ in range(400):
        into.write(bytes(FRAME))
    into.close()


PAUSED = """
import subprocess, os
from pipeline.media.encode.frame_pipe import FramePipe
size = ["-re", "-f", "rawvideo", "-pixel_format", "rgb24", "-video_size", "640x360", "-framerate", "24", "-i", "pipe:0"]
into = FramePipe([*size, "-f", "null", "-"], frame_bytes=691200, doing="encoding it", stall=1.0, depth=2)
for number in range(60):
    into.write(bytes(691200))
    if number == 12:
        print("ready", flush=True)
into.close()
"""


def test_a_render_that_was_stopped_and_goes_on_is_no_stall() -> None:
    with ending(
        subprocess.Popen([sys.executable, "-c", PAUSED], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    ) as process:
        assert process.stdout is not None and process.stdout.readline() == b"ready\n"
        for _ in range(3):
            process.send_signal(signal.SIGSTOP)
            time.sleep(1.5)
            process.send_signal(signal.SIGCONT)
            time.sleep(0.15)
        assert process.communicate(timeout=60)[1].decode() == "" and process.returncode == 0
