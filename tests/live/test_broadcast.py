"""The live picture as a video: received by a second ffmpeg, or written to a file."""

import socket
import subprocess
import time
from fractions import Fraction
from pathlib import Path

import pytest
import torch

from pipeline.errors import ConfigError, OutputError
from pipeline.live.broadcast import Broadcast, output_arguments
from pipeline.media import ffmpeg
from tests.counted import probe_and_count


def send(out: str, frames: int, pause: float = 0.0) -> None:
    with Broadcast(out, (96, 64), Fraction(12), overwrite=False) as sender:
        for index in range(frames):
            sender.show(torch.full((1, 3, 32, 48), index / frames), 1)
            time.sleep(pause or 0.01)


def test_second_ffmpeg_receives_every_frame(tmp_path: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"udp://127.0.0.1:{probe.getsockname()[1]}"
    copy = tmp_path / "copy.mkv"
    command = [ffmpeg.binary(), "-nostdin", "-loglevel", "error", "-i", f"{address}?timeout=4000000", "-t", "1"]
    receiver = subprocess.Popen([*command, "-c", "copy", str(copy)], stdin=subprocess.DEVNULL)
    try:
        time.sleep(1)
        send(address, 40, 0.05)
        receiver.wait(60)
    finally:
        receiver.kill()
        receiver.wait(60)
    facts = probe_and_count(copy)
    assert (facts.width, facts.height, facts.frames) == (96, 64, 12)


def test_file_holds_the_frames(tmp_path: Path) -> None:
    path = tmp_path / "take.mkv"
    with Broadcast(str(path), (96, 64), Fraction(12), overwrite=False) as sender:
        for index in range(10):
            sender.show(torch.full((1, 3, 64, 96), index / 10), 1 + index % 2)  # every other one is late
            time.sleep(0.1)
    facts = probe_and_count(path)
    assert (facts.frames, facts.fps) == (15, 12)
    with pytest.raises(OutputError, match="exists already"):
        output_arguments(str(path), Fraction(12), overwrite=False)


@pytest.mark.parametrize(
    "out", ["http://127.0.0.1:5000", "udp://127.0.0.1:0", "film.mp4", "/dev/video999", "/dev/null"]
)
def test_other_outputs_are_refused(out: str) -> None:
    with pytest.raises(ConfigError, match=r"^live\.out="):
        output_arguments(out, Fraction(12), overwrite=True)


def test_output_that_fails_does_not_hold_the_dream(tmp_path: Path) -> None:
    began = time.monotonic()
    (tmp_path / "gone").mkdir()
    sender = Broadcast(str(tmp_path / "gone" / "take.mkv"), (96, 64), Fraction(12), overwrite=False)
    (tmp_path / "gone").rmdir()
    with sender:
        for _ in range(50):
            sender.show(torch.zeros(1, 3, 64, 96), 1)
            time.sleep(0.02)
    assert time.monotonic() - began < 15
