"""The lock: one render per film; a crash leaves none behind."""

import fcntl
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.errors import OutputError
from pipeline.segments.lock import NO_LOCKS, RenderLock, is_held
from tests.processes import ending

HOLD = """
import sys, time
from pathlib import Path
from pipeline.segments.lock import RenderLock
with RenderLock(Path(sys.argv[1]), Path("zoom.mp4")):
    print("held", flush=True)
    time.sleep(60)
"""


def holding(path: Path) -> "subprocess.Popen[str]":
    """Another process that holds the lock."""
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_the_note_names_host_and_process(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with RenderLock(path, Path("zoom.mp4")):
        note = json.loads(path.with_suffix(".json").read_text())
        assert note["pid"] == os.getpid()
        assert note["host"]
        assert is_held(path)
    assert not path.with_suffix(".json").exists()
    assert not is_held(path)


def test_a_second_render_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with ending(holding(path)) as process:
        assert is_held(path)
        with pytest.raises(OutputError, match=rf"zoom.mp4 is being rendered by process {process.pid} since 2"):
            RenderLock(path, Path("zoom.mp4")).__enter__()
        assert path.exists()
        process.kill()


def test_the_lock_of_a_killed_render_is_taken_over(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with ending(holding(path)) as process:
        os.kill(process.pid, signal.SIGKILL)
    assert path.exists()
    assert not is_held(path)
    with RenderLock(path, Path("zoom.mp4")):
        assert json.loads(path.with_suffix(".json").read_text())["pid"] == os.getpid()


@pytest.mark.parametrize("content", ["", "{", "[]", "x" * 5000, '{"host": 7, "pid": "no"}', "\x00\xff"])
def test_only_a_lock_of_another_host_is_respected(tmp_path: Path, content: str) -> None:
    path = tmp_path / "lock"
    path.with_suffix(".json").write_text(content)
    if "host" in content:
        with pytest.raises(OutputError, match="is being rendered on 7; if that is over, delete"):
            RenderLock(path, Path("zoom.mp4")).__enter__()
        return
    with RenderLock(path, Path("zoom.mp4")):
        assert json.loads(path.with_suffix(".json").read_text())["pid"] == os.getpid()


@pytest.mark.parametrize("code", NO_LOCKS)
def test_without_file_locks_the_note_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, code: int
) -> None:
    def refuse(*arguments: object) -> None:
        raise OSError(code, os.strerror(code))

    path, sleeper = tmp_path / "lock", subprocess.Popen(["sleep", "60"])
    monkeypatch.setattr(fcntl, "flock", refuse)
    caplog.set_level("INFO", "pipeline")
    with RenderLock(path, Path("zoom.mp4")):
        assert not is_held(path)
    assert "has no locks" in caplog.text
    path.with_suffix(".json").write_text(json.dumps({"host": socket.gethostname(), "pid": sleeper.pid}))
    with pytest.raises(OutputError, match=f"is being rendered by process {sleeper.pid}"):
        RenderLock(path, Path("zoom.mp4")).__enter__()
    sleeper.kill()
    sleeper.wait(60)
    with RenderLock(path, Path("zoom.mp4")):
        assert json.loads(path.with_suffix(".json").read_text())["pid"] == os.getpid()


def test_an_unwritable_folder_is_an_output_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="lock cannot be written"):
        RenderLock(tmp_path / "file" / "lock", Path("zoom.mp4")).__enter__()


def test_leaving_ignores_a_removed_folder(tmp_path: Path) -> None:
    folder = tmp_path / "work"
    folder.mkdir()
    with RenderLock(folder / "lock", Path("zoom.mp4")):
        shutil.rmtree(folder)
    assert not folder.exists()
