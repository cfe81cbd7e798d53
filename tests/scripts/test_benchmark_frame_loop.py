"""A batch of the loop ends when its frames are encoded, and includes the encoder's processor time."""

import os
import signal
import subprocess
import sys
import threading
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch

from pipeline.cli import compose
from pipeline.media.decode.probe import count_frames
from pipeline.media.encode import frame_pipe
from pipeline.runtime.environment import PASSIVE_THREADS
from scripts.benchmarks import measures, roofline, scaling, subprocesses
from scripts.benchmarks.frame_loop import Loop, looping, sleeps
from scripts.benchmarks.timing import clock, processor_time
from scripts.benchmarks.workload import Subject, subject
from tests.media.children import ffmpeg_children
from tests.processes import ending

WORK = "import time\nbegan = time.process_time()\nwhile time.process_time() - began < {}: pass"
ON_LINUX = pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="needs Linux")
SLOW = 0.4  # seconds that a write takes


@pytest.fixture
def small(tmp_path: Path) -> Subject:
    compose.register()
    more = ["dream.octaves=1", "network.default_targets=[stage1]", "network.layers=[stage1]"]
    return subject("motifnet", (48, 64), tmp_path, device="cpu", more=["precision=float32", *more])


class Slow:
    """The module ``os`` of a system that is slow to write."""

    def __getattr__(self, name: str) -> Any:
        return getattr(os, name)

    def write(self, file: int, data: bytes) -> int:
        time.sleep(SLOW)
        return os.write(file, data)


def test_a_slow_encoder_is_a_slow_loop(small: Subject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Frames are small enough to be written in one piece, and few enough to all wait in the queue."""
    monkeypatch.setattr(frame_pipe, "os", Slow())
    monkeypatch.setattr(measures, "MIN_BATCH_SECONDS", 0)
    monkeypatch.setattr(roofline, "MATRIX_SIDE", 64)
    results = measures.overhead(small, tmp_path, 1, least=2)
    assert results["seconds_per_frame"] >= SLOW
    assert results["overhead"] >= SLOW / results["seconds_bare"]


@ON_LINUX
def test_a_batch_waits_until_the_encoder_is_done(small: Subject, tmp_path: Path) -> None:
    """The encoder is stopped for a while, with the frame in the pipe."""
    with looping(small, tmp_path, warm=1) as loop:
        (process,) = ffmpeg_children()
        os.kill(process, signal.SIGSTOP)
        threading.Timer(SLOW, os.kill, (process, signal.SIGCONT)).start()
        assert clock(loop.batch(1)).wall >= SLOW


@ON_LINUX
def test_a_processsleeps_when_all_its_threads_do() -> None:
    work = "import threading, sys\ndef run(): [x for x in iter(int, 1)]\nprint(1, flush=True)\n"
    wait, spin = "input()", "threading.Thread(target=run, daemon=True).start(); input()"
    for words, asleep in ((wait, True), (spin, False)):
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        with ending(subprocess.Popen([sys.executable, "-c", work + words], **pipes)) as process:
            assert process.stdout is not None
            process.stdout.readline()
            patience = time.monotonic() + 20
            while sleeps(process.pid) is not asleep and time.monotonic() < patience:
                time.sleep(0.01)
            results = [sleeps(process.pid) for _ in range(5)]
            process.kill()
        assert results == [asleep] * 5


def test_a_dead_encoder_is_reported(small: Subject, tmp_path: Path) -> None:
    with pytest.raises(frame_pipe.EncoderError, match="ffmpeg"), looping(small, tmp_path) as loop:
        (process,) = ffmpeg_children()
        os.kill(process, signal.SIGKILL)
        loop.batch(20)()


def test_each_loop_has_its_own_file(small: Subject, tmp_path: Path) -> None:
    with looping(small, tmp_path) as one, looping(small, tmp_path) as other:
        one.batch(2)()
        other.batch(3)()
        paths = [loop.encoder.part for loop in (one, other)]
    assert [count_frames(path) for path in paths] == [2, 3]


@ON_LINUX
def test_processor_time_includes_children() -> None:
    before = processor_time()
    own = time.process_time()
    with ending(
        subprocess.Popen([sys.executable, "-c", f"{WORK.format(0.2)}\ninput()"], stdin=subprocess.PIPE)
    ) as process:
        end = time.monotonic() + 60
        while processor_time() - before < 0.2:
            assert time.monotonic() < end
            time.sleep(0.01)
        assert time.process_time() - own < 0.2
        running = processor_time()
        process.communicate(b"\n", timeout=60)
    assert processor_time() >= running
    assert clock(lambda: subprocess.run([sys.executable, "-S", "-c", WORK.format(0.1)], check=True)).cpu >= 0.1


def test_the_network_is_cut_deeper_and_deeper(small: Subject, tmp_path: Path) -> None:
    results = scaling.with_layers(small, tmp_path, "cpu", 1)
    rows = list(results["layers"].values())
    assert next(iter(results["layers"])) == "stage1" and len(rows) == scaling.DEPTHS
    assert all(shallow["gflop"] < deep["gflop"] for shallow, deep in pairwise(rows))
    assert all(row["milliseconds"] > 0 and row["milliseconds_bare"] > 0 for row in rows)


def test_memory_growth_is_measured(small: Subject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scaling, "PART_FRAMES", 6)
    steady = scaling.with_frames(small, tmp_path)["megabytes_with_frames"]
    blocks, whole = [], Loop.__call__
    monkeypatch.setattr(Loop, "__call__", lambda self: (blocks.append(torch.ones(1 << 20)), whole(self))[1])
    growing = scaling.with_frames(small, tmp_path)["megabytes_with_frames"]
    assert max(steady) - min(steady) < 20
    assert all(after - before > 20 for before, after in pairwise(growing))


@pytest.mark.slow
def test_spinning_and_sleeping_threads_take_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only one of the two programs has the settings for sleeping threads, whatever this process has."""
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    monkeypatch.setenv("OMP_WAIT_POLICY", "passive")
    environments, turn = [], subprocesses.frame_seconds

    def noted(process: "subprocess.Popen[str]") -> float:
        surroundings = Path(f"/proc/{process.pid}/environ").read_bytes().decode().split("\0")
        environments.append({f"{name}={value}" in surroundings for name, value in PASSIVE_THREADS.items()})
        return turn(process)

    monkeypatch.setattr(subprocesses, "frame_seconds", noted)
    results = subprocesses.threads("motifnet", (48, 64), 1)
    assert environments == [{False}, {True}, {False}, {True}]
    assert set(results) == {
        f"{what}_{where}" for what in ("spinning_over_passive", "milliseconds_passive") for where in ("alone", "beside")
    }
    assert all(value > 0 for value in results.values())
